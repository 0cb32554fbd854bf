/**
 * @file How much one stack can amplify a small change, place by place, at the numbers that it meets. Letters: x the residual
 * stream, memory what cross-attention looks at.
 */
import { attend, crossJacobianBound, project, spectralNorm, tokenwiseNorm } from "@splineformer/attention";
import { findNonFinite, type Ops, reference, required, type Shaped, type Tensor } from "@splineformer/tensor";
import type { StackConfig } from "./config.ts";
import { embed } from "./embedding.ts";
import type { BlockParameters, StackParameters } from "./parameters.ts";
import {
  type Around,
  aroundOf,
  clamp,
  crossAttention,
  entered,
  feedForwardSublayer,
  finalNorm,
  firstToken,
  joined,
  pooled,
  read,
  resultOf,
  selfAttention,
  settled,
} from "./stack.ts";

/** What one place of a model multiplies a change by, at most. */
export interface PlaceBound {
  /** As in refusals, `"block 0/attention"`. */
  readonly place: string;
  /** Of a change of the stream; residual sum, norms, clamp and LayerScale included. */
  readonly factor: number;
  /** Of cross-attention: what a change of the source adds to the stream, as a multiple of it. */
  readonly source?: number;
}

interface StackBound {
  readonly output: Tensor;
  readonly factors: readonly PlaceBound[];
  /** By the stack's own input. */
  readonly own: number;
  /** By memory. */
  readonly source: number;
}

/** Every place of a stack on x; `scope` goes before the places' names. */
export function stackBound(
  where: string,
  scope: string,
  config: StackConfig,
  parameters: StackParameters<Tensor>,
  x: Tensor,
  memory?: Tensor,
): StackBound {
  const factors: PlaceBound[] = [];
  let [own, source] = [1, 0];
  const pass = (place: string, y: Tensor, factor: number, added?: number): Tensor => {
    const bad = findNonFinite(y);
    required(bad < 0 && Number.isFinite(factor + (added ?? 0)), where, `finite numbers at ${scope}${place}`, y.data[bad] ?? factor); // biome-ignore format: one message
    factors.push({ place: `${scope}${place}`, factor, ...(added !== undefined && { source: added }) });
    own *= factor;
    source = source * factor + (added ?? 0);
    return y;
  };
  let y = embed(reference, config, parameters, reference.constant(x));
  if (parameters.input) pass("input", y, spectralNorm(parameters.input.weight));
  for (const [i, block] of parameters.blocks.entries()) {
    const last = config.pool === "first" && i === parameters.blocks.length - 1;
    const self = selfBound(config, block, y, last);
    y = pass(`block ${i}/attention`, self.output, self.factor);
    if (block.cross) {
      const cross = crossBound(config, block, y, memory as Tensor);
      y = pass(`block ${i}/cross`, cross.output, cross.factor, cross.source);
    }
    if (block.feedForward) {
      const steepest = tokenwiseNorm((ops, z, p) => feedForwardSublayer(ops, config, p, z), y, block);
      y = pass(`block ${i}/feedForward`, feedForwardSublayer(reference, config, block, y), steepest);
    }
  }
  const { norm, output } = parameters;
  if (norm) {
    const steepest = tokenwiseNorm((ops, z, p) => finalNorm(ops, config, p, z), y, { norm });
    y = pass("norm", finalNorm(reference, config, parameters, y), steepest);
  }
  if (config.pool !== "none") {
    const factor = config.pool === "mean" ? 1 / Math.sqrt(y.shape[0]) : 1;
    y = pass("pool", pooled(reference, config, y), factor);
  }
  if (output) {
    const steepest = tokenwiseNorm((ops, z) => read(ops, config, z), y);
    y = pass("output", project(reference, read(reference, config, y), output), steepest * spectralNorm(output.weight));
  }
  return { output: y, factors, own, source };
}

/** Self-attention with all that surrounds it; of the first token alone where only that is read. */
function selfBound(
  config: StackConfig,
  block: BlockParameters<Tensor>,
  x: Tensor,
  onlyFirst: boolean,
): { readonly output: Tensor; readonly factor: number } {
  const around = aroundOf(block, "attention");
  const layer = { config: selfAttention(config), parameters: block.attention };
  const kept = <T extends Shaped>(ops: Ops<T>, z: T): T => (onlyFirst ? firstToken(ops, z) : z);
  const z = entered(reference, config, around, x);
  const asking = kept(reference, z);
  const result = attend(reference, layer.config, layer.parameters, asking, z);
  const by = crossJacobianBound(layer, asking, z);
  return surrounded(config, around, kept(reference, x), result, (by.x + by.memory) * entering(config, around, x));
}

/** Cross-attention with all that surrounds it: a factor for the stream, and one for what is looked at. */
function crossBound(
  config: StackConfig,
  block: BlockParameters<Tensor>,
  x: Tensor,
  memory: Tensor,
): { readonly output: Tensor; readonly factor: number; readonly source: number } {
  const around = aroundOf(block, "cross");
  const layer = { config: crossAttention(config), parameters: block.cross as BlockParameters<Tensor>["attention"] };
  const z = entered(reference, config, around, x);
  const seen = clamp(reference, config, memory);
  const result = attend(reference, layer.config, layer.parameters, z, seen);
  const by = crossJacobianBound(layer, z, seen);
  const looking = tokenwiseNorm((ops, y) => clamp(ops, config, y), memory);
  const { output, factor, after } = surrounded(config, around, x, result, by.x * entering(config, around, x));
  return { output, factor, source: after * by.memory * looking };
}

const entering = (config: StackConfig, around: Around<Tensor>, x: Tensor): number =>
  tokenwiseNorm((ops, z, p) => entered(ops, config, p, z), x, around);

/** `after`: what a change of attention's result is multiplied by. */
function surrounded(
  config: StackConfig,
  around: Around<Tensor>,
  x: Tensor,
  result: Tensor,
  attention: number,
): { readonly output: Tensor; readonly factor: number; readonly after: number } {
  const { residual, residualScale } = config;
  const added = resultOf(reference, config, around, result);
  const leaving = tokenwiseNorm((ops, y, p) => resultOf(ops, config, p, y), result, around);
  const sum = residual ? joined(reference, config, x, added) : added;
  const settling = tokenwiseNorm((ops, y, p) => settled(ops, config, p, y), sum, around);
  return {
    output: settled(reference, config, around, sum),
    factor: settling * ((residual ? Math.abs(residualScale) : 0) + leaving * attention),
    after: settling * leaving,
  };
}
