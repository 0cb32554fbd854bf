import {
  forward,
  type Network,
  parametersOf,
  random,
  sizeOf,
  type Tensor,
  tensor,
  withParameters,
} from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import {
  createDecoder,
  createEncoder,
  createLanguageModel,
  createTransformer,
  encoderFromParameters,
  loadJson,
  type ModelConfig,
  saveJson,
} from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

const tiny = { layers: 1, width: 3, heads: 1, hidden: 2 } as const;
const models: Readonly<Record<string, Network<never, ModelConfig>>> = {
  encoder: createEncoder({ ...tiny, input: 5, output: 2, positions: { learned: 7 }, norm: "layer", clamp: 0.1 }),
  float64: createEncoder({ ...tiny, dtype: "float64", attention: { activation: { name: "softplus", beta: 0.1 } } }),
  decoder: createDecoder({ ...tiny, norm: "rms", memory: 5 }),
  transformer: createTransformer(tiny),
  "language model": createLanguageModel({ ...tiny, vocabulary: 11, attention: { mask: { window: 3 } } }),
  "no blocks": createEncoder({ layers: 0, width: 2, heads: 1 }),
};

/** The bits of every parameter. */
const bitsOf = (model: Pick<Network, "parameters">): unknown =>
  Object.entries(parametersOf(model)).map(([name, { dtype, shape, data }]) => [
    name,
    dtype,
    shape,
    String(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ]);

/** Any finite number of the dtype: every exponent, subnormal ones too, ±0. */
function anyNumbers(x: Tensor, seed: number): Tensor {
  const draw = random(seed);
  const data = x.data.slice();
  const bytes = new Uint8Array(data.buffer);
  const size = data.BYTES_PER_ELEMENT;
  for (let i = 0; i < data.length; i++)
    do for (let b = 0; b < size; b++) bytes[i * size + b] = draw.integer(256);
    while (!Number.isFinite(data[i]));
  if (data.length > 1) data.set([-0, 0]);
  return { ...x, data };
}

describe("a model as JSON", () => {
  it("by hand", () => {
    const model = encoderFromParameters(
      { layers: 0, width: 2, heads: 1, output: 1 },
      { blocks: [], output: { weight: tensor([[0.1], [-2]]) } },
    );
    const lines = saveJson(model).split("\n");
    expect(lines.slice(0, 2)).toEqual(["{", '"format": "splineformer",']);
    expect(lines.slice(3)).toEqual([
      '"parameters": {',
      '  "output.weight": {"dtype":"float32","values":[[0.1],[-2]]}',
      "}",
      "}",
      "",
    ]);
  });

  it.each(Object.entries(models))("comes back bit for bit: %s", (_, model) => {
    const again = loadJson(saveJson(model));
    expect(again.config).toEqual(model.config);
    expect(bitsOf(again)).toEqual(bitsOf(model));
    expect(saveJson(again)).toBe(saveJson(model));
  });

  it("comes back bit for bit whatever finite numbers it holds", () => {
    for (const dtype of ["float32", "float64"] as const)
      for (let seed = 0; seed < 20; seed++) {
        const drawn = createEncoder({ ...tiny, width: 11, hidden: 13, dtype });
        const wild = withParameters(
          drawn,
          Object.fromEntries(Object.entries(parametersOf(drawn)).map(([name, x], i) => [name, anyNumbers(x, 100 * seed + i)])), // biome-ignore format: one call
        );
        expect(bitsOf(loadJson(saveJson(wild)))).toEqual(bitsOf(wild));
      }
  });

  it("writes float32 numbers in nine digits at most", () => {
    const text = saveJson(createEncoder({ ...tiny, width: 11 }));
    const numbers = text.slice(text.indexOf('"parameters"')).match(/-?\d+\.\d+(e-?\d+)?/g) ?? [];
    const counts = numbers.map(
      (n) =>
        n
          .replace(/e.*/, "")
          .replace(/^-?0?\.?0*/, "")
          .replace(".", "").length,
    );
    expect(counts.length).toBeGreaterThan(sizeOf([11, 11, 4]));
    expect(Math.max(...counts)).toBe(9);
  });

  it("may be written by hand: options have their defaults, biases may be missing", () => {
    const model = loadJson(
      '{"format":"splineformer","config":{"kind":"encoder","layers":0,"width":2,"heads":1,"output":1},"parameters":{"output.weight":{"values":[[3],[-2]]}}}',
    );
    expect([...forward(model, tensor([[5, 7]])).data]).toEqual([1]);
    expect(model.config).toMatchObject({ norm: "none", residual: true });
  });
});

describe("a text that is no model is refused by name", () => {
  const good = { format: "splineformer", config: { kind: "encoder", layers: 0, width: 2, heads: 1, output: 1 }, parameters: { "output.weight": { values: [[3], [-2]] } } }; // biome-ignore format: one record
  const of = (change: object) => refusalOf(() => loadJson(JSON.stringify({ ...good, ...change })));
  const weight = (value: unknown) => of({ parameters: { "output.weight": value } });
  const start = "RangeError: loadJson: expected";

  it("where it is no JSON, or JSON of something else", () => {
    const text = (value: unknown) => refusalOf(() => loadJson(value as string));
    expect(text("{")).toBe(`${start} JSON, got "{"`);
    expect(text("")).toBe(`${start} JSON, got ""`);
    expect(text(new Uint8Array(3))).toBe(`${start} a text, got Uint8Array(3 bytes)`);
    expect(text("null")).toBe(`${start} a model { format, config, parameters }, got null`);
    expect(text("[".repeat(100_000) + "]".repeat(100_000))).toMatch(/^RangeError: loadJson: expected a model /);
    expect(of({ format: "other" })).toBe(`${start} format "splineformer", got "other"`);
    expect(of({ more: 1 })).toBe(`${start} a model { format, config, parameters }, got "more"`);
    expect(text('{"__proto__":{"format":"splineformer"}}')).toBe(
      `${start} a model { format, config, parameters }, got "__proto__"`,
    );
  });

  it("where config and parameters do not fit", () => {
    expect(of({ config: null })).toMatch(/^RangeError: loadJson: expected a config of kind /);
    expect(of({ config: { ...good.config, kind: "tree" } })).toMatch(
      /^RangeError: loadJson: expected a config of kind /,
    );
    expect(of({ config: { ...good.config, layers: 9999 } })).toBe(
      `${start} parameters blocks.* for layers 9999, got 0 blocks`,
    );
    expect(of({ config: { ...good.config, output: 2 ** 52 } })).toBe(
      'ShapeError: loadJson: expected parameter "output.weight" of shape [2, 4503599627370496], got [2, 1]',
    );
    expect(of({ parameters: [] })).toBe(`${start} parameters by name, got []`);
    expect(of({ parameters: {} })).toBe(`${start} parameter "output.weight" of shape [2, 1], got none`);
    expect(of({ parameters: { ...good.parameters, "input.weight": { values: [1] } } })).toBe(
      `${start} parameters of this config, got "input.weight"`,
    );
  });

  it("where numbers are none, or too large, and lists are ragged", () => {
    expect(weight(7)).toBe(`${start} parameter "output.weight" { dtype, values }, got 7`);
    expect(weight({ values: [[3], [-2]], shape: [2, 1] })).toMatch(/ \{ dtype, values \}, got "shape"$/);
    expect(weight({ dtype: "int32", values: [[3], [-2]] })).toBe(
      `${start} parameter "output.weight" of dtype float32 or float64, got "int32"`,
    );
    expect(weight({ values: [[3], ["2"]] })).toBe(`${start} parameter "output.weight" of numbers, got "2"`);
    expect(weight({ values: [[3], [null]] })).toBe(`${start} parameter "output.weight" of numbers, got null`);
    expect(weight({ values: [[3], [true]] })).toBe(`${start} parameter "output.weight" of numbers, got true`);
    expect(weight({})).toBe(`${start} parameter "output.weight" of numbers, got undefined`);
    expect(weight({ values: [[3], [-2, 1]] })).toBe(
      'ShapeError: loadJson: expected parameter "output.weight" of lists of 1, got one of 2',
    );
    expect(weight({ values: [[3], -2] })).toBe(
      'ShapeError: loadJson: expected parameter "output.weight" of lists of 1, got -2',
    );
    expect(weight({ values: [[[[[3]]]], [[[[2]]]]] })).toMatch(/^ShapeError: .* of at most 4 axes, got more$/);
    expect(weight({ values: [3, -2] })).toMatch(/^ShapeError: loadJson: .* of shape \[2, 1\], got \[2\]$/);
    expect(weight({ values: [] })).toMatch(/^ShapeError: loadJson: .* of shape \[2, 1\], got \[0\]$/);
    // finite in float64, not in float32
    expect(weight({ values: [[3], [1e39]] })).toMatch(/ to hold finite numbers, got Infinity at entry 1$/);
    expect(weight({ dtype: "float64", values: [[3], [1e39]] })).toBe("nothing");
    const huge = JSON.stringify(good).replace("-2", "1e999");
    expect(refusalOf(() => loadJson(huge))).toMatch(/ to hold finite numbers, got Infinity at entry 1$/);
  });

  it("where a name comes twice, though JSON allows it", () => {
    const text = JSON.stringify(good);
    for (const [part, twice] of [
      ['"width":2', '"width":2,"width":2'],
      ['"values":', '"values":[],"values":'],
      ['"output.weight":', '"output.weight":{"values":[[1],[1]]},"output.weight":'],
    ])
      expect(refusalOf(() => loadJson(text.replace(part, twice)))).toBe(
        `${start} names that do not repeat, got "one twice"`,
      );
    // a colon in a name is none
    expect(of({ parameters: { 'a:"b': { values: [1] } } })).toMatch(/expected parameter/);
  });

  it("never crashes otherwise, whatever is cut off, doubled or replaced", () => {
    const draw = random(5);
    const text = saveJson(models.encoder);
    let refused = 0;
    for (let k = 0; k < 400; k++) {
      const [a, b] = [draw.integer(text.length), draw.integer(text.length)];
      const insert = ["", "[", "}", ",", '"', "-", "1e400", "null", text.slice(a, a + 40)][draw.integer(9)];
      const changed = text.slice(0, b) + insert + text.slice(b + draw.integer(3));
      try {
        loadJson(changed);
      } catch (error) {
        refused++;
        expect(String(error)).toMatch(/^(RangeError|ShapeError|UnsupportedError): loadJson: (\w+: )*expected /);
      }
    }
    // most changes break the text; some only move a digit
    expect(refused).toBeGreaterThan(200);
  });

  it("and no model, where one is to be written", () => {
    expect(refusalOf(() => saveJson(undefined as never))).toBe("RangeError: saveJson: expected a model, got undefined");
    const broken = { ...models.encoder, parameters: {} };
    expect(refusalOf(() => saveJson(broken))).toMatch(/^RangeError: saveJson: expected parameters blocks\.\* /);
  });
});
