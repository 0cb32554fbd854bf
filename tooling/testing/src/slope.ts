/**
 * @file Slopes along a line by difference quotients: what a gradient must predict.
 * Letters: h the step, v a direction.
 */
import { reference, type Tensor } from "@splineformer/tensor";

/**
 * Σ a b over all entries.
 *
 * @example
 * ```ts
 * import { tensor } from "@splineformer/tensor";
 * import { dot } from "@splineformer/testing";
 * dot(tensor([[1, 2]]), tensor([[3, 5]])); // 13
 * ```
 */
export function dot(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (const [i, x] of a.data.entries()) sum += x * b.data[i];
  return sum;
}

/**
 * x + by · v, in float64.
 *
 * @example
 * ```ts
 * import { tensor, toNested } from "@splineformer/tensor";
 * import { moved } from "@splineformer/testing";
 * toNested(moved(tensor([1, 2]), tensor([1, -1]), 0.5)); // [1.5, 1.5]
 * ```
 */
export const moved = (x: Tensor, v: Tensor, by: number): Tensor => reference.add(x, reference.scale(v, { factor: by }));

/**
 * f′(0) by a central difference quotient, extrapolated once.
 *
 * It errs by h⁴/480 · |f⁗′| and by the rounding of f over h; nothing but that for a polynomial of degree 4.
 *
 * @param h - the step; a power of two, so that ±h is rounded little
 * @example
 * ```ts
 * import { slopeAt0 } from "@splineformer/testing";
 * slopeAt0((t) => 3 * t + t ** 3, 2 ** -10); // 3
 * ```
 */
export function slopeAt0(f: (t: number) => number, h = 2 ** -14): number {
  const quotient = (step: number): number => (f(step) - f(-step)) / (2 * step);
  return (4 * quotient(h / 2) - quotient(h)) / 3;
}
