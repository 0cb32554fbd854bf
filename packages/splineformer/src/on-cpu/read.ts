/** @file Networks read on lines, on curves and in planes, on `cpu64` where no device is named. */
import {
  type CurveOptions,
  type LineOptions,
  restrictToLine as onAnyDevice,
  type Path,
  restrictToCurve as readCurve,
  slice as readPlane,
  restrictToPolyline as readPolyline,
  type Slice,
  type SliceOptions,
} from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import type { Given, Graph, Network } from "@splineformer/tensor";
import { withDevice } from "./with-device.ts";

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
 * The network in the plane origin + a·u + b·v, cut into cells: `slice` of `@splineformer/analysis`, on `cpu64` where no device
 * is named.
 *
 * @param options - `origin`, `u`, `v`, and `window`, `rows`, `row`, `method`, `on`, `signal`, `onProgress`, `onRefined`
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws ShapeError if the shapes do not fit
 * @throws RangeError if u and v do not span a plane, a number is not finite, or an option is unknown
 * @example
 * ```ts
 * import { createEncoder, random, slice } from "splineformer";
 * const model = createEncoder({ layers: 1, width: 4, heads: 2, hidden: 5, seed: 7 });
 * const numbers = random(1);
 * const [origin, u, v] = [numbers.normal([3, 4]), numbers.normal([3, 4]), numbers.normal([3, 4])];
 * const { degree, scanlines } = slice(model, { origin, u, v, rows: 8 });
 * [degree, scanlines.length]; // [3, 8]
 * ```
 */
export function slice<I extends string, C, P>(network: Network<I, C, P>, options: SliceOptions): Slice;
export function slice(graph: Graph, options: SliceOptions): Slice;
export function slice(source: Network | Graph, options: SliceOptions): Slice {
  return readPlane(source as Network, withDevice(options, cpu64));
}
