/**
 * @file A stack of blocks, written once over `Ops`: what an encoder and a decoder run. Attention itself is `attend`.
 *
 * ```text
 * embedding or patches, input ─ + positions ─ block 0 ─ … ─ norm ─ pool ─ output
 * pre:      x ← residualScale · x + scale · attention(clamp(norm(x)))      and likewise cross-attention, feed-forward
 * post:     x ← norm(residualScale · x + scale · attention(clamp(x)))
 * hybrid:   x ← residualScale · x + scale · norm(attention(clamp(norm(x))))
 * ```
 *
 * Every part but the blocks' attention is there or not as the config says. Letters: x the residual stream.
 */
import { type AttentionConfig, type AttentionParameters, alibi, attend, project } from "@splineformer/attention";
import { type Ops, type Shaped, ShapeError, within } from "@splineformer/tensor";
import type { StackConfig } from "./config.ts";
import { embed } from "./embedding.ts";
import type { BlockParameters, FeedForwardParameters, Norm, PerSublayer, StackParameters } from "./parameters.ts";

/** How a stack goes on after earlier tokens, which only positions and self-attention look back at. */
interface Continuation<T extends Shaped> {
  /** Tokens before the first of x. */
  readonly past: number;
  /** Self-attention of the next block, after the tokens that it has seen before. */
  attend(ops: Ops<T>, config: AttentionConfig, parameters: AttentionParameters<T>, x: T): T;
  /** Cross-attention of the next block, to a source that it knows. Without it, to memory. */
  look?(ops: Ops<T>, config: AttentionConfig, parameters: AttentionParameters<T>, x: T): T;
}

/** A config, and what an affine norm does to its rows before it scales and shifts them: in training it is a batch norm. */
export interface StackReading extends StackConfig {
  readonly standardize?: <T extends Shaped>(ops: Ops<T>, x: T, epsilon: number, norm: Norm<T>) => T;
}

/**
 * Runs a stack.
 *
 * @param x - what the config's input is: [.., tokens, input] or [.., tokens, width], ids, or an image
 * @param memory - what blocks with cross-attention look at, [.., source tokens, memory]
 * @param after - what came before x; default nothing
 * @returns [.., tokens, output], or [.., tokens, width] where the config has no output; one token where it pools
 */
export function runStack<T extends Shaped>(
  ops: Ops<T>,
  config: StackReading,
  parameters: StackParameters<T>,
  x: T,
  memory?: T,
  after?: Continuation<T>,
): T {
  let y = embed(ops, config, parameters, x, after?.past);
  const { blocks } = parameters;
  // where only the first token is read, the last block computes no other
  const first = config.pool === "first";
  for (const [i, block] of blocks.entries())
    y = runBlock(within(ops, `block ${i}`), config, block, y, memory, after, first && i === blocks.length - 1);
  return leave(ops, config, parameters, y);
}

function leave<T extends Shaped>(ops: Ops<T>, config: StackReading, parameters: StackParameters<T>, x: T): T {
  const y = pooled(within(ops, "pool"), config, finalNorm(ops, config, parameters, x));
  return parameters.output ? project(within(ops, "output"), read(ops, config, y), parameters.output) : y;
}

export const finalNorm = <T extends Shaped>(ops: Ops<T>, config: StackReading, { norm }: Norms<T>, x: T): T =>
  normalised(ops, "norm", config, norm, x);

type Norms<T> = Pick<StackParameters<T>, "norm">;

/** What the map out reads. */
export const read = <T extends Shaped>(ops: Ops<T>, config: StackReading, x: T): T =>
  clamp(within(ops, "output"), config, x);

export function pooled<T extends Shaped>(ops: Ops<T>, { pool }: StackReading, x: T): T {
  if (pool === "none") return x;
  if (pool === "first") return firstToken(ops, x);
  return ops.scale(ops.sum(x, { axes: [-2], keep: true }), { factor: 1 / (x.shape.at(-2) as number) });
}

export const firstToken = <T extends Shaped>(ops: Ops<T>, x: T): T =>
  x.shape.at(-2) === 1 ? x : ops.slice(x, { axis: -2, from: 0, to: 1 });

function runBlock<T extends Shaped>(
  ops: Ops<T>,
  config: StackReading,
  parameters: BlockParameters<T>,
  x: T,
  memory: T | undefined,
  after: Continuation<T> | undefined,
  onlyFirst: boolean,
): T {
  const { attention, cross } = parameters;
  const self = selfAttention(config);
  let y = sublayer(
    within(ops, "attention"),
    config,
    aroundOf(parameters, "attention"),
    x,
    (at, z, own) => (after ? after.attend(at, self, attention, z) : attend(at, self, attention, own(z), z)),
    onlyFirst ? (z) => firstToken(within(ops, "attention"), z) : (z) => z,
  );
  if (cross) {
    const lookAt = (at: Ops<T>, z: T): T => {
      if (after?.look) return after.look(at, crossAttention(config), cross, z);
      if (memory === undefined) throw new ShapeError("decoder: expected a source for cross-attention, got none");
      return attend(at, crossAttention(config), cross, z, clamp(at, config, memory));
    };
    y = sublayer(within(ops, "cross"), config, aroundOf(parameters, "cross"), y, lookAt);
  }
  return feedForwardSublayer(ops, config, parameters, y);
}

/** The feed-forward and what surrounds it; without one, nothing. */
export function feedForwardSublayer<T extends Shaped>(
  ops: Ops<T>,
  config: StackReading,
  parameters: BlockParameters<T>,
  x: T,
): T {
  const { feedForward } = parameters;
  if (!feedForward) return x;
  return sublayer(within(ops, "feedForward"), config, aroundOf(parameters, "feedForward"), x, (at, z) =>
    runFeedForward(at, config, feedForward, z),
  );
}

/** Self-attention of each block. */
export function selfAttention({ attention, heads, keyValueHeads, positions }: StackConfig): AttentionConfig {
  return {
    ...attention,
    heads,
    keyValueHeads,
    ...(positions === "rotary" && { rotary: {} }),
    ...(positions === "alibi" && { alibi: alibi(heads) }),
  };
}

/** Cross-attention of each block: it sees everything, and the source has positions of its own. */
export const crossAttention = ({ attention, heads, keyValueHeads }: StackConfig): AttentionConfig => ({
  ...attention,
  heads,
  keyValueHeads,
  mask: "none",
});

/** The learned numbers around a sublayer, where there are any. */
export interface Around<T> {
  readonly norm: Norm<T> | undefined;
  readonly outputNorm: Norm<T> | undefined;
  readonly scale: T | undefined;
}

export const aroundOf = <T>(
  { norms, outputNorms, layerScale }: BlockParameters<T>,
  name: keyof PerSublayer<unknown>,
): Around<T> => ({ norm: norms?.[name], outputNorm: outputNorms?.[name], scale: layerScale?.[name] });

/** What surrounds every sublayer f: norms, clamp, scale, residual. `own`: the tokens of x that the result is for. */
function sublayer<T extends Shaped>(
  ops: Ops<T>,
  config: StackReading,
  around: Around<T>,
  x: T,
  f: (ops: Ops<T>, z: T, own: (z: T) => T) => T,
  own: (z: T) => T = (z) => z,
): T {
  const result = resultOf(ops, config, around, f(ops, entered(ops, config, around, x), own));
  return settled(ops, config, around, config.residual ? joined(ops, config, own(x), result) : result);
}

/** What a sublayer reads of the stream. */
export function entered<T extends Shaped>(ops: Ops<T>, config: StackReading, { norm }: Around<T>, x: T): T {
  const before = config.normPlacement === "post" ? x : normalised(ops, "norm", config, norm, x);
  return clamp(ops, config, before);
}

/** What a sublayer adds to the stream. */
export function resultOf<T extends Shaped>(
  ops: Ops<T>,
  config: StackReading,
  { outputNorm, scale }: Around<T>,
  y: T,
): T {
  const result = normalised(ops, "output norm", config, outputNorm, y);
  return scale === undefined ? result : ops.multiply(result, scale);
}

/** The residual sum. */
export function joined<T extends Shaped>(ops: Ops<T>, { residualScale }: StackReading, x: T, result: T): T {
  return ops.add(residualScale === 1 ? x : ops.scale(x, { factor: residualScale }), result);
}

/** The stream after a sublayer. */
export function settled<T extends Shaped>(ops: Ops<T>, config: StackReading, { norm }: Around<T>, sum: T): T {
  return config.normPlacement === "post" ? normalised(ops, "norm", config, norm, sum) : sum;
}

const normalised = <T extends Shaped>(
  ops: Ops<T>,
  name: string,
  config: StackReading,
  norm: Norm<T> | undefined,
  x: T,
): T => (norm ? runNorm(within(ops, name), config, norm, x) : x);

function runFeedForward<T extends Shaped>(
  ops: Ops<T>,
  config: StackConfig,
  { expand, contract }: FeedForwardParameters<T>,
  x: T,
): T {
  return project(ops, project(ops, x, expand, config.feedForward.activation), contract);
}

function runNorm<T extends Shaped>(ops: Ops<T>, config: StackReading, norm: Norm<T>, x: T): T {
  const { norm: kind, normEpsilon: epsilon, standardize } = config;
  const { weight, bias } = norm;
  let rows = x;
  if (kind === "layer" || kind === "rms") rows = ops.normalize(x, { kind, epsilon });
  else if (standardize) rows = standardize(ops, x, epsilon, norm);
  const scaled = ops.multiply(rows, weight);
  return bias === undefined ? scaled : ops.add(scaled, bias);
}

export function clamp<T extends Shaped>(ops: Ops<T>, config: StackConfig, x: T): T {
  if (config.clamp === "none") return x;
  return within(ops, "clamp").activate(x, { activation: { name: "clamp", limit: config.clamp }, order: 0 });
}
