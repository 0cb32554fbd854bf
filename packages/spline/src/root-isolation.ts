/**
 * @file The real roots of one polynomial on [−1, 1] (or [a, b]), certified: found, or reported as undecided, never dropped.
 *
 * Letters: p = Σ c_k T_k of degree n; S = Σ|c_k| its size; T = tolerance · max(S, scale) what rounding may have done to p.
 * So the true polynomial is anything within T of p, and a statement is made only where it holds for all of them:
 * - the sign on an interval, by `quadraticSign` against T;
 * - "monotone", by the same test on p′ against n²T, which bounds the derivative of a disturbance of size T (Markov);
 * - exactly one root where p is monotone and its ends have certain, opposite signs.
 * Otherwise the interval is cut, off centre and where |p| > T if such a place is at hand, until |p| ≤ 3T/2 on all of it: flat.
 *
 * This is not a polynomial solver for badly scaled data: roots are as good as p itself, T/|p′|.
 */

import { fromUnit } from "./chebyshev-grid.ts";
import { clenshaw, columnCoefficients, derivativeCoefficients } from "./chebyshev-series.ts";
import { checkFinite, checkNumbers, checkOptions, checkTolerance, refusal } from "./check.ts";
import { quadraticSign } from "./sign-certificates.ts";

/** What `isolateRoots` found. */
export interface Roots {
  /** Where p changes sign or, at an end of the interval, vanishes to rounding; ascending. A root of odd multiplicity once. */
  readonly roots: number[];
  /**
   * Where p is too small to tell, ascending and disjoint. p has certain signs at both ends of it (unless that is an end of
   * the whole interval): opposite signs mean a root, which `roots` also holds; equal signs a touch, two close roots, or none.
   */
  readonly flat: (readonly [from: number, to: number])[];
}

/** How `isolateRoots` judges. */
export interface RootOptions {
  /** Relative size of what rounding may have done to p. Default (n + 1)·2⁻⁵², one rounding for each term of its sum; at least 2⁻⁵³. */
  readonly tolerance?: number;
  /** Size that the tolerance refers to where it exceeds Σ|c_k|: that of the terms p was computed from. Default 0. */
  readonly scale?: number;
  /** Where the roots are wanted: u = −1 and 1 are its ends. Default [−1, 1]. */
  readonly interval?: readonly [from: number, to: number];
}

/**
 * Every root of p = Σ_k c_k T_k on the interval: `roots` where p changes sign, `flat` where that can't be decided.
 *
 * Counted once: a root at a place where the search cuts, and a root at an end of the interval, which is reported as exactly that end
 * when p is simple and within T of zero there.
 * A tangential touch such as u² is flat (here about ±3e-8) with no root; so are two roots closer than about √(8T/|p″|)
 * (for u² − δ²: a gap of 1e-7 is resolved, 1e-8 is flat). A triple root is flat and a root.
 * A polynomial that is zero to within T is one flat interval.
 *
 * @param coefficients - c_0 … c_n, finite
 * @param options - see `RootOptions`
 * @throws RangeError if a coefficient is not finite, or an option unknown or out of range
 * @example
 * ```ts
 * import { isolateRoots } from "@splineformer/spline";
 * isolateRoots([0, 0, 0, 1]).roots.length; // 3: T₃ vanishes at 0 and ±√3/2
 * isolateRoots([0.5, -1], { interval: [0, 4] }).roots; // [3]
 * isolateRoots([0.5, 0, 0.5]).flat.length; // 1: u² touches at 0
 * ```
 */
export function isolateRoots(coefficients: ArrayLike<number>, options: RootOptions = {}): Roots {
  const name = "isolateRoots";
  checkNumbers(name, coefficients, "coefficients");
  if (coefficients.length === 0) throw refusal(name, "at least one coefficient", coefficients);
  return search(coefficients, coefficients.length - 1, checkRootOptions(name, options));
}

/**
 * `isolateRoots` for a polynomial given by its values at the Chebyshev–Lobatto nodes of the interval.
 *
 * @param values - at the nodes, ascending; finite
 * @param options - see `RootOptions`
 * @throws RangeError if a value is not finite, or an option unknown or out of range
 * @example
 * ```ts
 * import { isolateRootsOfValues } from "@splineformer/spline";
 * isolateRootsOfValues([-1, 3], { interval: [0, 4] }).roots; // [1]
 * ```
 */
export function isolateRootsOfValues(values: ArrayLike<number>, options: RootOptions = {}): Roots {
  const name = "isolateRootsOfValues";
  checkNumbers(name, values, "values");
  if (values.length === 0) throw refusal(name, "at least one value", values);
  return search(columnCoefficients(values), values.length - 1, checkRootOptions(name, options));
}

function checkRootOptions(name: string, options: RootOptions): RootOptions {
  checkOptions(name, options, ["tolerance", "scale", "interval"]);
  const { tolerance, scale = 0, interval } = options;
  if (tolerance !== undefined) checkTolerance(name, tolerance);
  checkFinite(name, scale, "scale");
  if (scale < 0) throw refusal(name, "scale ≥ 0", scale);
  if (interval) {
    checkFinite(name, interval[0], "interval[0]");
    checkFinite(name, interval[1], "interval[1]");
    if (!(interval[0] < interval[1])) throw refusal(name, "interval with from < to", interval);
  }
  return options;
}

// ---------------------------------------------------------------- the search
/** Where intervals are cut, as points of [−1, 1]: off centre, since symmetric polynomials have roots in the middle; the next one if p is small there. */
const cuts = [0.0178, -0.2937, 0.3391, -0.1319] as const;
/** 2 · 0.67⁹⁰ < 2⁻⁵¹: below this no two points of [−1, 1] are left to tell apart. */
const deepest = 90;

/** One search at a time: what all its intervals share. Kept between calls, so that a search allocates its answer only. */
let c: ArrayLike<number> = [];
let n = 0;
let T = 0;
let slope = new Float64Array(0);
let local = new Float64Array(0);
let levels = new Float64Array(0);
let roots: number[] = [];
let flat: [number, number][] = [];

/** The search on checked input. */
export function search(coefficients: ArrayLike<number>, degree: number, options: RootOptions): Roots {
  let size = 0;
  for (let k = 0; k <= degree; k++) size += Math.abs(coefficients[k]);
  if (!Number.isFinite(size)) throw refusal("isolateRoots", "coefficients with a finite sum", size);
  const { tolerance = (degree + 1) * 2 ** -52, scale = 0, interval } = options;
  c = coefficients;
  T = tolerance * Math.max(size, scale);
  roots = [];
  flat = [];
  // leading coefficients that rounding alone would leave; together they stay below T
  const tiny = Math.min(2 ** -54 * size, T / (degree + 1));
  n = degree;
  while (n > 0 && Math.abs(c[n]) <= tiny) n--;
  if (size <= T) flat.push([-1, 1]);
  else if (n === 1 && Math.abs(c[1]) > 8 * T) line((0 - c[0]) / c[1], T / Math.abs(c[1]));
  else if (n > 0 || Math.abs(c[0]) <= T) bisect();
  const found: Roots = { roots, flat };
  roots = [];
  flat = [];
  return interval ? moved(found, interval[0], interval[1]) : found;
}

function line(root: number, uncertainty: number): void {
  if (Math.abs(root) <= 1 + uncertainty) roots.push(Math.abs(root) >= 1 - uncertainty ? Math.sign(root) : root);
}

function bisect(): void {
  if (levels.length < (deepest + 2) * (n + 1)) {
    levels = new Float64Array((deepest + 2) * (n + 1));
    slope = new Float64Array(n + 1);
    local = new Float64Array(n + 1);
  }
  for (let k = 0; k <= n; k++) levels[k] = c[k];
  derivativeCoefficients(c, slope, 0, n);
  descend(0, 0, -1, 1, clenshaw(c, -1, 0, n), clenshaw(c, 1, 0, n));
  merge();
  for (const [from, to] of flat) {
    const left = endValue(from);
    const right = endValue(to);
    if (left * right < 0) roots.push(polish(from, to, left));
  }
  if (flat.length > 0) roots.sort((p, q) => p - q);
}

/** p at the end of a flat interval, as ±1: the neighbour has a certified sign there. At ±1 there is none: 0 if too small to tell. */
function endValue(u: number): number {
  const value = clenshaw(c, u, 0, n);
  return Math.abs(u) === 1 && Math.abs(value) <= T ? 0 : Math.sign(value);
}

/** p on [lo, hi], with its local coefficients at `at` in `levels` and its values at both ends. */
function descend(depth: number, at: number, lo: number, hi: number, pLo: number, pHi: number): void {
  if (rangeSign(levels, at, n, T) !== 0) return;
  derivativeCoefficients(levels, local, at, n);
  if (rangeSign(local, 0, n - 1, n * n * T * 0.5 * (hi - lo)) !== 0) {
    const sureLo = Math.abs(pLo) > T;
    const sureHi = Math.abs(pHi) > T;
    if (sureLo && sureHi) {
      if (pLo < 0 !== pHi < 0) roots.push(polish(lo, hi, pLo));
      return;
    }
    // a root at an outer end; p is monotone, so there is no other
    if (lo === -1 && sureHi) {
      roots.push(-1);
      return;
    }
    if (hi === 1 && sureLo) {
      roots.push(1);
      return;
    }
    if (!sureLo && !sureHi) {
      flat.push([lo, hi]);
      return;
    }
  }
  let size = 0;
  for (let k = 0; k <= n; k++) size += Math.abs(levels[at + k]);
  if (size <= 1.5 * T || depth === deepest) {
    flat.push([lo, hi]);
    return;
  }
  let cut = 0;
  let middle = 0;
  let value = 0;
  for (let q = 0; q < cuts.length; q++) {
    const x = lo + 0.5 * (1 + cuts[q]) * (hi - lo);
    const v = clenshaw(c, x, 0, n);
    if (q === 0 || Math.abs(v) > Math.abs(value)) {
      cut = q;
      middle = x;
      value = v;
    }
    if (Math.abs(v) > T) break;
  }
  const next = at + n + 1;
  restrict(at, next, cut, 0);
  descend(depth + 1, next, lo, middle, pLo, value);
  restrict(at, next, cut, 1);
  descend(depth + 1, next, middle, hi, value, pHi);
}

function rangeSign(a: Float64Array, at: number, degree: number, margin: number): -1 | 0 | 1 {
  let tail = margin;
  for (let k = 3; k <= degree; k++) tail += Math.abs(a[at + k]);
  return quadraticSign(a[at], degree > 0 ? a[at + 1] : 0, degree > 1 ? a[at + 2] : 0, tail);
}

/** Local coefficients of one of the two parts; the matrix is upper triangular, since T_k(α + βu) has degree k. */
function restrict(from: number, to: number, cut: number, side: 0 | 1): void {
  const matrix = partMatrix(n, cut, side);
  for (let i = 0; i <= n; i++) {
    let sum = 0;
    for (let k = i, row = i * (n + 1); k <= n; k++) sum += matrix[row + k] * levels[from + k];
    levels[to + i] = sum;
  }
}

const parts = new Map<number, Float64Array>();

/** Column k: the coefficients of T_k(α + βu), by T_{k+1} = 2xT_k − T_{k−1} and 2uT_i = T_{i+1} + T_{|i−1|}. */
function partMatrix(degree: number, cut: number, side: 0 | 1): Float64Array {
  const key = (degree * cuts.length + cut) * 2 + side;
  const kept = parts.get(key);
  if (kept) return kept;
  const size = degree + 1;
  const alpha = 0.5 * (cuts[cut] + (side === 0 ? -1 : 1));
  const beta = 0.5 * (side === 0 ? 1 + cuts[cut] : 1 - cuts[cut]);
  const out = new Float64Array(size * size);
  out[0] = 1;
  if (degree > 0) {
    out[1] = alpha;
    out[size + 1] = beta;
  }
  for (let k = 1; k < degree; k++)
    for (let i = 0; i <= k + 1; i++) {
      const t = (j: number) => (j >= 0 && j <= k ? out[j * size + k] : 0);
      // u · column k: coefficient i collects i − 1 (twice from T₀) and i + 1
      const shifted = 0.5 * ((i === 1 ? 2 : 1) * t(i - 1) + t(i + 1));
      out[i * size + k + 1] = 2 * (alpha * t(i) + beta * shifted) - (k >= 1 ? out[i * size + k - 1] : 0);
    }
  parts.set(key, out);
  return out;
}

/** The sign change in [lo, hi], where p(lo) has the given sign and p(hi) the other: Newton, kept inside the bracket. */
function polish(lo: number, hi: number, pLo: number): number {
  let a = lo;
  let b = hi;
  let x = 0.5 * (lo + hi);
  for (let step = 0; step < 200; step++) {
    const v = clenshaw(c, x, 0, n);
    if (v === 0) return x;
    if (v < 0 === pLo < 0) a = x;
    else b = x;
    let y = x - v / clenshaw(slope, x, 0, Math.max(n - 1, 0));
    // a simple root takes some six steps; where it takes more (a multiple root), halve as well
    if (!(y > a && y < b) || (step > 7 && step & 1)) y = 0.5 * (a + b);
    if (Math.abs(y - x) <= 2 ** -54 || y === a || y === b) return y;
    x = y;
  }
  return x;
}

/** Neighbouring flat intervals are one. */
function merge(): void {
  let last = 0;
  for (let i = 1; i < flat.length; i++)
    if (flat[i][0] === flat[last][1]) flat[last][1] = flat[i][1];
    else flat[++last] = flat[i];
  if (flat.length > 0) flat.length = last + 1;
}

function moved({ roots, flat }: Roots, from: number, to: number): Roots {
  return {
    roots: roots.map((u) => fromUnit(u, from, to)),
    flat: flat.map(([lo, hi]) => [fromUnit(lo, from, to), fromUnit(hi, from, to)] as const),
  };
}
