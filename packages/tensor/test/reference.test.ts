import {
  attention,
  linear,
  type OpName,
  opNames,
  reference,
  reference32,
  reshape,
  type Tensor,
  tensor,
  toNested,
  zeros,
} from "@splineformer/tensor";
import {
  call,
  float64Tolerance,
  largestDifference,
  type Numbers,
  naive,
  oneHead,
  opCases,
  relativeDifference,
  stackings,
  stackTensors,
} from "@splineformer/testing";
import { describe, expect, it } from "vitest";

// Node and browsers have it; the types of neither are loaded here
declare const structuredClone: <V>(value: V) => V;

/** A test that runs all cases of an operation may take longer than usual where little else gets done, in milliseconds. */
const patient = 60_000;

/** Nested arrays of numbers, masks as 0 and 1. */
const numbers = (x: Tensor): Numbers => toNested({ ...reference.read(x) }) as Numbers;

const flat = (x: Numbers): number[] => (typeof x === "number" ? [x] : x.flatMap(flat));

describe("the reference, by hand", () => {
  it("multiplies a row and a column", () => {
    expect(toNested(reference.matmul(tensor([[1, 2]]), tensor([[3], [4]]), {}))).toEqual([[11]]);
  });

  it("attends as in the published test vector: ReLU attention of [[1, −2], [3, 0]] is [[0, 0], [0, 12]]", () => {
    // the published tokens are columns, ours are rows; the result is its own transpose
    const attributes = { mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
    const [q, k, v] = [
      tensor([[4], [-2]]),
      tensor([[-2], [-1]]),
      tensor([
        [1, 3],
        [-2, 0],
      ]),
    ];
    const relu = { ...attributes, activation: "relu" } as const;
    expect(toNested(attention(reference, q, k, v, undefined, undefined, relu))).toEqual([
      [0, 0],
      [0, 12],
    ]);
    const causal = attention(reference, q, k, v, undefined, undefined, { ...relu, mask: "causal" });
    expect(toNested(causal)).toEqual([
      [0, 0],
      [0, 12],
    ]);
    const softmax = attention(reference, q, k, v, undefined, undefined, { ...attributes, activation: "softmax" });
    // to the digits that are published
    for (const [i, value] of [-1.94604137, 0.05395863, 0.642391234, 2.642391234].entries())
      expect(softmax.data[i]).toBeCloseTo(value, 8);
  });

  it("gives every key the same weight 1/(n + 1) by sigmoid, if all scores are 0", () => {
    const attributes = { activation: "sigmoid", mask: "none", order: 0, divide: "none" } as const;
    // −log 7 is rounded, which moves a weight by less than one unit in the last place of 1/8
    for (const w of reference.weigh(zeros([3, 7]), undefined, attributes).data) expect(w).toBeCloseTo(1 / 8, 15);
  });

  it("scans scores 1000, 1001, −1000 without overflow", () => {
    const kind = "softmax";
    const averages = reference.scan(tensor([[1000], [1001], [-1000]]), tensor([[1], [2], [3]]), { kind });
    expect([...averages.data]).toEqual([1, 1.7310585786300048, 1.7310585786300048]);
  });

  it("normalizes float32 rows of mean 1000 in two passes", () => {
    const row = tensor([[999, 1000, 1001]]);
    // variance 2/3
    const expected = Math.sqrt(3 / 2);
    const got = reference32.normalize(row, { kind: "layer", epsilon: 0 }).data;
    expect(got[1]).toBe(0);
    // division and root are each rounded once: at most two units in the last place of 1.22
    expect(Math.abs(got[2] - expected)).toBeLessThanOrEqual(2 * 2 ** -23);
  });
});

describe("the reference agrees with index formulas on nested arrays", () => {
  for (const op of opNames)
    it(
      `for every case of ${op}`,
      () => {
        const cases = opCases.filter((given) => given.op === op);
        expect(cases.length).toBeGreaterThan(0);
        for (const given of cases) {
          const got = call<Tensor>(reference, given, given.operands);
          const operands = given.operands.map((x) => x && numbers(x));
          const expected = naive(op, operands, given.attributes);
          const data = Float64Array.from(flat(expected));
          // two float64 formulas that add up in other orders: see float64Tolerance
          expect(relativeDifference(got, { data }), given.title).toBeLessThanOrEqual(float64Tolerance);
          expect(shapeOf(expected), given.title).toEqual(got.shape);
        }
      },
      patient,
    );
});

function shapeOf(x: Numbers): number[] {
  return typeof x === "number" ? [] : [x.length, ...shapeOf(x[0])];
}

describe("op(stack) = stack(op), to the last bit", () => {
  for (const op of opNames)
    it(
      `for ${op}`,
      () => {
        for (const device of [reference, reference32])
          for (const given of opCases.filter((one) => one.op === op))
            for (const { title, stack, parts } of stackings(given)) {
              const expected = stackTensors(parts.map((part) => call<Tensor>(device, part, part.operands)));
              const got = call<Tensor>(device, stack, stack.operands);
              expect(got.shape, title).toEqual(expected.shape);
              expect(largestDifference(got, expected), title).toBe(0);
            }
      },
      patient,
    );
});

describe("the reference devices", () => {
  it("give results in their own dtype, whatever came", () => {
    for (const [device, dtype] of [
      [reference, "float64"],
      [reference32, "float32"],
    ] as const)
      for (const given of opCases) expect(call<Tensor>(device, given, given.operands).dtype).toBe(dtype);
  });

  it("do not change their operands", () => {
    for (const given of opCases) {
      const before = structuredClone(given.operands);
      call<Tensor>(reference, given, given.operands);
      expect(given.operands).toEqual(before);
    }
  });

  it("round every product and every partial sum in float32", () => {
    // 1 + 2⁻²⁴ rounds to 1 each time, so the small terms never add up
    const row = tensor([[1, 2 ** -24, 2 ** -24]]);
    const ones = tensor([[1], [1], [1]]);
    expect(toNested(reference32.matmul(row, ones, {}))).toEqual([[1]]);
    expect(toNested(reference.matmul(row, ones, {}))).toEqual([[1 + 2 ** -23]]);
    expect(toNested(reference32.sum(row, { axes: [-1], keep: false }))).toEqual([1]);
  });

  it("mistake no mask: every number but 0 shows a key", () => {
    const attributes = { activation: "relu", mask: "none", order: 0, divide: "length" } as const;
    const visible = tensor([0.5, 0, -1]);
    expect(toNested(reference.weigh(tensor([[2, 2, 2]]), visible, attributes))).toEqual([[1, 0, 1]]);
  });
});

describe("degenerate sizes", () => {
  const empty = { activation: "softmax", mask: "none", order: 0, divide: "length" } as const;
  it("no tokens give no results", () => {
    expect(reference.add(zeros([0, 3]), zeros([3])).shape).toEqual([0, 3]);
    expect(reference.splitHeads(zeros([0, 6]), { heads: 2 }).shape).toEqual([2, 0, 3]);
    expect(reference.mergeHeads(zeros([2, 0, 3])).shape).toEqual([0, 6]);
    expect(reference.weigh(zeros([0, 5]), undefined, empty).shape).toEqual([0, 5]);
    expect(reference.normalize(zeros([0, 5]), { kind: "layer", epsilon: 0 }).shape).toEqual([0, 5]);
    expect(reference.gather(zeros([5, 3]), zeros([0])).shape).toEqual([0, 3]);
    expect(reference.concat(zeros([0, 3]), zeros([2, 3]), { axis: -2 }).shape).toEqual([2, 3]);
    expect(reference.scan(zeros([0, 1]), zeros([0, 3]), { kind: "softmax" }).shape).toEqual([0, 3]);
    expect(linear(reference, zeros([0, 3]), zeros([3, 5]), zeros([5])).shape).toEqual([0, 5]);
  });

  it("an empty sum is 0", () => {
    expect(toNested(reference.matmul(zeros([2, 0]), zeros([0, 1]), {}))).toEqual([[0], [0]]);
    expect(toNested(reference.sum(zeros([2, 0]), { axes: [-1], keep: false }))).toEqual([0, 0]);
  });

  it("attention over no keys is 0", () => {
    const attributes = { ...oneHead, activation: "softmax" } as const;
    const nothing = attention(reference, zeros([2, 3]), zeros([0, 3]), zeros([0, 1]), undefined, undefined, attributes);
    expect(toNested(nothing)).toEqual([[0], [0]]);
  });

  it("NaN stays NaN", () => {
    const x = tensor([Number.NaN, 1]);
    expect(reference.activate(x, { activation: "relu", order: 0 }).data[0]).toBeNaN();
    expect(reference.sum(x, { axes: [-1], keep: false }).data[0]).toBeNaN();
    for (const activation of ["softmax", "sparsemax", "gelu"] as const)
      expect(reference.weigh(reshape(x, [1, 2]), undefined, { ...empty, activation }).data[0]).toBeNaN();
  });
});

describe("refusals", () => {
  it("an index that is no row of the table", () => {
    const table = zeros([3, 2]);
    expect(() => reference.gather(table, tensor([3]))).toThrow(
      new RangeError("gather: expected whole indices 0 ≤ i < 3, got 3"),
    );
    for (const index of [-1, 0.5, Number.NaN])
      expect(() => reference.gather(table, tensor([index]))).toThrow("gather:");
  });

  it("an operand without a shape", () => {
    const array = [1, 2] as unknown as Tensor;
    expect(() => reference.add(tensor([1]), array)).toThrow("add: expected b to be a tensor, got [1, 2]");
    const missing = { op: "scale" as OpName };
    expect(() => call(reference, { ...missing, title: "", attributes: {}, operands: [] } as never, [array])).toThrow(
      "scale: expected x to be a tensor, got [1, 2]",
    );
  });
});
