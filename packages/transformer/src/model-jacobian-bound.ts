/**
 * @file How much a whole model can amplify a small change of its input, from above: the product of its layers' bounds, and how
 * loose that is. At one input, not everywhere: attention has no slope that holds everywhere, for the larger its input, the
 * steeper it is. Letters: x the residual stream, J the model's Jacobian.
 */
import {
  forward,
  type Given,
  type Network,
  namedInputs,
  reference,
  ShapeError,
  showShape,
  type Tensor,
  UnsupportedError,
} from "@splineformer/tensor";
import { completeConfig, type ModelConfig, type StackConfig } from "./config.ts";
import { jacobianNorm } from "./jacobian-norm.ts";
import { type Model, modelOf } from "./models.ts";
import type { StackParameters, TransformerParameters } from "./parameters.ts";
import { type PlaceBound, stackBound } from "./stack-bound.ts";

export interface ModelJacobianBound<I extends string> {
  /** The largest factor by which the model amplifies a small change of its inputs is at most that. */
  readonly bound: number;
  /** The same for a change of one input alone. */
  readonly inputs: Readonly<Record<I, number>>;
  /** Place by place, from the input on. Without cross-attention `bound` is their product. */
  readonly factors: readonly PlaceBound[];
  /** The spectral norm of J itself, by power iteration: approached from below. */
  readonly measured: number;
  /** `bound / measured`: how much the product overestimates; Infinity where J is 0. */
  readonly looseness: number;
}

/**
 * `‖∂ model(x)/∂x‖₂ ≤ Π factors`, along the activations that x meets, and how loose that is.
 *
 * ```text
 * map in, map out        ‖W‖
 * positions, patches     1
 * what reads each token alone (norms, clamp, feed-forward, LayerScale)    the largest of its tokens' Jacobians, exactly
 * attention              residualScale + jacobianBound, with the norms, clamp and LayerScale around it
 * cross-attention        crossJacobianBound: one factor for the stream, one for the source
 * pool "mean", "first"   1/√tokens, 1
 * ```
 *
 * Of every option and activation: norms that divide, QK-norm and rotary positions are differentiated at x. Products
 * overestimate, more with every layer: the directions that one layer amplifies are seldom those of the next. What is measured
 * beside it says by how much. A model of ids has no derivative by them; its bound is by the rows of the table that they pick.
 *
 * @param model - of this package
 * @param x - the input, or inputs by name, without batch
 * @throws ShapeError if there are leading axes
 * @throws UnsupportedError for a network whose `run` is not that of its config
 * @throws RangeError if x or a residual stream is not finite
 * @source arXiv 2409.04431, theorem 3.2, for attention
 * @example
 * ```ts
 * import { random } from "@splineformer/tensor";
 * import { createEncoder, modelJacobianBound } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 2, width: 6, heads: 3, input: 5, output: 2, pool: "mean", seed: 1 });
 * const { bound, measured, factors } = modelJacobianBound(model, random(2).normal([7, 5]));
 * measured < bound; // true
 * factors.map(({ place }) => place).slice(0, 3); // ["input", "block 0/attention", "block 0/feedForward"]
 * ```
 */
export function modelJacobianBound<I extends string, C extends ModelConfig, P>(
  model: Network<I, C, P>,
  x: Given<I>,
): ModelJacobianBound<I> {
  const where = "modelJacobianBound";
  const given = namedInputs<I, C, P>(where, model, x);
  const config = completeConfig(where, model.config);
  for (const name of Object.keys(given) as I[])
    if (given[name].shape.length !== model.inputs[name].length)
      throw new ShapeError(`${where}: expected ${name} without batch, got ${showShape(given[name].shape)}`);
  const { model: plain, inputs } = withoutIds(model as unknown as Model, config, given);
  const { output, factors, bounds } = walked(where, plain, inputs);
  checkRun(where, output, forward(model, given));
  const bound = Math.hypot(...Object.values(bounds));
  const measured = jacobianNorm(plain as unknown as Network, inputs);
  const looseness = measured > 0 ? bound / measured : Number.POSITIVE_INFINITY;
  return { bound, inputs: bounds as Record<I, number>, factors, measured, looseness };
}

type Inputs = Readonly<Record<string, Tensor>>;

/** Place by place, and what all of them come to by each input. */
function walked(
  where: string,
  model: Model,
  inputs: Inputs,
): {
  readonly output: Tensor;
  readonly factors: readonly PlaceBound[];
  readonly bounds: Readonly<Record<string, number>>;
} {
  const { config, parameters } = model;
  if (config.kind === "encoder") {
    const { output, factors, own } = stackBound(where, "", config, parameters as StackParameters<Tensor>, inputs.x);
    return { output, factors, bounds: { x: own } };
  }
  if (config.kind === "decoder") {
    const memory = reference.constant(inputs.source);
    const found = stackBound(where, "", config, parameters as StackParameters<Tensor>, inputs.target, memory);
    return { output: found.output, factors: found.factors, bounds: { source: found.source, target: found.own } };
  }
  const both = parameters as TransformerParameters<Tensor>;
  const first = stackBound(where, "encoder/", config.encoder, both.encoder, inputs.source);
  const second = stackBound(where, "decoder/", config.decoder, both.decoder, inputs.target, first.output);
  return {
    output: second.output,
    factors: [...first.factors, ...second.factors],
    bounds: { source: second.source * first.own, target: second.own },
  };
}

/** The model of the rows that ids pick, and those rows; a model of vectors as it is. */
function withoutIds(
  model: Model,
  config: ModelConfig,
  given: Inputs,
): { readonly model: Model; readonly inputs: Inputs } {
  const plain = <C extends StackConfig>(own: C): C => ({ ...own, vocabulary: "none" });
  const rows = (own: StackConfig, { embedding }: StackParameters<Tensor>, x: Tensor): Tensor =>
    own.vocabulary === "none" ? x : reference.gather(embedding as Tensor, reference.constant(x));
  const without = ({ embedding: _, ...rest }: StackParameters<Tensor>): StackParameters<Tensor> => rest;
  if (config.kind === "transformer") {
    const { encoder, decoder } = model.parameters as TransformerParameters<Tensor>;
    return {
      model: modelOf(
        { ...config, encoder: plain(config.encoder), decoder: plain(config.decoder) },
        { encoder: without(encoder), decoder: without(decoder) },
      ),
      inputs: {
        source: rows(config.encoder, encoder, given.source),
        target: rows(config.decoder, decoder, given.target),
      },
    };
  }
  const parameters = model.parameters as StackParameters<Tensor>;
  const name = config.kind === "encoder" ? "x" : "target";
  return {
    model: modelOf(plain(config), without(parameters)),
    inputs: { ...given, [name]: rows(config, parameters, given[name]) },
  };
}

/** Half the digits: rounding leaves more, another function fewer. */
const agreement = 2 ** -26;

/** Refuses a network whose numbers are not those of its config. */
function checkRun(where: string, walked: Tensor, forwarded: Tensor): void {
  const [a, b] = [Float64Array.from(walked.data), Float64Array.from(forwarded.data)];
  const top = a.reduce((most, y) => Math.max(most, Math.abs(y)), 0);
  const same = a.length === b.length && a.every((y, i) => Math.abs(y - b[i]) <= agreement * top);
  if (!same)
    throw new UnsupportedError(`${where}: expected a model that runs as its config says, got a run of its own`);
}
