/**
 * @file A piecewise polynomial of one variable, on breakpoints and beyond them.
 *
 * Letters: x₀ < … < x_K the breakpoints, n the degree, p_i the polynomial on [x_i, x_{i+1}].
 * Each piece is kept as its values at the Chebyshev–Lobatto nodes of its interval, so its end values are exact and a degree of
 * 81 is as accurate as a degree of 3. It need not be continuous: `smoothness` measures what it is.
 * It is never changed; every operation gives a new one.
 */

import { chebyshevNodes, resampleMatrix, transformColumns } from "./chebyshev-grid.ts";
import { columnCoefficients, writeNodeValues } from "./chebyshev-series.ts";
import { checkChoice, checkFinite, checkIncreasing, checkNumbers, checkOptions, refusal } from "./check.ts";
import { differentiated, integral, integrated } from "./piecewise-calculus.ts";
import { type Extrema, type PiecewiseRootOptions, piecewiseExtrema, piecewiseRoots } from "./piecewise-roots.ts";
import type { Roots } from "./root-isolation.ts";
import {
  type Extrapolation,
  evaluatePiece,
  horner,
  intoPeriod,
  type Pieces,
  pieceIndex,
  type Segment,
  type Side,
  segments,
  type Tails,
  taylor,
} from "./segments.ts";
import { measureSmoothness, type SmoothnessOptions } from "./smoothness.ts";

/** What a piecewise polynomial does outside its breakpoints and at them. */
export interface PiecewiseOptions {
  /**
   * Left of x₀ and right of x_K: "none" refuses to answer (default), "constant" keeps the end value, "linear" the end value and slope,
   * "polynomial" goes on with the end pieces, "periodic" repeats with period x_K − x₀; or polynomials of their own.
   */
  readonly extrapolation?: Exclude<Extrapolation, "tails"> | Tails;
  /** Whose value `evaluate` takes at a breakpoint: of the piece on its right (default) or on its left. */
  readonly side?: Side;
  /**
   * The absolute error that rounding may have left in the values of each piece, one number a piece or one for all; default 0.
   * Known of functions that were measured. `smoothness` takes what it explains for agreement.
   */
  readonly noise?: number | ArrayLike<number>;
}

/** One piece: values at the Chebyshev–Lobatto nodes of [from, to]. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly values: Float64Array;
}

/**
 * A function that is p_i on [x_i, x_{i+1}].
 *
 * @example
 * ```ts
 * import { PiecewisePolynomial } from "@splineformer/spline";
 * const s = PiecewisePolynomial.fromCoefficients([0, 1, 3], [[0, 0, 1], [1, 2]], { extrapolation: "linear" });
 * s.evaluate([0.5, 1, 2, 4]); // [0.25, 1, 3, 7]: t² on [0, 1], then its tangent
 * s.smoothness(); // [1]
 * ```
 */
export class PiecewisePolynomial implements Pieces {
  /** x₀ … x_K. */
  readonly breakpoints: Float64Array;
  /** The largest degree of a piece. */
  readonly degree: number;
  /** [piece, node]: the values at each piece's Chebyshev–Lobatto nodes, ascending. */
  readonly values: Float64Array;
  /** [piece, k]: the same polynomials as Chebyshev coefficients of each interval's own variable. */
  readonly chebyshevCoefficients: Float64Array;
  /** How the function continues beyond the ends. */
  readonly extrapolation: Extrapolation;
  /** Whose value is taken at a breakpoint. */
  readonly side: Side;
  /** [piece]: the absolute error that the values may have. */
  readonly noise: Float64Array;
  readonly #tails: Tails | undefined;

  /**
   * From values at Chebyshev–Lobatto nodes.
   *
   * @param breakpoints - at least two, strictly increasing
   * @param values - [piece, node] in one array, or one array a piece (lower degrees are raised to the largest)
   * @param options - see `PiecewiseOptions`
   * @throws RangeError if the numbers are not finite, the lengths do not fit, or an option is unknown
   * @example
   * ```ts
   * import { PiecewisePolynomial } from "@splineformer/spline";
   * new PiecewisePolynomial([0, 2, 3], [[0, 1, 4], [4, 5]]).evaluate(0.5); // 0.25, since (0, 1, 4) at 0, 1, 2 is t²
   * ```
   */
  constructor(
    breakpoints: ArrayLike<number>,
    values: Float64Array | readonly ArrayLike<number>[],
    options: PiecewiseOptions = {},
  ) {
    const name = "PiecewisePolynomial";
    checkIncreasing(name, breakpoints, "breakpoints");
    checkOptions(name, options, ["extrapolation", "side", "noise"]);
    const { extrapolation = "none", side = "right", noise = 0 } = options;
    checkChoice(name, side, "side", ["left", "right"]);
    const count = breakpoints.length - 1;
    this.breakpoints = Float64Array.from(breakpoints);
    this.values = values instanceof Float64Array ? Float64Array.from(values) : raised(name, values, count);
    checkNumbers(name, this.values, "values");
    const nodes = this.values.length / count;
    if (!Number.isInteger(nodes) || nodes < 1)
      throw refusal(name, `values for ${count} pieces of one degree`, this.values.length);
    this.degree = nodes - 1;
    this.chebyshevCoefficients = new Float64Array(this.values.length);
    for (let i = 0; i < count; i++) {
      const part = [i * nodes, (i + 1) * nodes] as const;
      columnCoefficients(this.values.subarray(...part), 1, 0, this.chebyshevCoefficients.subarray(...part));
    }
    this.side = side;
    this.noise = noiseOf(name, noise, count);
    if (typeof extrapolation === "string") {
      checkChoice(name, extrapolation, "extrapolation", ["none", "constant", "linear", "polynomial", "periodic"]);
      this.extrapolation = extrapolation;
      if (extrapolation === "constant" || extrapolation === "linear") {
        const length = extrapolation === "linear" ? 2 : 1;
        this.#tails = {
          left: taylor(this, 0, "from").slice(0, length),
          right: taylor(this, count - 1, "to").slice(0, length),
        };
      }
    } else {
      checkOptions(name, extrapolation, ["left", "right"]);
      checkNumbers(name, extrapolation.left, "extrapolation.left");
      checkNumbers(name, extrapolation.right, "extrapolation.right");
      this.#tails = { left: Array.from(extrapolation.left), right: Array.from(extrapolation.right) };
      const longest = Math.max(this.#tails.left.length, this.#tails.right.length);
      this.extrapolation = longest <= 1 ? "constant" : longest === 2 ? "linear" : "tails";
    }
  }

  /**
   * From local powers: p_i(t) = Σ_k coefficients[i][k] · (t − x_i)^k.
   *
   * @param breakpoints - at least two, strictly increasing
   * @param coefficients - one array a piece, ascending powers (scipy's `PPoly` has them descending); lengths may differ
   * @param options - see `PiecewiseOptions`
   * @throws RangeError if the numbers are not finite, the lengths do not fit, or an option is unknown
   * @example
   * ```ts
   * import { PiecewisePolynomial } from "@splineformer/spline";
   * PiecewisePolynomial.fromCoefficients([1, 2], [[5, 0, 3]]).evaluate(2); // 8
   * ```
   */
  static fromCoefficients(
    breakpoints: ArrayLike<number>,
    coefficients: readonly ArrayLike<number>[],
    options: PiecewiseOptions = {},
  ): PiecewisePolynomial {
    const name = "PiecewisePolynomial.fromCoefficients";
    checkIncreasing(name, breakpoints, "breakpoints");
    if (!Array.isArray(coefficients)) throw refusal(name, "coefficients an array with one array a piece", coefficients);
    if (coefficients.length !== breakpoints.length - 1)
      throw refusal(name, `coefficients for ${breakpoints.length - 1} pieces`, coefficients.length);
    const values = coefficients.map((a, i) => {
      checkNumbers(name, a, `coefficients[${i}]`);
      const length = breakpoints[i + 1] - breakpoints[i];
      // (u + 1)/2 · h, exact at both ends
      return Float64Array.from(chebyshevNodes(Math.max(a.length - 1, 0)), (u) =>
        horner(a, a.length === 1 ? 0 : 0.5 * (u + 1) * length),
      );
    });
    return new PiecewisePolynomial(breakpoints, values, options);
  }

  /** The polynomials beyond the ends, powers of (t − x₀) and (t − x_K), ascending; undefined for "none" and "periodic". */
  get tails(): Tails | undefined {
    if (this.extrapolation !== "polynomial") return this.#tails;
    return { left: taylor(this, 0, "from"), right: taylor(this, this.breakpoints.length - 2, "to") };
  }

  /**
   * s(t) for one number or many.
   *
   * At a breakpoint: the value of the piece on its `side`; at x₀ from the left and x_K from the right, that of the continuation
   * (for "none" the only piece there is).
   *
   * @param t - a number, or an array of them
   * @param options - `side`: overrides the function's own
   * @returns a number, or a Float64Array of the same length
   * @throws RangeError if t is not finite, or outside the breakpoints of a function with extrapolation "none"
   * @example
   * ```ts
   * import { PiecewisePolynomial } from "@splineformer/spline";
   * const step = PiecewisePolynomial.fromCoefficients([0, 1, 2], [[5], [7]]);
   * step.evaluate([0.5, 1]); // [5, 7]
   * step.evaluate(1, { side: "left" }); // 5
   * ```
   */
  evaluate(t: number, options?: { readonly side?: Side }): number;
  evaluate(t: ArrayLike<number>, options?: { readonly side?: Side }): Float64Array;
  evaluate(t: number | ArrayLike<number>, options: { readonly side?: Side } = {}): number | Float64Array {
    checkOptions("evaluate", options, ["side"]);
    const { side = this.side } = options;
    checkChoice("evaluate", side, "side", ["left", "right"]);
    if (typeof t === "number") return this.#at(t, side, 0);
    checkNumbers("evaluate", t, "t");
    const out = new Float64Array(t.length);
    let hint = 0;
    for (let i = 0; i < out.length; i++) {
      out[i] = this.#at(t[i], side, hint);
      hint = pieceIndex(this.breakpoints, t[i], hint);
    }
    return out;
  }

  #at(point: number, side: Side, hint: number): number {
    checkFinite("evaluate", point, "t");
    const { breakpoints, extrapolation } = this;
    const last = breakpoints.length - 1;
    const start = breakpoints[0];
    const end = breakpoints[last];
    let t = point;
    if (extrapolation === "periodic") {
      t = intoPeriod(this, t);
      if (t === end && side === "right") t = start;
      else if (t === start && side === "left") t = end;
    } else if (t < start || t > end) {
      if (extrapolation === "none")
        throw refusal("evaluate", `t in [${start}, ${end}], where the function is defined`, t);
      if (extrapolation === "polynomial") return evaluatePiece(this, t < start ? 0 : last - 1, t);
    }
    const tails = this.#tails;
    if (tails && (t < start || (t === start && side === "left"))) return horner(tails.left, t - start);
    if (tails && (t > end || (t === end && side === "right"))) return horner(tails.right, t - end);
    const i = pieceIndex(breakpoints, t, hint);
    return evaluatePiece(this, side === "left" && i > 0 && t === breakpoints[i] ? i - 1 : i, t);
  }

  /**
   * The derivative of the given order, piece by piece; a jump of s itself is not seen.
   *
   * The continuation is derived too: linear tails become constant ones.
   *
   * @param order - an integer ≥ 0; default 1
   * @throws RangeError if the order is not an integer ≥ 0
   * @example
   * ```ts
   * import { PiecewisePolynomial } from "@splineformer/spline";
   * const tent = PiecewisePolynomial.fromCoefficients([0, 1, 2], [[0, 1], [1, -1]]);
   * tent.derivative().evaluate([0.5, 1.5]); // [1, -1]
   * ```
   */
  derivative(order = 1): PiecewisePolynomial {
    if (!Number.isInteger(order) || order < 0) throw refusal("derivative", "order an integer ≥ 0", order);
    const { degree, tails } = this;
    // from one more than the degree on all derivatives are 0
    const last = Math.max(degree, (tails?.left.length ?? 0) - 1, (tails?.right.length ?? 0) - 1) + 1;
    let derived: PiecewisePolynomial = this;
    for (let k = Math.min(order, last); k > 0; k--) {
      const parts = differentiated(derived, derived.#tails);
      derived = derived.#with(parts.values, parts.tails, parts.noise);
    }
    return derived;
  }

  /**
   * The continuous F with F′ = s and F(x₀) = 0, tails included.
   *
   * A periodic function has a periodic antiderivative only if its mean is zero, so that of a periodic one ends at the breakpoints ("none").
   * @example
   * ```ts
   * import { PiecewisePolynomial } from "@splineformer/spline";
   * const tent = PiecewisePolynomial.fromCoefficients([0, 1, 2], [[0, 1], [1, -1]]);
   * tent.antiderivative().evaluate([0, 1, 2]); // [0, 0.5, 1]
   * ```
   */
  antiderivative(): PiecewisePolynomial {
    const { values, tails, noise } = integrated(this, this.#tails);
    return this.extrapolation === "periodic"
      ? new PiecewisePolynomial(this.breakpoints, values, { side: this.side, noise })
      : this.#with(values, tails, noise);
  }

  /**
   * ∫_a^b s(t) dt, of either sign; exact for the pieces up to rounding, the continuation included.
   *
   * Whole periods of a periodic function are one number times a count, so their number does not matter.
   *
   * @throws RangeError if a or b is not finite, or outside the breakpoints of a function with extrapolation "none"
   * @example
   * ```ts
   * import { PiecewisePolynomial } from "@splineformer/spline";
   * const tent = PiecewisePolynomial.fromCoefficients([0, 1, 2], [[0, 1], [1, -1]]);
   * tent.integrate(0, 2); // 1
   * tent.integrate(2, 1); // -0.5
   * ```
   */
  integrate(a: number, b: number): number {
    return integral(this, a, b);
  }

  /**
   * Where s changes sign (a jump across zero included) or vanishes at a breakpoint; and `flat`, where it is too small to tell.
   *
   * Certified as `isolateRoots` is: nothing is dropped. A piece that is zero is flat. A touch without a sign change is flat.
   *
   * @param options - `from`, `to`: default the first and the last breakpoint, infinite where tails have degree ≤ 1; `tolerance`, `scale`
   * @throws RangeError if an option is unknown or the interval leaves the function's domain, or spans more than 2^17 pieces of a periodic one
   * @example
   * ```ts
   * import { PiecewisePolynomial } from "@splineformer/spline";
   * const s = PiecewisePolynomial.fromCoefficients([0, 1, 2, 3], [[-1, 4], [3, -3], [0]]);
   * s.roots(); // { roots: [0.25, 2], flat: [[2, 3]] }
   * ```
   */
  roots(options: PiecewiseRootOptions = {}): Roots {
    return piecewiseRoots(this, options);
  }

  /**
   * Local minima and maxima, ascending, from the certified sign changes of the derivative; and `flat`, where that is too small to tell.
   *
   * An end counts only where the function goes on beyond it. On a plateau `at` is the middle, and the plateau is in `flat`.
   * Meant for continuous functions: a jump of s is not looked at.
   *
   * @param options - `from`, `to`: default the first and the last breakpoint; `tolerance`, `scale`
   * @throws RangeError if an option is unknown or the interval leaves the function's domain, or spans more than 2^17 pieces of a periodic one
   * @example
   * ```ts
   * import { PiecewisePolynomial } from "@splineformer/spline";
   * const tent = PiecewisePolynomial.fromCoefficients([0, 1, 2], [[0, 1], [1, -1]]);
   * tent.extrema(); // { extrema: [{ at: 1, value: 1, kind: "maximum" }], flat: [] }
   * ```
   */
  extrema(options: PiecewiseRootOptions = {}): Extrema {
    checkOptions("extrema", options, ["from", "to", "tolerance", "scale"]);
    return piecewiseExtrema(this, this.derivative(), (t) => this.evaluate(t), options);
  }

  /**
   * The order of continuity at x₁ … x_{K−1}, measured: −1 a jump, 0 C⁰, 1 C¹, 2 C², …, Infinity if both sides are one polynomial.
   *
   * @param options - `tolerance`: relative error the values may have, default 2⁻⁴⁰; `at: "all"` adds x₀ and x_K with the continuation
   * @throws RangeError if an option is unknown
   * @example
   * ```ts
   * import { PiecewisePolynomial } from "@splineformer/spline";
   * const tent = PiecewisePolynomial.fromCoefficients([0, 1, 2], [[0, 1], [1, -1]]);
   * tent.smoothness(); // [0]
   * tent.derivative().smoothness(); // [-1]
   * ```
   */
  smoothness(options: SmoothnessOptions = {}): number[] {
    return measureSmoothness(this, options);
  }

  /** The pieces in order, as views into `values`. */
  pieces(): Piece[] {
    const { breakpoints, values, degree } = this;
    return Array.from({ length: breakpoints.length - 1 }, (_, i) => ({
      from: breakpoints[i],
      to: breakpoints[i + 1],
      values: values.subarray(i * (degree + 1), (i + 1) * (degree + 1)),
    }));
  }

  /** The pieces as local powers, the form `fromCoefficients` takes: entry [i][k] belongs to (t − x_i)^k. Good for low degrees only. */
  coefficients(): number[][] {
    return Array.from({ length: this.breakpoints.length - 1 }, (_, i) => taylor(this, i, "from"));
  }

  /** t ↦ s(t − by). */
  translate(by: number): PiecewisePolynomial {
    checkFinite("translate", by, "by");
    return this.#with(
      this.values,
      this.#tails,
      this.noise,
      this.breakpoints.map((t) => t + by),
    );
  }

  /** t ↦ factor · s(t). */
  scale(factor: number): PiecewisePolynomial {
    checkFinite("scale", factor, "factor");
    const times = (a: ArrayLike<number>) => Array.from(a, (v) => v * factor);
    const tails = this.#tails && { left: times(this.#tails.left), right: times(this.#tails.right) };
    return this.#with(
      Float64Array.from(times(this.values)),
      tails,
      this.noise.map((e) => e * Math.abs(factor)),
    );
  }

  /**
   * s on [from, to] alone, extrapolation "none".
   *
   * @throws RangeError if from < to does not hold or the interval leaves the function's domain, or spans more than 2^17 pieces of a periodic one
   * @example
   * ```ts
   * import { PiecewisePolynomial } from "@splineformer/spline";
   * const tent = PiecewisePolynomial.fromCoefficients([0, 1, 2], [[0, 1], [1, -1]]);
   * tent.restrict(0.5, 2).breakpoints; // [0.5, 1, 2]
   * ```
   */
  restrict(from: number, to: number): PiecewisePolynomial {
    if (!(from < to)) throw refusal("restrict", "from < to", [from, to]);
    const parts = segments("restrict", this, from, to);
    // a part lies in one piece, or beyond the ends
    const noise = parts.map((p) => this.noise[pieceIndex(this.breakpoints, this.#inPeriod((p.from + p.to) / 2))]);
    return new PiecewisePolynomial([from, ...parts.map((p) => p.to)], parts.map(nodeValues), {
      side: this.side,
      noise,
    });
  }

  #inPeriod(t: number): number {
    return this.extrapolation === "periodic" ? intoPeriod(this, t) : t;
  }

  /** The same kind of function from other numbers. */
  #with(
    values: Float64Array,
    tails: Tails | undefined,
    noise: Float64Array,
    breakpoints = this.breakpoints,
  ): PiecewisePolynomial {
    const extrapolation = tails ?? (this.extrapolation as Exclude<Extrapolation, "tails">);
    return new PiecewisePolynomial(breakpoints, values, { extrapolation, side: this.side, noise });
  }
}

function noiseOf(name: string, noise: number | ArrayLike<number>, count: number): Float64Array {
  if (typeof noise !== "number") checkNumbers(name, noise, "noise");
  const out = typeof noise === "number" ? new Float64Array(count).fill(noise) : Float64Array.from(noise);
  if (out.length !== count || !out.every((e) => e >= 0 && e < Number.POSITIVE_INFINITY))
    throw refusal(name, `noise of a finite number ≥ 0 for each of ${count} pieces`, noise);
  return out;
}

function nodeValues({ coefficients }: Segment): Float64Array {
  const out = new Float64Array(coefficients.length);
  writeNodeValues(coefficients, 0, coefficients.length - 1, out, 0);
  return out;
}

/** Node values of every piece in one array, raised to the largest degree. */
function raised(name: string, values: readonly ArrayLike<number>[], count: number): Float64Array {
  if (!Array.isArray(values)) throw refusal(name, "values a Float64Array or an array with one array a piece", values);
  if (values.length !== count) throw refusal(name, `values for ${count} pieces`, values.length);
  values.forEach((v, i) => {
    checkNumbers(name, v, `values[${i}]`);
    if (v.length === 0) throw refusal(name, `values[${i}] to hold at least one value`, v);
  });
  const degree = Math.max(...values.map((v) => v.length)) - 1;
  const out = new Float64Array(count * (degree + 1));
  values.forEach((v, i) => {
    const own = Float64Array.from(v);
    const target = out.subarray(i * (degree + 1), (i + 1) * (degree + 1));
    if (own.length === degree + 1) target.set(own);
    else transformColumns(resampleMatrix(own.length - 1, degree), own, 1, target);
  });
  return out;
}
