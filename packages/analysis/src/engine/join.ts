/**
 * @file Parts of a line that was only cut to be read: they are one piece again, by as many nodes as that needs. The piece is
 * long and its degree may be high: few nodes could see a wave as a slower one, so the result must agree with every part.
 */
import { resampleMatrix, transformColumns } from "@splineformer/spline";
import { type Applied, isLeaf } from "@splineformer/tensor";
import { type Block, emptyBlock, lineBlock, measure, raise } from "./blocks.ts";
import { checkBlock } from "./finite.ts";
import type { Gate } from "./gate.ts";
import type { LineGraph } from "./line-graph.ts";
import { doubt } from "./noise.ts";
import { settle } from "./truncation.ts";
import type { Patterns, Piece, Walk, WalkedPiece } from "./walk.ts";

/** A piece is read by no more nodes than this, whatever is left then is noise. */
const most = 1024;

/** The pieces of a walk, without the cuts that no gate has made. */
export function* join(graph: LineGraph, pieces: Generator<WalkedPiece | undefined, void, void>): Walk {
  let parts: WalkedPiece[] = [];
  for (const piece of pieces) {
    if (piece === undefined) {
      yield undefined;
      continue;
    }
    const before = parts[parts.length - 1];
    if (before && !(before.soft && samePatterns(before.patterns, piece.patterns))) {
      yield joined(graph, parts);
      parts = [];
    }
    parts.push(piece);
  }
  if (parts.length > 0) yield joined(graph, parts);
}

const samePatterns = (a: Patterns, b: Patterns): boolean =>
  [...a].every(([node, pattern]) => {
    const other = b.get(node);
    return pattern === other || pattern.every((piece, entry) => piece === other?.[entry]);
  });

function joined(graph: LineGraph, parts: readonly WalkedPiece[]): Piece {
  if (parts.length === 1) return parts[0];
  const { memory, output } = graph;
  const [{ from, patterns }] = parts;
  const { to } = parts[parts.length - 1];
  const slack = Math.max(...parts.map((part) => part.slack));
  const formal = graph.degrees[output.id];
  const mark = memory.mark();
  const first = Math.max(...parts.map(({ values }) => values.shape[0])) - 1;
  for (let limit = first; ; limit = Math.min(formal, 2 * limit)) {
    const result = frozen(graph, from, to, patterns, limit);
    checkBlock(graph.where, result, [output], []);
    const ratio = limit < formal ? settle(memory, result, () => true).ratio[0] : 0;
    const { nodes, columns } = result;
    const noise = result.deviation.map((e) => doubt * e);
    const data = result.data.slice(0, nodes * columns);
    const values = { dtype: "float64", shape: [nodes, ...output.shape], data } as const;
    const whole: Piece = { from, to, values, noise, patterns };
    if (limit >= formal || limit >= most || (ratio <= slack && parts.every((part) => agree(whole, part, slack)))) {
      memory.release(mark);
      return whole;
    }
  }
}

/** Whether what few nodes say of a part is what more nodes say there, up to what both leave. */
function agree(whole: Piece, part: Piece, slack: number): boolean {
  const columns = part.noise.length;
  const degrees = [whole, part].map(({ values }) => values.shape[0] - 1);
  const degree = Math.max(...degrees);
  const place = (t: number): number => Math.max(-1, Math.min(1, (2 * (t - whole.from)) / (whole.to - whole.from) - 1));
  const here = resampleMatrix(degrees[0], degree, place(part.from), place(part.to));
  const a = transformColumns(here, whole.values.data, columns);
  const b = transformColumns(resampleMatrix(degrees[1], degree), part.values.data, columns);
  return a.every((v, k) => {
    const c = k % columns;
    return Math.abs(v - b[k]) <= 8 * slack * (whole.noise[c] + part.noise[c]);
  });
}

/** The output on an interval, given that patterns hold there, by the nodes of a degree at most. */
function frozen(graph: LineGraph, from: number, to: number, patterns: Patterns, limit: number): Block {
  const { memory, degrees, gates, sources, same, output } = graph;
  const values: (Block | undefined)[] = [];
  const gate = (node: Applied): Block => {
    const z = raise(memory, values[(sources[node.id][0] as Applied).id] as Block, Math.min(degrees[node.id], limit));
    const out = emptyBlock(memory, 1, z.nodes, z.columns, z.rows);
    const pattern = patterns.get(node) as Uint8Array;
    const own = gates[node.id] as Gate;
    own.output(pattern, z.data, out.data);
    own.outputDeviation(pattern, z.deviation, z.size, out.deviation);
    measure(out);
    return out;
  };
  for (const node of graph.levels.flat()) {
    const kept = same[node.id];
    if (node.op === "input") {
      const { name } = node.attributes;
      values[node.id] = lineBlock(memory, graph.from[name], graph.to[name], [{ from, to }], true);
    } else if (isLeaf(node)) continue;
    else if (gates[node.id]) values[node.id] = gate(node);
    else if (kept) values[node.id] = values[kept.id];
    else {
      const operands = sources[node.id].map((x) => (x && graph.moves(x) ? values[x.id] : undefined));
      values[node.id] = graph.polynomial(node, operands, 1, Math.min(degrees[node.id], limit));
    }
  }
  return values[output.id] as Block;
}
