/**
 * @file Polynomials on many intervals at once: for each *item*, an interval, the values of some columns at its Chebyshev–
 * Lobatto nodes. By the batch law every operation that is not a gate then is the ordinary operation, on all items together.
 * Beside the values goes an estimate of what rounding has done to them, so that signs are decided against noise and not
 * against hope.
 */
import { barycentricRow, resampleMatrix } from "@splineformer/spline";
import type { Shape, Tensor } from "@splineformer/tensor";
import type { Memory } from "./memory.ts";
import { rounding } from "./noise.ts";

/**
 * [items, rows, columns]. There may be one more row than nodes: the values at the *witness*, a place between the nodes,
 * which tell whether the values at the nodes tell all.
 */
export interface Block {
  readonly items: number;
  readonly nodes: number;
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
  /** The standard deviation of each column's rounding error, [items, columns]. */
  readonly deviation: Float64Array;
  /** The largest |value| of every column over the nodes, [items, columns]. */
  readonly size: Float64Array;
}

/** A block to be written; sizes follow from the values. */
export const emptyBlock = (memory: Memory, items: number, nodes: number, columns: number, rows = nodes): Block => ({
  items,
  nodes,
  rows,
  columns,
  data: memory.take(items * rows * columns),
  deviation: memory.take(items * columns),
  size: memory.take(items * columns),
});

/** A block as a tensor under the shape of its items, with axes of length 1 where operands have more. */
export const asTensor = ({ items, rows, data }: Block, shape: Shape, rank = shape.length): Tensor<"float64"> => ({
  dtype: "float64",
  shape: [items, rows, ...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape],
  data,
});

/** The witness, as a place in [−1, 1]: no node of any degree that is used. */
export const witness = 0.3719;

/** Writes the largest |value| of every column over the rows; all of an item NaN if one of them is no finite number. */
export function measure({ items, rows, columns, data, size }: Block): void {
  for (let item = 0; item < items; item++) {
    const to = item * columns;
    const start = item * rows * columns;
    let total = 0;
    for (let k = 0; k < columns; k++) {
      const v = Math.abs(data[start + k]);
      total += v;
      size[to + k] = v;
    }
    for (let j = 1; j < rows; j++) {
      const from = start + j * columns;
      for (let k = 0; k < columns; k++) {
        const v = Math.abs(data[from + k]);
        total += v;
        if (v > size[to + k]) size[to + k] = v;
      }
    }
    // comparisons pass over NaN, sums do not
    if (!(total < Number.POSITIVE_INFINITY) && !data.subarray(start, start + rows * columns).every(Number.isFinite))
      size.fill(Number.NaN, to, to + columns);
  }
}

/** The straight line between two tensors of numbers, by its values at the two nodes of each interval. */
export function lineBlock(
  memory: Memory,
  from: Tensor,
  to: Tensor,
  intervals: readonly { readonly from: number; readonly to: number }[],
  withWitness: boolean,
): Block {
  const columns = from.data.length;
  const out = emptyBlock(memory, intervals.length, 2, columns, withWitness ? 3 : 2);
  const places = intervals.flatMap(({ from: a, to: b }) => [a, b, ...(withWitness ? [a + share * (b - a)] : [])]);
  places.forEach((t, i) => {
    // both ends exactly where the path starts and stops
    for (let k = 0; k < columns; k++) out.data[i * columns + k] = (1 - t) * from.data[k] + t * to.data[k];
  });
  measure(out);
  for (let k = 0; k < out.size.length; k++) out.deviation[k] = rounding(out.size[k]);
  return out;
}

const share = 0.5 * (witness + 1);

/** The same polynomials by the nodes of another degree. */
export function raise(memory: Memory, x: Block, degree: number): Block {
  if (x.nodes === degree + 1) return x;
  const { items, columns } = x;
  const rows = degree + 1 + x.rows - x.nodes;
  const data = memory.take(items * rows * columns);
  const matrix = memory.take(x.nodes * (degree + 1));
  matrix.set(resampleMatrix(x.nodes - 1, degree));
  for (let item = 0; item < items; item++) {
    resample(memory, matrix, degree + 1, x, item, data, item * rows * columns);
    if (rows === degree + 1) continue;
    const last = (item + 1) * x.rows * columns;
    data.set(x.data.subarray(last - columns, last), ((item + 1) * rows - 1) * columns);
  }
  return { ...x, nodes: degree + 1, rows, data };
}

/** Writes the matrix from an item's nodes to the rows of a part of it. */
function writeMatrix(
  to: Float64Array,
  at: number,
  x: Block,
  lo: number,
  hi: number,
  nodes: number,
  rows: number,
): void {
  to.set(resampleMatrix(x.nodes - 1, nodes - 1, lo, hi), at);
  if (rows > nodes) to.set(barycentricRow(x.nodes - 1, lo + share * (hi - lo)), at + nodes * x.nodes);
}

/** Writes a matrix times the nodes of an item. */
function resample(
  memory: Memory,
  matrix: Float64Array,
  count: number,
  { nodes, rows, columns, data }: Block,
  item: number,
  to: Float64Array,
  at: number,
): void {
  if (columns === 0) return;
  memory.multiply(
    count,
    columns,
    nodes,
    { numbers: matrix, offset: 0, stride: nodes },
    false,
    { numbers: data, offset: item * rows * columns, stride: columns },
    false,
    { numbers: to, offset: at, stride: columns },
  );
}

/** A part [lo, hi] of an item's interval [−1, 1]. */
export interface Part {
  readonly item: number;
  readonly lo: number;
  readonly hi: number;
}

/** Writes the polynomials on parts of their intervals to consecutive items of a block, from item `at` on. */
export function restrictTo(memory: Memory, to: Block, at: number, x: Block, parts: readonly Part[]): void {
  const { nodes, columns } = x;
  for (let p = 0; p < parts.length; ) {
    const { item } = parts[p];
    // parts of one item go through one product
    let next = p;
    for (; next < parts.length && parts[next].item === item; next++)
      to.deviation.set(x.deviation.subarray(item * columns, (item + 1) * columns), (at + next) * columns);
    const mark = memory.mark();
    const own = to.rows * nodes;
    const matrix = memory.take((next - p) * own);
    for (let q = p; q < next; q++) writeMatrix(matrix, (q - p) * own, x, parts[q].lo, parts[q].hi, to.nodes, to.rows);
    resample(memory, matrix, (next - p) * to.rows, x, item, to.data, (at + p) * to.rows * columns);
    memory.release(mark);
    p = next;
  }
}

/** Values of a part of one item at some nodes, and perhaps the witness: all its columns, or chosen ones. */
export function partValues(
  memory: Memory,
  x: Block,
  { item, lo, hi }: Part,
  nodes: number,
  rows: number,
  chosen?: Int32Array,
): Float64Array {
  let source = x;
  let at = item;
  if (chosen) {
    const columns = chosen.length;
    const data = memory.take(x.rows * columns);
    const start = item * x.rows * x.columns;
    for (let j = 0; j < x.rows; j++)
      for (let k = 0; k < columns; k++) data[j * columns + k] = x.data[start + j * x.columns + chosen[k]];
    source = { ...x, columns, data };
    at = 0;
  }
  const own = source.rows * source.columns;
  if (lo === -1 && hi === 1 && nodes === x.nodes && rows === x.rows)
    return source.data.subarray(at * own, (at + 1) * own);
  const matrix = memory.take(rows * x.nodes);
  writeMatrix(matrix, 0, x, lo, hi, nodes, rows);
  const out = memory.take(rows * source.columns);
  resample(memory, matrix, rows, source, at, out, 0);
  return out;
}

/** Consecutive items of a block. */
export function itemsOf(x: Block, from: number, to: number): Block {
  const { rows, columns } = x;
  if (from === 0 && to === x.items) return x;
  return {
    ...x,
    items: to - from,
    data: x.data.subarray(from * rows * columns, to * rows * columns),
    deviation: x.deviation.subarray(from * columns, to * columns),
    size: x.size.subarray(from * columns, to * columns),
  };
}
