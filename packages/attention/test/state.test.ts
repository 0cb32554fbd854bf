import {
  type Divide,
  reference,
  type Tensor,
  tensor,
  toNested,
  UnsupportedError,
  type Weighing,
} from "@splineformer/tensor";
import { float64Tolerance, type Matrix, naiveAttention, relativeDifference, seeded } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import {
  type AttentionState,
  aaren,
  combineSums,
  createState,
  joinStates,
  prefixScan,
  prefixScanAttention,
  step,
} from "../src/index.ts";

const untyped = (value: unknown): never => value as never;
const matrix = (x: Tensor): Matrix => toNested(x) as Matrix;
const activations: readonly Weighing[] = [
  "softmax",
  { name: "sigmoid", bias: -1.5 },
  "relu",
  "squaredRelu",
  "softplus",
  "identity",
  { name: "clamp", limit: 0.5 },
];

// 13 tokens; 6 heads of width 5 in 3 groups, values of width 7
const drawn = (seed: number) => {
  const data = seeded(seed);
  return { query: data.normal([30]), key: data.normal([13, 15]), value: data.normal([13, 21]) };
};
const shape = { heads: 6, keyValueHeads: 3, scale: 0.4 } as const;

/** Causal attention in which every query is the same one. */
const dense = (
  { query, key, value }: Readonly<Record<"query" | "key" | "value", Tensor>>,
  activation: Weighing,
  divide: Divide,
  { heads, keyValueHeads, scale }: { heads: number; keyValueHeads: number; scale: number } = shape,
): Tensor => {
  const queries = Array.from({ length: key.shape[0] }, () => Array.from(query.data));
  const options = { activation, divide, heads, keyValueHeads, scale, mask: "causal" } as const;
  return tensor(naiveAttention(queries, matrix(key), matrix(value), undefined, undefined, options), {
    dtype: "float64",
  });
};

/** One token of keys and values. */
const row = (x: Tensor, k: number): Tensor => ({
  dtype: x.dtype,
  shape: [x.shape[1]],
  data: x.data.slice(k * x.shape[1], (k + 1) * x.shape[1]),
});

/** Token by token. */
const streamed = (start: AttentionState, key: Tensor, value: Tensor) => {
  let state = start;
  const rows: number[][] = [];
  for (let k = 0; k < key.shape[0]; k++) {
    const next = step(state, { key: row(key, k), value: row(value, k) });
    state = next.state;
    rows.push(Array.from(next.output.data));
  }
  return { state, outputs: tensor(rows, { dtype: "float64" }) };
};

it("entmax of α = 1 is softmax, as a state, as a scan and as a layer", () => {
  const data = seeded(31);
  const [query, key, value] = [data.normal([3]), data.normal([7, 3]), data.normal([7, 2])];
  const one = { name: "entmax", alpha: 1 } as const;
  const soft = step(createState({ query, valueWidth: 2 }), { key, value }).output;
  expect(step(createState({ query, valueWidth: 2, activation: one }), { key, value }).output).toEqual(soft);
  expect(prefixScanAttention(query, key, value, { activation: one })).toEqual(prefixScanAttention(query, key, value));
  const map = (from: number, to: number) => ({ weight: data.normal([from, to]) });
  const layer = { query: data.normal([1, 3]), key: map(5, 3), value: map(5, 2), output: map(2, 5) };
  const config = { activation: one, heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
  const x = data.normal([7, 5]);
  expect(aaren(reference, config, layer, x)).toEqual(aaren(reference, { ...config, activation: "softmax" }, layer, x));
  expect(() => createState({ query, activation: { name: "entmax", alpha: 1.5 } })).toThrow(UnsupportedError);
});

describe("scores (1000, 1001, −1000) over values (1, 2, 3)", () => {
  // arXiv 2405.13956's recurrence by hand: 1, then (1 + 2e)/(1 + e), then the same, since e^(−2001) is 0
  const expected = [1, 1.7310585786300048, 1.7310585786300048];
  const [query, key, value] = [tensor([1]), tensor([[1000], [1001], [-1000]]), tensor([[1], [2], [3]])];

  it("average to 1, 1.7310585786300048, 1.7310585786300048, token by token and by the scan", () => {
    const { outputs } = streamed(createState({ query }), key, value);
    // one quotient of two rounded sums
    for (const got of [outputs, prefixScanAttention(query, key, value)])
      for (const [i, v] of got.data.entries()) expect(Math.abs(v - expected[i])).toBeLessThanOrEqual(2 ** -51);
  });

  it("come out wrong from e^(s − largest so far) summed up, a form that has been published", () => {
    const wrong = (scores: readonly number[], values: readonly number[]): number[] => {
      let [top, numerator, denominator] = [Number.NEGATIVE_INFINITY, 0, 0];
      return scores.map((s, i) => {
        top = Math.max(top, s);
        // what has been summed before is not rescaled when the maximum rises
        numerator += Math.exp(s - top) * values[i];
        denominator += Math.exp(s - top);
        return numerator / denominator;
      });
    };
    const right = (scores: readonly number[], values: readonly number[]): number[] =>
      Array.from(prefixScanAttention(query, tensor(scores.map((s) => [s])), tensor(values.map((v) => [v]))).data);
    expect(wrong([3, 3, 1], [1, 2, 3])).toEqual(right([3, 3, 1], [1, 2, 3]));
    expect(wrong([1000, 1001, -1000], [1, 2, 3])[1]).toBe(1.5);
    expect(Math.abs(wrong([1, 2, 3], [1, 2, 3])[2] - right([1, 2, 3], [1, 2, 3])[2])).toBeGreaterThan(0.5);
  });
});

describe("token by token", () => {
  it("ReLU attention is a running sum, divided by the tokens so far", () => {
    const start = createState({ query: tensor([1]), activation: "relu", divide: "length" });
    const { outputs, state } = streamed(start, tensor([[2], [-5], [1]]), tensor([[3], [7], [9]]));
    expect(toNested(outputs)).toEqual([[6], [3], [5]]);
    expect(state.heads).toEqual([{ maximum: 0, weight: 3, sum: [15] }]);
  });

  const divisors: readonly Divide[] = ["none", "length", { lengthPower: 0.5 }];
  it.each(activations)(
    "equals causal attention of one query, for %j, with grouped heads and every divisor",
    (activation) => {
      const given = drawn(1);
      for (const divide of divisors) {
        const expected = dense(given, activation, divide);
        const options = { ...shape, activation, divide };
        const { outputs } = streamed(
          createState({ query: given.query, valueWidth: 7, ...options }),
          given.key,
          given.value,
        );
        expect(relativeDifference(outputs, expected)).toBeLessThan(float64Tolerance);
        const scanned = prefixScanAttention(given.query, given.key, given.value, options);
        expect(scanned.shape).toEqual([13, 42]);
        expect(relativeDifference(scanned, expected)).toBeLessThan(float64Tolerance);
      }
    },
  );

  it("several tokens at a time give the same numbers as one after the other, exactly", () => {
    const { query, key, value } = drawn(2);
    const start = createState({ query, valueWidth: 7, ...shape });
    const whole = step(start, { key, value });
    const single = streamed(start, key, value);
    expect(whole.output).toEqual(single.outputs);
    expect(whole.state).toEqual(single.state);
    expect(
      step(start, { key: tensor(new Float64Array(0), [0, 15]), value: tensor(new Float64Array(0), [0, 21]) }),
    ).toEqual({
      state: start,
      output: tensor(new Float64Array(0), [0, 42]),
    });
  });

  it("keeps e + 2 numbers a head, however many tokens came, and leaves the state that came in as it was", () => {
    const { query, key, value } = drawn(3);
    const start = createState({ query, valueWidth: 7, ...shape });
    const before = JSON.stringify(start);
    const count = (state: AttentionState): number => state.heads.reduce((n, { sum }) => n + sum.length + 2, 0);
    let { state } = step(start, { key, value });
    for (let k = 0; k < 19; k++) state = step(state, { key, value }).state;
    expect([state.length, count(start), count(state)]).toEqual([260, 6 * 9, 6 * 9]);
    expect(JSON.stringify(start)).toBe(before);
  });

  it.each(activations)("goes on after being saved as JSON, for %j", (activation) => {
    const { query, key, value } = drawn(4);
    for (const tokens of [0, 5]) {
      const start = createState({ query, valueWidth: 7, activation, ...shape });
      const part = (x: Tensor, from: number, to: number) => reference.slice(x, { axis: -2, from, to });
      const { state } =
        tokens === 0 ? { state: start } : step(start, { key: part(key, 0, 5), value: part(value, 0, 5) });
      const restored = JSON.parse(JSON.stringify(state)) as AttentionState;
      expect(restored).toEqual(state);
      const rest = { key: part(key, tokens, 13), value: part(value, tokens, 13) };
      expect(step(restored, rest)).toEqual(step(state, rest));
    }
  });

  it.each([1e4, -1e4])("stays right where scores reach %d", (size) => {
    const data = seeded(5);
    const given = { query: tensor([size]), key: data.uniform([13, 1]), value: data.normal([13, 3]) };
    const one = { heads: 1, keyValueHeads: 1, scale: 1 };
    for (const activation of ["softmax", "relu", { name: "sigmoid", bias: -2 }] as const) {
      const expected = dense(given, activation, "none", one);
      const { outputs } = streamed(
        createState({ query: given.query, valueWidth: 3, activation, ...one }),
        given.key,
        given.value,
      );
      expect(outputs.data.every(Number.isFinite)).toBe(true);
      expect(relativeDifference(outputs, expected)).toBeLessThan(float64Tolerance);
    }
  });
});

describe("stretches", () => {
  it("combine in any grouping", () => {
    const data = seeded(6);
    const leaf = () => ({
      maximum: 1e3 * data.normal([1]).data[0],
      weight: 1,
      sum: Array.from(data.normal([5]).data),
    });
    for (let draw = 0; draw < 50; draw++) {
      const [a, b, c] = [leaf(), leaf(), leaf()];
      const left = combineSums(combineSums(a, b), c);
      const right = combineSums(a, combineSums(b, c));
      expect(left.maximum).toBe(right.maximum);
      // products of two rounded exponentials against one: exponents up to 5,000 are rounded to 2⁻⁴⁰
      const close = 3 * 2 ** -40;
      expect(Math.abs(left.weight / right.weight - 1)).toBeLessThanOrEqual(close);
      for (const [i, u] of left.sum.entries())
        expect(Math.abs(u - right.sum[i])).toBeLessThanOrEqual(close * left.weight * 5);
    }
  });

  it("read apart join to the state of the whole", () => {
    const { query, key, value } = drawn(7);
    const start = createState({ query, valueWidth: 7, ...shape });
    const part = (from: number, to: number) => ({
      key: reference.slice(key, { axis: -2, from, to }),
      value: reference.slice(value, { axis: -2, from, to }),
    });
    const joined = joinStates(step(start, part(0, 5)).state, step(start, part(5, 13)).state);
    const whole = step(start, part(0, 13)).state;
    expect(joined.length).toBe(13);
    for (const [i, head] of joined.heads.entries()) {
      expect(head.maximum).toBe(whole.heads[i].maximum);
      for (const [j, u] of head.sum.entries())
        expect(Math.abs(u - whole.heads[i].sum[j])).toBeLessThan(float64Tolerance * head.weight * 10);
    }
    expect(joinStates(start, whole)).toEqual(whole);
  });
});

describe("the prefix scan", () => {
  it("takes ⌈log₂ n⌉ rounds", () => {
    for (const [n, rounds] of [
      [0, 0],
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 2],
      [5, 3],
      [13, 4],
      [1000, 10],
      [1024, 10],
    ]) {
      const ones = new Array<number>(n).fill(1);
      const scan = prefixScan(ones, (a, b) => a + b);
      expect(scan).toEqual({ prefixes: ones.map((_, i) => i + 1), rounds });
    }
  });

  it("keeps the order of what it combines", () => {
    const { prefixes } = prefixScan([..."splines"], (a, b) => a + b);
    expect(prefixes.at(-1)).toBe("splines");
  });

  it("in blocks equals the scan of all, whatever the block", () => {
    const { query, key, value } = drawn(8);
    for (const activation of ["softmax", "relu"] as const) {
      const whole = prefixScanAttention(query, key, value, { ...shape, activation, divide: "length" });
      for (const block of [1, 2, 5, 13, 17]) {
        const options = { ...shape, activation, divide: "length", block } as const;
        expect(relativeDifference(prefixScanAttention(query, key, value, options), whole)).toBeLessThan(
          float64Tolerance,
        );
      }
    }
  });

  it("of no tokens is empty", () => {
    const none = (width: number) => tensor(new Float64Array(0), [0, width]);
    expect(prefixScanAttention(tensor([1]), none(1), none(3)).shape).toEqual([0, 3]);
  });
});

describe("a fixed query refuses", () => {
  it("what is no state, and what is no token", () => {
    const state = createState({ query: tensor([1]) });
    const token = { key: tensor([1]), value: tensor([1]) };
    expect(() => step(untyped(null), token)).toThrow("step: expected a state of createState, got null");
    expect(() => step(state, untyped(undefined))).toThrow("step: expected a token { key, value }, got undefined");
    expect(() => step(untyped({}), token)).toThrow(
      "step: expected a state with the config of createState, got undefined",
    );
    for (const broken of [{ heads: [] }, { heads: [{ maximum: 0, weight: 1, sum: [1, 2] }] }])
      expect(() => step({ ...state, ...broken }, token)).toThrow(
        "step: expected a state with 1 running sums of width 1",
      );
    expect(() => step({ ...state, length: untyped("x") }, token)).toThrow(
      'step: expected the state\'s length to be a whole number ≥ 0, got "x"',
    );
    expect(() => joinStates(state, untyped({}))).toThrow("joinStates: expected a state with the config of createState");
    expect(() => step(state, untyped({ key: token.key }))).toThrow("step: expected a key and a value that are tensors");
  });

  const query = tensor([1, 2]);
  const key = tensor([[1, 2]]);
  const value = tensor([[1, 2, 3]]);

  it("activations whose weights change with every token", () => {
    for (const activation of ["sparsemax", "sigmoid", { name: "sigmoid", bias: "-log length" }] as const)
      expect(() => createState({ query, activation })).toThrow(UnsupportedError);
    expect(() => createState({ query, activation: "sigmoid" })).toThrow(
      "createState: expected an activation whose weights do not change when tokens come (softmax, sigmoid with a numeric bias, or entry by entry), got sigmoid",
    );
  });

  it.each<[string, () => unknown, string]>([
    [
      "heads that do not divide it",
      () => createState({ query, heads: 3 }),
      "createState: expected a query [3 · width > 0], got [2]",
    ],
    [
      "NaN",
      () => createState({ query: tensor([Number.NaN]) }),
      "createState: expected query to hold finite numbers, got NaN at entry 0",
    ],
    [
      "a width of values that is none",
      () => createState({ query, valueWidth: 0 }),
      "createState: expected valueWidth to be a whole number ≥ 1, got 0",
    ],
    [
      "an unknown option",
      () => createState({ query, ...(untyped({ causal: true }) as object) }),
      'createState: expected options activation, heads, keyValueHeads, scale, divide, query, valueWidth, got "causal"',
    ],
    [
      "an infinite scale",
      () => createState({ query, scale: Number.POSITIVE_INFINITY }),
      "createState: expected a finite scale, got Infinity",
    ],
    [
      "an unknown divisor",
      () => createState({ query, divide: untyped("width") }),
      'createState: expected divide "none", "length" or { lengthPower: a finite number }, got "width"',
    ],
    [
      "keys of another width",
      () => step(createState({ query }), { key: tensor([1]), value: tensor([1, 2]) }),
      "step: expected key [tokens, 2] and value [tokens, 1 · width], got [1, 1] and [1, 2]",
    ],
    [
      "values of another width",
      () => step(createState({ query }), { key, value }),
      "step: expected value heads of width 2, got value [1, 3]",
    ],
    [
      "an infinite key",
      () => step(createState({ query }), { key: tensor([[1, Number.POSITIVE_INFINITY]]), value }),
      "step: expected key to hold finite numbers, got Infinity at entry 1",
    ],
    [
      "finite numbers with a score that is none",
      () => step(createState({ query: tensor([1e200, 0], { dtype: "float64" }) }), { key: tensor([[1e200, 0]], { dtype: "float64" }), value: tensor([[1, 2]]) }), // biome-ignore format: one call
      "step: expected scores within the range of float64, got Infinity of token 0",
    ],
    [
      "finite numbers with a sum that is none",
      () => prefixScanAttention(tensor([1e200], { dtype: "float64" }), tensor([[1]]), tensor([[1e200]], { dtype: "float64" }), { activation: "relu" }), // biome-ignore format: one call
      "prefixScanAttention: expected a sum within the range of float64, got Infinity at entry 0",
    ],
    [
      "a block of nothing",
      () => prefixScanAttention(query, key, value, { block: 0 }),
      "prefixScanAttention: expected block to be a whole number ≥ 1, got 0",
    ],
    [
      "groups that do not divide the heads",
      () => createState({ query, heads: 2, keyValueHeads: 3 }),
      "createState: expected heads to be a multiple of keyValueHeads 3, got 2",
    ],
  ])("%s", (_, refused, message) => {
    expect(refused).toThrow(message);
  });

  it("to join states that ask differently", () => {
    expect(() => joinStates(createState({ query }), createState({ query: tensor([3, 4]) }))).toThrow(
      "joinStates: expected two states of one config",
    );
  });
});
