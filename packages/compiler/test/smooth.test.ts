import { PiecewisePolynomial } from "@splineformer/spline";
import {
  forward,
  type Random,
  random,
  type Tensor,
  tensor,
  UnsupportedError,
  withParameters,
} from "@splineformer/tensor";
import {
  createDecoder,
  createEncoder,
  createTransformer,
  type Encoder,
  type EncoderOptions,
  encoderFromParameters,
} from "@splineformer/transformer";
import { describe, expect, test } from "vitest";
import { encoderFromSpline, smooth } from "../src/index.ts";
import { smoothingBound } from "../src/smoothing-bound.ts";
import { pointsOf, roughSpline } from "./splines.ts";

const float64 = { dtype: "float64" } as const;
const bend = (x: number[][] | number[]): Tensor => tensor(x, float64);
const one = { weight: bend([[1]]), bias: bend([0]) };
const zero = { weight: bend([[0]]), bias: bend([0]) };
const plain = { layers: 1, width: 1, heads: 1, layerScale: "none" as const };

/** Largest |a − b| / bound over the entries, with the rounding of one float64 sum forgiven. */
function worstRatio(a: Tensor, b: Tensor, bound: Tensor): number {
  let worst = 0;
  for (let i = 0; i < a.data.length; i++) {
    // both sides round: a few hundred operations of at most 2⁻⁵³ of the value each
    const rounding = 1e-13 * (Math.abs(a.data[i]) + Math.abs(b.data[i]) + 1);
    const moved = Math.max(Math.abs(a.data[i] - b.data[i]) - rounding, 0);
    if (moved > 0) worst = Math.max(worst, moved / bound.data[i]);
  }
  return worst;
}

describe("by hand", () => {
  test("softplus of one hidden unit: at its knot the bound log(2)/β · |c| is attained", () => {
    // y = ReLU(x) · 3
    const model = encoderFromParameters(
      { ...plain, hidden: 1, residual: false },
      {
        blocks: [
          {
            attention: { query: zero, key: zero, value: zero, output: zero },
            feedForward: { expand: one, contract: { weight: bend([[3]]), bias: bend([0]) } },
          },
        ],
      },
    );
    const soft = smooth(model, { softplus: 7 });
    expect(forward(soft, bend([[5]])).data[0]).toBe(forward(model, bend([[0]])).data[0] + (3 * Math.LN2) / 7);
    expect(soft.bound(bend([[5]])).data[0]).toBeCloseTo((3 * Math.LN2) / 7, 15);
  });

  test("one head: x · ReLU(x · x) moves by at most |x| log(2)/β, and by just that where the score is 0", () => {
    // the query is 0, so the score is 0 for every x
    const model = encoderFromParameters(
      { ...plain, hidden: 0, residual: false, attention: { divide: "none" } },
      { blocks: [{ attention: { query: zero, key: one, value: one, output: one } }] },
    );
    const soft = smooth(model, { softplus: 2 });
    expect(forward(soft, bend([[-5]])).data[0]).toBeCloseTo((-5 * Math.LN2) / 2, 15);
    expect(soft.bound(bend([[-5]])).data[0]).toBeCloseTo((5 * Math.LN2) / 2, 15);
  });

  test("where hidden units read what attention writes, the bound contains how far that moves them", () => {
    // attention writes softplus(0) · 1 into the only channel, and the unit 2 · ReLU(4 · (x + that)) reads it
    const model = encoderFromParameters(
      { ...plain, hidden: 1, attention: { divide: "none" } },
      {
        blocks: [
          {
            attention: { query: zero, key: zero, value: { weight: bend([[0]]), bias: bend([1]) }, output: one },
            feedForward: {
              expand: { weight: bend([[4]]), bias: bend([0]) },
              contract: { weight: bend([[2]]), bias: bend([0]) },
            },
          },
        ],
      },
    );
    const beta = 3;
    const c = Math.LN2 / beta;
    // through the residual c, through the unit 2 · (c + 4c)
    expect(smooth(model, { softplus: beta }).bound(bend([[1]])).data[0]).toBeCloseTo(c + 2 * (c + 4 * c), 14);
    expect(forward(smooth(model, { softplus: beta }), bend([[1]])).data[0]).toBeLessThanOrEqual(
      forward(model, bend([[1]])).data[0] + c + 10 * c,
    );
  });
});

test("of a compiled block the bound is (log 2/β)(Σ_heads |v_h(x)| + Σ_hidden |c_j|), for its hidden units read x alone", () => {
  const s = roughSpline(11, 3, (r) => 0.2 + r.number(), -2);
  const model = encoderFromSpline(s);
  const { input, blocks } = model.parameters;
  const { attention, feedForward } = blocks[0];
  const beta = 5;
  const soft = smooth(model, { softplus: beta });
  for (const x of pointsOf(s, 31)) {
    const z = x * (input?.weight.data[0] ?? 0) + (input?.bias?.data[0] ?? 0);
    let sum = 0;
    for (let h = 0; h < 10; h++) {
      const value = attention.value.weight.data[h] * z + (attention.value.bias?.data[h] ?? 0);
      sum += Math.abs(value * attention.output.weight.data[2 * h + 1]);
    }
    for (let j = 0; j < 11; j++) sum += Math.abs(feedForward?.contract.weight.data[2 * j + 1] ?? 0);
    const bound = soft.bound(bend([[x]])).data[0];
    // 21 terms added in another order
    expect(Math.abs(bound - (Math.LN2 / beta) * sum)).toBeLessThan(32 * 2 ** -53 * bound);
  }
});

describe("the bound is never exceeded", () => {
  test("in 2,000 draws of compiled splines, β and x; the worst comes within a third of it", () => {
    let worst = 0;
    for (let seed = 0; seed < 100; seed++) {
      const r = random(seed, { stream: 7 });
      const s = roughSpline(2 + r.integer(7), seed, (q) => 0.1 + q.number(), -1);
      const model = encoderFromSpline(s, { form: (["block", "attention"] as const)[seed % 2] });
      const soft = smooth(model, { softplus: 10 ** (3 * r.number()) });
      const points = [...s.breakpoints, ...pointsOf(s, 20)].slice(0, 20);
      const x = tensor(Float64Array.from(points), [20, 1, 1]);
      worst = Math.max(worst, worstRatio(forward(soft, x), forward(model, x), soft.bound(x)));
    }
    expect(worst).toBeLessThanOrEqual(1);
    expect(worst).toBeGreaterThan(1 / 3);
  });

  const shapes: Readonly<Record<string, (r: Random) => EncoderOptions>> = {
    "one head, a residual": () => ({ layers: 1, width: 3, heads: 1 }),
    "three heads that share keys, causal, an output map": () => ({
      layers: 1,
      width: 6,
      heads: 3,
      keyValueHeads: 1,
      hidden: 5,
      output: 2,
      attention: { mask: "causal" },
    }),
    "a window, a clamp, no residual, scaled sublayers, mean pool": () => ({
      layers: 1,
      width: 4,
      heads: 2,
      attention: { mask: { window: 2 } },
      clamp: 3,
      residual: false,
      layerScale: 0.3,
      pool: "mean",
    }),
    "no feed-forward, no divisor": () => ({ layers: 1, width: 4, heads: 2, hidden: 0, attention: { divide: "none" } }),
  };
  test.each(Object.entries(shapes))("in 500 draws of an encoder: %s", (_, options) => {
    let worst = 0;
    for (let seed = 0; seed < 25; seed++) {
      const r = random(seed, { stream: 8 });
      const model = drawn(options(r), r, seed);
      const soft = smooth(model, { softplus: 10 ** (-1 + 4 * r.number()) });
      const x = r.normal([20, 5, model.config.width], float64);
      worst = Math.max(worst, worstRatio(forward(soft, x), forward(model, x), soft.bound(x)));
    }
    expect(worst).toBeLessThanOrEqual(1);
    expect(worst).toBeGreaterThan(0.1);
  });
});

test("the rules behind it hold at any depth, but two blocks or a decoder are bounded far too high", () => {
  let worst = 0;
  for (let seed = 0; seed < 20; seed++) {
    const r = random(seed, { stream: 9 });
    const beta = 10 ** (1 + 3 * r.number());
    const two = drawn({ layers: 2, width: 4, heads: 2 }, r, seed);
    const x = r.normal([5, 7, 4], float64);
    const both = createTransformer({ layers: 1, width: 4, heads: 2, seed, dtype: "float64" });
    const pair = { source: r.normal([5, 4], float64), target: r.normal([3, 4], float64) };
    const c = Math.LN2 / beta;
    const deep = worstRatio(forward(smooth(two, { softplus: beta }), x), forward(two, x), smoothingBound(two, x, c));
    const cross = worstRatio(
      forward(smooth(both, { softplus: beta }), pair),
      forward(both, pair),
      smoothingBound(both, pair, c),
    );
    worst = Math.max(worst, deep, cross);
  }
  expect(worst).toBeLessThan(0.1);
});

describe("softplus", () => {
  const s = roughSpline(5, 2);
  const model = encoderFromSpline(s);
  const distance = (beta: number, x: number): number =>
    forward(smooth(model, { softplus: beta }), bend([[x]])).data[0] - forward(model, bend([[x]])).data[0];

  test("the distance falls to rounding as β grows: like 1/β at a knot, faster between knots", () => {
    const knot = s.breakpoints[2];
    const between = knot + 0.37;
    for (const beta of [1e3, 1e5, 1e7]) {
      expect(distance(100 * beta, knot) / distance(beta, knot)).toBeCloseTo(0.01, 6);
      expect(Math.abs(distance(beta, between))).toBeLessThan(1e-14);
    }
  });

  test("the largest distance is at a knot, where units switch, once 1/β is small beside the gaps", () => {
    const grid = Array.from({ length: 801 }, (_, i) => -2 + i / 100);
    const distances = grid.map((x) => Math.abs(distance(1e3, x)));
    const largest = distances.indexOf(Math.max(...distances));
    expect(Array.from(s.breakpoints)).toContain(Math.round(grid[largest] * 100) / 100);
  });

  test("a head that is one product of roots moves by log(2)/β times its value at a knot", () => {
    // one interval, one head: at the left knot the score and the unit there are 0, the other unit is far from its knot
    const bump = PiecewisePolynomial.fromCoefficients([0, 1], [[0, 2, -1, -1]], { extrapolation: "linear" });
    const soft = smooth(encoderFromSpline(bump), { softplus: 1e4 });
    const moved = forward(soft, bend([[0]])).data[0];
    // x(1 − x)(x + 2): the score 4x(1 − x) has value (x + 2)/4; the tail of slope 2 is a unit of height 2 looking left
    expect(Math.abs(moved)).toBeCloseTo((Math.LN2 / 1e4) * (2 - 2 / 4), 12);
  });

  test("weights are shared, and every model keeps its kind, config and inputs", () => {
    const models = [
      createEncoder({ layers: 3, width: 4, heads: 2 }),
      createDecoder({ layers: 1, width: 4, heads: 2, memory: 5 }),
      createTransformer({ layers: 1, width: 4, heads: 2 }),
    ] as const;
    for (const model of models) {
      const soft = smooth(model, { softplus: 3 });
      expect(soft.parameters).toBe(model.parameters);
      expect(soft.inputs).toEqual(model.inputs);
      const text = JSON.stringify(soft.config);
      expect(text).toBe(JSON.stringify(model.config).replaceAll('"relu"', '{"name":"softplus","beta":3}'));
    }
  });

  test("the bound follows other parameters", () => {
    const soft = smooth(model, { softplus: 3 });
    const contract = soft.parameters.blocks[0].feedForward?.contract.weight as Tensor;
    const doubled = tensor(
      Float64Array.from(contract.data, (v) => 2 * v),
      contract.shape,
    );
    const other = withParameters(soft as never, { "blocks.0.feedForward.contract.weight": doubled }) as typeof soft;
    const x = bend([[0.5]]);
    const units = Array.from(contract.data, Math.abs).reduce((sum, v) => sum + v, 0);
    expect(other.bound(x).data[0] - soft.bound(x).data[0]).toBeCloseTo((units * Math.LN2) / 3, 12);
  });
});

describe("softmax", () => {
  test("of one token is the average of that token: the compiled block loses its bubbles' shape and keeps its values", () => {
    const s = roughSpline(5, 2);
    const model = encoderFromSpline(s);
    const soft = smooth(model, "softmax");
    expect(soft.config.attention).toEqual({ ...model.config.attention, activation: "softmax" });
    expect(soft.config.feedForward).toEqual(model.config.feedForward);
    const { input, blocks, output } = model.parameters;
    const x = 1.3;
    const z = x * (input?.weight.data[0] ?? 0);
    const { value, output: heights } = blocks[0].attention;
    const values = Array.from(value.weight.data.subarray(0, 4), (w, h) => w * z + (value.bias?.data[h] ?? 0));
    const bubbles = values.reduce((sum, v, h) => sum + v * heights.weight.data[2 * h + 1], 0);
    const line = encoderFromSpline(
      new PiecewisePolynomial(
        s.breakpoints,
        Array.from({ length: 4 }, (_, i) => [s.evaluate(i), s.evaluate(i + 1)]),
        { extrapolation: s.tails },
      ),
    );
    expect(output).toBeDefined();
    const expected = forward(line, bend([[x]])).data[0] + bubbles;
    expect(forward(soft, bend([[x]])).data[0]).toBeCloseTo(expected, 13);
  });

  test("takes the place of ReLU and of its divisor, and has no bound: it is no limit of ReLU", () => {
    const soft = smooth(createEncoder({ layers: 1, width: 4, heads: 2 }), "softmax");
    expect(soft.config.attention).toMatchObject({ activation: "softmax", divide: "none" });
    expect(soft).not.toHaveProperty("bound");
  });
});

describe("what cannot be answered is refused by name", () => {
  const model = createEncoder({ layers: 1, width: 4, heads: 2 });
  test.each([
    [{ softplus: 0 }, "smooth: expected a finite softplus beta > 0, got 0"],
    [{ softplus: Number.NaN }, "smooth: expected a finite softplus beta > 0, got NaN"],
    [{ softplus: "8" }, 'smooth: expected a finite softplus beta > 0, got "8"'],
    [{ beta: 8 }, 'smooth: expected options softplus, got "beta"'],
    ["softplus", 'smooth: expected { softplus: beta } or "softmax", got "softplus"'],
    [undefined, 'smooth: expected { softplus: beta } or "softmax", got undefined'],
  ])("%j", (smoothing, message) => {
    expect(() => smooth(model, smoothing as never)).toThrow(new RangeError(message));
  });

  test("what is no model", () => {
    expect(() => smooth({ config: { kind: "perceptron" } } as never, "softmax")).toThrow(
      new UnsupportedError(
        'smooth: expected an encoder, decoder or encoder–decoder of @splineformer/transformer, got "perceptron"',
      ),
    );
    expect(() => smooth(undefined as never, "softmax")).toThrow(UnsupportedError);
  });

  test("a model without ReLU, a smoothed one for example", () => {
    expect(() => smooth(smooth(model, { softplus: 2 }), { softplus: 3 })).toThrow(
      new UnsupportedError(
        "smooth: expected relu to replace, got attention softplus(beta 2) and feed-forward softplus(beta 2)",
      ),
    );
  });

  test("the bound of more than one block, or after a norm; smoothing itself works", () => {
    const bound = (options: Partial<EncoderOptions>) => (): unknown =>
      smooth(createEncoder({ layers: 1, width: 4, heads: 2, ...options }), { softplus: 2 }).bound(
        random(1).normal([3, 4]),
      );
    expect(bound({ layers: 2 })).toThrow(
      new UnsupportedError("bound: expected at most one block, of an encoder, got 2 of an encoder"),
    );
    expect(bound({ norm: "layer" })).toThrow(
      new UnsupportedError(
        "bound: expected an operation of known slope after what was smoothed, got normalize at block 0/feedForward/norm",
      ),
    );
    expect(bound({ feedForward: { activation: "gelu" } })).toThrow("got activate gelu at block 0/feedForward");
    const source = random(1).normal([3, 4]);
    const soft = smooth(createTransformer({ layers: 1, width: 4, heads: 2 }), { softplus: 2 });
    expect(() => soft.bound({ source, target: source })).toThrow(
      new UnsupportedError("bound: expected at most one block, of an encoder, got an encoder–decoder"),
    );
    expect(forward(soft, { source, target: source }).shape).toEqual([3, 4]);
  });

  test("an input of another shape", () => {
    expect(() => smooth(model, { softplus: 2 }).bound(random(1).normal([3, 5]))).toThrow(
      'bound: expected input "x" of shape [.., tokens, 4], got [3, 5]',
    );
  });
});

/** Biases are drawn too, which are 0 at the start of a training. */
function drawn(options: EncoderOptions, r: Random, seed: number): Encoder {
  const model = createEncoder({ ...options, seed, dtype: "float64" });
  const { blocks } = model.parameters;
  const biases: Record<string, Tensor> = {};
  blocks.forEach((block, i) => {
    for (const name of ["query", "key", "value"] as const) {
      const { bias } = block.attention[name];
      if (bias) biases[`blocks.${i}.attention.${name}.bias`] = r.normal(bias.shape, float64);
    }
  });
  return withParameters(model as never, biases) as unknown as Encoder;
}
