/**
 * @file Whether values at the nodes are enough: a polynomial of higher degree is well read between them once its Chebyshev
 * coefficients have fallen to rounding level. The last two are looked at, since an even or odd polynomial lacks every other.
 */
import { coefficientMatrix } from "@splineformer/spline";
import type { IntervalValue } from "./interval-values.ts";
import { doubt, hypotenuse } from "./noise.ts";

/** The largest of the coefficients `last` and `last − 1` over the noise of its column; 0 where both are 0. */
export function tailRatio(value: IntervalValue, last = value.values.shape[0] - 1): number {
  let ratio = 0;
  const tail = tails(value, last);
  for (let c = 0; c < tail.length; c++)
    if (tail[c] > ratio * doubt * value.deviation[c]) ratio = tail[c] / (doubt * value.deviation[c]);
  return ratio;
}

/** The value with its last coefficients counted as noise: what lies beyond them is no larger. */
export function withTail(value: IntervalValue): IntervalValue {
  const tail = tails(value, value.values.shape[0] - 1);
  return { ...value, deviation: value.deviation.map((e, c) => hypotenuse(e, tail[c] / doubt)) };
}

/** |c_last| or |c_(last − 1)| of every column, whichever is larger. */
function tails({ values, size }: IntervalValue, last: number): Float64Array {
  const columns = size.length;
  const nodes = values.shape[0];
  const { data } = values;
  const matrix = coefficientMatrix(nodes - 1);
  const out = new Float64Array(columns);
  const sums = new Float64Array(columns);
  for (let k = Math.max(0, last - 1); k <= last; k++) {
    sums.fill(0);
    for (let j = 0; j < nodes; j++) {
      const factor = matrix[k * nodes + j];
      for (let c = 0; c < columns; c++) sums[c] += factor * data[j * columns + c];
    }
    for (let c = 0; c < columns; c++) out[c] = Math.max(out[c], Math.abs(sums[c]));
  }
  return out;
}
