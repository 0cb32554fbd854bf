/**
 * @file Which polynomials of a block keep one sign on [−1, 1], decided for all columns in one pass.
 *
 * Letters: n the degree, N the degree of the grid (n ≤ N), c_k Chebyshev coefficients, ε = 2⁻⁵².
 * A certificate is one-sided: "undecided" may still be a polynomial of one sign, "certain" never is one that changes it,
 * up to the stated tolerance: certain means |p| > tolerance · scale on the whole interval.
 */

import { blockNodes, coefficientMatrix, transformColumns } from "./chebyshev-grid.ts";
import { checkDegree, checkOptions, checkTolerance, refusal } from "./check.ts";

/** How `signCertificates` judges. */
export interface SignOptions {
  /** The polynomials' degree where it is below the grid's: finer grids then decide more at a glance. Default the grid's. */
  readonly degree?: number;
  /** Values below `tolerance · scale` count as rounding. Default (N + 1)·2⁻⁵², one rounding for each term of a sum; at least 2⁻⁵³. */
  readonly tolerance?: number;
  /** Size that the tolerance refers to where it exceeds the column's own largest value: a number, or one a column. */
  readonly scale?: number | Float64Array;
}

/**
 * For every column: 1 or −1 if the polynomial certainly has that sign on all of [−1, 1], 0 if undecided, 2 if it is zero to rounding.
 *
 * First the node values: with both signs the answer is "undecided"; with one sign p stays within (C − 1)/2 · (max − min) of its
 * node range, C = 1/cos(nπ/2N) (Ehlich–Zeller, n < N) or the Lebesgue constant's bound 1 + (2/π) log(N + 1), whichever is less.
 * What is left pays for coefficients: the exact range of c₀ + c₁T₁ + c₂T₂ against the tail Σ_{k≥3} |c_k|.
 *
 * @param values - nodes × columns: `values[node * columns + column]`
 * @param columns - how many polynomials the block holds
 * @param options - see `SignOptions`
 * @returns one entry a column: 1, −1, 0 or 2
 * @throws RangeError if sizes or options are wrong
 * @source Ehlich, Zeller, Schwankung von Polynomen zwischen Gitterpunkten, https://doi.org/10.1007/BF01111276
 * @example
 * ```ts
 * import { signCertificates } from "@splineformer/spline";
 * // three lines by their values at −1 and 1: 1 + 2u, 2 + u, 0
 * Array.from(signCertificates(Float64Array.of(-1, 1, 0, 3, 3, 0), 3)); // [0, 1, 2]
 * ```
 */
export function signCertificates(values: Float64Array, columns: number, options: SignOptions = {}): Int8Array {
  const name = "signCertificates";
  checkOptions(name, options, ["degree", "tolerance", "scale"]);
  const N = blockNodes(name, values, columns) - 1;
  const { degree = N, tolerance = (N + 1) * 2 ** -52, scale = 0 } = options;
  checkDegree(name, degree);
  if (degree > N) throw refusal(name, `degree at most the grid's, ${N}`, degree);
  checkTolerance(name, tolerance);
  if (typeof scale !== "number" && scale.length !== columns) throw refusal(name, `${columns} scales`, scale.length);

  const out = new Int8Array(columns);
  const low = values.slice(0, columns);
  const high = values.slice(0, columns);
  for (let j = 1, at = columns; j <= N; j++)
    for (let c = 0; c < columns; c++, at++) {
      const v = values[at];
      if (v < low[c]) low[c] = v;
      else if (v > high[c]) high[c] = v;
      else if (Number.isNaN(v)) throw refusal(name, `values[${at}] finite`, v);
    }

  const between = degree <= 1 ? 1 : Math.min(1 + (2 / Math.PI) * Math.log(N + 1), ehlichZeller(degree, N));
  const floor = new Float64Array(columns);
  const open = new Int32Array(columns);
  let left = 0;
  for (let c = 0; c < columns; c++) {
    const lo = low[c];
    const hi = high[c];
    const own = Math.max(hi, -lo);
    const noise = tolerance * Math.max(own, typeof scale === "number" ? scale : scale[c]);
    floor[c] = noise;
    if (!(own < Number.POSITIVE_INFINITY)) throw refusal(name, `column ${c} finite`, own);
    if (own <= noise) out[c] = 2;
    else if (lo > noise || hi < -noise) {
      const drop = 0.5 * (between - 1) * (hi - lo);
      if (lo - drop > noise) out[c] = 1;
      else if (hi + drop < -noise) out[c] = -1;
      else open[left++] = c;
    }
  }
  if (left > 0 && degree > 1) byCoefficients(values, columns, N, degree, open.subarray(0, left), floor, out);
  return out;
}

function ehlichZeller(n: number, N: number): number {
  return n < N ? 1 / Math.cos((n * Math.PI) / (2 * N)) : Number.POSITIVE_INFINITY;
}

/** The second certificate, for the columns still open, packed side by side. */
function byCoefficients(
  values: Float64Array,
  columns: number,
  N: number,
  degree: number,
  open: Int32Array,
  floor: Float64Array,
  out: Int8Array,
): void {
  const left = open.length;
  const packed = new Float64Array((N + 1) * left);
  for (let j = 0, at = 0; j <= N; j++) for (let q = 0; q < left; q++) packed[at++] = values[j * columns + open[q]];
  // rows above the degree are rounding and are not needed
  const matrix = coefficientMatrix(N).subarray(0, (degree + 1) * (N + 1));
  const c = transformColumns(matrix, packed, left);
  const tail = new Float64Array(left);
  for (let k = 3, at = 3 * left; k <= degree; k++) for (let q = 0; q < left; q++, at++) tail[q] += Math.abs(c[at]);
  for (let q = 0; q < left; q++)
    out[open[q]] = quadraticSign(c[q], c[left + q], c[2 * left + q], tail[q] + floor[open[q]]);
}

/**
 * The sign of c₀ + c₁T₁(u) + c₂T₂(u) on [−1, 1] if |·| exceeds the margin everywhere there, else 0.
 *
 * @internal shared with the root isolation
 */
export function quadraticSign(c0: number, c1: number, c2: number, margin: number): -1 | 0 | 1 {
  let least = c0 - Math.abs(c1) + c2;
  let most = c0 + Math.abs(c1) + c2;
  if (Math.abs(c1) < 4 * Math.abs(c2)) {
    // the vertex u = −c₁/(4c₂) is inside
    const vertex = c0 - c2 - c1 * (c1 / (8 * c2));
    if (vertex < least) least = vertex;
    else if (vertex > most) most = vertex;
  }
  return least > margin ? 1 : most < -margin ? -1 : 0;
}
