/**
 * @file How one row of scores becomes one row of weights: the meaning of `weigh`, for the keys that a query sees.
 * Letters: z scores, w weights, τ the threshold of sparsemax, n the number of visible keys.
 */
import { pointwiseFunction } from "./activations.ts";
import { entmaxShift, entmaxWeight } from "./entmax.ts";
import type { Pointwise } from "./pointwise.ts";
import type { Attributes, Divide, Mask, Weighing } from "./vocabulary.ts";
import { rowAlpha } from "./weighing.ts";

/**
 * The keys that the mask shows to a query, in order. On a rectangle, key ≤ query counts from the top left.
 *
 * @example
 * ```ts
 * import { visibleKeys } from "@splineformer/tensor";
 * visibleKeys("causal", 1, 5); // [0, 1]
 * visibleKeys({ window: 2 }, 3, 5); // [2, 3]
 * ```
 */
export function visibleKeys(mask: Mask, query: number, keys: number): number[] {
  const to = mask === "none" ? keys : Math.min(query + 1, keys);
  const from = typeof mask === "object" ? Math.max(0, query + 1 - mask.window) : 0;
  return Array.from({ length: Math.max(to - from, 0) }, (_, i) => from + i);
}

/**
 * What a row of n visible keys is divided by.
 *
 * @example
 * ```ts
 * import { divisor } from "@splineformer/tensor";
 * divisor("length", 7); // 7
 * divisor({ lengthPower: 0.5 }, 9); // 3
 * ```
 */
export function divisor(divide: Divide, n: number): number {
  if (divide === "none") return 1;
  return divide === "length" ? n : n ** divide.lengthPower;
}

/**
 * The weights of a row of visible scores; nothing visible gives nothing.
 *
 * @param round - rounds every operation to what the device stores
 * @returns a function of the scores of the keys that one query sees
 * @example
 * ```ts
 * import { weighRow } from "@splineformer/tensor";
 * const weights = weighRow({ activation: "sparsemax", mask: "none", order: 0, divide: "none" });
 * weights([3, 2.5, 0]); // [0.75, 0.25, 0]
 * ```
 */
export function weighRow(
  { activation, order, divide }: Attributes["weigh"],
  round: (x: number) => number = (x) => x,
): (scores: readonly number[]) => number[] {
  const divided = (weights: number[]): number[] => {
    const by = divisor(divide, weights.length);
    return by === 1 ? weights : weights.map((w) => round(w / round(by)));
  };
  const alpha = rowAlpha(activation);
  if (alpha === 1) return (z) => divided(softmax(z, round));
  if (alpha === 2)
    return (z) => {
      // weights do not change when every score is shifted, and near 0 a large score costs no digits
      const top = largest(z);
      const shifted = z.map((s) => round(s - top));
      const tau = shiftedThreshold(shifted, round);
      return divided(shifted.map((s) => (order === 1 ? Number(s > tau) : Math.max(round(s - tau), 0))));
    };
  if (alpha !== undefined)
    return (z) => {
      const top = largest(z);
      const shifted = z.map((score) => round(score - top));
      // the root is sought in float64 whatever the device stores
      const s = round(entmaxShift(shifted, alpha - 1));
      const weights = shifted.map((score) => round(entmaxWeight(score, s, alpha - 1)));
      return divided(order === 1 ? weights.map((w) => (w > 0 ? round(w ** (2 - alpha)) : 0)) : weights);
    };
  const bias = sigmoidBias(activation);
  if (bias === undefined) {
    const f = pointwiseFunction(activation as Pointwise, order);
    return (z) => divided(z.map((s) => round(f(s))));
  }
  const f = pointwiseFunction("sigmoid", order);
  return (z) => {
    const b = bias === "-log length" ? -Math.log(z.length) : bias;
    return divided(z.map((s) => round(f(round(s + round(b))))));
  };
}

/**
 * The bias of a sigmoid weighing, whose plain name means −log(visible keys); undefined for every other activation.
 *
 * @example
 * ```ts
 * import { sigmoidBias } from "@splineformer/tensor";
 * sigmoidBias("sigmoid"); // "-log length"
 * sigmoidBias({ name: "sigmoid", bias: -2 }); // -2
 * sigmoidBias("relu"); // undefined
 * ```
 */
export function sigmoidBias(activation: Weighing): number | "-log length" | undefined {
  if (activation === "sigmoid") return "-log length";
  return typeof activation === "object" && activation.name === "sigmoid" ? activation.bias : undefined;
}

function softmax(z: readonly number[], round: (x: number) => number): number[] {
  const top = largest(z);
  const exponentials = z.map((s) => round(Math.exp(round(s - top))));
  let sum = 0;
  for (const e of exponentials) sum = round(sum + e);
  return exponentials.map((e) => round(e / sum));
}

function largest(z: readonly number[]): number {
  let top = Number.NEGATIVE_INFINITY;
  for (const s of z) top = Math.max(top, s);
  return top;
}

/**
 * The τ with `Σ max(z − τ, 0) = 1`: sparsemax is the projection of the scores on the simplex. No score, no τ: NaN.
 *
 * @param round - rounds every operation to what the device stores
 * @source arXiv 1602.02068, algorithm 1
 * @example
 * ```ts
 * import { sparsemaxThreshold } from "@splineformer/tensor";
 * sparsemaxThreshold([3, 2.5, 0]); // 2.25
 * ```
 */
export function sparsemaxThreshold(z: readonly number[], round: (x: number) => number = (x) => x): number {
  const top = largest(z);
  return round(
    top +
      shiftedThreshold(
        z.map((s) => round(s - top)),
        round,
      ),
  );
}

/** The threshold of scores of which the largest is 0: it lies in [−1, 0). */
function shiftedThreshold(z: readonly number[], round: (x: number) => number): number {
  const sorted = z.toSorted((a, b) => b - a);
  let sum = 0;
  let tau = Number.NaN;
  for (let k = 1; k <= sorted.length; k++) {
    sum = round(sum + sorted[k - 1]);
    if (1 + k * sorted[k - 1] <= sum) break;
    tau = round(round(sum - 1) / k);
  }
  return tau;
}
