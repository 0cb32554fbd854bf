import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CubicOptions, interpolateCubic, type PiecewisePolynomial } from "../src/index.ts";
import { exact, type Fraction, fraction, solve, times, toNumber } from "./rational.ts";
import vectors from "./vectors/scipy-cubic.json";

const ulp = 2 ** -52;
const boundaries = ["natural", "clamped", "not-a-knot", "periodic"] as const;

/** Points with integer x and y, 3 … 9 of them. */
const points = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 8 }),
    fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 9, maxLength: 9 }),
  )
  .map(([steps, y]) => {
    const x = [-3];
    for (const h of steps) x.push(x[x.length - 1] + h);
    return { x, y: y.slice(0, x.length) };
  });

describe("by hand", () => {
  test("a tent's natural spline has slope ±3/2 at its ends and is C² on all of ℝ", () => {
    const s = interpolateCubic([0, 1, 2], [0, 1, 0]);
    expect(s.evaluate(0.5)).toBe(0.6875);
    expect(s.tails).toEqual({ left: [0, 1.5], right: [0, -1.5] });
    expect(s.evaluate(-2)).toBe(-3);
    expect(s.smoothness({ at: "all" })).toEqual([2, 2, 2]);
    expect(s.derivative(2).evaluate(1)).toBeCloseTo(-3, 13);
  });

  test("two points: a line, a clamped cubic, a constant", () => {
    const middle = (options: CubicOptions) => interpolateCubic([1, 3], [2, 6], options).evaluate(1.5);
    expect(middle({})).toBe(3);
    expect(middle({ boundary: "not-a-knot" })).toBe(3);
    // 2 + 4(3τ² − 2τ³) at τ = ¼
    expect(middle({ boundary: "clamped" })).toBe(2.625);
    expect(interpolateCubic([1, 3], [2, 2], { boundary: "periodic" }).evaluate(17.3)).toBeCloseTo(2, 15);
  });

  test("three points with not-a-knot: their parabola", () => {
    const s = interpolateCubic([-1, 1, 2], [1, 1, 4], { boundary: "not-a-knot", extrapolation: "polynomial" });
    s.evaluate([-3, 0, 1.5, 5]).forEach((v, i) => {
      // at t = 5, u = 7: T₃(7) = 1351 magnifies a rounding of the values ≤ 4
      expect(Math.abs(v - [9, 0, 2.25, 25][i])).toBeLessThan(4 * (i === 3 ? 1351 : 27) * 5 * ulp);
    });
  });

  test("beyond the ends: linear unless periodic, or as asked", () => {
    const points = [
      [0, 1, 2],
      [0, 1, 0],
    ] as const;
    expect(boundaries.map((boundary) => interpolateCubic(...points, { boundary }).extrapolation)).toEqual([
      "linear",
      "linear",
      "linear",
      "periodic",
    ]);
    expect(interpolateCubic(...points, { extrapolation: "none" }).extrapolation).toBe("none");
    expect(interpolateCubic(...points, { extrapolation: "constant" }).evaluate(5)).toBe(0);
  });
});

describe("against independent solutions", () => {
  test.each(vectors.cases.map((v) => [v.boundary, v.x.length, v] as const))(
    "scipy's CubicSpline, %s, %i points",
    (name, _, { x, y, slopes, t, values, derivatives, integral, roots }) => {
      const boundary = name as (typeof boundaries)[number];
      const s = interpolateCubic(x, y, {
        boundary,
        ...(boundary === "clamped" ? { slopes: slopes as [number, number] } : {}),
      });
      const size = Math.max(...y.map(Math.abs), ...values.map(Math.abs));
      const shortest = Math.min(...x.slice(1).map((v, i) => v - x[i]));
      const stretch = (x[x.length - 1] - x[0]) / shortest;
      const d = s.derivative();
      t.forEach((point, i) => {
        // slopes differ by some ulp of y/h, in the not-a-knot rows times the ratio of neighbouring h (≤ 20); twice, once for each program
        const error = 64 * ulp * size * Math.min(stretch, 20);
        expect(Math.abs(s.evaluate(point) - values[i])).toBeLessThan(error);
        expect(Math.abs(d.evaluate(point) - derivatives[i])).toBeLessThan((9 * error) / shortest);
      });
      expect(Math.abs(s.integrate(t[2], t[11]) - integral)).toBeLessThan(
        64 * ulp * size * (x[x.length - 1] - x[0]) * 20,
      );
      const found = s.roots();
      expect(found.flat).toEqual([]);
      expect(found.roots.length).toBe(roots.length);
      roots.forEach((r, i) => {
        // scipy's come from eigenvalues
        expect(Math.abs(found.roots[i] - r)).toBeLessThan(1e-11);
      });
    },
  );

  test.each(boundaries)("the defining equations, %s, solved whole in exact fractions", (boundary) => {
    fc.assert(
      fc.property(points, fc.integer({ min: -3, max: 3 }), ({ x, y: given }, slope) => {
        const y = boundary === "periodic" ? [...given.slice(0, -1), given[0]] : given;
        // three points with not-a-knot have one condition twice; they are tested by hand
        if (boundary === "not-a-knot" && x.length < 4) return;
        const s = interpolateCubic(x, y, {
          boundary,
          ...(boundary === "clamped" ? { slopes: [slope, -1] as const } : {}),
        });
        const pieces = exactSpline(x, y, boundary, [slope, -1]);
        const size = Math.max(...y.map(Math.abs), 3 * 5);
        pieces.forEach((a, i) => {
          for (const tau of [0.25, 0.5, 0.875]) {
            const h = x[i + 1] - x[i];
            const value = a.reduce((sum, c, k) => sum + toNumber(times(c, exact((tau * h) ** k))), 0);
            // ratio of neighbouring h ≤ 5, nine rows
            expect(Math.abs(s.evaluate(x[i] + tau * h) - value)).toBeLessThan(9 * 5 * 16 * ulp * size);
          }
        });
      }),
      { seed: 29, numRuns: 60 },
    );
  });
});

describe("laws", () => {
  test("the points are met to the last bit", () => {
    fc.assert(
      fc.property(points, fc.constantFrom(...boundaries), ({ x, y: given }, boundary) => {
        const y = boundary === "periodic" ? [...given.slice(0, -1), given[0]] : given;
        expect(Array.from(interpolateCubic(x, y, { boundary }).evaluate(x, { side: "left" }), (v) => v + 0)).toEqual(
          y.map((v) => v + 0),
        );
        expect(Array.from(interpolateCubic(x, y, { boundary }).evaluate(x), (v) => v + 0)).toEqual(y.map((v) => v + 0));
      }),
      { seed: 31, numRuns: 200 },
    );
  });

  test("inside it is C² or better; beyond, natural and periodic stay C²", () => {
    fc.assert(
      fc.property(points, fc.constantFrom(...boundaries), ({ x, y: given }, boundary) => {
        const y = boundary === "periodic" ? [...given.slice(0, -1), given[0]] : given;
        const s = interpolateCubic(x, y, { boundary });
        expect(Math.min(...s.smoothness())).toBeGreaterThanOrEqual(2);
        const ends = s.smoothness({ at: "all" });
        const least = boundary === "natural" || boundary === "periodic" ? 2 : 1;
        expect(Math.min(ends[0], ends[x.length - 1])).toBeGreaterThanOrEqual(least);
      }),
      { seed: 37, numRuns: 200 },
    );
  });

  test("not-a-knot and clamped reproduce cubics", () => {
    const cubic = (t: number) => 2 - t + 3 * t * t - 0.5 * t ** 3;
    const slope = (t: number) => -1 + 6 * t - 1.5 * t * t;
    const x = [-1, -0.5, 0.75, 1, 2.5, 3];
    const y = x.map(cubic);
    for (const s of [
      interpolateCubic(x, y, { boundary: "not-a-knot" }),
      interpolateCubic(x, y, { boundary: "clamped", slopes: [slope(-1), slope(3)] }),
    ])
      for (let t = -1; t <= 3; t += 0.1) expect(Math.abs(s.evaluate(t) - cubic(t))).toBeLessThan(64 * 16 * ulp);
  });

  test("natural has the least ∫ s″²; the excess of any other is ∫ of the difference's", () => {
    const slope = (s: PiecewisePolynomial, end: "left" | "right") => s.tails?.[end][1] ?? Number.NaN;
    const bending = (s: PiecewisePolynomial) => {
      const second = s.derivative(2);
      // s″ is linear on each piece: Simpson's rule is exact for its square
      return second
        .pieces()
        .reduce((sum, { from, to, values: [a, b] }) => sum + ((to - from) / 3) * (a * a + a * b + b * b), 0);
    };
    fc.assert(
      fc.property(points, fc.constantFrom("clamped", "not-a-knot"), ({ x, y }, boundary) => {
        const natural = interpolateCubic(x, y);
        const other = interpolateCubic(x, y, { boundary: boundary as "clamped" });
        const difference = interpolateCubic(
          x,
          x.map(() => 0),
          {
            boundary: "clamped",
            slopes: [slope(other, "left") - slope(natural, "left"), slope(other, "right") - slope(natural, "right")],
          },
        );
        const excess = bending(other) - bending(natural);
        // second derivatives are known to about 24 · 4/h² · 16 ulp of y ≤ 9, h ≥ 1
        expect(Math.abs(excess - bending(difference))).toBeLessThan(1e-10 * (1 + bending(other)));
        expect(excess).toBeGreaterThan(-1e-10 * (1 + bending(other)));
      }),
      { seed: 41, numRuns: 100 },
    );
  });

  test("periodic does not depend on where the period is cut", () => {
    const x = [0, 1, 1.5, 3, 4.25, 5];
    const y = [2, -1, 0, 4, 1, 2];
    const s = interpolateCubic(x, y, { boundary: "periodic" });
    const shifted = interpolateCubic([1.5, 3, 4.25, 5, 6, 6.5], [0, 4, 1, 2, -1, 0], { boundary: "periodic" });
    for (let t = -7; t < 11; t += 0.37)
      expect(Math.abs(s.evaluate(t) - shifted.evaluate(t))).toBeLessThan(256 * ulp * 4);
    expect(interpolateCubic([0, 1, 3], [1, 2, 1 + ulp], { boundary: "periodic" }).evaluate(3)).toBe(1);
  });

  test("it is linear in y, and moves with x", () => {
    const x = [0, 1, 1.5, 3, 4.25];
    const y = [2, -1, 0, 4, 1];
    const z = [1, 0, 3, -2, 5];
    for (const boundary of ["natural", "clamped", "not-a-knot"] as const) {
      const sum = interpolateCubic(
        x,
        y.map((v, i) => v - 3 * z[i]),
        { boundary },
      );
      const a = interpolateCubic(x, y, { boundary });
      const b = interpolateCubic(x, z, { boundary });
      const moved = interpolateCubic(
        x.map((t) => 4 * t + 8),
        y,
        { boundary },
      );
      for (let t = -1; t < 5; t += 0.21) {
        expect(Math.abs(sum.evaluate(t) - a.evaluate(t) + 3 * b.evaluate(t))).toBeLessThan(1e-12);
        if (boundary !== "clamped") expect(Math.abs(moved.evaluate(4 * t + 8) - a.evaluate(t))).toBeLessThan(1e-12);
      }
    }
  });

  test("very uneven points keep the points and the smoothness", () => {
    const x = [0, 1e-6, 1, 1 + 1e-6, 1000, 1e6];
    const y = [0, 1, -1, 2, 0, 5];
    for (const boundary of ["natural", "clamped"] as const) {
      const s = interpolateCubic(x, y, { boundary });
      expect(Array.from(s.evaluate(x))).toEqual(y);
      expect(Math.min(...s.smoothness())).toBeGreaterThanOrEqual(2);
    }
  });
});

describe("wrong input is refused, naming what was expected and what came", () => {
  const refused: [string, unknown[], string][] = [
    ["one point", [[0], [1]], "interpolateCubic: expected x to hold at least 2 numbers, got 1"],
    ["no points", [[], []], "x to hold at least 2 numbers, got 0"],
    [
      "repeated x",
      [
        [0, 1, 1],
        [1, 2, 3],
      ],
      "x strictly increasing, got 1, 1 at index 1",
    ],
    [
      "unsorted x",
      [
        [0, 2, 1],
        [1, 2, 3],
      ],
      "x strictly increasing, got 2, 1 at index 1",
    ],
    [
      "NaN in x",
      [
        [0, Number.NaN],
        [1, 2],
      ],
      "x[1] finite, got NaN",
    ],
    [
      "infinite x",
      [
        [0, Number.POSITIVE_INFINITY],
        [1, 2],
      ],
      "x[1] finite, got Infinity",
    ],
    [
      "NaN in y",
      [
        [0, 1],
        [Number.NaN, 2],
      ],
      "y[0] finite, got NaN",
    ],
    [
      "infinite y",
      [
        [0, 1],
        [1, Number.NEGATIVE_INFINITY],
      ],
      "y[1] finite, got -Infinity",
    ],
    [
      "different lengths",
      [
        [0, 1, 2],
        [1, 2],
      ],
      "y of length 3, as x, got 2",
    ],
    [
      "text",
      [
        ["0", "1"],
        [1, 2],
      ],
      'x[0] finite, got "0"',
    ],
    ["nothing", [undefined, [1, 2]], "x an array of numbers, got undefined"],
    [
      "an unknown boundary",
      [[0, 1], [1, 2], { boundary: "free" }],
      'boundary one of "natural", "clamped", "not-a-knot", "periodic", got "free"',
    ],
    [
      "an unknown option",
      [[0, 1], [1, 2], { bc_type: "natural" }],
      'options among boundary, slopes, extrapolation, got "bc_type"',
    ],
    ["an unknown extrapolation", [[0, 1], [1, 2], { extrapolation: true }], "extrapolation one of"],
    ["slopes out of place", [[0, 1], [1, 2], { slopes: [0, 0] }], 'slopes only with boundary "clamped", got "natural"'],
    ["one slope", [[0, 1], [1, 2], { boundary: "clamped", slopes: [0] }], "slopes to hold 2 numbers, got [0]"],
    [
      "a slope that is NaN",
      [[0, 1], [1, 2], { boundary: "clamped", slopes: [0, Number.NaN] }],
      "slopes[1] finite, got NaN",
    ],
    [
      "an open period",
      [[0, 1, 2], [1, 2, 3], { boundary: "periodic" }],
      "y to end with its first value for a periodic spline, got [1, 3]",
    ],
    [
      "numbers too far apart",
      [
        [0, 1e-200, 1],
        [0, 1e200, 0],
      ],
      "slopes that stay finite; rescale x or y",
    ],
  ];
  test.each(refused)("%s", (_, args, message) => {
    const call = () => interpolateCubic(...(args as Parameters<typeof interpolateCubic>));
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});

/** All 4K local powers at once from interpolation, C¹, C² and the boundary, nothing eliminated by hand. */
function exactSpline(
  x: readonly number[],
  y: readonly number[],
  boundary: (typeof boundaries)[number],
  slopes: readonly [number, number],
): Fraction[][] {
  const K = x.length - 1;
  const rows: Fraction[][] = [];
  const right: Fraction[] = [];
  /** Σ over (piece, derivative, at its end?, sign) = value. */
  const equation = (
    value: number,
    ...terms: (readonly [piece: number, order: number, atEnd: boolean, sign: number])[]
  ) => {
    const row: Fraction[] = Array.from({ length: 4 * K }, () => [0n, 1n] as const);
    for (const [i, order, atEnd, sign] of terms)
      for (let k = order; k < 4; k++) {
        const h = atEnd ? x[i + 1] - x[i] : 0;
        let factor = sign;
        for (let j = 0; j < order; j++) factor *= k - j;
        row[4 * i + k] = fraction(BigInt(factor * h ** (k - order)));
      }
    rows.push(row);
    right.push(fraction(BigInt(value)));
  };
  for (let i = 0; i < K; i++) {
    equation(y[i], [i, 0, false, 1]);
    equation(y[i + 1], [i, 0, true, 1]);
    for (const order of [1, 2]) if (i > 0) equation(0, [i - 1, order, true, 1], [i, order, false, -1]);
  }
  if (boundary === "natural") {
    equation(0, [0, 2, false, 1]);
    equation(0, [K - 1, 2, true, 1]);
  } else if (boundary === "clamped") {
    equation(slopes[0], [0, 1, false, 1]);
    equation(slopes[1], [K - 1, 1, true, 1]);
  } else if (boundary === "not-a-knot") {
    equation(0, [0, 3, false, 1], [1, 3, false, -1]);
    equation(0, [K - 2, 3, false, 1], [K - 1, 3, false, -1]);
  } else for (const order of [1, 2]) equation(0, [0, order, false, 1], [K - 1, order, true, -1]);
  const solution = solve(rows, right);
  return Array.from({ length: K }, (_, i) => solution.slice(4 * i, 4 * i + 4));
}
