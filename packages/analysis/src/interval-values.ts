/**
 * @file A node's value on an interval: a tensor with one more leading axis, its values at the Chebyshev–Lobatto nodes of the
 * interval. By the batch law every operation that is not a gate then is the ordinary operation. Beside the values goes
 * an estimate of what rounding has done to them, so that signs are decided against noise and not against hope.
 */
import { resampleMatrix, transformColumns } from "@splineformer/spline";
import type { Shape, Tensor } from "@splineformer/tensor";
import { doubt, rounding } from "./noise.ts";

/** A polynomial on an interval. */
export interface IntervalValue {
  /** [nodes, …shape], float64. */
  readonly values: Tensor<"float64">;
  /** The standard deviation of each entry's rounding error; of the node's own shape. */
  readonly deviation: Float64Array;
  /** The largest |value| of every entry over the nodes. */
  readonly size: Float64Array;
}

const nodesOf = ({ values }: IntervalValue): number => values.shape[0];

/** A block of node values under a node's shape. */
export const block = (data: Float64Array, nodes: number, shape: Shape): Tensor<"float64"> => ({
  dtype: "float64",
  shape: [nodes, ...shape],
  data,
});

/** The straight line between two tensors of numbers, by its values at the nodes of [a, b]. */
export function lineValue(from: Tensor, to: Tensor, a: number, b: number): IntervalValue {
  const columns = from.data.length;
  const data = new Float64Array(2 * columns);
  const deviation = new Float64Array(columns);
  const size = new Float64Array(columns);
  for (let k = 0; k < columns; k++) {
    // both ends exactly where the path starts and stops
    data[k] = (1 - a) * from.data[k] + a * to.data[k];
    data[columns + k] = (1 - b) * from.data[k] + b * to.data[k];
    size[k] = Math.max(Math.abs(data[k]), Math.abs(data[columns + k]));
    deviation[k] = rounding(size[k]);
  }
  return { values: block(data, 2, from.shape), deviation, size };
}

/** The same polynomial on a part [lo, hi] of [−1, 1], by the nodes of a degree; its own by default. */
export function restrict(value: IntervalValue, lo: number, hi: number, degree = nodesOf(value) - 1): IntervalValue {
  if (lo === -1 && hi === 1) return raise(value, degree);
  const own = nodesOf(value) - 1;
  if (own === 0) return raise(value, degree);
  const values = resampled(value, resampleMatrix(own, degree, lo, hi));
  return { values, deviation: value.deviation, size: largest(values.data, value.size.length) };
}

/** The same polynomial by more nodes. */
export function raise(value: IntervalValue, degree: number): IntervalValue {
  const own = nodesOf(value) - 1;
  return own === degree ? value : { ...value, values: resampled(value, resampleMatrix(own, degree)) };
}

function resampled(value: IntervalValue, matrix: Float64Array): Tensor<"float64"> {
  const columns = value.deviation.length;
  const nodes = matrix.length / nodesOf(value);
  const data = columns === 0 ? new Float64Array(0) : transformColumns(matrix, value.values.data, columns);
  return block(data, nodes, value.values.shape.slice(1));
}

/** The largest |value| of every column over the nodes; all of it NaN if one of them is no finite number. */
export function largest(data: Float64Array, columns: number): Float64Array {
  const size = new Float64Array(columns);
  let total = 0;
  for (let at = 0; at < data.length; at += columns)
    for (let k = 0; k < columns; k++) {
      const v = Math.abs(data[at + k]);
      total += v;
      if (v > size[k]) size[k] = v;
    }
  // comparisons pass over NaN, sums do not
  if (!(total < Number.POSITIVE_INFINITY) && data.some((v) => !Number.isFinite(v))) size.fill(Number.NaN);
  return size;
}

/** What counts as rounding in each entry: `doubt` standard deviations. */
export const noiseOf = ({ deviation }: IntervalValue): Float64Array => deviation.map((e) => doubt * e);
