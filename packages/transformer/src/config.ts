/**
 * @file What a model is told: options as a user gives them, and the complete config that a network keeps. A config is
 * plain JSON data, says everything that `run` needs beside the numbers, and completes to itself.
 * Every default is decided here, every refusal of an option too.
 */
import {
  activationOf,
  actsOnRows,
  checkDivide,
  checkMask,
  checkOptions,
  checkWeighing,
  type Divide,
  type Mask,
  type Pointwise,
  required,
  show,
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
    /** Default `"relu"`; without hidden units it means nothing. */
    readonly activation: Pointwise;
  };
  /** Default `"none"`. With a norm the model is no spline. */
  readonly norm: "none" | "layer" | "rms";
  /** Before each sublayer and once at the end, or after each residual sum. Default `"pre"`; without a norm it means nothing. */
  readonly normPlacement: "pre" | "post";
  /** Added under the norm's root, so that a constant row gives 0. Default 1e-5; without a norm it means nothing. */
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
  /** What weights are drawn from. Default 0. With given weights, `seed` and `dtype` only describe. */
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
  return { kind: "decoder", ...stack, memory: wholeNumber(where, "memory", memory, 1) };
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
  const kind = typeof config === "object" && config !== null ? config.kind : undefined;
  if (kind === "encoder") return completeEncoder(where, config as EncoderConfig);
  if (kind === "decoder") return completeDecoder(where, config as DecoderConfig);
  if (kind === "transformer") return completeTransformer(where, config as TransformerConfig);
  throw new RangeError(
    `${where}: expected a config of kind "encoder", "decoder" or "transformer", got ${show(config)}`,
  );
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
  const layers = wholeNumber(where, "layers", options.layers, 0, maximumLayers);
  const width = wholeNumber(where, "width", options.width, 1);
  const heads = wholeNumber(where, "heads", options.heads, 1);
  if (options.headWidth === undefined)
    required(width % heads === 0, where, `a headWidth, or a width divisible by the ${heads} heads`, width);
  const headWidth = wholeNumber(where, "headWidth", options.headWidth ?? width / heads, 1);
  const { valueWidth = headWidth, keyValueHeads = heads, hidden = 2 * width } = options;
  const { attention = {}, feedForward = {} } = options;
  const { norm = "none", normPlacement = "pre", normEpsilon = 1e-5, residual = true, pool = "none" } = options;
  const { input = "none", output = "none", tokens = "given", positions = "none" } = options;
  const { seed = 0, dtype = "float32" } = options;
  const { layerScale = norm === "none" ? scaleByDepth(layers) : "none" } = options;
  const { clamp = norm === "none" && layers >= 6 ? 3 : "none" } = options;
  wholeNumber(where, "keyValueHeads", keyValueHeads, 1);
  required(heads % keyValueHeads === 0, where, `keyValueHeads to divide heads ${heads}`, keyValueHeads);
  required(Number.isFinite(normEpsilon) && normEpsilon > 0, where, "a finite normEpsilon > 0", normEpsilon);
  if (layerScale !== "none")
    required(Number.isFinite(layerScale), where, 'layerScale to be a finite number or "none"', layerScale);
  if (clamp !== "none")
    required(Number.isFinite(clamp) && clamp > 0, where, 'clamp to be a finite number > 0 or "none"', clamp);
  if (tokens !== "given") required(input !== "none", where, "input to be a number where tokens is one", input);
  return {
    layers,
    width,
    heads,
    headWidth,
    valueWidth: wholeNumber(where, "valueWidth", valueWidth, 1),
    keyValueHeads,
    hidden: wholeNumber(where, "hidden", hidden, 0),
    attention: completeAttention(`${where}: attention`, attention, headWidth, ownMask),
    feedForward: completeFeedForward(`${where}: feedForward`, feedForward),
    norm: oneOf(where, "norm", norm, ["none", "layer", "rms"]),
    normPlacement: oneOf(where, "normPlacement", normPlacement, ["pre", "post"]),
    normEpsilon,
    residual: oneOf(where, "residual", residual, [true, false]),
    layerScale,
    clamp,
    input: wholeNumberOr(where, "input", input, "none"),
    tokens: wholeNumberOr(where, "tokens", tokens, "given"),
    positions: completePositions(where, positions, tokens),
    pool: oneOf(where, "pool", pool, ["none", "first", "mean"]),
    output: wholeNumberOr(where, "output", output, "none"),
    seed: wholeNumber(where, "seed", seed, 0),
    dtype: oneOf(where, "dtype", dtype, ["float32", "float64"]),
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
  const normalised = actsOnRows(activation) || sigmoidBias(activation) !== undefined;
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

function wholeNumber(where: string, name: string, value: unknown, from: number, to = Number.MAX_SAFE_INTEGER): number {
  const range = to < Number.MAX_SAFE_INTEGER ? `in [${from}, ${to}]` : `≥ ${from}`;
  const fits = Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to;
  return required(fits, where, `${name} to be a whole number ${range}`, value) as number;
}

function wholeNumberOr<W extends string>(where: string, name: string, value: number | W, word: W): number | W {
  const fits = value === word || (Number.isSafeInteger(value) && (value as number) > 0);
  return required(fits, where, `${name} to be a whole number ≥ 1 or "${word}"`, value);
}

function oneOf<const V>(where: string, name: string, value: V, values: readonly V[]): V {
  const list = values.map((v) => JSON.stringify(v)).join(", ");
  return required(values.includes(value), where, `${name} to be one of ${list}`, value);
}

function completePositions(
  where: string,
  positions: StackConfig["positions"],
  tokens: StackConfig["tokens"],
): StackConfig["positions"] {
  if (positions === "none") return positions;
  const learned = typeof positions === "object" && positions !== null ? positions.learned : undefined;
  const fits = Number.isSafeInteger(learned) && (learned as number) > 0 && Object.keys(positions).length === 1;
  required(fits, where, 'positions to be "none" or { learned: a whole number ≥ 1 }', positions);
  if (tokens !== "given") required((learned as number) >= tokens, where, `positions for ${tokens} tokens`, positions);
  return { learned: learned as number };
}

function checkKind(where: string, kind: string | undefined, expected: string): void {
  if (kind !== undefined) required(kind === expected, where, `kind "${expected}"`, kind);
}
