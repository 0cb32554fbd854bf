/** @file What the demo found, as plain data: the text, the page and `--json` all say this and nothing else. */

/** A sentence that was checked: it holds if `measured` is at most `allowed`. */
export interface Claim {
  readonly claim: string;
  /** A distance, or the number of cases that are otherwise. */
  readonly measured: number;
  readonly allowed: number;
  readonly holds: boolean;
}

/** The network run on one kind of number, next to the spline. */
export interface Run {
  readonly dtype: "float64" | "float32";
  /** Number of points: in every piece and far outside. */
  readonly points: number;
  /** The largest |network − spline|, relative to the spline's size; beyond the ends, plus the way times its largest slope. */
  readonly relative: number;
  /** The largest |network − spline| between the first and the last knot, in units of y. */
  readonly absolute: number;
}

/** The network run on gpu.js: by which backend and why, or why not. */
export type GpuRun = (Run & { readonly backend: string; readonly reason: string }) | { readonly missing: string };

/** A breakpoint read from the weights, next to the knot nearest to it. */
export interface FoundBreakpoint {
  /** Counted from 1. */
  readonly knot: number;
  readonly expected: number;
  readonly found: number;
  readonly difference: number;
  /** The heads and hidden units that switch there, counted from 1. */
  readonly heads: readonly number[];
  readonly units: readonly number[];
  /** Of the piece on the left and the piece on the right. */
  readonly degrees: readonly [left: number, right: number];
  /** The order of continuity, measured: 2 is C². */
  readonly smoothness: number;
}

/** The network with softplus for ReLU. */
export interface Smoothing {
  /** The sharpness β. */
  readonly beta: number;
  /** The largest |smoothed − spline| between the first and the last knot, in units of y. */
  readonly largest: number;
  /** The proven bound, at the place where it is largest. */
  readonly bound: number;
  /** The largest quotient of the two at one place, less what rounding explains; the bound holds if it is at most 1. */
  readonly ratio: number;
}

export interface DemoReport {
  readonly data: {
    /** How people call the series, and y with its unit. */
    readonly title: string;
    readonly label: string;
    /** Whose data it is, and under which licence, where that must be said. */
    readonly credit?: string;
    readonly file: string;
    readonly x: string;
    readonly y: string;
    readonly unit: "year" | "number";
    readonly rows: number;
    readonly from: number;
    readonly to: number;
  };
  readonly spline: {
    readonly knots: readonly number[];
    readonly values: readonly number[];
    /** Of the pieces, the two tails first and last. */
    readonly degrees: readonly number[];
    /** At every knot; infinite where both sides are one polynomial (null in JSON). */
    readonly smoothness: readonly number[];
    /** The largest |s| at nodes between the first and the last knot. */
    readonly size: number;
    /** The largest |s′|, times the way from the first knot to the last, over the size. */
    readonly steepness: number;
    /** Root mean square of data − spline over all rows. */
    readonly rms: number;
  };
  readonly network: {
    readonly heads: number;
    readonly headWidth: number;
    readonly hidden: number;
    readonly width: number;
    readonly parameters: number;
    /** By the rules of composition. */
    readonly degree: number;
  };
  readonly runs: readonly Run[];
  readonly gpu: GpuRun;
  readonly line: { readonly from: number; readonly to: number };
  readonly breakpoints: readonly FoundBreakpoint[];
  /** Of the pieces between them, the two ends of the line included, measured. */
  readonly degrees: readonly number[];
  /** What the spline's own numbers tell of its degrees and smoothness if the reading's noise is added to them, twice for good measure. */
  readonly tellable: { readonly degrees: readonly number[]; readonly smoothness: readonly number[] };
  /** How many units could not be decided somewhere, and the noise floor of the reading, in units of y. */
  readonly undecided: number;
  readonly noise: number;
  /** The largest that |curve − spline| can be anywhere on the line, by their coefficients, relative to the spline's largest value there. */
  readonly distance: number;
  readonly smoothing: readonly Smoothing[];
  readonly claims: readonly Claim[];
  readonly files: { readonly weights: string; readonly picture: string };
}
