/**
 * @file Keys and values of the tokens so far, for causal decoding, where the query changes with every token: a new token is
 * compared with all that are kept, and nothing is computed twice. One cache serves one layer; a model keeps one for each.
 * For a query that never changes there is `state.ts`, of constant size. Letters: g heads of keys and values.
 */
import {
  allocate,
  checkMask,
  checkRecord,
  isTensor,
  type Mask,
  required,
  type Shape,
  ShapeError,
  type SynchronousDevice,
  sameShape,
  showShape,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";
import { type AttentionConfig, type AttentionParameters, attendTo, checkLayer, keyOf, queryOf } from "./attend.ts";
import { checkCount } from "./checks.ts";
import { project } from "./linear.ts";

/** Rows of keys and values with room for more, shared by all caches that grew from one another. */
interface Store {
  /** [.., capacity, width] */
  readonly key: Tensor;
  readonly value: Tensor;
  /** Rows that are written; whoever ends there may write on. */
  used: number;
}

/** What is kept of the tokens so far. Plain data: it goes through `structuredClone`. Treat it as read-only. */
export interface AttentionCache {
  /** Tokens that may be kept at a time. */
  readonly maximum: number;
  /** How many tokens a query sees, itself included; `"all"` without a window. */
  readonly window: number | "all";
  /** Tokens so far: the next token's position. */
  readonly length: number;
  /** How many of them are kept. */
  readonly kept: number;
  /** The row of the first one that is kept. */
  readonly from: number;
  readonly store: Store | "empty";
}

/**
 * A cache without tokens, for `attendNext`.
 *
 * It grows as tokens come, up to `maximum`, and then refuses by name. With a window only what the next token can see is
 * kept, so a stream may go on without end.
 *
 * @param options - `mask`: `"causal"` or `{ window }`, the layer's, default `"causal"`; `maximum`: tokens kept at a time,
 * default 4096
 * @throws RangeError if the mask is not causal, or maximum no whole number > 0
 * @example
 * ```ts
 * import { attendNext, createAttentionCache } from "@splineformer/attention";
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const layer = { query: one, key: one, value: one, output: one };
 * const config = { activation: "relu", mask: "causal", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const first = attendNext(reference, config, layer, tensor([[2]]), createAttentionCache(config));
 * toNested(first.output); // [[8]]
 * // 3 · (3 · 2) + …: the second token sees both
 * toNested(attendNext(reference, config, layer, tensor([[3]]), first.cache).output); // [[39]]
 * ```
 */
export function createAttentionCache({
  mask = "causal",
  maximum = 4096,
}: {
  readonly mask?: Mask;
  readonly maximum?: number;
} = {}): AttentionCache {
  checkMask("createAttentionCache", mask);
  required(
    mask !== "none",
    "createAttentionCache",
    "a causal mask: without one, later tokens would change earlier outputs",
    mask,
  );
  checkCount("createAttentionCache", "maximum", maximum);
  const window = typeof mask === "object" ? mask.window : "all";
  return { maximum, window, length: 0, kept: 0, from: 0, store: "empty" };
}

/**
 * The layer on new tokens, after those of the cache: the same numbers as `attend` on all tokens at a time, for the new rows.
 *
 * Several tokens may come at a time, as when a prompt is read. The cache that came in stays as it was, so decoding may
 * branch: a branch that writes where another one has written gets rows of its own.
 *
 * @param ops - a device whose values are tensors
 * @param config - with the mask that the cache was made for
 * @param x - [.., new tokens, width]
 * @returns the output [.., new tokens, width of the output map], and the cache with the new tokens in it
 * @throws ShapeError if the widths or the batch do not fit the cache
 * @throws RangeError if the mask is another one, or more than `maximum` tokens would be kept
 * @example
 * ```ts
 * import { attendNext, createAttentionCache } from "@splineformer/attention";
 * import { reference, tensor } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const config = { activation: "softmax", mask: "causal", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const layer = { query: one, key: one, value: one, output: one };
 * attendNext(reference, config, layer, tensor([[2], [3]]), createAttentionCache(config)).cache.length; // 2
 * ```
 */
export function attendNext(
  ops: SynchronousDevice,
  config: AttentionConfig,
  parameters: AttentionParameters<Tensor>,
  x: Tensor,
  cache: AttentionCache,
): { readonly output: Tensor; readonly cache: AttentionCache } {
  const where = "attendNext";
  checkLayer(where, config, parameters, x, x);
  const whole = typeof cache === "object" && cache !== null && "store" in cache && "window" in cache;
  required(whole, where, "a cache of createAttentionCache", cache);
  const window = typeof config.mask === "object" ? config.mask.window : "all";
  required(config.mask !== "none" && window === cache.window, where, `the cache's window ${cache.window}`, config.mask);
  const query = queryOf(ops, config, parameters, x, cache.length);
  const newKey = keyOf(ops, config, parameters, x, cache.length);
  const extended = extend(cache, newKey, project(ops, x, parameters.value));
  const [key, value] = keptRows(extended);
  const past = extended.kept - (x.shape.at(-2) as number);
  const mixed = attendTo(ops, config, query, key, value, { past });
  return { output: project(ops, mixed, parameters.output), cache: extended };
}

/** Keys and values of a source that stays: what cross-attention looks at. Plain data. */
export interface SourceCache {
  /** [.., m, g · d] */
  readonly key: Tensor;
  /** [.., m, g · e] */
  readonly value: Tensor;
}

/**
 * The keys and values of a source, once for all tokens that will ask.
 *
 * @param ops - a device whose values are tensors
 * @param config - of cross-attention, with mask `"none"`: every token sees the whole source
 * @param memory - the source, [.., m, memory width]
 * @throws ShapeError if the widths do not fit, RangeError if the mask hides something
 * @example
 * ```ts
 * import { attendSource, createSourceCache } from "@splineformer/attention";
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const layer = { query: one, key: one, value: one, output: one };
 * const config = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const source = createSourceCache(reference, config, layer, tensor([[3], [1]]));
 * // 2 · 3 · 3 + 2 · 1 · 1
 * toNested(attendSource(reference, config, layer, tensor([[2]]), source)); // [[20]]
 * ```
 */
export function createSourceCache(
  ops: SynchronousDevice,
  config: AttentionConfig,
  parameters: AttentionParameters<Tensor>,
  memory: Tensor,
): SourceCache {
  checkRecord("createSourceCache", "the layer's parameters", parameters);
  required(config.mask === "none", "createSourceCache", 'mask "none": every token sees the source', config.mask);
  return { key: keyOf(ops, config, parameters, memory), value: project(ops, memory, parameters.value) };
}

/**
 * Cross-attention of new tokens to a source that is kept: the same numbers as `attend` with that memory.
 *
 * @param x - [.., new tokens, width]
 * @returns [.., new tokens, width of the output map]
 * @throws RangeError if the source is none of createSourceCache, ShapeError if the widths do not fit
 * @example
 * ```ts
 * import { attend, attendSource, createSourceCache } from "@splineformer/attention";
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const layer = { query: one, key: one, value: one, output: one };
 * const config = { activation: "softmax", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const [x, memory] = [tensor([[2]]), tensor([[3], [1]])];
 * const kept = attendSource(reference, config, layer, x, createSourceCache(reference, config, layer, memory));
 * kept.data[0] === attend(reference, config, layer, x, memory).data[0]; // true
 * ```
 */
export function attendSource(
  ops: SynchronousDevice,
  config: AttentionConfig,
  parameters: AttentionParameters<Tensor>,
  x: Tensor,
  source: SourceCache,
): Tensor {
  const where = "attendSource";
  checkRecord(where, "the layer's parameters", parameters);
  required(config.mask === "none", where, 'mask "none": every token sees the source', config.mask);
  checkRecord(where, "a source of createSourceCache", source);
  required(isTensor(source.key) && isTensor(source.value), where, "a source of createSourceCache", source);
  const query = queryOf(ops, config, parameters, x);
  const mixed = attendTo(ops, config, query, ops.constant(source.key), ops.constant(source.value), {});
  return project(ops, mixed, parameters.output);
}

/** The cache with rows more; what the first of them cannot see is dropped. */
function extend(cache: AttentionCache, key: Tensor, value: Tensor): AttentionCache {
  const { window, maximum, length, store } = cache;
  const count = key.shape.at(-2) as number;
  const old = window === "all" ? cache.kept : Math.min(cache.kept, window - 1);
  const kept = old + count;
  if (kept > maximum)
    throw new RangeError(`attendNext: expected at most maximum ${maximum} tokens to be kept, got ${kept}`);
  const from = cache.from + cache.kept - old;
  const end = from + old;
  if (store !== "empty") checkFits(store.key, key);
  // the rows behind the last one may have been written by another branch
  const room = store !== "empty" && store.used === end && end + count <= (store.key.shape.at(-2) as number);
  const target = room ? store : moved(store, from, old, Math.min(2 * kept, Math.max(maximum, kept)), key, value);
  const start = room ? from : 0;
  write(target.key, start + old, key);
  write(target.value, start + old, value);
  target.used = start + kept;
  return { maximum, window, length: length + count, kept, from: start, store: target };
}

/** A store of its own that begins with the rows kept of another one. */
function moved(store: Store | "empty", from: number, old: number, capacity: number, key: Tensor, value: Tensor): Store {
  const room = (like: Tensor, before: Tensor | undefined): Tensor => {
    const shape = [...like.shape.slice(0, -2), capacity, like.shape.at(-1) as number];
    const out: Tensor = { dtype: like.dtype, shape, data: allocate(like.dtype, sizeOf(shape)) };
    if (before && old > 0) write(out, 0, rows(before, from, old));
    return out;
  };
  const before = store === "empty" ? undefined : store;
  return { key: room(key, before?.key), value: room(value, before?.value), used: old };
}

const batchOf = (x: Tensor): Shape => x.shape.slice(0, -2);

/** Keys that continue what is kept: the same batch, width and dtype. */
function checkFits(kept: Tensor, key: Tensor): void {
  const fits =
    sameShape(batchOf(kept), batchOf(key)) && kept.shape.at(-1) === key.shape.at(-1) && kept.dtype === key.dtype;
  const expected = showShape([...batchOf(kept), key.shape.at(-2) as number, kept.shape.at(-1) as number]);
  if (!fits)
    throw new ShapeError(
      `attendNext: expected keys ${expected} of ${kept.dtype}, as in the cache, got ${showShape(key.shape)} of ${key.dtype}`,
    );
}

/** Copies rows to row `at` of every entry of the batch. */
function write(to: Tensor, at: number, from: Tensor): void {
  const [capacity, width] = to.shape.slice(-2);
  const size = (from.shape.at(-2) as number) * width;
  for (let b = 0; b * size < from.data.length; b++)
    to.data.set(from.data.subarray(b * size, (b + 1) * size), (b * capacity + at) * width);
}

/** Rows of every entry of the batch; of a single one a view, without copying. */
function rows(x: Tensor, from: number, count: number): Tensor {
  const [capacity, width] = x.shape.slice(-2);
  const shape = [...batchOf(x), count, width];
  const batches = sizeOf(batchOf(x));
  if (batches === 1) return { dtype: x.dtype, shape, data: x.data.subarray(from * width, (from + count) * width) };
  const out: Tensor = { dtype: x.dtype, shape, data: allocate(x.dtype, sizeOf(shape)) };
  for (let b = 0; b < batches; b++) {
    const start = (b * capacity + from) * width;
    out.data.set(x.data.subarray(start, start + count * width), b * count * width);
  }
  return out;
}

/** Keys and values that are kept. */
function keptRows({ store, from, kept }: AttentionCache): readonly [key: Tensor, value: Tensor] {
  const { key, value } = store as Store;
  return [rows(key, from, kept), rows(value, from, kept)];
}
