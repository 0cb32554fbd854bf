/**
 * @file The affine map with learned numbers, the one piece that every module is made of. Its formula is `linear` of the
 * tensor package; this is its parameters.
 */

import type { Ops } from "@splineformer/tensor";
import { linear, type Pointwise, type Shaped } from "@splineformer/tensor";

/** `x W + b`: weight [in, out] (rows are inputs), bias [out]. */
export interface Linear<T> {
  readonly weight: T;
  readonly bias?: T;
}

/**
 * `f(x W + b)` for every token of x [.., tokens, in] → [.., tokens, out].
 *
 * @param activation - f; default identity
 * @example
 * ```ts
 * import { project } from "@splineformer/attention";
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * toNested(project(reference, tensor([[1, 2]]), { weight: tensor([[1], [3]]), bias: tensor([-4]) })); // [[3]]
 * ```
 */
export function project<T extends Shaped>(
  ops: Ops<T>,
  x: T,
  { weight, bias }: Linear<T>,
  activation: Pointwise = "identity",
): T {
  return linear(ops, x, weight, bias, { activation });
}
