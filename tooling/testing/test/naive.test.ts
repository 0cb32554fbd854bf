/** @file The twins are right where a reader can check them by hand: they judge the reference, so nothing else judges them. */
import { describe, expect, it } from "vitest";
import {
  naive,
  naiveActivation,
  naiveAttention,
  naiveNormalDistribution,
  naiveScan,
  naiveSoftmax,
  naiveSparsemax,
  naiveWeigh,
} from "../src/index.ts";

describe("the naive twins, by hand", () => {
  it("multiply matrices, with batch axes that repeat", () => {
    expect(naive("matmul", [[[1, 2]], [[3], [4]]], {})).toEqual([[11]]);
    expect(
      naive(
        "matmul",
        [
          [[[1, 2]], [[0, 1]]],
          [[3], [4]],
        ],
        {},
      ),
    ).toEqual([[[11]], [[4]]]);
    expect(
      naive(
        "matmul",
        [
          [[1], [2]],
          [[3], [4]],
        ],
        { transposeA: true },
      ),
    ).toEqual([[11]]);
  });

  it("broadcast from the right", () => {
    expect(naive("add", [[[1, 2]], [[10], [20]]], {})).toEqual([
      [11, 12],
      [21, 22],
    ]);
    expect(naive("multiply", [3, [1, 2]], {})).toEqual([3, 6]);
  });

  it("split and merge heads", () => {
    const x = [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ];
    const heads = [
      [
        [1, 2],
        [5, 6],
      ],
      [
        [3, 4],
        [7, 8],
      ],
    ];
    expect(naive("splitHeads", [x], { heads: 2 })).toEqual(heads);
    expect(naive("mergeHeads", [heads], {})).toEqual(x);
  });

  it("sum, slice, join and gather", () => {
    const x = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    expect(naive("sum", [x], { axes: [-2], keep: false })).toEqual([5, 7, 9]);
    expect(naive("sum", [x], { axes: [-1], keep: true })).toEqual([[6], [15]]);
    expect(naive("slice", [x], { axis: -1, from: 1, to: 3 })).toEqual([
      [2, 3],
      [5, 6],
    ]);
    expect(naive("concat", [x, [[9], [8]]], { axis: -1 })).toEqual([
      [1, 2, 3, 9],
      [4, 5, 6, 8],
    ]);
    expect(naive("gather", [x, [1, 1, 0]], {})).toEqual([
      [4, 5, 6],
      [4, 5, 6],
      [1, 2, 3],
    ]);
  });

  it("weigh: two scores that differ by log 3 get 1/4 and 3/4", () => {
    const [a, b] = naiveSoftmax([0, Math.log(3)]);
    expect(a).toBeCloseTo(0.25, 15);
    expect(b).toBeCloseTo(0.75, 15);
  });

  it("weigh: sparsemax of (3, 2.5, 0) is (3/4, 1/4, 0)", () => {
    expect(naiveSparsemax([3, 2.5, 0])).toEqual([0.75, 0.25, 0]);
    expect(naiveSparsemax([])).toEqual([]);
  });

  it("weigh: a causal mask on a rectangle counts from the top left, and length counts what is visible", () => {
    const ones = [
      [6, 6, 6],
      [6, 6, 6],
    ];
    const attributes = { activation: "relu", mask: "causal", order: 0, divide: "length" } as const;
    expect(naiveWeigh(ones, undefined, attributes)).toEqual([
      [6, 0, 0],
      [3, 3, 0],
    ]);
    expect(naiveWeigh(ones, [[0, 1, 1]], { ...attributes, mask: "none" })).toEqual([
      [0, 3, 3],
      [0, 3, 3],
    ]);
  });

  it("scan: the rows (1000, 1001, −1000) with values 1, 2, 3 average to 1, 1.731…, 1.731…", () => {
    // 1 + e/(1 + e), since the third score has no weight
    const second = 1 + Math.E / (1 + Math.E);
    const [[a], [b], [c]] = naiveScan([[1000], [1001], [-1000]], [[1], [2], [3]]);
    expect(a).toBe(1);
    expect(b).toBeCloseTo(second, 14);
    expect(c).toBeCloseTo(second, 14);
  });

  it("attention: the published test vector, with tokens as rows", () => {
    // X = [[1, −2], [3, 0]] with tokens as columns; Q = [4, −2], K = [−2, −1], V = X
    const attributes = { mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
    const [q, k, v] = [[[4], [-2]], [[-2], [-1]], [[1, 3], [-2, 0]]]; // biome-ignore format: columns
    const relu = naiveAttention(q, k, v, undefined, undefined, { ...attributes, activation: "relu" });
    expect(relu).toEqual([
      [0, 0],
      [0, 12],
    ]);
    const softmax = naiveAttention(q, k, v, undefined, undefined, { ...attributes, activation: "softmax" }).flat();
    // to the eight digits of the published values
    for (const [i, value] of [-1.94604137, 0.05395863, 0.642391234, 2.642391234].entries())
      expect(softmax[i]).toBeCloseTo(value, 8);
  });

  it("the normal distribution has the tabulated digits", () => {
    // Abramowitz and Stegun, table 26.1
    expect(naiveNormalDistribution(1)).toBeCloseTo(0.841344746068543, 14);
    expect(naiveNormalDistribution(-2)).toBeCloseTo(1 - 0.977249868051821, 14);
    expect(naiveNormalDistribution(0)).toBe(0.5);
    expect(naiveActivation("gelu", 0)(1)).toBeCloseTo(0.841344746068543, 14);
  });
});
