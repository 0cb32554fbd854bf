import {
  type Divide,
  graphDegree,
  type Ops,
  record,
  reference,
  reference32,
  type Shaped,
  type Tensor,
  tensor,
  toNested,
  UnsupportedError,
  type Weighing,
} from "@splineformer/tensor";
import { atMostTwiceRounded, float64Tolerance, relativeDifference, seeded, stackTensors } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import {
  type AarenConfig,
  type AarenParameters,
  aaren,
  createState,
  cumulativeSum,
  project,
  step,
} from "../src/index.ts";

// 11 tokens of width 7; 6 heads of width 2 in 3 groups, values of width 5
const drawn = (seed: number) => {
  const data = seeded(seed);
  const dense = (from: number, to: number) => ({
    weight: data.normal([from, to], { deviation: 1 / Math.sqrt(from) }),
    bias: data.normal([to]),
  });
  const parameters = { query: data.normal([1, 12]), key: dense(7, 6), value: dense(7, 15), output: dense(30, 3) };
  return { parameters, x: data.normal([11, 7]) };
};
const config: AarenConfig = { activation: "softmax", heads: 6, keyValueHeads: 3, scale: 0.7, divide: "none" };

const constants = <T extends Shaped>(ops: Ops<T>, p: AarenParameters<Tensor>): AarenParameters<T> => {
  const line = ({ weight, bias }: { weight: Tensor; bias?: Tensor }) => ({
    weight: ops.constant(weight),
    ...(bias && { bias: ops.constant(bias) }),
  });
  return { query: ops.constant(p.query), key: line(p.key), value: line(p.value), output: line(p.output) };
};
const activations: readonly Weighing[] = [
  "softmax",
  "relu",
  "squaredRelu",
  "softplus",
  "identity",
  { name: "sigmoid", bias: -1 },
];

describe("Aaren", () => {
  it("with ReLU and identities is a cumulative sum of max(x, 0) · x", () => {
    const one = { weight: tensor([[1]]) };
    const single = { ...config, activation: "relu", heads: 1, keyValueHeads: 1, scale: 1 } as const;
    const parameters = { query: tensor([[1]]), key: one, value: one, output: one };
    expect(toNested(aaren(reference, single, parameters, tensor([[2], [-1], [3]])))).toEqual([[4], [4], [13]]);
    expect(toNested(aaren(reference, { ...single, divide: "length" }, parameters, tensor([[2], [-1], [3]])))).toEqual([
      [4],
      [2],
      // the divisor is a factor 1/3, rounded
      [13 * (1 / 3)],
    ]);
  });

  const divisors: readonly Divide[] = ["none", "length"];
  it.each(activations)("equals the state fed token by token with its keys and values, for %j", (activation) => {
    const { parameters, x } = drawn(1);
    for (const divide of divisors) {
      const own = { ...config, activation, divide };
      const { query, ...maps } = parameters;
      const start = createState({ query, valueWidth: 5, ...own });
      const key = project(reference, x, maps.key);
      const value = project(reference, x, maps.value);
      const expected = project(reference, step(start, { key, value }).output, maps.output);
      const got = aaren(reference, own, parameters, x);
      expect(got.shape).toEqual([11, 3]);
      expect(relativeDifference(got, expected)).toBeLessThan(float64Tolerance);
    }
  });

  it("sees only what came before: later tokens change nothing", () => {
    const { parameters, x } = drawn(2);
    const changed = { ...x, data: x.data.map((v, i) => (i >= 5 * 7 ? v + 1 : v)) };
    const first = (y: Tensor): unknown => toNested(reference.slice(y, { axis: -2, from: 0, to: 5 }));
    for (const activation of activations) {
      const own = { ...config, activation };
      expect(first(aaren(reference, own, parameters, changed))).toEqual(first(aaren(reference, own, parameters, x)));
    }
  });

  it("of a batch is that of its parts, and in float32 errs at most twice as much as its formula", () => {
    const { parameters, x } = drawn(3);
    const other = seeded(4).normal([11, 7]);
    for (const activation of activations) {
      const own = { ...config, activation, divide: "length" } as const;
      const run = (ops: typeof reference, y: Tensor): Tensor =>
        aaren(ops, own, constants(ops, parameters), ops.constant(y));
      expect(run(reference, stackTensors([x, other]))).toEqual(
        stackTensors([run(reference, x), run(reference, other)]),
      );
      expect(atMostTwiceRounded(run(reference32, x), (ops) => run(ops, x)).agrees).toBe(true);
    }
  });

  const degreeOf = (activation: Weighing, layers: number) => {
    const { parameters, x } = drawn(5);
    const square = { ...parameters, output: { weight: seeded(6).normal([30, 7]) } };
    return graphDegree(
      record(
        (ops, inputs) => {
          let y = inputs.x;
          for (let layer = 0; layer < layers; layer++)
            y = aaren(ops, { ...config, activation }, constants(ops, square), y);
          return y;
        },
        { x: x.shape },
      ),
    );
  };

  it("with ReLU is a spline of degree 2, and of degree 2ᵗ in t layers", () => {
    expect([1, 2, 3].map((layers) => degreeOf("relu", layers).total)).toEqual([2, 4, 8]);
    expect(degreeOf("squaredRelu", 1)).toEqual({ x: 3, total: 3 });
  });

  it("with softmax is no spline, and says so", () => {
    expect(() => degreeOf("softmax", 1)).toThrow(
      "degree: expected a piecewise polynomial operation, got scan(softmax)",
    );
  });

  it("of one token is the map of its value", () => {
    const { parameters } = drawn(7);
    const x = seeded(8).normal([1, 7]);
    const value = project(reference, x, parameters.value);
    // each group's values serve two heads
    const repeated = [0, 0, 1, 1, 2, 2].flatMap((g) => Array.from(value.data.subarray(5 * g, 5 * g + 5)));
    const expected = project(reference, tensor([repeated], { dtype: "float64" }), parameters.output);
    expect(relativeDifference(aaren(reference, config, parameters, x), expected)).toBeLessThan(float64Tolerance);
  });

  it("refuses a query of another shape, and activations whose weights change with every token", () => {
    const { parameters, x } = drawn(9);
    expect(() => aaren(reference, config, { ...parameters, query: seeded(1).normal([12]) }, x)).toThrow(
      "aaren: expected a query [1, 6 · width > 0], got [12]",
    );
    const of =
      (more: object, own: object = parameters) =>
      () =>
        aaren(reference, { ...config, ...more }, own as never, x);
    expect(of({ heads: 0 })).toThrow("aaren: expected heads to be a whole number ≥ 1, got 0");
    expect(of({ keyValueHeads: 5 })).toThrow("aaren: expected heads to be a multiple of keyValueHeads 5, got 6");
    expect(of({ divide: "by length" })).toThrow("aaren: expected divide");
    expect(of({ scale: Number.NaN })).toThrow("aaren: expected a finite scale, got NaN");
    expect(of({ mask: "causal" })).toThrow('aaren: expected options activation, heads, keyValueHeads, scale, divide, got "mask"'); // biome-ignore format: one line
    expect(of({}, { ...parameters, key: undefined })).toThrow("aaren: expected parameters.key, got undefined");
    expect(of({}, { ...parameters, key: parameters.output })).toThrow("aaren: expected x [.., tokens, in]");
    expect(of({}, { ...parameters, output: parameters.value })).toThrow("an output of as many heads");
    expect(() => cumulativeSum(reference, tensor([1]))).toThrow("cumulativeSum: expected x [.., n, d], got [1]");
    expect(() => aaren(reference, { ...config, activation: "sparsemax" }, parameters, x)).toThrow(UnsupportedError);
  });
});

describe("the cumulative sum", () => {
  it("adds up rows, whole numbers exactly", () => {
    for (const n of [1, 2, 3, 5, 13]) {
      const x = tensor(Array.from({ length: n }, (_, i) => [i + 1, -i - 1]));
      const sums = toNested(cumulativeSum(reference, x)) as number[][];
      expect(sums).toEqual(Array.from({ length: n }, (_, i) => [((i + 1) * (i + 2)) / 2, -((i + 1) * (i + 2)) / 2]));
    }
  });
});
