/** @file Networks trained on `cpu` where no device is named. */
import { cpu } from "@splineformer/cpu";
import type { Given, Network, Ops, Shaped } from "@splineformer/tensor";
import {
  type Dataset,
  type Examples,
  type FitOptions,
  type Gradient,
  type GradientOptions,
  gradient as gradientOn,
  type InputName,
  type Step,
  fit as train,
} from "@splineformer/training";
import { withDevice } from "./with-device.ts";

/**
 * Trains a network: `fit` of `@splineformer/training`, in float32 on `cpu` where no device is named.
 *
 * @param model - is not changed; `step.model` is the trained one
 * @param data - `{ inputs, targets }` with examples along the leading axis, or `{ length, batch }`
 * @param options - `loss`, `optimizer`, and `epochs`, `batch`, `schedule`, `clip`, `seed`, `signal`, `resume`, `on`
 * @throws RangeError if an option is unknown or out of range, or the loss becomes NaN or infinite
 * @throws the reason of `signal`, if it is aborted
 * @example
 * ```ts
 * import { adam, createEncoder, fit, meanSquared, random } from "splineformer";
 * const model = createEncoder({ layers: 1, width: 6, heads: 3, seed: 1 });
 * const [inputs, targets] = [random(2).normal([13, 5, 6]), random(3).normal([13, 5, 6])];
 * const losses = [];
 * for await (const { loss } of fit(model, { inputs, targets }, { loss: meanSquared, optimizer: adam(), epochs: 20 }))
 *   losses.push(loss);
 * losses[19] < losses[0]; // true
 * ```
 */
export function fit<N extends Network<never>>(
  model: N,
  data: Examples<InputName<N>> | Dataset<InputName<N>>,
  options: FitOptions,
): AsyncGenerator<Step<N>, void, void> {
  return train(model, data, withDevice(options, cpu));
}

/**
 * `∂ loss(network(x)) / ∂ parameter` for every parameter: `gradient` of `@splineformer/training`, in float32 on `cpu` where no
 * device is named.
 *
 * @param x - the input, or inputs by name; leading axes are batch
 * @param loss - from operations and the network's output to a scalar, `[]`; close over targets with `ops.constant`
 * @throws ShapeError if shapes do not fit or the loss is no scalar
 * @throws UnsupportedError naming an operation without a derivative, and its place
 * @example
 * ```ts
 * import { createEncoder, gradient, meanSquared, random } from "splineformer";
 * const model = createEncoder({ layers: 1, width: 6, heads: 3, output: 2, seed: 1 });
 * const target = random(3).normal([5, 2]);
 * const { gradients } = gradient(model, random(2).normal([5, 6]), (ops, y) => meanSquared(ops, y, ops.constant(target)));
 * gradients["output.weight"].shape; // [6, 2]
 * gradients["output.weight"].dtype; // "float32"
 * ```
 */
export function gradient<I extends string, C, P>(
  network: Network<I, C, P>,
  x: Given<I>,
  loss: <T extends Shaped>(ops: Ops<T>, output: T) => T,
  options: GradientOptions = {},
): Gradient {
  return gradientOn(network, x, loss, withDevice(options, cpu));
}
