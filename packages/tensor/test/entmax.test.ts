import {
  actsOnRows,
  checkWeighing,
  graphDegree,
  pullback,
  record,
  reference,
  rowAlpha,
  UnsupportedError,
  weighRow,
} from "@splineformer/tensor";
import { naiveEntmax, naiveSoftmax, naiveSparsemax, seeded } from "@splineformer/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const untyped = (value: unknown): never => value as never;
const entmax = (alpha: number) => ({ name: "entmax", alpha }) as const;
const plain = { mask: "none", order: 0, divide: "none" } as const;
const weights = (alpha: number) => weighRow({ ...plain, activation: entmax(alpha) });
const row = fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 1, maxLength: 7 });
const total = (w: readonly number[]): number => w.reduce((a, b) => a + b, 0);

describe("α-entmax", () => {
  it("of two scores, by hand: for α = 1.5 weights are the squares of z/2 − τ that sum to 1", () => {
    // z = (0.4, 0): u = τ-shifted halves with u − v = 0.2 and u² + v² = 1, so u = 0.8, v = 0.6
    const [u, v] = weights(1.5)([0.4, 0]);
    expect(Math.abs(u - 0.64)).toBeLessThanOrEqual(2 ** -51);
    expect(Math.abs(v - 0.36)).toBeLessThanOrEqual(2 ** -51);
    // z/2 differ by 1, and 1² + 0² = 1: the other is just off
    expect(weights(1.5)([2, 0])).toEqual([1, 0]);
    for (const w of weights(1.5)([5, 5, 5, 5])) expect(Math.abs(w - 0.25)).toBeLessThanOrEqual(2 ** -53);
  });

  it("is softmax for α = 1 and sparsemax for α = 2, exactly", () => {
    fc.assert(
      fc.property(row, (z) => {
        expect(weights(1)(z)).toEqual(weighRow({ ...plain, activation: "softmax" })(z));
        expect(weights(2)(z)).toEqual(weighRow({ ...plain, activation: "sparsemax" })(z));
      }),
      { seed: 1 },
    );
  });

  it("agrees with powers and a bisection, written out", () => {
    for (const alpha of [1.1, 1.5, 1.75, 1.99])
      fc.assert(
        fc.property(row, (z) => {
          const expected = naiveEntmax(z, alpha);
          // the twin's base is rounded to 2⁻⁵³ and raised to 1/c, its threshold known to 2⁻⁵³, too
          const allowed = (4 / (alpha - 1)) * 2 ** -50;
          for (const [i, w] of weights(alpha)(z).entries())
            expect(Math.abs(w - expected[i])).toBeLessThanOrEqual(allowed);
        }),
        { seed: 2, numRuns: 50 },
      );
  });

  it("sums to 1 and does not change when every score is shifted by a whole number", () => {
    for (const alpha of [1 + 2 ** -52, 1 + 1e-9, 1.001, 1.3, 1.5, 2 - 1e-9])
      fc.assert(
        fc.property(row, fc.integer({ min: -8, max: 8 }), (z, shift) => {
          const w = weights(alpha)(z);
          // 7 weights, each rounded to a few units
          expect(Math.abs(total(w) - 1)).toBeLessThanOrEqual(7 * 2 ** -50);
          const moved = weights(alpha)(z.map((s) => s + shift));
          // scores up to 12 are rounded to 2⁻⁵⁰, and no weight has a slope above 1
          for (const [i, v] of moved.entries()) expect(Math.abs(v - w[i])).toBeLessThanOrEqual(2 ** -46);
        }),
        { seed: 3, numRuns: 50 },
      );
  });

  it("lies between softmax and sparsemax: it tends to either", () => {
    const z = [1.2, 0.7, -0.3, 0.1];
    const far = (alpha: number, limit: readonly number[]) =>
      Math.max(...weights(alpha)(z).map((w, i) => Math.abs(w - limit[i])));
    // first order in the distance of α: 64 times nearer is 64 times closer, to a tenth
    for (const [near, limit] of [
      [(e: number) => 1 + e, naiveSoftmax(z)],
      [(e: number) => 2 - e, naiveSparsemax(z)],
    ] as const) {
      const ratio = far(near(2 ** -8), limit) / far(near(2 ** -14), limit);
      expect(ratio).toBeGreaterThan(57);
      expect(ratio).toBeLessThan(71);
    }
  });

  it("is 1 on a single key, nothing on none, and chooses the largest of far scores", () => {
    expect(weights(1.5)([7])).toEqual([1]);
    expect(weights(1.5)([])).toEqual([]);
    expect(weights(1.5)([1e4, -1e4, 9990])).toEqual([1, 0, 0]);
    expect(weights(1.01)([1e4, -1e4])).toEqual([1, 0]);
    const many = weights(1.2)(new Array<number>(1000).fill(3));
    // 1,000 rounded weights
    expect(Math.abs(total(many) - 1)).toBeLessThanOrEqual(1000 * 2 ** -53);
  });

  it("has a certified threshold: no weight of 1,000 normal scores is far from the definition", () => {
    const z = Array.from(seeded(4).normal([997], { deviation: 3 }).data);
    for (const alpha of [1.05, 1.5, 1.9]) {
      const c = alpha - 1;
      const w = weights(alpha)(z);
      expect(Math.abs(total(w) - 1)).toBeLessThanOrEqual(997 * 2 ** -52);
      // every key of the support gives the same threshold c z − w^c
      const thresholds = w.flatMap((v, i) => (v > 1e-6 ? [c * z[i] - v ** c] : []));
      expect(Math.max(...thresholds) - Math.min(...thresholds)).toBeLessThanOrEqual(2 ** -45);
      for (const [i, v] of w.entries())
        if (v === 0) expect(c * z[i]).toBeLessThanOrEqual(Math.max(...thresholds) + 2 ** -45);
    }
  });
});

describe("entmax's derivative", () => {
  it("of order 1 is p^(2 − α) on the support, which is 1 for sparsemax", () => {
    const one = weighRow({ ...plain, activation: entmax(1.5), order: 1 });
    expect(one([2, 0])).toEqual([1, 0]);
    expect(Math.abs(one([0.4, 0])[0] - 0.8)).toBeLessThanOrEqual(2 ** -51);
    expect(weighRow({ ...plain, activation: entmax(2), order: 1 })([3, 2.5, 0])).toEqual([1, 1, 0]);
  });

  it("gives gradients that agree with differences", () => {
    const z = seeded(5).normal([3, 7]);
    const cotangent = seeded(6).normal([3, 7]);
    const h = 2 ** -17;
    for (const alpha of [1, 1.2, 1.5, 1.8, 2])
      for (const divide of ["none", "length"] as const) {
        const attributes = { ...plain, activation: entmax(alpha), mask: { window: 5 }, divide } as const;
        const graph = record((ops, { x }) => ops.weigh(x, undefined, attributes), { x: [3, 7] });
        const loss = (x: typeof z): number =>
          total(Array.from(reference.weigh(x, undefined, attributes).data, (w, i) => w * cotangent.data[i]));
        const gradient = pullback(graph, reference, { inputs: { x: z } }, { output: cotangent }).inputs.x;
        for (let i = 0; i < 21; i++) {
          const at = (d: number) => loss({ ...z, data: z.data.map((v, j) => (j === i ? v + d : v)) });
          // a weight's third derivative stays below 50 away from the edge of the support, which these draws are
          const allowed = 50 * h ** 2 + 2 ** -50 / h;
          expect(Math.abs((at(h) - at(-h)) / (2 * h) - gradient.data[i])).toBeLessThanOrEqual(allowed);
        }
      }
  });
});

describe("readings of entmax", () => {
  const degree = (alpha: number) =>
    graphDegree(
      record((ops, { x }) => ops.weigh(x, undefined, { ...plain, activation: entmax(alpha) }), { x: [2, 3] }),
    );

  it("is a spline for α = 2 alone; otherwise the degree is refused by name", () => {
    expect(degree(2)).toEqual({ x: 1, total: 1 });
    expect(() => degree(1.5)).toThrow("degree: expected a piecewise polynomial activation, got entmax(alpha 1.5)");
  });

  it("is known to act on rows", () => {
    expect(actsOnRows(entmax(1.5))).toBe(true);
    expect([rowAlpha(entmax(1.5)), rowAlpha("softmax"), rowAlpha("sparsemax"), rowAlpha("relu")]).toEqual([
      1.5,
      1,
      2,
      undefined,
    ]);
  });

  it("refuses an α outside [1, 2], a misspelt one, and the derivative entry by entry at α = 1", () => {
    for (const alpha of [0.9, 2.1, Number.NaN, "1.5"])
      expect(() => checkWeighing("attention", untyped(entmax(untyped(alpha))), 0)).toThrow(
        "attention: expected entmax alpha from 1 to 2, got",
      );
    expect(() => checkWeighing("attention", untyped({ name: "entmax", alfa: 1.5 }), 0)).toThrow(
      'attention: expected options name, alpha, got "alfa"',
    );
    expect(() => checkWeighing("weigh", entmax(1), 1)).toThrow(UnsupportedError);
  });
});
