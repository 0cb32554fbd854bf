/** @file The curve read from the weights: the knots serve for the comparison alone, the reading does not see them. */
import { restrictToLine } from "@splineformer/analysis";
import type { PiecewisePolynomial } from "@splineformer/spline";
import { type Network, tensor } from "@splineformer/tensor";
import type { DemoReport, FoundBreakpoint } from "./report.ts";

export interface Found extends Pick<DemoReport, "breakpoints" | "degrees" | "undecided" | "noise"> {
  /** The network on the line, t from 0 to 1. */
  readonly curve: PiecewisePolynomial;
}

/** Restricts the network to the line and puts every breakpoint next to the nearest knot. */
export function readBack(network: Network<"x">, knots: readonly number[], { from, to }: DemoReport["line"]): Found {
  const at = (x: number) => tensor([[x]], { dtype: "float64" });
  const path = restrictToLine(network, at(from), at(to));
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
  return { curve, breakpoints, degrees, undecided: path.flat.length, noise: path.noise };
}

function nearest(knots: readonly number[], x: number): number {
  return knots.reduce((best, knot, i) => (Math.abs(knot - x) < Math.abs(knots[best] - x) ? i : best), 0);
}
