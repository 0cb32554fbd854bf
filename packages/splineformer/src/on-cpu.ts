/** @file Functions that run a network, with a fast device where none is named: `cpu`, for lines and curves `cpu64`. */
import {
  type CurveOptions,
  type LineOptions,
  restrictToLine as onAnyDevice,
  type Path,
  restrictToCurve as readCurve,
  restrictToPolyline as readPolyline,
} from "@splineformer/analysis";
import { cpu, cpu64 } from "@splineformer/cpu";
import {
  type ForwardOptions,
  type Given,
  type Graph,
  type Network,
  type Ops,
  forward as run,
  type Shaped,
  type Tensor,
} from "@splineformer/tensor";
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

/**
 * Runs a network: `forward` of `@splineformer/tensor`, in float32 on `cpu` where no device is named.
 *
 * For float64 name `cpu64`, and for the definition itself `reference`.
 *
 * @param x - the input, or inputs by name; leading axes are batch
 * @param options - `on`: the device, or any other operations; default `cpu`
 * @throws ShapeError if an input does not have the network's shape
 * @throws RangeError if an input is missing, unknown or holds NaN or an infinity
 * @example
 * ```ts
 * import { cpu64, encoderFromSpline, forward, interpolateCubic, tensor } from "splineformer";
 * const model = encoderFromSpline(interpolateCubic([0, 1, 2], [0, 1, 0]));
 * const y = forward(model, tensor([[0.5]]));
 * y.data[0]; // 0.6875
 * y.dtype; // "float32"
 * forward(model, tensor([[0.5]]), { on: cpu64 }).dtype; // "float64"
 * ```
 */
export function forward<I extends string, C, P>(network: Network<I, C, P>, x: Given<I>): Tensor;
export function forward<I extends string, C, P, T extends Shaped>(
  network: Network<I, C, P>,
  x: Given<I, Tensor | NoInfer<T>>,
  options: ForwardOptions<T>,
): T;
export function forward<I extends string, C, P>(
  network: Network<I, C, P>,
  x: Given<I, Shaped>,
  options: ForwardOptions<Shaped> = { on: cpu as unknown as Ops<Shaped> },
): Shaped {
  return run(network, x, options);
}

/**
 * The network on the line x(t) = from + t·(to − from), 0 ≤ t ≤ 1, as the exact piecewise polynomial it is: `restrictToLine` of
 * `@splineformer/analysis`, on `cpu64` where no device is named.
 *
 * @param network - a network, or a graph with one output
 * @param from - the input at t = 0, or inputs by name; a batch is one longer line
 * @param to - the input at t = 1, of the same shapes
 * @param options - `on`: a synchronous float64 device; default `cpu64`. And `method`, `onPiece`, `signal`, `budgetMs`, `resume`
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws ShapeError if the shapes do not fit
 * @throws RangeError if a number is not finite or does not stay so, naming the place; or if an option is unknown
 * @example
 * ```ts
 * import { encoderFromSpline, interpolateCubic, restrictToLine, tensor } from "splineformer";
 * const model = encoderFromSpline(interpolateCubic([0, 1, 2], [0, 1, 0]));
 * const path = restrictToLine(model, tensor([[-1]]), tensor([[3]]));
 * path.breakpoints; // Float64Array.of(0, 0.25, 0.5, 0.75, 1)
 * path.pieces.map((piece) => piece.degree); // [1, 3, 3, 1]
 * ```
 */
export function restrictToLine<I extends string, C, P>(
  network: Network<I, C, P>,
  from: Given<I>,
  to: Given<I>,
  options?: LineOptions,
): Path;
export function restrictToLine(graph: Graph, from: Given<string>, to: Given<string>, options?: LineOptions): Path;
export function restrictToLine(
  source: Network | Graph,
  from: Given<string>,
  to: Given<string>,
  options: LineOptions = {},
): Path {
  return onAnyDevice(source as Network, from, to, withDevice(options, cpu64));
}

/**
 * The network along the polyline through some inputs: `restrictToPolyline` of `@splineformer/analysis`, on `cpu64` where no
 * device is named.
 *
 * @param points - at least two, each an input or inputs by name; point i of m + 1 is reached at t = i/m
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws ShapeError if the shapes do not fit
 * @throws RangeError if there are fewer than two points, a number is not finite or an option is unknown
 * @example
 * ```ts
 * import { encoderFromSpline, interpolateCubic, restrictToPolyline, tensor } from "splineformer";
 * const model = encoderFromSpline(interpolateCubic([0, 1, 2], [0, 1, 0]));
 * const path = restrictToPolyline(model, [tensor([[0.5]]), tensor([[1.5]]), tensor([[0.5]])]);
 * path.breakpoints; // Float64Array.of(0, 0.25, 0.5, 0.75, 1)
 * ```
 */
export function restrictToPolyline<I extends string, C, P>(
  network: Network<I, C, P>,
  points: readonly Given<I>[],
  options?: LineOptions,
): Path;
export function restrictToPolyline(graph: Graph, points: readonly Given<string>[], options?: LineOptions): Path;
export function restrictToPolyline(
  source: Network | Graph,
  points: readonly Given<string>[],
  options: LineOptions = {},
): Path {
  return readPolyline(source as Network, points, withDevice(options, cpu64));
}

/**
 * The network along a polynomial curve: `restrictToCurve` of `@splineformer/analysis`, on `cpu64` where no device is named.
 *
 * @param points - control points of a Bézier curve, or with `basis: "power"` coefficients of 1, t, t², …
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws ShapeError if the shapes do not fit
 * @throws RangeError if there are fewer than two points, a number is not finite or an option is unknown
 * @example
 * ```ts
 * import { encoderFromSpline, interpolateCubic, restrictToCurve, tensor } from "splineformer";
 * const model = encoderFromSpline(interpolateCubic([0, 1, 2], [0, 1, 0]));
 * // x(t) = 4t²: at 0, 1 and 2 for t = 0, 1/2 and √½
 * const path = restrictToCurve(model, [tensor([[0]]), tensor([[0]]), tensor([[4]])], { basis: "power" });
 * path.breakpoints[2] ** 2; // 0.5
 * ```
 */
export function restrictToCurve<I extends string, C, P>(
  network: Network<I, C, P>,
  points: readonly Given<I>[],
  options?: CurveOptions,
): Path;
export function restrictToCurve(graph: Graph, points: readonly Given<string>[], options?: CurveOptions): Path;
export function restrictToCurve(
  source: Network | Graph,
  points: readonly Given<string>[],
  options: CurveOptions = {},
): Path {
  return readCurve(source as Network, points, withDevice(options, cpu64));
}

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

/** Options with this device if none is named: `on: undefined` names none, and what is no record is refused by who gets it. */
function withDevice<O extends { readonly on?: unknown }>(options: O, device: NonNullable<O["on"]>): O {
  const named = typeof options !== "object" || options === null || options.on !== undefined;
  return named ? options : { ...options, on: device };
}
