import { describe, expect, it } from "vitest";
import {
  createDecoder,
  createEncoder,
  createTransformer,
  type EncoderOptions,
  type TransformerOptions,
} from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

const small = { layers: 1, width: 6, heads: 3 } as const;

describe("a config", () => {
  it("is complete: every default is filled in", () => {
    expect(createEncoder(small).config).toEqual({
      kind: "encoder",
      layers: 1,
      width: 6,
      heads: 3,
      headWidth: 2,
      valueWidth: 2,
      keyValueHeads: 3,
      hidden: 12,
      attention: { activation: "relu", divide: "length", scale: 1 / Math.sqrt(2), mask: "none", qkNorm: "none" },
      feedForward: { activation: "relu" },
      norm: "none",
      normPlacement: "pre",
      normEpsilon: 1e-5,
      residual: true,
      residualScale: 1,
      layerScale: 1,
      layerScalePer: "channel",
      clamp: "none",
      vocabulary: "none",
      patches: "none",
      input: "none",
      tokens: "given",
      positions: "none",
      pool: "none",
      output: "none",
      seed: 0,
      dtype: "float32",
    });
  });

  it("of a decoder is causal and has the width of its source", () => {
    const { config } = createDecoder({ ...small, memory: 5 });
    expect(config).toEqual({
      ...createEncoder(small).config,
      kind: "decoder",
      memory: 5,
      attention: { activation: "relu", divide: "length", scale: 1 / Math.sqrt(2), mask: "causal", qkNorm: "none" },
    });
    expect(createDecoder(small).config.memory).toBe(6);
  });

  it("of an encoder–decoder has one of each; a stack's own options win over shared ones", () => {
    const { config } = createTransformer({
      ...small,
      attention: { scale: 2, activation: "softmax" },
      encoder: { layers: 2, output: 5 },
      decoder: { attention: { activation: "sparsemax" } },
    });
    expect(config.kind).toBe("transformer");
    expect(config.encoder).toEqual(
      createEncoder({ ...small, layers: 2, output: 5, attention: { scale: 2, activation: "softmax" } }).config,
    );
    expect(config.decoder).toEqual(
      createDecoder({ ...small, memory: 5, attention: { scale: 2, activation: "sparsemax" } }).config,
    );
  });

  it("is plain JSON that completes to itself", () => {
    const models = [
      createEncoder({
        ...small,
        attention: { activation: { name: "softplus", beta: 8 }, mask: { window: 2 } },
        positions: { learned: 7 },
      }),
      createDecoder({ ...small, attention: { divide: { lengthPower: 0.5 } }, layers: 7 }),
      createTransformer({ ...small, norm: "rms", decoder: { input: 5 } }),
    ] as const;
    const again = [createEncoder, createDecoder, createTransformer] as const;
    for (const [i, { config }] of models.entries()) {
      expect(JSON.parse(JSON.stringify(config))).toEqual(config);
      expect(again[i](config as never).config).toEqual(config);
    }
  });

  it("is the network's own: changing the options afterwards changes nothing", () => {
    const activation = { name: "softplus", beta: 8 };
    const model = createEncoder({ ...small, attention: { activation } as never });
    activation.beta = 1;
    expect(model.config.attention.activation).toEqual({ name: "softplus", beta: 8 });
  });

  it("divides weights by the length where they do not sum to one already", () => {
    const divide = (activation: string | object) =>
      createEncoder({ ...small, attention: { activation } as never }).config.attention.divide;
    for (const activation of ["relu", "squaredRelu", "softplus", "identity", { name: "clamp", limit: 2 }])
      expect(divide(activation)).toBe("length");
    for (const activation of ["softmax", "sparsemax", "sigmoid", { name: "sigmoid", bias: -3 }])
      expect(divide(activation)).toBe("none");
  });

  it("without a norm scales and clamps sublayers as the depth asks", () => {
    const of = (layers: number, norm: "none" | "layer" = "none") => {
      const { layerScale, clamp } = createEncoder({ ...small, layers, norm }).config;
      return [layerScale, clamp];
    };
    expect([1, 2, 3, 4, 5, 6].map((layers) => of(layers))).toEqual([
      [1, "none"],
      [1, "none"],
      [0.5, "none"],
      [0.3, "none"],
      [0.3, "none"],
      [0.3, 3],
    ]);
    expect(of(6, "layer")).toEqual(["none", "none"]);
  });
});

describe("options are refused, by the name of the call:", () => {
  const encoder = (options: object) => () => createEncoder({ ...small, ...options } as EncoderOptions);
  const transformer = (options: object) => () => createTransformer(options as TransformerOptions);
  const oneMore = (list: string) => `RangeError: createEncoder: expected ${list}`;

  it.each<[string, () => unknown, string | RegExp]>([
    [
      "a missing width",
      () => createEncoder({ layers: 1, heads: 1 } as EncoderOptions),
      oneMore("width to be a whole number ≥ 1, got undefined"),
    ],
    [
      "no options",
      () => createEncoder(undefined as unknown as EncoderOptions),
      oneMore("an object of options, got undefined"),
    ],
    [
      "an unknown option",
      encoder({ depth: 3 }),
      oneMore(
        'options kind, layers, width, heads, headWidth, valueWidth, keyValueHeads, hidden, attention, feedForward, norm, normPlacement, normEpsilon, residual, residualScale, layerScale, layerScalePer, clamp, vocabulary, patches, input, tokens, positions, pool, output, seed, dtype, got "depth"',
      ),
    ],
    ["another kind", encoder({ kind: "decoder" }), oneMore('kind "encoder", got "decoder"')],
    [
      "a negative number of layers",
      encoder({ layers: -1 }),
      oneMore("layers to be a whole number in [0, 10000], got -1"),
    ],
    ["too many layers", encoder({ layers: 1e9 }), oneMore("layers to be a whole number in [0, 10000], got 1000000000")],
    ["half a channel", encoder({ width: 2.5 }), oneMore("width to be a whole number ≥ 1, got 2.5")],
    ["a width as text", encoder({ width: "6" }), oneMore('width to be a whole number ≥ 1, got "6"')],
    ["NaN heads", encoder({ heads: Number.NaN }), oneMore("heads to be a whole number ≥ 1, got NaN")],
    [
      "heads that do not divide the width",
      encoder({ heads: 4 }),
      oneMore("a headWidth, or a width divisible by the 4 heads, got 6"),
    ],
    ["a headWidth of 0", encoder({ headWidth: 0 }), oneMore("headWidth to be a whole number ≥ 1, got 0")],
    ["a null headWidth", encoder({ valueWidth: null }), oneMore("valueWidth to be a whole number ≥ 1, got null")],
    [
      "groups that do not divide the heads",
      encoder({ keyValueHeads: 2 }),
      oneMore("keyValueHeads to divide heads 3, got 2"),
    ],
    ["negative hidden", encoder({ hidden: -1 }), oneMore("hidden to be a whole number ≥ 0, got -1")],
    [
      "an unknown attention option",
      encoder({ attention: { heads: 2 } }),
      'RangeError: createEncoder: attention: expected options activation, divide, scale, mask, qkNorm, got "heads"',
    ],
    [
      "an infinite scale",
      encoder({ attention: { scale: Number.POSITIVE_INFINITY } }),
      "RangeError: createEncoder: attention: expected a finite scale, got Infinity",
    ],
    [
      "an unknown mask",
      encoder({ attention: { mask: "future" } }),
      'RangeError: createEncoder: attention: expected mask "none", "causal" or { window: a whole number > 0 }, got "future"',
    ],
    [
      "an unknown divisor",
      encoder({ attention: { divide: 2 } }),
      'RangeError: createEncoder: attention: expected divide "none", "length" or { lengthPower: a finite number }, got 2',
    ],
    [
      "softmax in the feed-forward",
      encoder({ feedForward: { activation: "softmax" } }),
      /^RangeError: createEncoder: feedForward: expected an activation \(identity, relu, .*\), got "softmax"$/,
    ],
    [
      "an unknown norm",
      encoder({ norm: "batch" }),
      oneMore('norm to be one of "none", "affine", "layer", "rms", got "batch"'),
    ],
    [
      "an unknown placement",
      encoder({ normPlacement: "middle" }),
      oneMore('normPlacement to be one of "pre", "post", "hybrid", got "middle"'),
    ],
    [
      "an infinite residual scale",
      encoder({ residualScale: Number.POSITIVE_INFINITY }),
      oneMore("a finite residualScale, got Infinity"),
    ],
    [
      "factors for every head",
      encoder({ layerScalePer: "head" }),
      oneMore('layerScalePer to be one of "channel", "layer", got "head"'),
    ],
    ["no words", encoder({ vocabulary: 0 }), oneMore('vocabulary to be a whole number ≥ 1 or "none", got 0')],
    [
      "ids with channels",
      encoder({ vocabulary: 7, input: 3 }),
      oneMore('input "none" beside a vocabulary: ids are no channels, got 3'),
    ],
    [
      "ids of patches",
      encoder({ vocabulary: 7, patches: { height: 4, width: 4, size: 2 } }),
      oneMore('patches "none" beside a vocabulary, got { height: 4, width: 4, size: 2, channels: 1 }'),
    ],
    [
      "patches that do not fill the image",
      encoder({ patches: { height: 6, width: 9, size: 2 } }),
      "RangeError: createEncoder: patches: expected a width divisible by size 2, got 9",
    ],
    [
      "patches of other numbers than the map in reads",
      encoder({ patches: { height: 6, width: 4, size: 2, channels: 3 }, input: 4 }),
      oneMore("input 12, the numbers of a patch, got 4"),
    ],
    [
      "more patches than positions",
      encoder({ patches: { height: 6, width: 4, size: 2 }, positions: { learned: 5 } }),
      oneMore("positions for 6 tokens, got { learned: 5 }"),
    ],
    [
      "an unknown option of patches",
      encoder({ patches: { height: 6, width: 4, side: 2 } }),
      /^RangeError: createEncoder: patches: expected options height, width, size, channels, got "side"$/,
    ],
    [
      "an image without end",
      encoder({ patches: { height: 2 ** 40, width: 4, size: 2 } }),
      "RangeError: createEncoder: patches: expected height to be a whole number in [1, 4096], got 1099511627776",
    ],
    ["a negative epsilon", encoder({ normEpsilon: -1 }), oneMore("a finite normEpsilon > 0, got -1")],
    [
      "no epsilon, which makes NaN of a constant row",
      encoder({ normEpsilon: 0 }),
      oneMore("a finite normEpsilon > 0, got 0"),
    ],
    ["a residual that is no boolean", encoder({ residual: 1 }), oneMore("residual to be one of true, false, got 1")],
    [
      "a NaN layerScale",
      encoder({ layerScale: Number.NaN }),
      oneMore('layerScale to be a finite number or "none", got NaN'),
    ],
    ["a clamp of 0", encoder({ clamp: 0 }), oneMore('clamp to be a finite number > 0 or "none", got 0')],
    ["an input of 0", encoder({ input: 0 }), oneMore('input to be a whole number ≥ 1 or "none", got 0')],
    [
      "tokens without a map in",
      encoder({ tokens: 5 }),
      oneMore('input to be a number where tokens is one, got "none"'),
    ],
    [
      "fewer positions than tokens",
      encoder({ input: 2, tokens: 5, positions: { learned: 3 } }),
      oneMore("positions for 5 tokens, got { learned: 3 }"),
    ],
    [
      "unknown positions",
      encoder({ positions: "learned" }),
      oneMore(
        'positions to be "none", "sinusoidal", "rotary", "alibi" or { learned: a whole number ≥ 1 }, got "learned"',
      ),
    ],
    ["an unknown pool", encoder({ pool: "max" }), oneMore('pool to be one of "none", "first", "mean", got "max"')],
    [
      "an output that is no number",
      encoder({ output: [10] }),
      oneMore('output to be a whole number ≥ 1 or "none", got [10]'),
    ],
    ["a negative seed", encoder({ seed: -1 }), oneMore("seed to be a whole number ≥ 0, got -1")],
    [
      "an unknown dtype",
      encoder({ dtype: "float16" }),
      oneMore('dtype to be one of "float32", "float64", got "float16"'),
    ],
    ["more weights than fit", encoder({ width: 6e6 }), oneMore("at most 2147483648 parameters, got 288000054000000")],
    [
      "a memory of 0",
      () => createDecoder({ ...small, memory: 0 }),
      "RangeError: createDecoder: expected memory to be a whole number ≥ 1, got 0",
    ],
    [
      "a decoder's own mistake",
      transformer({ ...small, decoder: { width: 0 } }),
      "RangeError: createTransformer: decoder: expected width to be a whole number ≥ 1, got 0",
    ],
    [
      "a missing width of both",
      transformer({ layers: 1, heads: 1 }),
      "RangeError: createTransformer: encoder: expected width to be a whole number ≥ 1, got undefined",
    ],
    [
      "a stack that is no object",
      transformer({ ...small, encoder: 3 }),
      "RangeError: createTransformer: encoder: expected an object of options, got 3",
    ],
    [
      "an unknown option of a stack",
      transformer({ ...small, encoder: { size: 3 } }),
      /^RangeError: createTransformer: encoder: expected options kind, .*, got "size"$/,
    ],
    [
      "a decoder that expects another width",
      transformer({ ...small, decoder: { memory: 5 } }),
      "RangeError: createTransformer: expected decoder memory 6, the width of the encoder's output, got 5",
    ],
  ])("%s", (_, refused, message) => {
    expect(refusalOf(refused)).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
  });
});
