/**
 * @file Polynomials as Chebyshev coefficients, p(u) = Σ_k c_k T_k(u) on [−1, 1]: value, derivative, antiderivative, integral.
 *
 * Nothing here looks at intervals: d/dt on [a, b] is 2/(b − a) · d/du, and the caller knows a and b.
 * These are the inner loops: their arguments are not checked, and NaN comes out where NaN goes in.
 * `offset` and `degree` let the hot loops work inside one larger array; both default to the whole array.
 */

import { chebyshevNodes, coefficientMatrix } from "./chebyshev-grid.ts";
import { checkDegree } from "./check.ts";

/**
 * Σ_k c_k T_k(u) by Clenshaw's recurrence. Any real u: outside [−1, 1] it is the same polynomial, extrapolated.
 *
 * @param coefficients - c_0 … c_n
 * @param u - the point
 * @source Clenshaw, A note on the summation of Chebyshev series, https://doi.org/10.1090/S0025-5718-1955-0071856-0
 * @example
 * ```ts
 * import { clenshaw } from "@splineformer/spline";
 * clenshaw([1, 2, 3], 0.5); // 0.5, since 1 + 2·0.5 + 3·(2·0.25 − 1) = 0.5
 * ```
 */
export function clenshaw(
  coefficients: ArrayLike<number>,
  u: number,
  offset = 0,
  degree = coefficients.length - 1 - offset,
): number {
  let b1 = 0;
  let b2 = 0;
  const twice = 2 * u;
  for (let k = degree; k > 0; k--) {
    const b = twice * b1 - b2 + coefficients[offset + k];
    b2 = b1;
    b1 = b;
  }
  return u * b1 - b2 + coefficients[offset];
}

/**
 * The coefficients of dp/du: n of them (one 0 for a constant).
 *
 * @param coefficients - c_0 … c_n
 * @param out - written and returned, at least max(n, 1) long; may be the part itself; default a new array
 * @example
 * ```ts
 * import { derivativeCoefficients } from "@splineformer/spline";
 * Array.from(derivativeCoefficients([0, 0, 0, 1])); // [3, 0, 6]: T₃′ = 12u² − 3 = 3 + 6 T₂
 * ```
 */
export function derivativeCoefficients(
  coefficients: ArrayLike<number>,
  out?: Float64Array,
  offset = 0,
  degree = coefficients.length - 1 - offset,
): Float64Array {
  const target = out ?? new Float64Array(Math.max(degree, 1));
  if (degree === 0) {
    target[0] = 0;
    return target;
  }
  // d_k = d_{k+2} + 2(k+1) c_{k+1}, downwards, two numbers of memory so that `out` may overlap
  let next = 0;
  let afterNext = 0;
  let upper = coefficients[offset + degree];
  for (let k = degree - 1; k >= 0; k--) {
    const d = afterNext + 2 * (k + 1) * upper;
    upper = coefficients[offset + k];
    target[k] = d;
    afterNext = next;
    next = d;
  }
  target[0] *= 0.5;
  return target;
}

/**
 * The n + 2 coefficients of ∫_{−1}^u p, which vanishes at u = −1.
 *
 * @param coefficients - c_0 … c_n
 * @example
 * ```ts
 * import { antiderivativeCoefficients } from "@splineformer/spline";
 * Array.from(antiderivativeCoefficients([1])); // [1, 1]: u + 1
 * ```
 */
export function antiderivativeCoefficients(
  coefficients: ArrayLike<number>,
  offset = 0,
  degree = coefficients.length - 1 - offset,
): Float64Array {
  const out = new Float64Array(degree + 2);
  const c = (k: number) => (k <= degree ? coefficients[offset + k] : 0);
  out[1] = c(0) - c(2) / 2;
  for (let k = 2; k <= degree + 1; k++) out[k] = (c(k - 1) - c(k + 1)) / (2 * k);
  let atMinusOne = 0;
  for (let k = degree + 1; k >= 1; k--) atMinusOne += k & 1 ? -out[k] : out[k];
  out[0] = -atMinusOne;
  return out;
}

/**
 * Clenshaw–Curtis weights: ∫_{−1}^1 p = Σ_j w_j · values[j], exact for degree n. All positive; they sum to 2. Shared.
 *
 * @param degree - n, an integer ≥ 0
 * @throws RangeError if the degree is not an integer ≥ 0
 * @source Clenshaw, Curtis, A method for numerical integration on an automatic computer, https://doi.org/10.1007/BF01386223
 * @example
 * ```ts
 * import { clenshawCurtisWeights } from "@splineformer/spline";
 * Array.from(clenshawCurtisWeights(2), (w) => w * 3); // [1, 4, 1], Simpson's rule
 * ```
 */
export function clenshawCurtisWeights(degree: number): Float64Array {
  checkDegree("clenshawCurtisWeights", degree);
  let weights = kept[degree];
  if (!weights) {
    weights = new Float64Array(degree + 1);
    const matrix = coefficientMatrix(degree);
    // ∫ T_k = 2/(1 − k²) for even k, 0 for odd k
    for (let k = 0; k <= degree; k += 2)
      for (let j = 0; j <= degree; j++) weights[j] += (2 / (1 - k * k)) * matrix[k * (degree + 1) + j];
    kept[degree] = weights;
  }
  return weights;
}

const kept: Float64Array[] = [];

/**
 * The Chebyshev coefficients of one column of a block: `values[node * columns + column]`.
 *
 * @param values - nodes × columns
 * @param columns - how many polynomials the block holds; default 1
 * @param column - which one; default 0
 * @param out - written and returned, at least as long as there are nodes; default a new array
 * @example
 * ```ts
 * import { columnCoefficients } from "@splineformer/spline";
 * Array.from(columnCoefficients(Float64Array.of(1, 0, 1))); // [0.5, 0, 0.5]: u² = (1 + T₂)/2
 * ```
 */
export function columnCoefficients(
  values: ArrayLike<number>,
  columns = 1,
  column = 0,
  out: Float64Array = new Float64Array(values.length / columns),
): Float64Array {
  const count = values.length / columns;
  const matrix = coefficientMatrix(count - 1);
  for (let k = 0; k < count; k++) {
    let sum = 0;
    for (let j = 0, at = column; j < count; j++, at += columns) sum += matrix[k * count + j] * values[at];
    out[k] = sum;
  }
  return out;
}

/** The node values of Σ c_k T_k, by Clenshaw; `out` at `to`. */
export function writeNodeValues(
  coefficients: ArrayLike<number>,
  offset: number,
  degree: number,
  out: Float64Array,
  to: number,
): void {
  const x = chebyshevNodes(degree);
  for (let j = 0; j <= degree; j++) out[to + j] = clenshaw(coefficients, x[j], offset, degree);
}
