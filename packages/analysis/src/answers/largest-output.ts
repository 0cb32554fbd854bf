/**
 * @file Which of several outputs is the largest, everywhere on a path: certified by the roots of their differences on every
 * piece. Where two of them are too close for rounding to tell, both are named.
 * Letters: u ∈ [−1, 1] the place on a piece, z the chosen outputs at its Chebyshev nodes, `z[node * columns + column]`.
 */
import { evaluateColumns, fromUnit, resampleMatrix, toUnit, transformColumns } from "@splineformer/spline";
import { mergeCuts } from "../engine/merge-cuts.ts";
import { type Cut, signChanges, type Undecided } from "../engine/sign-changes.ts";
import type { Path, PathPiece } from "../path.ts";

/** A part of the line on which one output is the largest. */
export interface Leader {
  readonly from: number;
  readonly to: number;
  /** The largest: a place in the list of columns. */
  readonly top: number;
  /** Those that rounding can't tell from it anywhere on the part; none where it is certain. */
  readonly rivals: readonly number[];
}

/** The largest of the columns along a path, in order, neighbours different. */
export function largestAlong(path: Path, columns: readonly number[]): Leader[] {
  const out: Leader[] = [];
  for (const piece of path.pieces) {
    const { z, noise } = chosen(piece, columns);
    for (const { lo, hi, top, rivals } of largestOn(z, columns.length, noise, 0)) {
      const from = lo === -1 ? piece.from : fromUnit(lo, piece.from, piece.to);
      const to = hi === 1 ? piece.to : fromUnit(hi, piece.from, piece.to);
      const last = out.at(-1);
      if (last && last.top === top && same(last.rivals, rivals)) out[out.length - 1] = { ...last, to };
      else out.push({ from, to, top, rivals });
    }
  }
  return out;
}

/** How far rounding may have moved the place t where two columns are equal: beyond that they differ by more than noise. */
export function radiusOfCrossing(path: Path, t: number, a: number, b: number): number {
  let most = 2 ** -52;
  for (const piece of path.pieces) {
    if (t < piece.from || t > piece.to) continue;
    const { z, noise } = chosen(piece, [a, b]);
    const u = Math.max(-1, Math.min(1, toUnit(t, piece.from, piece.to)));
    const differs = (at: number): boolean => {
      if (at < -1 || at > 1) return true;
      const [p, q] = evaluateColumns(z, 2, at);
      return Math.abs(p - q) > noise[0] + noise[1];
    };
    let step = 2 ** -52;
    while (step < 2 && !(differs(u - step) && differs(u + step))) step *= 2;
    most = Math.max(most, 0.5 * (piece.to - piece.from) * step);
  }
  return most;
}

/** Some columns of a piece side by side. */
function chosen(piece: PathPiece, columns: readonly number[]): { z: Float64Array; noise: Float64Array } {
  const all = piece.noise.length;
  const { data } = piece.values;
  const nodes = data.length / all;
  const z = new Float64Array(nodes * columns.length);
  for (let j = 0, at = 0; j < nodes; j++) for (const c of columns) z[at++] = data[j * all + c];
  return { z, noise: Float64Array.from(columns, (c) => piece.noise[c]) };
}

/** A part [lo, hi] of [−1, 1]. */
interface Part extends Omit<Leader, "from" | "to"> {
  readonly lo: number;
  readonly hi: number;
}

/** With more candidates than this a piece is halved first: that leaves fewer on each half. */
const mostCandidates = 8;
const deepest = 10;

function largestOn(z: Float64Array, columns: number, noise: Float64Array, depth: number): Part[] {
  const candidates = possible(z, columns, noise);
  if (candidates.length === 1) return [{ lo: -1, hi: 1, top: candidates[0], rivals: [] }];
  if (candidates.length > mostCandidates && depth < deepest) {
    const degree = z.length / columns - 1;
    return (
      [
        [-1, middle],
        [middle, 1],
      ] as const
    ).flatMap(([lo, hi]) => {
      const half = transformColumns(resampleMatrix(degree, degree, lo, hi), z, columns);
      const inside = (u: number): number => (u === -1 ? lo : u === 1 ? hi : fromUnit(u, lo, hi));
      return largestOn(half, columns, noise, depth + 1).map((p) => ({ ...p, lo: inside(p.lo), hi: inside(p.hi) }));
    });
  }
  return compared(z, columns, noise, candidates);
}

/** Off the middle, where symmetric polynomials may meet. */
const middle = 0.0178;

/** The columns that may be the largest somewhere: those whose range reaches the best of the least values. */
function possible(z: Float64Array, columns: number, noise: Float64Array): number[] {
  const low = z.slice(0, columns);
  const high = z.slice(0, columns);
  for (let at = columns; at < z.length; at++) {
    const c = at % columns;
    if (z[at] < low[c]) low[c] = z[at];
    else if (z[at] > high[c]) high[c] = z[at];
  }
  // between its nodes a polynomial leaves their range by at most this part of it (a bound of the Lebesgue constant)
  const degree = z.length / columns - 1;
  const beyond = degree < 2 ? 0 : Math.log(degree + 1) / Math.PI;
  let best = Number.NEGATIVE_INFINITY;
  const reach = new Float64Array(columns);
  for (let c = 0; c < columns; c++) {
    const margin = beyond * (high[c] - low[c]) + noise[c] + 2 ** -52 * Math.max(Math.abs(low[c]), Math.abs(high[c]));
    best = Math.max(best, low[c] - margin);
    reach[c] = high[c] + margin;
  }
  return [...reach.keys()].filter((c) => reach[c] >= best);
}

/** Cuts [−1, 1] where two candidates are equal; in between their order is fixed, so one place tells it. */
function compared(z: Float64Array, columns: number, noise: Float64Array, candidates: readonly number[]): Part[] {
  const pairs = candidates.flatMap((a, i) => candidates.slice(i + 1).map((b) => [a, b] as const));
  const nodes = z.length / columns;
  const differences = new Float64Array(nodes * pairs.length);
  for (let j = 0, at = 0; j < nodes; j++)
    for (const [a, b] of pairs) differences[at++] = z[j * columns + a] - z[j * columns + b];
  const cuts: Cut[] = [];
  const undecided: Undecided[] = [];
  const asked = pairs.map(([a, b], column) => ({
    column,
    level: 0,
    // the subtraction itself rounds too
    noise: noise[a] + noise[b] + 2 ** -52 * Math.max(largest(z, columns, a), largest(z, columns, b)),
  }));
  signChanges(differences, pairs.length, asked, cuts, undecided);
  // what is zero at every node leaves no doubt there, and is a tie here
  for (const { column } of asked)
    if (isZero(differences, pairs.length, column)) undecided.push({ column, from: -1, to: 1 });
  const inner = mergeCuts(cuts, { at: -1, radius: 0 }, { at: 1, radius: 0 }).map(({ at }) => at);
  const ends = [-1, ...inner, ...undecided.flatMap(({ from, to }) => [from, to]), 1]
    .sort((p, q) => p - q)
    .filter((u, i, all) => i === 0 || u > all[i - 1]);
  return ends.slice(1).map((hi, i) => {
    const lo = ends[i];
    const place = lo + 0.5089 * (hi - lo);
    const values = evaluateColumns(z, columns, place);
    let top = candidates[0];
    for (const c of candidates) if (values[c] > values[top]) top = c;
    const rivals = undecided.flatMap(({ column, from, to }) => {
      const pair = pairs[column];
      return from <= place && place <= to && pair.includes(top) ? pair.filter((c) => c !== top) : [];
    });
    return { lo, hi, top, rivals: [...new Set(rivals)].sort((p, q) => p - q) };
  });
}

function largest(z: Float64Array, columns: number, column: number): number {
  let most = 0;
  for (let at = column; at < z.length; at += columns) most = Math.max(most, Math.abs(z[at]));
  return most;
}

function isZero(z: Float64Array, columns: number, column: number): boolean {
  for (let at = column; at < z.length; at += columns) if (z[at] !== 0) return false;
  return true;
}

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((v, i) => v === b[i]);
