/**
 * @file Matrix products: plain, and with bias and activation in the same kernel.
 */
import type { Pointwise } from "@splineformer/tensor";
import { activationCode } from "./activation.ts";
import { type Kernel, quotient } from "./kernel.ts";

/**
 * out[c, row, column] = Σ_l a[c, row, l] b[c, l, column].
 *
 * Strides say which axis is which, so a transpose costs nothing. The batch index c is two indices c1, c0, of which
 * each operand may repeat either.
 */
export const matmul: Kernel = {
  name: "matmul",
  functions: [quotient],
  source: `function (a, b, m, n, k, c0Length, aBatch1, aBatch0, aRow, aInner, bBatch1, bBatch0, bInner, bColumn) {
  const i = this.thread.x;
  const p = quotient(i, n);
  const column = i - p * n;
  const c = quotient(p, m);
  const row = p - c * m;
  const c1 = quotient(c, c0Length);
  const c0 = c - c1 * c0Length;
  let at = c1 * aBatch1 + c0 * aBatch0 + row * aRow;
  let bt = c1 * bBatch1 + c0 * bBatch0 + column * bColumn;
  let total = 0.0;
  for (let l = 0; l < k; l++) {
    total = total + a[at] * b[bt];
    at = at + aInner;
    bt = bt + bInner;
  }
  return total;
}`,
};

/** f(x W + b): x [rows, k], W [k, n], b [n]. */
export function linear(activation: Pointwise, biased: boolean): Kernel {
  const { key, tables, operands, statements } = activationCode(activation, 0);
  return {
    name: `linear ${biased ? "with" : "without"} bias ${key}`,
    functions: [quotient],
    tables,
    source: `function (x, w${biased ? ", b" : ""}${operands}, n, k) {
  const i = this.thread.x;
  const row = quotient(i, n);
  const column = i - row * n;
  let at = row * k;
  let bt = column;
  let total = 0.0;
  for (let l = 0; l < k; l++) {
    total = total + x[at] * w[bt];
    at = at + 1;
    bt = bt + n;
  }
  ${biased ? "total = total + b[column];" : ""}
  const z = total;
  ${statements}
  return f;
}`,
  };
}

/**
 * scale · query · keyᵀ for every head, read where the projections left them: query [c, n, heads d], key
 * [c, m, groups d]; `share` heads read one group. Bias is added, with strides for c, head, query and key.
 */
export const scoreSource = (
  biased: boolean,
): { readonly operands: string; readonly scalars: string; readonly body: string } => ({
  operands: `query, key${biased ? ", bias" : ""}`,
  scalars: `heads, share, d, scale${biased ? ", bias3, bias2, bias1, bias0" : ""}`,
  body: `let at = ((o1 * q + i) * heads + o0) * d;
  let bt = ((o1 * k + j) * quotient(heads, share) + quotient(o0, share)) * d;
  let z = 0.0;
  for (let l = 0; l < d; l++) {
    z = z + query[at] * key[bt];
    at = at + 1;
    bt = bt + 1;
  }
  z = z * scale;
  ${biased ? "z = z + bias[o1 * bias3 + o0 * bias2 + i * bias1 + j * bias0];" : ""}`,
});

/** weights [c, heads, n, m] times value [c, m, groups e], merged to [c, n, heads e]; keys that a mask hides are skipped. */
export const values: Kernel = {
  name: "values",
  functions: [quotient],
  source: `function (weights, value, n, m, heads, share, e, causal, window) {
  const i = this.thread.x;
  const p = quotient(i, e);
  const column = i - p * e;
  const r = quotient(p, heads);
  const head = p - r * heads;
  const c = quotient(r, n);
  const row = r - c * n;
  let from = row + 1 - window;
  if (from < 0) { from = 0; }
  let to = m;
  if (causal > 0.5) { to = row + 1; }
  if (to > m) { to = m; }
  const width = quotient(heads, share) * e;
  let at = ((c * heads + head) * n + row) * m + from;
  let bt = (c * m + from) * width + quotient(head, share) * e + column;
  let total = 0.0;
  for (let j = from; j < to; j += 1) {
    total = total + weights[at] * value[bt];
    at = at + 1;
    bt = bt + width;
  }
  return total;
}`,
};
