/** @file Curves of the static pictures: functions sampled finely enough for a picture, and where they are drawn. */
import { scaleLinear } from "d3-scale";
import { linePath } from "../figure/drawing.ts";

export interface Panel {
  x(value: number): number;
  y(value: number): number;
}

/** A panel of 300 × 200 units, with room at its edges. */
export const panel = (xs: readonly [number, number], ys: readonly [number, number]): Panel => ({
  x: scaleLinear(xs, [14, 286]),
  y: scaleLinear(ys, [186, 14]),
});

/** y = f(x) from one x to another, as the `d` of a path. */
export function curve(f: (x: number) => number, [from, to]: readonly [number, number], on: Panel): string {
  const xs = Array.from({ length: 121 }, (_, i) => from + ((to - from) * i) / 120);
  return linePath(xs, xs.map(f), on);
}

export const relu = (z: number): number => Math.max(z, 0);
export const softplus = (z: number, beta: number): number => relu(z) + Math.log1p(Math.exp(-beta * Math.abs(z))) / beta;
