/**
 * @file What the functions on tensors refuse at their boundary, in one wording.
 */
import { findNonFinite, isTensor, required, ShapeError, show, showShape, type Tensor } from "@splineformer/tensor";

/** Refuses what is no tensor of finite numbers: one NaN would spread over every row that sees it. */
export function checkNumbers(where: string, name: string, x: Tensor): void {
  if (!isTensor(x)) throw new RangeError(`${where}: expected ${name} to be a tensor, got ${show(x)}`);
  if (x.dtype !== "float32" && x.dtype !== "float64")
    throw new RangeError(`${where}: expected ${name} of dtype float32 or float64, got ${x.dtype}`);
  for (let i = 0; i < x.data.length; i++)
    if (!Number.isFinite(x.data[i]))
      throw new RangeError(`${where}: expected ${name} to hold finite numbers, got ${x.data[i]} at entry ${i}`);
}

/** Refuses what has left the range of its dtype on the way. */
export function checkFinite(where: string, name: string, x: Tensor): void {
  const bad = findNonFinite(x);
  if (bad >= 0)
    throw new RangeError(
      `${where}: expected ${name} within the range of ${x.dtype}, got ${x.data[bad]} at entry ${bad}`,
    );
}

/** Refuses what is no positive whole number. */
export function checkCount(where: string, name: string, value: number, least = 1): number {
  return required(
    Number.isSafeInteger(value) && value >= least,
    where,
    `${name} to be a whole number ≥ ${least}`,
    value,
  );
}

/** Refuses another shape; a name stands for a length that is free. */
export function checkShaped(where: string, name: string, x: Tensor, shape: readonly (number | string)[]): void {
  const fits = x.shape.length === shape.length && shape.every((n, i) => typeof n === "string" || n === x.shape[i]);
  if (!fits) throw new ShapeError(`${where}: expected ${name} [${shape.join(", ")}], got ${showShape(x.shape)}`);
}
