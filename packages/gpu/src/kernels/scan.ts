/**
 * @file The running softmax average by doubling: after the step of width 1, 2, 4, … row k knows the rows k − 2·width + 1
 * to k, so log₂ n steps do what a loop does in n, and rounding errors grow as slowly.
 *
 * Of rows seen so far: maximum m, total u = Σ e^(s − m), average w = Σ e^(s − m) v. Two stretches join by the larger m.
 *
 * @source arXiv 2405.13956, section 3.2
 */

import { decay } from "./decay.ts";
import { type Kernel, quotient } from "./kernel.ts";

/** Which row of its sequence a thread is at, and where the stretch before it ends. */
const place = `const row = r - quotient(r, n) * n;
  const before = r - width;`;

export const scanMaximum: Kernel = {
  name: "scan maximum",
  functions: [quotient],
  source: `function (maxima, n, width) {
  const r = this.thread.x + 0.0;
  ${place}
  let m = maxima[r];
  if (row >= width) { const other = maxima[before]; if (other > m) { m = other; } }
  return m;
}`,
};

/** `next` are the maxima after this step. */
export const scanTotal: Kernel = {
  name: "scan total",
  functions: [quotient, decay],
  source: `function (totals, maxima, next, n, width) {
  const r = this.thread.x + 0.0;
  ${place}
  let u = totals[r] * decay(next[r] - maxima[r]);
  if (row >= width) { u = u + totals[before] * decay(next[r] - maxima[before]); }
  return u;
}`,
};

export const scanAverage: Kernel = {
  name: "scan average",
  functions: [quotient, decay],
  source: `function (averages, maxima, next, n, width, d) {
  const i = this.thread.x;
  const r = quotient(i, d);
  ${place}
  let w = averages[i] * decay(next[r] - maxima[r]);
  if (row >= width) { w = w + averages[i - width * d] * decay(next[r] - maxima[before]); }
  return w;
}`,
};

export const divideRows: Kernel = {
  name: "divide rows",
  functions: [quotient],
  source: `function (x, divisors, d) {
  const i = this.thread.x;
  return x[i] / divisors[quotient(i, d)];
}`,
};

/** What the totals start from: every row has seen itself, with weight 1. */
export const ones: Kernel = {
  name: "ones",
  functions: [],
  source: "function () { return 1.0; }",
};
