/**
 * @file How the rows of values are cut within a level. All intervals that are walked at once are *cells*. A row that has
 * not been cut is a polynomial on the whole cell, and is kept in the *base*, a block of cells. Where a row is cut, its
 * parts are *patches*, items of a block of their own, and what the base holds there has no meaning.
 *
 * Every gate that cuts makes a new *version* of the partition; values made before know the version they belong to, and are
 * refined when they are needed. Letters: u ∈ [−1, 1] a place in a cell.
 */
import { type Block, emptyBlock, measure, partValues } from "./blocks.ts";
import type { Memory } from "./memory.ts";
import type { Cut } from "./sign-changes.ts";
import type { Patterns } from "./walk.ts";

/** An interval of the line on which all rows of what enters a level are polynomials. */
export interface Cell {
  readonly from: Cut;
  readonly to: Cut;
  /** Which piece every gate of the levels before is in. */
  readonly patterns: Patterns;
  /** Coefficients are at rounding level below so many times the noise. */
  readonly slack: number;
}

/** A part of a row in a cell. */
export interface Patch {
  readonly cell: number;
  readonly row: number;
  /** Its ends, as places in the cell. */
  readonly from: Cut;
  readonly to: Cut;
  /** The patch of the version before that it is a part of; −1 where that was the base. */
  readonly parent: number;
  /** Which part. */
  readonly lo: number;
  readonly hi: number;
}

export interface Version {
  readonly rows: number;
  readonly patches: readonly Patch[];
  /** For every row of every cell, [cells, rows], its patches in order; undefined where the base holds. */
  readonly at: readonly (readonly number[] | undefined)[];
}

/** Polynomials on all cells and patches of a version. */
export interface Value {
  readonly version: number;
  readonly base: Block;
  readonly patches: Block;
}

/** The partition of uncut cells. */
export const uncut = (cells: number, rows: number): Version => ({
  rows,
  patches: [],
  at: new Array<undefined>(cells * rows).fill(undefined),
});

export function versionOf(rows: number, cells: number, patches: readonly Patch[]): Version {
  const at = new Array<number[] | undefined>(cells * rows).fill(undefined);
  patches.forEach(({ cell, row }, i) => {
    const place = cell * rows + row;
    const list = at[place];
    if (list) list.push(i);
    else at[place] = [i];
  });
  return { rows, patches, at };
}

/** The patch of a row that holds a place of the cell; −1 for the base. */
export function patchAt({ rows, patches, at }: Version, cell: number, row: number, place: number): number {
  const list = at[cell * rows + row];
  if (!list) return -1;
  let lo = 0;
  let hi = list.length - 1;
  while (lo < hi) {
    const middle = (lo + hi) >> 1;
    if (place < patches[list[middle]].to.at) hi = middle;
    else lo = middle + 1;
  }
  return list[lo];
}

/**
 * A value by the patches of a later version.
 *
 * @param entries - where the entries of each row are in the base
 * @param degree - of the patches; by default their own
 */
export function refine(
  memory: Memory,
  value: Value,
  versions: readonly Version[],
  version: number,
  entries: (row: number) => Int32Array,
  degree?: number,
): Value {
  let current = value;
  for (let v = value.version + 1; v <= version; v++) {
    const last = v === version && degree !== undefined ? degree : current.base.nodes - 1;
    current = { version: v, base: current.base, patches: refined(memory, current, versions[v], entries, last) };
  }
  return current;
}

function refined(
  memory: Memory,
  { base, patches }: Value,
  { rows, patches: parts }: Version,
  entries: (row: number) => Int32Array,
  degree: number,
): Block {
  const columns = base.columns / rows;
  const rowsOf = degree + 1 + base.rows - base.nodes;
  const to = emptyBlock(memory, parts.length, degree + 1, columns, rowsOf);
  parts.forEach(({ cell, row, parent, lo, hi }, i) => {
    const chosen = parent < 0 && rows > 1 ? entries(row) : undefined;
    const source = parent < 0 ? base : patches;
    const item = parent < 0 ? cell : parent;
    const mark = memory.mark();
    to.data.set(partValues(memory, source, { item, lo, hi }, degree + 1, rowsOf, chosen), i * rowsOf * columns);
    memory.release(mark);
    const start = item * source.columns;
    for (let k = 0; k < columns; k++)
      to.deviation[i * columns + k] = source.deviation[start + (chosen ? chosen[k] : k)];
  });
  measure(to);
  return to;
}

/** A value without patches. */
export const wholeValue = (memory: Memory, base: Block, rows: number): Value => ({
  version: 0,
  base,
  patches: emptyBlock(memory, 0, base.nodes, base.columns / rows, base.rows),
});
