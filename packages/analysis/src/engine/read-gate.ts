/**
 * @file Where a gate cuts the rows of its input: every cell and patch is read, and what changes its pattern there is cut.
 */
import type { Applied } from "@splineformer/tensor";
import { type Block, itemsOf } from "./blocks.ts";
import type { Gate } from "./gate.ts";
import type { LineGraph } from "./line-graph.ts";
import { mergeCuts } from "./merge-cuts.ts";
import { doubt } from "./noise.ts";
import { type Cell, type Patch, type Value, type Version, versionOf } from "./partition.ts";
import { placeIn, spacing } from "./places.ts";
import type { ColumnCut, Cut } from "./sign-changes.ts";
import type { Flat } from "./walk.ts";

/** What a gate says of its input on all cells and patches. */
export function readGate(
  graph: LineGraph,
  node: Applied,
  cells: readonly Cell[],
  version: Version,
  z: Value,
  onFlat: (flat: Flat) => void,
): {
  readonly patterns: readonly Uint8Array[];
  readonly next: Version | undefined;
  /** The pattern of a patch of the next version, or of the same if there is none, that was not cut. */
  kept(patch: number): Uint8Array | undefined;
} {
  const { rows } = version;
  const whole = graph.gates[node.id] as Gate;
  const inner = node.shape.at(-1) ?? 1;
  const rowOf = (column: number): number => (rows === 1 ? 0 : Math.floor(column / inner) % rows);
  const patterns: Uint8Array[] = [];
  const next: Patch[] = [];
  const old: (Uint8Array | undefined)[] = [];
  let cut = false;

  const base: { cell: number; row: number; cuts: Cut[] }[] = [];
  for (let cell = 0; cell < cells.length; cell++) {
    const held = version.at.slice(cell * rows, (cell + 1) * rows);
    // nothing of the base is valid
    if (held.every((list) => list !== undefined)) {
      patterns.push(new Uint8Array(whole.columns));
      continue;
    }
    const { data, deviation } = itemsOf(z.base, cell, cell + 1);
    const reading = whole.read(nodeValues(data, z.base), noiseOf(deviation));
    patterns.push(reading.pattern);
    const { from, to } = cells[cell];
    for (const flat of reading.undecided)
      if (!held[rowOf(flat.column)])
        onFlat({
          from: placeIn(from.at, to.at, flat.from),
          to: placeIn(from.at, to.at, flat.to),
          node,
          entry: flat.column,
        });
    const half = 0.5 * (to.at - from.at);
    const ends = [
      { at: -1, radius: from.radius / half },
      { at: 1, radius: to.radius / half },
    ] as const;
    for (const [row, cuts] of grouped(reading.cuts, rowOf)) {
      if (held[row]) continue;
      const merged = mergeCuts(cuts, ...ends);
      if (merged.length > 0) base.push({ cell, row, cuts: [ends[0], ...merged, ends[1]] });
    }
  }
  version.patches.forEach((patch, i) => {
    const { data, deviation } = itemsOf(z.patches, i, i + 1);
    const reading = graph.rowGate(node, patch.row).read(nodeValues(data, z.patches), noiseOf(deviation));
    const { from, to } = cells[patch.cell];
    const half = 0.5 * (patch.to.at - patch.from.at);
    const inCell = (u: number): number => placeIn(patch.from.at, patch.to.at, u);
    const entries = reading.undecided.length > 0 ? graph.entries(node, patch.row) : undefined;
    for (const flat of reading.undecided)
      onFlat({
        from: placeIn(from.at, to.at, inCell(flat.from)),
        to: placeIn(from.at, to.at, inCell(flat.to)),
        node,
        entry: (entries as Int32Array)[flat.column],
      });
    const start = { at: -1, radius: patch.from.radius / half };
    const end = { at: 1, radius: patch.to.radius / half };
    const merged = reading.cuts.length > 0 ? mergeCuts(reading.cuts, start, end) : [];
    if (merged.length === 0) {
      next.push({ ...patch, parent: i, lo: -1, hi: 1 });
      old.push(reading.pattern);
      return;
    }
    cut = true;
    const places = [start, ...merged, end];
    for (let k = 1; k < places.length; k++) {
      const [lo, hi] = [places[k - 1], places[k]];
      next.push({
        cell: patch.cell,
        row: patch.row,
        from: k === 1 ? patch.from : { at: inCell(lo.at), radius: lo.radius * half + spacing },
        to: k === places.length - 1 ? patch.to : { at: inCell(hi.at), radius: hi.radius * half + spacing },
        parent: i,
        lo: lo.at,
        hi: hi.at,
      });
      old.push(undefined);
    }
  });
  for (const { cell, row, cuts } of base) {
    cut = true;
    for (let k = 1; k < cuts.length; k++)
      next.push({ cell, row, from: cuts[k - 1], to: cuts[k], parent: -1, lo: cuts[k - 1].at, hi: cuts[k].at });
  }
  return {
    patterns,
    next: cut ? versionOf(rows, cells.length, next) : undefined,
    kept: (patch) => old[patch],
  };
}

/** By row. */
function grouped(cuts: readonly ColumnCut[], rowOf: (column: number) => number): Map<number, Cut[]> {
  const groups = new Map<number, Cut[]>();
  for (const cut of cuts) {
    const row = rowOf(cut.column);
    const known = groups.get(row);
    if (known) known.push(cut);
    else groups.set(row, [cut]);
  }
  return groups;
}

/** An item's values without the witness. */
export const nodeValues = (data: Float64Array, { nodes, columns }: Block): Float64Array =>
  data.subarray(0, nodes * columns);

/** What counts as rounding in each entry: `doubt` standard deviations. */
export const noiseOf = (deviation: Float64Array): Float64Array => deviation.map((e) => doubt * e);
