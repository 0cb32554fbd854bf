/** @file The curve read from the weights: the knots serve for the comparison alone, the reading does not see them. */
import { type Path, restrictToLine } from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import { PiecewisePolynomial } from "@splineformer/spline";
import { type Network, tensor } from "@splineformer/tensor";
import type { DemoReport, FoundBreakpoint } from "./report.ts";

export interface Found
  extends Pick<DemoReport, "breakpoints" | "degrees" | "tellable" | "undecided" | "noise" | "distance"> {
  /** The network on the line, t from 0 to 1. */
  readonly curve: PiecewisePolynomial;
}

/** How long the reading goes on before signals and the progress display have their turn, in milliseconds. */
const turn = 200;

/**
 * Restricts the network to the line and puts every breakpoint next to the nearest knot.
 *
 * @param s - the spline that the network should be; its breakpoints are the knots
 * @param pause - awaited every 200 ms or so
 */
export async function readBack(
  network: Network<"x">,
  s: PiecewisePolynomial,
  { from, to }: DemoReport["line"],
  pause: () => Promise<void>,
): Promise<Found> {
  const at = (x: number) => tensor([[x]], { dtype: "float64" });
  const read = (resume?: Path): Path =>
    restrictToLine(network, at(from), at(to), { on: cpu64, budgetMs: turn, ...(resume && { resume }) });
  let path = read();
  while (path.end < 1) {
    await pause();
    path = read(path);
  }
  const knots = Array.from(s.breakpoints);
  const curve = path.coordinate(0, 0);
  const smoothness = curve.smoothness();
  const degrees = path.pieces.map((piece) => piece.degree);
  const inside = Array.from(path.breakpoints).slice(1, -1);
  const breakpoints = inside.map((t, i): FoundBreakpoint => {
    const found = from + t * (to - from);
    const knot = nearest(knots, found);
    const causes = path.causes[i + 1];
    return {
      knot: knot + 1,
      expected: knots[knot],
      found,
      difference: Math.abs(found - knots[knot]),
      heads: causes.flatMap((cause) => (cause.op === "weigh" ? [cause.head + 1] : [])),
      units: causes.flatMap((cause) => (cause.op === "activate" ? [cause.unit + 1] : [])),
      degrees: [degrees[i], degrees[i + 1]],
      smoothness: smoothness[i],
    };
  });
  return {
    curve,
    breakpoints,
    degrees,
    tellable: tellable(s, { from, to }, path),
    undecided: path.flat.length,
    noise: path.noise,
    distance: distanceOf(curve, s, { from, to }),
  };
}

/** The degrees and smoothness of s on the line beside twice the noise of the path's pieces. */
function tellable(s: PiecewisePolynomial, { from, to }: DemoReport["line"], path: Path): Found["tellable"] {
  const exact = s.restrict(from, to);
  const { breakpoints, degree, values, chebyshevCoefficients } = exact;
  // where the pieces are others, another claim fails
  const noise = path.pieces.map((piece) => 2 * piece.noise[0]).slice(0, breakpoints.length - 1);
  while (noise.length < breakpoints.length - 1) noise.push(0);
  return {
    degrees: noise.map((e, i) =>
      Math.max(
        0,
        // as a path counts: coefficients beyond four times the noise
        chebyshevCoefficients
          .subarray(i * (degree + 1), (i + 1) * (degree + 1))
          .findLastIndex((c) => Math.abs(c) > 4 * e),
      ),
    ),
    smoothness: new PiecewisePolynomial(breakpoints, values, { noise }).smoothness(),
  };
}

/**
 * The largest that |curve − s| can be anywhere on the line, over the spline's largest value at a knot or the line's ends.
 *
 * On a piece both are polynomials of the curve's degree n at most, and so is their difference: n + 1 values at Chebyshev
 * nodes determine it, and nowhere is it more than 1 + (2/π) log(n + 1) times the largest of them (the nodes' Lebesgue constant).
 */
function distanceOf(curve: PiecewisePolynomial, s: PiecewisePolynomial, { from, to }: DemoReport["line"]): number {
  const { breakpoints, degree, values } = curve;
  const lebesgue = 1 + (2 / Math.PI) * Math.log(degree + 1);
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const piece = Math.floor(i / (degree + 1));
    const u = (1 - Math.cos((Math.PI * (i % (degree + 1))) / degree)) / 2;
    const t = breakpoints[piece] + u * (breakpoints[piece + 1] - breakpoints[piece]);
    const difference = Math.abs(values[i] - s.evaluate(from + t * (to - from)));
    // NaN stays
    if (!(difference <= largest)) largest = difference;
  }
  const size = Math.max(
    ...Array.from(s.breakpoints, (x) => Math.abs(s.evaluate(x))),
    ...[from, to].map((x) => Math.abs(s.evaluate(x))),
  );
  return largest === 0 ? 0 : (lebesgue * largest) / size;
}

function nearest(knots: readonly number[], x: number): number {
  return knots.reduce((best, knot, i) => (Math.abs(knot - x) < Math.abs(knots[best] - x) ? i : best), 0);
}
