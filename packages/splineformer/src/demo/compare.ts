/** @file The network next to the spline, at many points, near and far. */
import { cpu64 } from "@splineformer/cpu";
import type { PiecewisePolynomial } from "@splineformer/spline";
import { forward, type Network, reference32, type SynchronousDevice, tensor } from "@splineformer/tensor";
import type { DemoReport, Run } from "./report.ts";
import { pointsFarOutside, pointsOfPieces, pointsPerPiece } from "./sampling.ts";

/** The network's value at every point; each point is a batch member with one token. */
export function outputs(network: Network<"x">, x: Float64Array, on: SynchronousDevice = cpu64): Float64Array {
  return Float64Array.from(on.read(forward(network, tensor(x, [x.length, 1, 1]), { on })).data);
}

/**
 * How large the spline is between its first and last knot, and how steep it or a tail is at most: what a relative difference is
 * relative to. Beyond the ends that is the size and the way times the slope, for there large numbers cancel in a flat tail.
 */
export function extentOf(s: PiecewisePolynomial): { readonly size: number; readonly slope: number } {
  const largest = (values: Iterable<number>): number => Math.max(...Array.from(values, Math.abs));
  const tails = [s.tails?.left[1] ?? 0, s.tails?.right[1] ?? 0];
  return { size: largest(s.values), slope: Math.max(largest(s.derivative().values), largest(tails)) };
}

/**
 * Runs the network in float64 or in float32, where every operation is rounded, and finds the largest difference from s.
 *
 * In float32 the points are rounded first, so that the difference is the network's and not the grid's.
 */
export async function compare(
  network: Network<"x">,
  s: PiecewisePolynomial,
  { from, to }: DemoReport["line"],
  dtype: Run["dtype"],
  evaluate: (x: Float64Array) => Float64Array | Promise<Float64Array> = (x) =>
    outputs(network, x, dtype === "float32" ? reference32 : cpu64),
): Promise<Run> {
  const knots = Array.from(s.breakpoints);
  const [first, last] = [knots[0], knots[knots.length - 1]];
  const near = pointsOfPieces(knots, from, to, pointsPerPiece(knots.length + 1, 65));
  const points = Float64Array.of(...near, ...pointsFarOutside(first, last));
  const x = dtype === "float32" ? points.map(Math.fround) : points;
  const expected = s.evaluate(x);
  const got = await evaluate(x);
  const { size, slope } = extentOf(s);
  let relative = 0;
  let absolute = 0;
  x.forEach((at, i) => {
    const difference = Math.abs(got[i] - expected[i]);
    const scale = size + slope * Math.max(first - at, at - last, 0);
    // where everything is 0, no difference is 0 of it
    if (difference !== 0) relative = Math.max(relative, difference / scale);
    if (at >= first && at <= last) absolute = Math.max(absolute, difference);
  });
  return { dtype, points: x.length, relative, absolute };
}
