/**
 * @file The walk over a line, level by level, depth first. On an interval every value is a polynomial; a gate cuts each of
 * its rows where its pattern changes, and where rows come together the interval is cut wherever one of them is. So every
 * interval that reaches the end is one on which the whole network is one polynomial.
 *
 * Intervals go down in groups, as many at a time as fill the caches: an operation on all of them is one large product.
 *
 * "descend" carries polynomials by the nodes of their full degree. "march" carries them by few nodes, as many as their
 * Chebyshev coefficients need to fall to rounding level on so short an interval: 3ˢ is hopeless beyond a few layers, and
 * the numbers do not have that many digits anyway. Where the coefficients have not fallen there are more nodes, then the
 * interval is halved; where they fall no more, that is the noise: what they leave is added to it, and shows in `path.noise`.
 */
import { type Shape, sizeOf, type Tensor } from "@splineformer/tensor";
import type { Block } from "./blocks.ts";
import { checkBlock } from "./finite.ts";
import { join } from "./join.ts";
import { type Walked, walkLevel } from "./level.ts";
import type { LineGraph } from "./line-graph.ts";
import { cellsOf, type SubCell, subCells, together } from "./next-cells.ts";
import { doubt } from "./noise.ts";
import type { Cell } from "./partition.ts";
import type { Cut } from "./sign-changes.ts";
import type { Flat, Walk, WalkedPiece } from "./walk.ts";

/** Intervals are halved rather than given more nodes than this. */
const mostNodes = 20;
const fewestNodes = 4;
/** An interval much shorter than this holds no numbers to tell apart. */
const shortest = 2 ** -46;
/** Numbers of the largest value of a group of intervals. */
const group = 2 ** 15;

/** Walks the line from t = 0 to 1. */
export function* walkLine(graph: LineGraph, method: "descend" | "march", onFlat: (flat: Flat) => void): Walk {
  const { output } = graph;
  if (!graph.moves(output)) {
    const values = nodeValues(graph.constant.slice(), 1, output.shape);
    yield { from: 0, to: 1, values, noise: new Float64Array(graph.constant.length), patterns: new Map() };
    return;
  }
  const pieces = levels(graph, method, onFlat);
  yield* method === "march" ? join(graph, pieces) : pieces;
}

function* levels(
  graph: LineGraph,
  method: "descend" | "march",
  onFlat: (flat: Flat) => void,
): Generator<WalkedPiece | undefined, void, void> {
  const { output, degrees, memory } = graph;
  const count = graph.levels.length;
  /** By level, the degree by which it is read. */
  const limits = graph.levels.map(() => (method === "march" ? 8 : Number.POSITIVE_INFINITY));

  /** A level on parts of the cells of the one before. */
  function* walk(
    level: number,
    above: Walked | undefined,
    parts: readonly SubCell[],
    limit: number,
  ): ReturnType<typeof levels> {
    yield undefined;
    const mark = memory.mark();
    const walked = look(level, above, parts, limit);
    if (walked.left.some((ratio) => ratio > 0)) {
      memory.release(mark);
      for (const [fits, own, at] of runs(parts, walked.left)) {
        if (fits) yield* walk(level, above, own, limit);
        else if (limit < mostNodes) {
          const more = Math.min(mostNodes, limit + Math.max(1, Math.ceil(0.25 * limit)));
          limits[level] = Math.max(limits[level], more);
          yield* walk(level, above, own, more);
        } else {
          const halves = own.flatMap((part, i) => shorter(part, walked.left[at + i], walked.share[at + i]));
          yield* walk(level, above, halves, limit);
        }
      }
      return;
    }
    if (walked.easy && limit === limits[level] && limit > fewestNodes && limit < Number.POSITIVE_INFINITY)
      limits[level]--;
    for (const flat of walked.flats) onFlat(flat);
    const next = subCells(walked);
    const last = level + 1 === count;
    const size = last
      ? sizeOf(output.shape) * (Math.min(degrees[output.id], limit) + 1)
      : graph.largest[level + 1] *
        (Math.min(limits[level + 1], Math.max(...graph.levels[level + 1].map((node) => degrees[node.id]))) + 1);
    const step = Math.max(1, Math.floor(group / size));
    for (let from = 0; from < next.length; from += step) {
      const own = next.slice(from, from + step);
      if (last) yield* pieces(walked, own, limit);
      else yield* walk(level + 1, walked, own, limits[level + 1]);
    }
    memory.release(mark);
  }

  function look(level: number, above: Walked | undefined, parts: readonly SubCell[], limit: number): Walked {
    if (!above) {
      const cells = parts.map(({ from, to, slack }): Cell => ({ from, to, patterns: new Map(), slack }));
      return walkLevel(graph, level, cells, [], limit);
    }
    const entering: (Block | undefined)[] = [];
    for (const [node, degree] of graph.entering[level])
      entering[node.id] = together(graph, above, node, parts, Math.min(degree, limit), graph.isTruncated(level, limit));
    return walkLevel(graph, level, cellsOf(graph, above, parts), entering, limit);
  }

  function* pieces(walked: Walked, parts: readonly SubCell[], limit: number): ReturnType<typeof levels> {
    const mark = memory.mark();
    const degree = Math.min(degrees[output.id], limit);
    const result = together(graph, walked, output, parts, degree, false);
    checkBlock(graph.where, result, graph.levels[count - 1], walked.values);
    const { columns } = result;
    const own = (degree + 1) * columns;
    for (const [i, { from, to, patterns, slack }] of cellsOf(graph, walked, parts).entries()) {
      const values = nodeValues(result.data.slice(i * own, (i + 1) * own), degree + 1, output.shape);
      const noise = result.deviation.slice(i * columns, (i + 1) * columns);
      for (let k = 0; k < columns; k++) noise[k] *= doubt;
      yield { from: from.at, to: to.at, values, noise, patterns, slack, soft: to.soft === true };
    }
    memory.release(mark);
  }

  const whole: SubCell = {
    item: 0,
    lo: -1,
    hi: 1,
    from: { at: 0, radius: 0 },
    to: { at: 1, radius: 0 },
    slack: 1,
    before: Number.POSITIVE_INFINITY,
    stuck: 0,
  };
  yield* walk(0, undefined, [whole], limits[0]);
}

/**
 * An interval that few nodes are not enough for: its halves, or the same with what is left as its noise. It is noise if
 * halving does not help, and if it is small; a wave with many periods on the interval is not, however often it is halved.
 */
function shorter(part: SubCell, ratio: number, share: number): SubCell[] {
  const { lo, hi, from, to, before } = part;
  const stuck = ratio > before / 4 ? part.stuck + 1 : 0;
  const noise = stuck >= mostStuck || (stuck > 0 && share < small);
  if (noise || to.at - from.at < shortest)
    return [{ ...part, slack: 2 * ratio, before: Number.POSITIVE_INFINITY, stuck: 0 }];
  const middle: Cut = { at: 0.5 * (from.at + to.at), radius: 0, soft: true };
  return [
    { ...part, hi: 0.5 * (lo + hi), to: middle, before: ratio, stuck },
    { ...part, lo: 0.5 * (lo + hi), from: middle, before: ratio, stuck },
  ];
}

const small = 2 ** -10;
const mostStuck = 8;

/** Neighbours that fit, or do not, and where they start. */
function runs(parts: readonly SubCell[], left: Float64Array): [fits: boolean, own: SubCell[], at: number][] {
  const out: [boolean, SubCell[], number][] = [];
  parts.forEach((part, i) => {
    const fits = left[i] === 0;
    const last = out[out.length - 1];
    if (last && last[0] === fits) last[1].push(part);
    else out.push([fits, [part], i]);
  });
  return out;
}

/** The values of an interval under the output's shape. */
const nodeValues = (data: Float64Array, nodes: number, shape: Shape): Tensor<"float64"> => ({
  dtype: "float64",
  shape: [nodes, ...shape],
  data,
});
