/**
 * @file Dropout of weights while training: a factor for every weight, drawn beforehand, so that a network stays a pure
 * function and every device drops the same.
 */
import { checkOptions, random, required, type Shape, type Tensor } from "@splineformer/tensor";

export interface Dropout {
  /** The share of weights that become 0, 0 ≤ rate < 1. */
  readonly rate: number;
  readonly seed: number;
}

/** Refuses what is no dropout. */
export function checkDropout(where: string, dropout: Dropout): void {
  checkOptions(where, dropout, ["rate", "seed"]);
  const { rate, seed } = dropout;
  required(typeof rate === "number" && rate >= 0 && rate < 1, where, "a dropout rate in [0, 1)", rate);
  required(Number.isSafeInteger(seed) && seed >= 0, where, "a dropout seed that is a whole number ≥ 0", seed);
}

/**
 * Factors: 0 with this probability, else 1/(1 − rate), so that the mean is 1.
 *
 * @param shape - of the weights, [.., heads, queries, keys], or what broadcasts to it
 * @throws RangeError if the rate is not in [0, 1)
 * @example
 * ```ts
 * import { dropoutFactors } from "@splineformer/attention";
 * [...new Set(dropoutFactors([3, 100], { rate: 0.5, seed: 1 }).data)].sort(); // [0, 2]
 * ```
 */
export function dropoutFactors(shape: Shape, dropout: Dropout): Tensor<"float32"> {
  checkDropout("dropoutFactors", dropout);
  const { rate, seed } = dropout;
  const factors = random(seed).uniform(shape);
  for (let i = 0; i < factors.data.length; i++) factors.data[i] = factors.data[i] < rate ? 0 : 1 / (1 - rate);
  return factors;
}
