/**
 * @file Keys and values of a whole causal model: one cache for each block, so that a new token costs one row and not the
 * text again. Only self-attention and positions look back; everything else reads each token alone. Not here: which token
 * comes next, see `generate.ts`.
 */
import { type AttentionCache, attendNext, createAttentionCache } from "@splineformer/attention";
import {
  checkOptions,
  type Lifted,
  lift,
  type Network,
  namedInputs,
  reference,
  required,
  type SynchronousDevice,
  show,
  type Tensor,
} from "@splineformer/tensor";
import { completeConfig, type EncoderConfig, type ModelConfig } from "./config.ts";
import type { StackParameters } from "./parameters.ts";
import { runStack } from "./stack.ts";

/** What is kept of the tokens so far. Plain data, and never changed: from one cache several texts may go on. */
export interface ModelCache {
  /** Tokens so far: the next token's position. */
  readonly length: number;
  /** Of each block. */
  readonly blocks: readonly AttentionCache[];
}

/** A model that this package creates. */
export type CachedModel = Network<never, ModelConfig>;

/**
 * A cache without tokens, for `forwardNext`.
 *
 * @param model - a causal encoder without pooling, such as a language model
 * @param options - `maximum`: tokens kept at a time, default 4096. Where the mask is a window, only what the next token can
 * see is kept, and a text may go on without end
 * @throws RangeError if later tokens would change earlier outputs of the model, or maximum is no whole number > 0
 * @example
 * ```ts
 * import { createCache, createLanguageModel, forwardNext } from "@splineformer/transformer";
 * import { forward, tensor } from "@splineformer/tensor";
 * const model = createLanguageModel({ vocabulary: 29, layers: 2, width: 6, heads: 3, positions: "sinusoidal" });
 * const ids = (...values: number[]) => tensor(values, { dtype: "int32" });
 * const before = forwardNext(model, ids(7, 0), createCache(model));
 * const next = forwardNext(model, ids(28), before.cache);
 * next.cache.length; // 3
 * // the third row of the logits of all three
 * const all = forward(model, ids(7, 0, 28)).data.slice(58);
 * Math.max(...all.map((z, i) => Math.abs(z - next.output.data[i]))); // < 1e-13
 * ```
 */
export function createCache(model: CachedModel, options: { readonly maximum?: number } = {}): ModelCache {
  const { layers, attention } = causalConfig("createCache", model);
  checkOptions("createCache", options, ["maximum"]);
  const { maximum = 4096 } = options;
  required(Number.isSafeInteger(maximum) && maximum > 0, "createCache", "maximum to be a whole number ≥ 1", maximum);
  const { mask } = attention;
  return { length: 0, blocks: Array.from({ length: layers }, () => createAttentionCache({ mask, maximum })) };
}

/**
 * The model on new tokens, after those of the cache: the rows that `forward` gives for them on all tokens at a time, but
 * for rounding.
 *
 * Several tokens may come at a time, as when a prompt is read, and leading axes are batch. The cache that came in stays as it
 * was, so decoding may branch.
 *
 * @param x - ids [.., new tokens], or [.., new tokens, channels] where the model reads such
 * @param cache - of this model: from `createCache` or an earlier call
 * @param options - `on`: a device that computes at once; default `reference`, in float64
 * @returns the output for the new tokens, and the cache with them in it
 * @throws ShapeError if x does not fit the model, the batch not the cache, or positions are used up
 * @throws RangeError if the cache is of another model, or would keep more than its `maximum`
 * @example
 * ```ts
 * import { createCache, createEncoder, forwardNext } from "@splineformer/transformer";
 * import { random } from "@splineformer/tensor";
 * // of vectors instead of ids
 * const model = createEncoder({ layers: 1, width: 6, heads: 3, attention: { mask: { window: 5 } } });
 * let cache = createCache(model, { maximum: 5 });
 * for (let k = 0; k < 20; k++) cache = forwardNext(model, random(k).normal([1, 6]), cache).cache;
 * [cache.length, cache.blocks[0].kept]; // [20, 5]
 * ```
 */
export function forwardNext(
  model: CachedModel,
  x: Tensor,
  cache: ModelCache,
  options: { readonly on?: SynchronousDevice } = {},
): { readonly output: Tensor; readonly cache: ModelCache } {
  checkOptions("forwardNext", options, ["on"]);
  const { on = reference } = options;
  const config = causalConfig("forwardNext", model);
  const inputs = namedInputs("forwardNext", model as unknown as Network<"x">, x);
  const known = typeof cache === "object" && cache !== null && Array.isArray(cache.blocks);
  if (!known) throw new RangeError(`forwardNext: expected a cache of createCache, got ${show(cache)}`);
  const { length } = cache.blocks;
  required(length === config.layers, "forwardNext", `a cache of ${config.layers} blocks, as the model has`, length);
  return continued(on, config, lift(on, model.parameters) as StackParameters<Tensor>, inputs.x, cache);
}

/** The same with parameters that are on the device. */
export function continued(
  on: SynchronousDevice,
  config: EncoderConfig,
  parameters: Lifted<StackParameters<Tensor>, Tensor>,
  x: Tensor,
  cache: ModelCache,
): { readonly output: Tensor; readonly cache: ModelCache } {
  const blocks: AttentionCache[] = [];
  const output = runStack(on, config, parameters, on.constant(x), undefined, {
    past: cache.length,
    attend(ops, attention, own, tokens) {
      // blocks ask in their order
      const next = attendNext(ops as SynchronousDevice, attention, own, tokens, cache.blocks[blocks.length]);
      blocks.push(next.cache);
      return next.output;
    },
  });
  return { output, cache: { length: cache.length + (output.shape.at(-2) as number), blocks } };
}

/** The config of a model whose outputs no later token changes. */
export function causalConfig(where: string, model: CachedModel): EncoderConfig {
  required(typeof model === "object" && model !== null, where, "a model", model);
  const config = completeConfig(where, model.config);
  if (config.kind !== "encoder") return required(false, where, 'a model of kind "encoder"', config.kind) as never;
  const { attention, pool, patches, tokens } = config;
  required(attention.mask !== "none", where, 'a model with attention.mask "causal" or { window }', attention.mask);
  required(pool === "none", where, "a model without pooling", pool);
  required(patches === "none", where, "a model of tokens, not of images", patches);
  required(tokens === "given", where, "a model that reads one token at a time", { tokens });
  return config;
}
