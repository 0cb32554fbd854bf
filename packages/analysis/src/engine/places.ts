/**
 * @file Places in an interval: as u in [−1, 1], and as numbers between its ends.
 */

/** The place in [from, to] at u in [−1, 1]; exactly its ends at ±1. */
export const placeIn = (from: number, to: number, u: number): number =>
  u === -1 ? from : u === 1 ? to : from + 0.5 * (u + 1) * (to - from);

/** Where a place is in [from, to], as u in [−1, 1]; what is beyond the ends by rounding is at them. */
export const placeOf = (at: number, from: number, to: number): number =>
  at <= from ? -1 : at >= to ? 1 : (at - from - (to - at)) / (to - from);

/** Two of the spacings of numbers just below 1: how finely a place on the line is stored. */
export const spacing = 2 ** -52;
