/**
 * @file A piecewise polynomial read as a list of polynomials on intervals, its continuation beyond the ends included.
 *
 * `Pieces` is the plain data that every reading works on; `PiecewisePolynomial` is that data with its methods.
 * Letters: x₀ < … < x_K the breakpoints, n the degree, h the length of a piece, u ∈ [−1, 1] its own variable.
 */

import { chebyshevNodes, toUnit } from "./chebyshev-grid.ts";
import { clenshaw, columnCoefficients, derivativeCoefficients } from "./chebyshev-series.ts";
import { checkFinite, refusal } from "./check.ts";

/** Whose value is taken at a breakpoint. */
export type Side = "left" | "right";

/** What continues the function left of x₀ and right of x_K: powers of (t − x₀) and of (t − x_K), ascending. */
export interface Tails {
  readonly left: readonly number[];
  readonly right: readonly number[];
}

/** How the function continues; "tails" is a continuation given by polynomials of its own. */
export type Extrapolation = "none" | "constant" | "linear" | "polynomial" | "periodic" | "tails";

/** The data of a piecewise polynomial. */
export interface Pieces {
  readonly breakpoints: Float64Array;
  readonly degree: number;
  /** [piece, node]: values at the Chebyshev–Lobatto nodes of each piece. */
  readonly values: Float64Array;
  /** [piece, k]: the same as Chebyshev coefficients. */
  readonly chebyshevCoefficients: Float64Array;
  readonly extrapolation: Extrapolation;
  readonly tails: Tails | undefined;
  readonly side: Side;
  /** [piece]: the absolute error that the values may have. */
  readonly noise: Float64Array;
}

/** A polynomial on [from, to] by its Chebyshev coefficients there. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly coefficients: Float64Array;
}

/** The last breakpoint index i with x_i ≤ t, between 0 and K − 1; `hint` is tried first. */
export function pieceIndex(breakpoints: Float64Array, t: number, hint = 0): number {
  const last = breakpoints.length - 2;
  if (breakpoints[hint] <= t && (hint === last || t < breakpoints[hint + 1])) return hint;
  let lo = 0;
  let hi = last;
  while (lo < hi) {
    const middle = (lo + hi + 1) >> 1;
    if (breakpoints[middle] <= t) lo = middle;
    else hi = middle - 1;
  }
  return lo;
}

/** Piece i at t, inside it or beyond. Its ends are its stored values, to the last bit. */
export function evaluatePiece(s: Pieces, i: number, t: number): number {
  const { breakpoints, degree, values } = s;
  const u = toUnit(t, breakpoints[i], breakpoints[i + 1]);
  const first = i * (degree + 1);
  if (u === -1) return values[first];
  if (u === 1) return values[first + degree];
  return clenshaw(s.chebyshevCoefficients, u, first, degree);
}

/** Σ a_k x^k. */
export function horner(a: ArrayLike<number>, x: number): number {
  let sum = 0;
  for (let k = a.length - 1; k >= 0; k--) sum = sum * x + a[k];
  return sum;
}

/** What t and the values are measured in. */
export interface Unit {
  readonly length: number;
  readonly size: number;
}

/**
 * The Taylor coefficients of piece i at one of its ends, in t: a_k = p⁽ᵏ⁾/k!, times unit.lengthᵏ/unit.size.
 */
export function taylor(s: Pieces, i: number, end: "from" | "to", unit: Unit = { length: 1, size: 1 }): number[] {
  const { breakpoints, degree, values } = s;
  const c = s.chebyshevCoefficients.slice(i * (degree + 1), (i + 1) * (degree + 1)).map((v) => v / unit.size);
  const perUnit = 2 * (unit.length / (breakpoints[i + 1] - breakpoints[i]));
  const out = [values[i * (degree + 1) + (end === "from" ? 0 : degree)] / unit.size];
  let factor = 1;
  for (let k = 1; k <= degree; k++) {
    derivativeCoefficients(c, c, 0, degree - k + 1);
    factor *= perUnit / k;
    let sum = 0;
    for (let j = degree - k; j >= 0; j--) sum += end === "from" && j & 1 ? -c[j] : c[j];
    out.push(sum * factor);
  }
  return out;
}

/** The point of the first period where a periodic function has the value it has at t; exact if x₀ is 0. */
export function intoPeriod(s: Pieces, t: number): number {
  const { breakpoints } = s;
  const start = breakpoints[0];
  const end = breakpoints[breakpoints.length - 1];
  if (t >= start && t < end) return t;
  // % does not round, whatever the number of periods
  const rest = (t - start) % (end - start);
  // rounding may leave it a bit outside
  return Math.min(Math.max(start + (rest < 0 ? rest + (end - start) : rest), start), end);
}

/** So many pieces are listed at most, unless four periods have more. */
const mostPieces = 2 ** 17;

/** The first period that meets [from, to], and how many do. */
function turnsBetween(name: string, s: Pieces, from: number, to: number): readonly [first: number, count: number] {
  const { breakpoints } = s;
  const last = breakpoints.length - 1;
  const start = breakpoints[0];
  const period = breakpoints[last] - start;
  const first = Math.floor((from - start) / period);
  const after = Math.ceil((to - start) / period);
  if (!(Math.max(Math.abs(first), Math.abs(after)) <= 2 ** 53))
    throw refusal(name, "from and to within 2^53 periods of the first breakpoint", [from, to]);
  const count = after - first;
  if (count > 4 && count * last > mostPieces)
    throw refusal(name, `at most ${mostPieces} pieces between from and to`, count * last);
  return [first, count];
}

/**
 * The function on [from, to] as segments, cut at every breakpoint inside.
 *
 * @throws RangeError, in the name of `name`, if from or to is not finite or lies where the function is not defined, or
 * if a periodic function has too many pieces between them
 */
export function segments(name: string, s: Pieces, from: number, to: number): Segment[] {
  checkFinite(name, from, "from");
  checkFinite(name, to, "to");
  if (from > to) throw refusal(name, "from ≤ to", [from, to]);
  const { breakpoints, extrapolation } = s;
  const last = breakpoints.length - 1;
  const start = breakpoints[0];
  const end = breakpoints[last];
  if (extrapolation === "none" && (from < start || to > end))
    throw refusal(name, `an interval inside [${start}, ${end}], where the function is defined`, [from, to]);
  const out: Segment[] = [];
  if (extrapolation === "periodic") {
    const period = end - start;
    const [first, count] = turnsBetween(name, s, from, to);
    for (let turn = first; turn < first + count; turn++)
      for (let i = 0; i < last; i++) addPart(out, s, i, turn * period, from, to);
    return out;
  }
  if (from < start) out.push(beyond(s, "left", from, Math.min(to, start)));
  for (let i = 0; i < last; i++) addPart(out, s, i, 0, from, to);
  if (to > end) out.push(beyond(s, "right", Math.max(from, end), to));
  return out;
}

/** The part of piece i, moved by `shift`, that lies in [from, to]; nothing if that has no length. */
function addPart(out: Segment[], s: Pieces, i: number, shift: number, from: number, to: number): void {
  const { breakpoints, degree, chebyshevCoefficients } = s;
  const start = breakpoints[i] + shift;
  const end = breakpoints[i + 1] + shift;
  const a = Math.max(from, start);
  const b = Math.min(to, end);
  if (a >= b) return;
  const coefficients =
    a === start && b === end
      ? chebyshevCoefficients.slice(i * (degree + 1), (i + 1) * (degree + 1))
      : sampled(degree, a, b, (t) => evaluatePiece(s, i, t - shift));
  out.push({ from: a, to: b, coefficients });
}

function beyond(s: Pieces, end: "left" | "right", from: number, to: number): Segment {
  const { breakpoints, tails, degree } = s;
  const last = breakpoints.length - 1;
  if (!tails || s.extrapolation === "polynomial") {
    const i = end === "left" ? 0 : last - 1;
    return { from, to, coefficients: sampled(degree, from, to, (t) => evaluatePiece(s, i, t)) };
  }
  const a = tails[end];
  const anchor = breakpoints[end === "left" ? 0 : last];
  return { from, to, coefficients: sampled(Math.max(a.length - 1, 0), from, to, (t) => horner(a, t - anchor)) };
}

function sampled(degree: number, from: number, to: number, f: (t: number) => number): Float64Array {
  const middle = 0.5 * (from + to);
  const radius = 0.5 * (to - from);
  const x = chebyshevNodes(degree);
  return columnCoefficients(Float64Array.from(x, (u) => f(u === -1 ? from : u === 1 ? to : middle + radius * u)));
}
