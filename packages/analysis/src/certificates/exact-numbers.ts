/**
 * @file Arrays of polynomials with exact rational coefficients. A polynomial on an interval, s ∈ [0, 1], is
 * Σ n_k (1 − s)^(d − k) s^k over a denominator that all entries of an array share: Bernstein coefficients, times binomials, so
 * that a product is a convolution. Not general rationals: denominators are powers of two, but for what attention divides by.
 * Letters: d the degree, n the numerators, entry by entry, D = odd · 2^shift the denominator.
 */

export interface Exact {
  readonly degree: number;
  /** (degree + 1) for every entry. */
  readonly numerators: readonly bigint[];
  readonly shift: number;
  readonly odd: bigint;
}

/** n/2^shift: a place on the line. */
export interface Dyadic {
  readonly n: bigint;
  readonly shift: number;
}

/** A finite number, exactly. */
export function dyadic(x: number): Dyadic {
  const { mantissa, exponent } = parts(x);
  return exponent < 0 ? { n: mantissa, shift: -exponent } : { n: mantissa << BigInt(exponent), shift: 0 };
}

/** a + b. */
export function plus(a: Dyadic, b: Dyadic): Dyadic {
  const { n, shift } = overOne([a, b]);
  return { n: n[0] + n[1], shift };
}

/** Numbers over one power of two. */
export function overOne(numbers: readonly Dyadic[]): { readonly n: readonly bigint[]; readonly shift: number } {
  let shift = 0;
  for (const x of numbers) shift = Math.max(shift, x.shift);
  return { n: numbers.map((x) => x.n << BigInt(shift - x.shift)), shift };
}

/** A finite number is mantissa · 2^exponent, mantissa odd or 0. */
function parts(x: number): { readonly mantissa: bigint; readonly exponent: number } {
  if (x === 0) return { mantissa: 0n, exponent: 0 };
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  let mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  let exponent = (biased === 0 ? 1 : biased) - 1075;
  while ((mantissa & 0xffffn) === 0n) {
    mantissa >>= 16n;
    exponent += 16;
  }
  while ((mantissa & 1n) === 0n) {
    mantissa >>= 1n;
    exponent++;
  }
  return { mantissa: x < 0 ? -mantissa : mantissa, exponent };
}
const view = new DataView(new ArrayBuffer(8));

/** Float64 numbers, exactly. */
export function exactly(numbers: ArrayLike<number>): Exact {
  const { n, shift } = overOne(Array.from(numbers, dyadic));
  return { degree: 0, numerators: n, shift, odd: 1n };
}

/** Two arrays over one denominator and of one degree. */
export function aligned(a: Exact, b: Exact): [Exact, Exact] {
  const odd = a.odd === b.odd ? a.odd : (a.odd / gcd(a.odd, b.odd)) * b.odd;
  const shift = Math.max(a.shift, b.shift);
  const degree = Math.max(a.degree, b.degree);
  const fit = (x: Exact): Exact => {
    const factor = (odd / x.odd) << BigInt(shift - x.shift);
    const numerators = factor === 1n ? x.numerators : x.numerators.map((n) => n * factor);
    return { degree, numerators: elevated(numerators, x.degree, degree), shift, odd };
  };
  return [fit(a), fit(b)];
}

/** The largest common divisor of numbers that are not negative. */
export function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** The same polynomials by a higher degree: times ((1 − s) + s)^more. */
function elevated(numerators: readonly bigint[], degree: number, to: number): readonly bigint[] {
  if (degree === to) return numerators;
  const entries = numerators.length / (degree + 1);
  const out = new Array<bigint>(entries * (to + 1)).fill(0n);
  const one = binomials(to - degree);
  for (let i = 0; i < entries; i++) multiplyInto(out, i, numerators, i, degree, one, 0, to - degree);
  return out;
}

/** Zero, where the products of two arrays are added up. */
export const zeroProduct = (a: Exact, b: Exact, entries: number): bigint[] =>
  new Array<bigint>(entries * (a.degree + b.degree + 1)).fill(0n);

/** What was added up, over the product's denominator. */
export const overProduct = (a: Exact, b: Exact, numerators: readonly bigint[]): Exact => ({
  degree: a.degree + b.degree,
  numerators,
  shift: a.shift + b.shift,
  odd: a.odd * b.odd,
});

/** Adds the product of entry i of a and entry j of b, of degrees da and db, to an entry of degree da + db. */
export function multiplyInto(
  out: bigint[],
  at: number,
  a: readonly bigint[],
  i: number,
  da: number,
  b: readonly bigint[],
  j: number,
  db: number,
): void {
  const start = at * (da + db + 1);
  for (let k = 0; k <= da; k++) {
    const x = a[i * (da + 1) + k];
    if (x === 0n) continue;
    for (let l = 0; l <= db; l++) {
      const y = b[j * (db + 1) + l];
      if (y !== 0n) out[start + k + l] += x * y;
    }
  }
}

/** ((1 − s) + s)^d = 1: the numerators of the number 1. */
export function binomials(degree: number): readonly bigint[] {
  for (let d = rows.length; d <= degree; d++) {
    const last = rows[d - 1];
    rows.push(Array.from({ length: d + 1 }, (_, k) => (last[k - 1] ?? 0n) + (last[k] ?? 0n)));
  }
  return rows[degree];
}
const rows: bigint[][] = [[1n]];

/** The numerators of p − level for one entry, up to a positive factor. */
export function lessLevel({ degree, numerators, shift, odd }: Exact, entry: number, level: number): bigint[] {
  const own = numerators.slice(entry * (degree + 1), (entry + 1) * (degree + 1));
  if (level === 0) return own;
  const { mantissa, exponent } = parts(level);
  // n/(odd 2^shift) − m 2^e, times odd 2^shift, and by a power of two to whole numbers
  const e = BigInt(shift + exponent);
  const up = e < 0n ? -e : 0n;
  const constant = (mantissa * odd) << (e + up);
  const one = binomials(degree);
  return own.map((n, k) => (n << up) - one[k] * constant);
}

/** Every entry by a positive number of its own, over one denominator. */
export function divided(x: Exact, divisors: readonly number[]): Exact {
  let odd = 1n;
  let shift = 0;
  const own = divisors.map(parts);
  for (const { mantissa, exponent } of own) {
    if (odd % mantissa !== 0n) odd *= mantissa / gcd(odd, mantissa);
    shift = Math.max(shift, exponent);
  }
  if (odd === 1n && shift === 0 && own.every(({ exponent }) => exponent === 0)) return x;
  const width = x.degree + 1;
  const factors = own.map(({ mantissa, exponent }) => (odd / mantissa) << BigInt(shift - exponent));
  const numerators = x.numerators.map((n, i) => n * factors[Math.floor(i / width)]);
  return { degree: x.degree, numerators, shift: x.shift + shift, odd: x.odd * odd };
}
