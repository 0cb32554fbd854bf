/**
 * @file What a model is told: options as a user gives them, and the complete config that a network keeps. A config is
 * plain JSON data, says everything that `run` needs beside the numbers, and completes to itself.
 * Every default is decided here, every refusal of an option too.
 */
import {
  activationOf,
  checkDivide,
  checkMask,
  checkOptions,
  checkWeighing,
  type Divide,
  type Mask,
  type Pointwise,
  required,
  sigmoidBias,
  type Weighing,
} from "@splineformer/tensor";

/** One stack of blocks, between a map in and a map out. */
export interface StackConfig {
  /** Number of blocks, at most 10,000. */
  readonly layers: number;
  /** Channels of the residual stream. */
  readonly width: number;
  readonly heads: number;
  /** Channels of a head's queries and keys. Default width / heads. */
  readonly headWidth: number;
  /** Channels of a head's values. Default headWidth. */
  readonly valueWidth: number;
  /** Heads of keys and values, a divisor of heads. Default heads. */
  readonly keyValueHeads: number;
  /** Hidden units of the feed-forward sublayer; 0: no such sublayer. Default 2 · width. */
  readonly hidden: number;
  readonly attention: {
    /** Default `"relu"`: the model is a spline. */
    readonly activation: Weighing;
    /** Default `"length"` for pointwise activations; `"none"` for softmax, sparsemax and sigmoid, which need no divisor. */
    readonly divide: Divide;
    /** What scores are multiplied by. Default 1/√headWidth. */
    readonly scale: number;
    /** Of self-attention; cross-attention sees everything. Default `"none"`, in a decoder `"causal"`. */
    readonly mask: Mask;
  };
  readonly feedForward: {
    /** Default `"relu"`. */
    readonly activation: Pointwise;
  };
  /** Default `"none"`. With a norm the model is no spline. */
  readonly norm: "none" | "layer" | "rms";
  /** Before each sublayer and once at the end, or after each residual sum. Default `"pre"`. */
  readonly normPlacement: "pre" | "post";
  /** Added under the norm's root. Default 1e-5. */
  readonly normEpsilon: number;
  /** Whether a sublayer's result is added to what it read. Default true. */
  readonly residual: boolean;
  /**
   * What the learned per-channel factors of the sublayers start at; `"none"`: there are no factors.
   * Default without a norm 1 up to two layers, .5 for three, .3 for more; with a norm `"none"`.
   */
  readonly layerScale: number | "none";
  /** Limits what sublayers and the map out read to [−clamp, clamp]. Default without a norm 3 from six layers on, else `"none"`. */
  readonly clamp: number | "none";
  /** Channels of the input, if it is mapped to width. Default `"none"`. */
  readonly input: number | "none";
  /**
   * `"given"`: as many tokens as the input has. A number k: the input is one token, and the map in, [input, k · width],
   * makes k tokens of it. Default `"given"`.
   */
  readonly tokens: number | "given";
  /** A learned row for each of the first positions, added to the tokens. Default `"none"`. */
  readonly positions: "none" | { readonly learned: number };
  /** `"first"`: the first token is read out; `"mean"`: the mean of all. One token remains. Default `"none"`. */
  readonly pool: "none" | "first" | "mean";
  /** Channels of the output, if width is mapped to it. Default `"none"`. */
  readonly output: number | "none";
  /** What weights are drawn from. Default 0. */
  readonly seed: number;
  /** How drawn weights are stored. Default `"float32"`. */
  readonly dtype: "float32" | "float64";
}

/** An encoder: self-attention and feed-forward blocks over x. */
export interface EncoderConfig extends StackConfig {
  readonly kind: "encoder";
}

/** A decoder: blocks of masked self-attention over the target, cross-attention to the source, feed-forward. */
export interface DecoderConfig extends StackConfig {
  readonly kind: "decoder";
  /** Channels of the source. Default width. */
  readonly memory: number;
}

/** An encoder, and a decoder that attends to its output. */
export interface TransformerConfig {
  readonly kind: "transformer";
  readonly encoder: EncoderConfig;
  readonly decoder: DecoderConfig;
}

export type ModelConfig = EncoderConfig | DecoderConfig | TransformerConfig;

/** `layers`, `width` and `heads` must be given; what else is missing gets its default. */
type OptionsOf<C extends StackConfig> = Pick<C, "layers" | "width" | "heads"> &
  Partial<Omit<C, "attention" | "feedForward">> & {
    readonly attention?: Partial<C["attention"]>;
    readonly feedForward?: Partial<C["feedForward"]>;
  };
export type EncoderOptions = OptionsOf<EncoderConfig>;
export type DecoderOptions = OptionsOf<DecoderConfig>;

type Shared = Partial<Omit<DecoderOptions, "kind" | "memory">>;
/** Options for both stacks, and what differs for one of them. */
export type TransformerOptions = Shared & {
  readonly kind?: "transformer";
  readonly encoder?: Partial<EncoderOptions>;
  readonly decoder?: Partial<DecoderOptions>;
};

const stackKeys = [
  "kind",
  "layers",
  "width",
  "heads",
  "headWidth",
  "valueWidth",
  "keyValueHeads",
  "hidden",
  "attention",
  "feedForward",
  "norm",
  "normPlacement",
  "normEpsilon",
  "residual",
  "layerScale",
  "clamp",
  "input",
  "tokens",
  "positions",
  "pool",
  "output",
  "seed",
  "dtype",
];
const maximumLayers = 10_000;

/** The complete config of an encoder. */
export function completeEncoder(where: string, options: EncoderOptions): EncoderConfig {
  checkOptions(where, options, stackKeys);
  checkKind(where, options.kind, "encoder");
  return { kind: "encoder", ...completeStack(where, options, "none") };
}

/** The complete config of a decoder. */
export function completeDecoder(where: string, options: DecoderOptions): DecoderConfig {
  checkOptions(where, options, [...stackKeys, "memory"]);
  checkKind(where, options.kind, "decoder");
  const stack = completeStack(where, options, "causal");
  const { memory = stack.width } = options;
  return { kind: "decoder", ...stack, memory: count(where, "memory", memory) };
}

/** The complete config of an encoder–decoder: shared options go to both stacks, a stack's own options win. */
export function completeTransformer(where: string, options: TransformerOptions): TransformerConfig {
  checkOptions(where, options, [...stackKeys, "encoder", "decoder"]);
  checkKind(where, options.kind, "transformer");
  const { kind: _, encoder: own = {}, decoder: other = {}, ...shared } = options;
  const encoder = completeEncoder(`${where}: encoder`, merge(`${where}: encoder`, shared, own) as EncoderOptions);
  const memory = encoder.output === "none" ? encoder.width : encoder.output;
  const decoder = completeDecoder(`${where}: decoder`, {
    memory,
    ...merge(`${where}: decoder`, shared, other),
  } as DecoderOptions);
  if (decoder.memory !== memory)
    required(false, where, `decoder memory ${memory}, the width of the encoder's output`, decoder.memory);
  return { kind: "transformer", encoder, decoder };
}

/** The complete config of any model. */
export function completeConfig(where: string, config: ModelConfig): ModelConfig {
  if (config.kind === "encoder") return completeEncoder(where, config);
  if (config.kind === "decoder") return completeDecoder(where, config);
  return completeTransformer(where, config);
}

function merge(where: string, shared: Shared, own: Partial<DecoderOptions | EncoderOptions>): object {
  checkOptions(where, own, [...stackKeys, "memory"]);
  return {
    ...shared,
    ...own,
    attention: { ...shared.attention, ...own.attention },
    feedForward: { ...shared.feedForward, ...own.feedForward },
  };
}

function completeStack(where: string, options: Partial<EncoderOptions | DecoderOptions>, ownMask: Mask): StackConfig {
  const { layers, normEpsilon = 1e-5, seed = 0 } = options;
  required(
    Number.isInteger(layers) && (layers as number) >= 0 && (layers as number) <= maximumLayers,
    where,
    `layers to be a whole number in [0, ${maximumLayers}]`,
    layers,
  );
  required(Number.isFinite(normEpsilon) && normEpsilon >= 0, where, "normEpsilon ≥ 0", normEpsilon);
  required(Number.isSafeInteger(seed) && seed >= 0, where, "seed to be a whole number in [0, 2^53)", seed);
  const width = count(where, "width", options.width);
  const heads = count(where, "heads", options.heads);
  const { headWidth = width / heads, keyValueHeads = heads, hidden = 2 * width } = options;
  if (options.headWidth === undefined && !Number.isInteger(headWidth))
    required(false, where, `a headWidth, or a width divisible by the ${heads} heads`, width);
  const { valueWidth = headWidth } = options;
  count(where, "headWidth", headWidth);
  required(
    Number.isInteger(keyValueHeads) && keyValueHeads > 0 && heads % keyValueHeads === 0,
    where,
    `keyValueHeads to divide heads ${heads}`,
    keyValueHeads,
  );
  required(Number.isSafeInteger(hidden) && hidden >= 0, where, "hidden to be a whole number ≥ 0", hidden);
  const norm = oneOf(where, "norm", options.norm ?? "none", ["none", "layer", "rms"]);
  const input = countOr(where, "input", options.input ?? "none", "none");
  const tokens = countOr(where, "tokens", options.tokens ?? "given", "given");
  if (tokens !== "given" && input === "none") required(false, where, "input to be a number where tokens is one", input);
  const learned = positions(where, options.positions ?? "none");
  if (tokens !== "given" && learned !== "none" && learned.learned < tokens)
    required(false, where, `positions for ${tokens} tokens`, learned);
  return {
    layers: layers as number,
    width,
    heads,
    headWidth,
    valueWidth: count(where, "valueWidth", valueWidth),
    keyValueHeads,
    hidden,
    attention: completeAttention(`${where}: attention`, options.attention ?? {}, headWidth, ownMask),
    feedForward: completeFeedForward(`${where}: feedForward`, options.feedForward ?? {}),
    norm,
    normPlacement: oneOf(where, "normPlacement", options.normPlacement ?? "pre", ["pre", "post"]),
    normEpsilon,
    residual: oneOf(where, "residual", options.residual ?? true, [true, false]),
    layerScale: layerScale(where, options.layerScale ?? (norm === "none" ? scaleByDepth(layers as number) : "none")),
    clamp: limit(where, options.clamp ?? (norm === "none" && (layers as number) >= 6 ? 3 : "none")),
    input,
    tokens,
    positions: learned,
    pool: oneOf(where, "pool", options.pool ?? "none", ["none", "first", "mean"]),
    output: countOr(where, "output", options.output ?? "none", "none"),
    seed,
    dtype: oneOf(where, "dtype", options.dtype ?? "float32", ["float32", "float64"]),
  };
}

/** Plain ReLU stacks explode with depth: one block takes a residual of size r to about r + c·r³. */
function scaleByDepth(layers: number): number {
  if (layers <= 2) return 1;
  return layers === 3 ? 0.5 : 0.3;
}

function completeAttention(
  where: string,
  options: Partial<StackConfig["attention"]>,
  headWidth: number,
  ownMask: Mask,
): StackConfig["attention"] {
  checkOptions(where, options, ["activation", "divide", "scale", "mask"]);
  const { activation = "relu", scale = 1 / Math.sqrt(headWidth), mask = ownMask } = options;
  checkWeighing(where, activation, 0);
  const normalised = activation === "softmax" || activation === "sparsemax" || sigmoidBias(activation) !== undefined;
  const { divide = normalised ? "none" : "length" } = options;
  checkMask(where, mask);
  checkDivide(where, divide);
  required(Number.isFinite(scale), where, "a finite scale", scale);
  return { activation: plain(activation), divide: plain(divide), scale, mask: plain(mask) };
}

function completeFeedForward(where: string, options: Partial<StackConfig["feedForward"]>): StackConfig["feedForward"] {
  checkOptions(where, options, ["activation"]);
  const { activation = "relu" } = options;
  activationOf(activation, where);
  return { activation: plain(activation) };
}

/** Data of the config's own, that no caller can change. */
const plain = <V>(value: V): V => (typeof value === "object" ? ({ ...value } as V) : value);

function count(where: string, name: string, value: number | undefined): number {
  required(
    Number.isSafeInteger(value) && (value as number) > 0,
    where,
    `${name} to be a whole number > 0`,
    value as number,
  );
  return value as number;
}

function countOr<W extends string>(where: string, name: string, value: number | W, word: W): number | W {
  required(
    value === word || (Number.isSafeInteger(value) && (value as number) > 0),
    where,
    `${name} to be a whole number > 0 or "${word}"`,
    value,
  );
  return value;
}

function oneOf<const V>(where: string, name: string, value: V, values: readonly V[]): V {
  const list = values.map((v) => JSON.stringify(v)).join(", ");
  return required(values.includes(value), where, `${name} to be one of ${list}`, value);
}

function positions(where: string, value: StackConfig["positions"]): StackConfig["positions"] {
  if (value === "none") return value;
  const learned = typeof value === "object" && value !== null ? value.learned : undefined;
  const fits = Number.isSafeInteger(learned) && (learned as number) > 0 && Object.keys(value).length === 1;
  required(fits, where, 'positions to be "none" or { learned: a whole number > 0 }', value);
  return { learned: learned as number };
}

const layerScale = (where: string, value: number | "none"): number | "none" =>
  required(value === "none" || Number.isFinite(value), where, 'layerScale to be a finite number or "none"', value);

const limit = (where: string, value: number | "none"): number | "none" =>
  required(
    value === "none" || (Number.isFinite(value) && (value as number) > 0),
    where,
    'clamp to be a number > 0 or "none"',
    value,
  );

function checkKind(where: string, kind: string | undefined, expected: string): void {
  if (kind !== undefined) required(kind === expected, where, `kind "${expected}"`, kind);
}
