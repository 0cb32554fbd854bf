/**
 * @file The learned numbers of a model as plain trees, and the one description of them that drawing, checking and
 * loading follow: a tree of the same form whose leaves say shape and distribution.
 */
import type { AttentionParameters, Linear } from "@splineformer/attention";
import {
  findNonFinite,
  random,
  type Shape,
  ShapeError,
  sameShape,
  show,
  showShape,
  sizeOf,
  type Tensor,
  zeros,
} from "@splineformer/tensor";
import type { DecoderConfig, EncoderConfig, ModelConfig, StackConfig, TransformerConfig } from "./config.ts";

/** What follows a normalised row, or of an affine norm the row itself: weight · row + bias; an rms norm has no bias of its own. */
export interface Norm<T> {
  readonly weight: T;
  readonly bias?: T;
}

/** `contract(activation(expand(x)))`. */
export interface FeedForwardParameters<T> {
  readonly expand: Linear<T>;
  readonly contract: Linear<T>;
}

/** One thing for each sublayer that the block has. */
export interface PerSublayer<V> {
  readonly attention: V;
  readonly cross?: V;
  readonly feedForward?: V;
}

export interface BlockParameters<T> {
  readonly attention: AttentionParameters<T>;
  readonly cross?: AttentionParameters<T>;
  readonly feedForward?: FeedForwardParameters<T>;
  readonly norms?: PerSublayer<Norm<T>>;
  /** After the sublayers, where norms are placed `"hybrid"`. */
  readonly outputNorms?: PerSublayer<Norm<T>>;
  /** Each [width], or [1] for the whole sublayer. */
  readonly layerScale?: PerSublayer<T>;
}

/** Of an encoder or a decoder. */
export interface StackParameters<T> {
  /** [vocabulary, width]. */
  readonly embedding?: T;
  readonly input?: Linear<T>;
  /** [positions, width]. */
  readonly positions?: T;
  readonly blocks: readonly BlockParameters<T>[];
  readonly norm?: Norm<T>;
  readonly output?: Linear<T>;
}

export interface TransformerParameters<T> {
  readonly encoder: StackParameters<T>;
  readonly decoder: StackParameters<T>;
}

/** What a parameter is before it has numbers: normal with this mean and deviation at the start. Biases may be absent. */
interface Specification {
  readonly shape: Shape;
  readonly mean: number;
  readonly deviation: number;
  readonly optional?: true;
}

export type ParametersOf<C extends ModelConfig, T> = C extends TransformerConfig
  ? TransformerParameters<T>
  : StackParameters<T>;

/**
 * The numbers that a model starts with, drawn from its seed; the same on every machine.
 *
 * @throws RangeError if there are more than 2^31 of them
 */
export function drawParameters<C extends ModelConfig>(where: string, config: C): ParametersOf<C, Tensor> {
  let size = 0;
  const specified = specification(config);
  mapSpecifications(specified, ({ shape }) => {
    size += sizeOf(shape);
    return undefined;
  });
  if (!(size <= maximumSize)) throw new RangeError(`${where}: expected at most ${maximumSize} parameters, got ${size}`);
  if (config.kind !== "transformer") return drawStack(specified, config, 0) as ParametersOf<C, Tensor>;
  const { encoder, decoder } = specified as TransformerParameters<Specification>;
  return {
    encoder: drawStack(encoder, config.encoder, 0),
    decoder: drawStack(decoder, config.decoder, 1),
  } as ParametersOf<C, Tensor>;
}

const maximumSize = 2 ** 31;

/** Encoder and decoder draw from streams of their own, so that equal seeds do not make equal weights. */
function drawStack(tree: unknown, { seed, dtype }: StackConfig, stream: number): unknown {
  const generator = random(seed, { stream });
  return mapSpecifications(tree, ({ shape, mean, deviation }) =>
    deviation > 0 ? generator.normal(shape, { mean, deviation, dtype }) : filled(shape, mean, dtype),
  );
}

function filled(shape: Shape, value: number, dtype: StackConfig["dtype"]): Tensor {
  const x = zeros(shape, { dtype });
  x.data.fill(value);
  return x;
}

/**
 * The parameter tree of a config, filled with given tensors by dotted name. They must be exactly what the config asks
 * for, except that a bias may be missing: then there is none.
 *
 * @param missing - told of every bias that is
 * @throws RangeError if a name is missing or unknown, or a tensor holds what is no finite number
 * @throws ShapeError if a tensor has another shape
 */
export function fillParameters<C extends ModelConfig>(
  where: string,
  config: C,
  named: ReadonlyMap<string, Tensor>,
  missing: (name: string, shape: Shape) => void = () => {},
): ParametersOf<C, Tensor> {
  // before the tree is built: a config from a file may ask for any number of layers
  for (const [prefix, stack] of stacksOf(config)) checkLayers(where, prefix, stack.layers, named);
  const known = new Set<string>();
  const tree = mapSpecifications(specification(config), (leaf, name) => {
    known.add(name);
    const value = named.get(name);
    if (value !== undefined) checkParameter(where, name, leaf, value);
    else if (leaf.optional) missing(name, leaf.shape);
    else refuseMissing(where, name, leaf.shape);
    return value;
  });
  for (const name of named.keys())
    if (!known.has(name)) throw new RangeError(`${where}: expected parameters of this config, got ${show(name)}`);
  return tree as ParametersOf<C, Tensor>;
}

export function refuseMissing(where: string, name: string, shape: Shape): never {
  throw new RangeError(`${where}: expected parameter ${show(name)} of shape ${showShape(shape)}, got none`);
}

const stacksOf = (config: ModelConfig): (readonly [prefix: string, stack: StackConfig])[] =>
  config.kind === "transformer"
    ? [
        ["encoder.blocks.", config.encoder],
        ["decoder.blocks.", config.decoder],
      ]
    : [["blocks.", config]];

function checkLayers(where: string, prefix: string, layers: number, named: ReadonlyMap<string, Tensor>): void {
  const blocks = new Set<string>();
  for (const name of named.keys()) if (name.startsWith(prefix)) blocks.add(name.slice(prefix.length).split(".", 1)[0]);
  if (blocks.size !== layers)
    throw new RangeError(`${where}: expected parameters ${prefix}* for layers ${layers}, got ${blocks.size} blocks`);
}

function checkParameter(where: string, name: string, { shape }: Specification, value: Tensor): void {
  if (value.dtype !== "float32" && value.dtype !== "float64")
    throw new RangeError(`${where}: expected parameter ${show(name)} of dtype float32 or float64, got ${value.dtype}`);
  if (!sameShape(value.shape, shape))
    throw new ShapeError(
      `${where}: expected parameter ${show(name)} of shape ${showShape(shape)}, got ${showShape(value.shape)}`,
    );
  const bad = findNonFinite(value);
  if (bad >= 0)
    throw new RangeError(
      `${where}: expected parameter ${show(name)} to hold finite numbers, got ${value.data[bad]} at entry ${bad}`,
    );
}

/**
 * Every parameter that a complete config asks for.
 *
 * Weights start as N(0, 1/fan-in), those before the feed-forward's activation as N(0, 2/fan-in), biases at 0, positions
 * and embeddings with deviation .5.
 */
function specification(config: ModelConfig): StackParameters<Specification> | TransformerParameters<Specification> {
  if (config.kind !== "transformer") return stackSpecification(config);
  return { encoder: stackSpecification(config.encoder), decoder: stackSpecification(config.decoder) };
}

function stackSpecification(config: EncoderConfig | DecoderConfig): StackParameters<Specification> {
  const { width, vocabulary, input, output, positions, tokens } = config;
  return {
    ...(vocabulary !== "none" && { embedding: normal([vocabulary, width], 0.25) }),
    ...(input !== "none" && { input: dense(input, width * (tokens === "given" ? 1 : tokens), 1 / input) }),
    ...(typeof positions === "object" && { positions: normal([positions.learned, width], 0.25) }),
    blocks: Array.from({ length: config.layers }, () => blockSpecification(config)),
    ...(config.norm !== "none" && config.normPlacement !== "post" && { norm: norm(config) }),
    ...(output !== "none" && { output: dense(width, output, 1 / width) }),
  };
}

function blockSpecification(config: EncoderConfig | DecoderConfig): BlockParameters<Specification> {
  const { width, hidden, normPlacement, layerScale, layerScalePer } = config;
  const cross = config.kind === "decoder";
  const each = <V>(make: () => V): PerSublayer<V> => ({
    attention: make(),
    ...(cross && { cross: make() }),
    ...(hidden > 0 && { feedForward: make() }),
  });
  return {
    attention: attentionSpecification(config, width),
    ...(cross && { cross: attentionSpecification(config, config.memory) }),
    ...(hidden > 0 && {
      feedForward: { expand: dense(width, hidden, 2 / width), contract: dense(hidden, width, 1 / hidden) },
    }),
    ...(config.norm !== "none" && { norms: each(() => norm(config)) }),
    ...(config.norm !== "none" && normPlacement === "hybrid" && { outputNorms: each(() => norm(config)) }),
    ...(layerScale !== "none" && {
      layerScale: each(() => constant([layerScalePer === "channel" ? width : 1], layerScale)),
    }),
  };
}

function attentionSpecification(config: StackConfig, memory: number): AttentionParameters<Specification> {
  const { width, heads, keyValueHeads, headWidth, valueWidth } = config;
  const { qkNorm } = config.attention;
  const headNorm: Norm<Specification> = {
    weight: constant([headWidth], 1),
    ...(qkNorm === "layer" && { bias: { ...constant([headWidth], 0), optional: true } }),
  };
  return {
    query: dense(width, heads * headWidth, 1 / width),
    key: dense(memory, keyValueHeads * headWidth, 1 / memory),
    value: dense(memory, keyValueHeads * valueWidth, 1 / memory),
    output: dense(heads * valueWidth, width, 1 / (heads * valueWidth)),
    ...(qkNorm !== "none" && { queryNorm: headNorm, keyNorm: headNorm }),
  };
}

const normal = (shape: Shape, variance: number): Specification => ({ shape, mean: 0, deviation: Math.sqrt(variance) });
const constant = (shape: Shape, value: number): Specification => ({ shape, mean: value, deviation: 0 });
const dense = (from: number, to: number, variance: number): Linear<Specification> => ({
  weight: normal([from, to], variance),
  bias: { ...constant([to], 0), optional: true },
});
const norm = ({ norm, width }: StackConfig): Norm<Specification> => ({
  weight: constant([width], 1),
  ...(norm !== "rms" && { bias: { ...constant([width], 0), optional: true } }),
});

const isSpecification = (part: object): part is Specification => "deviation" in part;

/** The tree with every specification replaced by what `f` gives for it and its dotted name; undefined leaves it out. */
function mapSpecifications(tree: unknown, f: (leaf: Specification, name: string) => Tensor | undefined): unknown {
  const visit = (part: object, name: string): unknown => {
    if (isSpecification(part)) return f(part, name);
    const inner = (key: string | number): string => (name ? `${name}.${key}` : String(key));
    if (Array.isArray(part)) return part.map((p, i) => visit(p, inner(i)));
    const found = Object.entries(part).map(([key, p]) => [key, visit(p, inner(key))]);
    return Object.fromEntries(found.filter(([, value]) => value !== undefined));
  };
  return visit(tree as object, "");
}
