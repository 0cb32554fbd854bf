/**
 * @file Gates on enclosures: the piece that each entry seems to be in, whether it provably stays in it, and the output of a
 * pattern. Letters: z the gate's input, p what keeps its sign while a pattern holds: z less a knot, or z − τ for sparsemax.
 */
import {
  type Applied,
  activationOf,
  actsOnRows,
  differentiate,
  type PiecewiseActivation,
  type Pointwise,
  pieceAt,
  type Tensor,
} from "@splineformer/tensor";
import { factorsOf, type Row, scoreRows, supportOf } from "../engine/scores.ts";
import { bound, type Enclosures, orderOf, roundedUp } from "./enclosures.ts";

/** What an enclosure says of the sign of p on an item: c_0 and Σ_{k≥1} |c_k| + r don't tell. */
export interface OpenSign {
  readonly entry: number;
  /** Which end of the entry's piece it is: for an activation the knot, for sparsemax 0. */
  readonly knot: number;
  /** While the pattern holds, sign · p ≥ 0. */
  readonly sign: 1 | -1;
  /** Of p. */
  readonly coefficients: Float64Array;
  readonly radius: number;
}

export interface EnclosedGate {
  /** The pattern of an item by the numbers c_k at s: proves nothing. */
  guess(z: Enclosures, item: number, s: number): Uint8Array;
  /** Every p of an item whose sign is not proven to be that of the pattern. */
  open(z: Enclosures, item: number, pattern: Uint8Array): OpenSign[];
  output(z: Enclosures, patterns: readonly Uint8Array[]): Enclosures;
}

type GateNode = Extract<Applied, { op: "activate" | "weigh" }>;
const unit = 2 ** -53;

/** The gate of a node that is known to have one. */
export function enclosedGate(node: GateNode, visible: Tensor | undefined): EnclosedGate {
  const { activation, order } = node.attributes;
  const meaning = (): PiecewiseActivation => activationOf(activation as Pointwise) as PiecewiseActivation;
  if (node.op === "activate") return pointwise(meaning(), order, undefined);
  const rows = scoreRows(node, visible);
  if (actsOnRows(activation)) return sparsemax(rows, order);
  return pointwise(meaning(), order, (entries) => factorsOf(rows, entries));
}

/** Σ c_k s^k of an entry of an item. */
function valueAt(z: Enclosures, at: number, s: number): number {
  const n = z.radius.length;
  let value = 0;
  for (let k = z.coefficients.length - n + at; k >= 0; k -= n) value = value * s + z.coefficients[k];
  return value;
}

function coefficientsAt(z: Enclosures, at: number): Float64Array {
  const n = z.radius.length;
  const out = new Float64Array(orderOf(z));
  for (let k = 0; k < out.length; k++) out[k] = z.coefficients[k * n + at];
  return out;
}

const entriesOf = (z: Enclosures): number => z.radius.length / z.items;

/** Whether sign · (c_0 + ρ) ≥ 0 for every |ρ| ≤ rest. */
function holds(c0: number, rest: number, sign: 1 | -1): boolean {
  const most = rest * (1 + 2 ** -40);
  // what is 0 and stays so is on no side: it does not switch
  return sign * c0 > most || (c0 === 0 && most === 0);
}

/**
 * @param factors - of every entry, 0 for a hidden key; undefined: 1
 */
function pointwise(
  meaning: PiecewiseActivation,
  order: 0 | 1,
  factors: ((entries: number) => Float64Array) | undefined,
): EnclosedGate {
  const { knots, pieces } = meaning;
  const polynomials = order === 0 ? pieces : pieces.map(differentiate);
  const degree = Math.max(...polynomials.map((c) => c.length)) - 1;
  let known: Float64Array | undefined;
  const factorsFor = (entries: number): Float64Array | undefined => {
    if (factors) known ??= factors(entries);
    return known;
  };
  return {
    guess(z, item, s) {
      const entries = entriesOf(z);
      const own = factorsFor(entries);
      const out = new Uint8Array(entries);
      for (let i = 0; i < entries; i++)
        if (own?.[i] !== 0) out[i] = Math.max(0, pieceAt(meaning, valueAt(z, item * entries + i, s)));
      return out;
    },
    open(z, item, pattern) {
      const entries = entriesOf(z);
      const own = factorsFor(entries);
      const n = z.radius.length;
      const out: OpenSign[] = [];
      const test = (i: number, at: number, rest: number, knot: number, sign: 1 | -1): void => {
        const level = knots[knot];
        const c0 = z.coefficients[at] - level;
        // c_0 − level is rounded
        const off = level === 0 ? 0 : 2 * unit * Math.abs(c0);
        if (holds(c0, rest + off, sign)) return;
        const coefficients = coefficientsAt(z, at);
        coefficients[0] = c0;
        out.push({ entry: i, knot, sign, coefficients, radius: z.radius[at] + off });
      };
      for (let i = 0, at = item * entries; i < entries; i++, at++) {
        if (own?.[i] === 0) continue;
        let rest = z.radius[at];
        for (let k = at + n; k < z.coefficients.length; k += n) rest += Math.abs(z.coefficients[k]);
        const piece = pattern[i];
        if (piece > 0) test(i, at, rest, piece - 1, 1);
        if (piece < knots.length) test(i, at, rest, piece, -1);
      }
      return out;
    },
    output(z, patterns) {
      const entries = entriesOf(z);
      const own = factorsFor(entries);
      const n = z.radius.length;
      const K = orderOf(z);
      const coefficients = new Float64Array(z.coefficients.length);
      const radius = new Float64Array(n);
      const c = new Float64Array(K);
      for (let item = 0; item < z.items; item++) {
        const pattern = patterns[item];
        for (let i = 0, at = item * entries; i < entries; i++, at++) {
          const factor = own ? own[i] : 1;
          const polynomial = polynomials[pattern[i]];
          if (factor === 0 || (polynomial.length === 1 && polynomial[0] === 0)) continue;
          if (degree === 1 && factor === 1 && polynomial.length === 2 && polynomial[0] === 0 && polynomial[1] === 1) {
            for (let k = at; k < coefficients.length; k += n) coefficients[k] = z.coefficients[k];
            radius[at] = z.radius[at];
            continue;
          }
          const r = composed(polynomial, z, at, c);
          let size = 0;
          for (let k = 0; k < K; k++) {
            const v = c[k] * factor;
            coefficients[k * n + at] = v;
            size += bound(v);
          }
          // 1/n is rounded, and so is the product
          radius[at] = factor === 1 ? r : roundedUp(r * factor + 4 * unit * size);
        }
      }
      return { shape: z.shape, items: z.items, coefficients, radius };
    },
  };
}

/** A polynomial of one entry, by Horner's rule for enclosures; its coefficients to `c`, its radius is returned. */
function composed(polynomial: readonly number[], z: Enclosures, at: number, c: Float64Array): number {
  const K = c.length;
  const own = coefficientsAt(z, at);
  const ownRadius = z.radius[at];
  let size = 0;
  for (const v of own) size += bound(v);
  c.fill(0);
  c[0] = polynomial[polynomial.length - 1];
  let radius = 0;
  for (let m = polynomial.length - 2; m >= 0; m--) {
    let before = 0;
    for (let k = 0; k < K; k++) before += bound(c[k]);
    const last = m === polynomial.length - 2;
    let rest = 0;
    if (last) for (let k = K - 1; k >= 0; k--) c[k] = c[0] * own[k];
    else {
      for (let i = 1; i < K; i++) for (let j = K - i; j < K; j++) rest += bound(c[i]) * bound(own[j]);
      for (let k = K - 1; k >= 0; k--) {
        let v = 0;
        for (let i = 0; i <= k; i++) v += c[i] * own[k - i];
        c[k] = v;
      }
    }
    c[0] += polynomial[m];
    const errors = before * ownRadius + radius * (size + ownRadius) + rest;
    radius = roundedUp(errors + (2 * K + 4) * 2 * unit * (before * size + bound(polynomial[m])));
  }
  return radius;
}

function sparsemax(rows: readonly Row[], order: 0 | 1): EnclosedGate {
  /** z_i − (Σ_S z − 1)/|S| for the entries of a row: coefficients by entry, and radii. */
  const switches = (z: Enclosures, first: number, entries: readonly number[], pattern: Uint8Array) => {
    const n = z.radius.length;
    const K = orderOf(z);
    const active = entries.filter((entry) => pattern[entry]);
    const count = active.length;
    const mean = new Float64Array(K);
    let meanRadius = 0;
    let meanSize = 1 / count;
    for (const entry of active) {
      meanRadius += z.radius[first + entry] / count;
      for (let k = 0; k < K; k++) {
        const v = z.coefficients[k * n + first + entry] / count;
        mean[k] += v;
        meanSize += bound(v);
      }
    }
    mean[0] -= 1 / count;
    const gamma = (count + 8) * 2 * unit;
    return entries.map((entry) => {
      const c = new Float64Array(K);
      let size = meanSize;
      for (let k = 0; k < K; k++) {
        const v = z.coefficients[k * n + first + entry];
        c[k] = v - mean[k];
        size += bound(v);
      }
      return { entry, c, radius: roundedUp(z.radius[first + entry] + meanRadius + gamma * size) };
    });
  };
  return {
    guess(z, item, s) {
      const entries = entriesOf(z);
      const out = new Uint8Array(entries);
      const values = Float64Array.from({ length: entries }, (_, i) => valueAt(z, item * entries + i, s));
      for (const row of rows)
        if (row.entries.length > 0) for (const entry of supportOf(row.entries, values)) out[entry] = 1;
      return out;
    },
    open(z, item, pattern) {
      const out: OpenSign[] = [];
      for (const { entries } of rows) {
        // a key that is alone has all the weight
        if (entries.length < 2) continue;
        for (const { entry, c, radius } of switches(z, item * entriesOf(z), entries, pattern)) {
          const sign = pattern[entry] ? 1 : -1;
          let rest = radius;
          for (let k = 1; k < c.length; k++) rest += Math.abs(c[k]);
          if (!holds(c[0], rest, sign)) out.push({ entry, knot: 0, sign, coefficients: c, radius });
        }
      }
      return out;
    },
    output(z, patterns) {
      const entries = entriesOf(z);
      const n = z.radius.length;
      const coefficients = new Float64Array(z.coefficients.length);
      const radius = new Float64Array(n);
      for (let item = 0; item < z.items; item++)
        for (const row of rows) {
          const pattern = patterns[item];
          const first = item * entries;
          if (row.entries.length === 0) continue;
          for (const { entry, c, radius: own } of switches(z, first, row.entries, pattern)) {
            if (!pattern[entry]) continue;
            const at = first + entry;
            const alone = row.entries.length === 1;
            let size = 0;
            for (let k = 0; k < c.length; k++) {
              const v = (order === 1 || alone ? Number(k === 0) : c[k]) * row.factor;
              coefficients[k * n + at] = v;
              size += bound(v);
            }
            const error = order === 1 || alone ? 0 : own * row.factor;
            radius[at] = row.factor === 1 ? error : roundedUp(error + 4 * unit * size);
          }
        }
      return { shape: z.shape, items: z.items, coefficients, radius };
    },
  };
}
