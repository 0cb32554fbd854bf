/**
 * @file Which cuts are one. Several units may switch at the same place, each of them known only to its own rounding: the
 * pieces between them would be slivers of noise.
 */
import type { Cut } from "./sign-changes.ts";

/**
 * Cuts in order; those that rounding can't tell apart are one, at the surest of them, and none is left that could be an end.
 *
 * @param cuts - in any order
 * @param start - the interval's left end, which was a cut itself
 * @param end - its right end
 */
export function mergeCuts(cuts: readonly Cut[], start: Cut, end: Cut): Cut[] {
  const merged: Cut[] = [];
  let group = start;
  let reach = start.at + start.radius;
  for (const cut of [...cuts].sort((p, q) => p.at - q.at)) {
    if (cut.at - cut.radius <= reach + tiny) {
      // the start stays where it is, whatever falls on it
      if (group !== start && cut.radius < group.radius) group = cut;
      reach = Math.max(reach, cut.at + cut.radius);
    } else {
      if (group !== start) merged.push(group);
      group = cut;
      reach = cut.at + cut.radius;
    }
  }
  if (group !== start && reach + tiny < end.at - end.radius) merged.push(group);
  return merged;
}

/** A few units in the last place of a number near 1. */
const tiny = 2 ** -50;
