/**
 * @file α-entmax, the family from softmax (α = 1) to sparsemax (α = 2): weights that are exactly 0 for low scores, yet
 * smooth in between. Letters: z scores of which the largest is 0, c = α − 1, s the shift that makes weights sum to 1.
 */

/**
 * `w = max(1 + c (z − s), 0)^(1/c)`, which tends to e^(z − s) as c → 0: written by a logarithm, which keeps its digits there.
 */
export function entmaxWeight(z: number, s: number, c: number): number {
  const a = c * (z - s);
  return a <= -1 ? 0 : Math.exp(Math.log1p(a) / c);
}

/**
 * The s with `Σ max(1 + c (z_i − s), 0)^(1/c) = 1`. No score, no s: NaN.
 *
 * The sum falls and is convex in s, so Newton's method from the left, where the sum is at least 1, climbs to the root
 * and never passes it, but by rounding; from there a bisection decides, down to neighbouring numbers or a sum of 1 to rounding.
 *
 * @param z - scores of which the largest is 0; then 0 ≤ s ≤ (1 − n^(−c))/c
 * @param c - α − 1, in (0, 1)
 */
export function entmaxShift(z: readonly number[], c: number): number {
  const n = z.length;
  if (n === 0) return Number.NaN;
  let low = 0;
  // n equal scores need the most; the logarithm keeps the digits of n^(−c) near 1
  let high = -Math.expm1(-c * Math.log(n)) / c;
  let s = low;
  for (let step = 0; step < 200 && low < high; step++) {
    let sum = 0;
    let slope = 0;
    for (const score of z) {
      const w = entmaxWeight(score, s, c);
      sum += w;
      if (w > 0) slope += w ** (1 - c);
    }
    // each weight is rounded to some units of 2⁻⁵³
    if (Math.abs(sum - 1) <= 2 ** -52) return s;
    if (sum > 1) low = s;
    else high = s;
    const next = s + (sum - 1) / slope;
    const middle = low + (high - low) / 2;
    const better = next > low && next < high ? next : middle;
    if (better === s || better === low || better === high) return s;
    s = better;
  }
  return s;
}
