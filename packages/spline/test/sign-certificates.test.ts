import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chebyshevNodes, clenshaw, columnCoefficients, signCertificates } from "../src/index.ts";

/** A block of functions on the grid of degree n. */
function block(n: number, ...functions: ((u: number) => number)[]): Float64Array {
  return Float64Array.from(Array.from(chebyshevNodes(n)).flatMap((u) => functions.map((f) => f(u))));
}

describe("signCertificates", () => {
  test("lines: a sign change, a positive one, a negative one, zero", () => {
    const lines = block(
      1,
      (u) => 1 + 2 * u,
      (u) => 2 + u,
      (u) => -2 - u,
      () => 0,
    );
    expect(Array.from(signCertificates(lines, 4))).toEqual([0, 1, -1, 2]);
    expect(Array.from(signCertificates(Float64Array.of(3, -1, 0), 3))).toEqual([1, -1, 2]);
  });

  test("a parabola is decided by its exact range, though its node values leave a gap", () => {
    // vertex at u = ½ between the nodes −1, 0, 1: (u − ½)² ± 1/100
    const parabolas = block(
      2,
      (u) => (u - 0.5) ** 2 + 0.01,
      (u) => (u - 0.5) ** 2 - 0.01,
      (u) => -0.01 - (u - 0.5) ** 2,
    );
    expect(Array.from(signCertificates(parabolas, 3))).toEqual([1, 0, -1]);
  });

  test("a finer grid than the degree decides at a glance (Ehlich–Zeller)", () => {
    const values = block(
      13,
      (u) => 1.2 + (4 * u ** 3 - 3 * u),
      (u) => 0.9 + (4 * u ** 3 - 3 * u),
    );
    expect(Array.from(signCertificates(values, 2, { degree: 3 }))).toEqual([1, 0]);
  });

  test("certain never is a polynomial that changes its sign", () => {
    let certain = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 13 }),
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 14, maxLength: 14 }),
        fc.double({ min: -4, max: 4, noNaN: true }),
        (n, list, shift) => {
          const values = Float64Array.from(list.slice(0, n + 1), (v) => v + shift);
          const [sign] = signCertificates(values, 1);
          if (sign !== 1 && sign !== -1) return;
          certain++;
          const c = columnCoefficients(values);
          for (let i = 0; i <= 200; i++) expect(Math.sign(clenshaw(c, -1 + i / 100))).toBe(sign);
        },
      ),
      { seed: 11, numRuns: 500 },
    );
    expect(certain).toBeGreaterThan(50);
  });

  test("every column is judged as it would be alone", () => {
    const columns = 17;
    const n = 7;
    const values = Float64Array.from({ length: (n + 1) * columns }, (_, i) => Math.sin(i * i) + (i % columns) / 5);
    const all = signCertificates(values, columns);
    for (let c = 0; c < columns; c++) {
      const one = Float64Array.from({ length: n + 1 }, (_, j) => values[j * columns + c]);
      expect(signCertificates(one, 1)[0]).toBe(all[c]);
    }
    expect(new Set(all)).toEqual(new Set([0, 1]));
  });

  test("what is below the tolerance is zero, relative to the column or to the scale of what it came from", () => {
    const values = block(
      2,
      () => 1e-17,
      (u) => 1e-17 * u,
      () => 1,
    );
    expect(Array.from(signCertificates(values, 3))).toEqual([1, 0, 1]);
    expect(Array.from(signCertificates(values, 3, { scale: 1 }))).toEqual([2, 2, 1]);
    expect(Array.from(signCertificates(values, 3, { scale: Float64Array.of(0, 1, 0) }))).toEqual([1, 2, 1]);
    expect(
      Array.from(
        signCertificates(
          block(1, () => 1),
          1,
          { scale: 3, tolerance: 0.5 },
        ),
      ),
    ).toEqual([2]);
  });

  test("wrong input is refused by name", () => {
    const ones = new Float64Array(6).fill(1);
    expect(() => signCertificates(ones, 4)).toThrow(
      "signCertificates: expected values with a multiple of 4 entries, got 6",
    );
    expect(() => signCertificates(ones, 0)).toThrow("columns an integer ≥ 1, got 0");
    expect(() => signCertificates(ones, 2, { degree: 5 })).toThrow("degree at most the grid's, 2, got 5");
    expect(() => signCertificates(ones, 2, { tolerance: -1 })).toThrow("tolerance in [2^-53, 1), got -1");
    expect(() => signCertificates(ones, 2, { scale: new Float64Array(3) })).toThrow("2 scales, got 3");
    expect(() => signCertificates(Float64Array.of(1, Number.NaN), 1)).toThrow("values[1] finite, got NaN");
    expect(() => signCertificates(Float64Array.of(Number.NaN, 1), 1)).toThrow("finite, got NaN");
    expect(() => signCertificates(Float64Array.of(1, -1 / 0), 1)).toThrow("finite, got Infinity");
    expect(() => signCertificates(ones, 2, { tolerence: 1 } as object)).toThrow(
      'signCertificates: expected options among degree, tolerance, scale, got "tolerence"',
    );
  });
});
