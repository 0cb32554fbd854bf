/**
 * @file From one level to the next: wherever any row of a cell is cut, all of it is, and on each part all rows of a value
 * are put together again.
 */
import type { Applied, Node } from "@splineformer/tensor";
import { type Block, emptyBlock, measure, type Part, partValues, restrictTo } from "./blocks.ts";
import type { Walked } from "./level.ts";
import type { LineGraph } from "./line-graph.ts";
import { mergeCuts } from "./merge-cuts.ts";
import { type Cell, patchAt, type Value, type Version } from "./partition.ts";
import { placeIn, placeOf, spacing } from "./places.ts";
import type { Cut } from "./sign-changes.ts";

/** A cell of the next level: a part [lo, hi] of a cell of this one. */
export interface SubCell extends Part {
  readonly from: Cut;
  readonly to: Cut;
  readonly slack: number;
  /** What was left out on an interval twice as long, if the line was cut for that; else infinite. */
  readonly before: number;
  /** How many times in a row halving has not helped. */
  readonly stuck: number;
}

/** Where any row of a cell is cut, all of it is. */
export function subCells({ cells, versions }: Walked): SubCell[] {
  const cuts: Cut[][] = cells.map(() => []);
  for (const known of versions.values())
    for (const { cell, to } of known[known.length - 1].patches) if (to.at < 1) cuts[cell].push(to);
  return cells.flatMap(({ from, to, slack }, item) => {
    const half = 0.5 * (to.at - from.at);
    const inner = mergeCuts(cuts[item], { at: -1, radius: from.radius / half }, { at: 1, radius: to.radius / half });
    const ends = [-1, ...inner.map((cut) => cut.at), 1];
    const places = [
      from,
      ...inner.map(({ at, radius }) => ({ at: placeIn(from.at, to.at, at), radius: radius * half + spacing })),
      to,
    ];
    const before = Number.POSITIVE_INFINITY;
    return ends
      .slice(1)
      .map((hi, k) => ({ item, lo: ends[k], hi, from: places[k], to: places[k + 1], slack, before, stuck: 0 }));
  });
}

/** The cells of the next level, with the patterns that hold there. */
export function cellsOf(graph: LineGraph, { cells, versions, patterns }: Walked, parts: readonly SubCell[]): Cell[] {
  return parts.map(({ item, lo, hi, from, to, slack }) => {
    const known = new Map<Applied, Uint8Array>(cells[item].patterns);
    for (const [node, { version, base, patches }] of patterns) {
      const own = (versions.get(graph.rows[node.id]) as readonly Version[])[version];
      const pattern = base[item].slice();
      for (let row = 0; row < own.rows; row++) {
        const patch = patchAt(own, item, row, 0.5 * (lo + hi));
        if (patch < 0) continue;
        const entries = graph.entries(node, row);
        for (let k = 0; k < entries.length; k++) pattern[entries[k]] = patches[patch][k];
      }
      known.set(node, pattern);
    }
    return { from, to, patterns: known, slack };
  });
}

/** What a node is on parts of the cells, all rows together. */
export function together(
  graph: LineGraph,
  { values, versions }: Walked,
  node: Node,
  parts: readonly SubCell[],
  degree: number,
  withWitness: boolean,
): Block {
  const { base, patches, version } = values[node.id] as Value;
  const own = (versions.get(graph.rows[node.id]) as readonly Version[] | undefined)?.[version];
  const { columns } = base;
  const { memory } = graph;
  const to = emptyBlock(memory, parts.length, degree + 1, columns, degree + (withWitness ? 2 : 1));
  const rows = own?.rows ?? 1;
  const uses = parts.map(({ item }) => {
    for (let row = 0; row < rows; row++) if (!own?.at[item * rows + row]) return true;
    return false;
  });
  for (let p = 0; p < parts.length; ) {
    let next = p + 1;
    while (next < parts.length && uses[next] === uses[p]) next++;
    if (uses[p]) restrictTo(memory, to, p, base, parts.slice(p, next));
    p = next;
  }
  if (own && own.patches.length > 0)
    parts.forEach(({ item, lo, hi }, p) => {
      for (let row = 0; row < rows; row++) {
        const patch = patchAt(own, item, row, 0.5 * (lo + hi));
        if (patch < 0) continue;
        const { from: start, to: end } = own.patches[patch];
        const part = { item: patch, lo: placeOf(lo, start.at, end.at), hi: placeOf(hi, start.at, end.at) };
        const entries = graph.entries(node, row);
        const mark = memory.mark();
        scatter(to, p, entries, partValues(memory, patches, part, to.nodes, to.rows));
        memory.release(mark);
        const deviation = patches.deviation.subarray(patch * patches.columns, (patch + 1) * patches.columns);
        for (let k = 0; k < entries.length; k++) to.deviation[p * columns + entries[k]] = deviation[k];
      }
    });
  measure(to);
  return to;
}

/** Values of a row to where they belong in an item. */
function scatter(to: Block, item: number, entries: Int32Array, values: Float64Array): void {
  const own = entries.length;
  for (let j = 0; j < to.rows; j++) {
    const start = (item * to.rows + j) * to.columns;
    for (let k = 0; k < own; k++) to.data[start + entries[k]] = values[j * own + k];
  }
}
