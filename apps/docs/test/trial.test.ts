import { cpu64 } from "@splineformer/cpu";
import { describe, expect, it } from "vitest";
import { compile, fit, readBack } from "../src/figure/network.ts";
import { placesOnPieces, smoothed } from "../src/figure/runs.ts";
import { maunaLoa, type Point } from "../src/figure/series.ts";
import { type FigureState, initialState, moveKnot, viewOf } from "../src/figure/state.ts";
import { checkNumbers, checkPlaces } from "../src/figure/trial.ts";

const series = maunaLoa();
const view = viewOf(series.points);
const start = initialState(series);
const own = (...knots: Point[]): FigureState => ({ mode: "knots", knots, shifts: new Map(), beta: 1 });

describe("a state is tried before it is shown", () => {
  it("passes where a pointer could have made it", () => {
    expect(() => checkPlaces(start, view)).not.toThrow();
    expect(() => checkPlaces(moveKnot(start, view, 5, [0, 1e9]), view)).not.toThrow();
    const reading = readBack(compile(fit(start), start), view, cpu64);
    const x = placesOnPieces(reading.pieces);
    const smooth = smoothed(compile(fit(start), start), 1, x, reading.evaluate(x), cpu64);
    expect(() => checkNumbers(reading, smooth)).not.toThrow();
  });

  it("is refused where a knot or a key's zero is nowhere near the view", () => {
    const knots = start.knots.map((knot, i): Point => (i === 5 ? [knot[0], 1e300] : knot));
    expect(() => checkPlaces({ ...start, knots }, view)).toThrow(
      "the figure: expected x and y from -1e+30 to 1e+30, got 1972, 1e+300",
    );
    const high = start.knots.map((knot, i): Point => (i === 5 ? [knot[0], 1000] : knot));
    expect(() => checkPlaces({ ...start, knots: high }, view)).toThrow(
      /^the figure: expected the y of a knot from [\d.]+ to [\d.]+, got 1000$/,
    );
    expect(() => checkPlaces({ ...start, shifts: new Map([[7, 1e30]]) }, view)).toThrow(
      /^the figure: expected the x of a key zero from [\d.]+ to [\d.]+, got 1e\+30$/,
    );
  });

  it("is refused where a number of its own is larger than float32 can compute with", () => {
    for (const state of [own([0, 1e39], [1, 2e39]), own([0, 1e308], [1, -1e308], [2, 0]), own([-1e31, 0], [0, 1])])
      expect(() => checkPlaces(state, viewOf(state.knots))).toThrow(
        /^the figure: expected x and y from -1e\+30 to 1e\+30/,
      );
  });

  it("is refused where the drawing would have a number that is none", () => {
    const piece = { from: 0, to: 1, degree: 3, heights: [0, 1, 2, 3] } as const;
    const reading = { pieces: [piece], breakpoints: [] };
    const smooth = { values: Float64Array.of(1), distance: 0, bound: 1 };
    expect(() => checkNumbers(reading, smooth)).not.toThrow();
    const broken = { ...piece, heights: [0, 1, Number.NaN, 3] } as const;
    expect(() => checkNumbers({ ...reading, pieces: [broken] }, smooth)).toThrow(
      "the figure: expected numbers that stay finite in the curve, got NaN",
    );
    // the second derivative divides by the square of the width
    expect(() =>
      checkNumbers({ ...reading, pieces: [{ ...piece, heights: [0, 1, 0, 0], to: 1e-160 }] }, smooth),
    ).toThrow("the figure: expected numbers that stay finite in the curve, got -Infinity");
    expect(() => checkNumbers(reading, { ...smooth, bound: Number.POSITIVE_INFINITY })).toThrow(
      "the figure: expected numbers that stay finite in the smoothed curve, got Infinity",
    );
    const nowhere = { x: Number.NaN, y: 0, smoothness: 2, causes: [] };
    expect(() => checkNumbers({ ...reading, breakpoints: [nowhere] }, smooth)).toThrow(
      "the figure: expected numbers that stay finite in breakpoints, got NaN",
    );
  });
});
