/**
 * @file One level of a network on some cells of the line: every node of it, row by row, cut where gates switch; then the
 * cells of the next level, on each of which all rows are polynomials.
 */
import { type Applied, isLeaf, type Node } from "@splineformer/tensor";
import { type Block, emptyBlock, itemsOf, lineBlock, measure, raise, restrictTo } from "./blocks.ts";
import { checkBlock } from "./finite.ts";
import type { BlockOperands } from "./forms.ts";
import type { Gate } from "./gate.ts";
import type { LineGraph } from "./line-graph.ts";
import type { Memory } from "./memory.ts";
import { type Cell, refine, uncut, type Value, type Version, wholeValue } from "./partition.ts";
import { nodeValues, noiseOf, readGate } from "./read-gate.ts";
import { settle, type Tails } from "./truncation.ts";
import type { Flat } from "./walk.ts";

/** Which piece a gate's columns are in, on the cells and patches of a version. */
interface GatePatterns {
  readonly version: number;
  readonly base: readonly Uint8Array[];
  readonly patches: readonly Uint8Array[];
}

/** What a level has come to. */
export interface Walked {
  readonly cells: readonly Cell[];
  readonly values: readonly (Value | undefined)[];
  readonly versions: ReadonlyMap<number, readonly Version[]>;
  readonly patterns: ReadonlyMap<Applied, GatePatterns>;
  readonly flats: readonly Flat[];
  /** By cell, how many times the noise coefficients leave out that should be at rounding level; 0 where they are. */
  readonly left: Float64Array;
  /** What part of its own size that is. */
  readonly share: Float64Array;
  /** Whether one node less would do as well. */
  readonly easy: boolean;
}

/**
 * Computes the nodes of a level.
 *
 * @param entering - by `node.id`, what comes from the levels before, a polynomial on every cell
 * @param limit - polynomials of a higher degree are carried by the nodes of this one
 */
export function walkLevel(
  graph: LineGraph,
  level: number,
  cells: readonly Cell[],
  entering: readonly (Block | undefined)[],
  limit: number,
): Walked {
  const { rows, whole, fused, sources, same, gates, memory } = graph;
  const degreeOf = (node: Node): number => Math.min(graph.degrees[node.id], limit);
  const flats: Flat[] = [];
  const left = new Float64Array(cells.length);
  const share = new Float64Array(cells.length);
  let easy = true;

  const values: (Value | undefined)[] = entering.map((x, id) => x && wholeValue(memory, x, rows[id]));
  const versions = new Map<number, Version[]>();
  const patterns = new Map<Applied, GatePatterns>();
  const versionsOf = (count: number): Version[] => {
    const known = versions.get(count) ?? [uncut(cells.length, count)];
    versions.set(count, known);
    return known;
  };
  /** An operand by the patches that there are now. */
  const current = (x: Node): Value => {
    const known = versionsOf(rows[x.id]);
    const value = values[x.id] as Value;
    if (value.version === known.length - 1) return value;
    const refined = refine(memory, value, known, known.length - 1, (row) => graph.entries(x, row));
    values[x.id] = refined;
    return refined;
  };

  const polynomial = (node: Applied): Value => {
    const looksAtAll = whole[(fused[node.id]?.product ?? node).id];
    const moving = sources[node.id].map((x) => (x && graph.moves(x) ? x : undefined));
    const degree = degreeOf(node);
    const base = graph.polynomial(
      node,
      moving.map((x) => x && (values[x.id] as Value).base),
      cells.length,
      degree,
    );
    const known = versionsOf(rows[node.id]);
    const { patches } = known[known.length - 1];
    const row = patches.map((patch) => patch.row);
    const own = moving.map((x, i) => (x && !looksAtAll[i] && patches.length > 0 ? current(x).patches : undefined));
    const extra = base.rows - base.nodes;
    const out = emptyBlock(memory, patches.length, degree + 1, base.columns / rows[node.id], base.rows);
    // where a patch looks at all of an operand there may be much to look at
    const most = Math.max(0, ...moving.map((x, i) => (x && looksAtAll[i] ? (values[x.id] as Value).base.columns : 0)));
    const step = most === 0 ? patches.length : Math.max(1, Math.floor(group / (most * (degree + 1))));
    for (let from = 0; from < patches.length; from += step) {
      const to = Math.min(patches.length, from + step);
      const mark = memory.mark();
      const operands: BlockOperands = moving.map((x, i) => {
        const patched = own[i];
        if (!x || patched) return patched && itemsOf(patched, from, to);
        const parts = patches.slice(from, to).map(({ cell, from, to }) => ({ item: cell, lo: from.at, hi: to.at }));
        const { base: all } = values[x.id] as Value;
        const result = emptyBlock(memory, parts.length, all.nodes, all.columns, all.nodes + extra);
        restrictTo(memory, result, 0, all, parts);
        measure(result);
        return result;
      });
      const made = graph.polynomial(node, operands, to - from, degree, row.slice(from, to));
      out.data.set(made.data, from * out.rows * out.columns);
      out.deviation.set(made.deviation, from * out.columns);
      out.size.set(made.size, from * out.columns);
      memory.release(mark);
    }
    return { version: known.length - 1, base, patches: out };
  };

  /** Whether few nodes are enough for a value, if it is carried by few. */
  const check = (node: Node, value: Value, { rows: R, at, patches }: Version): void => {
    const [source] = gates[node.id] ? (node.inputs as readonly Node[]) : [node];
    if (graph.degrees[source.id] <= limit) return;
    const inner = source.shape.at(-1) ?? 1;
    const held = (cell: number, column: number): boolean =>
      at[cell * R + (R === 1 ? 0 : Math.floor(column / inner) % R)] !== undefined;
    const inBase = settle(memory, value.base, (cell, column) => !held(cell, column));
    const inPatches = settle(memory, value.patches, () => true);
    const look = (cell: number, tails: Tails, item: number): void => {
      const { slack } = cells[cell];
      if (tails.before[item] > slack) easy = false;
      if (tails.ratio[item] <= Math.max(slack, left[cell])) return;
      left[cell] = tails.ratio[item];
      share[cell] = tails.share[item];
    };
    for (let cell = 0; cell < cells.length; cell++) look(cell, inBase, cell);
    for (const [i, { cell }] of patches.entries()) look(cell, inPatches, i);
  };

  const gate = (node: Applied): Value => {
    const [input] = node.inputs as readonly Node[];
    const looksAtAll = whole[node.id][0];
    const known = versionsOf(rows[node.id]);
    const z = looksAtAll ? wholeValue(memory, (values[input.id] as Value).base, 1) : current(input);
    checkBlock(graph.where, z.base, graph.levels[level], values);
    checkBlock(graph.where, z.patches, graph.levels[level], values);
    check(node, z, known[z.version] ?? known[0]);
    const read = readGate(graph, node, cells, known[known.length - 1], z, (flat) => flats.push(flat));
    if (read.next) known.push(read.next);
    const degree = degreeOf(node);
    const own = refine(memory, z, known, known.length - 1, (row) => graph.entries(input, row), degree);
    const last = known[known.length - 1];
    const patches = raise(memory, own.patches, degree);
    const base = raise(memory, z.base, degree);
    const patterned = last.patches.map(({ row }, i) => {
      const kept = read.kept(i);
      if (kept) return kept;
      const { data, deviation } = itemsOf(patches, i, i + 1);
      return graph.rowGate(node, row).pattern(nodeValues(data, patches), noiseOf(deviation));
    });
    patterns.set(node, { version: known.length - 1, base: read.patterns, patches: patterned });
    const all = graph.gates[node.id] as Gate;
    return {
      version: known.length - 1,
      base: opened(memory, base, () => all, read.patterns),
      patches: opened(memory, patches, (i) => graph.rowGate(node, last.patches[i].row), patterned),
    };
  };

  for (const node of graph.levels[level]) {
    // what does not fit is done again by other means
    if (left.some((ratio) => ratio > 0)) break;
    const kept = same[node.id];
    if (node.op === "input") {
      const { name } = node.attributes;
      const ends = cells.map(({ from, to }) => ({ from: from.at, to: to.at }));
      const line = lineBlock(memory, graph.from[name], graph.to[name], ends, graph.isTruncated(level, limit));
      values[node.id] = wholeValue(memory, line, rows[node.id]);
    } else if (isLeaf(node)) continue;
    else if (gates[node.id]) values[node.id] = gate(node);
    else if (kept) values[node.id] = values[kept.id];
    else values[node.id] = polynomial(node);
  }
  for (const node of left.some((ratio) => ratio > 0) ? [] : graph.leaving[level]) {
    const value = values[node.id] as Value;
    check(
      node,
      value,
      (versions.get(rows[node.id]) as Version[] | undefined)?.[value.version] ?? uncut(cells.length, rows[node.id]),
    );
  }
  return { cells, values, versions, patterns, flats, left, share, easy };
}

/** Numbers of an operand that is restricted to patches as a whole, at a time. */
const group = 2 ** 20;

/** A gate's output on every item. */
function opened(memory: Memory, z: Block, gate: (item: number) => Gate, patterns: readonly Uint8Array[]): Block {
  const out = emptyBlock(memory, z.items, z.nodes, z.columns, z.rows);
  for (let i = 0; i < z.items; i++) {
    const own = itemsOf(z, i, i + 1);
    const to = itemsOf(out, i, i + 1);
    gate(i).output(patterns[i], own.data, to.data);
    gate(i).outputDeviation(patterns[i], own.deviation, own.size, to.deviation);
  }
  measure(out);
  return out;
}
