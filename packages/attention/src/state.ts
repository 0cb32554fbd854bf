/**
 * @file Attention as a recurrent network: a fixed query over tokens that come one after the other, in constant memory.
 * Not for queries that change with every token: they need all keys, so a cache (`cache.ts`).
 * Letters: h heads, g heads of keys and values, d width of a query and key head, e width of a value head.
 */
import { checkRecord, isTensor, required, ShapeError, show, showShape, type Tensor } from "@splineformer/tensor";
import { checkCount, checkFinite } from "./checks.ts";
import {
  checkFixedQueryOptions,
  type FixedQuery,
  type FixedQueryOptions,
  fixedQuery,
  tokensOf,
} from "./fixed-query.ts";
import { combineSums, type RunningSum, summing } from "./running-sum.ts";

/** All that is kept of the tokens so far: e + 2 numbers a head, and how many came. Plain data: it goes through JSON. */
export interface AttentionState {
  readonly config: FixedQuery & { /** e */ readonly valueWidth: number };
  /** Tokens so far. */
  readonly length: number;
  readonly heads: readonly RunningSum[];
}

/**
 * The state before any token.
 *
 * @param options - `query`: [h · d]; `valueWidth`: e, default d; `activation`, `heads`, `keyValueHeads`, `scale`, `divide`:
 * see {@link FixedQueryOptions}
 * @throws ShapeError or RangeError if these do not fit
 * @throws UnsupportedError for an activation whose weights change when tokens come: sparsemax, entmax, and the plain
 * sigmoid, whose bias is −log(length); give that a number
 * @source arXiv 2405.13956
 * @example
 * ```ts
 * import { createState, step } from "@splineformer/attention";
 * import { tensor, toNested } from "@splineformer/tensor";
 * const start = createState({ query: tensor([1]) });
 * // equal scores: the average of the values so far
 * const one = step(start, { key: tensor([3]), value: tensor([10]) });
 * const two = step(one.state, { key: tensor([3]), value: tensor([20]) });
 * [toNested(one.output), toNested(two.output), two.state.length]; // [[10], [15], 2]
 * ```
 */
export function createState(
  options: FixedQueryOptions & { readonly query: Tensor; readonly valueWidth?: number },
): AttentionState {
  const where = "createState";
  checkFixedQueryOptions(where, options, ["query", "valueWidth"]);
  const config = fixedQuery(where, options.query, options);
  const { valueWidth = config.query.length / config.heads } = options;
  checkCount(where, "valueWidth", valueWidth);
  const { empty } = summing(where, config.activation, config.divide);
  return {
    config: { ...config, valueWidth },
    length: 0,
    heads: Array.from({ length: config.heads }, () => empty(valueWidth)),
  };
}

/**
 * Takes tokens in: `m_k = max(m_{k−1}, s_k)`, `u_k = u_{k−1} e^(m_{k−1} − m_k) + v_k e^(s_k − m_k)`, w likewise, `o_k = u_k/w_k`
 * for softmax; for an activation f that acts entry by entry `o_k = Σ f(s_i) v_i`, divided as `divide` says by k.
 *
 * The state that came in is left as it is, so a stream may branch. Scores of any size: no exponential exceeds 1. Time and
 * memory of a token do not depend on how many came before. Plain float64 arithmetic; `createAttentionStream` of
 * `@splineformer/cpu` is the fast float32 way for softmax.
 *
 * @param token - one token: key [g · d], value [g · e]; or several, key [n, g · d], value [n, g · e]
 * @returns the new state, and the output over all tokens so far: [h · e], or after each of several [n, h · e]; float64
 * @throws ShapeError or RangeError if these do not fit the state; RangeError if a score or a sum leaves float64's range
 * @source arXiv 2405.13956, section 3.1
 * @example
 * ```ts
 * import { createState, step } from "@splineformer/attention";
 * import { tensor, toNested } from "@splineformer/tensor";
 * const state = createState({ query: tensor([1]), activation: "relu", divide: "length" });
 * // ReLU of scores 2 and −5, times the values, by the tokens so far
 * const { output } = step(state, { key: tensor([[2], [-5]]), value: tensor([[3], [7]]) });
 * toNested(output); // [[6], [3]]
 * ```
 */
export function step(
  state: AttentionState,
  token: { readonly key: Tensor; readonly value: Tensor },
): { readonly state: AttentionState; readonly output: Tensor<"float64"> } {
  checkState("step", state);
  checkRecord("step", "a token { key, value }", token);
  required(isTensor(token.key) && isTensor(token.value), "step", "a key and a value that are tensors", token);
  const { config, length } = state;
  const single = token.key.shape.length === 1 && token.value.shape.length === 1;
  const row = (x: Tensor): Tensor => (single ? { ...x, shape: [1, ...x.shape] } : x);
  const tokens = tokensOf("step", config, row(token.key), row(token.value));
  const { valueWidth: e, activation, divide } = config;
  if (tokens.count > 0 && tokens.valueWidth !== e)
    throw new ShapeError(`step: expected value heads of width ${e}, got value ${showShape(token.value.shape)}`);
  const sums = summing("step", activation, divide);
  const heads = [...state.heads];
  const output = new Float64Array(tokens.count * heads.length * e);
  for (let k = 0; k < tokens.count; k++)
    for (let head = 0; head < heads.length; head++) {
      heads[head] = combineSums(heads[head], sums.token(tokens.score(k, head), tokens.value(k, head)));
      output.set(sums.output(heads[head], length + k + 1), (k * heads.length + head) * e);
    }
  const width = heads.length * e;
  const after: Tensor<"float64"> = { dtype: "float64", shape: single ? [width] : [tokens.count, width], data: output };
  checkFinite("step", "a sum", after);
  return { state: { config, length: length + tokens.count, heads }, output: after };
}

/**
 * The state after one stretch of tokens and then another, from the states of each: stretches can be read in parallel.
 *
 * @throws RangeError if the two do not ask the same
 * @example
 * ```ts
 * import { createState, joinStates, step } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * const start = createState({ query: tensor([1]), activation: "relu" });
 * const read = (key: number, value: number) => step(start, { key: tensor([key]), value: tensor([value]) }).state;
 * joinStates(read(2, 3), read(4, 5)).heads[0].sum; // [26]
 * ```
 */
export function joinStates(first: AttentionState, second: AttentionState): AttentionState {
  checkState("joinStates", first);
  checkState("joinStates", second);
  const same = JSON.stringify(first.config) === JSON.stringify(second.config);
  if (!same) required(false, "joinStates", `two states of one config ${show(first.config)}`, second.config);
  return {
    config: first.config,
    length: first.length + second.length,
    heads: first.heads.map((head, i) => combineSums(head, second.heads[i])),
  };
}

/** A state may come from a file. */
function checkState(where: string, state: AttentionState): void {
  checkRecord(where, "a state of createState", state);
  const { config, length, heads } = state;
  checkRecord(where, "a state with the config of createState", config);
  checkCount(where, "the state's length", length, 0);
  const whole = Array.isArray(heads) && heads.length === config.heads && heads.every(isSumOf(config.valueWidth));
  required(whole, where, `a state with ${config.heads} running sums of width ${config.valueWidth}`, heads);
}

const isSumOf =
  (width: number) =>
  (head: Partial<RunningSum> | null): boolean =>
    typeof head === "object" && head !== null && Array.isArray(head.sum) && head.sum.length === width;
