/**
 * @file Attention to a fixed query, all positions at a time: a prefix scan of an associative operator, in ⌈log₂ n⌉ rounds
 * in which every combination is independent of the others. Here they are loops; the file is the definition of the
 * parallel form, and the same numbers as the recurrence in `state.ts`.
 */
import type { Tensor } from "@splineformer/tensor";
import { checkCount, checkFinite } from "./checks.ts";
import { checkFixedQueryOptions, type FixedQueryOptions, fixedQuery, tokensOf } from "./fixed-query.ts";
import { combineSums, type RunningSum, summing } from "./running-sum.ts";

/**
 * `x₁, x₁ ∘ x₂, x₁ ∘ x₂ ∘ x₃, …` by doubling: round r combines each item with the one 2^(r−1) before it.
 *
 * @param combine - associative; the item further left comes first
 * @returns the prefixes, and the number of rounds, ⌈log₂ n⌉
 * @source Hillis and Steele, "Data parallel algorithms", 1986, https://doi.org/10.1145/7902.7903
 * @example
 * ```ts
 * import { prefixScan } from "@splineformer/attention";
 * prefixScan([1, 2, 3, 4, 5], (a, b) => a + b); // { prefixes: [1, 3, 6, 10, 15], rounds: 3 }
 * ```
 */
export function prefixScan<E>(
  items: readonly E[],
  combine: (first: E, second: E) => E,
): { readonly prefixes: readonly E[]; readonly rounds: number } {
  let prefixes = items;
  let rounds = 0;
  for (let step = 1; step < items.length; step *= 2, rounds++) {
    const before = prefixes;
    prefixes = before.map((item, i) => (i < step ? item : combine(before[i - step], item)));
  }
  return { prefixes, rounds };
}

/**
 * Output k is attention of the query to tokens 1 … k: causal attention where every position asks the same.
 *
 * With `block`, blocks of that many tokens are scanned one after the other, each carrying on from the last: memory of one
 * block, and ⌈log₂ block⌉ rounds for each.
 *
 * @param query - [h · d]
 * @param key - [n, g · d]
 * @param value - [n, g · e]
 * @param options - see {@link FixedQueryOptions}; `block`: tokens scanned at a time, default all
 * @returns [n, h · e], float64
 * @throws ShapeError or RangeError if these do not fit; RangeError if a score or a sum leaves float64's range
 * @throws UnsupportedError for an activation whose weights change when tokens come (see `createState`)
 * @source arXiv 2405.13956, section 3.2
 * @example
 * ```ts
 * import { prefixScanAttention } from "@splineformer/attention";
 * import { tensor, toNested } from "@splineformer/tensor";
 * // scores 3, 3, −1000: the third token weighs nothing
 * const key = tensor([[3], [3], [-1000]]);
 * toNested(prefixScanAttention(tensor([1]), key, tensor([[10], [20], [90]]))); // [[10], [15], [15]]
 * ```
 */
export function prefixScanAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: FixedQueryOptions & { readonly block?: number } = {},
): Tensor<"float64"> {
  const where = "prefixScanAttention";
  checkFixedQueryOptions(where, options, ["block"]);
  const config = fixedQuery(where, query, options);
  const tokens = tokensOf(where, config, key, value);
  const { count: n, valueWidth: e } = tokens;
  const { block = Math.max(n, 1) } = options;
  checkCount(where, "block", block);
  const { heads, activation, divide } = config;
  const sums = summing(where, activation, divide);
  const data = new Float64Array(n * heads * e);
  for (let head = 0; head < heads; head++) {
    let carried: RunningSum | undefined;
    for (let from = 0; from < n; from += block) {
      const leaves: RunningSum[] = [];
      for (let k = from; k < Math.min(from + block, n); k++)
        leaves.push(sums.token(tokens.score(k, head), tokens.value(k, head)));
      if (carried) leaves[0] = combineSums(carried, leaves[0]);
      const { prefixes } = prefixScan(leaves, combineSums);
      for (const [i, total] of prefixes.entries())
        data.set(sums.output(total, from + i + 1), ((from + i) * heads + head) * e);
      carried = prefixes.at(-1);
    }
  }
  const output: Tensor<"float64"> = { dtype: "float64", shape: [n, heads * e], data };
  checkFinite(where, "a sum", output);
  return output;
}
