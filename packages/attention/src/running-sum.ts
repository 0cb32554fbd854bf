/**
 * @file Attention to a fixed query as a sum that can be taken in any grouping: what a stretch of tokens comes to is an
 * element, and elements of neighbouring stretches combine. The recurrence, the parallel scan and blocks are three ways
 * to combine the same elements. Letters: m the largest score, w the weights' sum, u the weighted sum of values.
 */
import {
  actsOnRows,
  checkWeighing,
  type Divide,
  divisor,
  type Pointwise,
  pointwiseFunction,
  rowAlpha,
  showWeighing,
  sigmoidBias,
  UnsupportedError,
  type Weighing,
} from "@splineformer/tensor";

/**
 * What a stretch of tokens comes to, for one head: `weight` and `sum` are taken relative to e^maximum.
 *
 * Of a pointwise activation maximum is 0 and the sums are plain ones. Plain data: it goes through JSON.
 */
export interface RunningSum {
  readonly maximum: number;
  readonly weight: number;
  readonly sum: readonly number[];
}

/**
 * `(m, w, u)` of two stretches from those of each: `m = max(m₁, m₂)`, `u = u₁ e^(m₁ − m) + u₂ e^(m₂ − m)`, w likewise.
 *
 * Associative (up to rounding), so stretches may be combined in any grouping, in parallel too. No exponential exceeds 1.
 *
 * @source arXiv 2405.13956, section 3.2
 * @example
 * ```ts
 * import { combineSums } from "@splineformer/attention";
 * const token = (score: number, value: number) => ({ maximum: score, weight: 1, sum: [value] });
 * const both = combineSums(token(3, 10), token(3, 20));
 * both; // { maximum: 3, weight: 2, sum: [30] }
 * ```
 */
export function combineSums(first: RunningSum, second: RunningSum): RunningSum {
  const maximum = Math.max(first.maximum, second.maximum);
  const [a, b] = [Math.exp(first.maximum - maximum), Math.exp(second.maximum - maximum)];
  return {
    maximum,
    weight: first.weight * a + second.weight * b,
    sum: first.sum.map((u, i) => u * a + second.sum[i] * b),
  };
}

/** How scores enter and how the result is read, for one activation and divisor. */
export interface Summing {
  /** What no token comes to. */
  empty(width: number): RunningSum;
  /** What one token comes to. */
  token(score: number, value: readonly number[]): RunningSum;
  /** The output after `count` tokens. */
  output(total: RunningSum, count: number): number[];
}

/**
 * Sums for softmax (entmax of α = 1 is that), and for every activation that acts entry by entry and knows its bias.
 *
 * @throws UnsupportedError for sparsemax and entmax, whose threshold needs every score, and for the sigmoid of bias
 * −log(length), which changes all weights with every token
 */
export function summing(where: string, activation: Weighing, divide: Divide): Summing {
  checkWeighing(where, activation, 0);
  if (rowAlpha(activation) === 1)
    return {
      // the least number, not −∞, which JSON lacks
      empty: (width) => ({ maximum: -Number.MAX_VALUE, weight: 0, sum: new Array<number>(width).fill(0) }),
      token: (score, value) => ({ maximum: score, weight: 1, sum: value }),
      output: ({ weight, sum }, count) => {
        const by = weight * divisor(divide, count);
        return sum.map((u) => u / by);
      },
    };
  const bias = sigmoidBias(activation);
  if (actsOnRows(activation) || bias === "-log length")
    throw new UnsupportedError(
      `${where}: expected an activation whose weights do not change when tokens come (softmax, sigmoid with a numeric bias, or entry by entry), got ${showWeighing(activation)}`,
    );
  const f = pointwiseFunction(bias === undefined ? (activation as Pointwise) : "sigmoid", 0);
  return {
    empty: (width) => ({ maximum: 0, weight: 0, sum: new Array<number>(width).fill(0) }),
    token(score, value) {
      const weight = f(score + (bias ?? 0));
      return { maximum: 0, weight, sum: value.map((v) => weight * v) };
    },
    output({ sum }, count) {
      const by = divisor(divide, count);
      return sum.map((u) => u / by);
    },
  };
}
