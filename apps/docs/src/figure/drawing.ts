/** @file Where things are on the screen: scales, ticks and the `d` of paths. Numbers in pixels; no elements, no colours. */
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { type CurvePiece, secondDerivative } from "./network.ts";
import type { Point, Series } from "./series.ts";
import type { View } from "./state.ts";

interface Tick {
  readonly at: number;
  readonly text: string;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** The rectangle of the curve. */
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** The strip below it, for the second derivative; its lower edge is the x axis. */
  readonly strip: { readonly top: number; readonly bottom: number };
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
  x(value: number): number;
  y(value: number): number;
  /** The point under a place on the screen. */
  point(px: number, py: number): Point;
}

/** A plot of this width: lower on a phone. */
export function drawingOf(width: number, view: View, { isYears }: Pick<Series, "isYears">): Drawing {
  const height = Math.round(Math.min(Math.max(width * 0.62, 360), 480));
  const [left, right, top] = [44, width - 14, 14];
  const strip = { top: height - 44 - 84, bottom: height - 44 };
  const bottom = strip.top - 12;
  const x = scaleLinear([view.from, view.to], [left, right]);
  const y = scaleLinear([view.low, view.high], [bottom, top]);
  const xCount = Math.max(3, Math.floor(width / 110));
  const yCount = Math.max(3, Math.floor((bottom - top) / 50));
  const xFormat = isYears ? x.tickFormat(xCount, "d") : x.tickFormat(xCount);
  const yFormat = y.tickFormat(yCount);
  return {
    width,
    height,
    left,
    right,
    top,
    bottom,
    strip,
    xTicks: x.ticks(xCount).map((at) => ({ at: x(at), text: xFormat(at) })),
    yTicks: y.ticks(yCount).map((at) => ({ at: y(at), text: yFormat(at) })),
    x,
    y,
    point: (px, py) => [x.invert(px), y.invert(py)],
  };
}

/** A piece of a cubic is one cubic Bézier curve, with its control points a third of the way: nothing is sampled. */
export function piecePath({ from, to, heights }: CurvePiece, { x, y }: Pick<Drawing, "x" | "y">): string {
  const third = (to - from) / 3;
  const at = (i: number): string => `${pixel(x(from + i * third))},${pixel(y(heights[i]))}`;
  return `M${at(0)}C${at(1)} ${at(2)} ${at(3)}`;
}

/** The second derivative of the pieces in the strip: straight lines, zero in the middle, the largest at an edge. */
export function strokesOfStrip(pieces: readonly CurvePiece[], { x, strip }: Pick<Drawing, "x" | "strip">): string[] {
  const ends = pieces.map(secondDerivative);
  const largest = Math.max(...ends.flat().map(Math.abs)) || 1;
  const y = scaleLinear([-largest, largest], [strip.bottom - 8, strip.top + 4]);
  return pieces.map(({ from, to }, i) => {
    const [start, stop] = ends[i];
    return `M${pixel(x(from))},${pixel(y(start))}L${pixel(x(to))},${pixel(y(stop))}`;
  });
}

/** A broken line through points. */
export function linePath(xs: ArrayLike<number>, ys: ArrayLike<number>, { x, y }: Pick<Drawing, "x" | "y">): string {
  const points = Array.from(xs, (at, i): [number, number] => [at, ys[i]]);
  const path = line(
    ([at]) => pixel(x(at)),
    ([, value]) => pixel(y(value)),
  ).digits(2);
  return path(points) ?? "";
}

/** Many small dots as one path: the marks are the round caps of lines without a length. */
export const dotsPath = (points: readonly Point[], { x, y }: Pick<Drawing, "x" | "y">): string =>
  points.map(([at, value]) => `M${pixel(x(at))},${pixel(y(value))}h0`).join("");

/** The place nearest to px, if it is within reach. */
export function nearest(px: number, places: readonly number[], reach: number): number | undefined {
  let found: number | undefined;
  let best = reach;
  for (const [i, place] of places.entries()) {
    const distance = Math.abs(place - px);
    if (distance <= best) [found, best] = [i, distance];
  }
  return found;
}

/** A place that is far outside stays there: browsers read pixels as float32. */
const pixel = (value: number): number => Math.round(Math.min(Math.max(value, -farOff), farOff) * 100) / 100;
const farOff = 1e9;
