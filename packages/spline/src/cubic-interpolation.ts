/**
 * @file The cubic spline through given points, C² inside, for four boundary conditions.
 *
 * Letters: points (x_i, y_i), i = 0 … K; h_i = x_{i+1} − x_i; m_i = (y_{i+1} − y_i)/h_i the chords' slopes; s_i the spline's slopes,
 * which are the unknowns. Continuity of s″ at x_i is λ_i s_{i−1} + 2 s_i + μ_i s_{i+1} = 3(λ_i m_{i−1} + μ_i m_i)
 * with λ_i = h_i/(h_{i−1} + h_i), μ_i = 1 − λ_i. Not a smoothing spline, and not monotone: it may overshoot.
 */
import { checkChoice, checkIncreasing, checkNumbers, checkOptions, refusal } from "./check.ts";
import { PiecewisePolynomial } from "./piecewise-polynomial.ts";
import type { Extrapolation } from "./segments.ts";

/** What closes the system at the ends. */
export interface CubicOptions {
  /**
   * "natural": s″ = 0 at both ends (default). "clamped": s′ as given in `slopes`. "not-a-knot": the first two pieces are one cubic, and
   * the last two. "periodic": s, s′ and s″ agree at both ends; needs y_0 = y_K.
   */
  readonly boundary?: "natural" | "clamped" | "not-a-knot" | "periodic";
  /** For "clamped": s′(x_0) and s′(x_K). Default [0, 0]. */
  readonly slopes?: readonly [left: number, right: number];
  /** Beyond the ends. Default "linear", and "periodic" for the periodic boundary. */
  readonly extrapolation?: Exclude<Extrapolation, "tails">;
}

/**
 * The cubic spline s with s(x_i) = y_i.
 *
 * Among all C² functions through the points the natural one has the least ∫ s″²; continued linearly, as it is by default,
 * it is C² on all of ℝ. "not-a-knot" reproduces cubics and is the more accurate one near the ends of smooth data.
 * scipy's `CubicSpline` has the same four conditions; its defaults are "not-a-knot" and polynomial extrapolation.
 *
 * Two points give their line (natural, not-a-knot), a cubic (clamped) or a constant (periodic); three points with "not-a-knot" their parabola.
 *
 * @param x - at least two, strictly increasing
 * @param y - as many, finite; for "periodic" the last equals the first to 4 · 2⁻⁵² of the largest (and is then set to it)
 * @param options - see `CubicOptions`
 * @throws RangeError if numbers are not finite, x is not increasing, lengths differ, or an option is unknown or out of place
 * @source de Boor, A Practical Guide to Splines, chapter IV
 * @example
 * ```ts
 * import { interpolateCubic } from "@splineformer/spline";
 * const s = interpolateCubic([0, 1, 2], [0, 1, 0]);
 * s.evaluate(0.5); // 0.6875
 * s.evaluate(-2); // -3: slope 3/2 at 0, continued linearly
 * s.smoothness({ at: "all" }); // [2, 2, 2]
 * ```
 */
export function interpolateCubic(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  options: CubicOptions = {},
): PiecewisePolynomial {
  const name = "interpolateCubic";
  checkIncreasing(name, x, "x");
  checkNumbers(name, y, "y");
  if (y.length !== x.length) throw refusal(name, `y of length ${x.length}, as x`, y.length);
  checkOptions(name, options, ["boundary", "slopes", "extrapolation"]);
  const { boundary = "natural" } = options;
  checkChoice(name, boundary, "boundary", ["natural", "clamped", "not-a-knot", "periodic"]);
  const { extrapolation = boundary === "periodic" ? "periodic" : "linear" } = options;
  checkChoice(name, extrapolation, "extrapolation", ["none", "constant", "linear", "polynomial", "periodic"]);
  if (options.slopes !== undefined) {
    if (boundary !== "clamped") throw refusal(name, 'slopes only with boundary "clamped"', boundary);
    checkNumbers(name, options.slopes, "slopes");
    if (options.slopes.length !== 2) throw refusal(name, "slopes to hold 2 numbers", options.slopes);
  }

  const values = Float64Array.from(y);
  const K = values.length - 1;
  if (boundary === "periodic") {
    let largest = 0;
    for (const v of values) largest = Math.max(largest, Math.abs(v));
    if (Math.abs(values[K] - values[0]) > 4 * 2 ** -52 * largest)
      throw refusal(name, "y to end with its first value for a periodic spline", [values[0], values[K]]);
    values[K] = values[0];
  }
  const h = new Float64Array(K);
  const m = new Float64Array(K);
  for (let i = 0; i < K; i++) {
    h[i] = x[i + 1] - x[i];
    m[i] = (values[i + 1] - values[i]) / h[i];
  }
  const slopes =
    boundary === "periodic" ? periodicSlopes(h, m) : slopesBetween(h, m, boundary, options.slopes ?? [0, 0]);
  if (!slopes.every(Number.isFinite)) throw refusal(name, "slopes that stay finite; rescale x or y", slopes);

  const ends = { left: [values[0], slopes[0]], right: [values[K], slopes[K]] };
  return new PiecewisePolynomial(x, nodeValues(h, values, slopes), {
    // the slopes themselves, not read back from the pieces
    extrapolation: extrapolation === "linear" ? ends : extrapolation,
  });
}

/** Values of the cubic Hermite pieces at the nodes u = −1, −½, ½, 1 of each interval. */
function nodeValues(h: Float64Array, y: Float64Array, s: Float64Array): Float64Array {
  const out = new Float64Array(4 * h.length);
  for (let i = 0; i < h.length; i++) {
    const rise = y[i + 1] - y[i];
    const a = s[i] * h[i] - rise;
    const b = rise - s[i + 1] * h[i];
    // chord + τ(1 − τ)(a(1 − τ) + bτ) at τ = ¼, ¾
    out[4 * i] = y[i];
    out[4 * i + 1] = y[i] + 0.25 * rise + (3 / 64) * (3 * a + b);
    out[4 * i + 2] = y[i] + 0.75 * rise + (3 / 64) * (a + 3 * b);
    out[4 * i + 3] = y[i + 1];
  }
  return out;
}

function slopesBetween(
  h: Float64Array,
  m: Float64Array,
  boundary: "natural" | "clamped" | "not-a-knot",
  ends: readonly [number, number],
): Float64Array {
  const K = h.length;
  if (boundary === "not-a-knot" && K === 1) return Float64Array.of(m[0], m[0]);
  if (boundary === "not-a-knot" && K === 2) {
    const bend = (m[1] - m[0]) / (h[0] + h[1]);
    return Float64Array.of(m[0] - h[0] * bend, m[0] + h[0] * bend, m[1] + h[1] * bend);
  }
  const lower = new Float64Array(K + 1);
  const diagonal = new Float64Array(K + 1).fill(2);
  const upper = new Float64Array(K + 1);
  const right = new Float64Array(K + 1);
  for (let i = 1; i < K; i++) {
    lower[i] = h[i] / (h[i - 1] + h[i]);
    upper[i] = h[i - 1] / (h[i - 1] + h[i]);
    right[i] = 3 * (lower[i] * m[i - 1] + upper[i] * m[i]);
  }
  if (boundary === "natural") {
    upper[0] = 1;
    right[0] = 3 * m[0];
    lower[K] = 1;
    right[K] = 3 * m[K - 1];
  } else if (boundary === "clamped") {
    diagonal[0] = 1;
    right[0] = ends[0];
    diagonal[K] = 1;
    right[K] = ends[1];
  } else {
    // s‴ continuous at x₁ and x_{K−1}, with s″ eliminated by the rows beside; elimination leaves pivots ≥ 1 there
    const first = h[1] / (h[0] + h[1]);
    diagonal[0] = first;
    upper[0] = 1;
    right[0] = (3 - first) * first * m[0] + (1 - first) ** 2 * m[1];
    const last = h[K - 2] / (h[K - 1] + h[K - 2]);
    diagonal[K] = last;
    lower[K] = 1;
    right[K] = (3 - last) * last * m[K - 1] + (1 - last) ** 2 * m[K - 2];
  }
  return solveTridiagonal(lower, diagonal, upper, right);
}

/** The cyclic system in s_0 … s_{K−1}: the last unknown is split off, and one matrix solved for two right sides. */
function periodicSlopes(h: Float64Array, m: Float64Array): Float64Array {
  const K = h.length;
  if (K === 1) return new Float64Array(2);
  const lower = new Float64Array(K);
  const upper = new Float64Array(K);
  const right = new Float64Array(K);
  for (let i = 0; i < K; i++) {
    const before = i === 0 ? K - 1 : i - 1;
    lower[i] = h[i] / (h[before] + h[i]);
    upper[i] = h[before] / (h[before] + h[i]);
    right[i] = 3 * (lower[i] * m[before] + upper[i] * m[i]);
  }
  const size = K - 1;
  const coupling = new Float64Array(size);
  coupling[0] -= lower[0];
  coupling[size - 1] -= upper[size - 1];
  const matrix = () => [lower.slice(0, size), new Float64Array(size).fill(2), upper.slice(0, size)] as const;
  const p = solveTridiagonal(...matrix(), right.slice(0, size));
  const q = solveTridiagonal(...matrix(), coupling);
  const last =
    (right[size] - lower[size] * p[size - 1] - upper[size] * p[0]) /
    (2 + lower[size] * q[size - 1] + upper[size] * q[0]);
  const out = new Float64Array(K + 1);
  for (let i = 0; i < size; i++) out[i] = p[i] + last * q[i];
  out[size] = last;
  out[K] = out[0];
  return out;
}

/** Gaussian elimination without exchange (every system here keeps its pivots ≥ 1 or given); overwrites its arguments. */
function solveTridiagonal(
  lower: Float64Array,
  diagonal: Float64Array,
  upper: Float64Array,
  right: Float64Array,
): Float64Array {
  const n = diagonal.length;
  for (let i = 1; i < n; i++) {
    const factor = lower[i] / diagonal[i - 1];
    diagonal[i] -= factor * upper[i - 1];
    right[i] -= factor * right[i - 1];
  }
  right[n - 1] /= diagonal[n - 1];
  for (let i = n - 2; i >= 0; i--) right[i] = (right[i] - upper[i] * right[i + 1]) / diagonal[i];
  return right;
}
