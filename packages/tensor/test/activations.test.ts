import {
  activationDegree,
  activationOf,
  differentiate,
  horner,
  normalDistribution,
  type Pointwise,
  pieceAt,
  pointwiseFunction,
  showActivation,
} from "@splineformer/tensor";
import { naiveActivation, pointwiseActivations } from "@splineformer/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const untyped = (value: unknown): never => value as never;
const piecewise = pointwiseActivations.flatMap((activation) => {
  const meaning = activationOf(activation);
  return meaning.kind === "smooth" ? [] : [[showActivation(activation), meaning] as const];
});

describe("activations, by hand", () => {
  it("have these values", () => {
    const at = (activation: Pointwise, z: number): number => pointwiseFunction(activation, 0)(z);
    expect([at("relu", -2), at("relu", 3), at("squaredRelu", 3), at("absolute", -3)]).toEqual([0, 3, 9, 3]);
    expect([at("leakyRelu", -100), at({ name: "leakyRelu", slope: 0.5 }, -2)]).toEqual([-1, -1]);
    expect([at("hardSigmoid", -4), at("hardSigmoid", 0), at("hardSigmoid", 5)]).toEqual([0, 0.5, 1]);
    expect([at({ name: "clamp", limit: 2 }, -7), at({ name: "clamp", limit: 2 }, 1)]).toEqual([-2, 1]);
    expect([at("sigmoid", 0), at("tanh", 0), at("gelu", 0), at("softplus", 0)]).toEqual([0.5, 0, 0, Math.LN2]);
    expect(at({ name: "softplus", beta: 8 }, 0)).toBe(Math.LN2 / 8);
  });

  it("have these degrees", () => {
    const degree = (activation: Pointwise) => [activationDegree(activation), activationDegree(activation, 1)];
    expect(degree("squaredRelu")).toEqual([2, 1]);
    for (const name of ["identity", "relu", "leakyRelu", "absolute", "hardSigmoid"] as const)
      expect(degree(name)).toEqual([1, 0]);
    for (const name of ["softplus", "sigmoid", "tanh", "gelu"] as const)
      expect(degree(name)).toEqual([undefined, undefined]);
    expect(activationDegree({ name: "leakyRelu", slope: 0 })).toBe(1);
  });
});

describe("every activation", () => {
  const z = fc.double({ min: -30, max: 30, noNaN: true });

  it("agrees with its formula, and so does its derivative", () => {
    for (const activation of pointwiseActivations)
      for (const order of [0, 1] as const) {
        const [f, twin] = [pointwiseFunction(activation, order), naiveActivation(activation, order)];
        fc.assert(
          fc.property(z, (at) => {
            // what the twins themselves err by: Φ by Simpson's rule is right to 1e-14, which gelu multiplies by z
            expect(Math.abs(f(at) - twin(at))).toBeLessThanOrEqual(
              1e-14 * Math.max(1, Math.abs(at), Math.abs(twin(at))),
            );
          }),
          { seed: 1, numRuns: 50 },
        );
      }
  });

  it("rises by the integral of its derivative", () => {
    // Simpson's rule on a step of 2⁻⁷ errs by at most h⁵/2880 · max|f⁗′|, and no fifth derivative here exceeds β⁴ = 4096
    const h = 2 ** -7;
    for (const activation of pointwiseActivations) {
      const meaning = activationOf(activation);
      const knots = meaning.kind === "smooth" ? [] : meaning.knots;
      const [f, slope] = [pointwiseFunction(activation, 0), pointwiseFunction(activation, 1)];
      fc.assert(
        fc.property(z, (at) => {
          if (knots.some((knot) => at - h <= knot && knot <= at + 2 * h)) return;
          const rise = (h / 6) * (slope(at) + 4 * slope(at + h / 2) + slope(at + h));
          const rounding = 2 ** -51 * Math.max(1, Math.abs(f(at)));
          expect(Math.abs(f(at + h) - f(at) - rise)).toBeLessThanOrEqual((h ** 5 / 2880) * 4096 + rounding);
        }),
        { seed: 2, numRuns: 50 },
      );
    }
  });

  it("neither overflows nor leaves its range far out", () => {
    for (const far of [-1e308, -1e4, 1e4, 1e150]) {
      for (const activation of ["sigmoid", "tanh", "hardSigmoid", { name: "clamp", limit: 1 }] as const)
        expect(Math.abs(pointwiseFunction(activation, 0)(far))).toBeLessThanOrEqual(1);
      expect(pointwiseFunction("softplus", 0)(far)).toBe(Math.max(far, 0));
      expect(pointwiseFunction("gelu", 0)(far)).toBe(far < 0 ? -0 : far);
    }
  });

  it("of an infinite number is no NaN, where it is a piecewise polynomial", () => {
    expect(pointwiseFunction("relu", 0)(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(pointwiseFunction("relu", 0)(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(pointwiseFunction("squaredRelu", 0)(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(pointwiseFunction("absolute", 0)(Number.NEGATIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });

  it("of NaN is NaN", () => {
    for (const activation of pointwiseActivations) expect(pointwiseFunction(activation, 0)(Number.NaN)).toBeNaN();
  });
});

describe("softplus", () => {
  it("lies above ReLU by at most log 2/β, with equality at 0", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -40, max: 40, noNaN: true }),
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        (z, beta) => {
          const above = pointwiseFunction({ name: "softplus", beta }, 0)(z) - Math.max(z, 0);
          expect(above).toBeGreaterThanOrEqual(0);
          // the sum with z is rounded: one unit in the last place of 64
          expect(above).toBeLessThanOrEqual(Math.LN2 / beta + 64 * 2 ** -52);
        },
      ),
      { seed: 3 },
    );
  });
});

describe("piecewise polynomial activations", () => {
  it("are continuous at their knots", () => {
    // the knots and coefficients are small numbers, so the two sides agree exactly
    for (const [name, { knots, pieces }] of piecewise)
      for (const [i, knot] of knots.entries()) expect(horner(pieces[i], knot), name).toBe(horner(pieces[i + 1], knot));
  });

  it("have one more piece than knots, in increasing order, with no idle coefficient", () => {
    for (const [name, { knots, pieces }] of piecewise) {
      expect(pieces.length, name).toBe(knots.length + 1);
      expect(
        [...knots].sort((a, b) => a - b),
        name,
      ).toEqual(knots);
      for (const piece of pieces) expect(piece.length === 1 || piece.at(-1) !== 0, name).toBe(true);
    }
  });

  it("give a knot to the piece on its left, so that ReLU is off at 0", () => {
    for (const [name, meaning] of piecewise)
      for (const [i, knot] of meaning.knots.entries()) {
        expect(pieceAt(meaning, knot), name).toBe(i);
        expect(pieceAt(meaning, knot + 1e-9), name).toBe(i + 1);
      }
    expect(pointwiseFunction("relu", 1)(0)).toBe(0);
    expect(pointwiseFunction("absolute", 1)(0)).toBe(-1);
    expect(pieceAt({ kind: "piecewise polynomial", knots: [0], pieces: [[0], [1]] }, Number.NaN)).toBe(-1);
  });

  it("are polynomials that can be evaluated and differentiated", () => {
    expect(horner([1, 2, 3], 2)).toBe(17);
    expect(horner([], 2)).toBe(0);
    expect(differentiate([1, 2, 3])).toEqual([2, 6]);
    expect(differentiate([5])).toEqual([0]);
  });
});

describe("the normal distribution", () => {
  it("has the digits of the tables", () => {
    // Φ(1), Φ(2): Abramowitz and Stegun, table 26.1, to 15 digits
    expect(normalDistribution(1)).toBeCloseTo(0.841344746068543, 15);
    expect(normalDistribution(2)).toBeCloseTo(0.977249868051821, 15);
    expect(normalDistribution(0)).toBe(0.5);
  });

  it("keeps its digits far out on the left", () => {
    // by ncdf of mpmath 1.3.0 with 40 digits: either side of the switch at −1.25, and the far tail
    const known = [
      [-1.2, 0.11506967022170828],
      [-1.3, 0.09680048458561033],
      [-2.4, 0.008197535924596131],
      [-5, 2.866515718791939e-7],
      [-20, 2.753624118606234e-89],
      [-37, 5.725571222524577e-300],
    ];
    for (const [z, expected] of known)
      expect(Math.abs(normalDistribution(z) / expected - 1)).toBeLessThanOrEqual(3e-15);
  });

  it("rises from 0 to 1 and is symmetric", () => {
    expect(normalDistribution(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(normalDistribution(Number.POSITIVE_INFINITY)).toBe(1);
    expect(normalDistribution(Number.NaN)).toBeNaN();
    fc.assert(
      fc.property(fc.double({ min: -8, max: 8, noNaN: true }), (z) => {
        // two numbers rounded near 1
        expect(Math.abs(normalDistribution(z) + normalDistribution(-z) - 1)).toBeLessThanOrEqual(2 ** -52);
      }),
      { seed: 4 },
    );
  });
});

describe("refusals", () => {
  it("an unknown activation, with the list of the known ones", () => {
    expect(() => activationOf(untyped("swish"))).toThrow(
      'activationOf: expected an activation (identity, relu, squaredRelu, leakyRelu, absolute, hardSigmoid, softplus, sigmoid, tanh, gelu, or { name: "softplus", beta }, { name: "clamp", limit }, { name: "leakyRelu", slope }, { name: "piecewise", knots, pieces }, { name: "registered", as }), got "swish"',
    );
    for (const other of [null, 3, {}, { name: "relu" }, "toString"])
      expect(() => activationOf(untyped(other))).toThrow(RangeError);
  });

  it("parameters out of range, misspelt or too many", () => {
    const refused =
      (activation: unknown): (() => unknown) =>
      () =>
        activationOf(untyped(activation));
    expect(refused({ name: "softplus", beta: 0 })).toThrow("activationOf: expected softplus beta > 0, got 0");
    expect(refused({ name: "softplus", bta: 1 })).toThrow('activationOf: expected options name, beta, got "bta"');
    expect(refused({ name: "softplus", beta: 1, limit: 2 })).toThrow('expected options name, beta, got "limit"');
    expect(refused({ name: "clamp", limit: Number.POSITIVE_INFINITY })).toThrow(
      "expected clamp limit > 0, got Infinity",
    );
    expect(refused({ name: "leakyRelu", slope: Number.NaN })).toThrow("expected a finite leakyRelu slope, got NaN");
    expect(() => pointwiseFunction("relu", untyped(2))).toThrow("pointwiseFunction: expected order 0 or 1, got 2");
  });

  it("names are shown short", () => {
    expect(showActivation("relu")).toBe("relu");
    expect(showActivation({ name: "softplus", beta: 8 })).toBe("softplus(beta 8)");
  });
});
