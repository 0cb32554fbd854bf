import {
  averageGradient,
  integratedGradients,
  integratedGradientsInSteps,
  restrictToLine,
  sumGradients,
} from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import {
  forward,
  type Nested,
  type Network,
  type Ops,
  type Pointwise,
  random,
  type Shaped,
  type Tensor,
  tensor,
  toNested,
} from "@splineformer/tensor";
import { createEncoder, createTransformer } from "@splineformer/transformer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { between, drawn, draws } from "./random-networks.ts";

const f64 = (values: Nested): Tensor => tensor(values, { dtype: "float64" });
const network = (shape: number[], run: <T extends Shaped>(ops: Ops<T>, x: T) => T): Network<"x"> => ({
  inputs: { x: shape },
  config: {},
  parameters: {},
  run: (ops, _, { x }) => run(ops, x),
});
const gate = <T extends Shaped>(ops: Ops<T>, x: T, activation: Pointwise = "relu"): T =>
  ops.activate(x, { activation, order: 0 });
const total = ({ data }: Tensor): number => Array.from(data).reduce((sum, v) => sum + Math.abs(v), 0);
const largestGap = (a: Tensor, b: Tensor): number =>
  Math.max(...Array.from(a.data, (v, k) => Math.abs(v - Number(b.data[k]))));

describe("integrated gradients of networks that are known", () => {
  it("a unit that is on for three quarters of the way gets three quarters of its slope", () => {
    // ReLU(x₁ + x₂ − 1) from 0 to (3, 1): on from t = 1/4
    const hinge = network([1, 2], (ops, x) =>
      gate(ops, ops.add(ops.matmul(x, ops.constant(f64([[1], [1]])), {}), ops.constant(f64([[-1]])))),
    );
    const found = integratedGradients(hinge, f64([[3, 1]]), { output: 0 });
    expect(toNested(found.attributions)).toEqual([[2.25, 0.75]]);
    expect(found.difference).toBe(3);
    expect(found.residual).toBe(0);
    expect(found.nodes).toBe(2);
  });

  it("every piecewise polynomial activation, from −4 to 4: the difference, since there is one input", () => {
    for (const activation of [
      "relu",
      "squaredRelu",
      "leakyRelu",
      "absolute",
      "hardSigmoid",
      "identity",
      { name: "clamp", limit: 2 },
      {
        name: "piecewise",
        knots: [0, 1],
        pieces: [
          [0, 0, 0, 1],
          [0, 2],
          [1, 0, 1],
        ],
      },
    ] as const) {
      const net = network([1], (ops, x) => gate(ops, x, activation));
      const found = integratedGradients(net, f64([4]), { baseline: f64([-4]), output: 0 });
      const difference = Number(forward(net, f64([4])).data[0]) - Number(forward(net, f64([-4])).data[0]);
      expect(found.attributions.data[0]).toBeCloseTo(difference, 13);
    }
  });

  it("sparsemax shares a change between the scores that are in its support", () => {
    // weights of (0, s): ((1 − s)/2, (1 + s)/2) while |s| < 1, then (0, 1); the second of them, from s = 0 to 4
    const pair = network([1, 2], (ops, x) =>
      ops.weigh(x, undefined, { activation: "sparsemax", mask: "none", order: 0, divide: "none" }),
    );
    const found = averageGradient(pair, f64([[0, 0]]), f64([[0, 4]]), { output: 1 });
    // ∓1/2 on a quarter of the way
    expect(toNested(found.gradient)).toEqual([[-0.125, 0.125]]);
  });

  it("a unit that is zero but for rounding counts as off", () => {
    // 0.1 x + 0.2 x − 0.3 x is not exactly zero in floating point
    const noise = network([1], (ops, x) =>
      gate(
        ops,
        ops.add(ops.add(ops.scale(x, { factor: 0.1 }), ops.scale(x, { factor: 0.2 })), ops.scale(x, { factor: -0.3 })),
      ),
    );
    const path = restrictToLine(noise, f64([0]), f64([1]));
    expect(path.flat).toHaveLength(1);
    expect(averageGradient(noise, f64([0]), f64([1]), { output: 0 }).gradient.data[0]).toBe(0);
  });

  it("values of different rank are taken point by point", () => {
    // ReLU(x + Σ_tokens x), [2, 3]: every entry counts once, and once more in each row's sum
    const ranks = network([2, 3], (ops, x) => gate(ops, ops.add(x, ops.sum(x, { axes: [-2], keep: false }))));
    const found = integratedGradients(
      ranks,
      f64([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      { output: [1, 2] },
    );
    expect(toNested(found.attributions)).toEqual([
      [0, 0, 3],
      [0, 0, 12],
    ]);
  });

  it("inputs by name give attributions by name, and one that does not move has none", () => {
    const options = { layers: 1, width: 4, heads: 2, hidden: 3, seed: 5, dtype: "float64" } as const;
    const model = createTransformer(options);
    const numbers = random(8);
    const source = numbers.normal([3, 4], { dtype: "float64" });
    const target = numbers.normal([2, 4], { dtype: "float64" });
    const found = integratedGradients(model, { source, target }, { output: [1, 2] });
    expect(Object.keys(found.attributions)).toEqual(["source", "target"]);
    expect(Math.abs(found.residual)).toBeLessThanOrEqual(
      1e-12 * (total(found.attributions.source) + total(found.attributions.target)),
    );
    const still = integratedGradients(
      model,
      { source, target },
      {
        baseline: {
          source,
          target: f64([
            [0, 0, 0, 0],
            [0, 0, 0, 0],
          ]),
        },
        output: [1, 2],
      },
    );
    expect(total(still.attributions.source)).toBe(0);
    expect(Math.abs(still.residual)).toBeLessThanOrEqual(1e-12 * total(still.attributions.target));
  });

  it("a deep network is as complete, with fewer nodes than its degree asks for", () => {
    const deep = createEncoder({
      layers: 4,
      width: 4,
      heads: 2,
      hidden: 5,
      layerScale: 0.5,
      output: 3,
      pool: "mean",
      seed: 3,
      dtype: "float64",
    });
    const x = random(9).normal([2, 4], { dtype: "float64" });
    const found = integratedGradients(deep, x, { output: 1, on: cpu64 });
    const exact = integratedGradients(deep, x, { output: 1, on: cpu64, nodes: "all", path: found.path });
    expect(found.path.degree).toBe(81);
    expect(exact.nodes).toBe(41 * found.path.pieces.length);
    expect(found.nodes).toBeLessThan(exact.nodes / 3);
    expect(Math.abs(found.residual)).toBeLessThanOrEqual(1e-12 * total(found.attributions));
    expect(largestGap(found.attributions, exact.attributions)).toBeLessThanOrEqual(1e-12 * total(exact.attributions));
  });
});

/** The classical rule with five nodes on [−1, 1]: exact up to degree 9. Abramowitz and Stegun, table 25.4. */
const fiveNodes = [-0.906179845938664, -0.5384693101056831, 0, 0.5384693101056831, 0.906179845938664];
const fiveWeights = [
  0.2369268850561891, 0.4786286704993665, 0.5688888888888889, 0.4786286704993665, 0.2369268850561891,
];

describe("integrated gradients of random networks", () => {
  it("are complete to 1e-12, and the same with all nodes", () => {
    fc.assert(
      fc.property(drawn, ({ network: net, from, to }) => {
        const found = integratedGradients(net, to, { baseline: from, output: 1, on: cpu64 });
        const exact = integratedGradients(net, to, {
          baseline: from,
          output: 1,
          on: cpu64,
          nodes: "all",
          path: found.path,
        });
        const size = total(exact.attributions);
        expect(Math.abs(exact.residual)).toBeLessThanOrEqual(1e-12 * size);
        expect(Math.abs(found.residual)).toBeLessThanOrEqual(1e-12 * size);
        expect(largestGap(found.attributions, exact.attributions)).toBeLessThanOrEqual(1e-12 * size);
        expect(found.nodes).toBeLessThanOrEqual(exact.nodes * 2);
      }),
      draws,
    );
  });

  it("agree with differences of the network itself, integrated piece by piece", () => {
    const h = 1e-5;
    fc.assert(
      fc.property(drawn, ({ network: net, from, to, classes }) => {
        const { gradient, path } = averageGradient(net, from, to, { output: 1, on: cpu64 });
        const entry = 1;
        let sum = 0;
        let steepest = 0;
        const places = path.pieces.flatMap((piece) =>
          fiveNodes.map((u) => 0.5 * (piece.from + piece.to) + 0.5 * u * (piece.to - piece.from)),
        );
        const moved = (by: number): Float64Array => {
          const points = places.flatMap((t) => {
            const { data } = between(from, to, t);
            return Array.from(data, (v, k) => (k === entry ? v + by : v));
          });
          const batch = tensor(Float64Array.from(points), [places.length, ...from.shape]);
          return Float64Array.from(forward(net, batch, { on: cpu64 }).data);
        };
        const [above, below] = [moved(h), moved(-h)];
        path.pieces.forEach((piece, i) => {
          for (let j = 0; j < 5; j++) {
            const at = (i * 5 + j) * classes + 1;
            const slope = (above[at] - below[at]) / (2 * h);
            steepest = Math.max(steepest, Math.abs(slope));
            sum += 0.5 * (piece.to - piece.from) * fiveWeights[j] * slope;
          }
        });
        // a difference over 2h straddles a kink on a part of the way in proportion to h, at each of the breakpoints
        expect(Math.abs(sum - gradient.data[entry])).toBeLessThanOrEqual(
          h * (path.pieces.length + 10) * 20 * Math.max(steepest, 1),
        );
      }),
      { ...draws, numRuns: 60 },
    );
  });
});

describe("sums of gradients", () => {
  const square = network([1], (ops, x) => ops.multiply(x, x));

  it("by hand: right ends, middles, and Gauss–Legendre, which is exact here", () => {
    const by = (rule: "right" | "midpoint" | "gauss-legendre", steps: number) =>
      sumGradients(square, f64([3]), { output: 0, steps, rule });
    // 3 · (3 + 6)/2, where the integral is 9
    expect(by("right", 2).attributions.data[0]).toBe(13.5);
    expect(by("right", 2).residual).toBe(4.5);
    expect(by("midpoint", 2).attributions.data[0]).toBe(9);
    expect(by("gauss-legendre", 1).attributions.data[0]).toBeCloseTo(9, 14);
  });

  it("tend to the exact attributions with the number of steps, on any rule", () => {
    const model = createEncoder({
      layers: 2,
      width: 4,
      heads: 2,
      hidden: 5,
      output: 3,
      pool: "mean",
      seed: 7,
      dtype: "float64",
    });
    const x = random(2).normal([3, 4], { dtype: "float64" });
    const exact = integratedGradients(model, x, { output: 2, on: cpu64 });
    for (const rule of ["right", "midpoint", "gauss-legendre"] as const) {
      const error = (steps: number): number =>
        largestGap(sumGradients(model, x, { output: 2, steps, rule, on: cpu64 }).attributions, exact.attributions);
      const [few, many] = [error(50), error(3200)];
      expect(many).toBeLessThan(few / 8);
      expect(many).toBeGreaterThan(1e-9);
      expect(sumGradients(model, x, { output: 2, steps: 3200, rule, on: cpu64 }).difference).toBe(exact.difference);
    }
  });

  it("work for smooth networks too, where the exact way is refused by name", () => {
    const smooth = network([1], (ops, x) => gate(ops, x, "softplus"));
    const found = sumGradients(smooth, f64([1]), { output: 0, steps: 20, rule: "gauss-legendre" });
    expect(found.residual).toBeCloseTo(0, 14);
    expect(() => integratedGradients(smooth, f64([1]), { output: 0 })).toThrow(
      "restrictToLine: expected a piecewise polynomial activation, got softplus",
    );
  });
});

describe("refusals", () => {
  const line = network([1, 2], (ops, x) => ops.scale(x, { factor: 2 }));
  const x = f64([[1, 2]]);

  it("name the function, what was expected and what came", () => {
    expect(() => integratedGradients(line, x, { output: 2 })).toThrow(
      "integratedGradients: expected output to name an entry of an output of shape [1, 2], as [0, 1], got 2",
    );
    // @ts-expect-error no such rule
    expect(() => integratedGradients(line, x, { output: 0, nodes: "some" })).toThrow(
      'integratedGradients: expected nodes "needed" or "all", got "some"',
    );
    // @ts-expect-error no such option
    expect(() => integratedGradients(line, x, { output: 0, steps: 50 })).toThrow(
      "integratedGradients: expected options",
    );
    expect(() => sumGradients(line, x, { output: 0, steps: 0 })).toThrow(
      "sumGradients: expected steps an integer ≥ 1, got 0",
    );
    // @ts-expect-error no such rule
    expect(() => sumGradients(line, x, { output: 0, steps: 2, rule: "left" })).toThrow('got "left"');
    expect(() => averageGradient(line, x, f64([[1, Number.NaN]]), { output: 0 })).toThrow(
      "averageGradient: expected finite",
    );
  });

  it("a path of something else is found out by its ends", () => {
    const other = restrictToLine(line, f64([[0, 0]]), f64([[5, 5]]));
    expect(() => integratedGradients(line, x, { output: 0, path: other })).toThrow(
      "integratedGradients: expected the path of this network from baseline to input, got one with output 10 at t = 1, where it is 2",
    );
  });

  it("in steps they are the same, and say how far they are", () => {
    const hinge = network([1, 2], (ops, v) => gate(ops, ops.add(v, ops.constant(f64([[-0.5, -0.25]])))));
    const steps = integratedGradientsInSteps(hinge, x, { output: 1 });
    const parts: number[] = [];
    let step = steps.next();
    for (; !step.done; step = steps.next()) parts.push(step.value);
    expect(step.value.attributions).toEqual(integratedGradients(hinge, x, { output: 1 }).attributions);
    expect(parts.at(-1)).toBe(1);
  });

  it("an aborted signal stops it between two batches", () => {
    const controller = new AbortController();
    const run = (): unknown =>
      integratedGradients(line, x, {
        output: 0,
        signal: controller.signal,
        onProgress: () => controller.abort(new Error("enough")),
        path: restrictToLine(line, f64([[0, 0]]), x),
      });
    expect(run).not.toThrow();
    expect(run).toThrow("enough");
  });
});
