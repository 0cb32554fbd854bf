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

function leave<T extends Shaped>(ops: Ops<T>, config: StackReading, { norm, output }: StackParameters<T>, x: T): T {
  let y = norm ? runNorm(within(ops, "norm"), config, norm, x) : x;
  if (config.pool === "first") y = firstToken(within(ops, "pool"), y);
  if (config.pool === "mean") {
    const at = within(ops, "pool");
    y = at.scale(at.sum(y, { axes: [-2], keep: true }), { factor: 1 / (y.shape.at(-2) as number) });
  }
  return output ? project(within(ops, "output"), clamp(within(ops, "output"), config, y), output) : y;
}

const firstToken = <T extends Shaped>(ops: Ops<T>, x: T): T =>
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
  const { attention, cross, feedForward } = parameters;
  const around = (name: keyof PerSublayer<unknown>): Around<T> => ({
    norm: parameters.norms?.[name],
    outputNorm: parameters.outputNorms?.[name],
    scale: parameters.layerScale?.[name],
  });
  const { heads, keyValueHeads, positions } = config;
  const plain = { ...config.attention, heads, keyValueHeads };
  const self: AttentionConfig = {
    ...plain,
    ...(positions === "rotary" && { rotary: {} }),
    ...(positions === "alibi" && { alibi: alibi(heads) }),
  };
  let y = sublayer(
    within(ops, "attention"),
    config,
    around("attention"),
    x,
    (at, z, own) => (after ? after.attend(at, self, attention, z) : attend(at, self, attention, own(z), z)),
    onlyFirst ? (z) => firstToken(within(ops, "attention"), z) : (z) => z,
  );
  if (cross) {
    if (memory === undefined) throw new ShapeError("decoder: expected a source for cross-attention, got none");
    // the source has positions of its own
    const everything = { ...plain, mask: "none" } as const;
    y = sublayer(within(ops, "cross"), config, around("cross"), y, (at, z) =>
      attend(at, everything, cross, z, clamp(at, config, memory)),
    );
  }
  if (feedForward)
    y = sublayer(within(ops, "feedForward"), config, around("feedForward"), y, (at, z) =>
      runFeedForward(at, config, feedForward, z),
    );
  return y;
}

/** The learned numbers around a sublayer, where there are any. */
interface Around<T> {
  readonly norm: Norm<T> | undefined;
  readonly outputNorm: Norm<T> | undefined;
  readonly scale: T | undefined;
}

/** What surrounds every sublayer f: norms, clamp, scale, residual. `own`: the tokens of x that the result is for. */
function sublayer<T extends Shaped>(
  ops: Ops<T>,
  config: StackReading,
  { norm, outputNorm, scale }: Around<T>,
  x: T,
  f: (ops: Ops<T>, z: T, own: (z: T) => T) => T,
  own: (z: T) => T = (z) => z,
): T {
  const { normPlacement, residual, residualScale } = config;
  const normalised = (name: string, parameters: Norm<T> | undefined, z: T): T =>
    parameters ? runNorm(within(ops, name), config, parameters, z) : z;
  const before = normPlacement === "post" ? x : normalised("norm", norm, x);
  const result = normalised("output norm", outputNorm, f(ops, clamp(ops, config, before), own));
  const scaled = scale === undefined ? result : ops.multiply(result, scale);
  const kept = residual && residualScale !== 1 ? ops.scale(own(x), { factor: residualScale }) : own(x);
  const sum = residual ? ops.add(kept, scaled) : scaled;
  return normPlacement === "post" ? normalised("norm", norm, sum) : sum;
}

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

function clamp<T extends Shaped>(ops: Ops<T>, config: StackConfig, x: T): T {
  if (config.clamp === "none") return x;
  return within(ops, "clamp").activate(x, { activation: { name: "clamp", limit: config.clamp }, order: 0 });
}
