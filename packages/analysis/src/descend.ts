/**
 * @file The method "descend": a graph on a line, node by node, depth first. Where a gate's pattern changes the interval is
 * split, what is still needed is restricted to each part, and the walk goes on there. So every part that reaches the end is
 * an interval on which the whole network is one polynomial. The parts of the last gate need no walk: see `last-split.ts`.
 */
import type { Applied } from "@splineformer/tensor";
import type { Gate } from "./gates.ts";
import { noiseOf, restrict } from "./interval-values.ts";
import { lastSplit } from "./last-split.ts";
import type { LineGraph, Values } from "./line-graph.ts";
import { mergeCuts } from "./merge-cuts.ts";
import type { Cut } from "./sign-changes.ts";
import type { Piece, Walk } from "./walk.ts";

/**
 * Walks the line from where it stopped to t = 1.
 *
 * Going on means to take the same splits again down to the part that was next, and to skip what lies before: the numbers
 * are those of a walk that never stopped.
 */
export function descend(graph: LineGraph, walk: Walk): void {
  const { order, gates, lastUse, tail } = graph;
  const { done, mayGoOn, onPiece, onFlat } = walk;

  /** False if it may not go on. */
  const walkOn = (first: number, start: Values, from: Cut, to: Cut, patterns: Piece["patterns"]): boolean => {
    const values = [...start];
    for (let place = first; place < order.length; place++) {
      const node = order[place];
      if (gates[node.id]) return split(place, values, from, to, patterns);
      values[node.id] = graph.polynomial(node, values, from.at, to.at);
    }
    const result = graph.result(values);
    onPiece({ from: from.at, to: to.at, values: result.values, noise: noiseOf(result), patterns });
    return true;
  };

  /** Cuts the interval where the gate's pattern changes, and walks on in every part. */
  const split = (place: number, values: Values, from: Cut, to: Cut, patterns: Piece["patterns"]): boolean => {
    const node = order[place] as Applied;
    const input = graph.inputOf(node, values);
    const half = 0.5 * (to.at - from.at);
    const at = (u: number): number => (u === -1 ? from.at : u === 1 ? to.at : from.at + (u + 1) * half);
    const reading = (gates[node.id] as Gate).read(input.values.data, noiseOf(input));
    // an interval that starts before the place where the walk stopped was looked at before
    if (from.at >= done)
      for (const { column, from, to } of reading.undecided) onFlat({ from: at(from), to: at(to), node, entry: column });
    const inner = mergeCuts(reading.cuts, { at: -1, radius: from.radius / half }, { at: 1, radius: to.radius / half });
    const ends = [-1, ...inner.map((cut) => cut.at), 1];
    const places = [from, ...inner.map(({ at: u, radius }) => ({ at: at(u), radius: radius * half + spacing })), to];
    if (node === tail?.gate && ends.length > 2) {
      const parts = ends.slice(1).map((hi, i) => {
        const lo = ends[i];
        return { lo, hi, from: places[i].at, to: places[i + 1].at, pattern: reading.pattern(lo, hi) };
      });
      const finished = lastSplit(graph, tail, place, input, values, parts, patterns, walk);
      if (finished !== undefined) return finished;
    }
    for (let part = 1; part < ends.length; part++) {
      if (places[part].at <= done) continue;
      if (!mayGoOn()) return false;
      const [lo, hi] = [ends[part - 1], ends[part]];
      const pattern = reading.pattern(lo, hi);
      const next = values.map((v, k) => v && (lastUse[k] > place ? restrict(v, lo, hi) : undefined));
      next[node.id] = graph.opened(node, pattern, input, lo, hi);
      if (!walkOn(place + 1, next, places[part - 1], places[part], new Map(patterns).set(node, pattern))) return false;
    }
    return true;
  };

  walkOn(0, [], { at: 0, radius: 0 }, { at: 1, radius: 0 }, new Map());
}

/** Two of the spacings of numbers just below 1: how finely a place on the line is stored. */
const spacing = 2 ** -52;
