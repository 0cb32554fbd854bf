/**
 * @file How smooth a piecewise polynomial is at its breakpoints, measured on its numbers and nothing else.
 *
 * Letters: n the degree, h the length of a piece, S = Σ|c_k| its size, D_k the k-th derivative at the breakpoint.
 */
import { checkOptions, refusal } from "./check.ts";
import { type Pieces, taylor, type Unit } from "./segments.ts";

/** How `smoothness` measures. */
export interface SmoothnessOptions {
  /** Relative error that the pieces' values may have. Default 2⁻⁴⁰ ≈ 9e-13, the accuracy asked of every spline in this project. */
  readonly tolerance?: number;
  /** "interior": x₁ … x_{K−1}. "all": x₀ and x_K too, against the continuation beyond them. Default "interior". */
  readonly at?: "interior" | "all";
}

/**
 * At each breakpoint the largest k such that derivatives 0 … k agree on both sides:
 * −1 a jump, 0 continuous (C⁰), 1 C¹, …, Infinity if both sides are the same polynomial.
 *
 * D_k agrees if the two sides differ by no more than an error of relative size `tolerance` in the pieces' values, or of their
 * `noise` if that is more, can explain: by Markov's inequality, max(tolerance · S, noise) · T_n⁽ᵏ⁾(1) · (2/h)ᵏ, summed over both
 * sides. So it is invariant under scaling of t and of the values.
 */
export function measureSmoothness(s: Pieces, options: SmoothnessOptions): number[] {
  const name = "smoothness";
  checkOptions(name, options, ["tolerance", "at"]);
  const { tolerance = 2 ** -40, at = "interior" } = options;
  if (!(tolerance > 0 && tolerance < 1)) throw refusal(name, "tolerance in (0, 1)", tolerance);
  if (at !== "interior" && at !== "all") throw refusal(name, 'at "interior" or "all"', at);
  if (at === "all" && s.extrapolation === "none")
    throw refusal(name, 'a continuation beyond the ends for at "all"', s.extrapolation);
  const { breakpoints, degree, values } = s;
  const last = breakpoints.length - 1;
  const out: number[] = [];
  for (let i = 0; i <= last; i++) {
    if ((i === 0 || i === last) && at === "interior") continue;
    const before = Math.max(i - 1, 0);
    const after = Math.min(i, last - 1);
    const length = Math.min(breakpoints[before + 1] - breakpoints[before], breakpoints[after + 1] - breakpoints[after]);
    let size = 0;
    for (let k = before * (degree + 1); k < (after + 1) * (degree + 1); k++) size = Math.max(size, Math.abs(values[k]));
    const unit = { length: powerOfTwo(length), size: powerOfTwo(size) };
    const measure = { unit, tolerance };
    const left = i > 0 ? jet(s, i - 1, "to", measure) : beyond(s, "left", measure);
    const right = i < last ? jet(s, i, "from", measure) : beyond(s, "right", measure);
    out.push(agreement(left, right));
  }
  return out;
}

/** A power of two near x > 0; 1 for 0. Dividing by it rounds nothing, and what is divided is near 1. */
const powerOfTwo = (x: number): number => (x > 0 ? 2 ** Math.floor(Math.log2(x)) : 1);

interface Measure {
  readonly unit: Unit;
  readonly tolerance: number;
}

/** Taylor coefficients at a breakpoint in its own units, and what the error of the values may do to each. */
interface Jet {
  readonly value: readonly number[];
  readonly error: readonly number[];
}

function jet(s: Pieces, i: number, end: "from" | "to", { unit, tolerance }: Measure): Jet {
  const n = s.degree;
  let size = 0;
  for (let k = 0; k <= n; k++) size += Math.abs(s.chebyshevCoefficients[i * (n + 1) + k] / unit.size);
  const perUnit = 2 * (unit.length / (s.breakpoints[i + 1] - s.breakpoints[i]));
  const error = [Math.max(tolerance * size, s.noise[i] / unit.size)];
  // T_n⁽ᵏ⁾(1) = Π_{j<k} (n² − j²)/(2j + 1), over k! for Taylor coefficients
  for (let k = 1; k <= n; k++) error.push((error[k - 1] * (n * n - (k - 1) ** 2) * perUnit) / ((2 * k - 1) * k));
  return { value: taylor(s, i, end, unit), error };
}

function beyond(s: Pieces, end: "left" | "right", measure: Measure): Jet {
  const last = s.breakpoints.length - 1;
  if (s.extrapolation === "periodic")
    return end === "left" ? jet(s, last - 1, "to", measure) : jet(s, 0, "from", measure);
  if (s.extrapolation === "polynomial")
    return end === "left" ? jet(s, 0, "from", measure) : jet(s, last - 1, "to", measure);
  const { unit } = measure;
  const value = (s.tails?.[end] ?? []).map((a, k) => {
    let scaled = a;
    for (let j = 0; j < k; j++) scaled *= unit.length;
    return scaled / unit.size;
  });
  return { value, error: [] };
}

function agreement(left: Jet, right: Jet): number {
  const orders = Math.max(left.value.length, right.value.length);
  for (let k = 0; k < orders; k++) {
    const jump = Math.abs((left.value[k] ?? 0) - (right.value[k] ?? 0));
    if (!(jump <= (left.error[k] ?? 0) + (right.error[k] ?? 0))) return k - 1;
  }
  return Number.POSITIVE_INFINITY;
}
