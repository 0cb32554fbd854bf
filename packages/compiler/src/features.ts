/**
 * @file A continuous piecewise cubic as what a transformer is made of, as plain data: heads, hidden units and a line.
 * No tensors here, and no layout.
 *
 * A head of width 1 on one token is `height · ReLU(query(z) · key(z)) · value(z)`, three affine functions: a cubic given by
 * its roots, cut to the interval between two of them. A hidden unit is `height · ReLU(input(z))`.
 *
 * Roots are kept exact and everything is local where it can be, because that is what rounding leaves alone: every affine
 * function of a head is a power of two times (z − root), so near its root it is as exact as z.
 */
import type { Bubble, ContinuousCubic } from "./continuous-cubic.ts";
import { type Frame, powerOfTwo, type Round } from "./frame.ts";

/** slope · z + constant. */
export interface Affine {
  readonly slope: number;
  readonly constant: number;
}

/** height · ReLU(query · key) · value. */
export interface Head {
  readonly query: Affine;
  readonly key: Affine;
  readonly value: Affine;
  readonly height: number;
}

/** height · ReLU(input). */
export interface Unit {
  readonly input: Affine;
  readonly height: number;
}

/** The sum of all of these is the spline. */
export interface Features {
  readonly heads: readonly Head[];
  readonly units: readonly Unit[];
  readonly line: Affine;
}

export const one: Affine = { slope: 0, constant: 1 };

/** slope · (z − root). */
export const rooted = (slope: number, root: number): Affine => ({ slope, constant: -slope * root });

/** The spline in the frame's coordinate, its knots rounded to what a weight can hold. */
export function inFrame({ knots, tails, ...rest }: ContinuousCubic, frame: Frame, round: Round): ContinuousCubic {
  const { centre, scale } = frame;
  return {
    ...rest,
    knots: knots.map((k) => round((k - centre) / scale)),
    tails: [tails[0] * scale, tails[1] * scale],
  };
}

/** `(1 − u²)(p + q·u)` between two knots, and nothing outside: the product of three affine functions by their roots. */
export function bubbleHead(from: number, to: number, [p, q]: Bubble, round: Round): Head {
  const radius = (to - from) / 2;
  const slope = powerOfTwo(1 / radius);
  const query = rooted(slope, from);
  const key = rooted(-slope, to);
  // (slope · radius)² (1 − u²) = query · key
  const squared = (slope * radius) ** 2;
  // where q is this small the third root is beyond what a float tells from infinity
  if (!(Math.abs(q) > Math.abs(p) * 2 ** -60)) return { query, key, value: one, height: round(p / squared) };
  const root = round(from + (1 - p / q) * radius);
  const value = rooted(powerOfTwo(1 / (radius * (1 + Math.abs(p / q)))), root);
  return { query, key, value, height: round(q / (radius * value.slope * squared)) };
}

/** The line through two of the points, rounded. */
export function lineThrough({ knots, values }: ContinuousCubic, i: number, j: number, round: Round): Affine {
  const slope = round((values[j] - values[i]) / (knots[j] - knots[i]));
  return { slope, constant: round(values[i] - slope * knots[i]) };
}

/** The distance of a knot from the nearer of its neighbours. */
export function nearestGap(knots: readonly number[], i: number): number {
  const left = i > 0 ? knots[i] - knots[i - 1] : Number.POSITIVE_INFINITY;
  const right = i < knots.length - 1 ? knots[i + 1] - knots[i] : Number.POSITIVE_INFINITY;
  return Math.min(left, right);
}
