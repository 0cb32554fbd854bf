/** Whether pieces meet smoothly is read against the noise of the reading: a curve may be small beside it. */
import { restrictToLine } from "@splineformer/analysis";
import { encoderFromSpline } from "@splineformer/compiler";
import { interpolateCubic, PiecewisePolynomial } from "@splineformer/spline";
import { tensor } from "@splineformer/tensor";
import { expect, it } from "vitest";

const knots = Array.from({ length: 23 }, (_, i) => i);
const at = (x: number) => tensor([[x]], { dtype: "float64" });

it.each([
  ["a step, flat but for ripples of 1e-7 and less", (i: number) => (i < 11 ? 0 : 1)],
  ["a single spike", (i: number) => (i === 11 ? 1 : 0)],
  ["an exponential, nine orders of magnitude", (i: number) => Math.exp(i)],
])("%s is C² at every knot of a compiled cubic spline", (_, f) => {
  const s = interpolateCubic(knots, knots.map(f), { boundary: "natural", extrapolation: "linear" });
  const path = restrictToLine(encoderFromSpline(s), at(-1), at(23));
  expect(path.flat).toEqual([]);
  expect(path.coordinate(0, 0).smoothness()).toEqual(knots.map(() => 2));
});

it("a kink of 1e-9 that rounding does not explain stays a kink", () => {
  const bent = new PiecewisePolynomial([0, 1, 2], [[1, 1], [1, 1 + 1e-9]], { extrapolation: "linear" }); // biome-ignore format: a table
  const path = restrictToLine(encoderFromSpline(bent), at(0.5), at(1.5));
  expect(path.noise).toBeLessThan(1e-12);
  expect(path.coordinate(0, 0).smoothness()).toEqual([0]);
});
