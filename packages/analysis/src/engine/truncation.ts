/**
 * @file Whether values at the nodes are enough: a polynomial of higher degree is well read between them once its Chebyshev
 * coefficients have fallen to rounding level. The last two are looked at, since an even or odd polynomial lacks every other;
 * and the value at the witness, since few nodes see a wave as a slower one.
 */
import { barycentricRow, coefficientMatrix } from "@splineformer/spline";
import { type Block, witness } from "./blocks.ts";
import type { Memory } from "./memory.ts";
import { doubt } from "./noise.ts";

/** By item, in units of the noise. */
export interface Tails {
  /** The largest of the last two coefficients and the error at the witness. */
  readonly ratio: Float64Array;
  /** The largest of the two coefficients before the last. */
  readonly before: Float64Array;
  /** What part of its column's size the one is that gave the ratio. */
  readonly share: Float64Array;
}

/**
 * Looks at what the values leave out, and counts it as noise.
 *
 * @param valid - whether a column of an item has a meaning
 */
export function settle(memory: Memory, x: Block, valid: (item: number, column: number) => boolean): Tails {
  const { items, nodes, rows, columns, data, deviation } = x;
  const ratio = new Float64Array(items);
  const before = new Float64Array(items);
  const share = new Float64Array(items);
  const n = nodes - 1;
  const mark = memory.mark();
  const matrix = memory.take(4 * nodes);
  const coefficients = coefficientMatrix(n);
  for (let i = 0; i < 3; i++) {
    const k = Math.max(0, n - i);
    matrix.set(coefficients.subarray(k * nodes, (k + 1) * nodes), i * nodes);
  }
  matrix.set(barycentricRow(n, witness), 3 * nodes);
  const out = memory.take(4 * columns);
  for (let item = 0; item < items; item++) {
    memory.multiply(
      4,
      columns,
      nodes,
      { numbers: matrix, offset: 0, stride: nodes },
      false,
      { numbers: data, offset: item * rows * columns, stride: columns },
      false,
      { numbers: out, offset: 0, stride: columns },
    );
    const last = ((item + 1) * rows - 1) * columns;
    let most = 0;
    let other = 0;
    for (let c = 0; c < columns; c++) {
      const a = Math.abs(out[c]);
      const b = Math.abs(out[columns + c]);
      const error = rows > nodes ? Math.abs(out[3 * columns + c] - data[last + c]) : 0;
      const tail = Math.max(a, b, error);
      const at = item * columns + c;
      const noise = doubt * deviation[at];
      const earlier = Math.max(b, Math.abs(out[2 * columns + c]));
      if (tail > most * noise && valid(item, c)) {
        most = tail / noise;
        share[item] = tail / x.size[at];
      }
      if (earlier > other * noise && valid(item, c)) other = earlier / noise;
      const extra = tail / doubt;
      const square = deviation[at] * deviation[at] + extra * extra;
      deviation[at] = square > 2 ** -800 && square < 2 ** 800 ? Math.sqrt(square) : Math.max(deviation[at], extra);
    }
    ratio[item] = most;
    before[item] = other;
  }
  memory.release(mark);
  return { ratio, before, share };
}
