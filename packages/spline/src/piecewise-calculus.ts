/**
 * @file Derivative, antiderivative and integral of a piecewise polynomial, as node values and tails of the result.
 *
 * Each piece is taken in its own variable u ∈ [−1, 1]: d/dt = (2/h) d/du and ∫ dt = (h/2) ∫ du, h the piece's length.
 */
import { antiderivativeCoefficients, derivativeCoefficients, writeNodeValues } from "./chebyshev-series.ts";
import { checkFinite } from "./check.ts";
import { intoPeriod, type Pieces, segments, type Tails } from "./segments.ts";

/** What makes up a new function on the same breakpoints. */
export interface Parts {
  readonly values: Float64Array;
  readonly tails: Tails | undefined;
  readonly noise: Float64Array;
}

/** An error too large for a number is as large as numbers go: nothing is known then. */
const finite = (error: number): number => Math.min(error, Number.MAX_VALUE);

/** s′, piece by piece. */
export function differentiated(s: Pieces, tails: Tails | undefined): Parts {
  const { breakpoints, degree } = s;
  const count = breakpoints.length - 1;
  const low = Math.max(degree - 1, 0);
  const values = new Float64Array(count * (low + 1));
  const slope = new Float64Array(low + 1);
  for (let i = 0; i < count; i++) {
    derivativeCoefficients(s.chebyshevCoefficients, slope, i * (degree + 1), degree);
    const perUnit = 2 / (breakpoints[i + 1] - breakpoints[i]);
    for (let k = 0; k <= low; k++) slope[k] *= perUnit;
    writeNodeValues(slope, 0, low, values, i * (low + 1));
  }
  const derived = (a: readonly number[]) => a.slice(1).map((c, k) => c * (k + 1));
  // by Markov's inequality
  const noise = s.noise.map((e, i) => finite((e * degree ** 2 * 2) / (breakpoints[i + 1] - breakpoints[i])));
  return { values, tails: tails && { left: derived(tails.left), right: derived(tails.right) }, noise };
}

/** The continuous F with F′ = s and F(x₀) = 0. */
export function integrated(s: Pieces, tails: Tails | undefined): Parts {
  const { breakpoints, degree } = s;
  const count = breakpoints.length - 1;
  const high = degree + 1;
  const values = new Float64Array(count * (high + 1));
  let sum = 0;
  const noise = new Float64Array(count);
  let error = 0;
  for (let i = 0; i < count; i++) {
    error = finite(error + s.noise[i] * (breakpoints[i + 1] - breakpoints[i]));
    noise[i] = error;
    const c = antiderivativeCoefficients(s.chebyshevCoefficients, i * (degree + 1), degree);
    const half = 0.5 * (breakpoints[i + 1] - breakpoints[i]);
    for (let k = 0; k <= high; k++) c[k] *= half;
    c[0] += sum;
    const first = i * (high + 1);
    writeNodeValues(c, 0, high, values, first);
    values[first] = sum; // the pieces meet to the last bit
    sum = values[first + high];
  }
  const integral = (a: readonly number[], constant: number) => [constant, ...a.map((c, k) => c / (k + 1))];
  return { values, tails: tails && { left: integral(tails.left, 0), right: integral(tails.right, sum) }, noise };
}

/** ∫_a^b s, of either sign. */
export function integral(s: Pieces, a: number, b: number): number {
  checkFinite("integrate", a, "a");
  checkFinite("integrate", b, "b");
  const between = s.extrapolation === "periodic" ? periodicIntegral : integralBetween;
  return b < a ? -between(s, b, a) : between(s, a, b);
}

/** Whole periods are one number times a count; what is left is moved into the first two periods. */
function periodicIntegral(s: Pieces, from: number, to: number): number {
  const { breakpoints } = s;
  const start = breakpoints[0];
  const end = breakpoints[breakpoints.length - 1];
  const length = to - from;
  checkFinite("integrate", length, "b - a");
  // % does not round, whatever the number of periods
  const rest = length % (end - start);
  const at = intoPeriod(s, from);
  const turns = Math.round((length - rest) / (end - start));
  return (turns && turns * integralBetween(s, start, end)) + integralBetween(s, at, at + rest);
}

/** Each part is summed by itself, so a narrow integral keeps its relative accuracy. */
function integralBetween(s: Pieces, from: number, to: number): number {
  let sum = 0;
  for (const part of segments("integrate", s, from, to)) {
    let mean = 0;
    // ∫ T_k = 2/(1 − k²) for even k, 0 for odd k
    for (let k = 0; k < part.coefficients.length; k += 2) mean += part.coefficients[k] / (1 - k * k);
    sum += (part.to - part.from) * mean;
  }
  return sum;
}
