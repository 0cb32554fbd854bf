/**
 * @file Gauss–Legendre quadrature: `∫_{−1}^1 p = Σ w_j p(u_j)` with m nodes, exact for degrees up to 2m − 1; and the Legendre
 * coefficients that m values give. Letters: m the number of nodes, P_k the Legendre polynomials.
 */

/** Ascending nodes in (−1, 1) and positive weights that sum to 2. */
interface Quadrature {
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
  /** P_k at node j, `legendre[k * m + j]`, k < m. */
  readonly legendre: Float64Array;
}

const kept = new Map<number, Quadrature>();

/** The rule with m nodes, by Newton's method on P_m. */
export function gaussLegendre(m: number): Quadrature {
  const known = kept.get(m);
  if (known) return known;
  const nodes = new Float64Array(m);
  const weights = new Float64Array(m);
  for (let j = 0; j < Math.ceil(m / 2); j++) {
    // the middle of an odd rule is exactly 0
    let x = 2 * j + 1 === m ? 0 : -Math.cos((Math.PI * (j + 0.75)) / (m + 0.5));
    for (let step = 0; step < 100; step++) {
      const { value, slope } = legendreAt(m, x);
      const moved = x - value / slope;
      const done = Math.abs(moved - x) <= 2 ** -54;
      x = moved;
      if (done) break;
    }
    const { slope } = legendreAt(m, x);
    const weight = 2 / ((1 - x * x) * slope * slope);
    nodes[j] = x;
    nodes[m - 1 - j] = 0 - x;
    weights[j] = weight;
    weights[m - 1 - j] = weight;
  }
  const legendre = new Float64Array(m * m);
  for (let j = 0; j < m; j++) {
    let [before, now] = [0, 1];
    for (let k = 0; k < m; k++) {
      legendre[k * m + j] = now;
      [before, now] = [now, ((2 * k + 1) * nodes[j] * now - k * before) / (k + 1)];
    }
  }
  const made = { nodes, weights, legendre };
  kept.set(m, made);
  return made;
}

/** P_m and its derivative at x in (−1, 1). */
function legendreAt(m: number, x: number): { value: number; slope: number } {
  let [before, now] = [0, 1];
  for (let k = 0; k < m; k++) [before, now] = [now, ((2 * k + 1) * x * now - k * before) / (k + 1)];
  return { value: now, slope: (m * (before - x * now)) / (1 - x * x) };
}

/** |coefficient of P_k| over all columns of the values at the nodes, the largest for each k < m. */
export function coefficientSizes(m: number, values: Float64Array, offset: number, columns: number): Float64Array {
  const { weights, legendre } = gaussLegendre(m);
  const out = new Float64Array(m);
  for (let k = 0; k < m; k++)
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let j = 0; j < m; j++) sum += weights[j] * legendre[k * m + j] * values[offset + j * columns + c];
      out[k] = Math.max(out[k], Math.abs(sum) * (k + 0.5));
    }
  return out;
}
