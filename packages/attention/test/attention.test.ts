import {
  actsOnRows,
  type Divide,
  type Mask,
  record,
  reference32,
  showWeighing,
  type Tensor,
  tensor,
  toNested,
  type Weighing,
  zeros,
} from "@splineformer/tensor";
import {
  float64Tolerance,
  largestDifference,
  type Matrix,
  naiveAttention,
  relativeDifference,
  seeded,
  stackTensors,
  weighings,
} from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import { type AttentionOptions, attention } from "../src/index.ts";

const matrix = (x: Tensor): Matrix => toNested(x) as Matrix;
const matrices = (x: Tensor): Matrix[] => toNested(x) as Matrix[];
const identity = (n: number): Tensor =>
  tensor(Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j))));

/** What a call throws, with its class. */
const refusalOf = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    return String(error);
  }
  return "nothing";
};

/** Rows in another order. */
const permuted = (x: Tensor, order: readonly number[]): Tensor => {
  const rows = matrix(x);
  return tensor(
    order.map((i) => rows[i]),
    { dtype: "float64" },
  );
};

// 5 queries, 7 keys, heads of width 11 and values of width 13
const drawn = (seed: number, heads = 1, groups = heads) => {
  const data = seeded(seed);
  return [data.normal([5, heads * 11]), data.normal([7, groups * 11]), data.normal([7, groups * 13])] as const;
};

describe("the paper's example", () => {
  // arXiv 2408.09624's X = [[1, −2], [3, 0]] has tokens as columns; here they are rows
  const value = tensor([
    [1, 3],
    [-2, 0],
  ]);
  const query = tensor([[4], [-2]]);
  const key = tensor([[-2], [-1]]);

  it("has the ReLU attention [[0, 0], [0, 12]], masked or not", () => {
    for (const mask of ["none", "causal"] as const)
      expect(toNested(attention(query, key, value, { activation: "relu", mask }))).toEqual([
        [0, 0],
        [0, 12],
      ]);
  });

  it("has the softmax attention of the paper's weights", () => {
    const expected = tensor(
      [
        [-1.94604137, 0.05395863],
        [0.642391234, 2.642391234],
      ],
      { dtype: "float64" },
    );
    // the numbers are given to 8 decimals
    expect(largestDifference(attention(query, key, value), expected)).toBeLessThan(1e-8);
  });
});

describe("attention agrees with the sum over keys, written out", () => {
  const attributes = { mask: "none", heads: 1, keyValueHeads: 1, scale: 1 / Math.sqrt(11), divide: "none" } as const;

  it.each(weighings.map((activation) => [showWeighing(activation), activation] as const))("for %s", (_, activation) => {
    const [query, key, value] = drawn(1);
    const expected = naiveAttention(matrix(query), matrix(key), matrix(value), undefined, undefined, {
      ...attributes,
      activation,
    });
    const got = attention(query, key, value, { activation });
    expect(got.shape).toEqual([5, 13]);
    expect(relativeDifference(got, tensor(expected, { dtype: "float64" }))).toBeLessThan(float64Tolerance);
  });

  const masks: readonly Mask[] = ["none", "causal", { window: 3 }];
  const divisors: readonly Divide[] = ["none", "length", { lengthPower: 0.5 }];
  const few: readonly Weighing[] = ["softmax", "sparsemax", "relu", "sigmoid"];
  it.each(few)("for %s with several heads, grouped heads, every mask and divisor, a bias and a scale", (activation) => {
    for (const keyValueHeads of [6, 3, 2, 1])
      for (const mask of masks)
        for (const divide of divisors) {
          const [query, key, value] = drawn(2, 6, keyValueHeads);
          const bias = seeded(3).normal([6, 5, 7]);
          const options = { activation, mask, divide, heads: 6, keyValueHeads, scale: 0.4 } as const;
          const expected = naiveAttention(
            matrix(query),
            matrix(key),
            matrix(value),
            matrices(bias),
            undefined,
            options,
          );
          const got = attention(query, key, value, { ...options, bias });
          expect(got.shape).toEqual([5, 6 * 13]);
          expect(relativeDifference(got, tensor(expected, { dtype: "float64" }))).toBeLessThan(float64Tolerance);
        }
  });

  it.each(few)("for %s with a visible tensor for each head", (activation) => {
    const [query, key, value] = drawn(4, 3);
    const visible = seeded(5).mask([3, 5, 7]);
    const shown = matrices(visible).map((rows) => rows.map((row) => row.map(Number)));
    const options = { activation, divide: "length", heads: 3, keyValueHeads: 3, scale: 1 } as const;
    const expected = naiveAttention(matrix(query), matrix(key), matrix(value), undefined, shown, {
      ...options,
      mask: "none",
    });
    const got = attention(query, key, value, { ...options, mask: { visible } });
    expect(relativeDifference(got, tensor(expected, { dtype: "float64" }))).toBeLessThan(float64Tolerance);
  });
});

describe("masks", () => {
  it("are drawn by ones as queries and identity as values: rows of weights", () => {
    const weights = (queries: number, keys: number, mask: Mask) =>
      toNested(
        attention(zeros([queries, 1]), zeros([keys, 1]), identity(keys), {
          mask,
          activation: { name: "sigmoid", bias: 1000 },
        }),
      );
    expect(weights(3, 4, "causal")).toEqual([
      [1, 0, 0, 0],
      [1, 1, 0, 0],
      [1, 1, 1, 0],
    ]);
    expect(weights(4, 2, "causal")).toEqual([
      [1, 0],
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
    expect(weights(3, 4, { window: 2 })).toEqual([
      [1, 0, 0, 0],
      [1, 1, 0, 0],
      [0, 1, 1, 0],
    ]);
  });

  it("by name equal the same mask as a tensor", () => {
    const [query, key, value] = drawn(6);
    const visible = tensor(Array.from({ length: 5 }, (_, i) => Array.from({ length: 7 }, (_, j) => j <= i)));
    for (const activation of weighings) {
      const options = { activation, divide: "length" } as const;
      expect(attention(query, key, value, { ...options, mask: { visible } })).toEqual(
        attention(query, key, value, { ...options, mask: "causal" }),
      );
    }
  });

  it("hide a key wholly: its numbers do not matter", () => {
    const [query, key, value] = drawn(7);
    const visible = tensor(Array.from({ length: 5 }, () => [true, true, false, true, true, true, true]));
    const changed = (x: Tensor): Tensor => {
      const width = x.shape[1];
      return tensor(
        Float64Array.from(x.data, (v, i) => (Math.floor(i / width) === 2 ? 1e6 : v)),
        x.shape,
      );
    };
    for (const activation of weighings) {
      const options = { activation, divide: "length", mask: { visible } } as const;
      expect(attention(query, changed(key), changed(value), options)).toEqual(attention(query, key, value, options));
    }
  });

  it("that show nothing to a query give it zeros, whatever the activation", () => {
    const [query, key, value] = drawn(8);
    const visible = tensor(Array.from({ length: 5 }, (_, i) => Array.from({ length: 7 }, () => i !== 2)));
    for (const activation of weighings)
      for (const divide of ["none", "length"] as const) {
        const rows = matrix(attention(query, key, value, { activation, divide, mask: { visible } }));
        expect(rows[2]).toEqual(new Array(13).fill(0));
        expect(rows[3].some((v) => v !== 0)).toBe(true);
      }
  });
});

describe("laws", () => {
  // sums are taken in another order: at most 7 terms of at most the result's size times the condition of the sum
  const close = float64Tolerance;

  it("the order of keys does not matter", () => {
    const [query, key, value] = drawn(9);
    const order = [3, 6, 0, 2, 5, 1, 4];
    for (const activation of weighings) {
      const got = attention(query, permuted(key, order), permuted(value, order), { activation });
      expect(relativeDifference(got, attention(query, key, value, { activation }))).toBeLessThan(close);
    }
  });

  it("queries in another order give the same rows in that order, exactly", () => {
    const [query, key, value] = drawn(10);
    const order = [4, 0, 3, 1, 2];
    for (const activation of weighings)
      expect(attention(permuted(query, order), key, value, { activation })).toEqual(
        permuted(attention(query, key, value, { activation }), order),
      );
  });

  it("a batch is computed as its parts are; keys without a batch axis serve every part", () => {
    const parts = [11, 12, 13].map((seed) => drawn(seed, 2));
    const [query, key, value] = [0, 1, 2].map((i) => stackTensors(parts.map((part) => part[i])));
    for (const activation of weighings) {
      const options = { activation, heads: 2, mask: "causal" } as const;
      expect(attention(query, key, value, options)).toEqual(
        stackTensors(parts.map((part) => attention(...part, options))),
      );
      expect(attention(query, parts[0][1], parts[0][2], options)).toEqual(
        stackTensors(parts.map((part) => attention(part[0], parts[0][1], parts[0][2], options))),
      );
    }
  });

  it("softmax, entmax and sparsemax do not change when a constant is added to the scores, and sum to 1; no other does", () => {
    const [query, key, value] = drawn(14);
    const rows: readonly Weighing[] = ["softmax", { name: "entmax", alpha: 1.5 }, "sparsemax"];
    for (const activation of rows) {
      const shifted = attention(query, key, value, { activation, bias: tensor([[3]]) });
      expect(relativeDifference(shifted, attention(query, key, value, { activation }))).toBeLessThan(close);
      const ones = tensor(new Float64Array(7).fill(1), [7, 1]);
      const sums = attention(query, key, ones, { activation });
      expect(largestDifference(sums, tensor(new Float64Array(5).fill(1), [5, 1]))).toBeLessThan(close);
    }
    for (const activation of weighings.filter((weighing) => !actsOnRows(weighing))) {
      const shifted = attention(query, key, value, { activation, bias: tensor([[3]]) });
      expect(relativeDifference(shifted, attention(query, key, value, { activation }))).toBeGreaterThan(0.01);
    }
  });

  it("ReLU attention is homogeneous: queries, keys and values times 2 are the result times 8, squared ReLU's 32, exactly", () => {
    const given = drawn(15);
    const twice = (x: Tensor): Tensor =>
      tensor(
        Float64Array.from(x.data, (v) => 2 * v),
        x.shape,
      );
    const [query, key, value] = given.map(twice);
    for (const [activation, factor] of [
      ["relu", 8],
      ["identity", 8],
      ["squaredRelu", 32],
    ] as const) {
      const once = attention(...given, { activation });
      const more = attention(query, key, value, { activation });
      expect([...more.data]).toEqual(Array.from(once.data, (v) => factor * v));
    }
    // and the sharpness of softplus is a scale: softplus_β(4z) = 4 softplus_4β(z)
    const soft = (beta: number) => ({ activation: { name: "softplus", beta } }) as const;
    expect([...attention(query, key, value, soft(2)).data]).toEqual(
      Array.from(attention(...given, soft(8)).data, (v) => 8 * v),
    );
  });

  it("softplus moves ReLU attention by at most log 2/β · Σ|v|", () => {
    const [query, key, value] = drawn(18);
    const relu = attention(query, key, value, { activation: "relu" });
    for (const beta of [0.5, 2, 16]) {
      const soft = attention(query, key, value, { activation: { name: "softplus", beta } });
      for (const [i, v] of soft.data.entries()) {
        const column = i % 13;
        const size = value.data.reduce((sum, entry, at) => sum + (at % 13 === column ? Math.abs(entry) : 0), 0);
        expect(Math.abs(v - relu.data[i])).toBeLessThan((Math.LN2 / beta) * size);
      }
    }
  });

  it("ReLU weights of unit normal scores sum to 1/√(2π) of the keys", () => {
    const [n, d] = [4001, 7];
    const ones = tensor(new Float64Array(n).fill(1), [n, 1]);
    const query = tensor(new Float64Array(d).fill(1), [1, d]);
    const options = { activation: "relu", divide: "length" } as const;
    const [sum] = attention(query, seeded(19).normal([n, d]), ones, options).data;
    // four standard errors; the variance of ReLU of a unit normal is 1/2 − 1/(2π)
    const error = Math.sqrt((1 / 2 - 1 / (2 * Math.PI)) / n);
    expect(Math.abs(sum - 1 / Math.sqrt(2 * Math.PI))).toBeLessThan(4 * error);
  });

  it("one key for several heads is that key repeated", () => {
    const [query, key, value] = drawn(16, 3, 1);
    const repeated = (x: Tensor): Tensor =>
      tensor(
        matrix(x).map((row) => [...row, ...row, ...row]),
        { dtype: "float64" },
      );
    expect(attention(query, key, value, { heads: 3, keyValueHeads: 1 })).toEqual(
      attention(query, repeated(key), repeated(value), { heads: 3 }),
    );
  });
});

describe("at the edge", () => {
  it("one token attends to itself: softmax and sparsemax give its value, ReLU its score times it", () => {
    const [one, value] = [tensor([[3]]), tensor([[5, -7]])];
    expect(toNested(attention(one, one, value))).toEqual([[5, -7]]);
    expect(toNested(attention(one, one, value, { activation: "sparsemax" }))).toEqual([[5, -7]]);
    expect(toNested(attention(one, one, value, { activation: "relu", divide: "length" }))).toEqual([[45, -63]]);
  });

  it("no keys at all give zeros, no queries an empty result", () => {
    for (const activation of weighings)
      expect(toNested(attention(zeros([2, 3]), zeros([0, 3]), zeros([0, 1]), { activation }))).toEqual([[0], [0]]);
    expect(attention(zeros([0, 3]), zeros([2, 3]), zeros([2, 5])).shape).toEqual([0, 5]);
  });

  it("scores of a million choose the largest, without overflow", () => {
    const query = tensor([[1000], [-1000]]);
    const key = tensor([[1000], [-1000], [999]]);
    const value = tensor([[1], [2], [4]]);
    for (const activation of ["softmax", "sparsemax"] as const)
      expect(toNested(attention(query, key, value, { activation }))).toEqual([[1], [2]]);
    expect(toNested(attention(query, key, value, { activation: "sigmoid" }))).toEqual([[5], [2]]);
    expect(toNested(attention(query, key, value, { activation: "softplus" }))).toEqual([[4_996_000], [2_000_000]]);
  });

  it("computes on what `on` names, and the result is what that gives", () => {
    const [query, key, value] = drawn(17);
    expect(attention(query, key, value).dtype).toBe("float64");
    expect(attention(query, key, value, { on: reference32 }).dtype).toBe("float32");
    const graph = record((ops) => attention(query, key, value, { activation: "relu", on: ops }), {});
    expect(graph.nodes.map((node) => node.op)).toEqual(["constant", "constant", "constant", "attention"]);
  });
});

describe("attention refuses", () => {
  const [query, key, value] = [zeros([5, 6]), zeros([7, 6]), zeros([7, 4])];
  const call = (options: object, q: unknown = query, k: unknown = key, v: unknown = value) =>
    attention(q as Tensor, k as Tensor, v as Tensor, options as AttentionOptions);
  const last = (x: number): Tensor => tensor([[0, 0, 0, 0, 0, x]]);

  it.each<[string, () => unknown, string]>([
    [
      "NaN in a query",
      () => call({}, last(Number.NaN)),
      "RangeError: attention: expected query to hold finite numbers, got NaN at entry 5",
    ],
    [
      "an infinite key",
      () => call({}, query, last(Number.NEGATIVE_INFINITY)),
      "RangeError: attention: expected key to hold finite numbers, got -Infinity at entry 5",
    ],
    [
      "an infinite value",
      () => call({}, query, zeros([1, 6]), last(Number.POSITIVE_INFINITY)),
      "RangeError: attention: expected value to hold finite numbers, got Infinity at entry 5",
    ],
    [
      "NaN in a bias",
      () => call({ bias: tensor([[Number.NaN]]) }),
      "RangeError: attention: expected bias to hold finite numbers, got NaN at entry 0",
    ],
    ["what is no tensor", () => call({}, [[1]]), "RangeError: attention: expected query to be a tensor, got [[1]]"],
    [
      "indices",
      () => call({}, query, zeros([7, 6], { dtype: "int32" })),
      "RangeError: attention: expected key of dtype float32 or float64, got int32",
    ],
    ["a vector", () => call({}, zeros([6])), "ShapeError: attention: expected query [.., tokens, width > 0], got [6]"],
    [
      "heads without width",
      () => call({}, zeros([5, 0])),
      "ShapeError: attention: expected query [.., tokens, width > 0], got [5, 0]",
    ],
    [
      "another number of values than keys",
      () => call({}, query, key, zeros([3, 4])),
      "ShapeError: attention: expected as many values as keys, got query [5, 6], key [7, 6], value [3, 4] with 1 heads, 1 for keys and values",
    ],
    [
      "queries and keys of different widths",
      () => call({}, query, zeros([7, 5])),
      "ShapeError: attention: expected query and key of one head width, got query [5, 6], key [7, 5], value [7, 4] with 1 heads, 1 for keys and values",
    ],
    [
      "heads that do not divide the width",
      () => call({ heads: 5 }),
      "ShapeError: attention: expected widths divisible by the numbers of heads, got query [5, 6], key [7, 6], value [7, 4] with 5 heads, 5 for keys and values",
    ],
    [
      "half a head",
      () => call({ heads: 1.5 }),
      "RangeError: attention: expected heads to be a whole number > 0, got 1.5",
    ],
    [
      "groups that do not divide the heads",
      () => call({ heads: 3, keyValueHeads: 2 }),
      "RangeError: attention: expected heads to be a multiple of keyValueHeads 2, got 3",
    ],
    [
      "batch axes that do not fit",
      () => call({}, zeros([2, 5, 6]), zeros([3, 7, 6]), zeros([3, 7, 4])),
      "ShapeError: attention: expected shapes that broadcast, got [2] and [3]",
    ],
    [
      "an unknown option",
      () => call({ causal: true }),
      'RangeError: attention: expected options activation, mask, keyLengths, scale, bias, heads, keyValueHeads, divide, qkNorm, rotary, dropout, on, intermediates, got "causal"',
    ],
    [
      "an unknown activation",
      () => call({ activation: "swish" }),
      'RangeError: attention: expected an activation (softmax, sparsemax, { name: "entmax", alpha }, { name: "sigmoid", bias }, identity, relu, squaredRelu, leakyRelu, absolute, hardSigmoid, softplus, sigmoid, tanh, gelu, or { name: "softplus", beta }, { name: "clamp", limit }, { name: "leakyRelu", slope }, { name: "piecewise", knots, pieces }, { name: "registered", as }), got "swish"',
    ],
    [
      "a softplus without sharpness",
      () => call({ activation: { name: "softplus", beta: 0 } }),
      "RangeError: attention: expected softplus beta > 0, got 0",
    ],
    [
      "an unknown mask",
      () => call({ mask: "diagonal" }),
      'RangeError: attention: expected mask "none", "causal" or { window: a whole number > 0 }, got "diagonal"',
    ],
    [
      "an empty window",
      () => call({ mask: { window: 0 } }),
      'RangeError: attention: expected mask "none", "causal" or { window: a whole number > 0 }, got { window: 0 }',
    ],
    [
      "a mask of numbers",
      () => call({ mask: { visible: zeros([5, 7]) } }),
      "RangeError: attention: expected mask.visible to be a tensor of dtype bool, got float32",
    ],
    [
      "a mask that is no tensor",
      () => call({ mask: { visible: [[true]] } }),
      "RangeError: attention: expected mask.visible to be a tensor of dtype bool, got [[true]]",
    ],
    [
      "a mask and something beside it",
      () => call({ mask: { visible: zeros([5, 7], { dtype: "bool" }), window: 2 } }),
      'RangeError: attention: expected options visible, got "window"',
    ],
    [
      "a mask of another shape",
      () => call({ mask: { visible: zeros([7, 5], { dtype: "bool" }) } }),
      "ShapeError: attention: expected a visible mask that broadcasts to [1, 5, 7], got [7, 5]",
    ],
    [
      "a bias of another shape",
      () => call({ bias: zeros([3, 5, 7]) }),
      "ShapeError: attention: expected a bias that broadcasts to [1, 5, 7], got [3, 5, 7]",
    ],
    [
      "an infinite scale",
      () => call({ scale: Number.POSITIVE_INFINITY }),
      "RangeError: attention: expected a finite scale, got Infinity",
    ],
    [
      "an unknown divisor",
      () => call({ divide: "width" }),
      'RangeError: attention: expected divide "none", "length" or { lengthPower: a finite number }, got "width"',
    ],
    [
      "an infinite power",
      () => call({ divide: { lengthPower: Number.NaN } }),
      'RangeError: attention: expected divide "none", "length" or { lengthPower: a finite number }, got { lengthPower: NaN }',
    ],
    [
      "options that are no object",
      () => call(3 as unknown as object),
      "RangeError: attention: expected an object of options, got 3",
    ],
  ])("%s", (_, refused, message) => {
    expect(refusalOf(refused)).toBe(message);
  });
});
