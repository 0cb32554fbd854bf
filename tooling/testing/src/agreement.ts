/**
 * @file When a device's result counts as right. There is no epsilon to choose: float32 is measured against the same
 * formula with every operation rounded to float32, float64 against what summing in another order can cost.
 */
import { reference, reference32, type SynchronousDevice, sameShape, type Tensor } from "@splineformer/tensor";
import { relativeDifference, scaleOf, ulp } from "./measures.ts";

/** How a result compares. Errors are relative to the largest entry of the expected result. */
export interface Agreement {
  readonly error: number;
  readonly allowed: number;
  readonly agrees: boolean;
}

/**
 * The largest relative error of a float64 result.
 *
 * Two float64 devices may add up in another order. The longest sums of the suite have fewer than 100 terms, and each
 * term costs at most 2⁻⁵³ of the largest partial sum: 100 · 2⁻⁵³ ≈ 1.1e-14; the rest is room for an exponential that
 * is right to a few units in the last place, and for products of sums.
 */
export const float64Tolerance = 1e-13;

/**
 * Compares a float32 result: its error may be at most twice that of the formula rounded to float32 at every operation.
 *
 * A rounded formula is sometimes exact by luck, so its error counts as no less than half a unit in the last place of
 * the largest entry: what it costs to store one number.
 *
 * @param result - what the device computed
 * @param formula - the computation, run by `reference` and by `reference32`
 * @example
 * ```ts
 * import { reference32, tensor } from "@splineformer/tensor";
 * import { atMostTwiceRounded } from "@splineformer/testing";
 * const third = (ops: typeof reference32) => ops.scale(tensor([1]), { factor: 1 / 3 });
 * atMostTwiceRounded(third(reference32), third).agrees; // true
 * atMostTwiceRounded(tensor([0.3333]), third).agrees; // false
 * ```
 */
export function atMostTwiceRounded(result: Tensor, formula: (ops: SynchronousDevice) => Tensor): Agreement {
  return againstRounded(result, formula(reference), formula(reference32));
}

/** `atMostTwiceRounded` for an expected and a rounded result that are known already. */
export function againstRounded(result: Tensor, expected: Tensor, rounded: Tensor): Agreement {
  const scale = scaleOf(expected);
  const half = scale === 0 ? 0 : ulp(scale, "float32") / 2 / scale;
  return judged(result, expected, 2 * Math.max(relativeDifference(rounded, expected), half));
}

/** Compares a result of either dtype: float32 by `atMostTwiceRounded`, float64 within `float64Tolerance`. */
export function agreement(result: Tensor, formula: (ops: SynchronousDevice) => Tensor): Agreement {
  return result.dtype === "float64"
    ? judged(result, formula(reference), float64Tolerance)
    : atMostTwiceRounded(result, formula);
}

/** Compares with an allowance that is given. */
export function judged(result: Tensor, expected: Tensor, allowed: number): Agreement {
  const error = sameShape(result.shape, expected.shape)
    ? relativeDifference(result, expected)
    : Number.POSITIVE_INFINITY;
  return { error, allowed, agrees: error <= allowed };
}
