/**
 * @file Exact fractions of BigInts for the tests: every float64 is one. Slow and obvious.
 */

/** numerator / denominator, in lowest terms, denominator > 0. */
export type Fraction = readonly [numerator: bigint, denominator: bigint];

export function fraction(numerator: bigint, denominator = 1n): Fraction {
  let a = numerator < 0n ? -numerator : numerator;
  let b = denominator < 0n ? -denominator : denominator;
  while (b > 0n) [a, b] = [b, a % b];
  const sign = denominator < 0n ? -1n : 1n;
  return a === 0n ? [0n, 1n] : [(sign * numerator) / a, (sign * denominator) / a];
}

/** A float64 as the fraction it is. */
export function exact(value: number): Fraction {
  let v = value;
  let power = 0n;
  while (!Number.isInteger(v)) {
    v *= 2;
    power++;
  }
  return fraction(BigInt(v), 2n ** power);
}

export const plus = ([a, b]: Fraction, [c, d]: Fraction): Fraction => fraction(a * d + c * b, b * d);
export const minus = ([a, b]: Fraction, [c, d]: Fraction): Fraction => fraction(a * d - c * b, b * d);
export const times = ([a, b]: Fraction, [c, d]: Fraction): Fraction => fraction(a * c, b * d);
const over = ([a, b]: Fraction, [c, d]: Fraction): Fraction => fraction(a * d, b * c);

/** The nearest float64, to an ulp or two. */
export function toNumber([a, b]: Fraction): number {
  const shift = 2n ** 80n;
  return Number((a * shift) / b) / 2 ** 80;
}

/** Σ a_k x^k. */
export function horner(a: readonly Fraction[], x: Fraction): Fraction {
  return a.reduceRight<Fraction>((sum, c) => plus(times(sum, x), c), [0n, 1n]);
}

/** Product of polynomials, ascending powers. */
export function product(a: readonly Fraction[], b: readonly Fraction[]): Fraction[] {
  const out: Fraction[] = Array.from({ length: a.length + b.length - 1 }, () => [0n, 1n] as const);
  a.forEach((p, i) => {
    b.forEach((q, j) => {
      out[i + j] = plus(out[i + j], times(p, q));
    });
  });
  return out;
}

/** Ascending powers to Chebyshev coefficients: x·T_k = (T_{k+1} + T_{|k−1|})/2, Horner in the Chebyshev basis. */
export function toChebyshev(a: readonly Fraction[]): Fraction[] {
  let c: Fraction[] = [[0n, 1n]];
  for (const power of [...a].reverse()) {
    const next: Fraction[] = Array.from({ length: c.length + 1 }, () => [0n, 1n] as const);
    c.forEach((v, k) => {
      const half = times(v, [1n, 2n]);
      next[k + 1] = plus(next[k + 1], k === 0 ? v : half);
      if (k > 0) next[k - 1] = plus(next[k - 1], half);
    });
    next[0] = plus(next[0], power);
    c = next;
  }
  return c.slice(0, Math.max(a.length, 1));
}

/** The solution of a square system by Gauss–Jordan elimination. */
export function solve(matrix: readonly (readonly Fraction[])[], right: readonly Fraction[]): Fraction[] {
  const rows = matrix.map((row, i) => [...row, right[i]]);
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    const pivot = rows.findIndex((row, i) => i >= k && row[k][0] !== 0n);
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    const head = rows[k][k];
    rows[k] = rows[k].map((v) => over(v, head));
    for (let i = 0; i < n; i++) {
      const factor = rows[i][k];
      if (i !== k && factor[0] !== 0n) rows[i] = rows[i].map((v, j) => minus(v, times(factor, rows[k][j])));
    }
  }
  return rows.map((row) => row[n]);
}
