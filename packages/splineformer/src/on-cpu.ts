/** @file `forward` and `restrictToLine` with a fast device where none is named: `cpu` and `cpu64`. */
import { type LineOptions, restrictToLine as onAnyDevice, type Path } from "@splineformer/analysis";
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
  // what is no record of options is refused below, and `on: undefined` is no device named
  const named = typeof options !== "object" || options === null || options.on !== undefined;
  return onAnyDevice(source as Network, from, to, named ? options : { ...options, on: cpu64 });
}
