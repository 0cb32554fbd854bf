import { forward, type Network, parametersOf, type Tensor, tensor, withParameters, zeros } from "@splineformer/tensor";
import { seeded } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import {
  createDecoder,
  createEncoder,
  createTransformer,
  encoderFromParameters,
  loadSafetensors,
  type ModelConfig,
  readSafetensors,
  saveSafetensors,
  writeSafetensors,
} from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

const base = { layers: 2, width: 6, heads: 3, hidden: 7 } as const;
const encoder = createEncoder({ ...base, input: 5, output: 2, norm: "layer", positions: { learned: 11 } });

describe("a saved model", () => {
  const models: readonly (readonly [string, Network<string, ModelConfig>])[] = [
    ["an encoder", encoder],
    ["an encoder in float64", createEncoder({ ...base, dtype: "float64", seed: 2 })],
    [
      "a causal encoder with every kind of option",
      createEncoder({
        ...base,
        layers: 7,
        keyValueHeads: 1,
        valueWidth: 5,
        norm: "rms",
        normPlacement: "post",
        pool: "mean",
        layerScale: 0.1,
        clamp: 2.5,
        attention: { activation: { name: "softplus", beta: 1 / 3 }, divide: { lengthPower: 0.7 }, mask: { window: 2 } },
        feedForward: { activation: { name: "leakyRelu", slope: 0.1 } },
      }),
    ],
    ["an encoder without blocks", createEncoder({ ...base, layers: 0 })],
    [
      "an encoder with affine norms around its sublayers",
      createEncoder({ ...base, norm: "affine", normPlacement: "hybrid", residualScale: 0.9, layerScalePer: "layer" }),
    ],
    [
      "an encoder of images",
      createEncoder({ ...base, patches: { height: 4, width: 6, size: 2 }, positions: "sinusoidal" }),
    ],
    ["a decoder of ids", createDecoder({ ...base, vocabulary: 13, output: 13 })],
    ["an encoder that makes its tokens", createEncoder({ ...base, input: 1, tokens: 5, pool: "first" })],
    ["a decoder", createDecoder({ ...base, memory: 5 })],
    ["an encoder–decoder", createTransformer({ ...base, decoder: { layers: 1, dtype: "float64" } })],
  ];

  it.each(models)("is loaded bit for bit: %s", (_, model) => {
    const again = loadSafetensors(saveSafetensors(model));
    expect(again.config).toEqual(model.config);
    expect(again.inputs).toEqual(model.inputs);
    expect(parametersOf(again)).toEqual(parametersOf(model));
    expect(Object.keys(parametersOf(again))).toEqual(Object.keys(parametersOf(model)));
    const inputs = Object.entries(model.inputs).map(([name, shape]) => [
      name,
      shape.length === 1
        ? seeded(3).indices([7], 13)
        : seeded(3).normal(shape.map((n) => (typeof n === "number" ? n : 7))),
    ]);
    expect(forward(again, Object.fromEntries(inputs))).toEqual(forward(model, Object.fromEntries(inputs)));
    expect(saveSafetensors(again)).toEqual(saveSafetensors(model));
  });

  it("keeps −0, the smallest number, and missing biases", () => {
    const line = { weight: tensor([[-0]], { dtype: "float64" }) };
    const tiny = { weight: tensor([[Number.MIN_VALUE]], { dtype: "float64" }) };
    const model = encoderFromParameters(
      { layers: 1, width: 1, heads: 1, hidden: 0, layerScale: "none" },
      { blocks: [{ attention: { query: line, key: tiny, value: line, output: line } }] },
    );
    const again = parametersOf(loadSafetensors(saveSafetensors(model)));
    expect(Object.keys(again)).toEqual(
      ["query", "key", "value", "output"].map((name) => `blocks.0.attention.${name}.weight`),
    );
    // a bias that is not there is named, so that one that got lost is told from it
    expect(readSafetensors(saveSafetensors(model)).metadata.get("absent")).toBe(
      JSON.stringify(["query", "key", "value", "output"].map((name) => `blocks.0.attention.${name}.bias`)),
    );
    expect(readSafetensors(saveSafetensors(encoder)).metadata.has("absent")).toBe(false);
    expect(Object.is(again["blocks.0.attention.query.weight"].data[0], -0)).toBe(true);
    expect(again["blocks.0.attention.key.weight"].data[0]).toBe(Number.MIN_VALUE);
  });

  it.each(["float64", "float32", "float16", "bfloat16"] as const)(
    "may be stored as %s, and then is kept bit for bit",
    (dtype) => {
      const bytes = saveSafetensors(encoder, { dtype });
      const again = loadSafetensors(bytes);
      expect(again.config).toEqual(encoder.config);
      expect(saveSafetensors(again, { dtype })).toEqual(bytes);
      expect(new Set(Object.values(parametersOf(again)).map((x) => x.dtype))).toEqual(
        new Set([dtype === "float64" ? "float64" : "float32"]),
      );
      // half a unit in the last digit
      const digits = { float64: 53, float32: 24, float16: 11, bfloat16: 8 }[dtype];
      for (const [name, { data }] of Object.entries(parametersOf(encoder)))
        for (const [i, v] of data.entries())
          expect(Math.abs(parametersOf(again)[name].data[i] - v)).toBeLessThanOrEqual(
            Math.max(Math.abs(v) * 2 ** -digits, 2 ** -25),
          );
    },
  );

  it("is a file that any reader understands: dotted names, and the config in the metadata", () => {
    const { tensors, metadata } = readSafetensors(saveSafetensors(encoder));
    expect([...tensors.keys()].sort()).toEqual(Object.keys(parametersOf(encoder)).sort());
    expect(metadata.get("format")).toBe("splineformer");
    expect(JSON.parse(metadata.get("config") as string)).toEqual(encoder.config);
  });
});

describe("saving refuses", () => {
  it("nothing", () => {
    expect(refusalOf(() => saveSafetensors(undefined as never))).toBe(
      "RangeError: saveSafetensors: expected a model, got undefined",
    );
  });
  it("a dtype that weights do not fit, and unknown options", () => {
    const large = withParameters(encoder, { "output.bias": tensor([0, 1e5]) });
    expect(refusalOf(() => saveSafetensors(large, { dtype: "float16" }))).toBe(
      'RangeError: saveSafetensors: expected "output.bias" to hold numbers that float16 reaches, got 100000 at entry 1',
    );
    expect(refusalOf(() => saveSafetensors(encoder, { type: "float16" } as object))).toBe(
      'RangeError: saveSafetensors: expected options dtype, got "type"',
    );
    expect(refusalOf(() => saveSafetensors(encoder, { dtype: "half" as "float16" }))).toBe(
      'RangeError: saveSafetensors: expected dtype to be one of float64, float32, float16, bfloat16, got "half"',
    );
  });

  it("a network of another kind, and numbers that could not be loaded", () => {
    const other = { config: { kind: "recurrent" }, parameters: {} } as unknown as typeof encoder;
    expect(refusalOf(() => saveSafetensors(other))).toBe(
      'RangeError: saveSafetensors: expected a config of kind "encoder", "decoder" or "transformer", got { kind: "recurrent" }',
    );
    const broken = withParameters(encoder, { "output.bias": tensor([0, Number.NaN]) });
    expect(refusalOf(() => saveSafetensors(broken))).toBe(
      'RangeError: saveSafetensors: expected parameter "output.bias" to hold finite numbers, got NaN at entry 1',
    );
    const deeper = { ...encoder, config: { ...encoder.config, layers: 3 } };
    expect(refusalOf(() => saveSafetensors(deeper))).toBe(
      "RangeError: saveSafetensors: expected parameters blocks.* for layers 3, got 2 blocks",
    );
  });
});

describe("loading refuses", () => {
  /** The encoder's file with another config or other tensors. */
  const file = (
    config: unknown,
    change: (tensors: Map<string, Tensor>) => void = () => {},
    format = "splineformer",
    absent?: string,
  ) => {
    const tensors = new Map(Object.entries(parametersOf(encoder)));
    change(tensors);
    const text = typeof config === "string" ? config : JSON.stringify(config);
    return writeSafetensors(tensors, {
      metadata: [["format", format], ["config", text], ...(absent === undefined ? [] : [["absent", absent] as const])],
    });
  };
  const { config } = encoder;
  const expected = "SafetensorsError: loadSafetensors: expected";

  it.each<[string, () => Uint8Array, string | RegExp]>([
    ["a file of other programs", () => file(config, undefined, "pt"), 'metadata format "splineformer", got "pt"'],
    ["a file without metadata", () => writeSafetensors([]), 'metadata format "splineformer", got undefined'],
    [
      "a file without a config",
      () => writeSafetensors([], { metadata: [["format", "splineformer"]] }),
      "a config in JSON in the metadata, got undefined",
    ],
    ["a config that is no JSON", () => file("{layers: 2}"), 'a config in JSON in the metadata, got "{layers: 2}"'],
    [
      "a config that is no object",
      () => file("null"),
      'a config of kind "encoder", "decoder" or "transformer", got null',
    ],
    [
      "a config of another kind",
      () => file({ ...config, kind: "recurrent" }),
      'a config of kind "encoder", "decoder" or "transformer", got { kind: "recurrent", layers: 2, width: 6, heads: 3, headWidth: 2, valueWidth: 2 }',
    ],
    [
      "a config without a width",
      () => file({ ...config, width: undefined }),
      "width to be a whole number ≥ 1, got undefined",
    ],
    [
      "a config with a null norm",
      () => file({ ...config, norm: null }),
      'norm to be one of "none", "affine", "layer", "rms", got null',
    ],
    [
      "a billion layers",
      () => file({ ...config, layers: 1e9 }),
      "layers to be a whole number in [0, 10000], got 1000000000",
    ],
    [
      "more layers than there are tensors",
      () => file({ ...config, layers: 10_000 }),
      "parameters blocks.* for layers 10000, got 2 blocks",
    ],
    [
      "a width that no tensor has",
      () => file({ ...config, width: 2 ** 40, headWidth: 2 }),
      'parameter "input.weight" of shape [5, 1099511627776], got [5, 6]',
    ],
    [
      "a width of 2^53",
      () => file({ ...config, width: 2 ** 53 }),
      "width to be a whole number ≥ 1, got 9007199254740992",
    ],
    [
      "an unknown option",
      () => file(`{"kind":"encoder","__proto__":{"layers":1}}`),
      /^options kind, layers, .*, got "__proto__"$/,
    ],
    [
      "a missing tensor",
      () => file(config, (tensors) => tensors.delete("positions")),
      'parameter "positions" of shape [11, 6], got none',
    ],
    [
      "a missing bias",
      () => file(config, (tensors) => tensors.delete("blocks.1.attention.value.bias")),
      'parameter "blocks.1.attention.value.bias" of shape [6], got none',
    ],
    [
      "a missing bias of a norm",
      () => file(config, (tensors) => tensors.delete("norm.bias")),
      'parameter "norm.bias" of shape [6], got none',
    ],
    [
      "a bias that is said to be absent and is there",
      () => file(config, undefined, undefined, '["output.bias"]'),
      'no parameter "output.bias", as the metadata says, got one',
    ],
    [
      "a weight that is said to be absent",
      () => file(config, (tensors) => tensors.delete("output.weight"), undefined, '["output.weight"]'),
      'parameter "output.weight" of shape [6, 2], got none',
    ],
    [
      "an absent bias of no layer",
      () => file(config, undefined, undefined, '["blocks.2.attention.value.bias"]'),
      'absent biases of this config in the metadata, got "blocks.2.attention.value.bias"',
    ],
    [
      "absent biases that are no list of names",
      () => file(config, undefined, undefined, '{"output.bias":true}'),
      'absent biases as a list of names in JSON in the metadata, got "{\\"output.bias\\":true}"',
    ],
    [
      "one tensor more",
      () => file(config, (tensors) => tensors.set("extra", zeros([1]))),
      'parameters of this config, got "extra"',
    ],
    [
      "a tensor of another shape",
      () => file(config, (tensors) => tensors.set("output.bias", zeros([1]))),
      'parameter "output.bias" of shape [2], got [1]',
    ],
    [
      "NaN",
      () => file(config, (tensors) => tensors.set("output.bias", tensor([0, Number.NaN]))),
      'parameter "output.bias" to hold finite numbers, got NaN at entry 1',
    ],
    [
      "a block that is missing between others",
      () => file({ ...config, layers: 3 }, (tensors) => tensors.set("blocks.7.attention.query.weight", zeros([6, 6]))),
      'parameter "blocks.2.attention.query.weight" of shape [6, 6], got none',
    ],
    [
      "an encoder's tensors under a decoder's config",
      () => file({ ...config, kind: "decoder" }),
      'parameter "blocks.0.cross.query.weight" of shape [6, 6], got none',
    ],
  ])("%s", (_, bytes, message) => {
    const refusal = refusalOf(() => loadSafetensors(bytes()));
    if (typeof message === "string") expect(refusal).toBe(`${expected} ${message}`);
    else expect(refusal.slice(expected.length + 1)).toMatch(message);
  });

  it("an encoder–decoder whose decoder is none, by the stack's name", () => {
    expect(refusalOf(() => loadSafetensors(file({ kind: "transformer", encoder: config, decoder: 7 })))).toBe(
      "SafetensorsError: loadSafetensors: decoder: expected an object of options, got 7",
    );
  });

  it("a config nested without end", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    for (const text of [
      deep,
      `{"kind":"encoder","layers":${deep}}`,
      `{"kind":"encoder","layers":1,"width":1,"heads":1,"attention":{"activation":${deep}}}`,
    ]) {
      const refusal = refusalOf(() => loadSafetensors(file(text)));
      expect(refusal).toMatch(/^SafetensorsError: loadSafetensors: /);
      expect(refusal.length).toBeLessThan(600);
    }
  });
});
