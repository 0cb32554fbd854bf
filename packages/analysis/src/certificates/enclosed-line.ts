/**
 * @file A network on many intervals of a line at a time, enclosed: every value is a short polynomial of the place in its
 * interval and a radius, while each gate keeps a pattern; and every unit that is not proven to keep it. The network is the
 * one whose parameters are its float64 numbers and whose operations are exact; what does not move counts as computed.
 * Letters: t = m + h·s with −1 ≤ s ≤ 1.
 */
import {
  type Applied,
  degreesOf,
  evaluateAll,
  type Graph,
  type Node,
  operandsOf,
  type SynchronousDevice,
  sizeOf,
  type Tensor,
  unsupported,
} from "@splineformer/tensor";
import { gateOf } from "../engine/gates.ts";
import { visibleTo } from "../engine/scores.ts";
import type { Patterns } from "../engine/walk.ts";
import { type EnclosedGate, enclosedGate, type OpenSign } from "./enclosed-gates.ts";
import { bound, type Enclosures, enclose, roundedUp, type Still, stillOf } from "./enclosures.ts";

export interface Interval {
  readonly m: number;
  readonly h: number;
  /** What holds on it; or the place s at which to guess it. */
  readonly pattern: Patterns | number;
}

/** A unit that is not proven to keep its piece on an interval. */
export interface OpenUnit extends OpenSign {
  readonly node: Applied;
  /** Of p as a polynomial of t, at most. */
  readonly degree: number;
}

export interface Reading {
  readonly patterns: Patterns;
  readonly open: readonly OpenUnit[];
}

export interface EnclosedLine {
  /** How many intervals are well read at a time. */
  readonly group: number;
  /**
   * @param order - how many coefficients the polynomials have
   */
  read(intervals: readonly Interval[], order: number): readonly Reading[];
}

/** So many numbers of the largest value are carried at a time. */
const group = 2 ** 16;

export function enclosedLine(
  graph: Graph,
  from: Readonly<Record<string, Tensor>>,
  to: Readonly<Record<string, Tensor>>,
  device: SynchronousDevice,
): EnclosedLine {
  const { nodes } = graph;
  const fixed = evaluateAll(graph, device, { inputs: from });
  const degrees = degreesOf(graph, "certify").map(({ total }) => total);
  const moving: boolean[] = [];
  for (const node of nodes) moving[node.id] = node.op === "input" || operandsOf(node).some((x) => moving[x.id]);
  const still = nodes.map((node): Still | undefined =>
    moving[node.id]
      ? undefined
      : stillOf({ ...fixed[node.id], dtype: "float64", data: Float64Array.from(fixed[node.id].data) }),
  );
  const gates = nodes.map((node): EnclosedGate | undefined => {
    if ((node.op !== "activate" && node.op !== "weigh") || !moving[node.id]) return undefined;
    const visible = visibleTo(node, fixed);
    return gateOf(node, visible) && enclosedGate(node, visible);
  });
  const last = gates.findLastIndex((gate) => gate !== undefined);
  const used = nodes.slice(0, last + 1);
  const lastUse = new Map<Node, Node[]>();
  const seen = new Set<Node>();
  for (const node of used.toReversed())
    for (const x of operandsOf(node))
      if (!seen.has(x)) {
        seen.add(x);
        lastUse.set(node, [...(lastUse.get(node) ?? []), x]);
      }
  const largest = used.reduce((most, node) => (moving[node.id] ? Math.max(most, sizeOf(node.shape)) : most), 1);

  return {
    group: Math.max(1, Math.min(256, Math.floor(group / largest))),
    read(intervals, order) {
      const patterns = intervals.map(() => new Map<Applied, Uint8Array>());
      const open = intervals.map((): OpenUnit[] => []);
      const values: (Enclosures | Still | undefined)[] = [];
      for (const node of used) {
        const gate = gates[node.id];
        if (still[node.id]) values[node.id] = still[node.id];
        else if (node.op === "input") {
          const { name } = node.attributes;
          values[node.id] = lineInput(node, from[name].data, to[name].data, intervals, order);
        } else if (gate) {
          const z = values[(node.inputs as readonly Node[])[0].id] as Enclosures;
          const degree = degrees[(node.inputs as readonly Node[])[0].id];
          const own = intervals.map(({ pattern }, item) =>
            typeof pattern === "number" ? gate.guess(z, item, pattern) : (pattern.get(node as Applied) as Uint8Array),
          );
          own.forEach((pattern, item) => {
            patterns[item].set(node as Applied, pattern);
            for (const sign of gate.open(z, item, pattern)) open[item].push({ ...sign, node: node as Applied, degree });
          });
          if (node.id < last) values[node.id] = gate.output(z, own);
        } else {
          const operands = operandsOf(node).map((x) => values[x.id] as Enclosures | Still);
          const value = enclose(device, node as Applied, operands);
          if (!value) throw unsupported("certify", "a polynomial operation", node);
          values[node.id] = value;
        }
        for (const x of lastUse.get(node) ?? []) values[x.id] = undefined;
      }
      return patterns.map((own, item) => ({ patterns: own, open: open[item] }));
    },
  };
}

/** x(t) = from + t·(to − from). */
function lineInput(
  { shape }: Node,
  from: ArrayLike<number>,
  to: ArrayLike<number>,
  intervals: readonly Interval[],
  order: number,
): Enclosures {
  const size = from.length;
  const items = intervals.length;
  const coefficients = new Float64Array(order * items * size);
  const radius = new Float64Array(items * size);
  const rounding = 2 ** -50;
  intervals.forEach(({ m, h }, item) => {
    for (let i = 0, at = item * size; i < size; i++, at++) {
      const d = to[i] - from[i];
      // the ends are what they are
      coefficients[at] = m === 0 ? from[i] : m === 1 ? to[i] : from[i] + m * d;
      if (order > 1) coefficients[items * size + at] = h * d;
      if (d === 0) continue;
      const inner = m === 0 || m === 1 ? 0 : rounding * (bound(from[i]) + bound(m * d));
      const slope = order > 1 ? rounding * bound(h * d) : bound(h * d);
      radius[at] = roundedUp(inner + (h === 0 ? 0 : slope));
    }
  });
  return { shape, items, coefficients, radius };
}
