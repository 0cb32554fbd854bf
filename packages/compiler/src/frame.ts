/**
 * @file The coordinate in which a spline is compiled: z = (x − centre)/scale, chosen so that the map itself rounds nothing.
 * Letters: x the spline's own variable.
 */

/** How numbers are stored: `Math.fround` for float32, or as they are. */
export type Round = (x: number) => number;

export interface Frame {
  readonly centre: number;
  /** A power of two, so that dividing by it is exact. */
  readonly scale: number;
}

/**
 * The frame of some knots: z in units of the mean gap, and centred where that is free.
 *
 * Where all knots lie within a factor of two, x − centre is exact for every float x among them (Sterbenz), and an offset
 * such as the years 1958 … 2020 costs nothing: what is lost is what x itself lost when it was rounded. Elsewhere zero is
 * among the knots or near them, floats are finest there, and subtracting a centre would round that away: the centre is 0.
 * The centre is a float32 number, so that the frame is the same wherever the network runs.
 */
export function frameOf(knots: readonly number[]): Frame {
  const [from, to] = [knots[0], knots[knots.length - 1]];
  const within = from > 0 ? to <= 2 * from : to < 0 && from >= 2 * to;
  return {
    centre: within ? Math.fround(from + (to - from) / 2) : 0,
    scale: powerOfTwo((to - from) / (knots.length - 1)),
  };
}

/** The power of two next to x > 0, by ratio: multiplying by it rounds nothing. */
export const powerOfTwo = (x: number): number => 2 ** Math.round(Math.log2(x));
