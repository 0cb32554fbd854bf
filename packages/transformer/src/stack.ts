/**
 * @file A stack of blocks, written once over `Ops`: what an encoder and a decoder run. Attention itself is `attend`.
 *
 * ```text
 * tokens ─ input ─ + positions ─ block 0 ─ … ─ norm ─ pool ─ output
 * block:    x ← x + scale · attention(clamp(norm(x)))      and likewise cross-attention, feed-forward
 * ```
 *
 * Every part but the blocks' attention is there or not as the config says. Letters: x the residual stream.
 */
import { attend, project } from "@splineformer/attention";
import { type Ops, type Shaped, ShapeError, within } from "@splineformer/tensor";
import type { StackConfig } from "./config.ts";
import type { BlockParameters, FeedForwardParameters, Norm, StackParameters } from "./parameters.ts";

/**
 * Runs a stack.
 *
 * @param x - [.., tokens, input], or [.., tokens, width] where the config has no input
 * @param memory - what blocks with cross-attention look at, [.., source tokens, memory]
 * @returns [.., tokens, output], or [.., tokens, width] where the config has no output; one token where it pools
 */
export function runStack<T extends Shaped>(
  ops: Ops<T>,
  config: StackConfig,
  parameters: StackParameters<T>,
  x: T,
  memory?: T,
): T {
  let y = enter(ops, config, parameters, x);
  const { blocks } = parameters;
  // where only the first token is read, the last block computes no other
  const first = config.pool === "first";
  for (const [i, block] of blocks.entries())
    y = runBlock(within(ops, `block ${i}`), config, block, y, memory, first && i === blocks.length - 1);
  return leave(ops, config, parameters, y);
}

function enter<T extends Shaped>(ops: Ops<T>, config: StackConfig, { input, positions }: StackParameters<T>, x: T): T {
  let y = input ? project(within(ops, "input"), x, input) : x;
  if (config.tokens !== "given") y = cut(within(ops, "input"), y, config.tokens);
  return positions === undefined ? y : addPositions(within(ops, "positions"), y, positions);
}

/** One token [.., 1, k · width] becomes k tokens [.., k, width]. */
function cut<T extends Shaped>(ops: Ops<T>, x: T, tokens: number): T {
  // [.., k, 1, width] without its axis of length 1
  return ops.sum(ops.splitHeads(x, { heads: tokens }), { axes: [-2], keep: false });
}

function addPositions<T extends Shaped>(ops: Ops<T>, x: T, table: T): T {
  const tokens = x.shape.at(-2) as number;
  const rows = table.shape[0];
  if (tokens > rows) throw new ShapeError(`positions: expected at most ${rows} tokens, got ${tokens}`);
  return ops.add(x, tokens === rows ? table : ops.slice(table, { axis: -2, from: 0, to: tokens }));
}

function leave<T extends Shaped>(ops: Ops<T>, config: StackConfig, { norm, output }: StackParameters<T>, x: T): T {
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
  config: StackConfig,
  parameters: BlockParameters<T>,
  x: T,
  memory: T | undefined,
  onlyFirst: boolean,
): T {
  const { attention, cross, feedForward, norms, layerScale } = parameters;
  const { heads, keyValueHeads } = config;
  const self = { ...config.attention, heads, keyValueHeads };
  let y = sublayer(
    within(ops, "attention"),
    config,
    norms?.attention,
    layerScale?.attention,
    x,
    (at, z, own) => attend(at, self, attention, own(z), z),
    onlyFirst ? (z) => firstToken(within(ops, "attention"), z) : (z) => z,
  );
  if (cross) {
    if (memory === undefined) throw new ShapeError("decoder: expected a source for cross-attention, got none");
    const everything = { ...self, mask: "none" } as const;
    y = sublayer(within(ops, "cross"), config, norms?.cross, layerScale?.cross, y, (at, z) =>
      attend(at, everything, cross, z, clamp(at, config, memory)),
    );
  }
  if (feedForward)
    y = sublayer(within(ops, "feedForward"), config, norms?.feedForward, layerScale?.feedForward, y, (at, z) =>
      runFeedForward(at, config, feedForward, z),
    );
  return y;
}

/** What surrounds every sublayer f: norm, clamp, scale, residual. `own`: the tokens of x that the result is for. */
function sublayer<T extends Shaped>(
  ops: Ops<T>,
  config: StackConfig,
  norm: Norm<T> | undefined,
  scale: T | undefined,
  x: T,
  f: (ops: Ops<T>, z: T, own: (z: T) => T) => T,
  own: (z: T) => T = (z) => z,
): T {
  const normalised = (z: T, placement: StackConfig["normPlacement"]): T =>
    norm && config.normPlacement === placement ? runNorm(within(ops, "norm"), config, norm, z) : z;
  const result = f(ops, clamp(ops, config, normalised(x, "pre")), own);
  const scaled = scale === undefined ? result : ops.multiply(result, scale);
  return normalised(config.residual ? ops.add(own(x), scaled) : scaled, "post");
}

function runFeedForward<T extends Shaped>(
  ops: Ops<T>,
  config: StackConfig,
  { expand, contract }: FeedForwardParameters<T>,
  x: T,
): T {
  return project(ops, project(ops, x, expand, config.feedForward.activation), contract);
}

function runNorm<T extends Shaped>(ops: Ops<T>, config: StackConfig, { weight, bias }: Norm<T>, x: T): T {
  const kind = config.norm === "rms" ? "rms" : "layer";
  const scaled = ops.multiply(ops.normalize(x, { kind, epsilon: config.normEpsilon }), weight);
  return bias === undefined ? scaled : ops.add(scaled, bias);
}

function clamp<T extends Shaped>(ops: Ops<T>, config: StackConfig, x: T): T {
  if (config.clamp === "none") return x;
  return within(ops, "clamp").activate(x, { activation: { name: "clamp", limit: config.clamp }, order: 0 });
}
