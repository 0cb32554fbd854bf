/**
 * @file What a reader has done to the figure: knots moved, weights moved, a sharpness chosen. Plain data; a change gives
 * a new state, and everything on the screen follows from it.
 */
import { knotsOf, type Point, type Series } from "./series.ts";

/** What dragging moves: the points that the spline goes through, or the key biases of the compiled network. */
type Mode = "knots" | "weights";

export interface FigureState {
  readonly mode: Mode;
  readonly knots: readonly Point[];
  /** For heads whose key bias was moved: by how much the zero of the key moved, in x. */
  readonly shifts: ReadonlyMap<number, number>;
  /** β of softplus. */
  readonly beta: number;
}

/** The part of the plane that is drawn, and the line on which the network is read. */
export interface View {
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
}

/** β from 1/8 to 512, by its logarithm to the base 2. */
export const sharpness = { least: -3, most: 9, step: 0.25, initial: -1 } as const;

/** The figure before anybody touched it. */
export function initialState(series: Series): FigureState {
  return { mode: "knots", knots: knotsOf(series), shifts: new Map(), beta: betaAt(sharpness.initial) };
}

/** Some room around the points: 1/60 of their width (a year, of sixty) and a sixth of their height. */
export function viewOf(points: readonly Point[]): View {
  const [from, to] = [points[0][0], points[points.length - 1][0]];
  const ys = points.map(([, y]) => y);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const [beside, above] = [(to - from) / 60, (high - low || Math.abs(high) || 1) / 6];
  return { from: from - beside, to: to + beside, low: low - above, high: high + above };
}

/** A knot at another place: between its neighbours, in the view, and rounded to what a screen shows. */
export function moveKnot(state: FigureState, view: View, index: number, [x, y]: Point): FigureState {
  const { knots } = state;
  const gap = (view.to - view.from) / 200;
  const least = index > 0 ? knots[index - 1][0] + gap : view.from + gap;
  const most = index < knots.length - 1 ? knots[index + 1][0] - gap : view.to - gap;
  const moved: Point = [
    clamp(rounded(x, view.to - view.from), least, most),
    clamp(rounded(y, view.high - view.low), view.low, view.high),
  ];
  return { ...state, knots: knots.map((knot, i) => (i === index ? moved : knot)) };
}

/** The key bias of a head changed so that the key is zero at x, which stays in the view. Head i's key is zero at knot i + 1. */
export function moveKeyZero(state: FigureState, view: View, head: number, x: number): FigureState {
  const knot = state.knots[head + 1][0];
  const width = view.to - view.from;
  const shift = rounded(clamp(x, view.from + width / 200, view.to - width / 200) - knot, width);
  const shifts = new Map(state.shifts);
  if (shift === 0) shifts.delete(head);
  else shifts.set(head, shift);
  return { ...state, shifts };
}

/** Where the keys of all heads are zero. */
export const keyZeros = ({ knots, shifts }: FigureState): number[] =>
  knots.slice(1).map(([x], head) => x + (shifts.get(head) ?? 0));

/** β of a place on the slider, three digits of it. */
export const betaAt = (place: number): number => Number((2 ** place).toPrecision(3));

/** The place of β on the slider. */
export const placeOf = (beta: number): number => Math.log2(beta);

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

/** To a power of ten, a ten-thousandth of the range or less: less than a pixel, and short in an address. */
function rounded(value: number, range: number): number {
  const digits = 4 - Math.floor(Math.log10(range));
  return digits >= 0 ? Number(value.toFixed(Math.min(digits, 100))) : Math.round(value);
}
