/**
 * @file Where chosen columns of a block cross a level, each judged on its own scale: certified roots, and what could not be
 * decided. Letters: z the values at the Chebyshev nodes of an interval, `z[node * columns + column]`.
 */
import { columnRoots, evaluateColumns } from "@splineformer/spline";

/** A place of [−1, 1] where a column's piece ends, and how far rounding may have moved it. */
export interface Cut {
  readonly at: number;
  readonly radius: number;
  /** No gate switches here: the line was only cut to be read in parts. */
  readonly soft?: true;
}

/** A cut, and whose it is. */
export interface ColumnCut extends Cut {
  readonly column: number;
}

/** A part of [−1, 1] where a column is too small to tell. */
export interface Undecided {
  readonly column: number;
  readonly from: number;
  readonly to: number;
}

/** A column to look at: where it crosses the level, given what rounding may have done to it. */
export interface Crossing {
  readonly column: number;
  readonly level: number;
  readonly noise: number;
}

/** What rounding does at least, relative to a column's own size. */
const tolerance = 2 ** -52;

/** Appends the sign changes of z − level, and what could not be decided. */
export function signChanges(
  z: Float64Array,
  columns: number,
  asked: readonly Crossing[],
  cuts: { push(cut: ColumnCut): unknown },
  undecided: Undecided[],
): void {
  const count = asked.length;
  if (count === 0) return;
  const nodes = z.length / columns;
  const packed = new Float64Array(nodes * count);
  const scale = new Float64Array(count);
  const silent = new Uint8Array(count);
  for (let q = 0; q < count; q++) {
    const { column, level, noise } = asked[q];
    let most = 0;
    for (let j = 0, at = column; j < nodes; j++, at += columns) {
      const v = z[at] - level;
      packed[j * count + q] = v;
      if (Math.abs(v) > most) most = Math.abs(v);
    }
    // every column to size 1, by a power of two: what is very large or very small has squares and sums that are no numbers
    const factor = most === 0 ? 1 : 2 ** -Math.max(Math.floor(Math.log2(most)), -1000);
    for (let j = 0; j < nodes; j++) packed[j * count + q] *= factor;
    // a noise that is no number leaves nothing to decide; without a floor a search would not end
    scale[q] = (noise >= 0 ? Math.min(noise * factor, 4) : 4) / tolerance;
    // exactly zero at every node is off, and no doubt about it
    silent[q] = most === 0 ? 1 : 0;
  }
  const roots = columnRoots(packed, count, { tolerance, scale });
  for (let i = 0; i < roots.at.length; i++) {
    const q = roots.column[i];
    const radius = radiusAt(packed, count, q, roots.at[i], scale[q] * tolerance);
    cuts.push({ column: asked[q].column, at: roots.at[i], radius });
  }
  for (const { column: q, from, to } of roots.flat)
    if (!silent[q]) undecided.push({ column: asked[q].column, from, to });
}

/** How far a value's error moves the root: error over slope, the slope as a difference over a small step. */
function radiusAt(block: Float64Array, columns: number, column: number, at: number, noise: number): number {
  const single = new Float64Array(block.length / columns);
  for (let j = 0; j < single.length; j++) single[j] = block[j * columns + column];
  const step = 2 ** -20;
  const lo = Math.max(-1, at - step);
  const hi = Math.min(1, at + step);
  const rise = Math.abs(evaluateColumns(single, 1, hi)[0] - evaluateColumns(single, 1, lo)[0]);
  return Math.min((noise * (hi - lo)) / Math.max(rise, Number.MIN_VALUE), step);
}
