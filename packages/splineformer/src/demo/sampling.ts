/** @file Where two functions on ℝ are compared: densely in every piece, and at distances of 1 to 10¹² beyond the ends. */

/** How many points a piece gets: 65 on the demo's 25 pieces, fewer where there are many pieces, but more than a cubic has numbers. */
export const pointsPerPiece = (pieces: number, most: number): number =>
  Math.max(9, Math.min(most, Math.floor(2048 / pieces)));

/**
 * @param knots - increasing
 * @param from - left of the first knot
 * @param to - right of the last
 * @param perPiece - points in each piece, both ends among them
 */
export function pointsOfPieces(knots: readonly number[], from: number, to: number, perPiece: number): Float64Array {
  const ends = [from, ...knots, to];
  const points: number[] = [from];
  for (let i = 1; i < ends.length; i++)
    for (let k = 1; k < perPiece; k++)
      points.push(k === perPiece - 1 ? ends[i] : ends[i - 1] + (k / (perPiece - 1)) * (ends[i] - ends[i - 1]));
  return Float64Array.from(points);
}

/** first − 10ᵏ and last + 10ᵏ for k = 0 … 12. */
export function pointsFarOutside(first: number, last: number): Float64Array {
  const distances = Array.from({ length: 13 }, (_, k) => 10 ** k);
  return Float64Array.from(distances.flatMap((distance) => [first - distance, last + distance]));
}
