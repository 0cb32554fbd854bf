/**
 * @file Shapes: lists of axis lengths. Axes are counted from the end; every leading axis is batch.
 */
import { ShapeError, show } from "./errors.ts";

/** Axis lengths, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Anything with a shape: a tensor, a handle on a device, a node of a graph. */
export interface Shaped {
  readonly shape: Shape;
}

/**
 * The number of entries, `Π shape[i]`.
 *
 * @example
 * ```ts
 * import { sizeOf } from "@splineformer/tensor";
 * sizeOf([2, 3, 5]); // 30
 * ```
 */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

/**
 * As it appears in messages.
 *
 * @example
 * ```ts
 * import { showShape } from "@splineformer/tensor";
 * showShape([2, 3]); // "[2, 3]"
 * ```
 */
export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/**
 * Whether two shapes have the same lengths.
 *
 * @example
 * ```ts
 * import { sameShape } from "@splineformer/tensor";
 * sameShape([2, 3], [3, 2]); // false
 * ```
 */
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/** Refuses what is not a list of lengths. */
export function checkShape(where: string, shape: unknown): asserts shape is Shape {
  if (!Array.isArray(shape))
    throw new ShapeError(`${where}: expected a shape (an array of lengths), got ${show(shape)}`);
  if (!areLengths(shape)) throw new ShapeError(`${where}: expected a shape of whole numbers ≥ 0, got ${show(shape)}`);
  if (!Number.isSafeInteger(sizeOf(shape)))
    throw new ShapeError(`${where}: expected a shape of fewer than 2^53 entries, got ${show(shape)}`);
}

/** Whether every entry is a whole number ≥ 0. */
export const areLengths = (shape: readonly unknown[]): shape is Shape =>
  shape.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);

/**
 * Right-aligned broadcasting: an axis of length 1, or one that is missing in front, is repeated.
 *
 * @throws ShapeError naming `where` and both shapes
 * @example
 * ```ts
 * import { broadcastShapes } from "@splineformer/tensor";
 * broadcastShapes("add", [2, 3, 5], [3, 1]); // [2, 3, 5]
 * ```
 */
export function broadcastShapes(where: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const m = a[a.length - rank + i] ?? 1;
    const n = b[b.length - rank + i] ?? 1;
    if (m !== n && m !== 1 && n !== 1)
      throw new ShapeError(`${where}: expected shapes that broadcast, got ${showShape(a)} and ${showShape(b)}`);
    shape[i] = m === 1 ? n : m;
  }
  return shape;
}

/**
 * For each entry of `to`, the offset of the entry of `from` that broadcasting puts there.
 *
 * @param from - a shape that broadcasts to `to`
 * @example
 * ```ts
 * import { broadcastOffsets } from "@splineformer/tensor";
 * [...broadcastOffsets([2, 1], [2, 3])]; // [0, 0, 0, 1, 1, 1]
 * ```
 */
export function broadcastOffsets(from: Shape, to: Shape): Int32Array {
  const offsets = new Int32Array(sizeOf(to));
  const missing = to.length - from.length;
  // strides of `from`, seen from the axes of `to`; a repeated axis has stride 0
  const strides = new Int32Array(to.length);
  for (let axis = from.length - 1, stride = 1; axis >= 0; axis--) {
    if (from[axis] !== 1) strides[axis + missing] = stride;
    stride *= from[axis];
  }
  const index = new Int32Array(to.length);
  for (let i = 0, at = 0; i < offsets.length; i++) {
    offsets[i] = at;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < to[axis]) break;
      at -= strides[axis] * to[axis];
      index[axis] = 0;
    }
  }
  return offsets;
}
