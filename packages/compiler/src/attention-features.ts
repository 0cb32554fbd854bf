/** @file A continuous piecewise cubic by heads alone, none of which acts outside two neighbouring intervals. */
import type { ContinuousCubic } from "./continuous-cubic.ts";
import { bubbleHead, type Features, type Head, lineThrough, nearestGap, one, rooted } from "./features.ts";
import { powerOfTwo, type Round } from "./frame.ts";

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
