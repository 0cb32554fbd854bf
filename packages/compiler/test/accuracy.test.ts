/**
 * Errors are relative to the spline's size: its largest value on the knots' range, and outside that plus the way times
 * its largest slope. Limits: 1e-12 in float64 and 1e-4 in float32 up to 256 knots are what the compiler promises.
 */
import { PiecewisePolynomial } from "@splineformer/spline";
import { type Random, reference, reference32 } from "@splineformer/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encoderFromSpline, type SplineForm } from "../src/index.ts";
import {
  jaggedSpline,
  largestValue,
  misses,
  pointsOf,
  relativeError,
  roughSpline,
  smoothSpline,
  steepest,
} from "./splines.ts";

const forms = ["block", "attention", "tokens"] as const;
const devices = { float64: reference, float32: reference32 } as const;
const promised = { float64: 1e-12, float32: 1e-4 } as const;
/** A score for every pair of tokens makes many tokens slow on the reference. */
const countFor = (form: SplineForm, knots: number): number => (form === "tokens" ? Math.ceil(3000 / knots) : 300);
const mild = (r: Random): number => 0.5 + r.number();
/** From 1e-3 to 10, as many of each size. */
const wild = (r: Random): number => 10 ** (-3 + 4 * r.number());

describe.each(forms)("form %s keeps what is promised", (form) => {
  test.each(["float64", "float32"] as const)("in %s for rough splines of 2 to 256 knots", (dtype) => {
    for (const [seed, knots] of [2, 3, 17, 67, 256].entries())
      for (const gap of [() => 1, mild]) {
        const s = roughSpline(knots, seed, gap, -knots / 3);
        const network = encoderFromSpline(s, { form, dtype });
        expect(relativeError(network, s, pointsOf(s, countFor(form, knots)), devices[dtype])).toBeLessThan(
          promised[dtype],
        );
      }
  });

  test.each(["natural", "clamped", "not-a-knot"] as const)(
    "for a %s spline through knots 1e-3 … 10 apart",
    (boundary) => {
      const s = smoothSpline(67, 3, wild, boundary);
      const points = pointsOf(s, countFor(form, 67));
      for (const dtype of ["float64", "float32"] as const) {
        const network = encoderFromSpline(s, { form, dtype });
        expect(relativeError(network, s, points, devices[dtype])).toBeLessThan(promised[dtype]);
      }
    },
  );

  test("for weights stored in float64 that run in float32", () => {
    const s = smoothSpline(24, 1, mild, "natural", 1958);
    expect(relativeError(encoderFromSpline(s, { form }), s, pointsOf(s, 300), reference32)).toBeLessThan(1e-4);
  });

  test("at x = ±10⁶, where only the tails are left", () => {
    for (let seed = 0; seed < 5; seed++) {
      const s = roughSpline(24, seed, mild, -3);
      for (const dtype of ["float64", "float32"] as const) {
        const network = encoderFromSpline(s, { form, dtype });
        expect(relativeError(network, s, [-1e6, 1e6], devices[dtype])).toBeLessThan(promised[dtype]);
      }
    }
  });

  test("for any C⁰ cubic", () => {
    const number = fc.double({ min: -8, max: 8, noNaN: true });
    const piece = fc.record({ gap: fc.double({ min: 0.25, max: 4, noNaN: true }), y: number, p: number, q: number });
    const spline = fc.record({
      from: fc.double({ min: -50, max: 50, noNaN: true }),
      y: number,
      tails: fc.tuple(number, number),
      pieces: fc.array(piece, { minLength: 1, maxLength: 12 }),
    });
    fc.assert(
      fc.property(spline, ({ from, y, tails, pieces }) => {
        const knots = [from];
        const values = [y];
        for (const { gap, y } of pieces) {
          knots.push(knots[knots.length - 1] + gap);
          values.push(y);
        }
        const nodes = pieces.map(({ p, q }, i) => {
          const [a, b] = [values[i], values[i + 1]];
          return [a, a + (b - a) / 4 + 0.75 * (p - q / 2), b - (b - a) / 4 + 0.75 * (p + q / 2), b];
        });
        const [left, right] = [
          [values[0], tails[0]],
          [values[values.length - 1], tails[1]],
        ];
        const s = new PiecewisePolynomial(knots, nodes, { extrapolation: { left, right } });
        const size = largestValue(s) + steepest(s);
        const network = encoderFromSpline(s, { form });
        // relative to value and slope together: 0 at all knots and a tail of slope 8 is a spline too
        for (const { error, x } of misses(network, s, pointsOf(s, 40), reference))
          expect(error).toBeLessThan(1e-13 * size * Math.max(1, Math.abs(x)));
      }),
      { seed: 11, numRuns: 100 },
    );
  });
});

const even = (): number => 1;
/** The largest gap is this many times the smallest, as many of each size. */
const uneven =
  (ratio: number) =>
  (r: Random): number =>
    ratio ** r.number();
/** How a spline's weights and its arithmetic may be stored. */
const storages = [
  ["float64", "float64"],
  ["float64", "float32"],
  ["float32", "float32"],
] as const;

describe.each(forms)("form %s at 256 knots keeps what is promised where slopes alternate", (form) => {
  test.each([
    ["signs by lot on a slow sine", jaggedSpline(256, 8, even, { value: (i, sign) => sign * Math.sin(i / 40) })],
    // not ±1: heights that are powers of two would round nothing
    ["signs by turns", jaggedSpline(256, 1, even, { value: (i) => (i % 2 ? -0.9 : 0.9) })],
    ["signs by lot", jaggedSpline(256, 2, even, { value: (_, sign) => 0.9 * sign })],
    ["signs by lot, at 10⁴", jaggedSpline(256, 2, even, { from: 1e4, value: (_, sign) => 0.9 * sign })],
    ["signs by lot, the largest gap 20 times the smallest", jaggedSpline(256, 10, uneven(20))],
  ])("%s", (_, s) => {
    // tokens are for splines near 0: see below
    if (form === "tokens" && s.breakpoints[0] > 0) return;
    for (const [dtype, arithmetic] of storages) {
      const error = relativeError(
        encoderFromSpline(s, { form, dtype }),
        s,
        pointsOf(s, form === "tokens" ? 12 : 500),
        devices[arithmetic],
      );
      expect(error, `weights in ${dtype}, run in ${arithmetic}`).toBeLessThan(promised[arithmetic]);
    }
  });
});

test("the block form is off by 8 roundings of its size and 4 of slope · range at most, whatever the gaps", () => {
  const oneTiny = (at: number): (() => number) => {
    let i = 0;
    return () => (++i === at ? 1e-3 : 1);
  };
  const mostlyEven = (r: Random): number => (r.number() < 0.1 ? 2e-3 : 1);
  for (const knots of [2, 3, 17, 64, 65, 131, 256])
    for (const [seed, gap] of [
      even,
      mild,
      uneven(20),
      uneven(1000),
      oneTiny(2),
      oneTiny(knots - 1),
      mostlyEven,
    ].entries())
      for (const s of [jaggedSpline(knots, seed, gap), smoothSpline(knots, seed, gap)])
        for (const [dtype, arithmetic] of storages) {
          const unit = arithmetic === "float64" ? 2 ** -53 : 2 ** -24;
          const moved = steepest(s) * (s.breakpoints[knots - 1] - s.breakpoints[0]);
          const points = pointsOf(s, 60 + Math.ceil(knots / 4), seed);
          for (const { error, size } of misses(encoderFromSpline(s, { dtype }), s, points, devices[arithmetic]))
            expect(error).toBeLessThan(unit * (8 * size + (4 * moved * size) / largestValue(s)));
        }
});

describe("large offsets", () => {
  test.each(["block", "attention"] as const)(
    "form %s loses nothing to them: years and 10⁶ are as good as 0",
    (form) => {
      for (const from of [1958, -2020, 1e6]) {
        const s = roughSpline(127, 2, mild, from);
        const points = pointsOf(s, 300);
        expect(relativeError(encoderFromSpline(s, { form }), s, points, reference)).toBeLessThan(1e-12);
        // at the x that float32 can hold
        expect(relativeError(encoderFromSpline(s, { form, dtype: "float32" }), s, points, reference32)).toBeLessThan(
          1e-4,
        );
      }
    },
  );

  test("but a year itself is rounded to 6e-5 in float32, and no network can know which year was meant", () => {
    const s = roughSpline(24, 2, mild, 1958);
    const x = 1970.3;
    const rounded = Math.fround(x);
    expect(Math.abs(x - rounded)).toBeGreaterThan(1e-6);
    expect(Math.abs(x - rounded)).toBeLessThanOrEqual(2 ** -14);
    const network = encoderFromSpline(s, { dtype: "float32" });
    const [{ error }] = misses(network, s, [x], reference32);
    expect(error).toBeLessThan(Math.abs(s.evaluate(x) - s.evaluate(rounded)));
  });

  test("tokens multiply x before the offset is gone, so they are as good as if x were rounded once more", () => {
    for (const from of [1958, 1e6]) {
      const s = roughSpline(24, 2, mild, from);
      for (const [dtype, unit] of [
        ["float64", 2 ** -53],
        ["float32", 2 ** -24],
      ] as const)
        for (const { x, error, size } of misses(
          encoderFromSpline(s, { form: "tokens", dtype }),
          s,
          pointsOf(s, 100),
          devices[dtype],
        ))
          expect(error).toBeLessThan(promised[dtype] * size + 2 * unit * Math.abs(x) * steepest(s));
    }
  });
});

test("values that leap within gaps of 1e-3 cost what rounding z costs: a few units of slope · range", () => {
  for (const form of forms)
    for (const [dtype, unit] of [
      ["float64", 2 ** -53],
      ["float32", 2 ** -24],
    ] as const) {
      const s = roughSpline(31, 4, wild);
      const range = s.breakpoints[30] - s.breakpoints[0];
      const network = encoderFromSpline(s, { form, dtype });
      for (const { error, size } of misses(network, s, pointsOf(s, 200), devices[dtype]))
        expect(error).toBeLessThan(8 * unit * (31 * size + steepest(s) * range));
    }
});
