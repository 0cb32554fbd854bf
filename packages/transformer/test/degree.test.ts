import {
  forward,
  lift,
  type Network,
  parametersOf,
  random,
  sizeOf,
  type Tensor,
  tensor,
  withParameters,
} from "@splineformer/tensor";
import { float64Tolerance, relativeDifference } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import { createDecoder, createEncoder, createTransformer, degree, type EncoderOptions } from "../src/index.ts";
import { exact, exactOps, type Pattern } from "./exact.ts";
import { refusalOf } from "./refusal.ts";

const tiny = { width: 2, heads: 1, hidden: 3, dtype: "float64" } as const;
const powersOf3 = [3, 9, 27, 81];

describe("the degree of a model (arXiv 2408.09624; the table is derived)", () => {
  it("is 3 for attention, masked or not; a feed-forward has degree 1 and adds nothing", () => {
    for (const mask of ["none", "causal", { window: 2 }] as const)
      for (const hidden of [0, 3])
        expect(degree(createEncoder({ ...tiny, layers: 1, hidden, attention: { mask } }))).toEqual({ x: 3, total: 3 });
  });

  it("is 3^t for an encoder of t blocks", () => {
    for (const [i, d] of powersOf3.entries())
      expect(degree(createEncoder({ ...tiny, layers: i + 1 }))).toEqual({ x: d, total: d });
  });

  it("is 3^t − 1 in the source and 3^t in the target for a decoder of t blocks, 2 · 3^t − 1 together", () => {
    for (const [i, d] of powersOf3.entries())
      expect(degree(createDecoder({ ...tiny, layers: i + 1 }))).toEqual({ source: d - 1, target: d, total: 2 * d - 1 });
  });

  it("is 3^s(3^t − 1) in the source and 3^t in the target for s encoder and t decoder blocks", () => {
    for (const [i, p] of powersOf3.entries())
      for (const [j, q] of powersOf3.entries()) {
        const model = createTransformer({ ...tiny, encoder: { layers: i + 1 }, decoder: { layers: j + 1 } });
        expect(degree(model)).toEqual({ source: p * (q - 1), target: q, total: p * q - p + q });
      }
  });

  it("is as the paper says for small s and t: 9, 33, 21; 9^t for s = t", () => {
    const total = (s: number, t: number) =>
      degree(createTransformer({ ...tiny, encoder: { layers: s }, decoder: { layers: t } })).total;
    expect([total(1, 1), total(1, 2), total(2, 1), total(2, 2)]).toEqual([9, 33, 21, 81]);
  });

  it("is 2k + 1 for ReLU to the power k, and for sparsemax 3", () => {
    const of = (activation: "squaredRelu" | "sparsemax" | "identity", layers = 1) =>
      degree(createEncoder({ ...tiny, layers, attention: { activation } })).total;
    expect([of("squaredRelu"), of("squaredRelu", 2), of("sparsemax"), of("identity")]).toEqual([5, 25, 3, 3]);
    expect(degree(createEncoder({ ...tiny, layers: 1, feedForward: { activation: "squaredRelu" } })).total).toBe(6);
  });

  it("does not change with residuals, scales, clamps, positions, maps in and out, heads, divisors or the number of tokens", () => {
    const all: readonly Partial<EncoderOptions>[] = [
      { residual: false },
      { layerScale: "none" },
      { clamp: 3 },
      { positions: { learned: 1 } },
      { positions: "sinusoidal" },
      { norm: "affine" },
      { norm: "affine", normPlacement: "hybrid", layerScalePer: "layer", residualScale: 0.5 },
      { norm: "affine", normPlacement: "post" },
      { patches: { height: 4, width: 6, size: 2 } },
      { positions: { learned: 7 }, pool: "mean" },
      { input: 5, output: 7, pool: "first" },
      { input: 1, tokens: 5 },
      { heads: 2, keyValueHeads: 1 },
      { attention: { divide: "none", scale: 0.1 } },
    ];
    for (const options of all) expect(degree(createEncoder({ ...tiny, layers: 2, ...options })).total).toBe(9);
    for (const tokens of [1, 2, 5])
      expect(degree(createEncoder({ ...tiny, layers: 2 }), { lengths: { tokens } }).total).toBe(9);
  });

  it("is an exact whole number up to 33 blocks, and refused beyond", () => {
    const deep = (layers: number) => () => degree(createEncoder({ layers, width: 1, heads: 1, hidden: 1 })).total;
    expect(deep(33)()).toBe(5559060566555523); // 3^33 < 2^53 < 3^34
    expect(deep(34)).toThrow(
      new RangeError("degree: expected a degree below 2^53, got 11118121133111046 at block 33/attention"),
    );
  });

  it("is refused with the place where an operation is no piecewise polynomial", () => {
    const of = (options: Partial<EncoderOptions>) =>
      refusalOf(() => degree(createEncoder({ ...tiny, layers: 2, ...options })));
    const start = "UnsupportedError: degree: expected a piecewise polynomial";
    expect(of({ norm: "layer" })).toBe(`${start} operation, got normalize at block 0/attention/norm`);
    expect(of({ vocabulary: 5 })).toBe(
      "UnsupportedError: degree: expected indices that do not depend on an input, got gather at embedding",
    );
    expect(of({ norm: "rms", normPlacement: "post" })).toBe(
      `${start} operation, got normalize at block 0/attention/norm`,
    );
    expect(of({ attention: { activation: "softmax" } })).toBe(`${start} activation, got softmax at block 0/attention`);
    expect(of({ feedForward: { activation: "gelu" } })).toBe(`${start} activation, got gelu at block 0/feedForward`);
    const decoder = { attention: { activation: { name: "softplus", beta: 8 } } } as const;
    expect(refusalOf(() => degree(createTransformer({ ...tiny, layers: 1, decoder })))).toBe(
      `${start} activation, got softplus(beta 8) at decoder/block 0/attention`,
    );
  });

  it("refuses what is no network", () => {
    expect(() => degree(undefined as never)).toThrow(
      "degree: expected a network { inputs, config, parameters, run }, got undefined",
    );
  });

  it("refuses lengths that are not free, or not whole", () => {
    const model = createEncoder({ ...tiny, layers: 1 });
    expect(refusalOf(() => degree(model, { lengths: { rows: 3 } }))).toBe(
      'RangeError: degree: lengths: expected options tokens, got "rows"',
    );
    expect(refusalOf(() => degree(model, { lengths: { tokens: 0 } }))).toBe(
      "RangeError: degree: expected length tokens to be a whole number > 0, got 0",
    );
    expect(refusalOf(() => degree(model, { tokens: 3 } as never))).toBe(
      'RangeError: degree: expected options lengths, got "tokens"',
    );
  });
});

/** The model with weights and biases that are halves of small whole numbers. */
function rounded<N extends Network<never>>(model: N, seed: number): N {
  const draw = random(seed);
  const half = (x: Tensor): Tensor =>
    tensor(
      Float64Array.from(x.data, () => (draw.integer(7) - 3) / 2),
      x.shape,
    );
  return withParameters(
    model,
    Object.fromEntries(Object.entries(parametersOf(model)).map(([name, x]) => [name, half(x)])),
  );
}

/** Whole numbers between −2 and 2 for every input; the i-th has 2 + i tokens. */
function drawInputs(model: Network<string>, seed: number): Record<string, Tensor> {
  const draw = random(seed);
  const inputs = Object.entries(model.inputs).map(([name, shape], i) => {
    const lengths = shape.map((n) => (typeof n === "number" ? n : 2 + i));
    return [
      name,
      tensor(
        Float64Array.from({ length: sizeOf(lengths) }, () => draw.integer(5) - 2),
        lengths,
      ),
    ];
  });
  return Object.fromEntries(inputs);
}

/**
 * The frozen network along a line, exactly, at t = 0, 1, …, D + 1: inputs a + t·b on the pattern found at a, b 0 for
 * inputs that do not move. Its degree is D where the D-th difference of an output is not 0, and the next one is 0 for all.
 */
function differences(model: Network<string>, moving: readonly string[], D: number, seed: number) {
  const [from, by] = [drawInputs(model, seed), drawInputs(model, seed + 1)];
  const at = (t: number, frozen?: Pattern) => {
    const { ops, pattern } = exactOps(frozen);
    const inputs = Object.keys(from).map((name) => {
      const step = moving.includes(name) ? t : 0;
      return [
        name,
        exact(
          tensor(
            Float64Array.from(from[name].data, (v, i) => v + step * by[name].data[i]),
            from[name].shape,
          ),
        ),
      ];
    });
    return { output: model.run(ops, lift(ops, model.parameters), Object.fromEntries(inputs)), pattern };
  };
  const { pattern } = at(0);
  const values = Array.from({ length: D + 2 }, (_, t) => at(t, pattern).output);
  // one denominator for all t: it depends on weights and pattern only
  expect(new Set(values.map(({ denominator }) => denominator)).size).toBe(1);
  let rows = values.map(({ data }) => data);
  const difference = (): readonly bigint[] => {
    rows = rows.slice(1).map((row, t) => row.map((v, i) => v - rows[t][i]));
    return rows[0];
  };
  for (let order = 1; order < D; order++) difference();
  const attained = difference().some((v) => v !== 0n);
  return { attained, exceeded: difference().some((v) => v !== 0n), mixed: new Set(pattern.flat()).size > 1 };
}

/**
 * Draws weights and a pattern until one attains D; none may exceed it. A pattern in which too many gates are off has a
 * lower degree, so the first draw need not do.
 */
function expectAttained(weights: (seed: number) => Network<string>, moving: readonly string[], D: number): void {
  const draws = 20;
  for (let seed = 1; seed <= draws; seed++) {
    const { attained, exceeded, mixed } = differences(weights(seed), moving, D, seed);
    expect(exceeded).toBe(false);
    // some gates on and some off, or the pattern would be no test
    if (attained && mixed) return;
  }
  expect.fail(`expected one of ${draws} draws to attain degree ${D}`);
}

describe("the degree is attained, in exact rational arithmetic on a frozen pattern", () => {
  const base = { width: 2, heads: 2, headWidth: 1, hidden: 3, dtype: "float64", attention: { scale: 0.5 } } as const;
  const cases: readonly (readonly [string, Network<string>])[] = [
    ["attention alone", createEncoder({ ...base, layers: 1, hidden: 0 })],
    [
      "masked attention alone",
      createEncoder({ ...base, layers: 1, hidden: 0, attention: { mask: "causal", scale: 1 } }),
    ],
    ["attention without a residual", createEncoder({ ...base, layers: 1, hidden: 0, residual: false })],
    ["an encoder block", createEncoder({ ...base, layers: 1 })],
    ["two encoder blocks", createEncoder({ ...base, layers: 2 })],
    [
      "two masked encoder blocks, undivided",
      createEncoder({ ...base, layers: 2, attention: { mask: "causal", divide: "none", scale: 1 } }),
    ],
    [
      "a block of squared ReLU",
      createEncoder({ ...base, layers: 1, attention: { activation: "squaredRelu", scale: 1 } }),
    ],
    [
      "two blocks of squared ReLU",
      createEncoder({ ...base, layers: 2, attention: { activation: "squaredRelu", scale: 1 } }),
    ],
    ["a block of sparsemax", createEncoder({ ...base, layers: 1, attention: { activation: "sparsemax", scale: 1 } })],
    [
      "two blocks of sparsemax",
      createEncoder({ ...base, layers: 2, attention: { activation: "sparsemax", scale: 1 } }),
    ],
    ["a decoder block", createDecoder({ ...base, layers: 1 })],
    ["two decoder blocks", createDecoder({ ...base, layers: 2 })],
    ["an encoder and a decoder block", createTransformer({ ...base, layers: 1 })],
    [
      "one encoder and two decoder blocks",
      createTransformer({ ...base, encoder: { layers: 1 }, decoder: { layers: 2 } }),
    ],
    [
      "two encoder blocks and a decoder block",
      createTransformer({ ...base, encoder: { layers: 2 }, decoder: { layers: 1 } }),
    ],
    ["two encoder and two decoder blocks", createTransformer({ ...base, layers: 2 })],
  ];
  it.each(cases)(
    "by %s",
    (_, model) => {
      const expected: Readonly<Record<string, number>> = degree(model);
      const inputs = Object.keys(model.inputs);
      const ways = [...inputs.map((name) => [[name], expected[name]] as const), [inputs, expected.total] as const];
      for (const [moving, D] of ways) expectAttained((seed) => rounded(model, seed), moving, D);
    },
    60_000,
  );

  it("by cross-attention alone: 2 in what is looked at, 1 in what asks", () => {
    // self-attention whose output map is 0 leaves the target as it is
    const model = createDecoder({ ...base, layers: 1, hidden: 0 });
    const still = {
      "blocks.0.attention.output.weight": tensor(new Float64Array(4), [2, 2]),
      "blocks.0.attention.output.bias": tensor(new Float64Array(2), [2]),
    };
    const weights = (seed: number) => withParameters(rounded(model, seed), still);
    expectAttained(weights, ["source"], 2);
    expectAttained(weights, ["target"], 1);
    expectAttained(weights, ["source", "target"], 3);
  });

  it.each(cases)(
    "and the exact numbers of %s are those of the reference where the pattern is their own",
    (_, drawn) => {
      const model = rounded(drawn, 7);
      const inputs = drawInputs(model, 8);
      const { ops } = exactOps();
      const lifted = Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, exact(x)]));
      const { data, denominator } = model.run(ops, lift(ops, model.parameters), lifted);
      // 60 bits behind the point are more than float64 holds
      const numbers = Float64Array.from(data, (v) => Number((v << 60n) / denominator) * 2 ** -60);
      const expected = forward(model, inputs);
      expect(relativeDifference(tensor(numbers, expected.shape), expected)).toBeLessThan(float64Tolerance);
    },
  );
});
