import { reference, type Tensor, tensor, toNested, type Weighing } from "@splineformer/tensor";
import { float64Tolerance, seeded } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import {
  type AttentionConfig,
  alibi,
  attend,
  attention,
  explainAttention,
  explainLayer,
  explanationSvg,
  explanationText,
} from "../src/index.ts";

const h = 2 ** -17;
const moved = (x: Tensor, i: number, d: number): Tensor => ({
  ...x,
  data: Float64Array.from(x.data, (v, j) => (i === j ? v + d : v)),
});
/** Central differences of rows of tensors; they err by h²/6 times a third derivative, below 1e3 here, and by rounding. */
const allowed = (1e3 * h ** 2) / 6 + 2 ** -48 / h;

const activations: readonly Weighing[] = [
  "relu",
  "squaredRelu",
  "softplus",
  "sigmoid",
  "softmax",
  "sparsemax",
  { name: "entmax", alpha: 1.5 },
  "identity",
];

// 5 queries, 7 keys; 2 heads of width 3 in 1 group, values of width 2
const drawn = (seed: number) => {
  const data = seeded(seed);
  return [data.normal([5, 6]), data.normal([7, 3]), data.normal([7, 2])] as const;
};
const shape = { heads: 2, keyValueHeads: 1 } as const;

describe("explainAttention", () => {
  it("by hand: scores 6 and −2 of ReLU over values 5 and 7", () => {
    const explained = explainAttention(tensor([[2]]), tensor([[3], [-1]]), tensor([[5], [7]]), {
      activation: "relu",
      divide: "length",
      of: { query: 0 },
    });
    expect(explained).toEqual({
      activation: "relu",
      query: 0,
      head: 0,
      hidden: 0,
      output: [15],
      keys: [
        {
          key: 0,
          score: 6,
          weight: 3,
          active: true,
          coefficients: [0, 0.5],
          toSwitch: 6,
          byScore: [2.5],
          byKey: [[5]],
          byValue: 3,
        },
        {
          key: 1,
          score: -2,
          weight: 0,
          active: false,
          coefficients: [0],
          toSwitch: 2,
          byScore: [0],
          byKey: [[0]],
          byValue: 0,
        },
      ],
    });
  });

  it("by hand: sparsemax of (3, 2.5, 0), whose threshold is 2.25", () => {
    const { keys } = explainAttention(tensor([[1]]), tensor([[3], [2.5], [0]]), tensor([[1], [2], [3]]), {
      activation: "sparsemax",
      of: { query: 0 },
    });
    expect(keys.map((key) => key.weight)).toEqual([0.75, 0.25, 0]);
    // moving a score of two active ones moves τ by half: 0.25 · 2 switches the second, 0.75 · 2 the first; the third needs τ
    expect(keys.map((key) => key.toSwitch)).toEqual([0.5, 0.5, 2.25]);
  });

  it.each(activations)(
    "gives the output of attention and its derivatives by score, key and value, for %j",
    (activation) => {
      const [query, key, value] = drawn(1);
      const options = { ...shape, activation, divide: "length", mask: { past: 2 }, bias: alibi(2) } as const;
      const at = (k: Tensor, v: Tensor, bias: Tensor | undefined, row: number, head: number): number[] =>
        (toNested(attention(query, k, v, { ...options, ...(bias && { bias }) })) as number[][])[row].slice(
          2 * head,
          2 * head + 2,
        );
      for (const [row, head] of [
        [0, 0],
        [3, 1],
      ]) {
        const { keys, hidden, output } = explainAttention(query, key, value, { ...options, of: { query: row, head } });
        expect([keys.length, hidden]).toEqual([row + 3, 4 - row]);
        const expected = at(key, value, undefined, row, head);
        for (const [j, o] of output.entries()) expect(Math.abs(o - expected[j])).toBeLessThan(float64Tolerance);
        for (const one of keys) {
          for (let i = 0; i < 3; i++) {
            const index = one.key * 3 + i;
            const [above, below] = [h, -h].map((d) => at(moved(key, index, d), value, undefined, row, head));
            for (const [j, slope] of one.byKey[i].entries())
              expect(Math.abs((above[j] - below[j]) / (2 * h) - slope)).toBeLessThanOrEqual(allowed);
          }
          const [above, below] = [h, -h].map((d) => at(key, moved(value, one.key * 2, d), undefined, row, head));
          expect(Math.abs((above[0] - below[0]) / (2 * h) - one.byValue)).toBeLessThanOrEqual(allowed);
        }
      }
    },
  );

  it("says how far a key is from switching: just before nothing changes, just after the pattern does", () => {
    const data = seeded(2);
    const none = tensor(new Float64Array(7), [7, 1]);
    for (const activation of ["relu", "sparsemax", { name: "clamp", limit: 0.7 }] as const) {
      const scores = data.normal([7]);
      const pattern = (s: Tensor): string => {
        const options = { activation, scale: 1, bias: { ...s, shape: [1, 7] }, of: { query: 0 } };
        const { keys } = explainAttention(tensor([[0]]), none, none, options);
        // sparsemax's constants follow the other scores of the support
        return keys.map((key) => JSON.stringify(activation === "sparsemax" ? key.active : key.coefficients)).join();
      };
      const options = { activation, scale: 1, bias: { ...scores, shape: [1, 7] }, of: { query: 0 } };
      for (const { key, toSwitch } of explainAttention(tensor([[0]]), none, none, options).keys) {
        if (typeof toSwitch !== "number" || toSwitch === Number.POSITIVE_INFINITY) continue;
        const after = [1, -1].map((sign) => pattern(moved(scores, key, sign * (toSwitch + 1e-9))));
        const before = [1, -1].map((sign) => pattern(moved(scores, key, sign * (toSwitch - 1e-9))));
        expect(before).toEqual([pattern(scores), pattern(scores)]);
        expect(after.some((p) => p !== pattern(scores))).toBe(true);
      }
    }
  });

  it("refuses rows and heads that do not exist, and batches", () => {
    const [query, key, value] = drawn(3);
    const explain = (of: { query: number; head?: number }) => () =>
      explainAttention(query, key, value, { ...shape, of });
    expect(explain({ query: 5 })).toThrow("explainAttention: expected of.query < 5, got 5");
    expect(explain({ query: 0, head: 2 })).toThrow("explainAttention: expected of.head < 2, got 2");
    expect(explain({ query: -1 })).toThrow("explainAttention: expected of.query to be a whole number ≥ 0, got -1");
    expect(() => explainAttention({ ...query, shape: [1, 5, 6] }, key, value, { of: { query: 0 } })).toThrow(
      "explainAttention: expected query [tokens, width], got [1, 5, 6]",
    );
  });
});

describe("explainLayer", () => {
  const self = { mask: "causal", heads: 2, keyValueHeads: 1, scale: 0.7, divide: "length" } as const;
  const additions: Readonly<Record<string, Partial<AttentionConfig>>> = {
    "nothing else": {},
    "QK-norm with learned factors": { qkNorm: "layer" },
    "QK-norm by the mean square, rotary embeddings and ALiBi": {
      qkNorm: "rms",
      rotary: { layout: "interleaved" },
      alibi: alibi(2),
    },
    "rotary embeddings": { rotary: {} },
  };

  it.each(activations.flatMap((activation) => Object.keys(additions).map((name) => [activation, name] as const)))(
    "gives a layer's output and its derivative by every token, for %j with %s",
    (activation, name) => {
      const data = seeded(4);
      const line = (from: number, to: number) => ({
        weight: data.normal([from, to], { deviation: 0.6 }),
        bias: data.normal([to]),
      });
      const parameters = {
        query: line(3, 8),
        key: line(3, 4),
        value: line(3, 5),
        output: line(10, 2),
        queryNorm: { weight: data.normal([4], { mean: 1, deviation: 0.2 }), bias: data.normal([4]) },
        keyNorm: { weight: data.normal([4], { mean: 1, deviation: 0.2 }) },
      };
      const config: AttentionConfig = { ...self, ...additions[name], activation };
      const x = data.normal([5, 3]);
      const run = (y: Tensor): number[] => (toNested(attend(reference, config, parameters, y)) as number[][])[3];
      const { output, byToken, heads } = explainLayer({ config, parameters }, x, { query: 3 });
      expect(heads).toHaveLength(2);
      for (const [b, y] of run(x).entries()) expect(Math.abs(output[b] - y)).toBeLessThan(float64Tolerance);
      for (let i = 0; i < 5; i++)
        for (let a = 0; a < 3; a++) {
          const [above, below] = [h, -h].map((d) => run(moved(x, i * 3 + a, d)));
          for (const [b, slope] of byToken[i][a].entries())
            expect(Math.abs((above[b] - below[b]) / (2 * h) - slope)).toBeLessThanOrEqual(allowed);
          // the last token is hidden
          if (i === 4) expect(byToken[i][a]).toEqual([0, 0]);
        }
    },
  );

  it("refuses a row that does not exist", () => {
    const one = { weight: tensor([[1]]) };
    const config: AttentionConfig = { ...self, activation: "relu", heads: 1 };
    const layer = { config, parameters: { query: one, key: one, value: one, output: one } };
    expect(() => explainLayer(layer, tensor([[1]]), { query: 1 })).toThrow("explainLayer: expected query < 1, got 1");
  });

  it("by hand: of one token with QK-norm, ReLU attention is x³/(x² + ε), with derivative x²(x² + 3ε)/(x² + ε)²", () => {
    const one = { weight: tensor([[1]]) };
    const config: AttentionConfig = {
      ...self,
      activation: "relu",
      heads: 1,
      scale: 1,
      qkNorm: "rms",
      qkNormEpsilon: 1,
    };
    const layer = { config, parameters: { query: one, key: one, value: one, output: one } };
    const { byToken, output } = explainLayer(layer, tensor([[2]]), { query: 0 });
    // a root and a square of it: a few roundings
    expect(Math.abs(output[0] - 8 / 5)).toBeLessThan(float64Tolerance);
    expect(Math.abs(byToken[0][0][0] - 28 / 25)).toBeLessThan(float64Tolerance);
  });
});

describe("an explanation", () => {
  const explained = explainAttention(tensor([[2]]), tensor([[3], [-1], [0.1234567]]), tensor([[5], [7], [1]]), {
    activation: "relu",
    mask: { past: 1 },
    of: { query: 0 },
  });

  it("is a table in text", () => {
    expect(explanationText(explained)).toBe(
      [
        "relu attention of query 0, head 0: 1 of 2 keys active, output 30",
        "key  score s  weight  on its piece  to switch  |∂output/∂score|",
        "  0        6       6             s          6                 5",
        "  1       -2     off             0          2                 0",
        "hidden keys: 1",
      ].join("\n"),
    );
    const soft = explainAttention(tensor([[2]]), tensor([[3], [-1]]), tensor([[5], [7]]), { of: { query: 0 } });
    expect(explanationText(soft)).toContain("smooth");
    // two keys share: each weighs s/2 and half of what the other leaves
    const sparse = { activation: "sparsemax", of: { query: 0 } } as const;
    const shared = explainAttention(tensor([[1]]), tensor([[0.25], [0.5], [-3]]), tensor([[5], [7], [1]]), sparse);
    expect(shared.keys.map(({ coefficients }) => coefficients)).toEqual([[0.25, 0.5], [0.375, 0.5], [0]]);
    expect(explanationText(shared).split("\n")[2]).toContain("0.25 + 0.5 s");
  });

  it("is a picture with a title and a description, one bar for each active key, and nothing unescaped", () => {
    const svg = explanationSvg(explained);
    expect(svg).toContain("relu attention of query 0, head 0</title>");
    expect(svg).toContain("1 of 2 visible keys are active, 1 are hidden.</desc>");
    expect(svg.match(/<rect /g)).toHaveLength(1);
    const own = explainAttention(tensor([[2]]), tensor([[3]]), tensor([[5]]), {
      activation: { name: "piecewise", knots: [], pieces: [[0, -1]] },
      of: { query: 0 },
    });
    expect(explanationSvg(own)).toContain('class="negative"');
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  it("shows each weight's polynomial in the picture as in the text, beside what it moves and how far the next piece is", () => {
    const sparse = { activation: "sparsemax", of: { query: 0 } } as const;
    const values = tensor([[5], [7], [1]]);
    const shared = explainAttention(tensor([[1]]), tensor([[0.25], [0.5], [-3]]), values, sparse);
    const svg = explanationSvg(shared);
    const cells = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    const rows = explanationText(shared).split("\n").slice(2);
    for (const row of rows) for (const cell of row.trim().split(/ {2,}/)) expect(cells).toContain(cell);
    expect([...svg.matchAll(/class="piece[^>]*>([^<]*)</g)].map(([, text]) => text)).toEqual([
      "0.25 + 0.5 s",
      "0.375 + 0.5 s",
      "0",
    ]);
    // long polynomials push what follows to the right, and a smooth activation has no such column
    const widthOf = (picture: string): number => Number(/viewBox="0 0 (\d+) /.exec(picture)?.[1]);
    const long = { name: "piecewise", knots: [], pieces: [[0.12345, -0.6789, 0.1357, 2.468]] } as const;
    const ofLong = explanationSvg(explainAttention(tensor([[1]]), tensor([[2]]), tensor([[3]]), { ...sparse, activation: long })); // biome-ignore format: one line
    expect(ofLong).toContain(">0.1235 − 0.6789 s + 0.1357 s² + 2.468 s³<");
    expect(widthOf(ofLong)).toBeGreaterThan(widthOf(svg));
    const soft = explanationSvg(explainAttention(tensor([[1]]), tensor([[2]]), tensor([[3]]), { of: { query: 0 } }));
    expect(soft).not.toContain("piece");
  });
});
