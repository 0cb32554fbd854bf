/**
 * @file A network on a line, as the exact spline it is: pieces, breakpoints, and what causes them. Plain reading of what the
 * engine found. Letters: t ∈ [0, 1] the place on the line, x(t) = from + t·(to − from).
 */
import { coefficientMatrix, evaluateColumns, PiecewisePolynomial, transformColumns } from "@splineformer/spline";
import { checkOptions, type Shape, show, sizeOf, type Tensor, tensor } from "@splineformer/tensor";
import type { Cause, FlatUnit } from "./causes.ts";
import type { Piece } from "./engine/walk.ts";

/** An interval on which the network is one polynomial in t. */
export interface PathPiece {
  readonly from: number;
  readonly to: number;
  /** The largest degree among the outputs as measured: coefficients that rounding explains do not count. */
  readonly degree: number;
  /** The output at the Chebyshev–Lobatto nodes of the interval, [nodes, …shape]. */
  readonly values: Tensor<"float64">;
  /** What rounding may have done to it, entry by entry: an estimate, some eight standard deviations. */
  readonly noise: Float64Array;
}

/** A network restricted to a line, or to the part of it that is done. */
export interface Path {
  /** How far the line is done: 1, or where `budgetMs` ran out; then `resume` computes the rest. */
  readonly end: number;
  /** 0 = t₀ < t₁ < … < t_K = end. */
  readonly breakpoints: Float64Array;
  /** The degree by the rules of composition; a piece may have less. */
  readonly degree: number;
  readonly pieces: readonly PathPiece[];
  /** For every breakpoint, each unit that switches there; none at 0 and at the end. */
  readonly causes: readonly (readonly Cause[])[];
  /** What could not be decided: units that stay within rounding of zero on a part of the line. They count as off there. */
  readonly flat: readonly FlatUnit[];
  /** The noise floor: an estimate of the largest absolute error that rounding has left in an output. */
  readonly noise: number;
  /**
   * The output at t.
   *
   * @throws RangeError if t is not in [0, end]
   */
  evaluate(t: number): Tensor<"float64">;
  /**
   * The derivative of the output by t; at a breakpoint that of the piece on the right, or on the left if asked.
   *
   * @throws RangeError if t is not in [0, end], or the derivative is too large for a number
   */
  derivative(t: number, options?: { readonly side?: "left" | "right" }): Tensor<"float64">;
  /**
   * One number of the output as a piecewise polynomial of t on [0, end], with the pieces' noise: so its `smoothness` takes for
   * agreement what rounding explains.
   *
   * @param index - the entry: token and channel, after the batch axes if there are any
   * @throws RangeError if the output has no such entry
   */
  coordinate(...index: number[]): PiecewisePolynomial;
}

/** A piece as the reader sees it. */
export const pathPiece = (piece: Piece): PathPiece => ({
  from: piece.from,
  to: piece.to,
  degree: measuredDegree(piece),
  values: piece.values,
  noise: piece.noise,
});

/** What a path is made of. */
export interface PathParts extends Pick<Path, "degree" | "pieces" | "flat"> {
  /** The output's. */
  readonly shape: Shape;
  /** Between each piece and the next. */
  readonly inner: readonly (readonly Cause[])[];
}

/** A path from its pieces. */
export function pathOf({ shape, degree, pieces, inner, flat }: PathParts): Path {
  const columns = sizeOf(shape);
  const breakpoints = Float64Array.of(pieces[0].from, ...pieces.map((piece) => piece.to));
  const end = breakpoints[pieces.length];
  let noise = 0;
  for (const piece of pieces) for (const e of piece.noise) noise = Math.max(noise, e);

  const pieceAt = (where: string, t: number, side: "left" | "right"): PathPiece => {
    if (!(typeof t === "number" && t >= 0 && t <= end))
      throw new RangeError(
        `path.${where}: expected t in [0, ${end}]${end < 1 ? ", the part that is done" : ""}, got ${show(t)}`,
      );
    let lo = 0;
    let hi = pieces.length - 1;
    while (lo < hi) {
      const middle = (lo + hi) >> 1;
      if (t < pieces[middle].to || (side === "left" && t === pieces[middle].to)) hi = middle;
      else lo = middle + 1;
    }
    return pieces[lo];
  };
  const unit = ({ from, to }: PathPiece, t: number): number =>
    Math.min(1, Math.max(-1, t === to ? 1 : (2 * (t - from)) / (to - from) - 1));

  return {
    end,
    breakpoints,
    degree,
    pieces,
    causes: [[], ...inner, []],
    flat,
    noise,
    evaluate(t) {
      const piece = pieceAt("evaluate", t, "right");
      return tensor(evaluateColumns(piece.values.data, columns, unit(piece, t)), shape);
    },
    derivative(t, options = {}) {
      checkOptions("path.derivative", options, ["side"]);
      const { side = "right" } = options;
      if (side !== "left" && side !== "right")
        throw new RangeError(`path.derivative: expected side "left" or "right", got ${show(side)}`);
      const piece = pieceAt("derivative", t, side);
      const slope = slopes(piece, columns, unit(piece, t));
      const bad = slope.find((v) => !Number.isFinite(v));
      if (bad !== undefined)
        throw new RangeError(`path.derivative: expected a derivative that is a finite number, got ${bad} at t = ${t}`);
      return tensor(slope, shape);
    },
    coordinate(...index) {
      const column = columnOf(index, shape);
      const values = pieces.map(({ values: { data } }) => {
        const own = new Float64Array(data.length / columns);
        for (let j = 0; j < own.length; j++) own[j] = data[j * columns + column];
        return own;
      });
      return new PiecewisePolynomial(breakpoints, values, { noise: pieces.map((piece) => piece.noise[column]) });
    },
  };
}

function columnOf(index: readonly number[], shape: Shape): number {
  const fits =
    index.length === shape.length && index.every((i, axis) => Number.isInteger(i) && i >= 0 && i < shape[axis]);
  if (!fits)
    throw new RangeError(`path.coordinate: expected an index of an output of shape ${show(shape)}, got ${show(index)}`);
  return index.reduce((column, i, axis) => column * shape[axis] + i, 0);
}

/** Σ c_k T_k′(u) for every column, by the recurrence of the second kind, T_k′ = k U_{k−1}; over half the length. */
function slopes({ from, to, values }: PathPiece, columns: number, u: number): Float64Array {
  const degree = values.shape[0] - 1;
  const coefficients = transformColumns(coefficientMatrix(degree), values.data, columns);
  const out = new Float64Array(columns);
  let [previous, current] = [0, 1];
  for (let k = 1; k <= degree; k++) {
    const factor = (k * current * 2) / (to - from);
    for (let c = 0; c < columns; c++) out[c] += factor * coefficients[k * columns + c];
    [previous, current] = [current, 2 * u * current - previous];
  }
  return out;
}

/** The largest k whose Chebyshev coefficient exceeds the noise in some output. */
function measuredDegree({ values, noise }: Piece): number {
  const columns = noise.length;
  const nodes = values.shape[0];
  const { data } = values;
  const matrix = coefficientMatrix(nodes - 1);
  // coefficient by coefficient, since mostly the very first one that is looked at counts
  for (let k = nodes - 1; k > 0; k--)
    for (let c = 0; c < columns; c++) {
      let coefficient = 0;
      for (let j = 0, at = c; j < nodes; j++, at += columns) coefficient += matrix[k * nodes + j] * data[at];
      if (Math.abs(coefficient) > 4 * noise[c]) return k;
    }
  return 0;
}
