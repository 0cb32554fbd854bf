/** @file Networks run, at once and token by token, on `cpu` where no device is named. */
import { cpu } from "@splineformer/cpu";
import {
  type ForwardOptions,
  type Given,
  type Network,
  type Ops,
  forward as run,
  type Shaped,
  type Tensor,
} from "@splineformer/tensor";
import {
  type CachedModel,
  type CacheOptions,
  generate as continueText,
  createCache as emptyCache,
  type GenerateOptions,
  type ModelCache,
  forwardNext as readNext,
} from "@splineformer/transformer";
import { withDevice } from "./with-device.ts";

/**
 * Runs a network: `forward` of `@splineformer/tensor`, in float32 on `cpu` where no device is named.
 *
 * For float64 name `cpu64`, and for the definition itself `reference`.
 *
 * @param x - the input, or inputs by name; leading axes are batch
 * @param options - `on`: the device, or any other operations; default `cpu`
 * @throws ShapeError if an input does not have the network's shape
 * @throws RangeError if an input is missing, unknown or holds NaN or an infinity
 * @example
 * ```ts
 * import { cpu64, encoderFromSpline, forward, interpolateCubic, tensor } from "splineformer";
 * const model = encoderFromSpline(interpolateCubic([0, 1, 2], [0, 1, 0]));
 * const y = forward(model, tensor([[0.5]]));
 * y.data[0]; // 0.6875
 * y.dtype; // "float32"
 * forward(model, tensor([[0.5]]), { on: cpu64 }).dtype; // "float64"
 * ```
 */
export function forward<I extends string, C, P>(network: Network<I, C, P>, x: Given<I>): Tensor;
export function forward<I extends string, C, P, T extends Shaped>(
  network: Network<I, C, P>,
  x: Given<I, Tensor | NoInfer<T>>,
  options: ForwardOptions<T>,
): T;
export function forward<I extends string, C, P>(
  network: Network<I, C, P>,
  x: Given<I, Shaped>,
  options: ForwardOptions<Shaped> = { on: cpu as unknown as Ops<Shaped> },
): Shaped {
  return run(network, x, options);
}

/**
 * Ids that continue a prompt: `generate` of `@splineformer/transformer`, in float32 on `cpu` where no device is named.
 *
 * @param model - a causal language model, or a decoder or an encoder–decoder of ids, with a source
 * @param prompt - at least one id; a list, or a tensor of one axis
 * @returns the ids after the prompt, an async iterable; the arguments are checked at once
 * @throws RangeError if an option is unknown or out of range, the model is none of ids, the prompt no ids of its vocabulary,
 * or the text would outgrow learned positions; while it runs, if a logit is NaN or infinite
 * @throws the reason of `signal`, if it is aborted
 * @example
 * ```ts
 * import { createLanguageModel, generate } from "splineformer";
 * const model = createLanguageModel({ vocabulary: 29, layers: 1, width: 6, heads: 3, positions: "sinusoidal", seed: 1 });
 * const text: number[] = [];
 * for await (const id of generate(model, [7, 0], { temperature: 0.8, topK: 5, seed: 1, maximum: 4 })) text.push(id);
 * text.length; // 4
 * ```
 */
export function generate(
  model: CachedModel,
  prompt: readonly number[] | Tensor,
  options: GenerateOptions = {},
): AsyncGenerator<number, void, void> {
  return continueText(model, prompt, withDevice(options, cpu));
}

/**
 * A cache of keys and values for causal decoding: `createCache` of `@splineformer/transformer`, whose source, where a model has
 * one, is read on `cpu` where no device is named.
 *
 * @param options - `maximum`: tokens kept at a time, default 4096; `source`: of a model that has one, the input of that name
 * @throws RangeError if later tokens would change earlier outputs of the model, an option is unknown or out of range, or a
 * source is missing or there is no place for it
 * @throws ShapeError if the source does not fit the model
 * @example
 * ```ts
 * import { createCache, createLanguageModel } from "splineformer";
 * const model = createLanguageModel({ vocabulary: 29, layers: 2, width: 6, heads: 3, positions: "sinusoidal" });
 * createCache(model).length; // 0
 * ```
 */
export function createCache(model: CachedModel, options: CacheOptions = {}): ModelCache {
  return emptyCache(model, withDevice(options, cpu));
}

/**
 * The outputs for the next tokens: `forwardNext` of `@splineformer/transformer`, in float32 on `cpu` where no device is named.
 *
 * @param x - ids [.., new tokens], or [.., new tokens, channels] where the model reads such; of a decoder the target's
 * @param cache - of this model: from `createCache` or an earlier call; it stays as it was
 * @returns the output for the new tokens, and the cache with them in it
 * @throws ShapeError if x does not fit the model, the batch not the cache, or positions are used up
 * @throws RangeError if the cache is of another model, or would keep more than its `maximum`
 * @example
 * ```ts
 * import { createCache, createLanguageModel, forwardNext, tensor } from "splineformer";
 * const model = createLanguageModel({ vocabulary: 29, layers: 2, width: 6, heads: 3, positions: "sinusoidal" });
 * const { output, cache } = forwardNext(model, tensor([7, 0], { dtype: "int32" }), createCache(model));
 * [output.dtype, cache.length]; // ["float32", 2]
 * ```
 */
export function forwardNext(
  model: CachedModel,
  x: Tensor,
  cache: ModelCache,
  options: Parameters<typeof readNext>[3] = {},
): ReturnType<typeof readNext> {
  return readNext(model, x, cache, withDevice(options, cpu));
}
