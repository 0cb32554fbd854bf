import { reference, type Tensor, tensor, type Weighing } from "@splineformer/tensor";
import { seeded } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import {
  type AttentionConfig,
  type AttentionLayer,
  attend,
  crossJacobianBound,
  jacobianBound,
  presets,
  stackJacobianBound,
  tokenwiseNorm,
} from "../src/index.ts";
import { spectralNorm, triangularFactor } from "../src/spectral-norm.ts";

const plain: AttentionConfig = {
  activation: "relu",
  mask: "none",
  heads: 1,
  keyValueHeads: 1,
  scale: 0.7,
  divide: "none",
};
const activations: readonly Weighing[] = [
  "relu",
  "squaredRelu",
  "sigmoid",
  { name: "sigmoid", bias: -1 },
  "softplus",
  "identity",
  "softmax",
  "sparsemax",
  { name: "entmax", alpha: 1.5 },
];

/** The Jacobian by central differences, [outputs, inputs]. */
const differences = (f: (x: Tensor) => Tensor, x: Tensor): Tensor => {
  const h = 2 ** -17;
  const columns = Array.from(x.data, (_, i) => {
    const at = (d: number) => f({ ...x, data: Float64Array.from(x.data, (v, j) => (i === j ? v + d : v)) }).data;
    const [above, below] = [at(h), at(-h)];
    return Array.from(above, (v, k) => (v - below[k]) / (2 * h));
  });
  return tensor(
    columns[0].map((_, k) => columns.map((column) => column[k])),
    { dtype: "float64" },
  );
};

/** The largest singular value by power iteration, from below. */
const powerNorm = (a: Tensor): number => {
  let v = seeded(99).normal([a.shape[1], 1]) as Tensor;
  let size = 0;
  for (let k = 0; k < 120; k++) {
    const u = reference.matmul(a, v, {});
    if (u.data.every((entry: number) => entry === 0)) return 0;
    const w = reference.matmul(a, u, { transposeA: true });
    size = Math.sqrt(Math.hypot(...w.data) / Math.hypot(...v.data));
    v = reference.scale(w, { factor: 1 / (Math.hypot(...w.data) || 1) });
  }
  return size;
};

describe("the spectral norm", () => {
  it("of a diagonal matrix is its largest entry, of a vector its length, of nothing 0", () => {
    for (const [a, norm] of [
      [
        [
          [3, 0],
          [0, -4],
        ],
        4,
      ],
      [[[3, 4]], 5],
      [[[0, 0]], 0],
    ] as const) {
      const got = spectralNorm(tensor(a, { dtype: "float64" }));
      expect(got).toBeGreaterThanOrEqual(norm);
      // r^(1/8192) for r = 2, and rounding
      expect(got).toBeLessThanOrEqual(norm * 2 ** (1 / 8192) * (1 + 2 ** -48));
    }
  });

  it("is never below what power iteration finds, and hardly above", () => {
    const data = seeded(1);
    for (const shape of [
      [5, 7],
      [13, 3],
      [17, 19],
    ]) {
      const a = data.normal(shape);
      const ratio = spectralNorm(a) / powerNorm(a);
      expect(ratio).toBeGreaterThanOrEqual(1 - 2 ** -48);
      expect(ratio).toBeLessThan(1.001);
    }
  });
});

describe("the triangular factor", () => {
  it("of one column is its length; of a tall matrix it keeps the norm of products, whatever the rank", () => {
    expect(triangularFactor(tensor([[3], [4]])).data).toEqual(Float64Array.of(5));
    const data = seeded(2);
    const [a, b] = [data.normal([17, 5]), data.normal([7, 5])];
    // the second column once more in the fourth place, and zeros in the fifth
    const poor = { ...a, data: a.data.map((v, i) => (i % 5 === 3 ? a.data[i - 2] : i % 5 === 4 ? 0 : v)) };
    for (const tall of [a, poor]) {
      const r = triangularFactor(tall);
      expect(r.shape).toEqual([5, 5]);
      for (const [i, v] of r.data.entries()) if (i % 5 < Math.floor(i / 5)) expect(v).toBe(0);
      const [long, short] = [tall, r].map((x) => spectralNorm(reference.matmul(b, x, { transposeB: true })));
      // the norms of a Gram matrix of 7 rows are the same number, but for rounding
      expect(Math.abs(short / long - 1)).toBeLessThan(2 ** -46);
    }
    const wide = tensor([[1, 2]]);
    expect(triangularFactor(wide)).toBe(wide);
  });
});

describe("jacobianBound", () => {
  // 5 tokens of width 3; heads of width 2, values of width 2
  const drawn = (
    seed: number,
    config: AttentionConfig,
    size = 1,
    bias = true,
  ): { layer: AttentionLayer; x: Tensor } => {
    const data = seeded(seed);
    const { heads, keyValueHeads } = config;
    const dense = (from: number, to: number) => ({
      weight: data.normal([from, to], { deviation: size }),
      ...(bias && { bias: data.normal([to]) }),
    });
    const parameters = {
      query: dense(3, 2 * heads),
      key: dense(3, 2 * keyValueHeads),
      value: dense(3, 2 * keyValueHeads),
      output: dense(2 * heads, 3),
    };
    return { layer: { config, parameters }, x: data.normal([5, 3]) };
  };

  it("of x³ is 3x², x² of it from the value", () => {
    const one = { weight: tensor([[1]]) };
    const layer = { config: { ...plain, scale: 1 }, parameters: { query: one, key: one, value: one, output: one } };
    const { bound, value, score } = jacobianBound(layer, tensor([[2]]));
    // four norms, each raised by 8 · 2⁻⁵³ and rounded as much
    for (const [got, expected] of [
      [bound, 12],
      [value, 4],
      [score, 8],
    ])
      expect(Math.abs(got - expected)).toBeLessThanOrEqual(12 * 2 ** -48);
  });

  it("of one token with QK-norm is reached: x³/(x² + 1) has slope 28/25 at 2, 4/5 of it from the value", () => {
    const one = { weight: tensor([[1]]) };
    const config = { ...plain, scale: 1, qkNorm: "rms", qkNormEpsilon: 1 } as const;
    const layer = { config, parameters: { query: one, key: one, value: one, output: one } };
    const { bound, value, score } = jacobianBound(layer, tensor([[2]]));
    // as above, and a root
    for (const [got, expected] of [
      [bound, 28 / 25],
      [value, 4 / 5],
      [score, 8 / 25],
    ])
      expect(Math.abs(got - expected)).toBeLessThanOrEqual(2 ** -48);
  });

  it.each(activations)("is never exceeded, for %j, in any of 40 draws", (activation) => {
    const masks = ["none", "causal", { window: 2 }] as const;
    for (let draw = 0; draw < 40; draw++) {
      const config = {
        ...plain,
        activation,
        mask: masks[draw % 3],
        divide: draw % 2 ? ("length" as const) : ("none" as const),
        ...(draw % 4 === 3 && { heads: 2, keyValueHeads: 1 }),
        ...(draw % 5 === 4 && { rotary: {} }),
        ...(draw % 3 === 2 && { qkNorm: draw % 2 ? ("layer" as const) : ("rms" as const) }),
      };
      const { layer, x } = drawn(100 + draw, config, 0.2 + (draw % 7) / 4);
      const measured = powerNorm(differences((y) => attend(reference, layer.config, layer.parameters, y), x));
      // differences err by a few 1e-9 of the layer's size, or more where one of them crosses a kink
      expect(measured).toBeLessThanOrEqual(jacobianBound(layer, x).bound * (1 + 1e-7));
    }
  });

  it("is at most the closed form of the paper, for layers without biases and output map", () => {
    const identity = {
      weight: tensor([
        [1, 0],
        [0, 1],
      ]),
    };
    for (let draw = 0; draw < 20; draw++) {
      const { layer, x } = drawn(300 + draw, { ...plain, activation: { name: "sigmoid", bias: -1 } }, 0.6, false);
      const parameters = { ...layer.parameters, output: identity };
      const { query, key, value } = parameters;
      const sigma = (z: number): number => 1 / (1 + Math.exp(-z));
      const product = reference.matmul(query.weight, key.weight, { transposeB: true });
      const scores = reference.matmul(reference.matmul(x, product, {}), x, { transposeB: true }).data;
      const inner = Array.from(scores, (s) => sigma(0.7 * s - 1));
      const n = 5;
      const [top, slope] = [Math.max(...inner), Math.max(...inner.map((p) => p * (1 - p)))];
      const squares = Math.hypot(...x.data) ** 2 / n;
      const closed = spectralNorm(value.weight) * (n * top + 2 * n * slope * 0.7 * spectralNorm(product) * squares);
      expect(jacobianBound({ config: layer.config, parameters }, x).bound).toBeLessThanOrEqual(closed);
    }
  });

  it("is nearly reached by 5 tokens of width 3 that look alike, the score's share being more than half", () => {
    const data = seeded(7);
    // every map is near the projection on one direction, and every token near it
    const direction = tensor(
      [[2, 1, 2]].map((row) => row.map((v) => v / 3)),
      { dtype: "float64" },
    );
    const outer = reference.matmul(direction, direction, { transposeA: true });
    const near = (x: Tensor) => ({ weight: reference.add(x, data.normal([3, 3], { deviation: 0.01 })) });
    const parameters = { query: near(outer), key: near(outer), value: near(outer), output: near(outer) };
    const x = reference.add(direction, data.normal([5, 3], { deviation: 0.02 }));
    const config = { ...plain, activation: "relu", divide: "length" } as const;
    const { bound, score } = jacobianBound({ config, parameters }, x);
    const measured = powerNorm(differences((y) => attend(reference, config, parameters, y), x));
    expect(score / bound).toBeGreaterThan(0.5);
    expect(measured / bound).toBeGreaterThan(0.9);
    expect(measured).toBeLessThanOrEqual(bound * (1 + 1e-7));
  });

  it("refuses batches and NaN", () => {
    const { layer, x } = drawn(9, plain);
    expect(() => jacobianBound(layer, { ...x, shape: [1, 5, 3] })).toThrow(
      "jacobianBound: expected x [tokens, width], got [1, 5, 3]",
    );
    expect(() => jacobianBound(layer, tensor([[0, 0, Number.NaN]]))).toThrow("expected x to hold finite numbers");
  });

  it("multiplies over a stack, with its looseness reported, and is not exceeded there either", () => {
    for (let draw = 0; draw < 10; draw++) {
      const config = { ...plain, divide: "length" } as const;
      const [first, second] = [0, 1].map((i) => drawn(500 + 2 * draw + i, config, 0.5));
      const layers = [
        { ...first.layer, residual: "added" as const },
        { ...second.layer, residual: "none" as const },
      ];
      const { bound, factors, measured, looseness } = stackJacobianBound(layers, first.x);
      expect(factors).toHaveLength(2);
      expect(bound).toBe(factors[0] * factors[1]);
      const run = (y: Tensor): Tensor => {
        const once = reference.add(y, attend(reference, config, first.layer.parameters, y));
        return attend(reference, config, second.layer.parameters, once);
      };
      const numeric = powerNorm(differences(run, first.x));
      // differences, and the norm's r^(1/8192) for r = 15
      expect(Math.abs(measured / numeric - 1)).toBeLessThan(0.001);
      expect(looseness).toBeGreaterThanOrEqual(1 - 0.001);
      expect(numeric).toBeLessThanOrEqual(bound);
    }
    expect(() => stackJacobianBound([], tensor([[1]]))).toThrow(
      "stackJacobianBound: expected at least one layer, got 0",
    );
  });
});

describe("crossJacobianBound", () => {
  it.each(activations)("is exceeded by neither side, for %j", (activation) => {
    for (let draw = 0; draw < 6; draw++) {
      const data = seeded(700 + draw);
      // 3 queries of width 5 to 4 keys of width 2; heads of width 2, values of width 3
      const dense = (from: number, to: number) => ({ weight: data.normal([from, to]), bias: data.normal([to]) });
      const config = { ...plain, activation, heads: 2, ...(draw % 2 && { qkNorm: "rms" as const, keyValueHeads: 2 }) };
      const groups = config.keyValueHeads;
      const parameters = {
        query: dense(5, 4),
        key: dense(2, 2 * groups),
        value: dense(2, 3 * groups),
        output: dense(6, 5),
      };
      const [x, memory] = [data.normal([3, 5]), data.normal([4, 2])];
      const { x: byX, memory: byMemory } = crossJacobianBound({ config, parameters }, x, memory);
      const run = (a: Tensor, b: Tensor) => attend(reference, config, parameters, a, b);
      expect(powerNorm(differences((y) => run(y, memory), x))).toBeLessThanOrEqual(byX * (1 + 1e-7));
      expect(powerNorm(differences((y) => run(x, y), memory))).toBeLessThanOrEqual(byMemory * (1 + 1e-7));
    }
  });

  it("of a sequence to itself is the bound of self-attention in its two parts", () => {
    const one = { weight: tensor([[1]]) };
    const layer = { config: plain, parameters: { query: one, key: one, value: one, output: one } };
    const tokens = tensor([[2], [-1], [3]]);
    const { x, memory } = crossJacobianBound(layer, tokens, tokens);
    // the sums differ in their grouping
    expect(Math.abs((x + memory) / jacobianBound(layer, tokens).bound - 1)).toBeLessThan(2 ** -50);
    expect(() => crossJacobianBound(layer, tokens, tensor([1]))).toThrow(
      "crossJacobianBound: expected memory [tokens, width], got [1]",
    );
  });
});

describe("the norm of a map that reads every token alone", () => {
  it("is the steepest token's; of a map that does nothing 1, of one that forgets 0", () => {
    const x = tensor([[1], [-3], [2]]);
    expect(tokenwiseNorm((ops, y) => ops.multiply(y, y), x)).toBeCloseTo(6, 12);
    expect(tokenwiseNorm((_, y) => y, x)).toBe(1);
    expect(tokenwiseNorm((ops, y) => ops.scale(y, { factor: 0 }), x)).toBe(0);
  });
});

describe("a bound of many tokens", () => {
  it("is found for 401 of them, and for a stack whose Jacobian has 384² entries", () => {
    const one = { weight: tensor([[1]]) };
    const parameters = { query: one, key: one, value: one, output: one };
    // equal tokens 1: every weight is the score over n, so their matrix has the norm of the score
    const { value } = jacobianBound(
      { config: { ...plain, divide: "length" }, parameters },
      tensor(new Float64Array(401).fill(1), [401, 1]),
    );
    expect(value / plain.scale).toBeCloseTo(1, 3);
    const wide = { weight: reference.scale(seeded(1).normal([16, 16]), { factor: 0.25 }) };
    const layer = {
      config: plain,
      parameters: { query: wide, key: wide, value: wide, output: wide },
      residual: "added",
    } as const;
    const { looseness } = stackJacobianBound([layer], seeded(2).normal([24, 16]));
    expect(looseness).toBeGreaterThanOrEqual(1);
    expect(() => stackJacobianBound([{ ...layer, residual: undefined as never }], tensor([[1]]))).toThrow(
      'stackJacobianBound: expected residual "added" or "none" of each layer, got undefined',
    );
  });
});

describe("presets", () => {
  it("are plain data that a layer takes", () => {
    expect(JSON.parse(JSON.stringify(presets))).toEqual(presets);
    const one = { weight: tensor([[1]]) };
    const parameters = { query: one, key: one, value: one, output: one };
    for (const { attention } of Object.values(presets)) {
      const out = attend(reference, { ...plain, ...attention }, parameters, tensor([[2], [1]]));
      expect(out.shape).toEqual([2, 1]);
    }
  });
});
