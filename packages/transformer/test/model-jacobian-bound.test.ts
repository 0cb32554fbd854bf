import { spectralNorm } from "@splineformer/attention";
import {
  forward,
  type Network,
  type Ops,
  parametersOf,
  random,
  reference,
  registerActivation,
  type Shaped,
  type Tensor,
  tensor,
  withParameters,
  zeros,
} from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import {
  batchNormalized,
  createDecoder,
  createEncoder,
  createLanguageModel,
  createTransformer,
  type Decoder,
  type Encoder,
  type EncoderOptions,
  encoderFromParameters,
  type ModelConfig,
  modelJacobianBound,
  type Transformer,
} from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

// 5 tokens of width 7; heads of width 4
const base = { layers: 2, width: 7, heads: 3, headWidth: 4, hidden: 11, dtype: "float64" } as const;
const bump = registerActivation("bump of the bound", { value: (z) => Math.exp(-z * z), derivative: (z) => -2 * z * Math.exp(-z * z) }); // biome-ignore format: one definition

type Model = Encoder | Decoder | Transformer;

/** ‖J‖ from above, of a Jacobian of central differences by every input of every name. */
function normByDifferences(model: Model, inputs: Readonly<Record<string, Tensor>>): number {
  const h = 2 ** -17;
  const columns = Object.entries(inputs).flatMap(([name, x]) =>
    Array.from(x.data, (_, i) => {
      const moved = (d: number) => ({ ...x, data: Float64Array.from(x.data, (v, j) => (i === j ? v + d : v)) });
      const at = (d: number) => forward(model as Network, { ...inputs, [name]: moved(d) }).data;
      const [above, below] = [at(h), at(-h)];
      return Array.from(above, (v, k) => (v - below[k]) / (2 * h));
    }),
  );
  return spectralNorm(tensor(columns, { dtype: "float64" }));
}

/** Differences err by some 1e-8 of the slopes nearby, and the norm is at most r^(1/8192) too large, for r ≤ 105. */
function expectBound(model: Model, inputs: Readonly<Record<string, Tensor>>, name: string): void {
  const { bound, measured, looseness } = modelJacobianBound(model as Network<string, ModelConfig>, inputs);
  const found = normByDifferences(model, inputs);
  expect(found / 105 ** (1 / 8192), name).toBeLessThanOrEqual(bound * (1 + 1e-7));
  expect(measured, name).toBeLessThanOrEqual(found * (1 + 1e-6));
  // power iteration ends where it hardly grows
  expect(measured, name).toBeGreaterThan(0.98 * found);
  expect(looseness).toBe(bound / measured);
}

const options: Readonly<Record<string, Partial<EncoderOptions>>> = {
  "as it is": {},
  "maps in and out": { input: 5, output: 3 },
  "affine norms": { norm: "affine" },
  "layer norms before": { norm: "layer" },
  "rms norms after the sums": { norm: "rms", normPlacement: "post" },
  "layer norms before and after": { norm: "layer", normPlacement: "hybrid" },
  "a clamp, factors, scaled residuals": { clamp: 0.8, layerScale: 0.3, residualScale: 1.5 },
  "no residuals": { residual: false },
  "no feed-forward": { hidden: 0, output: 3 },
  "one pooled token": { pool: "first", output: 2 },
  "the mean of tokens": { pool: "mean", norm: "affine", output: 2 },
  "a causal mask, shared keys": { keyValueHeads: 1, attention: { mask: "causal" } },
  "QK-norm and turned heads": { positions: "rotary", attention: { qkNorm: "layer" } },
  "QK-norm of another kind in a window": { attention: { qkNorm: "rms", mask: { window: 2 } } },
  ALiBi: { positions: "alibi" },
  "learned positions": { positions: { learned: 5 }, heads: 2, valueWidth: 3 },
  "sinusoidal positions, four layers": { positions: "sinusoidal", layers: 4 },
};
const activations = [
  "relu",
  "squaredRelu",
  "softplus",
  { name: "softplus", beta: 3 },
  "sigmoid",
  { name: "sigmoid", bias: -1 },
  "identity",
  "softmax",
  "sparsemax",
  { name: "entmax", alpha: 1.5 },
  { name: "piecewise", knots: [-1, 1], pieces: [[0], [0.25, 0.5, 0.25], [0, 1]] },
  bump,
] as const;
const feedForwards = ["relu", "gelu", "tanh", "leakyRelu", "absolute", "hardSigmoid", "squaredRelu", bump] as const;

describe("the bound of a model", () => {
  it("by hand: x + x³ and then half of it, at 2: 13/2", () => {
    const one = { weight: tensor([[1]]) };
    const model = encoderFromParameters(
      {
        layers: 1,
        width: 1,
        heads: 1,
        hidden: 0,
        layerScale: "none",
        attention: { divide: "none" },
        output: 1,
      },
      {
        blocks: [{ attention: { query: one, key: one, value: one, output: one } }],
        output: { weight: tensor([[0.5]]) },
      },
    );
    const { bound, inputs, factors, measured, looseness } = modelJacobianBound(model, tensor([[2]]));
    expect(factors.map(({ place }) => place)).toEqual(["block 0/attention", "output"]);
    // each norm is raised by 8 · 2⁻⁵³ and rounded as much
    expect(Math.abs(factors[0].factor - 13)).toBeLessThan(13 * 2 ** -48);
    expect(Math.abs(bound - 6.5)).toBeLessThan(13 * 2 ** -48);
    expect(inputs).toEqual({ x: bound });
    expect(Math.abs(measured - 6.5)).toBeLessThan(2 ** -48);
    expect(looseness).toBe(bound / measured);
  });

  it.each(activations)("is never exceeded, for %j, whatever the options", (activation) => {
    const turn = activations.indexOf(activation) % 2;
    for (const [i, [name, more]] of Object.entries(options).entries()) {
      // every activation with half of the options, and every option with half of the activations
      if (i % 2 !== turn) continue;
      const model = createEncoder({
        ...base,
        ...more,
        attention: { activation, divide: i % 3 ? "length" : "none", ...more.attention },
        feedForward: { activation: feedForwards[i % feedForwards.length] },
        seed: i,
      });
      const width = typeof model.config.input === "number" ? model.config.input : 7;
      expectBound(model, { x: random(500 + i).normal([5, width], { dtype: "float64", deviation: 0.7 }) }, name);
    }
  });

  it("is the product of its places, from the map in to the map out", () => {
    const model = createEncoder({ ...base, norm: "rms", input: 5, output: 3, pool: "mean", layers: 1 });
    const { bound, factors } = modelJacobianBound(model, random(1).normal([5, 5]));
    expect(factors.map(({ place }) => place)).toEqual(["input", "block 0/attention", "block 0/feedForward", "norm", "pool", "output"]); // biome-ignore format: one list
    expect(bound).toBe(factors.reduce((product, { factor }) => product * factor, 1));
    // the mean of 5 rows
    expect(factors[4].factor).toBe(1 / Math.sqrt(5));
  });

  it("of a decoder is by the source and by the target, and neither is exceeded", () => {
    for (const [i, more] of Object.values(options).entries()) {
      const { kind: _, pool: __, input: ___, ...rest } = more;
      const activation = activations[i % activations.length];
      const attention = { activation, ...rest.attention };
      const model = createDecoder({ ...base, memory: 3, ...rest, attention, seed: i });
      const inputs = { source: random(1).normal([2, 3], { dtype: "float64" }), target: random(2).normal([5, 7], { dtype: "float64" }) }; // biome-ignore format: one line
      expectBound(model, inputs, String(i));
      const { bound, inputs: by } = modelJacobianBound(model, inputs);
      expect(bound).toBe(Math.hypot(by.source, by.target));
      for (const name of i % 5 ? [] : (["source", "target"] as const)) {
        const other = name === "source" ? "target" : "source";
        const { [other]: fixed, ...moving } = inputs;
        const alone = { inputs: { [name]: model.inputs[name] }, run: (ops: Ops<Shaped>, p: never, given: Record<string, Shaped>) => model.run(ops, p, { ...given, [other]: ops.constant(fixed) } as never) }; // biome-ignore format: one line
        const found = normByDifferences({ ...model, ...alone } as never, moving);
        expect(found / 105 ** (1 / 8192)).toBeLessThanOrEqual(by[name] * (1 + 1e-7));
      }
    }
  });

  it("of an encoder–decoder multiplies the decoder's share of the source by the encoder's bound", () => {
    const model = createTransformer({
      ...base,
      layers: 1,
      encoder: { input: 3, norm: "layer" },
      decoder: { output: 2 },
    });
    const inputs = {
      source: random(1).normal([2, 3], { dtype: "float64" }),
      target: random(2).normal([5, 7], { dtype: "float64" }),
    };
    const { inputs: by, factors } = modelJacobianBound(model, inputs);
    const [first, second] = ["encoder/", "decoder/"].map((scope) => factors.filter(({ place }) => place.startsWith(scope))); // biome-ignore format: one line
    const product = (list: typeof factors) => list.reduce((all, { factor }) => all * factor, 1);
    expect(by.target).toBe(product(second));
    const cross = second.findIndex(({ place }) => place === "decoder/block 0/cross");
    const share = (second[cross].source as number) * product(second.slice(cross + 1));
    expect(by.source / (share * product(first))).toBeCloseTo(1, 12);
    expectBound(model, inputs, "encoder–decoder");
  });

  it("of a model of ids is by the rows that they pick", () => {
    const model = createLanguageModel({ ...base, vocabulary: 13, positions: "sinusoidal" });
    const ids = tensor([3, 0, 12, 3], { dtype: "int32" });
    const { embedding, ...rest } = model.parameters;
    const rows = reference.gather(embedding as Tensor, ids);
    const plain = encoderFromParameters({ ...model.config, vocabulary: "none" }, rest);
    expect(modelJacobianBound(model, ids)).toEqual(modelJacobianBound(plain, rows));
    const both = createTransformer({ ...base, vocabulary: 13, layers: 1 });
    expect(modelJacobianBound(both, { source: ids, target: ids }).looseness).toBeGreaterThan(1);
  });

  it("of a picture is by its pixels", () => {
    const patches = { height: 4, width: 6, size: 2 } as const;
    const model = createEncoder({ ...base, patches, pool: "mean", output: 2 });
    expectBound(model, { x: random(1).normal([4, 6], { dtype: "float64" }) }, "patches");
    const tokens = createEncoder({ ...base, input: 3, tokens: 5, output: 2 });
    expectBound(tokens, { x: random(1).normal([1, 3], { dtype: "float64" }) }, "tokens");
  });

  it("of weights 0 is the residual's, and of none is 0, infinitely loose", () => {
    const x = random(1).normal([5, 7]);
    const kept = modelJacobianBound(modelOfZeros(createEncoder(base)), x);
    // attention's factor is 1; the feed-forward's norm of the unit matrix is 7^(1/8192) at most
    expect(kept.bound).toBeGreaterThanOrEqual(1);
    expect(kept.bound).toBeLessThan(7 ** (2 / 8192));
    expect(kept.measured).toBeCloseTo(1, 12);
    const none = modelJacobianBound(modelOfZeros(createEncoder({ ...base, residual: false })), x);
    expect([none.bound, none.measured, none.looseness]).toEqual([0, 0, Number.POSITIVE_INFINITY]);
  });

  it("is refused for batches, for numbers that overflow, and for networks that run otherwise", () => {
    const model = createEncoder({ ...base, layers: 6, clamp: "none", layerScale: 1 });
    const x = random(1).normal([5, 7]);
    expect(refusalOf(() => modelJacobianBound(model, { ...x, shape: [1, 5, 7] }))).toBe(
      "ShapeError: modelJacobianBound: expected x without batch, got [1, 5, 7]",
    );
    const far = { ...x, data: x.data.map((v: number) => 1e9 * v) };
    expect(refusalOf(() => modelJacobianBound(model, far))).toMatch(
      /^RangeError: modelJacobianBound: expected finite numbers at block \d\/\w+, got (NaN|-?Infinity)$/,
    );
    const halved: typeof model = { ...model, run: (ops, p, inputs) => ops.scale(model.run(ops, p, inputs), { factor: 0.5 }) }; // biome-ignore format: one line
    expect(refusalOf(() => modelJacobianBound(halved, x))).toBe(
      "UnsupportedError: modelJacobianBound: expected a model that runs as its config says, got a run of its own",
    );
    expect(refusalOf(() => modelJacobianBound(batchNormalized(createEncoder({ ...base, norm: "affine" })) as never, { ...x, shape: [1, 5, 7] }))).toMatch(/^RangeError: modelJacobianBound: expected a config of kind /); // biome-ignore format: one line
  });
});

function modelOfZeros(model: Model): Encoder {
  const named = Object.entries(parametersOf(model)).map(([name, x]) => [name, zeros(x.shape)]);
  return withParameters(model, Object.fromEntries(named)) as Encoder;
}
