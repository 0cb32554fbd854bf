import {
  actsOnRows,
  checkDivide,
  checkMask,
  checkWeighing,
  divisor,
  showWeighing,
  sigmoidBias,
  sparsemaxThreshold,
  UnsupportedError,
  visibleKeys,
  weighRow,
} from "@splineformer/tensor";
import { naiveSees, naiveSoftmax, naiveSparsemax } from "@splineformer/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const untyped = (value: unknown): never => value as never;
const row = fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 1, maxLength: 7 });
const plain = { mask: "none", order: 0, divide: "none" } as const;
const total = (weights: readonly number[]): number => weights.reduce((a, b) => a + b, 0);

describe("sparsemax", () => {
  it("of (3, 2.5, 0) has threshold 2.25", () => {
    expect(sparsemaxThreshold([3, 2.5, 0])).toBe(2.25);
    expect(sparsemaxThreshold([7])).toBe(6);
    expect(sparsemaxThreshold([])).toBeNaN();
  });

  it("is the projection that brute force over all supports finds", () => {
    const weights = weighRow({ ...plain, activation: "sparsemax" });
    fc.assert(
      fc.property(row, (z) => {
        const expected = naiveSparsemax(z);
        // sums of at most 7 numbers below 8
        for (const [i, w] of weights(z).entries())
          expect(Math.abs(w - expected[i])).toBeLessThanOrEqual(7 * 8 * 2 ** -53);
        const tau = sparsemaxThreshold(z);
        expect(Math.abs(total(z.map((s) => Math.max(s - tau, 0))) - 1)).toBeLessThanOrEqual(7 * 8 * 2 ** -52);
      }),
      { seed: 1 },
    );
  });

  it("is nearer to the scores than any other weights", () => {
    const weights = weighRow({ ...plain, activation: "sparsemax" });
    const distance = (a: readonly number[], b: readonly number[]): number => total(a.map((x, i) => (x - b[i]) ** 2));
    fc.assert(
      fc.property(row, row, (z, other) => {
        const point = naiveSoftmax(z.map((_, i) => other[i % other.length]));
        // both sides are sums of at most 7 squares below 100
        expect(distance(z, weights(z))).toBeLessThanOrEqual(distance(z, point) + 700 * 2 ** -50);
      }),
      { seed: 2 },
    );
  });

  it("keeps its digits when every score is 10,000 larger", () => {
    const weights = weighRow({ ...plain, activation: "sparsemax" });
    expect(weights([10003, 10002.5, 10000])).toEqual([0.75, 0.25, 0]);
    expect(total(weightsIn32([10003, 10002.5, 10000]))).toBe(1);
  });

  it("has 1 on the support for a derivative", () => {
    expect(weighRow({ ...plain, activation: "sparsemax", order: 1 })([3, 2.5, 0])).toEqual([1, 1, 0]);
  });

  const weightsIn32 = weighRow({ ...plain, activation: "sparsemax" }, Math.fround);
});

describe("softmax", () => {
  it("sums to 1 and does not change when every score is shifted", () => {
    const weights = weighRow({ ...plain, activation: "softmax" });
    fc.assert(
      fc.property(row, fc.integer({ min: -1000, max: 1000 }), (z, shift) => {
        const w = weights(z);
        // 7 quotients, each rounded once
        expect(Math.abs(total(w) - 1)).toBeLessThanOrEqual(7 * 2 ** -52);
        const shifted = weights(z.map((s) => s + shift));
        // the shifted scores are rounded to units of 2⁻⁴³, which the exponential passes on
        for (const [i, v] of shifted.entries()) expect(Math.abs(v - w[i])).toBeLessThanOrEqual(2 ** -41);
      }),
      { seed: 3 },
    );
  });

  it("and sparsemax keep the order of the scores", () => {
    for (const activation of ["softmax", "sparsemax"] as const) {
      const weights = weighRow({ ...plain, activation });
      fc.assert(
        fc.property(row, (z) => {
          const w = weights(z);
          for (const i of z.keys())
            for (const j of z.keys()) if (z[i] >= z[j]) expect(w[i]).toBeGreaterThanOrEqual(w[j]);
        }),
        { seed: 4 },
      );
    }
  });
});

describe("sigmoid weights", () => {
  it("have bias −log n by their plain name: equal scores of 0 weigh 1/(n + 1)", () => {
    // the logarithm is rounded: one unit in the last place of log 3, times the slope 3/16
    expect(weighRow({ ...plain, activation: "sigmoid" })([0, 0, 0])[0]).toBeCloseTo(1 / 4, 15);
    const minusLog = weighRow({ ...plain, activation: { name: "sigmoid", bias: "-log length" } });
    expect(minusLog([1, 2, 3])).toEqual(weighRow({ ...plain, activation: "sigmoid" })([1, 2, 3]));
    expect(weighRow({ ...plain, activation: { name: "sigmoid", bias: 0 } })([0])).toEqual([0.5]);
  });

  it("say which bias they have", () => {
    expect(sigmoidBias("sigmoid")).toBe("-log length");
    expect(sigmoidBias({ name: "sigmoid", bias: -2 })).toBe(-2);
    expect(sigmoidBias("softmax")).toBeUndefined();
    expect(sigmoidBias({ name: "softplus", beta: 1 })).toBeUndefined();
  });
});

describe("a row that sees nothing", () => {
  it("has no weights, whatever the activation and divisor", () => {
    for (const activation of ["softmax", "sparsemax", "sigmoid", "relu"] as const)
      for (const divide of ["none", "length", { lengthPower: -1 }] as const)
        expect(weighRow({ ...plain, activation, divide })([])).toEqual([]);
  });
});

describe("masks and divisors", () => {
  it("a causal mask and a window start at the top left", () => {
    expect([0, 1, 2].map((query) => visibleKeys("causal", query, 4))).toEqual([[0], [0, 1], [0, 1, 2]]);
    expect([0, 1, 2].map((query) => visibleKeys({ window: 2 }, query, 4))).toEqual([[0], [0, 1], [1, 2]]);
    expect(visibleKeys("none", 0, 3)).toEqual([0, 1, 2]);
  });

  it("a window may lie behind the last key: then nothing is visible", () => {
    expect(visibleKeys({ window: 2 }, 6, 3)).toEqual([]);
    expect(visibleKeys("causal", 6, 3)).toEqual([0, 1, 2]);
  });

  it("show what the definition says, for every query and key", () => {
    const masks = ["none", "causal", { window: 1 }, { window: 3 }] as const;
    for (const mask of masks)
      for (let query = 0; query < 11; query++) {
        const expected = [0, 1, 2, 3, 4].filter((key) => naiveSees(mask, query, key));
        expect(visibleKeys(mask, query, 5)).toEqual(expected);
      }
  });

  it("divide by 1, by the visible keys, or by a power of them", () => {
    expect([divisor("none", 9), divisor("length", 9), divisor({ lengthPower: 0.5 }, 9)]).toEqual([1, 9, 3]);
    expect(weighRow({ ...plain, activation: "relu", divide: "length" })([2, -2])).toEqual([1, 0]);
  });

  it("are refused when they are none", () => {
    for (const mask of ["diagonal", null, { window: 0 }, { window: 1.5 }, {}])
      expect(() => checkMask("attention", untyped(mask))).toThrow(
        'attention: expected mask "none", "causal" or { window: a whole number > 0 }, got',
      );
    expect(() => checkMask("attention", untyped({ window: 2, size: 3 }))).toThrow(
      'attention: expected options window, got "size"',
    );
    for (const divide of ["width", null, { lengthPower: Number.NaN }, {}])
      expect(() => checkDivide("attention", untyped(divide))).toThrow(
        'attention: expected divide "none", "length" or { lengthPower: a finite number }, got',
      );
  });
});

describe("weighings", () => {
  it("are refused when unknown, with the list of the known ones", () => {
    expect(() => checkWeighing("attention", untyped("swish"), 0)).toThrow(
      'attention: expected an activation (softmax, sparsemax, { name: "entmax", alpha }, { name: "sigmoid", bias }, identity, relu,',
    );
    expect(() => checkWeighing("attention", untyped({ name: "sigmoid", bias: Number.NaN }), 0)).toThrow(
      'attention: expected sigmoid bias a number or "-log length", got NaN',
    );
    expect(() => checkWeighing("attention", untyped({ name: "sigmoid", bais: 1 }), 0)).toThrow('got "bais"');
    expect(() => checkWeighing("weigh", { name: "softplus", beta: -1 }, 0)).toThrow(
      "weigh: expected softplus beta > 0, got -1",
    );
  });

  it("softmax has no derivative by one score", () => {
    expect(() => checkWeighing("weigh", "softmax", 1)).toThrow(UnsupportedError);
    expect(() => checkWeighing("weigh", "softmax", 0)).not.toThrow();
  });

  it("are shown short, and known to act on rows or on entries", () => {
    expect(showWeighing({ name: "sigmoid", bias: -2 })).toBe("sigmoid(bias -2)");
    expect(["softmax", "sparsemax", "relu"].map((name) => actsOnRows(untyped(name)))).toEqual([true, true, false]);
  });
});
