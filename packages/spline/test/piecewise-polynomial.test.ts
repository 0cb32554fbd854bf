import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chebyshevNodes, interpolateCubic, PiecewisePolynomial } from "../src/index.ts";
import { exact, type Fraction, fraction, horner, minus, plus, times, toNumber } from "./rational.ts";

const ulp = 2 ** -52;

/** t² on [0, 1], then its tangent up to 3. */
const bend = (extrapolation: "none" | "constant" | "linear" | "polynomial" | "periodic" = "linear") =>
  PiecewisePolynomial.fromCoefficients(
    [0, 1, 3],
    [
      [0, 0, 1],
      [1, 2],
    ],
    { extrapolation },
  );
/** A jump at 1: 1 + t, then −3. */
const jump = PiecewisePolynomial.fromCoefficients([0, 1, 2], [[1, 1], [-3]]);

describe("evaluate", () => {
  test("a parabola continued by its tangent, one number or many", () => {
    expect(bend().evaluate(0.5)).toBe(0.25);
    expect(Array.from(bend().evaluate([0.5, 1, 2, 4]))).toEqual([0.25, 1, 3, 7]);
    expect(Array.from(bend().evaluate(Float64Array.of(4, 0.5)))).toEqual([7, 0.25]);
    expect(bend().degree).toBe(2);
    expect(Array.from(bend().breakpoints)).toEqual([0, 1, 3]);
  });

  test("at a breakpoint the right piece counts, or the left where asked", () => {
    expect(jump.side).toBe("right");
    expect(jump.evaluate(1)).toBe(-3);
    expect(jump.evaluate(1, { side: "left" })).toBe(2);
    expect(jump.evaluate([0, 1, 2], { side: "left" })).toEqual(Float64Array.of(1, 2, -3));
    const left = new PiecewisePolynomial(jump.breakpoints, jump.values, { side: "left" });
    expect(left.evaluate(1)).toBe(2);
    expect(left.evaluate(1, { side: "right" })).toBe(-3);
  });

  test("beyond the ends: constant, linear, polynomial, periodic, polynomials of one's own", () => {
    const at = [-1, 5];
    expect(Array.from(bend("constant").evaluate(at))).toEqual([0, 5]);
    expect(Array.from(bend("linear").evaluate(at))).toEqual([0, 9]);
    expect(Array.from(bend("polynomial").evaluate(at))).toEqual([1, 9]);
    expect(Array.from(bend("periodic").evaluate([-1, 5, 3, 0, 300.5]))).toEqual([3, 3, 0, 0, 0.25]);
    expect(bend("periodic").evaluate(0, { side: "left" })).toBe(5);
    const own = PiecewisePolynomial.fromCoefficients([0, 1], [[1]], {
      extrapolation: { left: [1, -1], right: [7, 0, 1] },
    });
    expect(Array.from(own.evaluate([-2, 0, 1, 3]))).toEqual([3, 1, 7, 11]);
    expect(own.evaluate(1, { side: "left" })).toBe(1);
    expect(own.extrapolation).toBe("tails");
  });

  test("no answer is given where the function is not defined", () => {
    expect(() => bend("none").evaluate(3.5)).toThrow(
      "evaluate: expected t in [0, 3], where the function is defined, got 3.5",
    );
    expect(() => bend().evaluate(Number.NaN)).toThrow("evaluate: expected t finite, got NaN");
    expect(() => bend().evaluate([1, Number.POSITIVE_INFINITY])).toThrow(
      "evaluate: expected t[1] finite, got Infinity",
    );
    expect(() => bend().evaluate(1, { side: "up" as "left" })).toThrow('side one of "left", "right", got "up"');
    expect(() => bend().evaluate(1, { Side: "left" } as object)).toThrow('options among side, got "Side"');
  });

  test("agrees with exact fractions, piece by piece, in any order of points", () => {
    const piece = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 20 }),
        (coefficients, ticks) => {
          const breakpoints = [0, 1, 1.5, 4, 4.25, 7].slice(0, coefficients.length + 1);
          const s = PiecewisePolynomial.fromCoefficients(breakpoints, coefficients);
          const end = breakpoints[coefficients.length];
          const t = ticks.map((k) => (k / 1000) * end);
          const out = s.evaluate(t);
          t.forEach((point, i) => {
            let k = 0;
            while (k + 1 < coefficients.length && point >= breakpoints[k + 1]) k++;
            const x = minus(exact(point), exact(breakpoints[k]));
            const size = coefficients[k].reduce(
              (sum, c, j) => sum + Math.abs(c) * (breakpoints[k + 1] - breakpoints[k]) ** j,
              0,
            );
            // to node values, to coefficients, to a value: n + 1 terms each, n ≤ 5
            expect(Math.abs(out[i] - toNumber(horner(coefficients[k].map(exact), x)))).toBeLessThanOrEqual(
              3 * 36 * size * ulp,
            );
          });
        },
      ),
      { seed: 17, numRuns: 200 },
    );
  });

  test("degree 27 on twelve pieces keeps the accuracy of its values", () => {
    const breakpoints = Array.from({ length: 13 }, (_, i) => i / 12);
    const f = (t: number) => Math.sin(20 * t) * Math.exp(t);
    const values = breakpoints.slice(1).map((b, i) => {
      const a = breakpoints[i];
      return Array.from(chebyshevNodes(27), (u) => f(0.5 * (a + b) + 0.5 * (b - a) * u));
    });
    const s = new PiecewisePolynomial(breakpoints, values);
    for (let i = 0; i <= 500; i++) {
      // 29 rounded terms; f itself is known to |f′|·ulp ≤ 60 ulp
      expect(Math.abs(s.evaluate(i / 500) - f(i / 500))).toBeLessThan(90 * Math.E * ulp);
    }
  });
});

describe("construction", () => {
  test("from node values, with pieces of different degree", () => {
    const s = new PiecewisePolynomial(
      [0, 2, 3],
      [
        [0, 1, 4],
        [4, 5],
      ],
    );
    expect([s.degree, s.evaluate(0.5), s.evaluate(2.5)]).toEqual([2, 0.25, 4.5]);
    expect(s.pieces().map(({ from, to, values }) => [from, to, Array.from(values)])).toEqual([
      [0, 2, [0, 1, 4]],
      [2, 3, [4, 4.5, 5]],
    ]);
  });

  test("coefficients come back as they were given", () => {
    const given = [
      [1, -2, 0.5, 3],
      [0.25, 0, 4, -1],
      [2, 2, 2, 2],
    ];
    const s = PiecewisePolynomial.fromCoefficients([-1, 0.5, 1, 4], given);
    s.coefficients().forEach((a, i) => {
      a.forEach((c, k) => {
        // the k-th derivative of rounding in values up to 80, over k!: T₃⁽ᵏ⁾(1)/k! ≤ 12
        expect(Math.abs(c - given[i][k])).toBeLessThan(16 * 12 * 80 * ulp * (i === 1 ? 4 ** k : 1));
      });
    });
  });

  test("what it was made from may change afterwards", () => {
    const breakpoints = Float64Array.of(0, 1);
    const values = Float64Array.of(2, 3);
    const s = new PiecewisePolynomial(breakpoints, values);
    breakpoints[1] = 9;
    values[0] = 9;
    expect([s.evaluate(0), s.breakpoints[1]]).toEqual([2, 1]);
  });

  test("bad data is refused, naming what was expected and what came", () => {
    const make =
      (...args: unknown[]) =>
      () =>
        new PiecewisePolynomial(...(args as ConstructorParameters<typeof PiecewisePolynomial>));
    expect(make([0], [])).toThrow("PiecewisePolynomial: expected breakpoints to hold at least 2 numbers, got 1");
    expect(make([0, 0], [[1]])).toThrow("breakpoints strictly increasing, got 0, 0 at index 0");
    expect(make([0, 2, 1], [[1], [1]])).toThrow("breakpoints strictly increasing, got 2, 1 at index 1");
    expect(make([0, Number.NaN], [[1]])).toThrow("breakpoints[1] finite, got NaN");
    expect(make([-1e308, 1e308], [[1]])).toThrow("breakpoints to span a finite length");
    expect(make([0, 1, 2], [[1]])).toThrow("values for 2 pieces, got 1");
    expect(make([0, 1, 2], new Float64Array(5))).toThrow("values for 2 pieces of one degree, got 5");
    expect(make([0, 1], [[]])).toThrow("values[0] to hold at least one value, got []");
    expect(make([0, 1], [[1, Number.NaN]])).toThrow("values[0][1] finite, got NaN");
    expect(make([0, 1], Float64Array.of(1, -1 / 0))).toThrow("values[1] finite, got -Infinity");
    expect(make([0, 1], 5)).toThrow("values a Float64Array or an array with one array a piece, got 5");
    expect(make([0, 1], [[1]], { extrapolation: "cubic" })).toThrow(
      'extrapolation one of "none", "constant", "linear", "polynomial", "periodic", got "cubic"',
    );
    expect(make([0, 1], [[1]], { extrapolation: { left: [1], right: [Number.NaN] } })).toThrow(
      "extrapolation.right[0] finite, got NaN",
    );
    expect(make([0, 1], [[1]], { sides: "left" })).toThrow('options among extrapolation, side, noise, got "sides"');
    expect(() => PiecewisePolynomial.fromCoefficients([0, 1], [[1], [2]])).toThrow(
      "PiecewisePolynomial.fromCoefficients: expected coefficients for 1 pieces, got 2",
    );
    expect(() => PiecewisePolynomial.fromCoefficients([0, 1], 3 as unknown as number[][])).toThrow("got 3");
  });
});

describe("tails", () => {
  test("both ends as polynomials: value and slope for linear, none for none and periodic", () => {
    expect(bend("linear").tails).toEqual({ left: [0, 0], right: [5, 2] });
    expect(bend("constant").tails).toEqual({ left: [0], right: [5] });
    expect(bend("polynomial").tails).toEqual({ left: [0, 0, 1], right: [5, 2, 0] });
    expect(bend("none").tails).toBeUndefined();
    expect(bend("periodic").tails).toBeUndefined();
  });

  test("they are derived and integrated with the function", () => {
    const slope = bend().derivative();
    expect([slope.extrapolation, slope.tails]).toEqual(["constant", { left: [0], right: [2] }]);
    const area = bend().antiderivative();
    expect(area.tails).toEqual({ left: [0, 0, 0], right: [expect.closeTo(1 / 3 + 6, 14), 5, 1] });
    expect(area.evaluate(5) - area.evaluate(3)).toBeCloseTo(14, 13);
    expect(bend().integrate(3, 5)).toBeCloseTo(14, 13);
  });
});

describe("calculus", () => {
  test("by hand: derivative, antiderivative, integral", () => {
    expect(Array.from(bend().derivative().evaluate([0.5, 1, 2]))).toEqual([1, 2, 2]);
    expect(Array.from(bend().derivative(2).evaluate([0.5, 2]))).toEqual([2, 0]);
    expect(bend().derivative(0).evaluate(0.5)).toBe(0.25);
    expect(bend().derivative(5).evaluate(0.5)).toBe(0);
    expect(bend().integrate(0, 1)).toBeCloseTo(1 / 3, 15);
    expect(bend().integrate(1, 0)).toBeCloseTo(-1 / 3, 15);
    expect(bend().integrate(2, 2)).toBe(0);
    expect(bend().antiderivative().evaluate(0)).toBe(0);
    expect(bend().antiderivative().evaluate(1)).toBeCloseTo(1 / 3, 15);
  });

  test("the integral of integers is exact to rounding, over any part", () => {
    const piece = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 3, maxLength: 3 }),
        fc.tuple(fc.integer({ min: 0, max: 160 }), fc.integer({ min: 0, max: 160 })),
        (coefficients, [p, q]) => {
          const breakpoints = [0, 2, 2.5, 5];
          const s = PiecewisePolynomial.fromCoefficients(breakpoints, coefficients);
          const [a, b] = [p / 32, q / 32];
          let sum: Fraction = [0n, 1n];
          let size = 0;
          coefficients.forEach((c, i) => {
            const F = [fraction(0n), ...c.map((v, k) => fraction(BigInt(v), BigInt(k + 1)))];
            const at = (t: number) =>
              horner(F, minus(exact(Math.min(Math.max(t, breakpoints[i]), breakpoints[i + 1])), exact(breakpoints[i])));
            sum = plus(sum, minus(at(b), at(a)));
            size += c.reduce((total, v, k) => total + Math.abs(v) * 2.5 ** k, 0);
          });
          expect(Math.abs(s.integrate(a, b) - toNumber(sum))).toBeLessThanOrEqual(3 * 36 * 5 * size * ulp);
          const F = s.antiderivative();
          expect(Math.abs(F.evaluate(b) - F.evaluate(a) - toNumber(sum))).toBeLessThanOrEqual(6 * 36 * 5 * size * ulp);
        },
      ),
      { seed: 19, numRuns: 200 },
    );
  });

  test("a narrow integral keeps its relative accuracy", () => {
    const s = PiecewisePolynomial.fromCoefficients([0, 1], [[1, 1]]);
    expect(Math.abs(s.integrate(0.5, 0.5 + 2 ** -40) / (1.5 * 2 ** -40) - 1)).toBeLessThan(2 ** -40);
  });

  test("the derivative of the antiderivative is the function", () => {
    const s = PiecewisePolynomial.fromCoefficients(
      [-1, 0.5, 1, 4],
      [
        [1, -2, 0.5, 3],
        [0.25, 0, 4, -1],
        [2, 2, 2, 2],
      ],
    );
    const t = Array.from({ length: 51 }, (_, i) => -1 + i / 10);
    const back = s.antiderivative().derivative().evaluate(t);
    s.evaluate(t).forEach((v, i) => {
      // Markov: a rounding of F (≤ 100) times 4² · 2/h
      expect(Math.abs(v - back[i])).toBeLessThan(100 * 16 * 4 * 6 * ulp);
    });
  });

  test("periodic: integrals over many periods, and a derivative that is periodic", () => {
    const zigzag = PiecewisePolynomial.fromCoefficients(
      [0, 1, 2],
      [
        [0, 1],
        [1, -1],
      ],
      { extrapolation: "periodic" },
    );
    expect(zigzag.integrate(-3, 4.5)).toBe(3.625);
    expect(zigzag.derivative().evaluate(-0.5)).toBe(-1);
    expect(zigzag.antiderivative().extrapolation).toBe("none");
  });

  test("periodic: whole periods are one number times a count, however many they are", () => {
    const wave = interpolateCubic([0, 1, 2, 5], [1, 4, -2, 1], { boundary: "periodic" });
    const period = wave.integrate(0, 5);
    expect(wave.integrate(0, 5e7)).toBe(1e7 * period);
    expect(wave.integrate(-5e300, 0) / 1e300).toBeCloseTo(period, 12);
    for (const [a, b] of [
      [0.5, 5e7 + 0.75],
      [-3, 5e7 + 4],
      [5e7 - 1, -2.25],
    ]) {
      const turns = Math.trunc((b - a) / 5);
      const direct = turns * period + wave.integrate(a, b - 5 * turns);
      // one rounding of each term, and the pieces' own: at most 8 of size ≤ 5 · 4
      expect(Math.abs(wave.integrate(a, b) - direct)).toBeLessThanOrEqual((2 * Math.abs(direct) + 8 * 20) * ulp);
      expect(wave.integrate(b, a)).toBe(-wave.integrate(a, b));
    }
    // additive over cuts that are no multiples of the period
    const parts = wave.integrate(0, 12345.5) + wave.integrate(12345.5, 65432.25);
    expect(Math.abs(parts - wave.integrate(0, 65432.25))).toBeLessThanOrEqual(4 * 65432.25 * 4 * ulp);
  });

  test("periodic: far away the position in the period is exact", () => {
    const wave = interpolateCubic([0, 1, 2, 5], [1, 4, -2, 1], { boundary: "periodic" });
    expect(wave.evaluate(5e15 + 2)).toBe(-2);
    expect(wave.evaluate(5 * 2 ** 80 + 2 ** 81)).toBe(wave.evaluate(2 ** 81 % 5));
    expect(wave.evaluate(-5e15 + 1)).toBe(4);
  });

  test("periodic: what is listed piece by piece is bounded, and says so", () => {
    const wave = interpolateCubic([0, 1, 2, 5], [1, 4, -2, 1], { boundary: "periodic" });
    const far = { from: 0, to: 5e7 };
    expect(() => wave.roots(far)).toThrow("roots: expected at most 131072 pieces between from and to, got 30000000");
    expect(() => wave.extrema(far)).toThrow("extrema: expected at most 131072 pieces between from and to");
    expect(() => wave.restrict(0, 5e7)).toThrow("restrict: expected at most 131072 pieces between from and to");
    expect(() => wave.roots({ from: 1e300, to: 1.1e300 })).toThrow(RangeError);
    expect(() => wave.roots({ from: 1e300, to: 1e300 + 1e284 })).toThrow(
      "roots: expected from and to within 2^53 periods",
    );
    expect(wave.roots({ from: 0, to: 5e4 }).roots.length).toBe(2e4);
    // a fine period may be listed whole, whatever its number of pieces
    const x = Float64Array.from({ length: 140_001 }, (_, i) => i);
    const fine = new PiecewisePolynomial(
      x,
      Float64Array.from({ length: 280_000 }, (_, i) => (i & 2 ? 1 : -1)),
      {
        extrapolation: "periodic",
      },
    );
    expect(fine.roots().roots.length).toBe(139_999);
  });

  test("bad orders and intervals are refused", () => {
    expect(() => bend().derivative(-1)).toThrow("derivative: expected order an integer ≥ 0, got -1");
    expect(() => bend().derivative(0.5)).toThrow(RangeError);
    expect(
      bend()
        .derivative(2 ** 40)
        .evaluate([-1, 0.5, 7]),
    ).toEqual(new Float64Array(3));
    expect(() => bend().integrate(0, Number.POSITIVE_INFINITY)).toThrow("integrate: expected b finite, got Infinity");
    expect(() => bend("none").integrate(1, 4)).toThrow("integrate: expected an interval inside [0, 3]");
  });
});

describe("translate, scale, restrict", () => {
  test("they move, stretch and cut the function, tails included", () => {
    expect(Array.from(bend().translate(10).evaluate([10.5, 14]))).toEqual([0.25, 7]);
    expect(Array.from(bend().scale(-2).evaluate([0.5, 4]))).toEqual([-0.5, -14]);
    const part = bend().restrict(0.5, 5);
    expect(Array.from(part.breakpoints)).toEqual([0.5, 1, 3, 5]);
    expect(Array.from(part.evaluate([0.5, 0.75, 2, 5]))).toEqual([0.25, 0.5625, 3, 9]);
    expect(part.extrapolation).toBe("none");
    expect(Array.from(bend("periodic").restrict(2, 4).breakpoints)).toEqual([2, 3, 4]);
  });

  test("what makes no function is refused", () => {
    expect(() => bend().restrict(2, 2)).toThrow("restrict: expected from < to, got [2, 2]");
    expect(() => bend("none").restrict(2, 4)).toThrow(RangeError);
    expect(() => bend().scale(Number.NaN)).toThrow("scale: expected factor finite, got NaN");
    expect(() => bend().translate(1e300)).toThrow("strictly increasing");
  });
});

describe("smoothness", () => {
  test("a jump is −1, a kink 0, a jump of s″ 1, of s‴ 2, and one polynomial Infinity", () => {
    const s = PiecewisePolynomial.fromCoefficients([0, 1, 2, 3, 4, 5], [[0, 1], [2], [2, 1], [3, 1, 1], [5, 3, 1, 1]], {
      extrapolation: "polynomial",
    });
    expect(s.smoothness()).toEqual([-1, 0, 1, 2]);
    expect(s.smoothness({ at: "all" })).toEqual([Number.POSITIVE_INFINITY, -1, 0, 1, 2, Number.POSITIVE_INFINITY]);
    expect(
      PiecewisePolynomial.fromCoefficients(
        [0, 1, 3],
        [
          [0, 0, 1],
          [1, 2, 1],
        ],
      ).smoothness(),
    ).toEqual([Number.POSITIVE_INFINITY]);
  });

  test("the continuation counts at the ends when asked, the seam of a periodic function too", () => {
    expect(bend("linear").smoothness({ at: "all" })).toEqual([1, 1, Number.POSITIVE_INFINITY]);
    expect(bend("constant").smoothness({ at: "all" })).toEqual([1, 1, 0]);
    expect(bend("periodic").smoothness({ at: "all" })).toEqual([-1, 1, -1]);
    expect(() => bend("none").smoothness({ at: "all" })).toThrow("smoothness: expected a continuation beyond the ends");
  });

  test("what the noise of the values explains is agreement, and goes along with derivatives and parts", () => {
    // a step of 1e-6, and a kink of 1e-6 after it
    const values = [
      [0, 0],
      [1e-6, 1e-6],
      [1e-6, 2e-6],
    ];
    const orders = (noise?: number | number[]) =>
      new PiecewisePolynomial([0, 1, 2, 3], values, noise === undefined ? {} : { noise }).smoothness();
    expect(orders()).toEqual([-1, 0]);
    // at the jump errors of both sides add; a slope's error is 2/h times that of the values
    expect(orders(0.49e-6)).toEqual([-1, Number.POSITIVE_INFINITY]);
    expect(orders(0.51e-6)).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(orders([2e-6, 0, 0])).toEqual([Number.POSITIVE_INFINITY, 0]);
    const s = new PiecewisePolynomial([0, 1, 3], [[0, 1, 4], [4, 4, 4]], { noise: [3, 5], extrapolation: "linear" }); // biome-ignore format: a table
    expect(
      [s, s.scale(-2), s.translate(7), s.derivative(), s.antiderivative(), s.restrict(0.5, 4)].map((f) => [...f.noise]),
    ).toEqual([
      [3, 5],
      [6, 10],
      [3, 5],
      [24, 20],
      [3, 13],
      [3, 5, 5],
    ]);
    const refused = "PiecewisePolynomial: expected noise of a finite number ≥ 0 for each of 1 pieces, got";
    for (const noise of [-1, Number.POSITIVE_INFINITY, [1, 2]])
      expect(() => new PiecewisePolynomial([0, 1], [[0]], { noise })).toThrow(refused);
  });

  test("it does not depend on the units of t and of the values", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: -60, max: 60 }),
        fc.integer({ min: -200, max: 200 }),
        fc.integer({ min: -3, max: 3 }),
        (orders, stretch, factor, offset) => {
          // from piece to piece the same polynomial, plus (t − x)^(k+1) where order k is wanted
          let powers: Fraction[] = [1, 1, -1, 0.5, 0.25].map(exact);
          const coefficients = [powers];
          for (const k of orders) {
            // Taylor shift by 1
            powers = powers.map((_, j) =>
              powers.reduce<Fraction>(
                (sum, c, i) => (i < j ? sum : plus(sum, times(c, fraction(binomial(i, j))))),
                [0n, 1n],
              ),
            );
            powers[k + 1] = plus(powers[k + 1], fraction(1n));
            coefficients.push(powers);
          }
          const length = 2 ** stretch;
          const size = 2 ** factor;
          const s = PiecewisePolynomial.fromCoefficients(
            coefficients.map((_, i) => (i + offset) * length).concat((coefficients.length + offset) * length),
            coefficients.map((a) => a.map((c, k) => (toNumber(c) * size) / length ** k)),
          );
          expect(s.smoothness()).toEqual(orders);
        },
      ),
      { seed: 23, numRuns: 200 },
    );
  });

  test("scaling t or the values by powers of two changes nothing, as far as numbers reach", () => {
    const x = [0, 1, 2, 4, 5];
    const y = [1, 3, -2, 5, 5];
    const scales = [2 ** -1000, 2 ** -700, 2 ** 700, 2 ** 1000];
    for (const boundary of ["natural", "not-a-knot"] as const) {
      const plain = interpolateCubic(x, y, { boundary });
      const expected = plain.smoothness({ at: "all" });
      for (const size of scales) {
        const times = (v: number) => v * size;
        expect(interpolateCubic(x.map(times), y, { boundary }).smoothness({ at: "all" })).toEqual(expected);
        expect(interpolateCubic(x, y.map(times), { boundary }).smoothness({ at: "all" })).toEqual(expected);
        for (const s of [plain.derivative(), plain.antiderivative()])
          expect(new PiecewisePolynomial(s.breakpoints.map(times), s.values).smoothness()).toEqual(s.smoothness());
      }
    }
    // a kink, a jump of s″ and a jump at both ends of the numbers
    const kinks = (length: number, size: number) =>
      new PiecewisePolynomial(
        [0, 1, 2, 3, 4].map((t) => t * length),
        [
          [0, 0.5, 1],
          [1, 1.5, 2],
          [2, 2.75, 4],
          [5, 5, 5],
        ].map((v) => v.map((f) => f * size)),
      ).smoothness();
    for (const length of [1, ...scales])
      for (const size of [1, ...scales]) expect(kinks(length, size)).toEqual([Number.POSITIVE_INFINITY, 1, -1]);
    // neighbours whose lengths lie as far apart as numbers can
    expect(
      new PiecewisePolynomial(
        [0, 2 ** -1000, 2 ** 1000],
        [
          [0, 1],
          [1, 2],
        ],
      ).smoothness(),
    ).toEqual([0]);
  });

  test("errors of the values that the tolerance allows are not taken for jumps of high derivatives", () => {
    const breakpoints = [-1, 0.3, 1];
    const f = (t: number) => Math.cos(3 * t) + t ** 11;
    const noisy = (size: number) =>
      new PiecewisePolynomial(
        breakpoints,
        [0, 1].map((i) => {
          const [a, b] = [breakpoints[i], breakpoints[i + 1]];
          // degree 29 holds f to rounding; between nodes the noise grows by the Lebesgue constant, < 3
          return Array.from(
            chebyshevNodes(29),
            (u, j) => f(0.5 * (a + b) + 0.5 * (b - a) * u) + size * Math.cos(5 * j * j + i),
          );
        }),
      );
    expect(noisy(2 ** -42).smoothness()).toEqual([Number.POSITIVE_INFINITY]);
    expect(noisy(2 ** -30).smoothness()).toEqual([-1]);
  });

  test("a jump as large as the error allowed is no jump; a thousand times larger is", () => {
    const step = (gap: number) =>
      PiecewisePolynomial.fromCoefficients(
        [0, 1, 2],
        [
          [1, 1],
          [2 + gap, 1],
        ],
      );
    expect(step(1e-12).smoothness()).toEqual([Number.POSITIVE_INFINITY]);
    expect(step(1e-9).smoothness()).toEqual([-1]);
    expect(step(1e-9).smoothness({ tolerance: 1e-8 })).toEqual([Number.POSITIVE_INFINITY]);
    expect(() => step(0).smoothness({ tolerance: 0 })).toThrow("tolerance in (0, 1), got 0");
    expect(() => step(0).smoothness({ at: "ends" as "all" })).toThrow('got "ends"');
  });
});

function binomial(n: number, k: number): bigint {
  let out = 1n;
  for (let i = 0; i < k; i++) out = (out * BigInt(n - i)) / BigInt(i + 1);
  return out;
}
