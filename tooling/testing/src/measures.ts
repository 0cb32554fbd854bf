/**
 * @file How far apart two tensors are. A NaN agrees with a NaN and with nothing else; shapes are compared elsewhere.
 */
import type { Tensor } from "@splineformer/tensor";

type Numbers = Pick<Tensor, "data">;

/**
 * `max |x|`, what errors are relative to.
 *
 * @example
 * ```ts
 * import { tensor } from "@splineformer/tensor";
 * import { scaleOf } from "@splineformer/testing";
 * scaleOf(tensor([3, -4])); // 4
 * ```
 */
export function scaleOf({ data }: Numbers): number {
  let scale = 0;
  for (const value of data) if (Math.abs(value) > scale) scale = Math.abs(value);
  return scale;
}

/**
 * `max |a − b|`; infinite where only one is NaN, or the infinities differ.
 *
 * @example
 * ```ts
 * import { tensor } from "@splineformer/tensor";
 * import { largestDifference } from "@splineformer/testing";
 * largestDifference(tensor([1, 2]), tensor([1, 5])); // 3
 * ```
 */
export function largestDifference(a: Numbers, b: Numbers): number {
  if (a.data.length !== b.data.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.data.length; i++) {
    if (Object.is(a.data[i], b.data[i])) continue;
    const difference = Math.abs(a.data[i] - b.data[i]);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    if (difference > largest) largest = difference;
  }
  return largest;
}

/**
 * `max |got − expected| / max |expected|`; the difference itself where everything expected is 0.
 *
 * @example
 * ```ts
 * import { tensor } from "@splineformer/tensor";
 * import { relativeDifference } from "@splineformer/testing";
 * relativeDifference(tensor([1, 9]), tensor([1, 8])); // 0.125
 * ```
 */
export function relativeDifference(got: Numbers, expected: Numbers): number {
  return largestDifference(got, expected) / (scaleOf(expected) || 1);
}

/**
 * The distance from |x| to the next larger number of this dtype: the unit in the last place.
 *
 * @example
 * ```ts
 * import { ulp } from "@splineformer/testing";
 * ulp(1, "float64") === Number.EPSILON; // true
 * ulp(1, "float32") === 2 ** -23; // true
 * ```
 */
export function ulp(x: number, dtype: "float32" | "float64"): number {
  const smallest = dtype === "float32" ? -126 : -1022;
  const digits = dtype === "float32" ? 23 : 52;
  if (!Number.isFinite(x)) return Number.NaN;
  let exponent = x === 0 ? smallest : Math.floor(Math.log2(Math.abs(x)));
  // the logarithm may round across a power of two
  if (2 ** exponent > Math.abs(x)) exponent--;
  if (2 ** (exponent + 1) <= Math.abs(x)) exponent++;
  return 2 ** (Math.max(exponent, smallest) - digits);
}

/**
 * The largest difference in units in the last place of the expected entry.
 *
 * @example
 * ```ts
 * import { tensor } from "@splineformer/tensor";
 * import { ulps } from "@splineformer/testing";
 * ulps(tensor([1 + 2 ** -22]), tensor([1])); // 2
 * ```
 */
export function ulps(got: Tensor, expected: Tensor): number {
  const dtype = expected.dtype === "float64" ? "float64" : "float32";
  if (got.data.length !== expected.data.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < got.data.length; i++) {
    if (Object.is(got.data[i], expected.data[i])) continue;
    const difference = Math.abs(got.data[i] - expected.data[i]) / ulp(expected.data[i], dtype);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    if (difference > largest) largest = difference;
  }
  return largest;
}
