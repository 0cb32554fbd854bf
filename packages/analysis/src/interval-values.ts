/**
 * @file A node's value on an interval: a tensor with one more leading axis, its values at the Chebyshev–Lobatto nodes of the
 * interval. By the batch law every operation that is not a gate then is the ordinary operation. Beside the values goes
 * an estimate of what rounding has done to them, so that signs are decided against noise and not against hope.
 */
import { resampleMatrix, transformColumns } from "@splineformer/spline";
import { type Shape, sizeOf, type Tensor, tensor } from "@splineformer/tensor";
import { doubt, unitRoundoff } from "./noise.ts";

/** A polynomial on an interval. */
export interface IntervalValue {
  /** [nodes, …shape], float64. */
  readonly values: Tensor<"float64">;
  /** The variance of each entry's rounding error; of the node's own shape. */
  readonly variance: Float64Array;
}

const nodesOf = ({ values }: IntervalValue): number => values.shape[0];

/** A block of node values under a node's shape. */
export const block = (data: Float64Array, shape: Shape): Tensor<"float64"> =>
  tensor(data, [data.length / sizeOf(shape), ...shape]);

/** The straight line between two tensors of numbers, by its values at the ends of [a, b]. */
export function lineValue(from: Tensor, to: Tensor, a: number, b: number): IntervalValue {
  const size = from.data.length;
  const data = new Float64Array(2 * size);
  const variance = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    // both ends exactly where the path starts and stops
    data[k] = (1 - a) * from.data[k] + a * to.data[k];
    data[size + k] = (1 - b) * from.data[k] + b * to.data[k];
    variance[k] = (unitRoundoff * Math.max(Math.abs(data[k]), Math.abs(data[size + k]))) ** 2;
  }
  return { values: block(data, from.shape), variance };
}

/** The same polynomial on a part [lo, hi] of [−1, 1]. */
export function restrict(value: IntervalValue, lo: number, hi: number): IntervalValue {
  const degree = nodesOf(value) - 1;
  return degree === 0 ? value : resampled(value, resampleMatrix(degree, degree, lo, hi));
}

/** The same polynomial by more nodes. */
export function raise(value: IntervalValue, degree: number): IntervalValue {
  const own = nodesOf(value) - 1;
  return own === degree ? value : resampled(value, resampleMatrix(own, degree));
}

function resampled({ values, variance }: IntervalValue, matrix: Float64Array): IntervalValue {
  const shape = values.shape.slice(1);
  return { values: block(transformColumns(matrix, values.data, variance.length), shape), variance };
}

/** The largest |value| of every entry over the nodes. */
export function magnitude({ values, variance }: IntervalValue): Float64Array {
  const size = new Float64Array(variance.length);
  for (let at = 0; at < values.data.length; at += size.length)
    for (let k = 0; k < size.length; k++) size[k] = Math.max(size[k], Math.abs(values.data[at + k]));
  return size;
}

/** What counts as rounding in each entry: `doubt` standard deviations. */
export const noiseOf = ({ variance }: IntervalValue): Float64Array => variance.map((v) => doubt * Math.sqrt(v));
