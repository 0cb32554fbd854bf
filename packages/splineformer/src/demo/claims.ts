/** @file What the demo claims, and whether it holds on this data. A claim about a count says how many are otherwise: none may be. */
import { degreesInWords, smoothnessInWords } from "./format.ts";
import type { Claim, DemoReport, Run } from "./report.ts";

/**
 * @param changed - how many of the loaded network's values differ in some bit from the compiled network's
 */
export function claimsOf(report: Omit<DemoReport, "claims">, changed: number): Claim[] {
  const { spline, runs, gpu, breakpoints, degrees, smoothing, undecided, distance, noise, tellable, data } = report;
  const { knots, size, steepness } = spline;
  const found = new Set(breakpoints.map(({ knot }) => knot)).size;
  return [
    ...runs.map(({ dtype, points, relative }) =>
      atMost(`in ${dtype} the network is the spline at ${points} points`, relative, promised(dtype, steepness)),
    ),
    ...("missing" in gpu
      ? []
      : [
          atMost(
            `on gpu.js the network is the spline at ${gpu.points} points`,
            gpu.relative,
            promised("float32", steepness),
          ),
        ]),
    atMost("the loaded network is the compiled one, bit for bit", changed, 0),
    atMost("every knot is a breakpoint, and there is no other", knots.length - found + (breakpoints.length - found), 0),
    atMost(
      "every breakpoint is at its knot",
      largest(breakpoints.map(({ difference }) => difference)),
      tolerance(knots, data.unit),
    ),
    told(`every piece has its degree: ${degreesInWords(spline.degrees)}`, degrees, spline.degrees, tellable.degrees),
    told(
      `every breakpoint has its smoothness, measured: ${smoothnessInWords(spline.smoothness)}`,
      breakpoints.map(({ smoothness }) => smoothness),
      spline.smoothness,
      tellable.smoothness,
    ),
    atMost("no unit is undecided anywhere", undecided, 0),
    atMost(
      "piece by piece, what was read is the spline on the whole line",
      distance,
      // of data that leap, reading tells itself what rounding left
      Math.max(1e-12, size > 0 ? noise / size : 0),
    ),
    atMost("smoothing stays within its bound at every point tried", largest(smoothing.map(({ ratio }) => ratio)), 1),
  ];
}

// NaN is never at most anything, so it fails
const atMost = (claim: string, measured: number, allowed: number): Claim => ({
  claim,
  measured,
  allowed,
  holds: measured <= allowed,
});

const largest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);

/**
 * What the compiler promises, u the unit roundoff: 1e-12 and 1e-4, or u (8 + 4 · steepness) where values leap so that a rounding of x
 * moves the spline by more.
 */
function promised(dtype: Run["dtype"], steepness: number): number {
  const [usual, u] = dtype === "float64" ? [1e-12, 2 ** -53] : [1e-4, 2 ** -24];
  return Math.max(usual, u * (8 + 4 * steepness));
}

/**
 * That what was found is what is expected, or between that and what can be told of it beside the noise of the reading. The claim
 * says how often it can't be told.
 */
function told(
  claim: string,
  found: readonly number[],
  expected: readonly number[],
  tellable: readonly number[],
): Claim {
  const between = (value: number, i: number): boolean =>
    value >= Math.min(expected[i], tellable[i]) && value <= Math.max(expected[i], tellable[i]);
  const otherwise = found.filter((value, i) => !between(value, i)).length + Math.abs(expected.length - found.length);
  const hidden = found.filter((value, i) => value !== expected[i] && between(value, i)).length;
  return atMost(
    `${claim}${hidden > 0 ? `; ${hidden} of ${found.length} too small beside rounding to tell` : ""}`,
    otherwise,
    0,
  );
}

/**
 * How far a breakpoint may be from its knot: 1e-10 years, or 1e-10 of the mean distance of knots; never less than 64 units in the
 * last place of the largest |x|, below which x itself is not known.
 */
function tolerance(knots: readonly number[], unit: "year" | "number"): number {
  const [first, last] = [knots[0], knots[knots.length - 1]];
  const scale = unit === "year" ? 1 : (last - first) / (knots.length - 1);
  return Math.max(1e-10 * scale, 64 * Number.EPSILON * Math.max(Math.abs(first), Math.abs(last)));
}
