/**
 * @file Sums, and rows brought to mean 0 and variance 1.
 */
import { type Kernel, quotient } from "./kernel.ts";

/**
 * x [outer, length, inner] → [outer, parts, inner]: sums of `chunk` entries each, the last of what is left.
 *
 * Long sums take several passes: one thread a sum would leave the GPU idle, and errors grow with the longest chain.
 */
export const sum: Kernel = {
  name: "sum",
  functions: [quotient],
  source: `function (x, length, inner, parts, chunk) {
  const i = this.thread.x;
  const p = quotient(i, inner);
  const column = i - p * inner;
  const o = quotient(p, parts);
  const from = (p - o * parts) * chunk;
  let to = from + chunk;
  if (to > length) { to = length; }
  let at = (o * length + from) * inner + column;
  let total = 0.0;
  for (let l = from; l < to; l += 1) {
    total = total + x[at];
    at = at + inner;
  }
  return total;
}`,
};

/** The mean of each row of d. */
export const mean: Kernel = {
  name: "mean",
  functions: [],
  source: `function (x, d) {
  let at = this.thread.x * d;
  let total = 0.0;
  for (let l = 0; l < d; l++) {
    total = total + x[at];
    at = at + 1;
  }
  return total / d;
}`,
};

/** √(mean square of x − mean, plus epsilon); two passes, since one loses everything to cancellation. */
export const deviation = (centred: boolean): Kernel => ({
  name: `deviation${centred ? " from the mean" : ""}`,
  functions: [],
  source: `function (x${centred ? ", means" : ""}, d, epsilon) {
  let at = this.thread.x * d;
  const middle = ${centred ? "means[this.thread.x]" : "0.0"};
  let total = 0.0;
  for (let l = 0; l < d; l++) {
    const y = x[at] - middle;
    total = total + y * y;
    at = at + 1;
  }
  return Math.sqrt(total / d + epsilon);
}`,
});

export const normalize = (centred: boolean): Kernel => ({
  name: `normalize${centred ? " centred" : ""}`,
  functions: [quotient],
  source: `function (x${centred ? ", means" : ""}, deviations, d) {
  const i = this.thread.x;
  const row = quotient(i, d);
  return (x[i]${centred ? " - means[row]" : ""}) / deviations[row];
}`,
});
