/**
 * @file A spline transformer made smooth: the same weights under another activation. Letters: β the sharpness of softplus.
 */
import {
  checkOptions,
  type Given,
  type Network,
  required,
  show,
  showActivation,
  type Tensor,
  UnsupportedError,
} from "@splineformer/tensor";
import type { Model, ModelConfig, StackConfig } from "@splineformer/transformer";
import { smoothingBound } from "./smoothing-bound.ts";

/** `softplus`: its β > 0. The larger, the closer to ReLU. */
export type Smoothing = { readonly softplus: number } | "softmax";

/** What {@link smooth} knows about the distance it put between the two networks. */
export interface Bounded<I extends string> {
  /**
   * What no output of the smoothed network can differ by from the ReLU network's, at x, entry by entry:
   * `(log 2/β)(Σ_heads |v_h(x)| + Σ_hidden |c_j|)`, up to rounding.
   *
   * v_h is what a head's value adds to the output (summed over the keys a token sees, divided as the weights are), c_j what a
   * hidden unit adds for each unit of its input. Where hidden units read channels that attention writes, smoothed attention moves
   * them as well, and `|c_j|` is multiplied by 1 + Σ_heads of what reaches the unit; in a compiled block nothing does.
   *
   * @param x - the input, as for `forward`
   * @returns float64, of the output's shape
   * @throws UnsupportedError for more than one block, where a bound that always holds is hundreds of times too large; and, naming
   * the place, if what was smoothed then passes an operation of unbounded slope, such as a norm
   */
  bound(x: Given<I>): Tensor<"float64">;
}

type InputsOf<M extends Model> = keyof M["inputs"] & string;

/**
 * The same weights with every ReLU, in attention and feed-forward, replaced by `softplus_β(z) = log(1 + e^(βz))/β`:
 * C^∞, and as β grows back to the ReLU network. Or, for "softmax", with softmax attention.
 *
 * Since `0 < softplus_β − ReLU ≤ log(2)/β`, with the maximum at the knots, the result comes with a `bound`. Softmax
 * *replaces* ReLU and its divisor and is no limit of it, so there is none: it shows what the same weights do in the
 * transformer everybody knows. The feed-forward stays as it is.
 *
 * @param model - an encoder, decoder or encoder–decoder; weights are shared, not copied
 * @throws UnsupportedError if the model has no ReLU to replace, or is not of `@splineformer/transformer`
 * @throws RangeError if β is not a finite number > 0, or the smoothing is unknown
 * @source arXiv 2408.09624 (smoothing; the bound is derived in this project)
 * @example
 * ```ts
 * import { encoderFromSpline, smooth } from "@splineformer/compiler";
 * import { interpolateCubic } from "@splineformer/spline";
 * import { forward, tensor } from "@splineformer/tensor";
 * const model = encoderFromSpline(interpolateCubic([0, 1, 2], [0, 1, 0]));
 * const soft = smooth(model, { softplus: 100 });
 * const x = tensor([[1]]);
 * Math.abs(forward(soft, x).data[0] - forward(model, x).data[0]) <= soft.bound(x).data[0]; // true
 * ```
 */
export function smooth<M extends Model>(model: M, smoothing: { readonly softplus: number }): M & Bounded<InputsOf<M>>;
export function smooth<M extends Model>(model: M, smoothing: "softmax"): M;
export function smooth<M extends Model>(model: M, smoothing: Smoothing): M {
  checkModel(model);
  if (smoothing === "softmax") return { ...model, config: eachStack(model.config, withSoftmax) };
  if (typeof smoothing !== "object" || smoothing === null)
    throw new RangeError(`smooth: expected { softplus: beta } or "softmax", got ${show(smoothing)}`);
  checkOptions("smooth", smoothing, ["softplus"]);
  const { softplus: beta } = smoothing;
  required(typeof beta === "number" && beta > 0 && Number.isFinite(beta), "smooth", "a finite softplus beta > 0", beta);
  const { config } = model;
  return {
    ...model,
    config: eachStack(config, (stack) => withSoftplus(stack, beta)),
    bound(this: M, x: Given<InputsOf<M>>): Tensor<"float64"> {
      checkOneBlock(config);
      // the parameters of `this`, which may be others by now
      return smoothingBound({ ...this, config } as unknown as Network<InputsOf<M>>, x, Math.LN2 / beta);
    },
  };
}

function checkModel(model: Model): void {
  const kind = model?.config?.kind;
  if (kind !== "encoder" && kind !== "decoder" && kind !== "transformer")
    throw new UnsupportedError(
      `smooth: expected an encoder, decoder or encoder–decoder of @splineformer/transformer, got ${show(kind ?? model)}`,
    );
}

function checkOneBlock(config: ModelConfig): void {
  if (config.kind === "encoder" && config.layers <= 1) return;
  const got =
    config.kind === "transformer"
      ? "an encoder–decoder"
      : `${config.layers} of ${config.kind === "encoder" ? "an" : "a"} ${config.kind}`;
  throw new UnsupportedError(`bound: expected at most one block, of an encoder, got ${got}`);
}

/** The config with every stack changed. */
function eachStack<C extends ModelConfig>(config: C, change: <S extends StackConfig>(stack: S) => S): C {
  if (config.kind !== "transformer") return change(config as C & StackConfig);
  return { ...config, encoder: change(config.encoder), decoder: change(config.decoder) };
}

const withSoftmax = <S extends StackConfig>(stack: S): S => ({
  ...stack,
  attention: { ...stack.attention, activation: "softmax", divide: "none" },
});

function withSoftplus<S extends StackConfig>(stack: S, beta: number): S {
  const { attention, feedForward } = stack;
  const softened = <A>(activation: A) => (activation === "relu" ? ({ name: "softplus", beta } as const) : activation);
  if (attention.activation !== "relu" && feedForward.activation !== "relu")
    throw new UnsupportedError(
      `smooth: expected relu to replace, got attention ${showActivation(attention.activation)} and feed-forward ${showActivation(feedForward.activation)}`,
    );
  return {
    ...stack,
    attention: { ...attention, activation: softened(attention.activation) },
    feedForward: { ...feedForward, activation: softened(feedForward.activation) },
  };
}
