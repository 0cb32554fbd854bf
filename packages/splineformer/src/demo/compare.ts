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
  const size = s.evaluate(s.breakpoints).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  let relative = 0;
  let absolute = 0;
  x.forEach((at, i) => {
    const difference = Math.abs(got[i] - expected[i]);
    // where everything is 0, no difference is 0 of it
    if (difference !== 0) relative = Math.max(relative, difference / Math.max(Math.abs(expected[i]), size));
    if (at >= first && at <= last) absolute = Math.max(absolute, difference);
  });
  return { dtype, points: x.length, relative, absolute };
}
