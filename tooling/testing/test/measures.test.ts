import { reference32, type SynchronousDevice, tensor } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import {
  agreement,
  atMostTwiceRounded,
  largestDifference,
  relativeDifference,
  scaleOf,
  seeded,
  ulp,
  ulps,
} from "../src/index.ts";

describe("differences", () => {
  it("are relative to the largest entry, not to each", () => {
    expect(scaleOf(tensor([3, -4]))).toBe(4);
    expect(relativeDifference(tensor([0.25, 9]), tensor([0, 8]))).toBe(1 / 8);
    expect(relativeDifference(tensor([0.5]), tensor([0]))).toBe(0.5);
  });

  it("are infinite where one side is NaN, infinite or shorter, and 0 where both are the same", () => {
    expect(largestDifference(tensor([Number.NaN]), tensor([1]))).toBe(Number.POSITIVE_INFINITY);
    expect(largestDifference(tensor([Number.POSITIVE_INFINITY]), tensor([Number.NEGATIVE_INFINITY]))).toBe(Infinity);
    expect(largestDifference(tensor([1]), tensor([1, 2]))).toBe(Number.POSITIVE_INFINITY);
    expect(largestDifference(tensor([Number.NaN]), tensor([Number.NaN]))).toBe(0);
    expect(ulps(tensor([Number.NaN]), tensor([1]))).toBe(Number.POSITIVE_INFINITY);
  });

  it("count units in the last place of the expected entry", () => {
    expect(ulps(tensor([1 + 2 ** -22]), tensor([1]))).toBe(2);
    expect(ulps(tensor([2 ** 20 + 1]), tensor([2 ** 20]))).toBe(8);
    expect(ulp(1, "float64")).toBe(Number.EPSILON);
    expect(ulp(1 - 2 ** -24, "float32")).toBe(2 ** -24);
    expect(ulp(0, "float32")).toBe(2 ** -149);
    expect(ulp(2 ** -140, "float32")).toBe(2 ** -149);
    expect(ulp(Number.POSITIVE_INFINITY, "float32")).toBeNaN();
  });
});

describe("agreement", () => {
  const third = (ops: SynchronousDevice) => ops.scale(tensor([1, 2]), { factor: 1 / 3 });

  it("of float32 is at most twice the rounded formula", () => {
    expect(atMostTwiceRounded(third(reference32), third).agrees).toBe(true);
    expect(atMostTwiceRounded(tensor([0.3333, 0.6667]), third).agrees).toBe(false);
  });

  it("of an exact formula is within one unit in the last place of the largest entry", () => {
    const double = (ops: SynchronousDevice) => ops.scale(tensor([1, 8]), { factor: 2 });
    // twice half a unit of 16, which is 2^-19
    expect(atMostTwiceRounded(tensor([2, 16 + 2 ** -19]), double).agrees).toBe(true);
    expect(atMostTwiceRounded(tensor([2, 16 + 2 ** -18]), double).agrees).toBe(false);
  });

  it("is impossible for another shape", () => {
    expect(agreement(tensor([[1, 2]]), third).error).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("seeded data", () => {
  it("is the same for one seed, and keeps its entries when shuffled", () => {
    expect(seeded(3).normal([5, 7])).toEqual(seeded(3).normal([5, 7]));
    const x = seeded(5).indices([11], 7);
    const shuffled = seeded(7).shuffled(x);
    expect(shuffled.shape).toEqual([11]);
    expect([...shuffled.data]).not.toEqual([...x.data]);
    expect([...shuffled.data].sort()).toEqual([...x.data].sort());
  });

  it("stays in range", () => {
    const x = seeded(11).uniform([13, 7], { from: 2, to: 3 });
    expect(x.data.every((v) => v >= 2 && v < 3)).toBe(true);
    expect(new Set(seeded(13).mask([7, 5]).data)).toEqual(new Set([0, 1]));
  });
});
