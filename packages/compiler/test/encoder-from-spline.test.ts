import { PiecewisePolynomial } from "@splineformer/spline";
import { forward, reference, reference32, type Tensor, tensor, toNested } from "@splineformer/tensor";
import { describe, expect, test } from "vitest";
import { encoderFromSpline } from "../src/index.ts";
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
