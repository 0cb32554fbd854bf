import {
  graphDegree,
  lift,
  pullback,
  record,
  reference,
  reference32,
  registerActivation,
  type Tensor,
  tensor,
  toNested,
  type Weighing,
} from "@splineformer/tensor";
import {
  dot,
  float64Tolerance,
  type Matrix,
  moved,
  naiveAttention,
  relativeDifference,
  seeded,
  slopeAt0,
  weighings,
} from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import {
  type AttentionConfig,
  type AttentionParameters,
  alibi,
  attend,
  attendNext,
  attention,
  createAttentionCache,
} from "../src/index.ts";

const own: readonly Weighing[] = [
  { name: "piecewise", knots: [-1, 1], pieces: [[0], [0.25, 0.5, 0.25], [0, 1]] },
  registerActivation("bell", { value: (z) => Math.exp(-z * z), derivative: (z) => -2 * z * Math.exp(-z * z) }),
];
const entmax: readonly Weighing[] = [1, 1.25, 1.5, 2].map((alpha) => ({ name: "entmax", alpha }));
const family = [...weighings, ...entmax, ...own].map((activation) => [JSON.stringify(activation), activation] as const);

// 13 tokens of width 7; 6 heads of width 4 in 3 groups, values of width 5
const drawn = (seed: number): { parameters: AttentionParameters<Tensor>; x: Tensor } => {
  const data = seeded(seed);
  const dense = (from: number, to: number) => ({
    weight: data.normal([from, to], { deviation: 1 / Math.sqrt(from) }),
    bias: data.normal([to], { deviation: 0.1 }),
  });
  const factors = () => data.normal([4], { mean: 1, deviation: 0.1 });
  const parameters = {
    query: dense(7, 24),
    key: dense(7, 12),
    value: dense(7, 15),
    output: dense(30, 7),
    queryNorm: { weight: factors() },
    keyNorm: { weight: factors(), bias: data.normal([4], { deviation: 0.1 }) },
  };
  return { parameters, x: data.normal([13, 7]) };
};
const plain = { mask: "causal", heads: 6, keyValueHeads: 3, scale: 0.5, divide: "length" } as const;
const additions: readonly Partial<AttentionConfig>[] = [
  {},
  { rotary: { layout: "interleaved" } },
  { qkNorm: "layer", rotary: {}, alibi: alibi(6), mask: { window: 5 } },
];
const matrix = (x: Tensor): Matrix => toNested(x) as Matrix;
const float64 = (rows: Matrix): Tensor => tensor(rows, { dtype: "float64" });

describe("every variant", () => {
  it.each(family)("%s: a cache gives the numbers of the full pass, with grouped heads and rotary", (_, activation) => {
    const { parameters, x } = drawn(1);
    for (const addition of additions)
      for (const [ops, allowed] of [
        [reference, 1e-13],
        [reference32, 1e-6],
      ] as const) {
        const config: AttentionConfig = { ...plain, ...addition, activation };
        let cache = createAttentionCache({ mask: config.mask });
        const whole = matrix(attend(ops, config, parameters, ops.constant(x)));
        for (let k = 0; k < 13; k++) {
          const token = ops.slice(ops.constant(x), { axis: -2, from: k, to: k + 1 });
          const next = attendNext(ops, config, parameters, token, cache);
          expect(relativeDifference(next.output, float64([whole[k]]))).toBeLessThan(allowed);
          cache = next.cache;
        }
      }
  });

  it.each(family)("%s: gradients by tokens and by every parameter are slopes", (_, activation) => {
    const data = seeded(3);
    const { parameters, x } = drawn(2);
    const config: AttentionConfig = { ...plain, activation, qkNorm: "layer", rotary: {}, alibi: alibi(6) };
    const graph = record((ops, inputs) => attend(ops, config, lift(ops, parameters), inputs.x), { x: x.shape });
    const cotangent = data.normal([13, 7]);
    const { inputs, parameters: gradients } = pullback(graph, reference, { inputs: { x } }, { output: cotangent });
    const loss = (y: Tensor, p: AttentionParameters<Tensor>): number => dot(attend(reference, config, p, y), cotangent);
    // losses below 2⁶ are rounded to 2⁻⁴⁶, over a step of 2⁻¹⁵ and times 5/3; no draw has a kink within a step
    const close = 2 ** -30;
    const direction = data.normal([13, 7]);
    expect(Math.abs(slopeAt0((t) => loss(moved(x, direction, t), parameters)) - dot(inputs.x, direction))).toBeLessThan(
      close,
    );
    for (const name of ["query", "key", "value", "output"] as const)
      for (const part of ["weight", "bias"] as const) {
        const map = parameters[name];
        const at = map[part] as Tensor;
        const way = data.normal(at.shape);
        const along = (t: number) => loss(x, { ...parameters, [name]: { ...map, [part]: moved(at, way, t) } });
        expect(Math.abs(slopeAt0(along) - dot(gradients[`${name}.${part}`], way)), `${name} ${part}`).toBeLessThan(
          close,
        );
      }
  });

  // the twin knows no registered functions, and softmax by that name alone
  const written = family.filter(([, activation]) => activation !== own[1] && activation !== entmax[0]);
  it.each(written)("%s: scores of ±10⁴, one token and rectangles are what the sum over keys says", (_, activation) => {
    const data = seeded(4);
    const options = { activation, heads: 1, keyValueHeads: 1, divide: "none", scale: 1 } as const;
    for (const [queries, keys, size] of [
      [5, 7, 1],
      [7, 5, 1],
      [1, 1, 1],
      [1, 11, 1],
      [5, 7, 1e4],
    ] as const)
      for (const mask of ["none", "causal"] as const) {
        const query = tensor(
          Float64Array.from({ length: queries }, (_, i) => (i % 2 ? -size : size)),
          [queries, 1],
        );
        const [key, value] = [data.uniform([keys, 1]), data.normal([keys, 3])];
        const expected = naiveAttention(matrix(query), matrix(key), matrix(value), undefined, undefined, {
          ...options,
          mask,
        });
        const got = attention(query, key, value, { ...options, mask });
        expect(got.data.every(Number.isFinite)).toBe(true);
        expect(relativeDifference(got, float64(expected))).toBeLessThan(float64Tolerance);
      }
  });
});

describe("the degree of a variant", () => {
  const degreeOf = (activation: Weighing): number => {
    const { parameters, x } = drawn(5);
    const config: AttentionConfig = { ...plain, activation };
    return graphDegree(record((ops, inputs) => attend(ops, config, lift(ops, parameters), inputs.x), { x: x.shape }))
      .total;
  };

  it("is 3 for what is piecewise linear in the scores, and 2k + 1 where its pieces have degree k", () => {
    for (const activation of ["relu", "sparsemax", "identity", "leakyRelu", "absolute"] as const)
      expect(degreeOf(activation)).toBe(3);
    expect([degreeOf("squaredRelu"), degreeOf(own[0])]).toEqual([5, 5]);
    expect(degreeOf({ name: "piecewise", knots: [0], pieces: [[0], [0, 0, 0, 1]] })).toBe(7);
  });

  it("does not exist for what is smooth, and the refusal names it", () => {
    for (const activation of ["softmax", "softplus", "sigmoid", { name: "entmax", alpha: 1.5 }, own[1]] as const)
      expect(() => degreeOf(activation)).toThrow(/degree: expected a piecewise polynomial activation, got /);
  });
});
