import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  barycentricRow,
  chebyshevNodes,
  clenshaw,
  coefficientMatrix,
  evaluateColumns,
  fromUnit,
  resampleMatrix,
  toUnit,
  transformColumns,
  valueMatrix,
} from "../src/index.ts";
import { exact, horner, minus, toNumber } from "./rational.ts";

const ulp = 2 ** -52;
const degrees = [0, 1, 2, 3, 5, 7, 13, 29, 81];

describe("chebyshevNodes", () => {
  test("degree 2 has the nodes −1, 0, 1, and degree 4 adds ±√½", () => {
    expect(Array.from(chebyshevNodes(2))).toEqual([-1, 0, 1]);
    expect(chebyshevNodes(4)[3]).toBeCloseTo(Math.SQRT1_2, 15);
  });

  test.each(degrees)("degree %i: ascending, symmetric to the last bit, and −cos(πj/n) to rounding", (n) => {
    const x = chebyshevNodes(n);
    for (let j = 0; j <= n; j++) {
      expect(x[j] + x[n - j]).toBe(0);
      if (j > 0) expect(x[j]).toBeGreaterThan(x[j - 1]);
      // the cosine's argument is rounded, which moves it by up to π ulp
      if (n > 0) expect(Math.abs(x[j] + Math.cos((Math.PI * j) / n))).toBeLessThan(4 * ulp);
    }
  });

  test("a degree that is no integer ≥ 0 is refused", () => {
    expect(() => chebyshevNodes(-1)).toThrow("chebyshevNodes: expected degree an integer ≥ 0, got -1");
    expect(() => chebyshevNodes(Number.NaN)).toThrow(RangeError);
    expect(() => resampleMatrix(2, 1.5)).toThrow("resampleMatrix: expected to an integer ≥ 0, got 1.5");
  });
});

describe("reading between nodes", () => {
  test("a line is read by linear weights, a node by a single 1", () => {
    expect(Array.from(barycentricRow(1, 0.5))).toEqual([0.25, 0.75]);
    expect(Array.from(barycentricRow(4, 0))).toEqual([0, 0, 1, 0, 0]);
    expect(Array.from(barycentricRow(0, 0.3))).toEqual([1]);
  });

  test.each([2, 3, 7, 13])("degree %i agrees with the Lagrange formula in exact fractions", (n) => {
    const x = Array.from(chebyshevNodes(n), exact);
    for (const u of [-0.99, -0.3, 1 / 3, 0.75]) {
      const row = barycentricRow(n, u);
      x.forEach((xj, j) => {
        let weight = exact(1);
        x.forEach((xk, k) => {
          if (k === j) return;
          const [a, b] = minus(exact(u), xk);
          const [c, d] = minus(xj, xk);
          weight = [weight[0] * a * d, weight[1] * b * c];
        });
        // the formula's weights ±1, ±½ belong to exact nodes; rounded ones change them by some ulp each
        expect(Math.abs(row[j] - toNumber(weight[1] < 0n ? [-weight[0], -weight[1]] : weight))).toBeLessThan(
          4 * (n + 1) * ulp,
        );
      });
    }
  });

  test.each(degrees)("the weights of degree %i sum to 1", (n) => {
    for (const u of [-1, -0.77, 1e-9, 0.5, 1]) {
      const sum = barycentricRow(n, u).reduce((a, b) => a + b, 0);
      expect(Math.abs(sum - 1)).toBeLessThan((n + 2) * ulp);
    }
  });

  test("all columns of a block are read as each alone", () => {
    const columns = 3;
    const values = Float64Array.from({ length: 6 * columns }, (_, i) => Math.sin(i * i));
    const u = 0.123;
    const row = barycentricRow(5, u);
    const out = evaluateColumns(values, columns, u);
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let j = 0; j < 6; j++) sum += row[j] * values[j * columns + c];
      expect(Math.abs(out[c] - sum)).toBeLessThan(12 * ulp);
    }
    expect(Array.from(evaluateColumns(values, columns, 1))).toEqual(Array.from(values.slice(15)));
    expect(Array.from(evaluateColumns(Float64Array.of(4, 5), 2, 0.3))).toEqual([4, 5]);
  });

  test("a point outside [−1, 1] and a block that does not fit are refused", () => {
    expect(() => barycentricRow(3, 1.5)).toThrow("barycentricRow: expected u in [-1, 1], got 1.5");
    expect(() => evaluateColumns(new Float64Array(7), 3, 0)).toThrow(
      "evaluateColumns: expected values with a multiple of 3 entries, got 7",
    );
    expect(() => evaluateColumns(new Float64Array(6), 3, Number.NaN)).toThrow("u in [-1, 1], got NaN");
    expect(() => transformColumns(new Float64Array(5), new Float64Array(6), 3)).toThrow(
      "transformColumns: expected matrix with rows of 2, got 5",
    );
    const block = new Float64Array(6);
    expect(() => transformColumns(coefficientMatrix(1), block, 3, block)).toThrow("out another array of 6");
  });
});

describe("resampleMatrix", () => {
  test("half a line by hand", () => {
    expect(Array.from(resampleMatrix(1, 1, -1, 0))).toEqual([1, 0, 0.5, 0.5]);
    expect(Array.from(resampleMatrix(2, 0, 0, 0))).toEqual([0, 1, 0]);
  });

  test("a cubic read on a part of the interval is the cubic there", () => {
    const p = [0.5, -2, 0.25, 1].map(exact);
    const at = (u: number) => toNumber(horner(p, exact(u)));
    const values = Float64Array.from(chebyshevNodes(3), at);
    const lo = -0.3;
    const hi = 0.45;
    for (const to of [3, 5, 11]) {
      const out = transformColumns(resampleMatrix(3, to, lo, hi), values, 1);
      const expected = Array.from(chebyshevNodes(to), (u) => at(lo + 0.5 * (u + 1) * (hi - lo)));
      // sizes up to 3.75; four terms, each rounded
      expected.forEach((v, i) => {
        expect(Math.abs(out[i] - v)).toBeLessThan(8 * 3.75 * ulp);
      });
    }
  });

  test("raising the degree and lowering it again is the identity", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 13 }), (list) => {
        const n = list.length - 1;
        const values = Float64Array.from(list);
        const up = transformColumns(resampleMatrix(n, n + 5), values, 1);
        const back = transformColumns(resampleMatrix(n + 5, n), up, 1);
        // two products of ≤ 18 terms, their weights bounded by the Lebesgue constants (< 3 each)
        list.forEach((v, i) => {
          expect(Math.abs(back[i] - v)).toBeLessThan(9 * 18 * ulp);
        });
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  test("the full interval is kept between calls, and a part outside is refused", () => {
    expect(resampleMatrix(3, 7)).toBe(resampleMatrix(3, 7));
    expect(() => resampleMatrix(3, 3, -1.1, 0)).toThrow("resampleMatrix: expected -1 <= lo <= hi <= 1, got [-1.1, 0]");
    expect(() => resampleMatrix(3, 3, 0.5, 0.2)).toThrow(RangeError);
  });
});

describe("values and coefficients", () => {
  test("u² is (T₀ + T₂)/2", () => {
    expect(Array.from(transformColumns(coefficientMatrix(2), Float64Array.of(1, 0, 1), 1))).toEqual([0.5, 0, 0.5]);
  });

  test.each(degrees)("degree %i: the two matrices are inverse to each other", (n) => {
    const product = transformColumns(coefficientMatrix(n), valueMatrix(n), n + 1);
    product.forEach((v, i) => {
      expect(Math.abs(v - (i % (n + 2) === 0 ? 1 : 0))).toBeLessThan(2 * (n + 2) * ulp);
    });
  });

  test("the coefficients evaluate to the values they came from", () => {
    const n = 13;
    const values = Float64Array.from({ length: n + 1 }, (_, i) => Math.cos(3 * i * i));
    const c = transformColumns(coefficientMatrix(n), values, 1);
    chebyshevNodes(n).forEach((u, j) => {
      expect(Math.abs(clenshaw(c, u) - values[j])).toBeLessThan((n + 2) ** 2 * ulp);
    });
  });

  test("columns go through a matrix as each alone, and linearly", () => {
    const columns = 5;
    const n = 7;
    const values = Float64Array.from({ length: (n + 1) * columns }, (_, i) => Math.sin(i * i + 1));
    const all = transformColumns(coefficientMatrix(n), values, columns, new Float64Array((n + 1) * columns));
    for (let c = 0; c < columns; c++) {
      const one = transformColumns(
        coefficientMatrix(n),
        Float64Array.from({ length: n + 1 }, (_, j) => values[j * columns + c]),
        1,
      );
      one.forEach((v, k) => {
        expect(v).toBe(all[k * columns + c]);
      });
    }
  });
});

describe("sizes that no memory holds, and no block", () => {
  test("are refused by name", () => {
    for (const [name, f] of Object.entries({ chebyshevNodes, coefficientMatrix, valueMatrix }))
      expect(() => f(2 ** 40)).toThrow(`${name}: expected degree at most 10000, got 1099511627776`);
    const block = (values: unknown, columns: number) => () => evaluateColumns(values as Float64Array, columns, 0);
    expect(block(new Float64Array(6), -1)).toThrow("evaluateColumns: expected columns an integer ≥ 1, got -1");
    expect(block(new Float64Array(6), 2 ** 40)).toThrow("evaluateColumns: expected values with a multiple of");
    expect(block(undefined, 1)).toThrow("evaluateColumns: expected values a Float64Array, got undefined");
    expect(block([1, 2], 1)).toThrow("evaluateColumns: expected values a Float64Array, got [1, 2]");
  });
});

describe("toUnit and fromUnit", () => {
  test("ends go to ±1 exactly and back", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        (from, length) => {
          const to = from + length;
          expect([toUnit(from, from, to), toUnit(to, from, to)]).toEqual([-1, 1]);
          expect([fromUnit(-1, from, to), fromUnit(1, from, to)]).toEqual([from + 0, to]);
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });
});
