/**
 * @file Operations on entries: sums and products that broadcast, factors, activations.
 */
import type { Pointwise } from "@splineformer/tensor";
import { activationCode } from "./activation.ts";
import { type Kernel, quotient, splitFour } from "./kernel.ts";

const binary = (name: string, operator: "+" | "*"): Kernel => ({
  name,
  functions: [quotient],
  source: `function (a, b, l2, l1, l0, a3, a2, a1, a0, b3, b2, b1, b0) {
  ${splitFour}
  return a[i3 * a3 + i2 * a2 + i1 * a1 + i0 * a0] ${operator} b[i3 * b3 + i2 * b2 + i1 * b1 + i0 * b0];
}`,
});

export const add = binary("add", "+");
export const multiply = binary("multiply", "*");

export const scale: Kernel = {
  name: "scale",
  functions: [],
  source: "function (x, factor) { return x[this.thread.x] * factor; }",
};

export function activate(activation: Pointwise, order: 0 | 1): Kernel {
  const { key, tables, operands, statements } = activationCode(activation, order);
  return {
    name: `activate ${key}`,
    functions: [],
    tables,
    source: `function (x${operands}) {
  const z = x[this.thread.x];
  ${statements}
  return f;
}`,
  };
}
