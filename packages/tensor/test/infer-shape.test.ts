import {
  type Attributes,
  inferShape,
  type Operands,
  type OpName,
  opNames,
  reference,
  type Shape,
  ShapeError,
  type Tensor,
} from "@splineformer/tensor";
import { call, opCases, refusals } from "@splineformer/testing";
import { describe, expect, it } from "vitest";

const infer = inferShape as (op: OpName, attributes: unknown, ...shapes: (Shape | undefined)[]) => Shape;
const weigh: Attributes["weigh"] = { activation: "softmax", mask: "none", order: 0, divide: "none" };
const attend: Attributes["attention"] = {
  activation: "softmax",
  mask: "none",
  heads: 6,
  keyValueHeads: 2,
  scale: 1,
  divide: "none",
};

describe("the shape of a result, by hand", () => {
  const cases: { readonly [K in OpName]: readonly [Attributes[K], Operands<Shape>[K], Shape] } = {
    add: [
      {},
      [
        [2, 3, 5],
        [3, 1],
      ],
      [2, 3, 5],
    ],
    multiply: [{}, [[5], [7, 1]], [7, 5]],
    scale: [{ factor: 2 }, [[3]], [3]],
    matmul: [
      { transposeB: true },
      [
        [11, 2, 3],
        [5, 3],
      ],
      [11, 2, 5],
    ],
    splitHeads: [{ heads: 2 }, [[7, 5, 6]], [7, 2, 5, 3]],
    mergeHeads: [{}, [[7, 2, 5, 3]], [7, 5, 6]],
    activate: [{ activation: "relu", order: 1 }, [[3, 5]], [3, 5]],
    weigh: [weigh, [[2, 5, 7], [7]], [2, 5, 7]],
    normalize: [{ kind: "rms", epsilon: 0 }, [[3, 5]], [3, 5]],
    sum: [{ axes: [-1, -3], keep: false }, [[2, 3, 5]], [3]],
    slice: [{ axis: -2, from: 1, to: 3 }, [[7, 5, 2]], [7, 2, 2]],
    concat: [
      { axis: -1 },
      [
        [7, 3, 2],
        [3, 5],
      ],
      [7, 3, 7],
    ],
    gather: [{}, [[2, 11, 3], [5]], [2, 5, 3]],
    scan: [
      { kind: "softmax" },
      [
        [7, 1],
        [2, 7, 3],
      ],
      [2, 7, 3],
    ],
    linear: [{ activation: "relu" }, [[2, 5, 7], [7, 3], [3]], [2, 5, 3]],
    attention: [attend, [[11, 5, 18], [7, 6], [7, 4], [5, 7], undefined], [11, 5, 12]],
  };
  for (const op of opNames)
    it(`of ${op}`, () => {
      const [attributes, shapes, expected] = cases[op];
      expect(infer(op, attributes, ...shapes)).toEqual(expected);
    });
});

describe("inferShape", () => {
  it("agrees with what the reference computes, for every case of the suite", () => {
    for (const given of opCases) {
      const shapes = given.operands.map((x) => x?.shape);
      expect(infer(given.op, given.attributes, ...shapes)).toEqual(
        call<Tensor>(reference, given, given.operands).shape,
      );
    }
  });

  it("refuses what every device refuses", () => {
    for (const { op, title, operands, attributes } of refusals) {
      const shapes = operands.map((x) => x?.shape);
      expect(() => infer(op, attributes, ...shapes), title).toThrow(`${op}: expected `);
    }
  });
});

describe("refusals name the operation, what was expected and what came", () => {
  const [m35, m57] = [
    [3, 5],
    [5, 7],
  ];
  const cases: readonly (readonly [string, () => unknown])[] = [
    ["add: expected shapes that broadcast, got [3, 5] and [3]", () => infer("add", {}, m35, [3])],
    ["add: expected b with a shape, got undefined", () => infer("add", {}, m35)],
    ['add: expected no options, got "axis"', () => infer("add", { axis: -1 }, m35, m35)],
    ["scale: expected a finite factor, got NaN", () => infer("scale", { factor: Number.NaN }, m35)],
    ["scale: expected an object of options, got undefined", () => infer("scale", undefined, m35)],
    ["matmul: expected equal inner lengths, got [3, 5] · [3, 5]", () => infer("matmul", {}, m35, m35)],
    [
      "matmul: expected equal inner lengths, got [3, 5]ᵀ · [5, 7]",
      () => infer("matmul", { transposeA: true }, m35, m57),
    ],
    ["matmul: expected a shape [.., k, n], got [5]", () => infer("matmul", {}, m35, [5])],
    [
      'matmul: expected options transposeA, transposeB, got "transpose"',
      () => infer("matmul", { transpose: true }, m35, m57),
    ],
    ["matmul: expected transposeA to be true or false, got 1", () => infer("matmul", { transposeA: 1 }, m35, m57)],
    ["splitHeads: expected a width divisible by 2, got [3, 5]", () => infer("splitHeads", { heads: 2 }, m35)],
    ["splitHeads: expected heads to be a whole number > 0, got 1.5", () => infer("splitHeads", { heads: 1.5 }, m35)],
    ["splitHeads: expected a shape [.., n, heads · d], got [5]", () => infer("splitHeads", { heads: 5 }, [5])],
    ["mergeHeads: expected a shape [.., heads, n, d], got [3, 5]", () => infer("mergeHeads", {}, m35)],
    ["activate: expected order 0 or 1, got 2", () => infer("activate", { activation: "relu", order: 2 }, m35)],
    ["activate: expected an activation (identity,", () => infer("activate", { activation: "swish", order: 0 }, m35)],
    [
      "weigh: expected a visible operand that broadcasts to [3, 5], got [2, 3, 5]",
      () => infer("weigh", weigh, m35, [2, 3, 5]),
    ],
    ["weigh: expected a visible operand that broadcasts to [3, 5], got [3]", () => infer("weigh", weigh, m35, [3])],
    [
      "weigh: expected an activation whose derivative acts entry by entry for order 1, got softmax",
      () => infer("weigh", { ...weigh, order: 1 }, m35),
    ],
    [
      'weigh: expected mask "none", "causal" or { window: a whole number > 0 }, got { window: 0 }',
      () => infer("weigh", { ...weigh, mask: { window: 0 } }, m35),
    ],
    [
      'weigh: expected divide "none", "length" or { lengthPower: a finite number }, got undefined',
      () => infer("weigh", { ...weigh, divide: undefined }, m35),
    ],
    [
      'normalize: expected kind "layer" or "rms", got "batch"',
      () => infer("normalize", { kind: "batch", epsilon: 0 }, m35),
    ],
    ["normalize: expected epsilon ≥ 0, got -1", () => infer("normalize", { kind: "rms", epsilon: -1 }, m35)],
    ["sum: expected negative axes of [3, 5], got [0]", () => infer("sum", { axes: [0], keep: true }, m35)],
    ["sum: expected negative axes of [3, 5], got [-1, -3]", () => infer("sum", { axes: [-1, -3], keep: true }, m35)],
    ["sum: expected a list of different axes, got [-1, -1]", () => infer("sum", { axes: [-1, -1], keep: true }, m35)],
    ["sum: expected a list of different axes, got -1", () => infer("sum", { axes: -1, keep: true }, m35)],
    ["sum: expected keep to be true or false, got undefined", () => infer("sum", { axes: [-1] }, m35)],
    ["slice: expected 0 ≤ from < to ≤ 5, got from 2 to 7", () => infer("slice", { axis: -1, from: 2, to: 7 }, m35)],
    ["slice: expected axis -1 or -2, got 0", () => infer("slice", { axis: 0, from: 0, to: 1 }, m35)],
    ["slice: expected a shape [.., n, d], got [5]", () => infer("slice", { axis: -2, from: 0, to: 1 }, [5])],
    ["concat: expected shapes that broadcast, got [3, 1] and [5, 1]", () => infer("concat", { axis: -1 }, m35, m57)],
    ["gather: expected a shape [.., rows, d], got [5]", () => infer("gather", {}, [5], [3])],
    ["gather: expected a shape [.., n], got []", () => infer("gather", {}, m35, [])],
    [
      "scan: expected scores [.., n, 1] and values [.., n, d], got [5, 2] and [5, 7]",
      () => infer("scan", { kind: "softmax" }, [5, 2], m57),
    ],
    ['scan: expected kind "softmax", got "relu"', () => infer("scan", { kind: "relu" }, [5, 1], m57)],
    [
      "linear: expected x [.., n, k], weight [k, m] and bias [m], got [3, 5], [7, 2]",
      () => infer("linear", { activation: "relu" }, m35, [7, 2]),
    ],
    [
      "linear: expected x [.., n, k], weight [k, m] and bias [m], got [3, 5], [5, 7], [3, 7]",
      () => infer("linear", { activation: "relu" }, m35, m57, [3, 7]),
    ],
    [
      "attention: expected heads to be a multiple of keyValueHeads 4, got 6",
      () => infer("attention", { ...attend, keyValueHeads: 4 }, m35, m35, m35),
    ],
    [
      "attention: expected as many values as keys, got query [3, 6], key [5, 2], value [7, 2] with 6 heads, 2 for keys and values",
      () => infer("attention", attend, [3, 6], [5, 2], [7, 2]),
    ],
    [
      "attention: expected query and key of one head width, got query [3, 12]",
      () => infer("attention", attend, [3, 12], [5, 2], [5, 2]),
    ],
    [
      "attention: expected widths divisible by the numbers of heads, got query [3, 5]",
      () => infer("attention", attend, m35, [5, 2], [5, 2]),
    ],
    ["attention: expected [.., tokens, width], got query [6]", () => infer("attention", attend, [6], [5, 2], [5, 2])],
    [
      "attention: expected a bias that broadcasts to [6, 3, 5], got [2, 3, 5]",
      () => infer("attention", attend, [3, 6], [5, 2], [5, 2], [2, 3, 5]),
    ],
    [
      "attention: expected a finite scale, got Infinity",
      () => infer("attention", { ...attend, scale: Number.POSITIVE_INFINITY }, [3, 6], [5, 2], [5, 2]),
    ],
    ["attention: expected value with a shape, got undefined", () => infer("attention", attend, [3, 6], [5, 2])],
    ["inferShape: expected an operation (add, multiply,", () => infer("convolve" as OpName, {}, m35)],
    ["inferShape: expected an operation (add, multiply,", () => infer("toString" as OpName, {}, m35)],
  ];
  for (const [message, refused] of cases) it(message, () => expect(refused).toThrow(message));

  it("wrong shapes are a ShapeError, wrong attributes a RangeError", () => {
    expect(() => infer("add", {}, m35, [3])).toThrow(ShapeError);
    expect(() => infer("slice", { axis: -1, from: 2, to: 7 }, m35)).toThrow(ShapeError);
    expect(() => infer("scale", { factor: Number.NaN }, m35)).toThrow(RangeError);
  });
});
