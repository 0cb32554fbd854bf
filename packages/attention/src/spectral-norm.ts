/**
 * @file The largest singular value of a matrix, from above: what a bound needs. Letters: G the smaller Gram matrix, r its size.
 */
import { reference, type Tensor } from "@splineformer/tensor";

/** How often G is squared: ‖G^(2^k)‖_F^(1/2^k) exceeds ‖G‖ by a factor of at most r^(1/2^(k+1)), here r^(1/8192). */
const squarings = 12;

/**
 * `‖A‖₂`, never below it and at most a few parts in 10⁴ above: the Frobenius norm of a high power of the Gram matrix.
 *
 * @param a - [rows, columns]
 * @example
 * ```ts
 * import { spectralNorm } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * spectralNorm(tensor([[3, 0], [0, -4]])).toFixed(2); // "4.00"
 * ```
 */
export function spectralNorm(a: Tensor): number {
  const [rows, columns] = a.shape;
  if (rows === 0 || columns === 0) return 0;
  const length = frobenius(a.data);
  // nothing to square, or nothing that could be: the entries together are no less
  if (length === 0 || !Number.isFinite(length) || !Number.isFinite(1 / length)) return length;
  const wide = columns > rows;
  const unit = reference.scale(a, { factor: 1 / length });
  let power: Tensor = reference.matmul(unit, unit, wide ? { transposeB: true } : { transposeA: true });
  let logarithm = 0;
  for (let k = 0; k <= squarings; k++) {
    const size = frobenius(power.data);
    if (size === 0) return 0;
    logarithm += Math.log(size) / 2 ** k;
    const scaled = reference.scale(power, { factor: 1 / size });
    if (k < squarings) power = reference.matmul(scaled, scaled, {});
  }
  // each product of r terms is rounded to r · 2⁻⁵³, and each squaring's share of the error is halved
  const rounding = 1 + 8 * Math.max(rows, columns) * 2 ** -53;
  return length * Math.exp(logarithm / 2) * rounding;
}

/** √Σ v², at any scale. */
export function frobenius(values: ArrayLike<number>): number {
  let top = 0;
  for (let i = 0; i < values.length; i++) top = Math.max(top, Math.abs(values[i]));
  if (top === 0 || !Number.isFinite(top)) return top;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] / top) ** 2;
  return top * Math.sqrt(sum);
}

/**
 * R of `A = QR`, so that `‖B Aᵀ‖ = ‖B Rᵀ‖` for every B with a matrix that is small if A is tall.
 *
 * By modified Gram–Schmidt, whose R is that of a matrix within some 2⁻⁵² ‖A‖ of A, as products are of theirs.
 *
 * @param a - [rows, columns]
 * @returns [columns, columns], upper triangular; A itself if it has no more rows than columns
 */
export function triangularFactor(a: Tensor): Tensor {
  const [rows, columns] = a.shape;
  if (rows <= columns) return a;
  const q = Float64Array.from(a.data);
  const r = new Float64Array(columns * columns);
  for (let j = 0; j < columns; j++)
    for (let k = j; k < columns; k++) {
      // the column's own length first: it is divided by that, and taken out of the others
      let sum = 0;
      for (let i = 0; i < rows; i++) sum += q[i * columns + j] * q[i * columns + k];
      const length = k === j ? Math.sqrt(sum) : sum;
      r[j * columns + k] = length;
      if (length === 0) continue;
      for (let i = 0; i < rows; i++)
        if (k === j) q[i * columns + j] /= length;
        else q[i * columns + k] -= length * q[i * columns + j];
    }
  return { dtype: "float64", shape: [columns, columns], data: r };
}
