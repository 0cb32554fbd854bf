/**
 * @file Units by name: which gate, which entry. The causes of a breakpoint are the difference of the patterns on its two
 * sides, not the root that cut: so units that switch together are all named.
 */
import type { Applied } from "@splineformer/tensor";
import type { Flat, Piece } from "./engine/walk.ts";

/** A score of an attention: this query stops or starts attending to this key. */
export interface ScoreUnit {
  readonly op: "weigh";
  /** Where in the network: `block 0/attention`. */
  readonly scope: string;
  /** Leading axes, outermost first; empty without a batch. */
  readonly batch: readonly number[];
  readonly head: number;
  readonly query: number;
  readonly key: number;
}

/** A hidden unit of a token. */
export interface HiddenUnit {
  readonly op: "activate";
  /** Where in the network: `block 0/feedForward`. */
  readonly scope: string;
  /** Leading axes, outermost first; empty without a batch. */
  readonly batch: readonly number[];
  readonly token: number;
  readonly unit: number;
}

export type Unit = ScoreUnit | HiddenUnit;

/** A unit that changes its piece at a breakpoint: for ReLU 0 is off and 1 is on. */
export type Cause = Unit & { readonly before: number; readonly after: number };

/** A unit that was too small between `from` and `to` to tell its sign: a touch, or a value that is zero to rounding. */
export type FlatUnit = Unit & { readonly from: number; readonly to: number };

/** Every unit whose piece differs between two neighbouring pieces of a path. */
export function causesBetween(left: Piece, right: Piece): Cause[] {
  const causes: Cause[] = [];
  for (const [node, before] of left.patterns) {
    const after = right.patterns.get(node);
    if (!after || after === before) continue;
    for (let entry = 0; entry < before.length; entry++)
      if (before[entry] !== after[entry])
        causes.push({ ...unitOf(node, entry), before: before[entry], after: after[entry] });
  }
  return causes;
}

/** What could not be decided on [0, end]; what goes on over a cut is one. */
export function flatUnits(found: readonly Flat[], end: number): FlatUnit[] {
  const units: Flat[] = [];
  const latest = new Map<Applied, Map<number, number>>();
  for (const flat of found) {
    if (flat.from >= end) continue;
    const { node, entry, from } = flat;
    const to = Math.min(flat.to, end);
    const entries = latest.get(node) ?? new Map<number, number>();
    latest.set(node, entries);
    const before = entries.get(entry);
    if (before !== undefined && units[before].to === from) units[before] = { ...units[before], to };
    else {
      entries.set(entry, units.length);
      units.push({ node, entry, from, to });
    }
  }
  return units.map(({ node, entry, from, to }) => ({ ...unitOf(node, entry), from, to }));
}

/** An entry of a gate, by name. */
export function unitOf(node: Applied, entry: number): Unit {
  const index: number[] = [];
  for (let axis = node.shape.length - 1, rest = entry; axis >= 0; axis--) {
    index.unshift(rest % node.shape[axis]);
    rest = Math.floor(rest / node.shape[axis]);
  }
  const last = (axis: number): number => index.at(-axis) ?? 0;
  const { scope } = node;
  if (node.op === "weigh")
    return { op: "weigh", scope, batch: index.slice(0, -3), head: last(3), query: last(2), key: last(1) };
  return { op: "activate", scope, batch: index.slice(0, -2), token: last(2), unit: last(1) };
}
