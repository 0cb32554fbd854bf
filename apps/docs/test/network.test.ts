import { cpu64 } from "@splineformer/cpu";
import { reference } from "@splineformer/tensor";
import { loadSafetensors, saveSafetensors } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";
import { compile, fit, keyBiasesOf, keyZerosOf, piecesOf, readBack, secondDerivative } from "../src/figure/network.ts";
import { largestDistance, placesIn, placesOnPieces, run, smoothed } from "../src/figure/runs.ts";
import { maunaLoa } from "../src/figure/series.ts";
import { initialState, moveKeyZero, moveKnot, viewOf } from "../src/figure/state.ts";

const series = maunaLoa();
const view = viewOf(series.points);
const start = initialState(series);
const spline = fit(start);
const network = compile(spline, start);
const reading = readBack(network, view, reference);

/** Years have 2⁻⁴² between float64 neighbours; a root is a few of them off. */
const ofYears = 1e-10;
/** The network's values are sums of some 25 numbers of up to 420 ppm. */
const ofPpm = 1e-10;

describe("the network of the figure", () => {
  it("has a head for each interval and a hidden unit for each knot", () => {
    expect(network.config).toMatchObject({ layers: 1, heads: 23, headWidth: 1, hidden: 24 });
  });

  it("is read back as 23 cubics and two straight tails, C² at all 24 knots", () => {
    expect(reading.degree).toBe(3);
    expect(reading.pieces.map(({ degree }) => degree)).toEqual([1, ...Array(23).fill(3), 1]);
    expect(reading.breakpoints.map(({ smoothness }) => smoothness)).toEqual(Array(24).fill(2));
    expect(reading.undecided).toBe(0);
    for (const [i, { x, y }] of reading.breakpoints.entries()) {
      expect(Math.abs(x - start.knots[i][0])).toBeLessThan(ofYears);
      expect(Math.abs(y - start.knots[i][1])).toBeLessThan(ofPpm);
    }
  });

  it("names the two heads and the hidden unit that share a knot", () => {
    expect(reading.breakpoints[7].causes).toMatchObject([
      { op: "weigh", head: 6, before: 1, after: 0 },
      { op: "weigh", head: 7, before: 0, after: 1 },
      { op: "activate" },
    ]);
    expect(reading.breakpoints[0].causes.length).toBe(2);
  });

  it("is drawn as Bézier curves that are the polynomials themselves", () => {
    for (const { from, to, heights } of reading.pieces) {
      // by de Casteljau at thirds; the first and the last are the ends
      for (const u of [0, 1 / 3, 2 / 3, 1]) {
        const v = 1 - u;
        const [a, b, c, d] = heights;
        const height = v ** 3 * a + 3 * v * v * u * b + 3 * v * u * u * c + u ** 3 * d;
        expect(Math.abs(height - spline.evaluate(from + u * (to - from)))).toBeLessThan(ofPpm);
      }
    }
  });

  it("has the spline's own pieces, which are drawn where a weight makes it another one", () => {
    const pieces = piecesOf(spline, view);
    expect(pieces.length).toBe(reading.pieces.length);
    for (const [i, { from, to, heights }] of pieces.entries()) {
      const read = reading.pieces[i];
      expect(Math.abs(from - read.from) + Math.abs(to - read.to)).toBeLessThan(ofYears);
      expect(largestDistance(heights, read.heights)).toBeLessThan(ofPpm);
    }
  });

  it("has a second derivative that is a broken line, and zero on the tails", () => {
    const second = spline.derivative().derivative();
    for (const piece of reading.pieces) {
      const [start, stop] = secondDerivative(piece);
      // two differences of heights over the square of some three years
      expect(Math.abs(start - second.evaluate(piece.from))).toBeLessThan(6 * ofPpm);
      expect(Math.abs(stop - second.evaluate(piece.to, { side: "left" }))).toBeLessThan(6 * ofPpm);
    }
    const [first, last] = [secondDerivative(reading.pieces[0])[0], secondDerivative(reading.pieces[24])[1]];
    expect(Math.abs(first) + Math.abs(last)).toBeLessThan(6 * ofPpm);
  });

  it("follows a knot that is dragged", () => {
    const moved = moveKnot(start, view, 9, [1983, 351]);
    const found = readBack(compile(fit(moved), moved), view, cpu64);
    expect(found.breakpoints.length).toBe(24);
    expect(Math.abs(found.breakpoints[9].x - 1983)).toBeLessThan(ofYears);
    expect(Math.abs(found.breakpoints[9].y - 351)).toBeLessThan(ofPpm);
  });

  it("survives a safetensors file bit for bit", () => {
    const loaded = loadSafetensors(saveSafetensors(network));
    expect(loaded.config).toEqual(network.config);
    expect(loaded.parameters).toEqual(network.parameters);
  });
});

describe("a weight that is dragged", () => {
  const knot = start.knots[8][0];
  const moved = moveKeyZero({ ...start, mode: "weights" }, view, 7, knot + 0.75);
  const changed = compile(spline, moved);
  const found = readBack(changed, view, cpu64);

  it("is one key bias: all others stay", () => {
    const [before, after] = [keyBiasesOf(network), keyBiasesOf(changed)];
    expect(after.map((bias, head) => bias !== before[head])).toEqual(after.map((_, head) => head === 7));
    expect(Math.abs(keyZerosOf(changed)[7] - (knot + 0.75))).toBeLessThan(ofYears);
  });

  it("takes its knot along: the breakpoint splits, and each part has its causes", () => {
    expect(found.breakpoints.length).toBe(25);
    const [old, own] = found.breakpoints.slice(8, 10);
    expect(Math.abs(old.x - knot)).toBeLessThan(ofYears);
    expect(old.causes).toMatchObject([{ op: "weigh", head: 8 }, { op: "activate" }]);
    expect(Math.abs(own.x - (knot + 0.75))).toBeLessThan(ofYears);
    expect(own.causes).toMatchObject([{ op: "weigh", head: 7, before: 1, after: 0 }]);
  });

  it("breaks the curve: corners at both ends of the head's interval and at its new zero, C² everywhere else", () => {
    expect(found.breakpoints.map(({ smoothness }) => smoothness)).toEqual(
      found.breakpoints.map((_, i) => (i >= 7 && i <= 9 ? 0 : 2)),
    );
  });

  it("moves in float32 as well", () => {
    const single = compile(spline, moved, "float32");
    // 2⁻²⁴ of 2020, a few times
    expect(Math.abs(keyZerosOf(single)[7] - (knot + 0.75))).toBeLessThan(5e-4);
  });
});

describe("what is measured", () => {
  it("is where float32 rounds no input, and in every piece", () => {
    const places = placesIn(view, 257);
    expect(places.length).toBe(257);
    expect(places[0]).toBeGreaterThanOrEqual(view.from);
    expect(places[256]).toBeLessThanOrEqual(view.to);
    for (const x of places.slice(1, -1)) expect(Math.fround(x)).toBe(x);
    const on = placesOnPieces(reading.pieces, 3);
    expect(on.length).toBe(76);
    for (const { x } of reading.breakpoints) expect(on).toContain(x);
  });

  it("agrees with the curve that was read, on the CPU in float64", async () => {
    const x = placesIn(view, 101);
    expect(largestDistance(await run(network, x, cpu64), reading.evaluate(x))).toBeLessThan(ofPpm);
    expect(largestDistance([1, 5, 2], [1, 2, 4])).toBe(3);
  });

  it("keeps the smoothed network within its bound, and closer the sharper it is", () => {
    const x = placesOnPieces(reading.pieces, 8);
    const sharp = reading.evaluate(x);
    const distances = [0.25, 1, 4, 16].map((beta) => {
      const { distance, bound, values } = smoothed(network, beta, x, sharp, cpu64);
      expect(distance).toBeLessThanOrEqual(bound);
      expect(largestDistance(values, sharp)).toBe(distance);
      return distance;
    });
    for (let i = 1; i < distances.length; i++) expect(distances[i]).toBeLessThan(distances[i - 1]);
  });

  it("has a bound of (log 2)/β times a number of the weights", () => {
    const x = placesOnPieces(reading.pieces, 3);
    const sharp = reading.evaluate(x);
    const bound = (beta: number): number => smoothed(network, beta, x, sharp, cpu64).bound;
    // one rounding each
    expect(Math.abs(bound(4) / bound(1) - 1 / 4)).toBeLessThan(1e-15);
  });
});
