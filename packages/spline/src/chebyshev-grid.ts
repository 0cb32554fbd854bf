/**
 * @file Polynomials on [−1, 1] as values at Chebyshev–Lobatto nodes: reading them elsewhere, and their coefficients.
 *
 * Letters: n a degree, u a point of [−1, 1], node j of degree n is −cos(πj/n), ascending; T_k the Chebyshev polynomials.
 * A *block* holds many polynomials at once, one a column: `values[node * columns + column]`.
 * This is not an adaptive approximation: the degree is known, and every conversion is exact up to rounding.
 * Matrices are row-major. Those marked *shared* are kept and handed out again: read them, never write to them.
 */
import { checkDegree, refusal } from "./check.ts";

/**
 * The n + 1 Chebyshev–Lobatto nodes sin(π(2j − n)/(2n)), ascending from −1 to 1, symmetric to the last bit.
 *
 * Degree 0 has the single node 0. The array is shared.
 *
 * @param degree - n, an integer ≥ 0
 * @throws RangeError if the degree is not an integer ≥ 0
 * @source Trefethen, Approximation Theory and Approximation Practice, chapter 2
 * @example
 * ```ts
 * import { chebyshevNodes } from "@splineformer/spline";
 * Array.from(chebyshevNodes(2)); // [-1, 0, 1]
 * ```
 */
export function chebyshevNodes(degree: number): Float64Array {
  return nodes(degree);
}

const nodes = memo((n) => {
  checkDegree("chebyshevNodes", n);
  if (n === 0) return new Float64Array(1);
  return Float64Array.from({ length: n + 1 }, (_, j) => Math.sin((Math.PI * (2 * j - n)) / (2 * n)));
});

/**
 * The n + 1 weights that read a polynomial of degree n at u from its node values: p(u) = Σ_j row[j] · values[j].
 *
 * Barycentric formula, second form: stable for u in [−1, 1], which is required. At a node the row is exactly one 1 and zeros.
 *
 * @param degree - n, an integer ≥ 0
 * @param u - where to read, in [−1, 1]
 * @param out - written and returned, length n + 1; default a new array
 * @throws RangeError if u is outside [−1, 1]
 * @source Berrut, Trefethen, Barycentric Lagrange interpolation, https://doi.org/10.1137/S0036144502417715
 * @example
 * ```ts
 * import { barycentricRow } from "@splineformer/spline";
 * Array.from(barycentricRow(1, 0.5)); // [0.25, 0.75]
 * ```
 */
export function barycentricRow(
  degree: number,
  u: number,
  out: Float64Array = new Float64Array(degree + 1),
): Float64Array {
  checkDegree("barycentricRow", degree);
  if (!(u >= -1 && u <= 1)) throw refusal("barycentricRow", "u in [-1, 1]", u);
  writeRow(nodes(degree), degree, u, out, 0);
  return out;
}

function writeRow(x: Float64Array, n: number, u: number, out: Float64Array, offset: number): void {
  if (n === 0) {
    out[offset] = 1;
    return;
  }
  let sum = 0;
  for (let j = 0; j <= n; j++) {
    const gap = u - x[j];
    if (gap === 0) {
      out.fill(0, offset, offset + n + 1);
      out[offset + j] = 1;
      return;
    }
    const weight = ((j & 1 ? -1 : 1) * (j === 0 || j === n ? 0.5 : 1)) / gap;
    sum += weight;
    out[offset + j] = weight;
  }
  for (let j = 0; j <= n; j++) out[offset + j] /= sum;
}

/**
 * The matrix that turns values at the nodes of degree `from` on [−1, 1] into values at the nodes of degree `to` on [lo, hi].
 *
 * With lo = −1 and hi = 1 it changes the degree (raising is exact, lowering is interpolation) and is shared;
 * otherwise it restricts to a part, exactly when `to` ≥ the polynomial's degree. Ends are read at exactly lo and hi.
 *
 * @param from - degree of the given values
 * @param to - degree of the wanted values; one node (the middle) when 0
 * @param lo - start of the part, −1 ≤ lo ≤ hi
 * @param hi - end of the part, hi ≤ 1
 * @returns (to + 1) × (from + 1), row-major
 * @throws RangeError if a degree is not an integer ≥ 0 or [lo, hi] is not inside [−1, 1]
 * @example
 * ```ts
 * import { resampleMatrix } from "@splineformer/spline";
 * Array.from(resampleMatrix(1, 1, -1, 0)); // [1, 0, 0.5, 0.5]
 * ```
 */
export function resampleMatrix(from: number, to: number, lo = -1, hi = 1): Float64Array {
  checkDegree("resampleMatrix", from, "from");
  checkDegree("resampleMatrix", to, "to");
  if (!(lo >= -1 && lo <= hi && hi <= 1)) throw refusal("resampleMatrix", "-1 <= lo <= hi <= 1", [lo, hi]);
  if (lo !== -1 || hi !== 1) return resample(from, to, lo, hi);
  const key = `${from},${to}`;
  let matrix = degreeChanges.get(key);
  if (!matrix) {
    matrix = resample(from, to, -1, 1);
    degreeChanges.set(key, matrix);
  }
  return matrix;
}

const degreeChanges = new Map<string, Float64Array>();

function resample(from: number, to: number, lo: number, hi: number): Float64Array {
  const x = nodes(from);
  const y = nodes(to);
  const out = new Float64Array((to + 1) * (from + 1));
  const middle = 0.5 * (lo + hi);
  const radius = 0.5 * (hi - lo);
  for (let i = 0; i <= to; i++) {
    const inside = middle + radius * y[i];
    const u = to === 0 ? middle : i === 0 ? lo : i === to ? hi : inside;
    writeRow(x, from, u, out, i * (from + 1));
  }
  return out;
}

/**
 * The matrix from node values to Chebyshev coefficients: c = M · values, p(u) = Σ_k c_k T_k(u). Shared.
 *
 * @param degree - n, an integer ≥ 0
 * @returns (n + 1) × (n + 1), row-major
 * @throws RangeError if the degree is not an integer ≥ 0
 * @example
 * ```ts
 * import { coefficientMatrix } from "@splineformer/spline";
 * Array.from(coefficientMatrix(1)); // [0.5, 0.5, -0.5, 0.5]
 * ```
 */
export function coefficientMatrix(degree: number): Float64Array {
  return toCoefficients(degree);
}

const toCoefficients = memo((n) => {
  checkDegree("coefficientMatrix", n);
  if (n === 0) return Float64Array.of(1);
  const out = new Float64Array((n + 1) * (n + 1));
  for (let k = 0; k <= n; k++)
    for (let j = 0; j <= n; j++) {
      const ends = (j === 0 || j === n ? 0.5 : 1) * (k === 0 || k === n ? 0.5 : 1);
      out[k * (n + 1) + j] = (2 / n) * ends * cosine(n, k * (n - j));
    }
  return out;
});

/**
 * The matrix from Chebyshev coefficients to node values, T_k(node j) in row j: the inverse of `coefficientMatrix`. Shared.
 *
 * @param degree - n, an integer ≥ 0
 * @returns (n + 1) × (n + 1), row-major
 * @throws RangeError if the degree is not an integer ≥ 0
 * @example
 * ```ts
 * import { valueMatrix } from "@splineformer/spline";
 * Array.from(valueMatrix(1)); // [1, -1, 1, 1]
 * ```
 */
export function valueMatrix(degree: number): Float64Array {
  return toValues(degree);
}

const toValues = memo((n) => {
  checkDegree("valueMatrix", n);
  if (n === 0) return Float64Array.of(1);
  const out = new Float64Array((n + 1) * (n + 1));
  for (let j = 0; j <= n; j++) for (let k = 0; k <= n; k++) out[j * (n + 1) + k] = cosine(n, k * (n - j));
  return out;
});

/** cos(πm/n) read from the nodes, so that every matrix has their exact symmetry. */
function cosine(n: number, m: number): number {
  const r = m % (2 * n);
  return 0 - nodes(n)[r > n ? 2 * n - r : r];
}

/**
 * Every column of a block through one matrix: out[i, c] = Σ_j matrix[i, j] · values[j, c].
 *
 * @param matrix - rows × nodes, row-major (from `resampleMatrix`, `coefficientMatrix`, `valueMatrix`)
 * @param values - nodes × columns, row-major
 * @param columns - how many polynomials the block holds
 * @param out - rows × columns, written and returned; not `values` itself; default a new array
 * @throws RangeError if the sizes do not fit
 * @example
 * ```ts
 * import { coefficientMatrix, transformColumns } from "@splineformer/spline";
 * Array.from(transformColumns(coefficientMatrix(1), Float64Array.of(1, 0, 3, 2), 2)); // [2, 1, 1, 1]
 * ```
 */
export function transformColumns(
  matrix: Float64Array,
  values: Float64Array,
  columns: number,
  out?: Float64Array,
): Float64Array {
  const inner = blockNodes("transformColumns", values, columns);
  const rows = matrix.length / inner;
  if (!Number.isInteger(rows)) throw refusal("transformColumns", `matrix with rows of ${inner}`, matrix.length);
  const target = out ?? new Float64Array(rows * columns);
  if (target.length < rows * columns || target === values)
    throw refusal("transformColumns", `out another array of ${rows * columns}`, target.length);
  for (let i = 0; i < rows; i++) {
    const to = i * columns;
    const row = i * inner;
    target.fill(0, to, to + columns);
    let j = 0;
    // four rows of the block at a time: one load and store of the sum for four products
    for (; j + 3 < inner; j += 4) {
      const a = matrix[row + j];
      const b = matrix[row + j + 1];
      const c = matrix[row + j + 2];
      const d = matrix[row + j + 3];
      const p = j * columns;
      const q = p + columns;
      const r = q + columns;
      const s = r + columns;
      for (let k = 0; k < columns; k++)
        target[to + k] += a * values[p + k] + b * values[q + k] + c * values[r + k] + d * values[s + k];
    }
    for (; j < inner; j++) {
      const a = matrix[row + j];
      const p = j * columns;
      for (let k = 0; k < columns; k++) target[to + k] += a * values[p + k];
    }
  }
  return target;
}

/**
 * Every polynomial of a block at one point u of [−1, 1].
 *
 * @param values - nodes × columns
 * @param columns - how many polynomials the block holds
 * @param u - where to read, in [−1, 1]
 * @param out - written and returned, length `columns`; default a new array
 * @throws RangeError if the sizes do not fit or u is outside [−1, 1]
 * @example
 * ```ts
 * import { evaluateColumns } from "@splineformer/spline";
 * Array.from(evaluateColumns(Float64Array.of(1, 0, 3, 2), 2, 0)); // [2, 1]
 * ```
 */
export function evaluateColumns(values: Float64Array, columns: number, u: number, out?: Float64Array): Float64Array {
  const count = blockNodes("evaluateColumns", values, columns);
  if (!(u >= -1 && u <= 1)) throw refusal("evaluateColumns", "u in [-1, 1]", u);
  const target = out ?? new Float64Array(columns);
  const n = count - 1;
  const x = nodes(n);
  let sum = 0;
  target.fill(0, 0, columns);
  for (let j = 0; j <= n; j++) {
    const gap = u - x[j];
    const from = j * columns;
    if (n === 0 || gap === 0) {
      for (let k = 0; k < columns; k++) target[k] = values[from + k];
      return target;
    }
    const weight = ((j & 1 ? -1 : 1) * (j === 0 || j === n ? 0.5 : 1)) / gap;
    sum += weight;
    for (let k = 0; k < columns; k++) target[k] += weight * values[from + k];
  }
  for (let k = 0; k < columns; k++) target[k] /= sum;
  return target;
}

/** How many nodes a block of that many columns has. */
export function blockNodes(name: string, values: Float64Array, columns: number): number {
  if (!Number.isInteger(columns) || columns < 1) throw refusal(name, "columns an integer ≥ 1", columns);
  if (!(values instanceof Float64Array)) throw refusal(name, "values a Float64Array", values);
  const count = values.length / columns;
  if (!Number.isInteger(count) || count < 1)
    throw refusal(name, `values with a multiple of ${columns} entries`, values.length);
  return count;
}

/** The point of [from, to] at u in [−1, 1]: exactly the ends at ±1, and accurate next to both. */
export function fromUnit(u: number, from: number, to: number): number {
  return u <= 0 ? from + 0.5 * (1 + u) * (to - from) : to - 0.5 * (1 - u) * (to - from);
}

/** Where t lies in [from, to] as u in [−1, 1]: exactly ±1 at the ends. */
export function toUnit(t: number, from: number, to: number): number {
  return (t - from - (to - t)) / (to - from);
}

function memo(make: (degree: number) => Float64Array): (degree: number) => Float64Array {
  const kept: Float64Array[] = [];
  return (degree) => {
    const known = kept[degree];
    if (known) return known;
    const made = make(degree);
    kept[degree] = made;
    return made;
  };
}
