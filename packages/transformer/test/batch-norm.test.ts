import { forward, parametersOf, random, type Tensor, tensor, toNested, withParameters } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import {
  batchNormalized,
  batchStatistics,
  createDecoder,
  createEncoder,
  degree,
  type Encoder,
  foldBatchNorm,
  foldScales,
  loadSafetensors,
  type NormStatistics,
  saveSafetensors,
} from "../src/index.ts";
import { fromMatrix, matrix, naiveStack } from "./naive-stack.ts";
import { refusalOf } from "./refusal.ts";

const size = { layers: 2, width: 6, heads: 3, hidden: 7, output: 5, dtype: "float64" } as const;
const at = (seed: number, shape: number[]): Tensor => random(seed).normal(shape, { dtype: "float64" });

/** The model with every parameter drawn: scales and shifts that are not 1 and 0. */
function drawn<N extends Encoder>(model: N, seed: number): N {
  const numbers = random(seed);
  const parameters = Object.entries(parametersOf(model)).map(([name, { shape }]) => [
    name,
    numbers.normal(shape, {
      mean: name.includes("orm") || name.includes("Scale") ? 1 : 0,
      deviation: 0.4,
      dtype: "float64",
    }),
  ]);
  return withParameters(model, Object.fromEntries(parameters));
}

/** The largest difference, against the largest number. */
function apart(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  const largest = Math.max(...[...b.data].map(Math.abs));
  return Math.max(...[...a.data].map((value, i) => Math.abs(value - b.data[i]))) / largest;
}

describe("batch norm", () => {
  it("by hand: each channel gets mean 0 and variance 1 over examples and tokens, then scale and shift", () => {
    const plain = createEncoder({
      layers: 0,
      width: 2,
      heads: 1,
      norm: "affine",
      normEpsilon: 1e-300,
      dtype: "float64",
    });
    const model = withParameters(plain, { "norm.weight": tensor([10, 1]), "norm.bias": tensor([0, 5]) });
    const x = tensor([[[1, 0], [2, 0]], [[3, 0], [4, 8]]], { dtype: "float64" }); // biome-ignore format: examples
    // channel 0: mean 2.5, variance 1.25; channel 1: mean 2, variance 12
    const y = toNested(forward(batchNormalized(model), x)) as number[][][];
    expect(y[0][0][0]).toBeCloseTo((10 * -1.5) / Math.sqrt(1.25), 13);
    expect(y[1][1][1]).toBeCloseTo(5 + 6 / Math.sqrt(12), 13);
  });

  it.each(["pre", "post", "hybrid"] as const)(
    "folded, it is the same function of the batch it was folded for: %s",
    (normPlacement) => {
      const model = batchNormalized(drawn(createEncoder({ ...size, norm: "affine", normPlacement, pool: "mean" }), 1));
      const x = at(2, [11, 3, 6]);
      const folded = foldBatchNorm(model, batchStatistics(model, x));
      // some dozen roundings of numbers of the outputs' size
      expect(apart(forward(folded, x), forward(model, x))).toBeLessThan(1e-13);
      expect(apart(forward(folded, at(3, [11, 3, 6])), forward(model, at(3, [11, 3, 6])))).toBeGreaterThan(1e-3);
      expect(degree(folded)).toEqual({ x: 9, total: 9 });
      expect(loadSafetensors(saveSafetensors(folded)).config).toEqual(folded.config);
    },
  );

  it("a stack of batches is the stack of what they give: statistics never mix", () => {
    const model = batchNormalized(drawn(createEncoder({ ...size, norm: "affine" }), 4));
    const x = at(5, [2, 7, 3, 6]);
    const both = forward(model, x).data;
    for (let i = 0; i < 2; i++) {
      const part = { ...x, shape: [7, 3, 6], data: x.data.slice(i * 126, (i + 1) * 126) };
      expect(forward(model, part).data).toEqual(both.slice(i * 105, (i + 1) * 105));
    }
  });

  it("an image's patches are tokens; the first token may be read out", () => {
    const patches = { height: 4, width: 6, size: 2 };
    const model = batchNormalized(drawn(createEncoder({ ...size, norm: "affine", patches, pool: "first" }), 6));
    const x = at(7, [13, 4, 6]);
    const folded = foldBatchNorm(model, batchStatistics(model, x));
    expect(apart(forward(folded, x), forward(model, x))).toBeLessThan(1e-13);
  });

  it("the import of another program's running statistics agrees with its formula, LayerScale folded as well", () => {
    const model = drawn(createEncoder({ ...size, norm: "affine", layerScale: 0.5 }), 8);
    const numbers = random(9);
    const names = [0, 1].flatMap((i) => [`blocks.${i}.norms.attention`, `blocks.${i}.norms.feedForward`]);
    const statistics: NormStatistics = Object.fromEntries(
      [...names, "norm"].map((name) => [
        name,
        {
          mean: numbers.normal([6], { dtype: "float64" }),
          variance: numbers.uniform([6], { from: 0.2, to: 3, dtype: "float64" }),
        },
      ]),
    );
    const imported = foldScales(foldBatchNorm(batchNormalized(model), statistics));
    expect(imported.config).toMatchObject({ norm: "none", layerScale: "none" });
    expect(Object.keys(parametersOf(imported)).some((name) => /orm|Scale/.test(name))).toBe(false);
    // the other program's model: (z − mean)/√(variance + ε), scaled and shifted, as naive loops do it
    const other = Object.fromEntries(
      Object.entries(parametersOf(model)).map(([name, value]) => {
        const [, place, kind] = /^(.*orms?\.?\w*)\.(weight|bias)$/.exec(name) ?? [];
        const own = place === undefined ? undefined : statistics[place];
        if (!own) return [name, value];
        const deviation = Float64Array.from(own.variance.data, (v) => Math.sqrt(v + model.config.normEpsilon));
        const weight = parametersOf(model)[`${place}.weight`].data;
        const data =
          kind === "weight"
            ? value.data.map((w, i) => w / deviation[i])
            : value.data.map((b, i) => b - (own.mean.data[i] / deviation[i]) * weight[i]);
        return [name, { ...value, data }];
      }),
    );
    const x = at(10, [3, 6]);
    const expected = naiveStack(model.config, withParameters(model, other).parameters, matrix(x));
    expect(apart(forward(imported, x), fromMatrix(expected))).toBeLessThan(1e-13);
  });

  it("refuses models without affine norms, statistics that are none, and is saved only when it is folded", () => {
    const model = batchNormalized(createEncoder({ ...size, norm: "affine" }));
    const found = batchStatistics(model, at(11, [5, 3, 6]));
    expect(refusalOf(() => batchNormalized(createEncoder({ ...size, norm: "layer" })))).toBe(
      'UnsupportedError: batchNormalized: expected an encoder with norm "affine", got encoder with norm "layer"',
    );
    expect(refusalOf(() => batchNormalized(createDecoder({ ...size, norm: "affine" }) as never))).toContain(
      "got decoder",
    );
    expect(refusalOf(() => foldBatchNorm(model, { norm: found.norm }))).toBe(
      "RangeError: foldBatchNorm: expected statistics of blocks.0.norms.attention, got undefined",
    );
    expect(refusalOf(() => foldBatchNorm(model, { ...found, other: found.norm }))).toContain('got "other"');
    expect(refusalOf(() => foldBatchNorm(model, { ...found, norm: { ...found.norm, mean: at(1, [5]) } }))).toBe(
      "ShapeError: foldBatchNorm: expected mean of norm of shape [6], got [5]",
    );
    const negative = { ...found.norm, variance: tensor([1, 1, -1, 1, 1, 1]) };
    expect(refusalOf(() => foldBatchNorm(model, { ...found, norm: negative }))).toContain(
      "a variance ≥ 0 of norm, got -1",
    );
    expect(refusalOf(() => batchStatistics(model, at(12, [2, 5, 3, 6])))).toContain("expected one batch");
    expect(refusalOf(() => saveSafetensors(model as never))).toContain('got { kind: "batch normalized"');
  });
});

describe("foldScales", () => {
  const base = { ...size, layerScale: 0.5 } as const;
  it.each([
    ["LayerScale", {}],
    ["one LayerScale a sublayer, and a clamp", { layerScalePer: "layer", clamp: 1 }],
    ["affine norms", { norm: "affine" }],
    ["affine norms before and after a sublayer", { norm: "affine", normPlacement: "hybrid" }],
    ["LayerScale behind LayerNorm", { norm: "layer", normPlacement: "hybrid" }],
    ["LayerScale before LayerNorm", { norm: "layer", normPlacement: "post" }],
    ["rms norms without hidden units", { norm: "rms", hidden: 0 }],
  ] as const)("leaves the function as it is: %s", (_, options) => {
    const model = drawn(createEncoder({ ...base, ...options }), 1);
    const folded = foldScales(model);
    expect(folded.config.layerScale).toBe("none");
    const x = at(2, [7, 3, 6]);
    expect(apart(forward(folded, x), forward(model, x))).toBeLessThan(1e-13);
  });

  it("maps without biases get one only where a shift asks for it", () => {
    const one = { weight: tensor([[2]], { dtype: "float64" }) };
    const { parameters, config } = createEncoder({
      layers: 1,
      width: 1,
      heads: 1,
      hidden: 0,
      norm: "affine",
      output: 1,
    });
    const block = { ...parameters.blocks[0], attention: { query: one, key: one, value: one, output: one } };
    const folded = foldScales({ ...createEncoder(config), parameters: { ...parameters, blocks: [block] } } as Encoder);
    const names = Object.keys(parametersOf(folded));
    expect(names).toContain("blocks.0.attention.query.bias");
    expect(names).not.toContain("blocks.0.attention.output.bias");
  });

  it("refuses by name what has no map beside it", () => {
    const of = (options: object): string =>
      refusalOf(() => foldScales(createEncoder({ ...size, norm: "affine", ...options })));
    expect(of({ normPlacement: "post" })).toBe(
      'UnsupportedError: foldScales: expected norms placed "pre" or "hybrid", got "post"',
    );
    expect(of({ clamp: 3 })).toContain("expected no clamp between a norm and the maps that read it, got 3");
    expect(of({ output: "none" })).toContain("expected a map out after the final norm, got none");
  });
});
