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

/** How an image is cut. */
export interface Patches {
  /** Pixels, multiples of size. */
  readonly height: number;
  readonly width: number;
  readonly size: number;
  /** Numbers of a pixel. Default 1. */
  readonly channels: number;
}

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
    /**
     * Each head's queries and keys to mean 0 and variance 1, or to mean square 1, times learned factors; in cross-attention, too.
     * Then the model is no spline. Default `"none"`.
     */
    readonly qkNorm: "none" | "layer" | "rms";
  };
  readonly feedForward: {
    /** Default `"relu"`; without hidden units it means nothing. */
    readonly activation: Pointwise;
  };
  /**
   * `"affine"`: a learned scale and shift of each channel, with which the model stays a spline; `"layer"` and `"rms"`
   * divide by the size of the row, and then it is none. Default `"none"`.
   */
  readonly norm: "none" | "affine" | "layer" | "rms";
  /**
   * `"pre"`: before each sublayer and once at the end. `"post"`: after each residual sum. `"hybrid"`: as `"pre"`, and
   * after each sublayer before the sum. Default `"pre"`; without a norm it means nothing.
   */
  readonly normPlacement: "pre" | "post" | "hybrid";
  /** Added under the norm's root, so that a constant row gives 0. Default 1e-5; where nothing is divided it means nothing. */
  readonly normEpsilon: number;
  /** Whether a sublayer's result is added to what it read. Default true. */
  readonly residual: boolean;
  /** What a sublayer's input is multiplied by in that sum (DeepNorm's α, arXiv 2203.00555). Default 1; without the sum it means nothing. */
  readonly residualScale: number;
  /**
   * What the learned factors of the sublayers' results start at; `"none"`: there are no factors. Default 1 up to two
   * layers, .5 for three, .3 for more; with a norm that divides `"none"`.
   */
  readonly layerScale: number | "none";
  /** A factor for every channel, or one for the sublayer. Default `"channel"`; without factors it means nothing. */
  readonly layerScalePer: "channel" | "layer";
  /** Limits what sublayers and the map out read to [−clamp, clamp]. Default 3 from six layers on, with a norm that divides `"none"`. */
  readonly clamp: number | "none";
  /** Number of token ids, if the input is ids [.., tokens] whose rows of a learned table are read. Default `"none"`. */
  readonly vocabulary: number | "none";
  /**
   * The input is an image [.., height, width · channels], channels of a pixel side by side, and each square of size × size
   * pixels makes a token, row by row; its numbers, row by row too, go through the map in. Default `"none"`.
   */
  readonly patches: "none" | Patches;
  /** Channels of the input, if it is mapped to width. Default `"none"`, with patches size² · channels. */
  readonly input: number | "none";
  /**
   * `"given"`: as many tokens as the input has. A number k: the input is one token, and the map in, [input, k · width],
   * makes k tokens of it. Default `"given"`.
   */
  readonly tokens: number | "given";
  /**
   * How tokens know where they are. Added to them: a learned row for each of the first positions; or `"sinusoidal"`, for
   * position p and channels 2i, 2i + 1 the sine and cosine of p/10000^(2i/width) (arXiv 1706.03762). Told to self-attention:
   * `"rotary"`, queries and keys turned by their positions (arXiv 2104.09864; headWidth is even); or `"alibi"`, scores lowered
   * by the distance (arXiv 2108.12409). Default `"none"`.
   */
  readonly positions: "none" | "sinusoidal" | "rotary" | "alibi" | { readonly learned: number };
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
  Partial<Omit<C, "attention" | "feedForward" | "patches">> & {
    readonly patches?: "none" | (Omit<Patches, "channels"> & Partial<Patches>);
    readonly attention?: Partial<C["attention"]>;
    readonly feedForward?: Partial<C["feedForward"]>;
  };
export type EncoderOptions = OptionsOf<EncoderConfig>;
export type DecoderOptions = OptionsOf<DecoderConfig>;

/** As an encoder's; `vocabulary` must be given, the mask is causal, and the output has a logit for every id. */
export type LanguageModelOptions = Omit<
  EncoderOptions,
  "vocabulary" | "output" | "pool" | "tokens" | "input" | "patches"
> & {
  readonly vocabulary: number;
};

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
  "residualScale",
  "layerScale",
  "layerScalePer",
  "clamp",
  "vocabulary",
  "patches",
  "input",
  "tokens",
  "positions",
  "pool",
  "output",
  "seed",
  "dtype",
];
const attentionKeys = ["activation", "divide", "scale", "mask", "qkNorm"];
const maximumLayers = 10_000;

/** The complete config of an encoder. */
export function completeEncoder(where: string, options: EncoderOptions): EncoderConfig {
  checkOptions(where, options, stackKeys);
  checkKind(where, options.kind, "encoder");
  return { kind: "encoder", ...completeStack(where, options, "none") };
}

/** The complete config of a causal language model: an encoder's. */
export function completeLanguageModel(where: string, options: LanguageModelOptions): EncoderConfig {
  const given = ["output", "pool", "tokens", "input", "patches"];
  checkOptions(
    where,
    options,
    stackKeys.filter((key) => !given.includes(key)),
  );
  const { vocabulary, attention = {} } = options;
  wholeNumber(where, "vocabulary", vocabulary, 1);
  checkOptions(`${where}: attention`, attention, attentionKeys);
  const { mask = "causal" } = attention;
  // a window sees no later token either
  required(mask !== "none", where, 'mask "causal" or { window }, so that no token sees a later one', mask);
  return completeEncoder(where, { ...options, output: vocabulary, attention: { ...attention, mask } });
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
  const { norm = "none", normPlacement = "pre", normEpsilon = 1e-5, residual = true, residualScale = 1 } = options;
  const { vocabulary = "none", output = "none", tokens = "given", positions = "none", pool = "none" } = options;
  const patches = completePatches(`${where}: patches`, options.patches ?? "none");
  const { input = patches === "none" ? "none" : patches.size ** 2 * patches.channels } = options;
  const { seed = 0, dtype = "float32", layerScalePer = "channel" } = options;
  // a norm that divides by the size of a row keeps a deep stack from exploding, and so needs neither
  const divides = norm === "layer" || norm === "rms";
  const { layerScale = divides ? "none" : scaleByDepth(layers) } = options;
  const { clamp = !divides && layers >= 6 ? 3 : "none" } = options;
  wholeNumber(where, "keyValueHeads", keyValueHeads, 1);
  required(heads % keyValueHeads === 0, where, `keyValueHeads to divide heads ${heads}`, keyValueHeads);
  required(Number.isFinite(normEpsilon) && normEpsilon > 0, where, "a finite normEpsilon > 0", normEpsilon);
  if (layerScale !== "none")
    required(Number.isFinite(layerScale), where, 'layerScale to be a finite number or "none"', layerScale);
  if (clamp !== "none")
    required(Number.isFinite(clamp) && clamp > 0, where, 'clamp to be a finite number > 0 or "none"', clamp);
  required(Number.isFinite(residualScale), where, "a finite residualScale", residualScale);
  if (tokens !== "given") required(input !== "none", where, "input to be a number where tokens is one", input);
  wholeNumberOr(where, "vocabulary", vocabulary, "none");
  if (vocabulary !== "none") {
    required(patches === "none", where, 'patches "none" beside a vocabulary', patches);
    required(input === "none", where, 'input "none" beside a vocabulary: ids are no channels', input);
  }
  if (patches !== "none") {
    const numbers = patches.size ** 2 * patches.channels;
    required(input === numbers, where, `input ${numbers}, the numbers of a patch`, input);
    required(tokens === "given", where, 'tokens "given" beside patches, which make the tokens', tokens);
  }
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
    norm: oneOf(where, "norm", norm, ["none", "affine", "layer", "rms"]),
    normPlacement: oneOf(where, "normPlacement", normPlacement, ["pre", "post", "hybrid"]),
    normEpsilon,
    residual: oneOf(where, "residual", residual, [true, false]),
    residualScale,
    layerScale,
    layerScalePer: oneOf(where, "layerScalePer", layerScalePer, ["channel", "layer"]),
    clamp,
    vocabulary,
    patches,
    input: wholeNumberOr(where, "input", input, "none"),
    tokens: wholeNumberOr(where, "tokens", tokens, "given"),
    positions: completePositions(where, positions, patches === "none" ? tokens : patchesOf(patches), headWidth),
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
  checkOptions(where, options, attentionKeys);
  const { activation = "relu", scale = 1 / Math.sqrt(headWidth), mask = ownMask, qkNorm = "none" } = options;
  checkWeighing(where, activation, 0);
  const normalised = actsOnRows(activation) || sigmoidBias(activation) !== undefined;
  const { divide = normalised ? "none" : "length" } = options;
  checkMask(where, mask);
  checkDivide(where, divide);
  required(Number.isFinite(scale), where, "a finite scale", scale);
  return {
    activation: plain(activation),
    divide: plain(divide),
    scale,
    mask: plain(mask),
    qkNorm: oneOf(where, "qkNorm", qkNorm, ["none", "layer", "rms"]),
  };
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
  headWidth: number,
): StackConfig["positions"] {
  if (positions === "rotary") required(headWidth % 2 === 0, where, "an even headWidth for rotary positions", headWidth);
  if (positions === "none" || positions === "sinusoidal" || positions === "rotary" || positions === "alibi")
    return positions;
  const learned = typeof positions === "object" && positions !== null ? positions.learned : undefined;
  const fits = Number.isSafeInteger(learned) && (learned as number) > 0 && Object.keys(positions).length === 1;
  required(
    fits,
    where,
    'positions to be "none", "sinusoidal", "rotary", "alibi" or { learned: a whole number ≥ 1 }',
    positions,
  );
  if (tokens !== "given") required((learned as number) >= tokens, where, `positions for ${tokens} tokens`, positions);
  return { learned: learned as number };
}

/** How many tokens an image makes. */
const patchesOf = ({ height, width, size }: Patches): number => (height / size) * (width / size);

/** One operation a pixel row is recorded, so that a file must not ask for a picture without end. */
const largestSide = 4096;

function completePatches(
  where: string,
  patches: "none" | (Omit<Patches, "channels"> & Partial<Patches>),
): StackConfig["patches"] {
  if (patches === "none") return patches;
  checkOptions(where, patches, ["height", "width", "size", "channels"]);
  const { height, width, size, channels = 1 } = patches;
  wholeNumber(where, "height", height, 1, largestSide);
  wholeNumber(where, "width", width, 1, largestSide);
  wholeNumber(where, "size", size, 1, largestSide);
  wholeNumber(where, "channels", channels, 1, largestSide);
  required(height % size === 0, where, `a height divisible by size ${size}`, height);
  required(width % size === 0, where, `a width divisible by size ${size}`, width);
  return { height, width, size, channels };
}

function checkKind(where: string, kind: string | undefined, expected: string): void {
  if (kind !== undefined) required(kind === expected, where, `kind "${expected}"`, kind);
}
