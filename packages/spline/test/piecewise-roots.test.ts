import { describe, expect, test } from "vitest";
import { interpolateCubic, PiecewisePolynomial } from "../src/index.ts";

const make = PiecewisePolynomial.fromCoefficients;

describe("roots", () => {
  test("by hand: inside a piece, at a breakpoint (once), at an end", () => {
    expect(
      make(
        [0, 1, 3],
        [
          [-1, 4],
          [3, -2],
        ],
      ).roots(),
    ).toEqual({ roots: [0.25, 2.5], flat: [] });
    expect(
      make(
        [-1, 0, 1],
        [
          [-1, 1],
          [0, 2],
        ],
      ).roots(),
    ).toEqual({ roots: [0], flat: [] });
    expect(
      make(
        [0, 1, 2],
        [
          [0, 1],
          [1, -1],
        ],
      ).roots(),
    ).toEqual({ roots: [0, 2], flat: [] });
  });

  test("a jump across zero is a root at the breakpoint", () => {
    expect(make([0, 1, 2], [[1, 1], [-3]]).roots()).toEqual({ roots: [1], flat: [] });
    expect(make([0, 1, 2], [[1, 1], [3]]).roots()).toEqual({ roots: [], flat: [] });
  });

  test("a piece that is zero is flat, and the next one starts at a root", () => {
    expect(make([-1, 0, 1], [[0], [0, 1]]).roots()).toEqual({ roots: [0], flat: [[-1, 0]] });
    expect(make([-1, 0, 1], [[0], [0]]).roots()).toEqual({ roots: [], flat: [[-1, 1]] });
    expect(make([0, 1], [[1e-18]]).roots({ scale: 1 })).toEqual({ roots: [], flat: [[0, 1]] });
  });

  test("two touches of opposite sign at a breakpoint are one sign change there", () => {
    const s = make(
      [-1, 0, 1],
      [
        [-1, 2, -1],
        [0, 0, 1],
      ],
    ); // −t², then t²
    const { roots, flat } = s.roots();
    expect(roots).toEqual([0]);
    expect(flat.length).toBe(1);
    expect(flat[0][0]).toBeLessThan(0);
    expect(flat[0][1]).toBeGreaterThan(0);
    // t² on both sides: flat, no root
    const touch = make(
      [-1, 0, 1],
      [
        [1, -2, 1],
        [0, 0, 1],
      ],
    ).roots();
    expect([touch.roots.length, touch.flat.length]).toEqual([0, 1]);
  });

  test("beyond the breakpoints where asked: tails, periods, infinity", () => {
    const hill = interpolateCubic([0, 1, 2], [-1, 1, -1]);
    expect(hill.roots({ from: -9, to: 9 }).roots.length).toBe(2);
    const rise = make([0, 1], [[1, 1]], { extrapolation: "linear" });
    expect(rise.roots().roots).toEqual([]);
    expect(rise.roots({ from: -4 }).roots).toEqual([-1]);
    expect(rise.roots({ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }).roots).toEqual([-1]);
    expect(make([0, 1], [[-5, 1]], { extrapolation: "linear" }).roots({ to: Number.POSITIVE_INFINITY }).roots).toEqual([
      5,
    ]);
    const wave = make(
      [0, 1, 2],
      [
        [-1, 2],
        [1, -2],
      ],
      { extrapolation: "periodic" },
    );
    expect(wave.roots({ from: -2, to: 2 }).roots).toEqual([-1.5, -0.5, 0.5, 1.5]);
    expect(make([0, 1], [[1, 0, -1]], { extrapolation: "polynomial" }).roots({ from: -3, to: 3 }).roots).toEqual([
      expect.closeTo(-1, 14),
      expect.closeTo(1, 14),
    ]);
  });

  test("a search outside the domain, or without end where it can't end, is refused", () => {
    expect(() => make([0, 1], [[1]]).roots({ from: -1 })).toThrow("roots: expected an interval inside [0, 1]");
    expect(() => make([0, 1], [[1]]).roots({ from: Number.NEGATIVE_INFINITY })).toThrow(
      'a finite from unless the left tail has degree ≤ 1, got "none"',
    );
    expect(() => make([0, 1], [[1]], { extrapolation: "periodic" }).roots({ to: Number.POSITIVE_INFINITY })).toThrow(
      "a finite to",
    );
    expect(() => make([0, 1], [[1]]).roots({ from: 1, to: 0 })).toThrow("from ≤ to, got [1, 0]");
    expect(() => make([0, 1], [[1]]).roots({ from: Number.NaN })).toThrow("from finite, got NaN");
    expect(() => make([0, 1], [[1]]).roots({ discontinuity: true } as object)).toThrow('got "discontinuity"');
  });
});

describe("extrema", () => {
  test("by hand: a cubic's two, a kink, none at an inflection", () => {
    const cubic = make([-2, 2], [[-2, 9, -6, 1]]).extrema(); // t³ − 3t
    expect(cubic.flat).toEqual([]);
    expect(cubic.extrema.map((e) => e.kind)).toEqual(["maximum", "minimum"]);
    [
      [-1, 2],
      [1, -2],
    ].forEach(([at, value], i) => {
      expect(cubic.extrema[i].at).toBeCloseTo(at, 13);
      expect(cubic.extrema[i].value).toBeCloseTo(value, 13);
    });
    expect(
      make(
        [0, 1, 2],
        [
          [0, 1],
          [1, -1],
        ],
      ).extrema(),
    ).toEqual({
      extrema: [{ at: 1, value: 1, kind: "maximum" }],
      flat: [],
    });
    const inflection = make([-1, 1], [[-1, 3, -3, 1]]).extrema(); // t³
    expect([inflection.extrema.length, inflection.flat.length]).toEqual([0, 1]);
    const fourfold = make([-1, 1], [[1, -4, 6, -4, 1]]).extrema(); // t⁴
    expect(fourfold.extrema.map((e) => [e.kind, Math.abs(e.at) < 1e-4])).toEqual([["minimum", true]]);
  });

  test("a plateau is one extremum in its middle, and is flat", () => {
    const hat = make([0, 1, 2, 3], [[0, 1], [1], [1, -1]]);
    expect(hat.extrema()).toEqual({ extrema: [{ at: 1.5, value: 1, kind: "maximum" }], flat: [[1, 2]] });
    expect(make([0, 1, 2], [[0, 1], [1]]).extrema()).toEqual({ extrema: [], flat: [[1, 2]] });
  });

  test("an end is an extremum only where the function goes on beyond it", () => {
    const slopes = [
      [0, 1],
      [1, -1],
    ];
    expect(
      make([0, 1, 2], slopes, { extrapolation: "periodic" })
        .extrema()
        .extrema.map((e) => e.at),
    ).toEqual([0, 1, 2]);
    expect(
      make([0, 1, 2], slopes, { extrapolation: "linear" })
        .extrema()
        .extrema.map((e) => e.at),
    ).toEqual([1]);
    const mirrored = make([0, 1], [[0, 1]], { extrapolation: { left: [0, -1], right: [1, -1] } });
    expect(mirrored.extrema().extrema.map((e) => [e.at, e.kind])).toEqual([
      [0, "minimum"],
      [1, "maximum"],
    ]);
  });

  test("a large constant has no extrema in its rounding", () => {
    const constant = new PiecewisePolynomial([0, 1, 2], [Array(6).fill(350.1), Array(4).fill(350.1)]);
    expect(constant.extrema()).toEqual({ extrema: [], flat: [[0, 2]] });
  });

  test("between two extrema of a spline lies no third: its values rise and fall in turns", () => {
    const x = Array.from({ length: 23 }, (_, i) => i + 0.3 * Math.sin(i * i));
    const s = interpolateCubic(
      x,
      x.map((t) => 300 + Math.sin(3 * t * t)),
    );
    const { extrema, flat } = s.extrema();
    expect(flat).toEqual([]);
    expect(extrema.length).toBeGreaterThan(10);
    extrema.forEach((e, i) => {
      if (i === 0) return;
      const p = extrema[i - 1];
      expect(e.kind).not.toBe(p.kind);
      const t = Array.from({ length: 19 }, (_, k) => p.at + ((k + 0.5) / 19) * (e.at - p.at));
      const values = [p.value, ...s.evaluate(t), e.value];
      for (let k = 1; k < values.length; k++)
        expect(Math.sign(values[k] - values[k - 1])).toBe(e.kind === "maximum" ? 1 : -1);
    });
  });

  test("bad options are refused in its own name", () => {
    expect(() => make([0, 1], [[1]]).extrema({ from: Number.NEGATIVE_INFINITY })).toThrow(
      "extrema: expected from finite",
    );
    expect(() => make([0, 1], [[1]]).extrema({ form: 1 } as object)).toThrow("extrema: expected options among");
  });
});
