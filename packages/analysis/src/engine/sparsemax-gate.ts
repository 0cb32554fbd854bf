/**
 * @file Sparsemax of a row as a gate: `max(z_i − τ, 0)` with τ = (Σ_S z − 1)/|S| on the support S. A support holds while
 * every z_i − τ_S keeps its sign, and these are polynomials.
 * Letters: z the values of the gate's input at the Chebyshev nodes of an interval, `z[node * columns + column]`.
 */
import { evaluateColumns } from "@splineformer/spline";
import type { Gate } from "./gate.ts";
import { hypotenuse, product, rounding } from "./noise.ts";
import { type Row, supportOf } from "./scores.ts";
import { type ColumnCut, type Cut, signChanges, type Undecided } from "./sign-changes.ts";

export function sparsemaxGate(rows: readonly Row[], columns: number, order: 0 | 1): Gate {
  const pattern = (z: Float64Array): Uint8Array => {
    const out = new Uint8Array(columns);
    for (const { entries } of rows) {
      if (entries.length === 0) continue;
      const support = supportAt(pack(z, columns, entries), entries.length, between(-1, 1));
      for (let i = 0; i < entries.length; i++) out[entries[i]] = support[i];
    }
    return out;
  };
  return {
    columns,
    pattern,
    read(z, noise) {
      const cuts: ColumnCut[] = [];
      const undecided: Undecided[] = [];
      for (const { entries } of rows)
        if (entries.length > 1)
          rowCuts(pack(z, columns, entries), entries, pack(noise, columns, entries), cuts, undecided);
      return { cuts, undecided, pattern: pattern(z) };
    },
    output(pattern, z, out) {
      out.fill(0);
      for (const { entries, factor } of rows) {
        const support = pack(pattern, columns, entries);
        const switches = order === 0 ? switchesOf(support, pack(z, columns, entries), 1) : undefined;
        for (let j = 0; j * columns < z.length; j++)
          for (let i = 0; i < entries.length; i++)
            if (support[i]) out[j * columns + entries[i]] = factor * (switches ? switches[j * entries.length + i] : 1);
      }
    },
    outputDeviation(pattern, deviation, _, out) {
      out.fill(0);
      if (order === 1) return;
      for (const { entries, factor } of rows) {
        const active = entries.filter((entry) => pattern[entry]);
        const n = active.length;
        let most = 0;
        for (const entry of active) most = Math.max(most, deviation[entry]);
        const share = (entry: number): number => (most === 0 ? 0 : (deviation[entry] / most) ** 2);
        const all = active.reduce((sum, entry) => sum + share(entry), 0);
        // (1 − 1/n) of its own score, 1/n of each other: a key that is alone has weight 1, whatever its score
        for (const entry of active) {
          const own = share(entry);
          const part = Math.sqrt((n - 1) ** 2 * own + Math.max(0, all - own)) / n;
          out[entry] = product(factor, hypotenuse(product(most, part), rounding(1)));
        }
      }
    },
  };
}

/** A point between two others, off the middle, where symmetric polynomials may vanish. */
const between = (lo: number, hi: number): number => lo + 0.5089 * (hi - lo);
/** Parts of [−1, 1] shorter than this hold no two numbers worth telling apart. */
const narrow = 2 ** -48;

/** Some columns side by side. */
function pack<A extends Float64Array | Uint8Array>(block: A, columns: number, chosen: readonly number[]): A {
  const nodes = block.length / columns;
  const out = new (block.constructor as { new (n: number): A })(nodes * chosen.length);
  for (let j = 0, at = 0; j < nodes; j++)
    for (let i = 0; i < chosen.length; i++) out[at++] = block[j * columns + chosen[i]];
  return out;
}

function supportAt(z: Float64Array, keys: number, u: number): Uint8Array {
  const all = Array.from({ length: keys }, (_, i) => i);
  const out = new Uint8Array(keys);
  for (const i of supportOf(all, evaluateColumns(z, keys, u))) out[i] = 1;
  return out;
}

/** unit · (z_i − τ_S) at every node, for a fixed support S: unit · ((z_i − r) − Σ_S (z_j − r)/|S| + 1/|S|), r any score of S. */
function switchesOf(support: Uint8Array, z: Float64Array, unit: number): Float64Array {
  const keys = support.length;
  const first = support.indexOf(1);
  let count = 0;
  for (const s of support) count += s;
  const out = new Float64Array(z.length);
  for (let at = 0; at < z.length; at += keys) {
    const r = unit * z[at + first];
    let sum = -unit;
    for (let i = 0; i < keys; i++) if (support[i]) sum += unit * z[at + i] - r;
    for (let i = 0; i < keys; i++) out[at + i] = unit * z[at + i] - r - sum / count;
  }
  return out;
}

/** From a point outwards: its support holds up to the nearest sign change on either side; then the two remainders. */
function rowCuts(
  z: Float64Array,
  entries: readonly number[],
  noise: Float64Array,
  cuts: ColumnCut[],
  undecided: Undecided[],
): void {
  const keys = entries.length;
  let largest = 0;
  for (const v of z) largest = Math.max(largest, Math.abs(v));
  // sums of keys scores must stay numbers
  const unit = largest > 2 ** 900 ? 2 ** -200 : 1;
  let floor = 0;
  for (const e of noise) floor = Math.max(floor, 4 * unit * e);
  // each of keys pairs of polynomials crosses at most as often as its degree; what goes beyond is rounding
  let left = 16 + 2 * keys * keys * (z.length / keys);
  const part = (lo: number, hi: number): void => {
    if (hi - lo < narrow) return;
    if (left-- <= 0) {
      for (const column of entries) undecided.push({ column, from: lo, to: hi });
      return;
    }
    const middle = between(lo, hi);
    const found: ColumnCut[] = [];
    const unsure: Undecided[] = [];
    const switches = switchesOf(supportAt(z, keys, middle), z, unit);
    const asked = entries.map((_, column) => ({ column, level: 0, noise: floor }));
    signChanges(switches, keys, asked, found, unsure);
    let start: Cut = { at: lo, radius: 0 };
    let end: Cut = { at: hi, radius: 0 };
    for (const cut of found) {
      if (cut.at > middle && cut.at < end.at) end = cut;
      if (cut.at <= middle && cut.at > start.at) start = cut;
    }
    for (const flat of unsure)
      if (flat.to > start.at && flat.from < end.at) undecided.push({ ...flat, column: entries[flat.column] });
    if (start.at > lo) {
      cuts.push({ ...start, column: entries[0] });
      part(lo, start.at - Math.min(start.radius, start.at - lo));
    }
    if (end.at < hi) {
      cuts.push({ ...end, column: entries[0] });
      part(end.at + Math.min(end.radius, hi - end.at), hi);
    }
  };
  part(-1, 1);
}
