/**
 * @file The models: a config, parameters, and the stack that reads them. Plain `Network`s, so whatever reads a network
 * (a device, gradients, degrees, the exact engine) reads these.
 */
import { checkOptions, type InputShape, type Network, parametersOf, type Tensor, within } from "@splineformer/tensor";
import {
  completeDecoder,
  completeEncoder,
  completeLanguageModel,
  completeTransformer,
  type DecoderConfig,
  type DecoderOptions,
  type EncoderConfig,
  type EncoderOptions,
  type LanguageModelOptions,
  type ModelConfig,
  type StackConfig,
  type TransformerConfig,
  type TransformerOptions,
} from "./config.ts";
import {
  drawParameters,
  fillParameters,
  type ParametersOf,
  type StackParameters,
  type TransformerParameters,
} from "./parameters.ts";
import { runStack } from "./stack.ts";
import { type CreateOptions, warnOfExplosion } from "./starting-residual.ts";

/** Input x [.., tokens, input]; ids [.., tokens] where there is a vocabulary, an image where there are patches. */
export type Encoder = Network<"x", EncoderConfig, StackParameters<Tensor>>;
/** Inputs source [.., source tokens, memory] and target [.., tokens, input]. */
export type Decoder = Network<"source" | "target", DecoderConfig, StackParameters<Tensor>>;
/** Inputs source [.., source tokens, encoder input] and target [.., tokens, decoder input]. */
export type Transformer = Network<"source" | "target", TransformerConfig, TransformerParameters<Tensor>>;
export type Model = Encoder | Decoder | Transformer;

/**
 * An encoder with drawn weights: x ↦ t blocks of attention and feed-forward.
 *
 * With the default ReLU attention it is a continuous piecewise polynomial of degree 3^t. Defaults follow a recipe that
 * trains without a norm; {@link EncoderConfig} documents each of them. Other options may make a residual stream that explodes
 * before anything is trained; it is measured on 8 drawn tokens, and then `told.warn`, by default `console.warn`, says so.
 *
 * @param told - `warn`: who is told of an explosion; `() => {}` for nobody. So of every `create` function
 * @throws RangeError if an option is unknown or out of range
 * @source arXiv 2408.09624
 * @example
 * ```ts
 * import { forward, random } from "@splineformer/tensor";
 * import { createEncoder } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 2, width: 6, heads: 3, input: 5, output: 7, seed: 1 });
 * forward(model, random(2).normal([11, 5])).shape; // [11, 7]
 * ```
 */
export function createEncoder(options: EncoderOptions, told: CreateOptions = {}): Encoder {
  const config = completeEncoder("createEncoder", options);
  return encoder(config, drawn("createEncoder", config, told));
}

/**
 * An encoder with given parameters.
 *
 * They must be exactly those that the config asks for, by name and shape; a bias may be missing. `seed` and `dtype` then
 * only describe.
 *
 * @param parameters - a tree of float32 or float64 tensors
 * @throws RangeError if an option or a parameter is missing, unknown or not finite
 * @throws ShapeError if a parameter has another shape
 * @example
 * ```ts
 * import { forward, tensor, toNested } from "@splineformer/tensor";
 * import { encoderFromParameters } from "@splineformer/transformer";
 * const one = { weight: tensor([[1]]) };
 * const model = encoderFromParameters(
 *   { layers: 1, width: 1, heads: 1, hidden: 0, residual: false, layerScale: "none" },
 *   { blocks: [{ attention: { query: one, key: one, value: one, output: one } }] },
 * );
 * toNested(forward(model, tensor([[2]]))); // [[8]]
 * ```
 */
export function encoderFromParameters(options: EncoderOptions, parameters: StackParameters<Tensor>): Encoder {
  const config = completeEncoder("encoderFromParameters", options);
  return encoder(config, fillParameters("encoderFromParameters", config, byName(parameters)));
}

/**
 * A causal language model with drawn weights: ids [.., tokens] ↦ logits [.., tokens, vocabulary] of the id that follows each.
 *
 * It is an encoder with a vocabulary, a causal mask and an output of the vocabulary's size, so everything that reads an
 * encoder reads it. Without positions only the mask tells the order of tokens.
 *
 * @param options - `vocabulary` and those of {@link createEncoder}; `attention.mask` may be a window instead
 * @throws RangeError if an option is unknown or out of range
 * @example
 * ```ts
 * import { forward, tensor } from "@splineformer/tensor";
 * import { createLanguageModel } from "@splineformer/transformer";
 * const model = createLanguageModel({ vocabulary: 29, layers: 2, width: 6, heads: 3, positions: { learned: 13 } });
 * forward(model, tensor([7, 0, 28], { dtype: "int32" })).shape; // [3, 29]
 * ```
 */
export function createLanguageModel(options: LanguageModelOptions, told: CreateOptions = {}): Encoder {
  const config = completeLanguageModel("createLanguageModel", options);
  return encoder(config, drawn("createLanguageModel", config, told));
}

/**
 * A decoder with drawn weights: blocks of masked self-attention over the target, cross-attention to the source
 * (the target asks, the source is looked at), feed-forward.
 *
 * With ReLU attention t blocks have degree 3^t − 1 in the source and 3^t in the target. A decoder without a source is an
 * encoder with `attention: { mask: "causal" }`; of ids it is a {@link createLanguageModel}.
 *
 * @throws RangeError if an option is unknown or out of range
 * @source arXiv 2408.09624
 * @example
 * ```ts
 * import { forward, random } from "@splineformer/tensor";
 * import { createDecoder } from "@splineformer/transformer";
 * const model = createDecoder({ layers: 1, width: 6, heads: 3, memory: 5 });
 * const [source, target] = [random(1).normal([11, 5]), random(2).normal([7, 6])];
 * forward(model, { source, target }).shape; // [7, 6]
 * ```
 */
export function createDecoder(options: DecoderOptions, told: CreateOptions = {}): Decoder {
  const config = completeDecoder("createDecoder", options);
  return decoder(config, drawn("createDecoder", config, told));
}

/**
 * A decoder with given parameters; as {@link encoderFromParameters}.
 *
 * @throws RangeError if an option or a parameter is missing, unknown or not finite
 * @throws ShapeError if a parameter has another shape
 * @example
 * ```ts
 * import { createDecoder, decoderFromParameters } from "@splineformer/transformer";
 * const { config, parameters } = createDecoder({ layers: 1, width: 6, heads: 3 });
 * decoderFromParameters(config, parameters).config.kind; // "decoder"
 * ```
 */
export function decoderFromParameters(options: DecoderOptions, parameters: StackParameters<Tensor>): Decoder {
  const config = completeDecoder("decoderFromParameters", options);
  return decoder(config, fillParameters("decoderFromParameters", config, byName(parameters)));
}

/**
 * An encoder–decoder with drawn weights: the decoder's blocks attend to the encoder's output.
 *
 * @param options - for both stacks; `encoder` and `decoder` say what differs
 * @throws RangeError if an option is unknown or out of range
 * @source arXiv 1706.03762, 2408.09624
 * @example
 * ```ts
 * import { forward, random } from "@splineformer/tensor";
 * import { createTransformer } from "@splineformer/transformer";
 * const model = createTransformer({ layers: 1, width: 6, heads: 3, encoder: { input: 5 }, decoder: { output: 2 } });
 * const [source, target] = [random(1).normal([11, 5]), random(2).normal([7, 6])];
 * forward(model, { source, target }).shape; // [7, 2]
 * ```
 */
export function createTransformer(options: TransformerOptions, told: CreateOptions = {}): Transformer {
  const config = completeTransformer("createTransformer", options);
  return transformer(config, drawn("createTransformer", config, told));
}

/**
 * An encoder–decoder with given parameters; as {@link encoderFromParameters}.
 *
 * @throws RangeError if an option or a parameter is missing, unknown or not finite
 * @throws ShapeError if a parameter has another shape
 * @example
 * ```ts
 * import { createTransformer, transformerFromParameters } from "@splineformer/transformer";
 * const { config, parameters } = createTransformer({ layers: 1, width: 6, heads: 3 });
 * transformerFromParameters(config, parameters).config.kind; // "transformer"
 * ```
 */
export function transformerFromParameters(
  options: TransformerOptions,
  parameters: TransformerParameters<Tensor>,
): Transformer {
  const config = completeTransformer("transformerFromParameters", options);
  return transformer(config, fillParameters("transformerFromParameters", config, byName(parameters)));
}

/** Drawn weights, and a word if they explode. */
function drawn<C extends ModelConfig>(where: string, config: C, told: CreateOptions): ParametersOf<C, Tensor> {
  checkOptions(where, told, ["warn"]);
  const parameters = drawParameters(where, config);
  warnOfExplosion(where, config, parameters, told);
  return parameters;
}

const byName = (parameters: unknown): Map<string, Tensor> => new Map(Object.entries(parametersOf({ parameters })));

/** An encoder of a complete config. */
const encoder = (config: EncoderConfig, parameters: StackParameters<Tensor>): Encoder => ({
  inputs: { x: inputShape("tokens", config) },
  config,
  parameters,
  run(ops, p, { x }) {
    return runStack(ops, this.config, p, x);
  },
});

/** A decoder of a complete config. */
const decoder = (config: DecoderConfig, parameters: StackParameters<Tensor>): Decoder => ({
  inputs: { source: ["source tokens", config.memory], target: inputShape("target tokens", config) },
  config,
  parameters,
  run(ops, p, { source, target }) {
    return runStack(ops, this.config, p, target, source);
  },
});

/** An encoder–decoder of a complete config. */
const transformer = (config: TransformerConfig, parameters: TransformerParameters<Tensor>): Transformer => ({
  inputs: { source: inputShape("source tokens", config.encoder), target: inputShape("target tokens", config.decoder) },
  config,
  parameters,
  run(ops, p, { source, target }) {
    const memory = runStack(within(ops, "encoder"), this.config.encoder, p.encoder, source);
    return runStack(within(ops, "decoder"), this.config.decoder, p.decoder, target, memory);
  },
});

/** One token where the map in makes all of them of one, or where there is only one position. */
function inputShape(free: string, config: StackConfig): InputShape {
  const { input, width, tokens, positions, vocabulary, patches } = config;
  if (patches !== "none") return [patches.height, patches.width * patches.channels];
  const one = tokens !== "given" || (typeof positions === "object" && positions.learned === 1);
  if (vocabulary !== "none") return [one ? 1 : free];
  return [one ? 1 : free, input === "none" ? width : input];
}

/** The model of any complete config. */
export function modelOf(config: ModelConfig, parameters: ParametersOf<ModelConfig, Tensor>): Model {
  if (config.kind === "encoder") return encoder(config, parameters as StackParameters<Tensor>);
  if (config.kind === "decoder") return decoder(config, parameters as StackParameters<Tensor>);
  return transformer(config, parameters as TransformerParameters<Tensor>);
}
