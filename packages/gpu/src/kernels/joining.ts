/**
 * @file Joining two tensors, and taking rows of one.
 */
import { type Kernel, quotient } from "./kernel.ts";

/** a [outer, aLength], b [outer, bLength] → [outer, aLength + bLength]. */
export const concat: Kernel = {
  name: "concat",
  functions: [quotient],
  source: `function (a, b, aLength, bLength) {
  const i = this.thread.x;
  const o = quotient(i, aLength + bLength);
  const at = i - o * (aLength + bLength);
  if (at < aLength) { return a[o * aLength + at]; }
  return b[o * bLength + at - aLength];
}`,
};

/** table [c, rows, d], indices [c, n] → [c, n, d]; each operand may repeat either of the two batch indices. */
export const gather: Kernel = {
  name: "gather",
  functions: [quotient],
  source: `function (table, indices, n, d, c0Length, table1, table0, list1, list0) {
  const i = this.thread.x;
  const p = quotient(i, d);
  const column = i - p * d;
  const c = quotient(p, n);
  const c1 = quotient(c, c0Length);
  const c0 = c - c1 * c0Length;
  const row = indices[c1 * list1 + c0 * list0 + p - c * n];
  return table[c1 * table1 + c0 * table0 + row * d + column];
}`,
};
