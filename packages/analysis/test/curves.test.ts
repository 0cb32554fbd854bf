import {
  countPieces,
  explainKnots,
  type LineOptions,
  type Path,
  pieceBound,
  restrictToCurve,
  restrictToLine,
  restrictToPolyline,
} from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import { forward, graphOf, type Network, random, type Tensor, tensor } from "@splineformer/tensor";
import { createEncoder, createTransformer } from "@splineformer/transformer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawn } from "./random-networks.ts";

const hinge: Network<"x"> = {
  inputs: { x: [1] },
  config: {},
  parameters: {},
  run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
};
const scaleOf = (data: ArrayLike<number>): number => Math.max(...Array.from(data, (v) => Math.abs(v)));
/** The largest difference, relative to the largest number. */
const relativeDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]))) / scaleOf(b);
const point = (...x: number[]): Tensor => tensor(x, { dtype: "float64" });
/** Σ w_k p_k. */
const combination = (points: readonly Tensor[], weights: readonly number[]): Tensor =>
  tensor(
    Float64Array.from(points[0].data, (_, i) => points.reduce((sum, { data }, k) => sum + weights[k] * data[i], 0)),
    points[0].shape,
  );
const onPolyline = (points: readonly Tensor[], t: number): Tensor => {
  const legs = points.length - 1;
  const i = Math.min(legs - 1, Math.floor(t * legs));
  const s = t * legs - i;
  return combination([points[i], points[i + 1]], [1 - s, s]);
};
const onCubic = (points: readonly Tensor[], t: number): Tensor => {
  const s = 1 - t;
  return combination(points, [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t]);
};
const places = Array.from({ length: 23 }, (_, i) => i / 22);
/** The largest difference of a path from the network itself, and the largest output. */
function compare(path: Path, network: Network<"x">, x: (t: number) => Tensor) {
  let [difference, scale] = [0, 0];
  for (const t of places) {
    const direct = forward(network, x(t), { on: cpu64 }).data;
    const found = path.evaluate(t).data;
    for (const [k, v] of direct.entries()) {
      difference = Math.max(difference, Math.abs(found[k] - v));
      scale = Math.max(scale, Math.abs(v));
    }
  }
  return { difference, scale };
}

describe("restrictToPolyline", () => {
  it("is the network on each leg, with a breakpoint at every corner: by hand", () => {
    const path = restrictToPolyline(hinge, [point(-1), point(3), point(1), point(-3)]);
    // up through 0 at a quarter of leg 0, down through 0 at a quarter of leg 2
    const legs = [0, 1 / 12, 1 / 3, 2 / 3, 2 / 3 + 1 / 12, 1];
    expect(path.breakpoints).toHaveLength(legs.length);
    // a corner is where 3t = i, rounded once
    for (const [i, t] of legs.entries()) expect(Math.abs(path.breakpoints[i] - t)).toBeLessThanOrEqual(2 ** -53);
    expect(path.pieces.map(({ degree }) => degree)).toEqual([0, 1, 1, 1, 0]);
    expect(explainKnots(path).map(({ causes }) => causes.map(({ words }) => words))).toEqual([
      ["hidden unit 0 switches on"].map((words) => `token 0: ${words}`),
      ["leg 0 ends", "leg 1 begins"],
      ["leg 1 ends", "leg 2 begins"],
      ["token 0: hidden unit 0 switches off"],
    ]);
  });

  it("has the breakpoints that its legs have one by one, and agrees with the network everywhere", () => {
    const model = createEncoder({ layers: 2, width: 5, heads: 1, hidden: 7, dtype: "float64", seed: 3 });
    const network = model as unknown as Network<"x">;
    const numbers = random(5);
    const points = Array.from({ length: 4 }, () => numbers.normal([3, 5], { dtype: "float64" }));
    const path = restrictToPolyline(network, points, { on: cpu64 });
    const legs = points.slice(1).map((to, i) => restrictToLine(network, points[i], to, { on: cpu64 }));
    const expected = legs.flatMap(({ breakpoints }, i) =>
      Array.from(breakpoints.slice(i === 0 ? 0 : 1), (t) => (i + t) / 3),
    );
    expect(path.breakpoints).toHaveLength(expected.length);
    // the corners' rounding moves a leg's breakpoints by its size over their speed, which no unit here has below 2⁻²⁰
    expect(relativeDifference(path.breakpoints, expected)).toBeLessThanOrEqual(2 ** -32);
    expect(path.flat).toEqual([]);
    const { difference, scale } = compare(path, network, (t) => onPolyline(points, t));
    expect(difference).toBeLessThanOrEqual(1e-12 * scale);
  });

  it("with two points is the line", () => {
    const line = restrictToLine(hinge, point(-1), point(3));
    const path = restrictToPolyline(hinge, [point(-1), point(3)]);
    expect(path.breakpoints).toEqual(line.breakpoints);
    expect(path.evaluate(0.75)).toEqual(line.evaluate(0.75));
  });

  it("keeps an input that is the same at every point, and reads graphs and inputs by name", () => {
    const model = createTransformer({
      encoder: { layers: 1, width: 4, heads: 2, hidden: 5 },
      decoder: { layers: 1, width: 4, heads: 2, hidden: 5 },
      dtype: "float64",
      seed: 3,
    });
    const numbers = random(7);
    const target = numbers.normal([2, 4], { dtype: "float64" });
    const points = Array.from({ length: 3 }, () => ({ source: numbers.normal([3, 4], { dtype: "float64" }), target }));
    const path = restrictToPolyline(model, points);
    const graph = graphOf(model, { source: [3, 4], target: [2, 4] });
    expect(restrictToPolyline(graph, points).breakpoints).toEqual(path.breakpoints);
    const middle = forward(model, points[1], { on: cpu64 });
    expect(relativeDifference(path.evaluate(0.5).data, middle.data)).toBeLessThanOrEqual(1e-12);
  });

  it("goes on from a budget with the numbers of one call", () => {
    const points = [point(-1), point(3), point(1), point(-3)];
    const whole = restrictToPolyline(hinge, points);
    let path = restrictToPolyline(hinge, points, { budgetMs: 0 });
    expect(path.end).toBeLessThan(1);
    while (path.end < 1) path = restrictToPolyline(hinge, points, { budgetMs: 0, resume: path });
    expect(path.breakpoints).toEqual(whole.breakpoints);
    expect(() => restrictToPolyline(hinge, points.slice(1), { resume: path })).toThrow(
      "restrictToPolyline: expected resume to be a path of the same network and points, got one of others",
    );
  });
});

describe("restrictToCurve", () => {
  it("finds where a parabola crosses zero, and its degree: by hand", () => {
    // 16t² − 16t + 3 = (4t − 1)(4t − 3)
    const path = restrictToCurve(hinge, [point(3), point(-16), point(16)], { basis: "power" });
    expect(path.breakpoints).toEqual(Float64Array.of(0, 0.25, 0.75, 1));
    expect(path.degree).toBe(2);
    expect(path.pieces.map(({ degree }) => degree)).toEqual([2, 0, 2]);
  });

  it("says the same of a curve in both bases", () => {
    // t³ has the control points 0, 0, 0, 1
    const power = restrictToCurve(hinge, [point(-1 / 8), point(0), point(0), point(1)], { basis: "power" });
    const bernstein = restrictToCurve(
      hinge,
      [-1 / 8, -1 / 8, -1 / 8, 7 / 8].map((x) => point(x)),
    );
    expect(power.breakpoints).toEqual(Float64Array.of(0, 0.5, 1));
    expect(bernstein.breakpoints).toEqual(Float64Array.of(0, 0.5, 1));
  });

  it("agrees with the network at every place, for random networks, in both methods", () => {
    fc.assert(
      fc.property(drawn, fc.constantFrom("descend" as const, "march" as const), ({ network, from, to }, method) => {
        const numbers = random(11);
        const inner = [from, to].map(({ shape }) => numbers.normal(shape, { dtype: "float64" }));
        const points = [from, ...inner, to];
        const path = restrictToCurve(network, points, { on: cpu64, method });
        expect(path.end).toBe(1);
        // degree 3·9: the accuracy asked for up to degree 27; the noise says so where it is more
        const { difference, scale } = compare(path, network, (t) => onCubic(points, t));
        expect(difference).toBeLessThanOrEqual(Math.max(1e-12 * scale, 2 * path.noise));
      }),
      { numRuns: 40, seed: 7 },
    );
  });

  it("has the degree of the network times its own, and a bound on its pieces", () => {
    const model = createEncoder({ layers: 1, width: 4, heads: 2, hidden: 5, dtype: "float64", seed: 3 });
    const network = model as unknown as Network<"x">;
    const numbers = random(3);
    const points = Array.from({ length: 3 }, () => numbers.normal([2, 4], { dtype: "float64" }));
    const path = restrictToCurve(network, points);
    expect(path.degree).toBe(6);
    // the units of a line, each crossing zero up to twice as often
    expect(countPieces(path)).toBeLessThanOrEqual(2 * Number(pieceBound(network, points[0], points[2]).pieces));
  });
});

describe("bad curves", () => {
  const two = [point(0), point(1)];
  it.each<[string, () => unknown, string]>([
    ["one point", () => restrictToPolyline(hinge, [point(0)]), "restrictToPolyline: expected at least 2 points, got 1"],
    ["no list", () => restrictToCurve(hinge, point(0) as never), "restrictToCurve: expected at least 2 points, got"],
    [
      "another shape",
      () => restrictToCurve({ ...hinge, inputs: { x: ["n"] } } as Network<"x">, [point(0), point(0, 1)]),
      'restrictToCurve: expected points of one shape for "x", got [1] and, at point 1, [2]',
    ],
    ["NaN", () => restrictToCurve(hinge, [point(0), point(Number.NaN)]), "restrictToCurve: expected"],
    [
      "an unknown basis",
      () => restrictToCurve(hinge, two, { basis: "chebyshev" as never }),
      'restrictToCurve: expected basis "bernstein" or "power", got "chebyshev"',
    ],
    ["an unknown option", () => restrictToCurve(hinge, two, { knots: 3 } as never), "restrictToCurve: "],
    [
      "a smooth network",
      () =>
        restrictToPolyline(
          { ...hinge, run: (ops, _, { x }) => ops.activate(x, { activation: "tanh", order: 0 }) },
          two,
        ),
      "restrictToPolyline: expected a piecewise polynomial activation, got tanh",
    ],
    [
      "a path of another kind",
      () => restrictToCurve(hinge, two, { resume: restrictToPolyline(hinge, two) }),
      "restrictToCurve: expected resume to be a path of the same network and points",
    ],
    [
      "a bad option of lines",
      () => restrictToCurve(hinge, two, { budgetMs: -1 } as LineOptions),
      "restrictToCurve: expected budgetMs ≥ 0, got -1",
    ],
  ])("are refused: %s", (_, run, message) => {
    expect(run).toThrow(message);
  });
});
