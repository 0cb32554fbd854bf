/**
 * @file From knots to a network, and from the network back to a curve: fitted, compiled, a weight moved, restricted to a
 * line. Letters: x the place on the axis, t ∈ [0, 1] the place on the line that is read.
 */
import { type Cause, restrictToLine } from "@splineformer/analysis";
import { encoderFromSpline } from "@splineformer/compiler";
import { interpolateCubic, type PiecewisePolynomial } from "@splineformer/spline";
import { parametersOf, type SynchronousDevice, tensor, withParameters } from "@splineformer/tensor";
import type { Encoder } from "@splineformer/transformer";
import type { FigureState, View } from "./state.ts";

/** The natural cubic spline through the knots, straight beyond them. */
export function fit({ knots }: Pick<FigureState, "knots">): PiecewisePolynomial {
  return interpolateCubic(
    knots.map(([x]) => x),
    knots.map(([, y]) => y),
    { boundary: "natural", extrapolation: "linear" },
  );
}

/** The spline as an encoder block, and then every moved key bias set. */
export function compile(
  s: PiecewisePolynomial,
  { shifts }: Pick<FigureState, "shifts">,
  dtype: "float32" | "float64" = "float64",
): Encoder {
  const network = encoderFromSpline(s, { form: "block", dtype });
  if (shifts.size === 0) return network;
  const zeros = keyZerosOf(network);
  const biases = keyBiasesOf(network);
  for (const [head, shift] of shifts) biases[head] = biasFor(network, head, zeros[head] + shift);
  return withParameters(network, { [keyBias]: tensor(biases, { dtype }) });
}

const keyBias = "blocks.0.attention.key.bias";

/** The key biases, by head. */
export const keyBiasesOf = (network: Encoder): number[] => Array.from(parametersOf(network)[keyBias].data);

/** Where each head's key is zero: −bias/weight, as an x. */
export function keyZerosOf(network: Encoder): number[] {
  const { slope, constant } = mapIn(network);
  return keyBiasesOf(network).map((bias, head) => (-bias / keySlope(network, head) - constant) / slope);
}

function biasFor(network: Encoder, head: number, x: number): number {
  const { slope, constant } = mapIn(network);
  return -keySlope(network, head) * (slope * x + constant);
}

/** x ↦ slope · x + constant is what heads and units read. */
function mapIn(network: Encoder): { readonly slope: number; readonly constant: number } {
  const parameters = parametersOf(network);
  return { slope: parameters["input.weight"].data[0], constant: parameters["input.bias"].data[0] };
}

/** Channel 0 is the first row of the weight, [channels, heads]. */
const keySlope = (network: Encoder, head: number): number =>
  parametersOf(network)["blocks.0.attention.key.weight"].data[head];

/** A polynomial of degree ≤ 3 on an interval, by the heights of its Bézier polygon: a curve that SVG draws exactly. */
export interface CurvePiece {
  readonly from: number;
  readonly to: number;
  /** As measured. */
  readonly degree: number;
  readonly heights: readonly [number, number, number, number];
}

/** The second derivative at both ends; between them it is a straight line. */
export function secondDerivative({ from, to, heights: [a, b, c, d] }: CurvePiece): [start: number, stop: number] {
  const factor = 6 / (to - from) ** 2;
  return [factor * (a - 2 * b + c), factor * (b - 2 * c + d)];
}

export interface Breakpoint {
  readonly x: number;
  readonly y: number;
  /** How many derivatives are continuous here, measured; Infinity where two changes cancel. */
  readonly smoothness: number;
  readonly causes: readonly Cause[];
}

/** The pieces of a spline in the view, its tails among them. */
export function piecesOf(s: PiecewisePolynomial, { from, to }: Pick<View, "from" | "to">): CurvePiece[] {
  const slope = s.derivative();
  const ends = [from, ...s.breakpoints, to];
  return ends.slice(1).map((stop, i) => {
    return { from: ends[i], to: stop, degree: s.degree, heights: bezier(s, slope, ends[i], stop) };
  });
}

/** The Bézier polygon of a cubic: its ends, and a third of the way along each tangent. */
function bezier(
  s: PiecewisePolynomial,
  slope: PiecewisePolynomial,
  start: number,
  stop: number,
): CurvePiece["heights"] {
  const third = (stop - start) / 3;
  const [first, last] = [s.evaluate(start), s.evaluate(stop, { side: "left" })];
  return [first, first + third * slope.evaluate(start), last - third * slope.evaluate(stop, { side: "left" }), last];
}

/** A network of one variable, read back. */
export interface Reading {
  readonly pieces: readonly CurvePiece[];
  readonly breakpoints: readonly Breakpoint[];
  readonly degree: number;
  /** Units that rounding does not let decide. */
  readonly undecided: number;
  evaluate(x: ArrayLike<number>): Float64Array;
}

/** The network from one end of the view to the other: what it is, knowing nothing but its weights. */
export function readBack(network: Encoder, { from, to }: Pick<View, "from" | "to">, on: SynchronousDevice): Reading {
  const end = (x: number) => tensor([[x]], { dtype: "float64" });
  const path = restrictToLine(network, end(from), end(to), { on });
  const curve = path.coordinate(0, 0);
  const slope = curve.derivative();
  const x = (t: number): number => from + t * (to - from);
  const t = Array.from(path.breakpoints);
  const orders = curve.smoothness();
  const pieces = path.pieces.map(({ from: start, to: stop, degree }): CurvePiece => {
    return { from: x(start), to: x(stop), degree, heights: bezier(curve, slope, start, stop) };
  });
  const breakpoints = t.slice(1, -1).map((at, i): Breakpoint => {
    const causes = path.causes[i + 1];
    return { x: x(at), y: curve.evaluate(at), smoothness: orders[i], causes };
  });
  return {
    pieces,
    breakpoints,
    degree: path.degree,
    undecided: path.flat.length,
    evaluate: (xs) => curve.evaluate(Array.from(xs, (at) => Math.min(Math.max((at - from) / (to - from), 0), 1))),
  };
}
