/**
 * @file What can be compiled, checked and as plain data: a continuous piecewise cubic on all of ℝ with linear tails.
 * Letters: x₀ < … < x_K the knots; on an interval u runs from −1 to 1.
 */
import type { PiecewisePolynomial } from "@splineformer/spline";
import { required, show, UnsupportedError } from "@splineformer/tensor";

/**
 * A continuous piecewise cubic as a broken line and one bubble for each interval:
 * `chord + (1 − u²)(p + q·u)`, since a cubic minus its chord vanishes at both ends.
 */
export interface ContinuousCubic {
  readonly knots: readonly number[];
  readonly values: readonly number[];
  /** For each interval p and q. */
  readonly bubbles: readonly Bubble[];
  /** The slopes left of the first knot and right of the last. */
  readonly tails: readonly [left: number, right: number];
}

export type Bubble = readonly [p: number, q: number];

/**
 * The spline as knots, values, bubbles and tails.
 *
 * @throws UnsupportedError if s is of a higher degree, not continuous (naming the knot and the jump), or its tails are not linear
 * @throws RangeError if s is no piecewise polynomial, has fewer than two knots, or a number is not finite
 */
export function readCubic(where: string, s: PiecewisePolynomial): ContinuousCubic {
  checkSpline(where, s);
  const tails = linearTails(where, s);
  checkContinuity(where, s, tails);
  const { degree, values: nodes, chebyshevCoefficients: c } = s;
  const knots = Array.from(s.breakpoints);
  const first = (i: number): number => i * (degree + 1);
  const values = knots.map((_, i) => (i < knots.length - 1 ? nodes[first(i)] : nodes[nodes.length - 1]));
  // T₂ and T₃ minus their chords are −2(1 − u²) and −4u(1 − u²)
  const bubbles = knots
    .slice(1)
    .map((_, i): Bubble => [degree > 1 ? -2 * c[first(i) + 2] : 0, degree > 2 ? -4 * c[first(i) + 3] : 0]);
  return { knots, values, bubbles, tails: [tails.left[1] ?? 0, tails.right[1] ?? 0] };
}

function checkSpline(where: string, s: PiecewisePolynomial): void {
  const parts = [s?.breakpoints, s?.values, s?.chebyshevCoefficients];
  if (!parts.every((part) => part instanceof Float64Array) || typeof s.smoothness !== "function")
    throw new RangeError(`${where}: expected a PiecewisePolynomial of @splineformer/spline, got ${show(s)}`);
  required(s.breakpoints.length >= 2, where, "at least 2 knots", s.breakpoints.length);
  for (const [name, numbers] of Object.entries({ knots: s.breakpoints, values: s.values })) {
    const bad = numbers.find((v) => !Number.isFinite(v));
    if (bad !== undefined) required(false, where, `finite ${name}`, bad);
  }
  if (s.degree > 3) throw new UnsupportedError(`${where}: expected pieces of degree ≤ 3, got degree ${s.degree}`);
}

type Tails = NonNullable<PiecewisePolynomial["tails"]>;

function linearTails(where: string, s: PiecewisePolynomial): Tails {
  const { tails } = s;
  if (tails === undefined)
    throw new UnsupportedError(`${where}: expected linear tails, got extrapolation ${show(s.extrapolation)}`);
  for (const side of ["left", "right"] as const) {
    const coefficients = tails[side];
    const bad = coefficients.find((v) => !Number.isFinite(v));
    if (bad !== undefined) required(false, where, `a finite ${side} tail`, bad);
    const degree = coefficients.findLastIndex((v) => v !== 0);
    if (degree > 1)
      throw new UnsupportedError(`${where}: expected linear tails, got a ${side} tail of degree ${degree}`);
  }
  return tails;
}

function checkContinuity(where: string, s: PiecewisePolynomial, tails: Tails): void {
  const broken = s.smoothness({ at: "all" }).indexOf(-1);
  if (broken < 0) return;
  const { breakpoints, values, degree } = s;
  const before = broken === 0 ? (tails.left[0] ?? 0) : values[broken * (degree + 1) - 1];
  const after = broken === breakpoints.length - 1 ? (tails.right[0] ?? 0) : values[broken * (degree + 1)];
  throw new UnsupportedError(
    `${where}: expected a continuous spline, got a jump of ${after - before} at knot ${broken}, x = ${breakpoints[broken]}`,
  );
}
