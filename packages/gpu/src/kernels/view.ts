/**
 * @file A tensor seen through other strides: what copies, splits heads, slices and repeats have in common.
 */
import { type Kernel, quotient, splitFour } from "./kernel.ts";

/** out[i3, i2, i1, i0] = x[offset + i3 s3 + i2 s2 + i1 s1 + i0 s0] */
export const view: Kernel = {
  name: "view",
  functions: [quotient],
  source: `function (x, l2, l1, l0, s3, s2, s1, s0, offset) {
  ${splitFour}
  return x[offset + i3 * s3 + i2 * s2 + i1 * s1 + i0 * s0];
}`,
};

/** The same numbers: how a tensor gets on the device, and back. */
export const copy: Kernel = {
  name: "copy",
  functions: [],
  source: "function (x) { return x[this.thread.x]; }",
};
