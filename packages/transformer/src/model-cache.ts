/**
 * @file Keys and values of a whole causal model: one cache for each block, so that a new token costs one row and not the
 * text again. Of a decoder also the keys and values of its source, made once. Only self-attention and positions look back;
 * everything else reads each token alone. Not here: which token comes next, see `generate.ts`.
 */
import {
  type AttentionCache,
  type AttentionParameters,
  attendNext,
  attendSource,
  createAttentionCache,
  createSourceCache,
  type SourceCache,
} from "@splineformer/attention";
import {
  checkOptions,
  isTensor,
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
import { completeConfig, type ModelConfig, type StackConfig } from "./config.ts";
import type { StackParameters, TransformerParameters } from "./parameters.ts";
import { clamp, crossAttention, runStack } from "./stack.ts";

/** What is kept of the tokens so far. Plain data, and never changed: from one cache several texts may go on. */
export interface ModelCache {
  /** Tokens so far: the next token's position. */
  readonly length: number;
  /** Of each block. */
  readonly blocks: readonly AttentionCache[];
  /** Of each block of a decoder: what cross-attention looks at. Empty without a source. */
  readonly sources: readonly SourceCache[];
}

export interface CacheOptions {
  readonly maximum?: number;
  readonly source?: Tensor;
  readonly on?: SynchronousDevice;
}

/** A model that this package creates. */
export type CachedModel = Network<never, ModelConfig>;

/**
 * A cache without tokens, for `forwardNext`.
 *
 * @param model - a causal encoder without pooling, such as a language model; or a decoder, or an encoder–decoder
 * @param options - `maximum`: tokens kept at a time, default 4096. Where the mask is a window, only what the next token can
 * see is kept, and a text may go on without end. `source`: of a model that has one, the input of that name; it is read once,
 * through the encoder and the maps of each block, and must be given. `on`: the device for that, default `reference`, in float64
 * @throws RangeError if later tokens would change earlier outputs of the model, maximum is no whole number > 0, or a source is
 * missing, not finite, or there is no place for it
 * @throws ShapeError if the source does not fit the model
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
export function createCache(model: CachedModel, options: CacheOptions = {}): ModelCache {
  checkOptions("createCache", options, ["maximum", "source", "on"]);
  return emptyCache("createCache", model, options);
}

/** The same in the name of `where`. */
export function emptyCache(
  where: string,
  model: CachedModel,
  { maximum = 4096, source, on = reference }: CacheOptions,
): ModelCache {
  const { layers, attention } = causalConfig(where, model);
  required(Number.isSafeInteger(maximum) && maximum > 0, where, "maximum to be a whole number ≥ 1", maximum);
  const { mask } = attention;
  const blocks = Array.from({ length: layers }, () => createAttentionCache({ mask, maximum }));
  return { length: 0, blocks, sources: sourcesOf(where, model, source, on) };
}

/** Keys and values of the source for each block; none where the model has no source. */
function sourcesOf(
  where: string,
  model: CachedModel,
  source: Tensor | undefined,
  on: SynchronousDevice,
): readonly SourceCache[] {
  const { config } = model;
  if (config.kind === "encoder") {
    required(source === undefined, where, "no source: the model has one input", source);
    return [];
  }
  required(isTensor(source), where, "a source, which the model's tokens look at", source);
  const { source: given } = namedInputs(where, sourceOnly(model), { source: source as Tensor });
  const parameters = lift(on, model.parameters as unknown as StackParameters<Tensor> | TransformerParameters<Tensor>);
  let memory = on.constant(given);
  if (config.kind === "transformer")
    memory = runStack(on, config.encoder, (parameters as TransformerParameters<Tensor>).encoder, memory);
  const stack = stackConfig(config);
  const seen = clamp(on, stack, memory);
  return targetParameters(config, parameters).blocks.map(({ cross }) =>
    createSourceCache(on, crossAttention(stack), cross as AttentionParameters<Tensor>, seen),
  );
}

const sourceOnly = ({ inputs, ...model }: CachedModel): Network<"source"> =>
  ({ ...model, inputs: { source: (inputs as Network["inputs"]).source } }) as unknown as Network<"source">;

/** The stack that tokens go through. */
const stackConfig = (config: ModelConfig): StackConfig => (config.kind === "transformer" ? config.decoder : config);

/** Its numbers. */
export const targetParameters = <T>(
  { kind }: ModelConfig,
  parameters: StackParameters<T> | TransformerParameters<T>,
): StackParameters<T> =>
  kind === "transformer" ? (parameters as TransformerParameters<T>).decoder : (parameters as StackParameters<T>);

/**
 * The model on new tokens, after those of the cache: the rows that `forward` gives for them on all tokens at a time, but
 * for rounding.
 *
 * Several tokens may come at a time, as when a prompt is read, and leading axes are batch. The cache that came in stays as it
 * was, so decoding may branch.
 *
 * @param x - ids [.., new tokens], or [.., new tokens, channels] where the model reads such; of a decoder the target's
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
  const name = model.config.kind === "encoder" ? "x" : "target";
  const { [name]: own } = model.inputs as Network["inputs"];
  const { [name]: given } = namedInputs("forwardNext", { ...model, inputs: { [name]: own } } as unknown as Network, {
    [name]: x,
  });
  const known = typeof cache === "object" && cache !== null && Array.isArray(cache.blocks);
  if (!known) throw new RangeError(`forwardNext: expected a cache of createCache, got ${show(cache)}`);
  const { length } = cache.blocks;
  required(length === config.layers, "forwardNext", `a cache of ${config.layers} blocks, as the model has`, length);
  const sources = model.config.kind === "encoder" ? 0 : config.layers;
  required(
    cache.sources?.length === sources,
    "forwardNext",
    `a cache of ${sources} sources, as the model has`,
    cache.sources?.length,
  );
  const parameters = targetParameters(model.config, lift(on, model.parameters) as unknown as StackParameters<Tensor>);
  return continued(on, config, parameters, given, cache);
}

/** The same with parameters that are on the device. */
export function continued(
  on: SynchronousDevice,
  config: StackConfig,
  parameters: Lifted<StackParameters<Tensor>, Tensor>,
  x: Tensor,
  cache: ModelCache,
): { readonly output: Tensor; readonly cache: ModelCache } {
  const blocks: AttentionCache[] = [];
  let looked = 0;
  const output = runStack(on, config, parameters, on.constant(x), undefined, {
    past: cache.length,
    attend(ops, attention, own, tokens) {
      // blocks ask in their order
      const next = attendNext(ops as SynchronousDevice, attention, own, tokens, cache.blocks[blocks.length]);
      blocks.push(next.cache);
      return next.output;
    },
    ...(cache.sources.length > 0 && {
      look: (ops, attention, own, tokens) =>
        attendSource(ops as SynchronousDevice, attention, own, tokens, cache.sources[looked++]),
    }),
  });
  return { output, cache: { length: cache.length + (output.shape.at(-2) as number), blocks, sources: cache.sources } };
}

/** The config of the stack that tokens go through, whose outputs no later token changes. */
export function causalConfig(where: string, model: CachedModel): StackConfig {
  required(typeof model === "object" && model !== null, where, "a model", model);
  const config = stackConfig(completeConfig(where, model.config));
  const { attention, pool, patches, tokens } = config;
  required(attention.mask !== "none", where, 'a model with attention.mask "causal" or { window }', attention.mask);
  required(pool === "none", where, "a model without pooling", pool);
  required(patches === "none", where, "a model of tokens, not of images", patches);
  required(tokens === "given", where, "a model that reads one token at a time", { tokens });
  return config;
}
