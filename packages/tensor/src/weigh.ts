/**
 * @file How one row of scores becomes one row of weights: the meaning of `weigh`, for the keys that a query sees.
 * Letters: z scores, w weights, τ the threshold of sparsemax, n the number of visible keys.
 */
import { type Pointwise, pointwiseFunction } from "./activations.ts";
import type { Attributes, Divide, Mask, Weighing } from "./vocabulary.ts";

/** The keys that the mask shows to a query, in order. On a rectangle, key ≤ query counts from the top left. */
export function visibleKeys(mask: Mask, query: number, keys: number): number[] {
  const to = mask === "none" ? keys : Math.min(query + 1, keys);
  const from = typeof mask === "object" ? Math.max(0, query + 1 - mask.window) : 0;
  return Array.from({ length: Math.max(to - from, 0) }, (_, i) => from + i);
}

/** What a row of n visible keys is divided by. */
export function divisor(divide: Divide, n: number): number {
  if (divide === "none") return 1;
  return divide === "length" ? n : n ** divide.lengthPower;
}

/**
 * The weights of a row of visible scores; nothing visible gives nothing.
 *
 * @param round - rounds every operation to what the device stores
 */
export function weighRow(
  { activation, order, divide }: Attributes["weigh"],
  round: (x: number) => number = (x) => x,
): (scores: readonly number[]) => number[] {
  const divided = (weights: number[]): number[] => {
    const by = divisor(divide, weights.length);
    return by === 1 ? weights : weights.map((w) => round(w / round(by)));
  };
  if (activation === "softmax") return (z) => divided(softmax(z, round));
  if (activation === "sparsemax")
    return (z) => {
      const tau = sparsemaxThreshold(z, round);
      return divided(z.map((s) => (order === 1 ? Number(s > tau) : Math.max(round(s - tau), 0))));
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

/** The bias of a sigmoid weighing, whose plain name means −log(visible keys); undefined for every other activation. */
export function sigmoidBias(activation: Weighing): number | "-log length" | undefined {
  if (activation === "sigmoid") return "-log length";
  return typeof activation === "object" && activation.name === "sigmoid" ? activation.bias : undefined;
}

function softmax(z: readonly number[], round: (x: number) => number): number[] {
  let maximum = Number.NEGATIVE_INFINITY;
  for (const s of z) maximum = Math.max(maximum, s);
  const exponentials = z.map((s) => round(Math.exp(round(s - maximum))));
  let sum = 0;
  for (const e of exponentials) sum = round(sum + e);
  return exponentials.map((e) => round(e / sum));
}

/**
 * The τ with `Σ max(z − τ, 0) = 1`: sparsemax is the projection of the scores on the simplex.
 *
 * @source arXiv 1602.02068, algorithm 1
 * @example
 * ```ts
 * import { sparsemaxThreshold } from "@splineformer/tensor";
 * sparsemaxThreshold([3, 2.5, 0]); // 2.25
 * ```
 */
export function sparsemaxThreshold(z: readonly number[], round: (x: number) => number = (x) => x): number {
  const sorted = [...z].sort((a, b) => b - a);
  let sum = 0;
  let tau = Number.NaN;
  for (let k = 1; k <= sorted.length; k++) {
    sum = round(sum + sorted[k - 1]);
    if (1 + k * sorted[k - 1] > sum) tau = round(round(sum - 1) / k);
  }
  return tau;
}
