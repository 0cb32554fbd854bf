/** @file Whether a figure can be made of a state: asked before an address or a reader's points are shown. */
import { type CurvePiece, type Reading, secondDerivative } from "./network.ts";
import type { Smoothed } from "./runs.ts";
import { type FigureState, keyZeros, type View } from "./state.ts";

/** Float32 ends at 3.4e38, and a cubic needs room between its knots. */
const largest = 1e30;

/**
 * Knots and key zeros have to be where they can be seen, or almost: at most the width or the height of the view beyond it.
 *
 * @throws RangeError naming the first that is elsewhere
 */
export function checkPlaces(state: FigureState, view: View): void {
  const { from, to, low, high } = view;
  const wide = { least: from - (to - from), most: to + (to - from) };
  const tall = { least: low - (high - low), most: high + (high - low) };
  for (const [x, y] of state.knots) {
    if (!(Math.abs(x) <= largest && Math.abs(y) <= largest))
      throw new RangeError(`the figure: expected x and y from -${largest} to ${largest}, got ${x}, ${y}`);
    checkWithin("knot", "x", x, wide);
    checkWithin("knot", "y", y, tall);
  }
  for (const x of keyZeros(state)) checkWithin("key zero", "x", x, wide);
}

/**
 * A drawing has finite numbers only.
 *
 * @throws RangeError naming what is none
 */
export function checkNumbers(
  { pieces, breakpoints }: Pick<Reading, "pieces" | "breakpoints">,
  { values, distance, bound }: Pick<Smoothed, "values" | "distance" | "bound">,
): void {
  checkFinite("the curve", pieces.flatMap(numbersOf));
  checkFinite(
    "breakpoints",
    breakpoints.flatMap(({ x, y }) => [x, y]),
  );
  checkFinite("the smoothed curve", [...values, distance, bound]);
}

const numbersOf = (piece: CurvePiece): number[] => [piece.from, piece.to, ...piece.heights, ...secondDerivative(piece)];

function checkFinite(what: string, numbers: readonly number[]): void {
  const wrong = numbers.find((value) => !Number.isFinite(value));
  if (wrong !== undefined)
    throw new RangeError(`the figure: expected numbers that stay finite in ${what}, got ${wrong}`);
}

function checkWithin(
  what: string,
  axis: string,
  value: number,
  { least, most }: { readonly least: number; readonly most: number },
): void {
  if (!(value >= least && value <= most))
    throw new RangeError(`the figure: expected the ${axis} of a ${what} from ${least} to ${most}, got ${value}`);
}
