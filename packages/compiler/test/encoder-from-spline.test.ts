import { PiecewisePolynomial } from "@splineformer/spline";
import {
  forward,
  parametersOf,
  type Random,
  reference,
  reference32,
  sizeOf,
  type Tensor,
  tensor,
  toNested,
  UnsupportedError,
} from "@splineformer/tensor";
import { loadSafetensors, saveSafetensors } from "@splineformer/transformer";
import { describe, expect, test } from "vitest";
import { encoderFromSpline, type SplineForm } from "../src/index.ts";
import { pointsOf, relativeError, roughSpline, smoothSpline } from "./splines.ts";

const forms = ["block", "attention", "tokens"] as const;
const at = (network: ReturnType<typeof encoderFromSpline>, x: number): number =>
  forward(network, tensor([[x]], { dtype: "float64" })).data[0];

describe.each(forms)("form %s, by hand", (form) => {
  test("|x| is two tails at one knot, here with a second knot on the right tail", () => {
    const s = PiecewisePolynomial.fromCoefficients([0, 1], [[0, 1]], {
      extrapolation: { left: [0, -1], right: [1, 1] },
    });
    const network = encoderFromSpline(s, { form });
    for (const x of [-1e6, -3, -1, -0.25, 0, 0.25, 1, 3, 1e6]) expect(at(network, x)).toBe(Math.abs(x));
  });

  test("the hat function on −1, 0, 1 is exactly 0 outside", () => {
    const hat = [
      [0, 1],
      [1, -1],
    ];
    const s = PiecewisePolynomial.fromCoefficients([-1, 0, 1], hat, { extrapolation: "constant" });
    const network = encoderFromSpline(s, { form });
    for (const x of [-1e6, -2, -1, 1, 2, 1e6]) expect(at(network, x)).toBe(0);
    // the mean over five tokens, times five, may round
    for (const x of [-0.75, -0.5, 0, 0.25, 0.875]) expect(at(network, x)).toBeCloseTo(1 - Math.abs(x), 15);
  });

  test("one cubic bump x(1 − x)(x + 2) between two flat tails", () => {
    const s = PiecewisePolynomial.fromCoefficients([0, 1], [[0, 2, -1, -1]], {
      extrapolation: { left: [0], right: [0] },
    });
    const network = encoderFromSpline(s, { form });
    for (const x of [-1e6, -1, 0, 1, 2, 1e6]) expect(at(network, x)).toBeCloseTo(0, 15);
    for (const x of [0.25, 0.5, 0.875]) expect(at(network, x)).toBeCloseTo(x * (1 - x) * (x + 2), 15);
  });
});

describe("a spline is compiled to the last few bits", () => {
  const even = (): number => 1;
  const splines = {
    natural: smoothSpline(24, 1, (r) => 0.5 + r.number()),
    clamped: smoothSpline(23, 2, (r) => 0.5 + r.number(), "clamped"),
    "not-a-knot": smoothSpline(29, 3, (r) => 0.5 + r.number(), "not-a-knot"),
    "rough, 2 knots": roughSpline(2, 1),
    "rough, 3 knots": roughSpline(3, 2, even, -1),
    "rough, 31 uneven knots": roughSpline(31, 3, (r) => 0.5 + r.number(), -7),
  };
  describe.each(forms)("form %s", (form) => {
    test.each(Object.entries(splines))("%s", (_, s) => {
      const points = pointsOf(s, 211);
      expect(relativeError(encoderFromSpline(s, { form }), s, points, reference)).toBeLessThan(1e-13);
      expect(relativeError(encoderFromSpline(s, { form, dtype: "float32" }), s, points, reference32)).toBeLessThan(
        1e-5,
      );
    });
  });
});

test("24 knots become 23 heads of width 1 and 24 hidden units on a residual stream of width 2", () => {
  const { config } = encoderFromSpline(smoothSpline(24, 1, () => 1));
  expect(config).toMatchObject({ layers: 1, heads: 23, headWidth: 1, hidden: 24, width: 2 });
  expect(config.attention).toMatchObject({ activation: "relu", divide: "none", scale: 1 });
});

test("from 64 intervals on, a hidden unit at every third knot and a head over the three intervals between", () => {
  const shape = (knots: number, gap = (_: Random) => 1): number[] => {
    const { config } = encoderFromSpline(smoothSpline(knots, 1, gap));
    return [config.heads, config.hidden, config.width];
  };
  expect(shape(64)).toEqual([63, 64, 2]);
  expect(shape(65)).toEqual([64 + 21, 23, 2]);
  expect(shape(66)).toEqual([65 + 22, 23, 2]);
  expect(shape(67)).toEqual([66 + 22, 23, 2]);
  expect(shape(256)).toEqual([255 + 85, 86, 2]);
  // where neighbouring gaps are too uneven for one head, hidden units stay
  let i = 0;
  expect(shape(68, () => (++i % 2 ? 1 : 100))).toEqual([67, 68, 2]);
});

test("the knots can be read off the weights of heads and units, as −bias/weight in the frame of the input map", () => {
  const s = smoothSpline(24, 1, (r) => 0.1 + r.number(), "natural", 1958);
  const { parameters } = encoderFromSpline(s);
  const { attention, feedForward } = parameters.blocks[0];
  const [scale, centre] = [parameters.input?.weight.data[0] ?? 0, parameters.input?.bias?.data[0] ?? 0];
  const roots = ({ weight, bias }: { weight: Tensor; bias?: Tensor }): number[] =>
    Array.from(bias?.data ?? [], (b, i) => (-b / weight.data[i] - centre) / scale);
  const knots = Array.from(s.breakpoints);
  expect(roots(attention.query)).toEqual(knots.slice(0, -1));
  expect(roots(attention.key)).toEqual(knots.slice(1));
  expect(roots(feedForward?.expand as never).sort((a, b) => a - b)).toEqual(knots);
});

test("every token is mapped by itself, and leading axes are batch", () => {
  const network = encoderFromSpline(roughSpline(5, 4));
  const x = [-1, 0.5, 2, 3.25, 7];
  const column = toNested(forward(network, tensor(x.map((v) => [v])))) as number[][];
  const batch = toNested(forward(network, tensor(x.map((v) => [[v]])))) as number[][][];
  expect(column.map(([y]) => y)).toEqual(batch.map(([[y]]) => y));
  expect(column.map(([y]) => y)).toEqual(x.map((v) => at(network, v)));
});

test.each(forms)("form %s survives being saved and loaded, to the last bit", (form) => {
  const s = roughSpline(7, 5);
  const x = tensor(pointsOf(s, 31).map((v) => [[v]]));
  for (const dtype of ["float64", "float32"] as const) {
    const network = encoderFromSpline(s, { form, dtype });
    const loaded = loadSafetensors(saveSafetensors(network)) as typeof network;
    expect(loaded.config).toEqual(network.config);
    expect(forward(loaded, x)).toEqual(forward(network, x));
  }
});

test("the forms have the sizes they are said to have", () => {
  const s = smoothSpline(24, 1, () => 1);
  const size = (form: SplineForm): object => {
    const network = encoderFromSpline(s, { form });
    const numbers = Object.values(parametersOf(network)).reduce((sum, x) => sum + sizeOf(x.shape), 0);
    const { heads, hidden, tokens, width } = network.config;
    return { heads, hidden, tokens, width, numbers };
  };
  expect(size("block")).toEqual({ heads: 23, hidden: 24, tokens: "given", width: 2, numbers: 384 });
  expect(size("attention")).toEqual({ heads: 47, hidden: 0, tokens: "given", width: 2, numbers: 526 });
  expect(size("tokens")).toEqual({ heads: 1, hidden: 0, tokens: 47, width: 5, numbers: 739 });
});

describe("what is no continuous cubic with linear tails is refused by name", () => {
  const pieces = (coefficients: number[][], extrapolation: object | string = "linear"): PiecewisePolynomial =>
    PiecewisePolynomial.fromCoefficients(coefficients.map((_, i) => i).concat(coefficients.length), coefficients, {
      extrapolation: extrapolation as "linear",
    });
  const refusal = (s: unknown): unknown => {
    try {
      return encoderFromSpline(s as PiecewisePolynomial);
    } catch (error) {
      return error;
    }
  };

  test.each([
    ["degree 4", pieces([[0, 0, 0, 0, 1]]), "pieces of degree ≤ 3, got degree 4"],
    ["a jump inside", pieces([[0, 1], [1.5]]), "a continuous spline, got a jump of 0.5 at knot 1, x = 1"],
    [
      "a jump to a tail",
      pieces([[1, 1]], { left: [-1, 1], right: [2] }),
      "a continuous spline, got a jump of 2 at knot 0, x = 0",
    ],
    [
      "a jump at the last knot",
      pieces([[1, 1]], { left: [1], right: [0, 3] }),
      "a continuous spline, got a jump of -2 at knot 1, x = 1",
    ],
    ["no tails", pieces([[0, 1]], "none"), 'linear tails, got extrapolation "none"'],
    ["periodic", pieces([[0]], "periodic"), 'linear tails, got extrapolation "periodic"'],
    ["tails that go on as cubics", pieces([[0, 0, 0, 1]], "polynomial"), "linear tails, got a left tail of degree 3"],
    [
      "a quadratic tail",
      pieces([[0, 1]], { left: [0], right: [1, 0, 2] }),
      "linear tails, got a right tail of degree 2",
    ],
  ])("%s", (_, s, message) => {
    const error = refusal(s);
    expect(error).toBeInstanceOf(UnsupportedError);
    expect((error as Error).message).toBe(`encoderFromSpline: expected ${message}`);
  });

  test("what is no spline", () => {
    for (const [s, got] of [
      [undefined, "undefined"],
      [7, "7"],
      [[1, 2], "[1, 2]"],
      [Math.sin, "a function"],
    ] as const)
      expect(refusal(s)).toEqual(
        new RangeError(`encoderFromSpline: expected a PiecewisePolynomial of @splineformer/spline, got ${got}`),
      );
  });

  test("numbers that are not finite, and fewer than two knots, which a PiecewisePolynomial refuses before", () => {
    const s = pieces([[0, 1]]);
    expect(refusal({ ...s, smoothness: () => [], breakpoints: Float64Array.of(1) })).toEqual(
      new RangeError("encoderFromSpline: expected at least 2 knots, got 1"),
    );
    expect(refusal({ ...s, smoothness: () => [], values: Float64Array.of(0, Number.NaN) })).toEqual(
      new RangeError("encoderFromSpline: expected finite values, got NaN"),
    );
    expect(() => pieces([[0, Number.POSITIVE_INFINITY]])).toThrow(RangeError);
    expect(() => PiecewisePolynomial.fromCoefficients([1], [])).toThrow("at least 2 numbers");
  });

  test("unknown options", () => {
    const s = pieces([[0, 1]]);
    const call = (options: object) => (): unknown => encoderFromSpline(s, options);
    expect(call({ form: "blocks" })).toThrow(
      new RangeError('encoderFromSpline: expected form one of "block", "attention", "tokens", got "blocks"'),
    );
    expect(call({ dtype: "float16" })).toThrow(
      new RangeError('encoderFromSpline: expected dtype "float32" or "float64", got "float16"'),
    );
    expect(call({ shape: "block" })).toThrow(
      new RangeError('encoderFromSpline: expected options form, dtype, got "shape"'),
    );
  });

  test("what float32 cannot hold: knots that round to one number, or weights that overflow", () => {
    const s = PiecewisePolynomial.fromCoefficients([1, 1 + 2 ** -30, 8], [[0, 1], [2 ** -30]], {
      extrapolation: "linear",
    });
    expect(encoderFromSpline(s).config.dtype).toBe("float64");
    expect(() => encoderFromSpline(s, { dtype: "float32" })).toThrow(
      new RangeError(`encoderFromSpline: expected knots that float32 can tell apart, got [1, ${1 + 2 ** -30}]`),
    );
    expect(() => encoderFromSpline(pieces([[1e39, 0, 1]]), { dtype: "float32" })).toThrow(
      "encoderFromSpline: expected a spline whose weights stay finite in float32, got Infinity",
    );
  });
});
