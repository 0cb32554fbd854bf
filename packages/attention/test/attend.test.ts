import {
  graphDegree,
  type Mask,
  record,
  reference,
  type Tensor,
  tensor,
  toNested,
  type Weighing,
} from "@splineformer/tensor";
import {
  float64Tolerance,
  type Matrix,
  naiveAttention,
  naiveMatmul,
  relativeDifference,
  seeded,
} from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import { type AttentionConfig, type AttentionParameters, attend, type Linear, project } from "../src/index.ts";

const matrix = (x: Tensor): Matrix => toNested(x) as Matrix;

/** `x W + b` by nested loops. */
const naiveProject = (x: Matrix, { weight, bias }: Linear<Tensor>): Matrix =>
  naiveMatmul(x, matrix(weight)).map((row) => row.map((v, j) => v + (bias?.data[j] ?? 0)));

// 5 queries of width 7, 11 memory tokens of width 13; 6 heads of width 2 in 3 groups, values of width 5
function drawn(seed: number): { parameters: AttentionParameters<Tensor>; x: Tensor; memory: Tensor } {
  const data = seeded(seed);
  const dense = (from: number, to: number, bias = true): Linear<Tensor> => ({
    weight: data.normal([from, to], { deviation: 1 / Math.sqrt(from) }),
    ...(bias && { bias: data.normal([to]) }),
  });
  const parameters = { query: dense(7, 12), key: dense(13, 6), value: dense(13, 15, false), output: dense(30, 3) };
  return { parameters, x: data.normal([5, 7]), memory: data.normal([11, 13]) };
}
const config: AttentionConfig = {
  activation: "relu",
  mask: "none",
  heads: 6,
  keyValueHeads: 3,
  scale: 0.7,
  divide: "length",
};

describe("project", () => {
  it("is x W + b, then the activation", () => {
    const line = { weight: tensor([[2], [-1]]), bias: tensor([-3]) };
    expect(
      toNested(
        project(
          reference,
          tensor([
            [1, 4],
            [5, 1],
          ]),
          line,
        ),
      ),
    ).toEqual([[-5], [6]]);
    expect(
      toNested(
        project(
          reference,
          tensor([
            [1, 4],
            [5, 1],
          ]),
          line,
          "relu",
        ),
      ),
    ).toEqual([[0], [6]]);
  });
});

describe("attend", () => {
  it("is ReLU attention of the paper: α(x) = x · max(x · x, 0) for one token and identities", () => {
    const one = { weight: tensor([[1]]) };
    const single = { ...config, heads: 1, keyValueHeads: 1, scale: 1 };
    const parameters = { query: one, key: one, value: one, output: one };
    expect(toNested(attend(reference, single, parameters, tensor([[-3]])))).toEqual([[-27]]);
  });

  it.each<Weighing>(["relu", "softmax", "sparsemax", "sigmoid"])(
    "agrees with the maps and the sum over keys written out, for %s, looking at another stream",
    (activation) => {
      const { parameters, x, memory } = drawn(1);
      const [q, k, v] = [
        naiveProject(matrix(x), parameters.query),
        naiveProject(matrix(memory), parameters.key),
        naiveProject(matrix(memory), parameters.value),
      ];
      const mixed = naiveAttention(q, k, v, undefined, undefined, { ...config, activation });
      const expected = tensor(naiveProject(mixed, parameters.output), { dtype: "float64" });
      const got = attend(reference, { ...config, activation }, parameters, x, memory);
      expect(got.shape).toEqual([5, 3]);
      expect(relativeDifference(got, expected)).toBeLessThan(float64Tolerance);
    },
  );

  it("adds a bias to the scores and hides keys", () => {
    const { parameters, x, memory } = drawn(2);
    const bias = seeded(3).normal([6, 5, 11]);
    const visible = seeded(4).mask([5, 11]);
    const hidden = tensor(
      Float64Array.from({ length: 6 * 5 * 11 }, (_, i) => bias.data[i] - (visible.data[i % 55] ? 0 : 1e9)),
      [6, 5, 11],
    );
    // without a divisor a hidden key is a key whose ReLU is off
    const undivided = { ...config, divide: "none" } as const;
    expect(attend(reference, undivided, parameters, x, memory, { bias, visible })).toEqual(
      attend(reference, undivided, parameters, x, memory, { bias: hidden }),
    );
    expect(attend(reference, undivided, parameters, x, memory, { bias })).not.toEqual(
      attend(reference, undivided, parameters, x, memory, { bias, visible }),
    );
  });
});

describe("the degree of attention", () => {
  const of = (activation: Weighing, mask: Mask = "none") => {
    const { parameters } = drawn(5);
    const read = { ...config, activation, mask };
    const square = { ...parameters, query: { weight: seeded(6).normal([13, 12]) } };
    return {
      self: graphDegree(record((ops, { x }) => attend(ops, read, constants(ops.constant, square), x), { x: [2, 13] })),
      cross: graphDegree(
        record((ops, { x, memory }) => attend(ops, read, constants(ops.constant, parameters), x, memory), {
          x: [2, 7],
          memory: [3, 13],
        }),
      ),
    };
  };
  const constants = <T>(constant: (x: Tensor) => T, p: AttentionParameters<Tensor>): AttentionParameters<T> => {
    const line = ({ weight, bias }: Linear<Tensor>) => ({
      weight: constant(weight),
      ...(bias && { bias: constant(bias) }),
    });
    return { query: line(p.query), key: line(p.key), value: line(p.value), output: line(p.output) };
  };

  it("is 3 for ReLU, masked or not: 2 in what is looked at, 1 in what asks", () => {
    for (const mask of ["none", "causal"] as const)
      expect(of("relu", mask)).toEqual({ self: { x: 3, total: 3 }, cross: { x: 1, memory: 2, total: 3 } });
  });

  it("is 2k + 1 for ReLU to the power k, and 3 for sparsemax", () => {
    expect(of("squaredRelu")).toEqual({ self: { x: 5, total: 5 }, cross: { x: 2, memory: 3, total: 5 } });
    expect(of("sparsemax")).toEqual({ self: { x: 3, total: 3 }, cross: { x: 1, memory: 2, total: 3 } });
  });

  it("is refused for softmax", () => {
    expect(() => of("softmax")).toThrow(/degree: expected a piecewise polynomial activation, got softmax/);
  });
});

describe("a layer is refused", () => {
  const { parameters, x, memory } = drawn(1);
  it.each<[string, () => unknown, string]>([
    [
      "with a word of its config misspelt",
      () => attend(reference, { ...config, ...{ rotery: {} } }, parameters, x, memory),
      'attend: expected options activation, mask, heads, keyValueHeads, scale, divide, qkNorm, qkNormEpsilon, rotary, alibi, got "rotery"',
    ],
    [
      "with half a token of past",
      () => attend(reference, config, parameters, x, memory, { past: 0.5 }),
      "attend: expected past to be a whole number ≥ 0, got 0.5",
    ],
    [
      "with an unknown operand",
      () => attend(reference, config, parameters, x, memory, { passed: 1 } as never),
      'attend: expected options bias, visible, dropout, past, got "passed"',
    ],
    [
      "without its map out",
      () => attend(reference, config, { ...parameters, output: undefined as never }, x, memory),
      "attend: expected parameters.output { weight, bias }, got undefined",
    ],
  ])("%s", (_, refused, message) => {
    expect(refused).toThrow(message);
  });
});
