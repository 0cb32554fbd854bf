/**
 * @file Seeded data for tests: the same numbers everywhere, float64 unless cast. Built on `random` of the tensor package.
 */
import { random, type Shape, sizeOf, type Tensor, tensor } from "@splineformer/tensor";

/** Draws one tensor after another from one stream. */
export interface Seeded {
  /** Normal entries with this deviation (default 1) and mean (default 0). */
  normal(shape: Shape, options?: { readonly mean?: number; readonly deviation?: number }): Tensor<"float64">;
  /** Uniform entries on [from, to), by default [−1, 1). */
  uniform(shape: Shape, options?: { readonly from?: number; readonly to?: number }): Tensor<"float64">;
  /** Zeros and ones: 1 with this probability, by default 0.6. */
  mask(shape: Shape, probability?: number): Tensor<"bool">;
  /** Whole numbers 0 ≤ i < below. */
  indices(shape: Shape, below: number): Tensor<"int32">;
  /** The same entries in random order, so that what holds for every entry still holds. */
  shuffled(x: Tensor): Tensor;
}

/**
 * A stream of test data.
 *
 * @example
 * ```ts
 * import { seeded } from "@splineformer/testing";
 * seeded(7).normal([3, 5]).shape; // [3, 5]
 * seeded(7).indices([11], 3).data.every((i) => i < 3); // true
 * ```
 */
export function seeded(seed: number): Seeded {
  const draw = random(seed);
  return {
    normal: (shape, options = {}) => draw.normal(shape, { ...options, dtype: "float64" }),
    uniform: (shape, { from = -1, to = 1 } = {}) => draw.uniform(shape, { from, to, dtype: "float64" }),
    mask: (shape, probability = 0.6) =>
      tensor(
        Uint8Array.from({ length: sizeOf(shape) }, () => Number(draw.number() < probability)),
        shape,
      ),
    indices: (shape, below) =>
      tensor(
        Int32Array.from({ length: sizeOf(shape) }, () => draw.integer(below)),
        shape,
      ),
    shuffled(x) {
      const data = x.data.slice();
      for (const [to, from] of draw.permutation(data.length).entries()) data[to] = x.data[from];
      return { dtype: x.dtype, shape: x.shape, data };
    },
  };
}
