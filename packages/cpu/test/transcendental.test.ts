import { type Pointwise, pointwiseFunction, showActivation, tensor } from "@splineformer/tensor";
import { ulp } from "@splineformer/testing";
import { expect, test } from "vitest";
import { cpu } from "../src/index.ts";

/** A dense grid of float32 on [from, to]. */
const grid = (from: number, to: number): Float32Array =>
  Float32Array.from({ length: 100_003 }, (_, i) => from + ((to - from) * i) / 100_002);

/** The largest error in units in the last place of the result, where it is a normal number. */
function worst(activation: Pointwise, order: 0 | 1, from: number, to: number): number {
  const x = grid(from, to);
  const y = cpu.activate(tensor(x, [x.length]), { activation, order }).data;
  const f = pointwiseFunction(activation, order);
  let error = 0;
  for (let i = 0; i < x.length; i++) error = Math.max(error, Math.abs(y[i] - f(x[i])) / ulp(f(x[i]), "float32"));
  return error;
}

// the bounds are those that the sources state
const stated: readonly (readonly [Pointwise, 0 | 1, bound: number, from: number, to: number])[] = [
  ["sigmoid", 0, 0.51, -87, 87],
  ["sigmoid", 1, 0.51, -87, 87],
  ["tanh", 0, 1.5, -20, 20],
  ["tanh", 1, 0.51, -40, 40],
  ["softplus", 0, 2, -87, 87],
  ["softplus", 1, 0.51, -87, 87],
  [{ name: "softplus", beta: 8 }, 0, 2.5, -10, 10],
  ["squaredRelu", 0, 0.5, -3, 3],
  ["squaredRelu", 1, 0, -3, 3],
  ["relu", 1, 0, -3, 3],
];
for (const [activation, order, bound, from, to] of stated)
  test(`${order ? "the derivative of " : ""}${showActivation(activation)} is right to ${bound} ulp on [${from}, ${to}]`, () => {
    expect(worst(activation, order, from, to)).toBeLessThanOrEqual(bound);
  });

test("gelu is right to 3 ulp of max(|z|, 2⁻⁴), and its derivative to 0.6 ulp of 1", () => {
  const x = grid(-20, 20);
  const input = tensor(x, [x.length]);
  const y = cpu.activate(input, { activation: "gelu", order: 0 }).data;
  const slope = cpu.activate(input, { activation: "gelu", order: 1 }).data;
  const [f, g] = [pointwiseFunction("gelu", 0), pointwiseFunction("gelu", 1)];
  let error = 0;
  let slopeError = 0;
  for (let i = 0; i < x.length; i++) {
    error = Math.max(error, Math.abs(y[i] - f(x[i])) / ulp(Math.max(Math.abs(x[i]), 2 ** -4), "float32"));
    slopeError = Math.max(slopeError, Math.abs(slope[i] - g(x[i])) / ulp(1, "float32"));
  }
  expect(error).toBeLessThanOrEqual(3);
  expect(slopeError).toBeLessThanOrEqual(0.6);
});

test("softmax of a long row is right to 3 ulp where its weights are normal numbers", () => {
  const n = 4099;
  const z = grid(-80, 0).subarray(0, n * 20).filter((_, i) => i % 20 === 0); // biome-ignore format: one expression
  const weights = cpu.weigh(tensor(z, [1, n]), undefined, { activation: "softmax", mask: "none", order: 0, divide: "none" }).data; // biome-ignore format: one call
  const top = z.reduce((a, b) => Math.max(a, b));
  const exponentials = Array.from(z, (s) => Math.exp(s - top));
  const sum = exponentials.reduce((a, b) => a + b);
  // a sum of n positive numbers in float32 may be off by n/2 ulp in theory; here it is below 2
  for (let i = 0; i < n; i++) {
    const expected = exponentials[i] / sum;
    if (expected > 2 ** -126) expect(Math.abs(weights[i] - expected) / ulp(expected, "float32")).toBeLessThanOrEqual(3);
  }
});
