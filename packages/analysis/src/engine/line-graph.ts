/**
 * @file A graph prepared for a line: which nodes move, which of them are gates, and what each of the others does to
 * polynomials on many intervals at once. How the line is walked is the methods' business.
 */
import {
  type Applied,
  apply,
  degreesOf,
  evaluateAll,
  type Graph,
  isLeaf,
  type Node,
  operandsOf,
  type SynchronousDevice,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";
import { asTensor, type Block, emptyBlock, measure, raise } from "./blocks.ts";
import { checkNumbers } from "./finite.ts";
import { type BlockOperands, combine, type Forms, formOf, gathered } from "./forms.ts";
import type { Gate } from "./gate.ts";
import { gateOf, rowGate } from "./gates.ts";
import { createMemory, type Memory } from "./memory.ts";
import { multiply } from "./product.ts";
import { oneRow, type Rows, rowEntries, rowsOf } from "./rows.ts";
import { visibleTo } from "./scores.ts";
import { type Steps, stepsOf } from "./steps.ts";

/** The question. */
export interface Line {
  /** Who asks, for what is refused. */
  readonly where: string;
  /** An opened graph whose inputs all move. */
  readonly graph: Graph;
  readonly from: Readonly<Record<string, Tensor>>;
  readonly to: Readonly<Record<string, Tensor>>;
  readonly device: SynchronousDevice;
}

export interface LineGraph extends Steps, Rows {
  readonly where: string;
  readonly memory: Memory;
  readonly output: Node;
  readonly from: Line["from"];
  readonly to: Line["to"];
  /** The degree of every node by the rules of composition. */
  readonly degrees: readonly number[];
  readonly gates: readonly (Gate | undefined)[];
  moves(node: Node): boolean;
  /** The gate of one row. */
  rowGate(node: Applied, row: number): Gate;
  /** Where the entries of a row are in a node's value. */
  entries(node: Node, row: number): Int32Array;
  /**
   * A moving node that is no gate, by the nodes of a degree: then its values at the nodes are right, and between them it is
   * an interpolation if its degree is higher.
   *
   * @param row - undefined: the items of the operands are cells; else they are patches, of these rows
   */
  polynomial(node: Applied, operands: BlockOperands, items: number, degree: number, row?: readonly number[]): Block;
  /** For every level the nodes of earlier ones that it needs, or that later ones need, and by which degree. */
  readonly entering: readonly (readonly (readonly [node: Node, degree: number])[])[];
  /** For every level the nodes that later ones need, or that are the output. */
  readonly leaving: readonly (readonly Node[])[];
  /** For every level the numbers at one node of its largest value on one interval. */
  readonly largest: readonly number[];
  /** Whether polynomials of a level have a higher degree. */
  isTruncated(level: number, limit: number): boolean;
  /** What the output is where it does not move. */
  readonly constant: Float64Array;
}

/**
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws RangeError if a number is not finite, naming its place
 */
export function prepare({ where, graph, from, to, device }: Line): LineGraph {
  const { nodes } = graph;
  const { output } = graph.outputs;
  const degrees = degreesOf(graph, where).map(({ total }) => total);
  // not "degree > 0": the derivative of ReLU has degree 0 and still jumps
  const moving = nodes.map(() => false);
  for (const node of nodes) moving[node.id] = node.op === "input" || operandsOf(node).some((x) => moving[x.id]);
  const fixed = evaluateAll(graph, device, { inputs: from });
  for (const node of nodes)
    if (moving[node.id]) {
      for (const x of operandsOf(node)) if (!moving[x.id]) checkNumbers(where, x, fixed[x.id].data);
    } else if (node === output) checkNumbers(where, node, fixed[node.id].data);
  const visibles = nodes.map((node) => visibleTo(node, fixed));
  const gates = nodes.map((node) => (moving[node.id] && !isLeaf(node) ? gateOf(node, visibles[node.id]) : undefined));
  const isGate = (node: Node): boolean => gates[node.id] !== undefined;
  const moves = (node: Node): boolean => moving[node.id];
  const structure = rowsOf(nodes, moves, isGate);
  const memory = createMemory(device);
  const steps = stepsOf(nodes, output, moves, isGate, structure.level, fixed);
  const { rows } = structure;
  const forms = nodes.map((node): Forms | undefined => {
    if (!moving[node.id] || isLeaf(node) || gates[node.id]) return undefined;
    const fused = steps.fused[node.id];
    const own = fused?.product ?? node;
    const single = oneRow(own, structure, moves);
    const cells = formOf(own, fused, moves, fixed, memory);
    return { cells, patches: single === own ? cells : formOf(single, fused, moves, fixed, memory, rows[own.id]) };
  });
  const rowGates = new Map<Node, Gate[]>();
  const kept = new Map<Node, Int32Array[]>();

  const enters = steps.levels.map((own, level) => {
    const carried = steps.levels
      .slice(0, level)
      .flat()
      .filter((node) => steps.lastUse[node.id][0] >= level);
    return carried.map((node): readonly [Node, number] => {
      // by the degree at which it is used first: then nothing is raised twice
      const users = own.filter((user) => steps.sources[user.id].includes(node));
      return [node, users.length > 0 ? Math.min(...users.map((user) => degrees[user.id])) : degrees[node.id]];
    });
  });
  const largest = steps.levels.map((own) => Math.max(...own.map((node) => sizeOf(node.shape))));

  return {
    ...structure,
    ...steps,
    where,
    memory,
    entering: enters,
    leaving: steps.levels.map((own, level) =>
      [...enters[level].map(([node]) => node), ...own].filter((node) => steps.lastUse[node.id][0] > level),
    ),
    largest,
    isTruncated: (level, limit) =>
      [...enters[level].map(([node]) => node), ...steps.levels[level]].some((node) => degrees[node.id] > limit),
    output,
    from,
    to,
    degrees,
    gates,
    moves,
    rowGate(node, row) {
      const own = rowGates.get(node) ?? [];
      rowGates.set(node, own);
      own[row] ??= rowGate(node, visibles[node.id], rows[node.id], row);
      return own[row];
    },
    entries(node, row) {
      const own = kept.get(node) ?? [];
      kept.set(node, own);
      own[row] ??= rowEntries(node.shape, rows[node.id], row);
      return own[row];
    },
    polynomial(node, operands, items, degree, row) {
      const form = (forms[node.id] as Forms)[row ? "patches" : "cells"];
      const { columns, shapes, bias } = form;
      const rank = form.node.shape.length;
      const still = form.still.map((x) => (x?.byRow && row ? gathered(x, row, rank) : x));
      const extra = operands.reduce((more, x) => (x ? x.rows - x.nodes : more), 0);
      const out = emptyBlock(memory, items, degree + 1, columns, degree + 1 + extra);
      const mark = memory.mark();
      const raised = operands.map((x) => x && raise(memory, x, degree));
      const numbers = raised.map((x, i) => x?.data ?? still[i]?.numbers);
      const count = items * out.rows;
      if (form.product)
        multiply(memory, form.product, count, numbers[0] as Float64Array, numbers[1] as Float64Array, out.data, bias);
      else if (!combine(form, items, out.rows, raised, still, out.data)) {
        const values = shapes.map((shape, i) => {
          const x = raised[i];
          return x ? asTensor(x, shape, rank) : still[i]?.value;
        });
        out.data.set(apply(device, form.node, values).data);
      }
      memory.release(mark);
      measure(out);
      let { size } = out;
      if (bias) {
        // the product before the bias may be larger than the sum
        size = memory.take(size.length);
        const n = bias.length;
        for (let k = 0; k < size.length; k += n)
          for (let j = 0; j < n; j++) size[k + j] = out.size[k + j] + Math.abs(bias[j]);
      }
      const spreads = operands.map((x, i) => x ?? still[i]?.spread);
      form.propagation(spreads, size, items, out.deviation);
      memory.release(mark);
      return out;
    },
    constant: moving[output.id] ? new Float64Array(0) : Float64Array.from(fixed[output.id].data),
  };
}
