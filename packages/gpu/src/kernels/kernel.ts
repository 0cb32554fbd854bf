/**
 * @file What a kernel is: a string that gpu.js translates to WGSL, GLSL or WebAssembly.
 *
 * Kernels are strings because a minifier renames and rewrites functions, and gpu.js reads their source. Rules of the
 * language, each paid for: values are read by a flat index, which is a variable or a sum, not another value;
 * every number is a float32, whole numbers are exact below
 * 2²⁴; no `continue` (it skips the step of a loop whose bounds are arguments), no negative literals after a minus sign.
 */

/** A function that kernels call; every argument and the result is a number. */
export interface HelperFunction {
  readonly name: string;
  readonly source: string;
  readonly arguments: number;
}

/** Numbers that every call of a kernel needs, uploaded once for a device. */
export interface Table {
  readonly name: string;
  numbers(): Float32Array;
}

/** A kernel computes one entry of its output, at the flat index `this.thread.x`. */
export interface Kernel {
  /** Unique: compiled kernels are kept under it. */
  readonly name: string;
  readonly source: string;
  readonly functions: readonly HelperFunction[];
  /** Arguments after its operands and before its scalars. */
  readonly tables?: readonly Table[];
}

/** `⌊i / n⌋`, exact for whole 0 ≤ i < 2²⁴: a GPU's division may be off by a few units in the last place. */
export const quotient: HelperFunction = {
  name: "quotient",
  arguments: 2,
  source: `function quotient(i, n) {
  let q = Math.floor(i / n);
  const r = i - q * n;
  if (r < 0) { q = q - 1; }
  if (r >= n) { q = q + 1; }
  return q;
}`,
};

/** Splits the flat index into i3, i2, i1, i0 with lengths ·, l2, l1, l0. */
export const splitFour = `const i = this.thread.x;
  const p1 = quotient(i, l0);
  const i0 = i - p1 * l0;
  const p2 = quotient(p1, l1);
  const i1 = p1 - p2 * l1;
  const i3 = quotient(p2, l2);
  const i2 = p2 - i3 * l2;`;
