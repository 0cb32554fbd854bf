/**
 * @file The method "descend": a graph on a line, node by node, depth first. Where a gate's pattern changes the interval is
 * split, what is still needed is restricted to each part, and the walk goes on there. So every part that reaches the end is
 * an interval on which the whole network is one polynomial.
 */
import type { Applied, Node } from "@splineformer/tensor";
import type { Gate } from "./gates.ts";
import { type IntervalValue, noiseOf, restrict } from "./interval-values.ts";
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
export function descend(graph: LineGraph, { done, mayGoOn, onPiece, onFlat }: Walk): void {
  const { nodes, moving, gates, lastUse } = graph;

  /** False if it may not go on. */
  const walk = (first: number, start: Readonly<Values>, from: Cut, to: Cut, patterns: Piece["patterns"]): boolean => {
    const values = [...start];
    for (let id = first; id < nodes.length; id++) {
      if (!moving[id]) continue;
      const gate = gates[id];
      if (gate) return split(nodes[id] as Applied, gate, values, from, to, patterns);
      values[id] = graph.polynomial(nodes[id], values, from.at, to.at);
    }
    const result = graph.result(values);
    onPiece({ from: from.at, to: to.at, values: result.values, noise: noiseOf(result), patterns });
    return true;
  };

  /** Cuts the interval where the gate's pattern changes, and walks on in every part. */
  const split = (
    node: Applied,
    gate: Gate,
    values: Readonly<Values>,
    from: Cut,
    to: Cut,
    patterns: Piece["patterns"],
  ): boolean => {
    const input = (node.inputs as readonly Node[])[0];
    const whole = values[input.id] as IntervalValue;
    const half = 0.5 * (to.at - from.at);
    const at = (u: number): number => (u === -1 ? from.at : u === 1 ? to.at : from.at + (u + 1) * half);
    const { cuts, undecided } = gate.cuts(whole.values.data, noiseOf(whole));
    // an interval that starts before the place where the walk stopped was looked at before
    if (from.at >= done)
      for (const { column, from, to } of undecided) onFlat({ from: at(from), to: at(to), node, entry: column });
    const inner = mergeCuts(cuts, { at: -1, radius: from.radius / half }, { at: 1, radius: to.radius / half });
    const ends = [-1, ...inner.map((cut) => cut.at), 1];
    const places = [from, ...inner.map(({ at: u, radius }) => ({ at: at(u), radius: radius * half + spacing })), to];
    for (let part = 1; part < ends.length; part++) {
      if (places[part].at <= done) continue;
      if (!mayGoOn()) return false;
      const [lo, hi] = [ends[part - 1], ends[part]];
      const next =
        ends.length === 2
          ? [...values]
          : values.map((v, k) => v && (lastUse[k] >= node.id ? restrict(v, lo, hi) : undefined));
      const value = next[input.id] as IntervalValue;
      const pattern = gate.pattern(value.values.data, noiseOf(value));
      next[node.id] = graph.opened(node, gate, pattern, value);
      if (!walk(node.id + 1, next, places[part - 1], places[part], new Map(patterns).set(node, pattern))) return false;
    }
    return true;
  };

  walk(0, [], { at: 0, radius: 0 }, { at: 1, radius: 0 }, new Map());
}

/** Two of the spacings of numbers just below 1: how finely a place on the line is stored. */
const spacing = 2 ** -52;
