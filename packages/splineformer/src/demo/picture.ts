/** @file What the page draws, as numbers: the curve as it was read from the weights, and what its two layers contribute. */
import type { PiecewisePolynomial } from "@splineformer/spline";
import { type Network, parametersOf, withParameters, zeros } from "@splineformer/tensor";
import type { Series } from "../series.ts";
import { outputs } from "./compare.ts";
import type { DemoReport } from "./report.ts";
import type { Smoothed } from "./smoothings.ts";

/** A curve sampled on an interval. */
export interface Sampled {
  readonly x: Float64Array;
  readonly values: Float64Array;
}

export interface Picture {
  readonly report: DemoReport;
  readonly series: Series;
  /** The curve between neighbouring breakpoints, the two tails first and last. */
  readonly pieces: readonly (Sampled & { readonly isTail: boolean })[];
  /** What attention adds on each piece but the tails: the network less the same network without attention. */
  readonly bends: readonly Sampled[];
  readonly smoothed: readonly Smoothed[];
}

/** Points drawn on each piece, between two: fewer where a piece is a few pixels wide. */
const resolutionOf = (pieces: number): number => Math.max(6, Math.min(24, Math.floor(1200 / pieces)));

/**
 * @param curve - as read from the weights, on t ∈ [0, 1] along the report's line
 */
export function pictureOf(
  report: DemoReport,
  series: Series,
  network: Network<"x">,
  curve: PiecewisePolynomial,
  smoothed: readonly Smoothed[],
): Picture {
  const { from, to } = report.line;
  const { breakpoints } = curve;
  const chords = withoutAttention(network);
  const resolution = resolutionOf(breakpoints.length - 1);
  const intervals = Array.from({ length: breakpoints.length - 1 }, (_, i) =>
    Float64Array.from(
      { length: resolution + 1 },
      (_, k) => breakpoints[i] + (k / resolution) * (breakpoints[i + 1] - breakpoints[i]),
    ),
  );
  const places = intervals.map((t) => t.map((value) => from + value * (to - from)));
  const inner = Float64Array.from(places.slice(1, -1).flatMap((x) => Array.from(x)));
  const below = outputs(chords, inner);
  const bends = outputs(network, inner).map((value, k) => value - below[k]);
  return {
    report,
    series,
    pieces: intervals.map((t, i) => ({
      x: places[i],
      // the last point of an interval may be rounded past 1
      values: curve.evaluate(
        t.map((value) => Math.min(value, 1)),
        { side: "left" },
      ),
      isTail: i === 0 || i === intervals.length - 1,
    })),
    bends: places.slice(1, -1).map((x, i) => ({
      x,
      values: bends.subarray(i * (resolution + 1), (i + 1) * (resolution + 1)),
    })),
    smoothed,
  };
}

/** The network with the output of its attention set to zero. */
function withoutAttention(network: Network<"x">): Network<"x"> {
  const silenced = Object.entries(parametersOf(network)).filter(([name]) => name.includes(".attention.output."));
  return withParameters(
    network,
    Object.fromEntries(silenced.map(([name, { shape }]) => [name, zeros(shape, { dtype: "float64" })])),
  );
}
