/**
 * @file One line of a slice, b fixed: what `restrictToLine` finds there, kept as numbers: breakpoints, what switches, a key of
 * every pattern. Plain data, so that it can be sent from one thread to another.
 */

import type { ClassInterval } from "../answers/crossings.ts";
import { largestAlong } from "../answers/largest-output.ts";
import { type FlatUnit, flatUnits } from "../causes.ts";
import { walkLine } from "../engine/levels-walk.ts";
import type { Flat, Patterns, Piece } from "../engine/walk.ts";
import { type Path, pathOf, pathPiece } from "../path.ts";
import type { Plane } from "./plane.ts";

/** What a slice knows on one line b = constant: exactly what `restrictToLine` finds. */
export interface Scanline {
  /** Which line of the slice, counted from 0 at the lowest b. */
  readonly index: number;
  readonly b: number;
  /** Places a, ascending; the window's ends first and last. */
  readonly breakpoints: Float64Array;
  /** For every breakpoint between two pieces where its switches start in `units`, and where the last ones end. */
  readonly first: Uint32Array;
  /** Numbers of the units that switch. */
  readonly units: Uint32Array;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** For every piece a number that stands for its whole pattern: pieces with different keys have different patterns. */
  readonly keys: Float64Array;
  /** The degree of every piece as measured. */
  readonly degrees: Uint32Array;
  /** Which output is the largest where, as `classMap` says; empty if the output has no row of several numbers. */
  readonly classes: readonly ClassInterval[];
  /** What could not be decided, between two places a. */
  readonly flat: readonly FlatUnit[];
  /** The largest rounding error of an output, estimated. */
  readonly noise: number;
}

/** Reads a line. @param columns - the outputs that are classes */
export function readScanline(
  plane: Plane,
  index: number,
  b: number,
  method: "descend" | "march",
  columns: readonly number[],
  signal: AbortSignal | undefined,
): Scanline {
  const [left, right] = plane.window.a;
  const place = (t: number): number => (t === 1 ? right : left + t * (right - left));
  const found: Flat[] = [];
  const mark = plane.line.memory.mark();
  const line = { ...plane.line, from: plane.point(left, b), to: plane.point(right, b) };
  const pieces: Piece[] = [];
  const keys: number[] = [];
  const first = [0];
  const units: number[] = [];
  const before: number[] = [];
  const after: number[] = [];
  const key = patternKey();
  for (const piece of walkLine(line, method, (flat) => found.push(flat))) {
    signal?.throwIfAborted();
    if (!piece) continue;
    const last = pieces.at(-1);
    if (!last) key.start(plane, piece.patterns);
    else {
      for (const gate of plane.gates) {
        const [p, q] = [last.patterns.get(gate.node), piece.patterns.get(gate.node)];
        if (!p || !q || p === q) continue;
        for (let k = 0; k < p.length; k++)
          if (p[k] !== q[k]) {
            units.push(gate.first + k);
            before.push(p[k]);
            after.push(q[k]);
            key.flip(gate.first + k, p[k], q[k]);
          }
      }
      first.push(units.length);
    }
    keys.push(key.value());
    pieces.push(piece);
  }
  plane.line.memory.release(mark);
  const { output, degrees } = plane.line;
  const path: Path = pathOf({
    shape: output.shape,
    degree: degrees[output.id],
    pieces: pieces.map(pathPiece),
    inner: pieces.slice(1).map(() => []),
    flat: flatUnits(found, 1),
  });
  return {
    index,
    b,
    breakpoints: path.breakpoints.map(place),
    first: Uint32Array.from(first),
    units: Uint32Array.from(units),
    before: Uint8Array.from(before),
    after: Uint8Array.from(after),
    keys: Float64Array.from(keys),
    degrees: Uint32Array.from(path.pieces, ({ degree }) => degree),
    classes:
      columns.length < 2
        ? []
        : largestAlong(path, columns).map(({ from, to, top, rivals }) => ({
            from: place(from),
            to: place(to),
            class: top,
            rivals,
          })),
    flat: path.flat.map((flat) => ({ ...flat, from: place(flat.from), to: place(flat.to) })),
    noise: path.noise,
  };
}

/**
 * A key of 53 bits for a pattern, that changes by exclusive or when a unit switches (Zobrist). Two different patterns of a
 * slice with a million cells have the same key with a chance of 1 in 10⁴.
 */
export function patternKey() {
  let high = 0;
  let low = 0;
  const flip = (unit: number, before: number, after: number): void => {
    for (const piece of [before, after]) {
      if (piece === 0) continue;
      high ^= mixed(2 * (256 * unit + piece));
      low ^= mixed(2 * (256 * unit + piece) + 1);
    }
  };
  return {
    flip,
    start(plane: Plane, patterns: Patterns): void {
      high = 0;
      low = 0;
      for (const { node, first } of plane.gates)
        patterns.get(node)?.forEach((piece, k) => {
          flip(first + k, 0, piece);
        });
    },
    value: (): number => (high >>> 11) * 2 ** 32 + (low >>> 0),
  };
}

/** The finaliser of MurmurHash3: every bit depends on every bit. */
function mixed(seed: number): number {
  let h = (seed + 0x9e3779b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
