/**
 * @file The affine map with learned numbers, the one piece that every module is made of. Its formula is `linear` of the
 * tensor package; this is its parameters.
 */

import {
  activationOf,
  checkRecord,
  isTensor,
  linear,
  type Ops,
  type Pointwise,
  type Shaped,
  ShapeError,
  showShape,
} from "@splineformer/tensor";

/** `x W + b`: weight [in, out] (rows are inputs), bias [out]. */
export interface Linear<T> {
  readonly weight: T;
  readonly bias?: T;
}

/**
 * `f(x W + b)` for every token of x [.., tokens, in] → [.., tokens, out].
 *
 * @param activation - f; default identity
 * @throws ShapeError if the widths do not fit, RangeError for an activation that is none
 * @example
 * ```ts
 * import { project } from "@splineformer/attention";
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * toNested(project(reference, tensor([[1, 2]]), { weight: tensor([[1], [3]]), bias: tensor([-4]) })); // [[3]]
 * ```
 */
export function project<T extends Shaped>(ops: Ops<T>, x: T, map: Linear<T>, activation: Pointwise = "identity"): T {
  checkRecord("project", "a map { weight, bias }", map);
  const { weight, bias } = map;
  // a recorder names the place as well, so it refuses itself
  if (isTensor(x)) {
    activationOf(activation, "project");
    checkWidths("project", "x", x, map);
  }
  return linear(ops, x, weight, bias, { activation });
}

/** Refuses an input whose width is not that of the map, and a map that is no matrix, with perhaps a bias of its width. */
export function checkWidths<T extends Shaped>(where: string, name: string, x: T, { weight, bias }: Linear<T>): void {
  const [from, to] = weight?.shape ?? [];
  const fits =
    weight?.shape.length === 2 &&
    x.shape.length >= 2 &&
    x.shape.at(-1) === from &&
    (bias === undefined || (bias.shape.length === 1 && bias.shape[0] === to));
  if (!fits)
    throw new ShapeError(
      `${where}: expected ${name} [.., tokens, in], weight [in, out] and bias [out], got ${[x, weight, bias].map((y) => (y ? showShape(y.shape) : "none")).join(", ")}`,
    );
}
