/**
 * @file Roots and extrema of a piecewise polynomial: each piece's certified roots, put together across the breakpoints.
 */

import { fromUnit } from "./chebyshev-grid.ts";
import { clenshaw } from "./chebyshev-series.ts";
import { checkFinite, checkOptions, checkTolerance, refusal } from "./check.ts";
import { type Roots, search } from "./root-isolation.ts";
import { type Pieces, type Segment, segments } from "./segments.ts";

/** Where and how roots are looked for. */
export interface PiecewiseRootOptions {
  /** Start of the search. Default the first breakpoint; −Infinity where the left tail has degree ≤ 1. */
  readonly from?: number;
  /** End of the search. Default the last breakpoint; Infinity where the right tail has degree ≤ 1. */
  readonly to?: number;
  /** As in `isolateRoots`; refers to each piece's own size. */
  readonly tolerance?: number;
  /** As in `isolateRoots`: pieces smaller than tolerance · scale are flat. Default 0: each piece by its own size. */
  readonly scale?: number;
}

/** A local extremum; on a plateau `at` is its middle. */
export interface Extremum {
  readonly at: number;
  readonly value: number;
  readonly kind: "minimum" | "maximum";
}

/** What `extrema` found; `flat` is where the derivative is too small to tell (plateaus, saddle points). */
export interface Extrema {
  readonly extrema: readonly Extremum[];
  readonly flat: readonly (readonly [from: number, to: number])[];
}

/** Sign changes (a jump across zero is one) and zeros at piece ends, each once; and what is too small to tell. */
export function piecewiseRoots(
  s: Pieces,
  options: PiecewiseRootOptions,
  name = "roots",
  noise: (part: number) => number = () => 0,
): Roots {
  checkOptions(name, options, ["from", "to", "tolerance", "scale"]);
  const { breakpoints } = s;
  const last = breakpoints.length - 1;
  const { from = breakpoints[0], to = breakpoints[last], tolerance, scale = 0 } = options;
  if (tolerance !== undefined) checkTolerance(name, tolerance);
  checkFinite(name, scale, "scale");
  const start = from === Number.NEGATIVE_INFINITY ? Math.min(breakpoints[0], to) : from;
  const end = to === Number.POSITIVE_INFINITY ? Math.max(breakpoints[last], from) : to;
  const parts = segments(name, s, start, end);
  const roots: number[] = [];
  const flat: [number, number][] = [];
  if (from < start) tailRoot(name, s, "left", roots);
  let before = 0;
  for (const [i, part] of parts.entries()) {
    const degree = part.coefficients.length - 1;
    const after = clenshaw(part.coefficients, -1);
    if (before * after < 0 && roots.at(-1) !== part.from) roots.push(part.from);
    before = clenshaw(part.coefficients, 1);
    const found = search(part.coefficients, degree, {
      scale: Math.max(scale, noise(i)),
      ...(tolerance === undefined ? {} : { tolerance }),
    });
    for (const u of found.roots) {
      const t = fromUnit(u, part.from, part.to);
      if (roots.at(-1) !== t) roots.push(t);
    }
    for (const [lo, hi] of found.flat) {
      const a = fromUnit(lo, part.from, part.to);
      const b = fromUnit(hi, part.from, part.to);
      const previous = flat.at(-1);
      if (previous && previous[1] === a) previous[1] = b;
      else flat.push([a, b]);
    }
  }
  if (to > end) tailRoot(name, s, "right", roots);
  acrossBreakpoints(parts, flat, roots);
  return { roots, flat };
}

/** The root of a tail of degree ≤ 1, strictly beyond the end (at the end it belongs to the piece). */
function tailRoot(name: string, s: Pieces, end: "left" | "right", roots: number[]): void {
  const a = s.tails?.[end];
  const anchor = s.breakpoints[end === "left" ? 0 : s.breakpoints.length - 1];
  if (s.extrapolation === "periodic" || !a || a.length > 2)
    throw refusal(
      name,
      `a finite ${end === "left" ? "from" : "to"} unless the ${end} tail has degree ≤ 1`,
      s.extrapolation,
    );
  const step = -a[0] / (a[1] ?? 0);
  if (Number.isFinite(step) && (end === "left" ? step < 0 : step > 0) && anchor + step !== anchor)
    roots.push(anchor + step);
}

/** A flat stretch over a breakpoint whose ends have opposite signs hides a sign change that no single piece could see. */
function acrossBreakpoints(
  parts: readonly Segment[],
  flat: readonly (readonly [number, number])[],
  roots: number[],
): void {
  const added: number[] = [];
  for (const [from, to] of flat) {
    const cut = parts[first(parts, (p) => p.from > from)];
    if (!cut || cut.from >= to || roots[first(roots, (t) => t >= from)] <= to) continue;
    if (signAt(parts, from, "left") * signAt(parts, to, "right") < 0) added.push(cut.from);
  }
  if (added.length === 0) return;
  for (const t of added) roots.push(t);
  roots.sort((p, q) => p - q);
}

/** The first index from which on `holds` is true, by bisection. */
function first<V>(list: readonly V[], holds: (entry: V) => boolean): number {
  let lo = 0;
  let hi = list.length;
  while (lo < hi) {
    const middle = (lo + hi) >> 1;
    if (holds(list[middle])) hi = middle;
    else lo = middle + 1;
  }
  return lo;
}

/** The value at the end of a flat stretch, read from the piece that reaches beyond it. */
function signAt(parts: readonly Segment[], t: number, side: "left" | "right"): number {
  const part = side === "left" ? parts[first(parts, (p) => p.to >= t)] : parts[first(parts, (p) => p.from > t) - 1];
  if (!part) return 0;
  const u = (t - part.from - (part.to - t)) / (part.to - part.from);
  return Math.sign(clenshaw(part.coefficients, u));
}

/** Local extrema of s from its derivative d. */
export function piecewiseExtrema(
  s: Pieces,
  d: Pieces,
  value: (t: number) => number,
  options: PiecewiseRootOptions,
): Extrema {
  const name = "extrema";
  const { breakpoints } = s;
  const last = breakpoints.length - 1;
  const { from = breakpoints[0], to = breakpoints[last], ...rest } = options;
  checkFinite(name, from, "from");
  checkFinite(name, to, "to");
  // look a little beyond where the function goes on, so that an extremum at an end is seen from both sides
  const whole = s.extrapolation !== "none";
  const margin = breakpoints[last] - breakpoints[0];
  const a = whole ? from - margin : Math.max(from, breakpoints[0]);
  const b = whole ? to + margin : Math.min(to, breakpoints[last]);
  // a derivative is as good as its function: rounding of size S in s is up to n²·(2/h)·S in s′ (Markov)
  const noise = segments(name, s, a, b).map((part) => {
    const n = part.coefficients.length - 1;
    return (part.coefficients.reduce((sum, c) => sum + Math.abs(c), 0) * n * n * 2) / (part.to - part.from);
  });
  const { roots, flat } = piecewiseRoots(d, { ...rest, from: a, to: b }, name, (i) => noise[i]);
  const parts = segments(name, d, a, b);
  const events = [
    ...roots.map((t) => [t, t, t] as const),
    ...flat.map(([lo, hi]) => [lo, hi, 0.5 * (lo + hi)] as const),
  ]
    .sort((p, q) => p[0] - q[0] || q[1] - p[1])
    .reduce<[number, number, number][]>((all, [lo, hi, at]) => {
      const previous = all.at(-1);
      if (!previous || lo > previous[1]) all.push([lo, hi, at]);
      else {
        if (lo === hi) previous[2] = at;
        previous[1] = Math.max(previous[1], hi);
      }
      return all;
    }, []);
  const extrema: Extremum[] = [];
  events.forEach(([lo, hi, at], i) => {
    const before = gapSign(parts, i > 0 ? events[i - 1][1] : a, lo);
    const after = gapSign(parts, hi, i + 1 < events.length ? events[i + 1][0] : b);
    if (before * after < 0 && at >= from && at <= to)
      extrema.push({ at, value: value(at), kind: before > 0 ? "maximum" : "minimum" });
  });
  const within = flat.map(([lo, hi]) => [Math.max(lo, from), Math.min(hi, to)] as const);
  return { extrema, flat: within.filter(([lo, hi]) => lo < hi) };
}

/** The derivative's sign between two events; 0 if there is nothing between. */
function gapSign(parts: readonly Segment[], lo: number, hi: number): number {
  return lo < hi ? signAt(parts, 0.5 * (lo + hi), "left") : 0;
}
