import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  antiderivativeCoefficients,
  chebyshevNodes,
  clenshaw,
  clenshawCurtisWeights,
  columnCoefficients,
  derivativeCoefficients,
} from "../src/index.ts";
import { exact, horner, toChebyshev, toNumber } from "./rational.ts";

const integers = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 14 });
/** T_k(1), T_k(−1) and all sums of small integers are exact in float64, so these laws need no tolerance. */
const exactly = { seed: 7, numRuns: 300 };

describe("clenshaw", () => {
  test("1 + 2T₁ + 3T₂ at ½ is ½", () => {
    expect(clenshaw([1, 2, 3], 0.5)).toBe(0.5);
    expect(clenshaw([7], 0.3)).toBe(7);
  });

  test("agrees with the same polynomial in exact monomials, inside and a little outside", () => {
    fc.assert(
      fc.property(integers, fc.integer({ min: -40, max: 40 }), (a, numerator) => {
        const u = numerator / 32;
        const c = toChebyshev(a.map(exact)).map(toNumber);
        const size = c.reduce((sum, v) => sum + Math.abs(v), 0);
        // outside [−1, 1] the recurrence grows like T_n(1.25) < 2ⁿ
        const growth = Math.abs(u) <= 1 ? 1 : 2 ** (a.length - 1);
        const error = Math.abs(clenshaw(c, u) - toNumber(horner(a.map(exact), exact(u))));
        expect(error).toBeLessThanOrEqual(a.length ** 2 * growth * size * 2 ** -52);
      }),
      exactly,
    );
  });

  test("a part of a larger array is read by offset and degree", () => {
    expect(clenshaw([9, 9, 1, 2, 3, 9], 0.5, 2, 2)).toBe(0.5);
  });
});

describe("derivative and antiderivative", () => {
  test("T₃′ = 3 + 6T₂, and the antiderivative of 1 is 1 + T₁", () => {
    expect(Array.from(derivativeCoefficients([0, 0, 0, 1]))).toEqual([3, 0, 6]);
    expect(Array.from(derivativeCoefficients([5]))).toEqual([0]);
    expect(Array.from(antiderivativeCoefficients([1]))).toEqual([1, 1]);
  });

  test("the derivative may be written over its own argument", () => {
    const c = Float64Array.of(4, 3, 2, 1);
    expect(Array.from(derivativeCoefficients(c, c).slice(0, 3))).toEqual([6, 8, 6]);
  });

  test("the derivative equals the derivative of the monomials, exactly", () => {
    fc.assert(
      fc.property(integers, (a) => {
        const c = toChebyshev(a.map(exact)).map(toNumber);
        const slope = a.slice(1).map((v, k) => exact(v * (k + 1)));
        const expected = slope.length > 0 ? toChebyshev(slope).map(toNumber) : [0];
        expect(Array.from(derivativeCoefficients(c), (v) => v + 0)).toEqual(expected);
      }),
      exactly,
    );
  });

  test("the antiderivative vanishes at −1 and its derivative is the function", () => {
    fc.assert(
      fc.property(integers, (c) => {
        const size = c.reduce((sum, v) => sum + Math.abs(v), 0);
        const F = antiderivativeCoefficients(c);
        expect(Math.abs(clenshaw(F, -1))).toBeLessThanOrEqual(4 * size * 2 ** -52);
        // a coefficient 2k·(c/2k) is c to an ulp; the recurrence adds up at most all of them
        derivativeCoefficients(F).forEach((v, k) => {
          expect(Math.abs(v - c[k])).toBeLessThanOrEqual(c.length * size * 2 ** -52);
        });
      }),
      exactly,
    );
  });
});

describe("clenshawCurtisWeights", () => {
  test("degree 2 is Simpson's rule, degree 1 the trapezium, degree 0 the midpoint", () => {
    expect(Array.from(clenshawCurtisWeights(2), (w) => 3 * w)).toEqual([1, 4, 1]);
    expect(Array.from(clenshawCurtisWeights(1))).toEqual([1, 1]);
    expect(Array.from(clenshawCurtisWeights(0))).toEqual([2]);
  });

  test.each([3, 5, 13, 29])("degree %i integrates its monomials, with positive weights", (n) => {
    const w = clenshawCurtisWeights(n);
    expect(Math.min(...w)).toBeGreaterThan(0);
    for (let k = 0; k <= n; k++) {
      const sum = w.reduce((total, weight, j) => total + weight * chebyshevNodes(n)[j] ** k, 0);
      // n + 1 terms with Σ w = 2
      expect(Math.abs(sum - (k % 2 === 0 ? 2 / (k + 1) : 0))).toBeLessThan(2 * (n + 2) * 2 ** -52);
    }
  });
});

test("columnCoefficients picks one column of a block", () => {
  expect(Array.from(columnCoefficients(Float64Array.of(9, 1, 9, 0, 9, 1), 2, 1))).toEqual([0.5, 0, 0.5]);
});
