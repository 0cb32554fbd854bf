/**
 * @file A continuous piecewise cubic by heads for what curves and hidden units for what bends.
 * Letters: K the number of intervals; on an interval, or on a few together, u runs from −1 to 1.
 */
import type { Bubble, ContinuousCubic } from "./continuous-cubic.ts";
import { bubbleHead, type Features, type Head, lineThrough, nearestGap, rooted, type Unit } from "./features.ts";
import { powerOfTwo, type Round } from "./frame.ts";

/** From this many intervals on, the rounding of float32 is worth a third more heads. */
const manyIntervals = 64;

/** One head spans several intervals only where the smallest is at least the whole over this: else it would tower over its values. */
const mostUneven = 16;

/**
 * K heads, one for each interval's bubble, and a broken line by K + 1 hidden units, one for each knot's change of slope.
 *
 * What no choice of weights helps against: a unit that acts from K/2 intervals away is a product of that size, and where
 * slopes alternate such products cancel, each with a rounding of its own; their sum is off by some K^1.5 units. So from
 * `manyIntervals` on the hidden units bend their line at every third knot only, and one more head over those three intervals
 * carries the two knots between. It is nothing elsewhere, and what is left from afar are a third of the units, each a third as
 * large. As many numbers, in all.
 */
export function blockFeatures(s: ContinuousCubic, round: Round): Features {
  const { knots, values } = s;
  const bends = knots.length - 1 < manyIntervals ? knots.map((_, i) => i) : bendsOf(knots);
  const bubbles = [...s.bubbles];
  const wide: Head[] = [];
  for (let b = 1; b < bends.length; b++) {
    const [from, to] = [bends[b - 1], bends[b]];
    if (to - from === 1) continue;
    const bubble = bubbleThrough(s, from, to);
    wide.push(bubbleHead(knots[from], knots[to], bubble, round));
    for (let i = from; i < to; i++) {
      const [p, q] = within(bubble, knots, from, to, i);
      bubbles[i] = [bubbles[i][0] - p, bubbles[i][1] - q];
    }
  }
  const own = bubbles.map((bubble, i) => bubbleHead(knots[i], knots[i + 1], bubble, round));
  const bent = { ...s, knots: bends.map((i) => knots[i]), values: bends.map((i) => values[i]) };
  return { heads: [...own, ...wide], ...brokenLine(bent, round) };
}

/** The knots where the hidden units bend their line: every third, or sooner where gaps are too uneven. */
function bendsOf(knots: readonly number[]): number[] {
  const last = knots.length - 1;
  const bends = [0];
  for (let from = 0; from < last; from = bends[bends.length - 1]) {
    let to = Math.min(from + 3, last);
    while (mostUneven * smallestGap(knots, from, to) < knots[to] - knots[from]) to--;
    bends.push(to);
  }
  return bends;
}

function smallestGap(knots: readonly number[], from: number, to: number): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = from; i < to; i++) smallest = Math.min(smallest, knots[i + 1] - knots[i]);
  return smallest;
}

/** u at a knot between two others, and 1 − u² there without its rounding. */
function placeOf(knots: readonly number[], from: number, to: number, i: number): [u: number, bulge: number] {
  const [left, right, whole] = [knots[i] - knots[from], knots[to] - knots[i], knots[to] - knots[from]];
  return [(left - right) / whole, (4 * left * right) / (whole * whole)];
}

/** The bubble over two or three intervals that, added to the chord, meets the values inside. */
function bubbleThrough({ knots, values }: ContinuousCubic, from: number, to: number): Bubble {
  const wanted = (i: number): [u: number, height: number] => {
    const [u, bulge] = placeOf(knots, from, to, i);
    return [u, (values[i] - ((1 - u) / 2) * values[from] - ((1 + u) / 2) * values[to]) / bulge];
  };
  const [u, a] = wanted(from + 1);
  if (to - from === 2) return [a, 0];
  const [v, b] = wanted(from + 2);
  const q = (b - a) / (v - u);
  return [a - q * u, q];
}

/** A bubble over several intervals within one of them, less its chord there: u = centre + ratio · (the interval's own u). */
function within([p, q]: Bubble, knots: readonly number[], from: number, to: number, i: number): Bubble {
  const ratio = (knots[i + 1] - knots[i]) / (knots[to] - knots[from]);
  const centre = (placeOf(knots, from, to, i)[0] + placeOf(knots, from, to, i + 1)[0]) / 2;
  return [ratio ** 2 * (p + 3 * q * centre), ratio ** 3 * q];
}

/**
 * A hidden unit for each knot's change of slope, around the line through the middle interval.
 *
 * Units right of the middle look right, the others left, so that on an interval only those between it and the middle act.
 * Each height is chosen after the ones before it were rounded, so that the broken line meets the next value whatever
 * rounding did so far: errors of the weights do not add up. Units are listed from the ends inwards, in which order their sum
 * loses least.
 */
function brokenLine(s: ContinuousCubic, round: Round): Pick<Features, "units" | "line"> {
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
  return { units: [...walk(middle, 0, -1), ...walk(middle + 1, last, 1)], line };
}
