import { restrictToLine } from "@splineformer/analysis";
import {
  evaluateAll,
  forward,
  type Given,
  graphOf,
  type Network,
  open,
  random,
  reference,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import { createEncoder, createTransformer, degree, type EncoderOptions } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";

/** Every network is at most degree 27 and float64; sizes are small primes. */
const base = { width: 6, heads: 2, headWidth: 3, hidden: 7, dtype: "float64" } as const;
const encoder = (seed: number, options: Partial<EncoderOptions>) =>
  createEncoder({ ...base, layers: 1, seed, ...options });

type Case = readonly [name: string, seeds: number, make: (seed: number) => Network];
const cases: readonly Case[] = [
  ["one block", 10, (seed) => encoder(seed, {})],
  ["two blocks", 8, (seed) => encoder(seed, { layers: 2 })],
  ["two blocks without residuals", 6, (seed) => encoder(seed, { layers: 2, residual: false })],
  ["three blocks", 3, (seed) => encoder(seed, { layers: 3 })],
  ["two causal blocks", 8, (seed) => encoder(seed, { layers: 2, attention: { mask: "causal" } })],
  ["one block of squared ReLU", 6, (seed) => encoder(seed, { attention: { activation: "squaredRelu" } })],
  ["two blocks of sparsemax", 6, (seed) => encoder(seed, { layers: 2, attention: { activation: "sparsemax" } })],
  [
    "two causal blocks of sparsemax",
    5,
    (seed) => encoder(seed, { layers: 2, attention: { activation: "sparsemax", mask: "causal" } }),
  ],
  ["an encoder–decoder", 8, (seed) => createTransformer({ ...base, layers: 1, seed })],
];

const shapes: Readonly<Record<string, readonly number[]>> = { x: [3, 6], source: [3, 6], target: [2, 6] };
const draw = (network: Network, seed: number): Record<string, Tensor> => {
  const numbers = random(seed, { stream: 1 });
  return Object.fromEntries(
    Object.keys(network.inputs).map((name) => [name, numbers.normal(shapes[name], { dtype: "float64" })]),
  );
};
const between = (from: Record<string, Tensor>, to: Record<string, Tensor>, t: number): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(from).map(([name, a]) => [
      name,
      tensor(
        Float64Array.from(a.data, (v, i) => (1 - t) * v + t * to[name].data[i]),
        a.shape,
      ),
    ]),
  );

/** Which entries of every gate are on, by direct evaluation: independent of the engine. */
function patternReader(network: Network, example: Record<string, Tensor>): (inputs: Record<string, Tensor>) => string {
  const graph = open(graphOf(network, Object.fromEntries(Object.entries(example).map(([k, v]) => [k, v.shape]))));
  const gates = graph.nodes.filter((node) => node.op === "activate" || node.op === "weigh");
  return (inputs) => {
    const values = evaluateAll(graph, reference, { inputs });
    return gates.map((node) => Array.from(values[node.id].data, (v) => (v > 0 ? 1 : 0)).join("")).join(" ");
  };
}

describe("restrictToLine on random networks", () => {
  it.each(cases)("agrees with direct evaluation, and its pieces are pieces: %s", (name, seeds, make) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const network = make(seed);
      const from = draw(network, seed);
      const to = draw(network, 1000 + seed);
      const path = restrictToLine(network, from, to);
      const numbers = random(seed, { stream: 2 });

      // against direct evaluation: 1e-12 of the largest output there
      for (let i = 0; i < 60; i++) {
        const t = numbers.number();
        const expected = forward(network, between(from, to, t) as Given<string>).data;
        const got = path.evaluate(t).data;
        const scale = Math.max(...Array.from(expected, Math.abs));
        for (let k = 0; k < got.length; k++) expect(Math.abs(got[k] - expected[k])).toBeLessThanOrEqual(1e-12 * scale);
      }

      // no pattern changes inside a piece, and one does at every breakpoint
      const patternAt = patternReader(network, from);
      let previous = "";
      path.pieces.forEach((piece) => {
        const inside = [0.07, 0.49, 0.93].map((u) =>
          patternAt(between(from, to, piece.from + u * (piece.to - piece.from))),
        );
        expect(inside[1]).toBe(inside[0]);
        expect(inside[2]).toBe(inside[0]);
        expect(inside[0]).not.toBe(previous);
        previous = inside[0];
      });
      // a breakpoint has one cause, unless a token that attends to nothing is all zeros without residuals: what reads it,
      // with no bias, then wakes up at once
      const single = path.causes.slice(1, -1).every((list) => list.length === 1);
      expect(single || name === "two blocks without residuals").toBe(true);
      // the same token's score with itself is quadratic where it dies: a touch at the very end of a piece
      for (const { from, to } of path.flat) {
        expect(name).toBe("two blocks without residuals");
        expect(to - from).toBeLessThan(1e-6);
        expect(path.breakpoints.some((t) => from <= t && t <= to)).toBe(true);
      }
      expect(path.degree).toBe(degree(network).total);
      expect(Math.max(...path.pieces.map((piece) => piece.degree))).toBeLessThanOrEqual(path.degree);
    }
  });

  it("pieces meet: the path is continuous and no smoother than the network", () => {
    const network = encoder(1, {});
    const path = restrictToLine(network, draw(network, 3).x, draw(network, 4).x);
    const curve = path.coordinate(1, 2);
    expect(curve.breakpoints.length).toBeGreaterThan(10);
    for (const order of curve.smoothness()) expect(order).toBeGreaterThanOrEqual(0);
    expect(curve.smoothness()).toContain(0);
    // read from coefficients and from node values: a rounding or two
    expect(curve.evaluate(0.3)).toBeCloseTo(path.evaluate(0.3).data[1 * 6 + 2], 14);
  });

  it("the derivative is the limit of differences inside a piece", () => {
    const network: Network = encoder(2, { layers: 2 });
    const from = draw(network, 5);
    const to = draw(network, 6);
    const path = restrictToLine(network, from, to);
    const { from: a, to: b } = path.pieces[Math.floor(path.pieces.length / 2)];
    const t = 0.5 * (a + b);
    const h = 1e-3 * (b - a);
    const above = forward(network, between(from, to, t + h) as Given<string>).data;
    const below = forward(network, between(from, to, t - h) as Given<string>).data;
    const slope = path.derivative(t).data;
    const scale = Math.max(...Array.from(slope, Math.abs));
    // central differences: h² of the piece, and rounding over h
    for (let k = 0; k < slope.length; k++)
      expect(Math.abs((above[k] - below[k]) / (2 * h) - slope[k])).toBeLessThan(1e-5 * scale);
  });

  it("a batch of lines is one path whose breakpoints are those of all of them", () => {
    const network = encoder(3, {});
    const numbers = random(11);
    const from = numbers.normal([2, 3, 6], { dtype: "float64" });
    const to = numbers.normal([2, 3, 6], { dtype: "float64" });
    const part = (x: typeof from, i: number) => tensor(x.data.slice(i * 18, (i + 1) * 18), [3, 6]);
    const both = restrictToLine(network, from, to);
    const single = [0, 1].map((i) => restrictToLine(network, part(from, i), part(to, i)));
    const all = single.flatMap((path) => [...path.breakpoints.subarray(1, -1)]).sort((a, b) => a - b);
    expect(both.breakpoints).toHaveLength(all.length + 2);
    // the same roots on other intervals: a few roundings of t
    all.forEach((t, i) => {
      expect(Math.abs(both.breakpoints[i + 1] - t)).toBeLessThan(1e-12);
    });
    expect(both.causes.flat().every((cause) => cause.batch.length === 1)).toBe(true);
  });

  it("names a cause by block, head, query and key, or token and unit", () => {
    const network = encoder(4, {});
    const causes = restrictToLine(network, draw(network, 7).x, draw(network, 8).x).causes.flat();
    const score = causes.find((cause) => cause.op === "weigh");
    const hidden = causes.find((cause) => cause.op === "activate");
    expect(Object.keys(score ?? {})).toEqual(["op", "scope", "batch", "head", "query", "key", "before", "after"]);
    expect(Object.keys(hidden ?? {})).toEqual(["op", "scope", "batch", "token", "unit", "before", "after"]);
    expect(score?.scope).toBe("block 0/attention");
    expect(hidden?.scope).toBe("block 0/feedForward");
  });

  it("refuses what is no spline, naming the place", () => {
    const soft = encoder(1, { attention: { activation: "softmax" } });
    expect(() => restrictToLine(soft, draw(soft, 1).x, draw(soft, 2).x)).toThrow(
      "restrictToLine: expected a piecewise polynomial activation, got softmax at block 0/attention",
    );
    const normed = encoder(1, { norm: "layer" });
    expect(() => restrictToLine(normed, draw(normed, 1).x, draw(normed, 2).x)).toThrow(
      "restrictToLine: expected a piecewise polynomial operation, got normalize at block 0/attention/norm",
    );
  });
});
