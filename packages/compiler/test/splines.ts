/**
 * @file Splines to compile, and how far a network is from one. Seeded.
 */
import { interpolateCubic, PiecewisePolynomial } from "@splineformer/spline";
import { forward, type Network, type Random, random, type SynchronousDevice, tensor } from "@splineformer/tensor";

/** A rough one: values, slopes and bubbles at each knot and interval are unrelated, so it is C⁰ and no more. */
export function roughSpline(
  knotCount: number,
  seed: number,
  gap: (r: Random) => number = () => 1,
  from = 0,
): PiecewisePolynomial {
  const r = random(seed, { stream: 1 });
  const knots = increasing(knotCount, r, gap, from);
  const y = r.normal([knotCount], { dtype: "float64" }).data;
  const [left, right] = r.normal([2], { dtype: "float64" }).data;
  const pieces = knots.slice(1).map((_, i) => {
    const [p, q] = r.normal([2], { dtype: "float64" }).data;
    // values at u = −1, −½, ½, 1 of chord + (1 − u²)(p + qu)
    const inner = (u: number): number => ((1 - u) / 2) * y[i] + ((1 + u) / 2) * y[i + 1] + (1 - u * u) * (p + q * u);
    return [y[i], inner(-0.5), inner(0.5), y[i + 1]];
  });
  return new PiecewisePolynomial(knots, pieces, {
    extrapolation: { left: [y[0], left], right: [y.at(-1) as number, right] },
  });
}

/** A smooth function through uneven knots. */
export function smoothSpline(
  knotCount: number,
  seed: number,
  gap: (r: Random) => number,
  boundary: "natural" | "clamped" | "not-a-knot" = "natural",
  from = 0,
): PiecewisePolynomial {
  const knots = increasing(knotCount, random(seed, { stream: 2 }), gap, from);
  const range = knots[knots.length - 1] - from;
  const y = knots.map((x) => 2 + Math.sin((9 * (x - from)) / range));
  return interpolateCubic(knots, y, { boundary });
}

/** Values that float32 finds hard: 1 or −1 at every knot, by lot unless said otherwise, so that slopes alternate and have to cancel. */
export function jaggedSpline(
  knotCount: number,
  seed: number,
  gap: (r: Random) => number,
  { from = 0, value = (_, sign) => sign }: { from?: number; value?: (i: number, sign: number) => number } = {},
): PiecewisePolynomial {
  const r = random(seed, { stream: 4 });
  const knots = increasing(knotCount, r, gap, from);
  const y = knots.map((_, i) => value(i, r.number() < 0.5 ? -1 : 1));
  return interpolateCubic(knots, y, { boundary: "natural" });
}

function increasing(count: number, r: Random, gap: (r: Random) => number, from: number): number[] {
  const knots = [from];
  while (knots.length < count) knots.push(knots[knots.length - 1] + gap(r));
  return knots;
}

/** Points inside every interval, at every knot, and up to one range beyond the ends. */
export function pointsOf(s: PiecewisePolynomial, count: number, seed = 5): number[] {
  const r = random(seed, { stream: 3 });
  const knots = Array.from(s.breakpoints);
  const range = knots[knots.length - 1] - knots[0];
  const every = Math.max(1, Math.ceil((2 * knots.length) / count));
  const points = [knots[0], knots[knots.length - 1], knots[0] - range, knots[knots.length - 1] + range];
  for (let i = 1; i < knots.length; i += every)
    points.push(knots[i], knots[i - 1] + (knots[i] - knots[i - 1]) * r.number());
  while (points.length < count) points.push(knots[0] - 0.2 * range + 1.4 * range * r.number());
  return points;
}

/** The largest value on the knots' range. */
export function largestValue(s: PiecewisePolynomial): number {
  return Math.max(...Array.from(s.values, Math.abs));
}

/** The largest slope, tails included. */
export function steepest(s: PiecewisePolynomial): number {
  const tails = [s.tails?.left[1] ?? 0, s.tails?.right[1] ?? 0];
  return Math.max(...Array.from(s.derivative().values, Math.abs), ...tails.map(Math.abs));
}

/** The distance of a network from the spline at one point, and what it is relative to. */
export interface Miss {
  readonly x: number;
  readonly error: number;
  /** The spline's largest value on the knots' range, and outside that plus the way times its largest slope. */
  readonly size: number;
}

/** How far a compiled network is from s at these points, each rounded to what the device stores. */
export function misses<I extends string, C, P>(
  network: Network<I, C, P>,
  s: PiecewisePolynomial,
  points: readonly number[],
  on: SynchronousDevice,
): Miss[] {
  const rounded = Float64Array.from(points, on.dtype === "float32" ? Math.fround : (v) => v);
  const y = on.read(forward(network, tensor(rounded, [rounded.length, 1, 1]), { on })).data;
  const [from, to] = [s.breakpoints[0], s.breakpoints[s.breakpoints.length - 1]];
  const [value, slope] = [largestValue(s), steepest(s)];
  return Array.from(rounded, (x, i) => ({
    x,
    error: Math.abs(y[i] - s.evaluate(x)),
    size: value + slope * Math.max(from - x, x - to, 0),
  }));
}

/** The largest error relative to the spline's size; NaN if any is. */
export function relativeError<I extends string, C, P>(
  network: Network<I, C, P>,
  s: PiecewisePolynomial,
  points: readonly number[],
  on: SynchronousDevice,
): number {
  return Math.max(...misses(network, s, points, on).map(({ error, size }) => error / size));
}
