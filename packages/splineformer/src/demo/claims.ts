/** @file What the demo claims, and whether it holds on this data. A claim about a count says how many are otherwise: none may be. */
import { degreesInWords, smoothnessInWords } from "./format.ts";
import type { Claim, DemoReport } from "./report.ts";

/**
 * @param changed - how many of the loaded network's values differ in some bit from the compiled network's
 */
export function claimsOf(report: Omit<DemoReport, "claims">, changed: number): Claim[] {
  const { spline, runs, gpu, breakpoints, degrees, smoothing, undecided, distance, data } = report;
  const { knots } = spline;
  const found = new Set(breakpoints.map(({ knot }) => knot)).size;
  return [
    ...runs.map(({ dtype, points, relative }) =>
      atMost(`in ${dtype} the network is the spline at ${points} points`, relative, dtype === "float64" ? 1e-12 : 1e-4),
    ),
    ...("missing" in gpu
      ? []
      : [atMost(`on gpu.js the network is the spline at ${gpu.points} points`, gpu.relative, 1e-4)]),
    atMost("the loaded network is the compiled one, bit for bit", changed, 0),
    atMost("every knot is a breakpoint, and there is no other", knots.length - found + (breakpoints.length - found), 0),
    atMost(
      "every breakpoint is at its knot",
      largest(breakpoints.map(({ difference }) => difference)),
      tolerance(knots, data.unit),
    ),
    atMost(`every piece has its degree: ${degreesInWords(spline.degrees)}`, different(degrees, spline.degrees), 0),
    atMost(
      `every breakpoint has its smoothness, measured: ${smoothnessInWords(spline.smoothness)}`,
      different(
        breakpoints.map(({ smoothness }) => smoothness),
        spline.smoothness,
      ),
      0,
    ),
    atMost("no unit is undecided anywhere", undecided, 0),
    atMost("piece by piece, what was read is the spline on the whole line", distance, 1e-12),
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

/** In how many places two lists differ. */
const different = (a: readonly number[], b: readonly number[]): number =>
  a.filter((value, i) => value !== b[i]).length + Math.max(b.length - a.length, 0);

/**
 * How far a breakpoint may be from its knot: 1e-10 years, or 1e-10 of the mean distance of knots; never less than 64 units in the
 * last place of the largest |x|, below which x itself is not known.
 */
function tolerance(knots: readonly number[], unit: "year" | "number"): number {
  const [first, last] = [knots[0], knots[knots.length - 1]];
  const scale = unit === "year" ? 1 : (last - first) / (knots.length - 1);
  return Math.max(1e-10 * scale, 64 * Number.EPSILON * Math.max(Math.abs(first), Math.abs(last)));
}
