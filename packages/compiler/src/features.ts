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

const one: Affine = { slope: 0, constant: 1 };

/** slope · (z − root). */
const rooted = (slope: number, root: number): Affine => ({ slope, constant: -slope * root });

/** The spline in the frame's coordinate, its knots rounded to what a weight can hold. */
export function inFrame({ knots, tails, ...rest }: ContinuousCubic, frame: Frame, round: Round): ContinuousCubic {
  const { centre, scale } = frame;
  return {
    ...rest,
    knots: knots.map((k) => round((k - centre) / scale)),
    tails: [tails[0] * scale, tails[1] * scale],
  };
}

/**
 * K heads, one for each interval's bubble, and K + 1 hidden units, one for each knot's change of slope, around the line
 * through the middle interval's chord.
 *
 * Units right of the middle look right, the others left, so that on an interval only those between it and the middle act.
 * Each height is chosen after the ones before it were rounded, so that the broken line meets the next value whatever
 * rounding did so far: errors of the weights do not add up. Units are listed from the ends inwards, in which order their sum
 * loses least.
 */
export function blockFeatures(s: ContinuousCubic, round: Round): Features {
  const { knots, values, tails } = s;
  const last = knots.length - 1;
  const middle = (last - 1) >> 1;
  const line = lineThrough(s, middle, middle + 1, round);
  const walk = (from: number, to: number, step: 1 | -1): Unit[] => {
    const units: Unit[] = [];
    let slope = line.slope;
    let value = line.slope * knots[from] + line.constant;
    for (let i = from; ; i += step) {
      const next = i === to ? undefined : i + step;
      const wanted = next === undefined ? tails[step > 0 ? 1 : 0] : (values[next] - value) / (knots[next] - knots[i]);
      const input = rooted(step * powerOfTwo(1 / nearestGap(knots, i)), knots[i]);
      const height = round((wanted - slope) / input.slope);
      units.unshift({ input, height });
      slope += height * input.slope;
      if (next === undefined) return units;
      value += slope * (knots[next] - knots[i]);
    }
  };
  return {
    heads: s.bubbles.map((bubble, i) => bubbleHead(knots[i], knots[i + 1], bubble, round)),
    units: [...walk(middle, 0, -1), ...walk(middle + 1, last, 1)],
    line,
  };
}

/**
 * 2K + 1 heads and no hidden unit, around the line through the first and the last point.
 *
 * For each inner knot a quadratic from the knot before to the knot after carries the value there; what then is missing on
 * an interval vanishes at both ends, a bubble; two heads bend the line into the tails. Nothing acts outside its interval, so
 * nothing large has to cancel.
 */
export function attentionFeatures(s: ContinuousCubic, round: Round): Features {
  const { knots, values, bubbles, tails } = s;
  const last = knots.length - 1;
  const line = lineThrough(s, 0, last, round);
  const above = values.map((y, i) => (i % last === 0 ? 0 : y - (line.slope * knots[i] + line.constant)));
  const gap = (i: number): number => knots[i + 1] - knots[i];
  const heads: Head[] = bubbles.map(([p, q], i) => {
    // a quadratic exceeds its chord on the interval beside its knot by value/(gap there) · gap/4 · (1 − u²)
    const left = i > 0 ? above[i] / gap(i - 1) : 0;
    const right = i < last - 1 ? above[i + 1] / gap(i + 1) : 0;
    return bubbleHead(knots[i], knots[i + 1], [p - (gap(i) / 4) * (left + right), q], round);
  });
  for (let i = 1; i < last; i++) {
    const slope = powerOfTwo(2 / (knots[i + 1] - knots[i - 1]));
    heads.push({
      query: rooted(slope, knots[i - 1]),
      key: rooted(-slope, knots[i + 1]),
      value: one,
      height: round(above[i] / (slope * gap(i - 1) * (slope * gap(i)))),
    });
  }
  for (const [knot, outward, tail] of [
    [0, -1, tails[0]],
    [last, 1, tails[1]],
  ] as const) {
    const query = rooted(outward * powerOfTwo(1 / nearestGap(knots, knot)), knots[knot]);
    heads.push({ query, key: one, value: one, height: round((tail - line.slope) / query.slope) });
  }
  return { heads, units: [], line };
}

/** `(1 − u²)(p + q·u)` between two knots, and nothing outside: the product of three affine functions by their roots. */
function bubbleHead(from: number, to: number, [p, q]: Bubble, round: Round): Head {
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
function lineThrough({ knots, values }: ContinuousCubic, i: number, j: number, round: Round): Affine {
  const slope = round((values[j] - values[i]) / (knots[j] - knots[i]));
  return { slope, constant: round(values[i] - slope * knots[i]) };
}

function nearestGap(knots: readonly number[], i: number): number {
  const left = i > 0 ? knots[i] - knots[i - 1] : Number.POSITIVE_INFINITY;
  const right = i < knots.length - 1 ? knots[i + 1] - knots[i] : Number.POSITIVE_INFINITY;
  return Math.min(left, right);
}
