/**
 * @file Where polynomials with whole coefficients change their sign: Descartes' rule and bisection, and where these don't end,
 * since roots coincide, a division into factors with simple roots. Nothing is rounded, and every question has its answer.
 * Letters: n numerators of Σ n_k (1 − s)^(d − k) s^k on 0 < s < 1; c coefficients of 1, x, x², …, with x = s/(1 − s) > 0.
 */
import { gcd } from "./exact-numbers.ts";

/** How often the polynomial changes its sign on the open interval; 0 for the polynomial 0. */
export function signChanges(n: readonly bigint[]): number {
  const quick = byDescartes(n, 24);
  if (quick !== undefined) return quick;
  const odd = oddPart(n);
  // roots are simple now, so bisection ends
  return byDescartes(odd, Number.POSITIVE_INFINITY) as number;
}

/** Whether polynomials that change their sign exactly once on the open interval do so at one and the same place. */
export function changeTogether(polynomials: readonly (readonly bigint[])[]): boolean {
  const [first, ...others] = polynomials.map(oddPart);
  let common: readonly bigint[] = first;
  for (const other of others) common = commonFactor(common, other);
  // all its roots are simple and shared; there is at most one on the interval
  return signChanges(common) === 1;
}

/** The polynomial on the part of the interval between two places a/whole and b/whole, up to a positive factor. */
export function onPart(n: readonly bigint[], a: bigint, b: bigint, whole: bigint): bigint[] {
  // 1 − s and s are linear in 1 − σ and σ: Horner's rule for forms
  const low = [whole - a, whole - b];
  const high = [a, b];
  let out: bigint[] = [n[0]];
  let power: bigint[] = [1n];
  for (let k = 1; k < n.length; k++) {
    power = timesLinear(power, high);
    out = timesLinear(out, low).map((c, i) => c + n[k] * power[i]);
  }
  return out;
}

/** By a linear form. */
function timesLinear(p: readonly bigint[], [u, v]: readonly bigint[]): bigint[] {
  const out = new Array<bigint>(p.length + 1).fill(0n);
  for (let k = 0; k < p.length; k++) {
    out[k] += p[k] * u;
    out[k + 1] += p[k] * v;
  }
  return out;
}

/** Changes of sign along the numerators: as many sign changes as the polynomial has on the interval, or an even number more. */
function variations(n: readonly bigint[]): number {
  let count = 0;
  let last = 0n;
  for (const c of n) {
    if (c === 0n) continue;
    if (last !== 0n && c < 0n !== last < 0n) count++;
    last = c;
  }
  return count;
}

/** Undefined where halving so often leads to no end. */
function byDescartes(n: readonly bigint[], depth: number): number | undefined {
  const count = variations(n);
  if (count < 2) return count;
  if (depth === 0) return undefined;
  const left = firstHalf(n);
  const right = firstHalf([...n].reverse()).reverse();
  const before = byDescartes(left, depth - 1);
  if (before === undefined) return undefined;
  const after = byDescartes(right, depth - 1);
  if (after === undefined) return undefined;
  return before + after + changesAtMiddle(left, right);
}

/** Whether the sign changes where two halves meet: the nearest numerators that are not 0 are the signs beside a root there. */
function changesAtMiddle(left: readonly bigint[], right: readonly bigint[]): 0 | 1 {
  if (right[0] !== 0n) return 0;
  const before = left.findLast((c) => c !== 0n) as bigint;
  const after = right.find((c) => c !== 0n) as bigint;
  return before < 0n === after < 0n ? 0 : 1;
}

/** p on the first half: with u = 1 − s and v = s, u = 2u′ + v′ and v = v′, times 2^d. */
function firstHalf(n: readonly bigint[]): bigint[] {
  const degree = n.length - 1;
  // as a polynomial in u, lowest power first: u^m has the numerator of k = d − m
  const out = [...n].reverse();
  // u ↦ u + 1
  for (let i = 0; i < degree; i++) for (let m = degree - 1; m >= i; m--) out[m] += out[m + 1];
  for (let m = 0; m <= degree; m++) out[m] <<= BigInt(m);
  return out.reverse();
}

/**
 * A polynomial with simple roots where this one has roots of odd multiplicity, by Yun's algorithm. On x > 0 numerators are
 * coefficients: Σ n_k (1 − s)^(d − k) s^k = (1 − s)^d Σ n_k x^k.
 */
function oddPart(n: readonly bigint[]): readonly bigint[] {
  const p = primitive(n);
  const slope = derivative(p);
  if (slope.length === 0) return p;
  const shared = commonFactor(p, slope);
  let rest = quotient(p, shared);
  let other = minus(quotient(slope, shared), derivative(rest));
  let odd: readonly bigint[] = [1n];
  for (let multiplicity = 1; rest.length > 1; multiplicity++) {
    const factor = commonFactor(rest, other);
    if (multiplicity % 2 === 1) odd = times(odd, factor);
    rest = quotient(rest, factor);
    other = minus(quotient(other, factor), derivative(rest));
  }
  return odd;
}

/** Without zeros at the top. */
function trimmed(c: readonly bigint[]): readonly bigint[] {
  let length = c.length;
  while (length > 0 && c[length - 1] === 0n) length--;
  return length === c.length ? c : c.slice(0, length);
}

/** Divided by its content. */
function primitive(c: readonly bigint[]): readonly bigint[] {
  const own = trimmed(c);
  let content = 0n;
  for (const v of own) {
    content = gcd(v < 0n ? -v : v, content);
    if (content === 1n) return own;
  }
  return content === 0n ? own : own.map((v) => v / content);
}

const derivative = (c: readonly bigint[]): readonly bigint[] => trimmed(c.slice(1).map((v, k) => v * BigInt(k + 1)));

function minus(a: readonly bigint[], b: readonly bigint[]): readonly bigint[] {
  return trimmed(Array.from({ length: Math.max(a.length, b.length) }, (_, k) => (a[k] ?? 0n) - (b[k] ?? 0n)));
}

function times(a: readonly bigint[], b: readonly bigint[]): readonly bigint[] {
  const out = new Array<bigint>(Math.max(0, a.length + b.length - 1)).fill(0n);
  for (let i = 0; i < a.length; i++) for (let j = 0; j < b.length; j++) out[i + j] += a[i] * b[j];
  return out;
}

/** The greatest common divisor, primitive, by remainders. */
function commonFactor(a: readonly bigint[], b: readonly bigint[]): readonly bigint[] {
  let [x, y] = [primitive(a), primitive(b)];
  while (y.length > 0) [x, y] = [y, primitive(remainder(x, y))];
  return x;
}

/** A multiple of a, less one of b. */
function remainder(a: readonly bigint[], b: readonly bigint[]): readonly bigint[] {
  const top = b[b.length - 1];
  let rest = a;
  while (rest.length >= b.length) {
    const lead = rest[rest.length - 1];
    const at = rest.length - b.length;
    rest = trimmed(rest.map((v, k) => v * top - (k >= at ? b[k - at] * lead : 0n)));
  }
  return rest;
}

/** a/b, where b is primitive and divides a: then its coefficients are whole. */
function quotient(a: readonly bigint[], b: readonly bigint[]): readonly bigint[] {
  const rest = [...a];
  const top = b[b.length - 1];
  const out = new Array<bigint>(Math.max(0, a.length - b.length + 1)).fill(0n);
  for (let at = out.length - 1; at >= 0; at--) {
    const c = rest[at + b.length - 1] / top;
    out[at] = c;
    for (let k = 0; k < b.length; k++) rest[at + k] -= c * b[k];
  }
  return out;
}
