import {
  forward,
  graphOf,
  isTensor,
  parametersOf,
  reference32,
  ShapeError,
  type Tensor,
  tensor,
  toNested,
  withParameters,
} from "@splineformer/tensor";
import { atMostTwiceRounded, float64Tolerance, relativeDifference, seeded, stackTensors } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import {
  createDecoder,
  createEncoder,
  createTransformer,
  decoderFromParameters,
  type EncoderOptions,
  encoderFromParameters,
  type Model,
  type StackConfig,
  transformerFromParameters,
} from "../src/index.ts";
import { fromMatrix, matrix, naiveStack } from "./naive-stack.ts";
import { refusalOf } from "./refusal.ts";

// in every runtime; the language's own types leave it to the platform's
declare const structuredClone: <V>(value: V) => V;

/** The same model with numbers in place of the zeros and ones that biases, norms and scales start with. */
function stirred<M extends Model>(model: M, seed: number): M {
  const data = seeded(seed);
  const named = Object.entries(parametersOf(model));
  const numbers = named.map(([name, x]) => [
    name,
    name.endsWith("weight") && x.shape.length === 2 ? x : data.normal(x.shape),
  ]);
  return withParameters(model as never, Object.fromEntries(numbers));
}
const base = { layers: 2, width: 6, heads: 3, hidden: 7, dtype: "float64" } as const;
const agrees = (got: Tensor, expected: number[][]): void => {
  expect(got.shape).toEqual([expected.length, expected[0].length]);
  expect(relativeDifference(got, fromMatrix(expected))).toBeLessThan(float64Tolerance);
};

describe("an encoder by hand", () => {
  const one = { weight: tensor([[1]]) };
  const attention = { query: one, key: one, value: one, output: one };
  const plain = {
    layers: 1,
    width: 1,
    heads: 1,
    hidden: 0,
    attention: { divide: "none" },
    layerScale: "none",
  } as const;

  it("of one token is x + x · max(x², 0), with the residual", () => {
    const model = encoderFromParameters(plain, { blocks: [{ attention }] });
    expect(toNested(forward(model, tensor([[2]])))).toEqual([[10]]);
    expect(toNested(forward(model, tensor([[2], [-1]])))).toEqual([[10], [-2]]); // [2 + 4·2, −1 + 1·(−1)]
  });

  it("whose attention is still and whose feed-forward has three units is a hat", () => {
    const still = { weight: tensor([[0], [0]]) };
    const model = encoderFromParameters(
      { ...plain, hidden: 3, input: 1, output: 1, width: 2, headWidth: 1 },
      {
        input: { weight: tensor([[1, 0]]) },
        blocks: [
          {
            attention: { query: still, key: still, value: still, output: { weight: tensor([[0, 0]]) } },
            feedForward: {
              // max(x + 1, 0) − 2 max(x, 0) + max(x − 1, 0), from channel 0 to channel 1
              expand: {
                weight: tensor([
                  [1, 1, 1],
                  [0, 0, 0],
                ]),
                bias: tensor([1, 0, -1]),
              },
              contract: {
                weight: tensor([
                  [0, 1],
                  [0, -2],
                  [0, 1],
                ]),
              },
            },
          },
        ],
        output: { weight: tensor([[0], [1]]) },
      },
    );
    const x = tensor([[-2], [-1], [-0.5], [0], [0.25], [1], [3]]);
    expect(toNested(forward(model, x))).toEqual([[0], [0], [0.5], [1], [0.75], [0], [0]]);
  });

  it("makes a spline: a head of width 1 is a bubble (x − a)(b − x) between two knots", () => {
    // x² − 1 where |x| < 1 and 0 elsewhere, by a head with query x + 1, key 1 − x, value −1
    const model = encoderFromParameters(
      { ...plain, width: 2, headWidth: 1, input: 1, output: 1, attention: { divide: "none", scale: 1 } },
      {
        input: { weight: tensor([[1, 0]]) },
        blocks: [
          {
            attention: {
              query: { weight: tensor([[1], [0]]), bias: tensor([1]) },
              key: { weight: tensor([[-1], [0]]), bias: tensor([1]) },
              value: { weight: tensor([[0], [0]]), bias: tensor([-1]) },
              output: { weight: tensor([[0, 1]]) },
            },
          },
        ],
        output: { weight: tensor([[0], [1]]) },
      },
    );
    const at = [-2, -1, -0.5, 0, 0.25, 1, 3];
    const values = at.map((x) => (toNested(forward(model, tensor([[x]]))) as number[][])[0][0]);
    expect(values).toEqual([-0, -0, -0.75, -1, -0.9375, -0, -0].map((v) => v + 0));
  });
});

describe("encoders agree with their blocks written out", () => {
  const cases: readonly (readonly [string, Partial<EncoderOptions>])[] = [
    ["by default", {}],
    ["with maps in and out", { input: 5, output: 11 }],
    ["with softmax and layer norm before each sublayer", { attention: { activation: "softmax" }, norm: "layer" }],
    ["with layer norm after each sum", { norm: "layer", normPlacement: "post", layerScale: 2 }],
    ["with rms norm and gelu", { norm: "rms", feedForward: { activation: "gelu" } }],
    ["without residuals", { residual: false }],
    ["without feed-forward", { hidden: 0 }],
    ["without blocks", { layers: 0, input: 5, output: 3 }],
    [
      "with a causal mask, sparsemax and a scale",
      { attention: { activation: "sparsemax", mask: "causal", scale: 1.5 } },
    ],
    ["with a window and a length power", { attention: { mask: { window: 2 }, divide: { lengthPower: 0.5 } } }],
    ["with head widths of their own", { headWidth: 5, valueWidth: 3, keyValueHeads: 1 }],
    ["with clamps and layer scale", { clamp: 0.5, layerScale: 0.3, output: 2 }],
    ["with positions", { positions: { learned: 13 } }],
    ["with sinusoidal positions", { positions: "sinusoidal" }],
    ["with affine norms before each sublayer", { norm: "affine" }],
    ["with affine norms after each sum", { norm: "affine", normPlacement: "post" }],
    ["with layer norms before and after each sublayer", { norm: "layer", normPlacement: "hybrid", layerScale: 0.5 }],
    [
      "with rms norms before and after, a causal mask and clamps",
      { norm: "rms", normPlacement: "hybrid", clamp: 1, attention: { mask: "causal" } },
    ],
    ["with one factor for each sublayer", { layerScale: 0.3, layerScalePer: "layer" }],
    ["with scaled residuals", { residualScale: 1.5, norm: "layer", normPlacement: "post" }],
    ["with scaled residuals and the first token", { residualScale: -0.5, pool: "first" }],
    ["with the mean of all tokens", { pool: "mean", output: 2 }],
    ["with the first token", { pool: "first", output: 2 }],
    [
      "with the first token, a norm and a mask",
      { pool: "first", norm: "layer", attention: { mask: "causal" }, clamp: 2 },
    ],
    ["with the first token and a norm after", { pool: "first", norm: "rms", normPlacement: "post", clamp: 2 }],
    ["with tokens made of one", { input: 2, tokens: 13, positions: { learned: 17 }, pool: "first", output: 1 }],
  ];
  it.each(cases)("%s", (_, options) => {
    const model = stirred(createEncoder({ ...base, seed: 3, ...options }), 5);
    const { config, parameters } = model;
    const width = config.input === "none" ? config.width : config.input;
    const x = seeded(7).normal([config.tokens === "given" ? 13 : 1, width]);
    agrees(forward(model, x), naiveStack(config, parameters, matrix(x)));
  });

  it("of images: patches row by row, of several channels, with positions", () => {
    const patches = { height: 6, width: 10, size: 2, channels: 3 } as const;
    const model = stirred(createEncoder({ ...base, patches, positions: { learned: 17 }, pool: "mean", output: 5 }), 5);
    expect(model.config.input).toBe(12);
    const image = seeded(7).normal([6, 30]);
    agrees(forward(model, image), naiveStack(model.config, model.parameters, matrix(image)));
    const images = seeded(8).normal([3, 6, 30]);
    expect(forward(model, images).shape).toEqual([3, 1, 5]);
  });

  it("of ids: rows of a table, of any whole dtype", () => {
    const model = stirred(createEncoder({ ...base, vocabulary: 11, positions: "sinusoidal", output: 5 }), 5);
    const ids = [3, 10, 0, 3, 7];
    const expected = naiveStack(model.config, model.parameters, [ids]);
    agrees(forward(model, tensor(ids)), expected);
    agrees(forward(model, tensor(ids, { dtype: "int32" })), expected);
    expect(forward(model, seeded(8).indices([2, 3, 5], 11)).shape).toEqual([2, 3, 5, 5]);
    for (const id of [11, -1, 0.5])
      expect(() => forward(model, tensor([id]))).toThrow(`gather: expected whole indices 0 ≤ i < 11, got ${id}`);
  });

  it("in float32 with at most twice the error of rounding every operation", () => {
    const model = createEncoder({ ...base, seed: 3 });
    const x = seeded(8).normal([13, 6]);
    expect(
      atMostTwiceRounded(forward(model, x, { on: reference32 }), (ops) => forward(model, x, { on: ops })).agrees,
    ).toBe(true);
  });
});

const reluAttention = { activation: "relu", divide: "length", scale: 0.5, mask: "causal" } as const;

describe("decoders and encoder–decoders agree with their blocks written out", () => {
  const source = seeded(9).normal([11, 5]);
  const target = seeded(10).normal([7, 3]);

  it.each<[string, Partial<StackConfig>]>([
    ["by default", {}],
    ["with norms before", { norm: "layer" }],
    ["with norms after, clamps and scales", { norm: "rms", normPlacement: "post", clamp: 1, layerScale: 0.5 }],
    ["with affine norms around each sublayer", { norm: "affine", normPlacement: "hybrid", residualScale: 0.7 }],
    ["reading the first token", { pool: "first", output: 2 }],
    ["with QK-norm, in cross-attention too", { attention: { ...reluAttention, qkNorm: "layer" } }],
  ])("%s", (_, options) => {
    const model = stirred(createDecoder({ ...base, memory: 5, input: 3, seed: 4, ...options }), 6);
    const expected = naiveStack(model.config, model.parameters, matrix(target), matrix(source));
    agrees(forward(model, { source, target }), expected);
  });

  it.each<[string, Partial<StackConfig>]>([
    ["together", {}],
    [
      "together, with norms",
      { norm: "layer", attention: { activation: "softmax", mask: "none", divide: "none", scale: 1, qkNorm: "rms" } },
    ],
  ])("%s", (_, options) => {
    const model = stirred(
      createTransformer({
        ...base,
        ...options,
        encoder: { input: 5, output: 13 },
        decoder: { input: 3, layers: 1, output: 2 },
      }),
      12,
    );
    const { config, parameters } = model;
    const memory = naiveStack(config.encoder, parameters, matrix(source), undefined, "encoder.");
    agrees(
      forward(model, { source, target }),
      naiveStack(config.decoder, parameters, matrix(target), memory, "decoder."),
    );
  });
});

describe("laws", () => {
  const permute = (x: Tensor, order: readonly number[]): Tensor => fromMatrix(order.map((i) => matrix(x)[i]));
  const order = [3, 0, 6, 1, 5, 2, 4];

  it("tokens in another order come out in that order: an encoder without positions or mask knows none", () => {
    const model = stirred(createEncoder(base), 1);
    const x = seeded(2).normal([7, 6]);
    const moved = forward(model, permute(x, order));
    // sums over keys are taken in another order
    expect(relativeDifference(moved, permute(forward(model, x), order))).toBeLessThan(float64Tolerance);
    for (const options of [{ positions: { learned: 7 } }, { attention: { mask: "causal" } }] as const) {
      const ordered = stirred(createEncoder({ ...base, ...options }), 1);
      const got = forward(ordered, permute(x, order));
      expect(relativeDifference(got, permute(forward(ordered, x), order))).toBeGreaterThan(0.01);
    }
  });

  it("a causal model's token depends on none behind it, so a prefix gives the same tokens", () => {
    const model = stirred(createEncoder({ ...base, attention: { mask: "causal" }, positions: { learned: 7 } }), 1);
    const x = seeded(2).normal([7, 6]);
    const prefix = forward(model, permute(x, [0, 1, 2, 3, 4]));
    expect(toNested(prefix)).toEqual(matrix(forward(model, x)).slice(0, 5));
  });

  it("a decoder's token depends on all of the source and no later target", () => {
    const model = stirred(createDecoder({ ...base, memory: 5 }), 1);
    const [source, target] = [seeded(2).normal([7, 5]), seeded(3).normal([11, 6])];
    const whole = matrix(forward(model, { source, target }));
    const prefix = permute(target, [0, 1, 2]);
    expect(matrix(forward(model, { source, target: prefix }))).toEqual(whole.slice(0, 3));
    const shorter = permute(source, [0, 1, 2, 3, 4, 5]);
    expect(matrix(forward(model, { source: shorter, target }))[0]).not.toEqual(whole[0]);
  });

  it("a batch is computed as its parts are; one source serves a batch of targets", () => {
    for (const options of [{}, { pool: "mean" }, { input: 2, tokens: 5, pool: "first" }] as const) {
      const model = stirred(createEncoder({ ...base, norm: "layer", ...options }), 1);
      const shape = "tokens" in options ? [1, 2] : [7, 6];
      const parts = [1, 2, 3].map((seed) => seeded(seed).normal(shape));
      expect(forward(model, stackTensors(parts))).toEqual(stackTensors(parts.map((x) => forward(model, x))));
    }
    const model = stirred(createDecoder({ ...base, memory: 5 }), 1);
    const source = seeded(4).normal([7, 5]);
    const targets = [1, 2, 3].map((seed) => seeded(seed).normal([11, 6]));
    expect(forward(model, { source, target: stackTensors(targets) })).toEqual(
      stackTensors(targets.map((target) => forward(model, { source, target }))),
    );
  });
});

describe("a network's graph", () => {
  it("says where every operation is", () => {
    const scopes = (model: Model, shapes: Record<string, number[]>) => [
      ...new Set(graphOf(model as never, shapes as never).nodes.map((node) => node.scope)),
    ];
    const all = createEncoder({
      ...base,
      layers: 1,
      norm: "layer",
      clamp: 1,
      input: 5,
      output: 2,
      positions: { learned: 3 },
      pool: "mean",
    });
    expect(scopes(all, { x: [3, 5] })).toEqual([
      "",
      "input",
      "positions",
      "block 0/attention/norm",
      "block 0/attention/clamp",
      "block 0/attention",
      "block 0/feedForward/norm",
      "block 0/feedForward/clamp",
      "block 0/feedForward",
      "norm",
      "pool",
      "output/clamp",
      "output",
    ]);
    const both = createTransformer({ ...base, layers: 1 });
    expect(scopes(both, { source: [3, 6], target: [2, 6] })).toEqual([
      "",
      "encoder/block 0/attention",
      "encoder/block 0/feedForward",
      "decoder/block 0/attention",
      "decoder/block 0/cross",
      "decoder/block 0/feedForward",
    ]);
  });

  it("computes only the first token in the last block where no other is read", () => {
    const graph = graphOf(createEncoder({ ...base, pool: "first" }), { x: [7, 6] });
    const rows = (scope: string) =>
      graph.nodes.filter((node) => node.scope === scope && node.op === "linear").map((node) => node.shape[0]);
    expect(rows("block 0/feedForward")).toEqual([7, 7]);
    // query, key, value, output
    expect(rows("block 1/attention")).toEqual([1, 7, 7, 1]);
    expect(rows("block 1/feedForward")).toEqual([1, 1]);
  });
});

describe("drawn parameters", () => {
  it("have these names and shapes", () => {
    const shapes = (model: Model) =>
      Object.entries(parametersOf(model)).map(([name, { shape }]) => `${name} [${shape.join(", ")}]`);
    const model = createDecoder({
      layers: 1,
      width: 6,
      heads: 3,
      keyValueHeads: 1,
      valueWidth: 5,
      hidden: 7,
      memory: 11,
      norm: "layer",
      layerScale: 1,
      input: 13,
      output: 17,
      positions: { learned: 19 },
    });
    expect(shapes(model)).toEqual([
      "input.weight [13, 6]",
      "input.bias [6]",
      "positions [19, 6]",
      "blocks.0.attention.query.weight [6, 6]",
      "blocks.0.attention.query.bias [6]",
      "blocks.0.attention.key.weight [6, 2]",
      "blocks.0.attention.key.bias [2]",
      "blocks.0.attention.value.weight [6, 5]",
      "blocks.0.attention.value.bias [5]",
      "blocks.0.attention.output.weight [15, 6]",
      "blocks.0.attention.output.bias [6]",
      "blocks.0.cross.query.weight [6, 6]",
      "blocks.0.cross.query.bias [6]",
      "blocks.0.cross.key.weight [11, 2]",
      "blocks.0.cross.key.bias [2]",
      "blocks.0.cross.value.weight [11, 5]",
      "blocks.0.cross.value.bias [5]",
      "blocks.0.cross.output.weight [15, 6]",
      "blocks.0.cross.output.bias [6]",
      "blocks.0.feedForward.expand.weight [6, 7]",
      "blocks.0.feedForward.expand.bias [7]",
      "blocks.0.feedForward.contract.weight [7, 6]",
      "blocks.0.feedForward.contract.bias [6]",
      "blocks.0.norms.attention.weight [6]",
      "blocks.0.norms.attention.bias [6]",
      "blocks.0.norms.cross.weight [6]",
      "blocks.0.norms.cross.bias [6]",
      "blocks.0.norms.feedForward.weight [6]",
      "blocks.0.norms.feedForward.bias [6]",
      "blocks.0.layerScale.attention [6]",
      "blocks.0.layerScale.cross [6]",
      "blocks.0.layerScale.feedForward [6]",
      "norm.weight [6]",
      "norm.bias [6]",
      "output.weight [6, 17]",
      "output.bias [17]",
    ]);
  });

  it("are the same for one seed and dtype, others for another; float32 is float64 rounded", () => {
    const weight = (options: object) =>
      createEncoder({ ...base, ...options }).parameters.blocks[1].attention.key.weight;
    expect(weight({ seed: 5 })).toEqual(weight({ seed: 5 }));
    expect(weight({ seed: 5 })).not.toEqual(weight({ seed: 6 }));
    expect(weight({ seed: 5, dtype: "float32" }).data).toEqual(Float32Array.from(weight({ seed: 5 }).data));
  });

  it("differ between encoder and decoder", () => {
    const { encoder, decoder } = createTransformer(base).parameters;
    expect(encoder.blocks[0].attention.query.weight).not.toEqual(decoder.blocks[0].attention.query.weight);
  });

  it("have the deviations of the recipe, and biases of 0, norms of 1, scales as told", () => {
    const deviation = (x: Tensor) =>
      Math.sqrt(Float64Array.from(x.data).reduce((sum, v) => sum + v * v, 0) / x.data.length);
    const { parameters } = createEncoder({
      layers: 1,
      width: 61,
      heads: 1,
      hidden: 67,
      norm: "layer",
      layerScale: 0.3,
      input: 59,
      positions: { learned: 71 },
      seed: 2,
    });
    const words = createEncoder({ layers: 0, width: 61, heads: 1, vocabulary: 73 }).parameters.embedding;
    const [block] = parameters.blocks;
    // at least 3,600 numbers: three deviations of the sample deviation are 3/√7200 < 4%
    const close = (x: Tensor | undefined, expected: number) =>
      expect(Math.abs(deviation(x as Tensor) / expected - 1)).toBeLessThan(0.04);
    close(parameters.input?.weight, 1 / Math.sqrt(59));
    close(parameters.positions, 0.5);
    close(words, 0.5);
    close(block.attention.query.weight, 1 / Math.sqrt(61));
    close(block.attention.output.weight, 1 / Math.sqrt(61));
    close(block.feedForward?.expand.weight, Math.sqrt(2 / 61));
    close(block.feedForward?.contract.weight, 1 / Math.sqrt(67));
    expect(new Set(block.attention.query.bias?.data)).toEqual(new Set([0]));
    expect(new Set(block.norms?.attention.weight.data)).toEqual(new Set([1]));
    expect(new Set(block.layerScale?.feedForward?.data)).toEqual(new Set([Math.fround(0.3)]));
  });
});

describe("given parameters", () => {
  it("make the model they came from, and may lack biases", () => {
    const x = seeded(1).normal([7, 6]);
    const encoder = stirred(createEncoder(base), 2);
    expect(forward(encoderFromParameters(base, encoder.parameters), x)).toEqual(forward(encoder, x));
    const decoder = stirred(createDecoder(base), 3);
    expect(forward(decoderFromParameters(decoder.config, decoder.parameters), { source: x, target: x })).toEqual(
      forward(decoder, { source: x, target: x }),
    );
    const both = stirred(createTransformer(base), 4);
    expect(forward(transformerFromParameters(base, both.parameters), { source: x, target: x })).toEqual(
      forward(both, { source: x, target: x }),
    );
    const drawn = createEncoder(base);
    const withoutBias = JSON.parse(JSON.stringify(drawn.parameters), (key, value) =>
      key === "bias" ? undefined : value,
    );
    const tensors = (part: unknown): unknown => {
      if (typeof part !== "object" || part === null) return part;
      const { shape, data } = part as { shape?: number[]; data?: Record<string, number> };
      if (shape && data) return tensor(Float64Array.from(Object.values(data)), shape);
      if (Array.isArray(part)) return part.map(tensors);
      return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, tensors(value)]));
    };
    const bare = encoderFromParameters(base, tensors(withoutBias) as typeof drawn.parameters);
    expect(Object.keys(parametersOf(bare)).some((name) => name.endsWith("bias"))).toBe(false);
    expect(forward(bare, x)).toEqual(forward(drawn, x));
  });

  const { parameters } = createEncoder(base);
  const changed =
    (f: (tree: { blocks: { attention: Record<string, { weight: Tensor }> }[] } & Record<string, unknown>) => void) =>
    () => {
      const tree = structuredClone(parameters);
      f(tree as never);
      return encoderFromParameters(base, tree);
    };
  it.each<[string, () => unknown, string]>([
    [
      "that are missing",
      changed((tree) => {
        delete tree.blocks[1].attention.key;
      }),
      'RangeError: encoderFromParameters: expected parameter "blocks.1.attention.key.weight" of shape [6, 6], got none',
    ],
    [
      "of another shape",
      changed((tree) => {
        tree.blocks[1].attention.key.weight = tensor([[1]]) as never;
      }),
      'ShapeError: encoderFromParameters: expected parameter "blocks.1.attention.key.weight" of shape [6, 6], got [1, 1]',
    ],
    [
      "that nothing asks for",
      changed((tree) => {
        tree.embedding = tensor([1]);
      }),
      'RangeError: encoderFromParameters: expected parameters of this config, got "embedding"',
    ],
    [
      "with NaN",
      changed((tree) => {
        tree.blocks[0].attention.value.weight.data[5] = Number.NaN;
      }),
      'RangeError: encoderFromParameters: expected parameter "blocks.0.attention.value.weight" to hold finite numbers, got NaN at entry 5',
    ],
    [
      "of indices",
      changed((tree) => {
        tree.blocks[0].attention.value.weight = tensor(new Int32Array(36), [6, 6]) as never;
      }),
      'RangeError: encoderFromParameters: expected parameter "blocks.0.attention.value.weight" of dtype float32 or float64, got int32',
    ],
    [
      "of fewer blocks",
      changed((tree) => {
        tree.blocks.pop();
      }),
      "RangeError: encoderFromParameters: expected parameters blocks.* for layers 2, got 1 blocks",
    ],
    [
      "that are no tree",
      () => encoderFromParameters(base, 3 as never),
      "RangeError: encoderFromParameters: expected parameters blocks.* for layers 2, got 0 blocks",
    ],
  ])("are refused %s", (_, refused, message) => {
    expect(refusalOf(refused)).toBe(message);
  });
});

describe("inputs", () => {
  it("may be one token", () => {
    for (const options of [{}, { norm: "layer" }, { attention: { activation: "softmax", mask: "causal" } }] as const) {
      const model = createEncoder({ ...base, ...options });
      const x = seeded(1).normal([1, 6]);
      agrees(forward(model, x), naiveStack(model.config, model.parameters, matrix(x)));
    }
  });

  it("of the wrong width, or more tokens than positions, are refused", () => {
    const model = createEncoder({ ...base, input: 5, positions: { learned: 3 } });
    expect(refusalOf(() => forward(model, seeded(1).normal([3, 7])))).toBe(
      'ShapeError: forward: expected input "x" of shape [.., tokens, 5], got [3, 7]',
    );
    expect(refusalOf(() => forward(model, seeded(1).normal([4, 5])))).toBe(
      "ShapeError: positions: expected at most 3 tokens, got 4",
    );
    const made = createEncoder({ ...base, input: 5, tokens: 3 });
    expect(refusalOf(() => forward(made, seeded(1).normal([2, 5])))).toBe(
      'ShapeError: forward: expected input "x" of shape [.., 1, 5], got [2, 5]',
    );
    expect(() =>
      forward(createDecoder(base), { source: seeded(1).normal([2, 5]), target: seeded(1).normal([2, 6]) }),
    ).toThrow(ShapeError);
  });

  it("are plain data, like the model: it survives structuredClone without its function", () => {
    const { run: _, ...data } = createEncoder(base);
    const copy = structuredClone(data);
    expect(copy).toEqual(data);
    expect(isTensor(copy.parameters.blocks[0].attention.key.weight)).toBe(true);
  });
});
