/**
 * @file Text from a causal language model, token by token, with a cache of keys and values. Ids in, ids out: what they spell is
 * the caller's.
 */
import {
  checkOptions,
  createPause,
  isTensor,
  lift,
  random,
  reference,
  required,
  type SynchronousDevice,
  show,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import type { StackConfig } from "./config.ts";
import { type CachedModel, causalConfig, continued, emptyCache, targetParameters } from "./model-cache.ts";
import type { StackParameters } from "./parameters.ts";
import { type SamplingOptions, sampler } from "./sampling.ts";

export interface GenerateOptions extends SamplingOptions {
  /**
   * How many ids at most. Default 256, or as many as learned positions leave room for: what is given comes after nothing, so
   * it needs no position.
   */
  readonly maximum?: number;
  /** Ids that end the text; they are not given. Default none. */
  readonly stop?: readonly number[];
  /** What is drawn, with a temperature > 0: each id from the seed and its place in the text alone. Default 0. */
  readonly seed?: number;
  /** Aborts before the next id, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Of a decoder or an encoder–decoder: what the text is about, read once. */
  readonly source?: Tensor;
  /** A device that computes at once; default `reference`, in float64. */
  readonly on?: SynchronousDevice;
}

/**
 * Ids that continue a prompt: an async iterable. Break out of the loop to stop early.
 *
 * Greedy by default. Sampled with a temperature, and then a text that is taken up again, its ids so far being the prompt,
 * goes on as it would have. Between ids the event loop may turn, so that a page stays alive.
 *
 * @param model - a causal language model: ids in, a logit for every id out; or a decoder or an encoder–decoder whose target is
 * ids and whose output has a logit for each, with a source
 * @param prompt - at least one id; a list, or a tensor of one axis
 * @returns the ids after the prompt; the arguments are checked at once, before the first is asked for
 * @throws RangeError if an option is unknown or out of range, the model is none of ids, the prompt no ids of its vocabulary,
 * or the text would outgrow learned positions; while it runs, if a logit is NaN or infinite
 * @throws the reason of `signal`, if it is aborted
 * @source sampling: arXiv 1904.09751
 * @example
 * ```ts
 * import { createLanguageModel, generate } from "@splineformer/transformer";
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
  const where = "generate";
  checkOptions(where, options, ["temperature", "topK", "topP", "maximum", "stop", "seed", "signal", "source", "on"]);
  const config = causalConfig(where, model);
  const { vocabulary, output } = config;
  required(
    vocabulary !== "none" && output === vocabulary,
    where,
    "a language model, with a vocabulary and an output of its size",
    { vocabulary, output },
  );
  const ids = idsOf(where, "prompt", isTensor(prompt) ? tensorIds(prompt) : prompt, vocabulary as number);
  required(ids.length > 0, where, "a prompt of at least one id", prompt);
  const { seed = 0, signal, on = reference } = options;
  const stop = new Set(idsOf(where, "stop", options.stop ?? [], vocabulary as number));
  const maximum = maximumOf(where, config, ids.length, options.maximum);
  const choose = sampler(where, options);
  const start = emptyCache(where, model, {
    maximum: ids.length + maximum,
    on,
    ...(options.source && { source: options.source }),
  });
  // random refuses a seed that is none
  random(seed);

  async function* text(): AsyncGenerator<number, void, void> {
    const pause = createPause();
    const parameters = targetParameters(model.config, lift(on, model.parameters) as unknown as StackParameters<Tensor>);
    let cache = start;
    let next: readonly number[] = ids;
    for (let k = 0; k < maximum; k++) {
      await pause();
      signal?.throwIfAborted();
      const found = continued(on, config, parameters, tensor(next, { dtype: "int32" }), cache);
      cache = found.cache;
      const logits = on.read(found.output).data;
      const id = choose(logits.slice(logits.length - (vocabulary as number)), () =>
        random(seed, { stream: cache.length }).number(),
      );
      if (stop.has(id)) return;
      yield id;
      next = [id];
    }
  }
  return text();
}

/** How many ids may come: those that are read on need positions. */
function maximumOf(where: string, { positions }: StackConfig, length: number, given: number | undefined): number {
  const room = typeof positions === "object" ? positions.learned - length + 1 : Number.POSITIVE_INFINITY;
  if (room < 1)
    throw new RangeError(`${where}: expected a prompt of at most ${room + length - 1} ids, for which there are positions, got ${length}`); // biome-ignore format: one message
  if (given === undefined) return Math.min(256, room);
  required(Number.isSafeInteger(given) && given >= 0, where, "maximum to be a whole number ≥ 0", given);
  return required(given <= room, where, `maximum ≤ ${room}, for which there are positions after the prompt`, given);
}

function tensorIds(prompt: Tensor): number[] {
  required(prompt.shape.length === 1, "generate", "a prompt of one axis", prompt.shape);
  return Array.from(prompt.data);
}

function idsOf(where: string, what: string, ids: readonly number[], vocabulary: number): readonly number[] {
  if (!Array.isArray(ids)) throw new RangeError(`${where}: expected ${what} to be a list of ids, got ${show(ids)}`);
  for (const id of ids)
    required(Number.isInteger(id) && id >= 0 && id < vocabulary, where, `${what} of ids in [0, ${vocabulary})`, id);
  return [...ids];
}
