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
 */
export function spectralNorm(a: Tensor): number {
  const [rows, columns] = a.shape;
  if (rows === 0 || columns === 0) return 0;
  const wide = columns > rows;
  let power: Tensor = reference.matmul(a, a, wide ? { transposeB: true } : { transposeA: true });
  let logarithm = 0;
  for (let k = 0; k <= squarings; k++) {
    const size = Math.hypot(...power.data);
    if (size === 0) return 0;
    logarithm += Math.log(size) / 2 ** k;
    const scaled = reference.scale(power, { factor: 1 / size });
    if (k < squarings) power = reference.matmul(scaled, scaled, {});
  }
  // each product of r terms is rounded to r · 2⁻⁵³, and each squaring's share of the error is halved
  const rounding = 1 + 8 * Math.max(rows, columns) * 2 ** -53;
  return Math.exp(logarithm / 2) * rounding;
}
