/**
 * @file What attention to a fixed query is told, and the scores and values of its tokens, head by head. Shared by the
 * state, which takes tokens as they come, and the scan, which takes all at a time.
 * Letters: h heads, g heads of keys and values, d width of a query and key head, e width of a value head.
 */
import {
  checkDivide,
  checkOptions,
  type Divide,
  required,
  ShapeError,
  showShape,
  type Tensor,
  type Weighing,
} from "@splineformer/tensor";
import { checkCount, checkNumbers } from "./checks.ts";

export interface FixedQueryOptions {
  /** Default `"softmax"`. Not sparsemax, entmax or the plain sigmoid: their weights change with every token. */
  readonly activation?: Weighing;
  /** h, default 1. */
  readonly heads?: number;
  /** g, a divisor of h. Default h. */
  readonly keyValueHeads?: number;
  /** What scores are multiplied by. Default 1/√d. */
  readonly scale?: number;
  /** What weights are divided by: nothing, the tokens so far, or a power of them. Default `"none"`. */
  readonly divide?: Divide;
}

/** The same, complete: plain JSON data. */
export interface FixedQuery extends Required<FixedQueryOptions> {
  /** [h · d] */
  readonly query: readonly number[];
}

/** The names of the options. */
const fixedQueryOptions = ["activation", "heads", "keyValueHeads", "scale", "divide"];

/** Checks and completes. A query [h · d] or [1, h · d]. */
export function fixedQuery(where: string, query: Tensor, options: FixedQueryOptions): FixedQuery {
  const { activation = "softmax", heads = 1, keyValueHeads = heads, divide = "none" } = options;
  checkCount(where, "heads", heads);
  checkCount(where, "keyValueHeads", keyValueHeads);
  required(heads % keyValueHeads === 0, where, `heads to be a multiple of keyValueHeads ${keyValueHeads}`, heads);
  checkNumbers(where, "query", query);
  const width = query.data.length;
  if (width !== query.shape.at(-1) || width === 0 || width % heads)
    throw new ShapeError(`${where}: expected a query [${heads} · width > 0], got ${showShape(query.shape)}`);
  const { scale = 1 / Math.sqrt(width / heads) } = options;
  required(Number.isFinite(scale), where, "a finite scale", scale);
  checkDivide(where, divide);
  return { activation, heads, keyValueHeads, scale, divide, query: Array.from(query.data) };
}

/** Keys and values of n tokens, checked. */
export interface Tokens {
  readonly count: number;
  /** e */
  readonly valueWidth: number;
  score(token: number, head: number): number;
  value(token: number, head: number): number[];
}

/** Reads keys [n, g · d] and values [n, g · e]. */
export function tokensOf(where: string, config: FixedQuery, key: Tensor, value: Tensor): Tokens {
  const { query, heads, keyValueHeads: groups, scale } = config;
  checkNumbers(where, "key", key);
  checkNumbers(where, "value", value);
  const d = query.length / heads;
  const [n, width] = value.shape.slice(-2);
  const fits = key.shape.length === 2 && value.shape.length === 2 && key.shape[0] === n && key.shape[1] === groups * d;
  if (!fits || width % groups)
    throw new ShapeError(
      `${where}: expected key [tokens, ${groups * d}] and value [tokens, ${groups} · width], got ${showShape(key.shape)} and ${showShape(value.shape)}`,
    );
  const e = width / groups;
  const group = (head: number): number => Math.floor((head * groups) / heads);
  return {
    count: n,
    valueWidth: e,
    score(token, head) {
      const at = token * groups * d + group(head) * d;
      let sum = 0;
      for (let i = 0; i < d; i++) sum += query[head * d + i] * key.data[at + i];
      const score = scale * sum;
      if (!Number.isFinite(score))
        throw new RangeError(`${where}: expected scores within the range of float64, got ${score} of token ${token}`);
      return score;
    },
    value(token, head) {
      const at = token * width + group(head) * e;
      return Array.from(value.data.subarray(at, at + e));
    },
  };
}

/** Refuses options that do not exist. */
export const checkFixedQueryOptions = (where: string, options: object, more: readonly string[]): void =>
  checkOptions(where, options, [...fixedQueryOptions, ...more]);
