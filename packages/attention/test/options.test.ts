import {
  graphDegree,
  record,
  reference,
  reference32,
  ShapeError,
  type Tensor,
  tensor,
  toNested,
} from "@splineformer/tensor";
import {
  atMostTwiceRounded,
  float64Tolerance,
  largestDifference,
  type Matrix,
  naiveAttention,
  relativeDifference,
  seeded,
  weighings,
} from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import {
  type AttentionConfig,
  alibi,
  alibiBias,
  attend,
  attendParts,
  attention,
  causalVisibility,
  dropoutFactors,
  lengthVisibility,
  project,
  rotary,
} from "../src/index.ts";

const untyped = (value: unknown): never => value as never;
const matrix = (x: Tensor): Matrix => toNested(x) as Matrix;
const float64 = (rows: Matrix): Tensor => tensor(rows, { dtype: "float64" });

/** Rotary embeddings of one head, by multiplication of complex numbers. */
const naiveRotary = (rows: Matrix, layout: "half" | "interleaved", base: number, from: number, width: number): Matrix =>
  rows.map((row, n) => {
    const out = [...row];
    for (let i = 0; i < width / 2; i++) {
      const [p, q] = layout === "half" ? [i, i + width / 2] : [2 * i, 2 * i + 1];
      const angle = (n + from) / base ** ((2 * i) / width);
      out[p] = row[p] * Math.cos(angle) - row[q] * Math.sin(angle);
      out[q] = row[p] * Math.sin(angle) + row[q] * Math.cos(angle);
    }
    return out;
  });

// 5 queries, 7 keys, 3 heads of width 4, values of width 2
const drawn = (seed: number) => {
  const data = seeded(seed);
  return [data.normal([5, 12]), data.normal([7, 12]), data.normal([7, 6])] as const;
};
const heads = 3;
const headsOf = (x: Tensor, d: number): Matrix[] =>
  [0, 1, 2].map((h) => matrix(x).map((row) => row.slice(h * d, (h + 1) * d)));
const joined = (parts: readonly Matrix[]): Tensor => float64(parts[0].map((_, i) => parts.flatMap((part) => part[i])));

describe("rotary embeddings", () => {
  it("leave position 0 alone and turn a quarter at a quarter turn's position", () => {
    const turned = matrix(rotary(tensor([[1, 0, 5, 7]]), { layout: "interleaved" }));
    expect(turned).toEqual([[1, 0, 5, 7]]);
    // base 1: every pair turns by the position itself
    const [row] = matrix(rotary(tensor([[1, 2, 3, 4]]), { base: 1, layout: "half", from: 2 }));
    expect(row[0]).toBe(1 * Math.cos(2) - 3 * Math.sin(2));
    expect(row[3]).toBe(4 * Math.cos(2) + 2 * Math.sin(2));
  });

  it.each(["half", "interleaved"] as const)("agree with products of complex numbers, %s", (layout) => {
    const [x] = drawn(1);
    for (const [from, width, base] of [
      [0, 4, 10_000],
      [11, 2, 100],
      [100_003, 4, 500_000],
    ]) {
      const expected = joined(headsOf(x, 4).map((head) => naiveRotary(head, layout, base, from, width)));
      const got = rotary(x, { layout, from, width, base, heads });
      // the angle is rounded at 2⁻⁵² of its size in either formula
      expect(largestDifference(got, expected)).toBeLessThanOrEqual(8 * (1 + from) * 2 ** -52);
    }
  });

  it("make products depend on the distance alone", () => {
    const data = seeded(2);
    const [q, k] = [data.normal([1, 8]), data.normal([1, 8])];
    for (const layout of ["half", "interleaved"] as const) {
      const score = (at: number, other: number): number =>
        reference.matmul(rotary(q, { layout, from: at }), rotary(k, { layout, from: other }), { transposeB: true })
          .data[0];
      // angles up to 411 are rounded to 2⁻⁴⁴
      for (const shift of [1, 17, 400])
        expect(Math.abs(score(3 + shift, 11 + shift) - score(3, 11))).toBeLessThanOrEqual(16 * 2 ** -44);
      expect(Math.abs(score(3, 11) - score(3, 12))).toBeGreaterThan(1e-3);
    }
  });

  it("are linear, so attention with them keeps its degree", () => {
    const graph = record(
      (ops, { x }) => {
        const one = { weight: ops.constant(seeded(3).normal([4, 4])) };
        const config: AttentionConfig = {
          activation: "relu",
          mask: "causal",
          heads: 1,
          keyValueHeads: 1,
          scale: 1,
          divide: "none",
          rotary: { layout: "interleaved" },
          alibi: alibi(1),
        };
        return attend(ops, config, { query: one, key: one, value: one, output: one }, x);
      },
      { x: [5, 4] },
    );
    expect(graphDegree(graph)).toEqual({ x: 3, total: 3 });
  });

  it("in float32 err at most twice as much as their formula", () => {
    const [x] = drawn(4);
    for (const layout of ["half", "interleaved"] as const)
      expect(
        atMostTwiceRounded(rotary(x, { layout, heads, on: reference32 }), (ops) =>
          rotary(x, { layout, heads, on: ops }),
        ).agrees,
      ).toBe(true);
  });

  it("turn queries and keys in attention, by the mask's past", () => {
    const [query, key, value] = drawn(5);
    const turned = (x: Tensor, from: number): Tensor => rotary(x, { heads, from, layout: "interleaved" });
    const options = { heads, mask: { past: 2 } } as const;
    expect(attention(query, key, value, { ...options, rotary: { layout: "interleaved" } })).toEqual(
      attention(turned(query, 2), turned(key, 0), value, options),
    );
  });
});

describe("ALiBi", () => {
  it("has the slopes of the paper, and for other numbers of heads those between", () => {
    expect(alibi(8).slopes).toEqual([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256]);
    expect(alibi(1).slopes).toEqual([2 ** -8]);
    expect(alibi(6).slopes).toEqual([...alibi(4).slopes, alibi(8).slopes[0], alibi(8).slopes[2]]);
  });

  it("lowers scores by the full distance, from the query's place", () => {
    expect(toNested(alibiBias(alibi(8), 2, 3, 1))).toHaveLength(8);
    expect((toNested(alibiBias(alibi(8), 2, 3, 1)) as number[][][])[1]).toEqual([
      [-0.25, -0, -0.25],
      [-0.5, -0.25, -0],
    ]);
  });

  it("is a bias of attention, as plain data or as its tensor", () => {
    const [query, key, value] = drawn(6);
    for (const mask of ["causal", { past: 2 }] as const) {
      const past = typeof mask === "object" ? mask.past : 0;
      expect(attention(query, key, value, { heads, mask, bias: alibi(heads) })).toEqual(
        attention(query, key, value, { heads, mask, bias: alibiBias(alibi(heads), 5, 7, past) }),
      );
    }
    expect(() => attention(query, key, value, { heads, bias: alibi(2) })).toThrow(ShapeError);
  });
});

describe("masks that count from elsewhere", () => {
  it("are drawn by ones", () => {
    const bits = (x: Tensor): unknown => (toNested(x) as boolean[][]).map((row) => row.map(Number));
    expect(bits(causalVisibility(2, 4, { past: 2 }))).toEqual([
      [1, 1, 1, 0],
      [1, 1, 1, 1],
    ]);
    expect(bits(causalVisibility(3, 4, { past: 1, window: 2 }))).toEqual([
      [1, 1, 0, 0],
      [0, 1, 1, 0],
      [0, 0, 1, 1],
    ]);
    expect([...lengthVisibility([2, 0], 3).data]).toEqual([1, 1, 0, 0, 0, 0]);
  });

  it("show all keys to a query that comes after the last one, and a window of places none that lie before it", () => {
    const bits = (x: Tensor): unknown => (toNested(x) as boolean[][]).map((row) => row.map(Number));
    expect(bits(causalVisibility(4, 3, { past: 1 }))).toEqual([
      [1, 1, 0],
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(bits(causalVisibility(3, 2, { past: 1, window: 2 }))).toEqual([
      [1, 1],
      [0, 1],
      [0, 0],
    ]);
    const same = tensor([[1], [1], [1], [1]]);
    const three = tensor([[1], [1], [1]]);
    // the averages of the first two, and of all
    const averages = attention(same, three, tensor([[1], [2], [3]]), { mask: { past: 1 } });
    expect(toNested(averages)).toEqual([[1.5], [2], [2], [2]]);
  });

  it("by the length of one sequence need no batch axis", () => {
    const [query, key, value] = [tensor([[1]]), tensor([[1], [1]]), tensor([[3], [7]])];
    expect(toNested(attention(query, key, value, { keyLengths: [1] }))).toEqual([[3]]);
  });

  it("by past equal the rows of the square mask, for every activation", () => {
    const data = seeded(7);
    const [all, key, value] = [data.normal([7, 12]), data.normal([7, 12]), data.normal([7, 6])];
    const last = reference.slice(all, { axis: -2, from: 4, to: 7 });
    for (const activation of weighings)
      for (const [mask, past] of [
        ["causal", { past: 4 }],
        [{ window: 3 }, { past: 4, window: 3 }],
      ] as const) {
        const options = { activation, heads, divide: "length" } as const;
        const square = attention(all, key, value, { ...options, mask });
        const rows = attention(last, key, value, { ...options, mask: past });
        expect(relativeDifference(rows, reference.slice(square, { axis: -2, from: 4, to: 7 }))).toBeLessThan(
          float64Tolerance,
        );
      }
  });

  it("by key lengths equal the sequences without padding, and give zeros to a sequence of none", () => {
    const data = seeded(8);
    const [query, key, value] = [data.normal([3, 5, 12]), data.normal([3, 7, 12]), data.normal([3, 7, 6])];
    const lengths = [7, 4, 0];
    for (const activation of ["softmax", "sparsemax", "relu", "sigmoid"] as const) {
      const options = { activation, heads, divide: "length" } as const;
      const padded = attention(query, key, value, { ...options, keyLengths: lengths });
      for (const [b, length] of lengths.entries()) {
        const one = (x: Tensor, n: number): Tensor => {
          const [rows, width] = x.shape.slice(-2);
          return tensor(x.data.slice(b * rows * width, (b * rows + n) * width) as Float64Array, [n, width]);
        };
        const short = attention(one(query, 5), one(key, length), one(value, length), options);
        expect(relativeDifference(one(padded, 5), short)).toBeLessThan(float64Tolerance);
        if (length === 0) expect(short.data.every((v) => v === 0)).toBe(true);
      }
    }
  });

  it("join: a tensor and key lengths hide what either hides", () => {
    const [query, key, value] = drawn(9);
    const visible = seeded(10).mask([5, 7]);
    const shown = tensor(visible.data.map((v, i) => (i % 7 < 4 ? v : 0)) as Uint8Array, [5, 7]);
    const one = (x: Tensor): Tensor => ({ ...x, shape: [1, ...x.shape] });
    const both = attention(one(query), one(key), one(value), { heads, mask: { visible }, keyLengths: [4] });
    expect([...both.data]).toEqual([...attention(query, key, value, { heads, mask: { visible: shown } }).data]);
  });
});

describe("qkNorm", () => {
  it("normalises every head of queries and keys", () => {
    const [query, key, value] = drawn(11);
    for (const kind of ["layer", "rms"] as const) {
      const normal = (x: Tensor): Tensor =>
        reference.mergeHeads(reference.normalize(reference.splitHeads(x, { heads }), { kind, epsilon: 1e-5 }));
      expect(attention(query, key, value, { heads, qkNorm: kind })).toEqual(
        attention(normal(query), normal(key), value, { heads }),
      );
    }
  });

  it("comes before the turn, then come scale, ALiBi, the mask, the bias of the sigmoid", () => {
    const [query, key, value] = drawn(18);
    const normal = (x: Tensor): Tensor =>
      reference.mergeHeads(reference.normalize(reference.splitHeads(x, { heads }), { kind: "layer", epsilon: 1e-5 }));
    const turned = (x: Tensor): Tensor => rotary(x, { heads });
    const given = { activation: { name: "sigmoid", bias: -2 }, scale: 0.7, mask: "causal" } as const;
    const got = attention(query, key, value, { ...given, heads, qkNorm: "layer", rotary: {}, bias: alibi(heads) });
    const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
    const [q, k, v] = [headsOf(turned(normal(query)), 4), headsOf(turned(normal(key)), 4), headsOf(value, 2)];
    const expected = q.map((rows, h) =>
      rows.map((row, i) =>
        [0, 1].map((column) =>
          k[h].reduce((sum, other, j) => {
            if (j > i) return sum;
            const product = row.reduce((total, entry, a) => total + entry * other[a], 0);
            return sum + sigmoid(0.7 * product - alibi(heads).slopes[h] * (i - j) - 2) * v[h][j][column];
          }, 0),
        ),
      ),
    );
    expect(relativeDifference(got, joined(expected))).toBeLessThan(float64Tolerance);
    // the other way round is another function
    const reversed = attention(normal(turned(query)), normal(turned(key)), value, {
      ...given,
      heads,
      bias: alibi(heads),
    });
    expect(relativeDifference(reversed, got)).toBeGreaterThan(0.01);
  });

  it("makes the result blind to the size of queries and keys", () => {
    const [query, key, value] = drawn(12);
    const options = { heads, qkNorm: "rms", activation: "relu" } as const;
    const large = { ...query, data: query.data.map((v) => 1024 * v) as Float64Array };
    // but for the 1e-5 under the root: half of it, relative to mean squares that exceed 0.05 here
    expect(
      relativeDifference(attention(large, key, value, options), attention(query, key, value, options)),
    ).toBeLessThan(1e-4 * 3);
  });
});

describe("dropout", () => {
  it("drops this share of weights, seeded, and scales up the rest", () => {
    const factors = dropoutFactors([3, 1009], { rate: 0.25, seed: 7 });
    expect(dropoutFactors([3, 1009], { rate: 0.25, seed: 7 })).toEqual(factors);
    const dropped = factors.data.filter((f) => f === 0).length / factors.data.length;
    // four standard deviations of a share of 3,027 draws
    expect(Math.abs(dropped - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / 3027));
    expect(new Set(factors.data)).toEqual(new Set([0, Math.fround(4 / 3)]));
    expect(dropoutFactors([2, 3], { rate: 0, seed: 1 }).data).toEqual(Float32Array.from([1, 1, 1, 1, 1, 1]));
  });

  it("multiplies the weights between activation and values", () => {
    const [query, key, value] = drawn(13);
    const dropout = { rate: 0.5, seed: 3 };
    const factors = dropoutFactors([heads, 5, 7], dropout);
    const weights = attention(query, key, value, { heads, intermediates: "all" }).weights;
    const expected = reference.mergeHeads(
      reference.matmul(reference.multiply(weights, factors), reference.splitHeads(value, { heads }), {}),
    );
    expect(attention(query, key, value, { heads, dropout })).toEqual(expected);
  });

  it("refuses a rate of 1", () => {
    expect(() => dropoutFactors([2], { rate: 1, seed: 0 })).toThrow(
      "dropoutFactors: expected a dropout rate in [0, 1), got 1",
    );
  });
});

describe("intermediates", () => {
  it("are scores, weights and heads as the formula has them", () => {
    const [query, key, value] = [
      tensor([[4], [-2]]),
      tensor([[-2], [-1]]),
      tensor([
        [1, 3],
        [-2, 0],
      ]),
    ];
    const parts = attention(query, key, value, { activation: "relu", intermediates: "all" });
    expect(toNested(parts.scores)).toEqual([
      [
        [-8, -4],
        [4, 2],
      ],
    ]);
    expect(toNested(parts.weights)).toEqual([
      [
        [0, 0],
        [4, 2],
      ],
    ]);
    expect(toNested(parts.heads)).toEqual([
      [
        [0, 0],
        [0, 12],
      ],
    ]);
    expect(toNested(parts.output)).toEqual([
      [0, 0],
      [0, 12],
    ]);
  });

  it("end in the result, for every activation, with all that can be added, and for layers", () => {
    const [query, key, value] = drawn(14);
    for (const activation of weighings) {
      const options = {
        activation,
        heads,
        qkNorm: "layer",
        rotary: {},
        bias: alibi(heads),
        mask: "causal",
        divide: "length",
      } as const;
      const parts = attention(query, key, value, { ...options, intermediates: "all" });
      expect(parts.output).toEqual(attention(query, key, value, options));
      expect([parts.query, parts.key, parts.value, parts.scores, parts.heads].map((x) => x.shape)).toEqual([
        [3, 5, 4],
        [3, 7, 4],
        [3, 7, 2],
        [3, 5, 7],
        [3, 5, 2],
      ]);
    }
    const data = seeded(15);
    const line = (from: number, to: number) => ({ weight: data.normal([from, to]) });
    const parameters = { query: line(7, 12), key: line(7, 4), value: line(7, 2), output: line(6, 5) };
    const config: AttentionConfig = {
      activation: "softmax",
      mask: "causal",
      heads: 3,
      keyValueHeads: 1,
      scale: 0.5,
      divide: "none",
    };
    const x = data.normal([5, 7]);
    expect(attendParts(reference, config, parameters, x).output).toEqual(attend(reference, config, parameters, x));
  });

  it("weigh as the naive twin does", () => {
    const [query, key, value] = drawn(16);
    const ones = float64(Array.from({ length: 7 }, (_, i) => Array.from({ length: 7 }, (_, j) => Number(i === j))));
    const [first] = headsOf(query, 4);
    const [keys] = headsOf(key, 4);
    const options = {
      activation: "softmax",
      mask: "none",
      heads: 1,
      keyValueHeads: 1,
      scale: 0.5,
      divide: "none",
    } as const;
    const expected = naiveAttention(first, keys, matrix(ones), undefined, undefined, options);
    const { weights } = attention(query, key, value, { heads, intermediates: "all" });
    expect(relativeDifference({ data: weights.data.subarray(0, 35) }, float64(expected))).toBeLessThan(
      float64Tolerance,
    );
  });
});

describe("options are refused", () => {
  const [query, key, value] = drawn(17);
  it.each<[string, () => unknown, string]>([
    ["an odd width to turn", () => rotary(query, { width: 3 }), "rotary: expected an even rotary width > 0, got 3"],
    [
      "more than a head to turn",
      () => rotary(query, { heads, width: 6 }),
      "rotary: expected an even width ≤ 4, the width of a head, got 6",
    ],
    [
      "an unknown layout",
      () => rotary(query, { layout: untyped("pairs") }),
      'rotary: expected rotary layout "half" or "interleaved", got "pairs"',
    ],
    [
      "a base of 0",
      () => attention(query, key, value, { rotary: { base: 0 } }),
      "attention: expected rotary base > 0, got 0",
    ],
    [
      "a negative position",
      () => rotary(query, { from: -1 }),
      "rotary: expected from to be a whole number ≥ 0, got -1",
    ],
    [
      "an unknown norm",
      () => attention(query, key, value, { qkNorm: untyped("batch") }),
      'attention: expected qkNorm "none", "layer" or "rms", got "batch"',
    ],
    [
      "a past that is no number of keys",
      () => attention(query, key, value, { mask: { past: 0.5 } }),
      "attention: expected mask.past to be a whole number ≥ 0, got 0.5",
    ],
    [
      "a past and something beside it",
      () => attention(query, key, value, { mask: untyped({ past: 1, windw: 2 }) }),
      'attention: expected options past, window, got "windw"',
    ],
    [
      "a length beyond the keys",
      () => attention(query, key, value, { keyLengths: [8] }),
      "attention: expected keyLengths from 0 to 7, got [8]",
    ],
    [
      "intermediates by another word",
      () => attention(query, key, value, { intermediates: untyped(true) }),
      'attention: expected intermediates "none" or "all", got true',
    ],
    [
      "queries before the first key",
      () => causalVisibility(2, 2, { past: -1 }),
      "causalVisibility: expected mask.past to be a whole number ≥ 0, got -1",
    ],
    [
      "a dropout rate of 2, by the name of the call",
      () => attention(query, key, value, { dropout: { rate: 2, seed: 1 } }),
      "attention: expected a dropout rate in [0, 1), got 2",
    ],
    [
      "a slope that is no number",
      () => attention(query, key, value, { bias: { name: "alibi", slopes: [Number.NaN] } }),
      "attention: expected ALiBi slopes to be a list of finite numbers, got [NaN]",
    ],
    [
      "a slope that is no number, in a bias",
      () => alibiBias({ name: "alibi", slopes: [Number.NaN] }, 2, 3),
      "alibiBias: expected ALiBi slopes to be a list of finite numbers, got [NaN]",
    ],
    [
      "a bias of NaN queries",
      () => alibiBias(alibi(2), Number.NaN, 3),
      "alibiBias: expected queries to be a whole number ≥ 0, got NaN",
    ],
    [
      "finite numbers whose product is none",
      () => attention(tensor([[1e200]], { dtype: "float64" }), tensor([[1e200]], { dtype: "float64" }), tensor([[1]])),
      "attention: expected a result within the range of float64, got NaN at entry 0",
    ],
    [
      "the same on a device of float32, where less overflows",
      () => attention(tensor([[1e25]]), tensor([[1e25]]), tensor([[1]]), { on: reference32, intermediates: "all" }),
      "attention: expected scores within the range of float32, got Infinity at entry 0",
    ],
    [
      "a map for another width",
      () => project(reference, tensor([[1, 2]]), { weight: tensor([[1]]) }),
      "project: expected x [.., tokens, in], weight [in, out] and bias [out], got [1, 2], [1, 1], none",
    ],
    [
      "a map of nothing",
      () => project(reference, tensor([[1, 2]]), untyped(undefined)),
      "project: expected a map { weight, bias }, got undefined",
    ],
    ["half a head of slopes", () => alibi(1.5), "alibi: expected heads to be a whole number ≥ 1, got 1.5"],
    ["more heads than can be listed", () => alibi(2 ** 40), "alibi: expected at most 1048576 heads, got 1099511627776"],
  ])("%s", (_, refused, message) => {
    expect(refused).toThrow(message);
  });
});
