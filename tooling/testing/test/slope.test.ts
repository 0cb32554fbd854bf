import { tensor, toNested } from "@splineformer/tensor";
import { describe, expect, test } from "vitest";
import { dot, moved, slopeAt0 } from "../src/index.ts";

describe("a slope by a difference quotient", () => {
  test("of a polynomial of degree 4 errs by rounding alone", () => {
    expect(slopeAt0((t) => 3 * t + t ** 3, 2 ** -10)).toBe(3);
    // two roundings of f over h, times the 4 of the extrapolation
    expect(Math.abs(slopeAt0((t) => 1 - 2 * t + 5 * t ** 4, 2 ** -6) + 2)).toBeLessThanOrEqual(16 * 2 ** -52 * 2 ** 6);
  });

  test("of a smooth function errs by h⁴/480 times its fifth derivative", () => {
    const error = Math.abs(slopeAt0(Math.sin, 2 ** -4) - 1);
    expect(error).toBeLessThan(2 ** -16 / 480);
    expect(error).toBeGreaterThan(2 ** -16 / 500);
  });

  test("and its parts: a step along a direction, a sum of products", () => {
    expect(toNested(moved(tensor([1, 2]), tensor([1, -1]), 0.5))).toEqual([1.5, 1.5]);
    expect(dot(tensor([[1, 2]]), tensor([[3, 5]]))).toBe(13);
  });
});
