/**
 * @file Gates: the operations that are polynomials only piece by piece. A gate says where its pieces end, which piece holds
 * on a part (the *pattern*), and what the output is there. All columns are handled at a time; nothing is known of layers.
 * Letters: z the values of the gate's input at the Chebyshev nodes of an interval, `z[node * columns + column]`.
 */
import { columnRoots, evaluateColumns } from "@splineformer/spline";
import {
  type Applied,
  activationOf,
  actsOnRows,
  differentiate,
  divisor,
  horner,
  type PiecewiseActivation,
  type Pointwise,
  sigmoidBias,
  sizeOf,
  sparsemaxThreshold,
  type Tensor,
  visibleKeys,
} from "@splineformer/tensor";

/** A place of [−1, 1] where a column's piece ends, and how far rounding may have moved it. */
export interface Cut {
  readonly at: number;
  readonly radius: number;
}

/** A part of [−1, 1] where a column is too small to tell. */
interface Undecided {
  readonly column: number;
  readonly from: number;
  readonly to: number;
}

interface Cuts {
  readonly cuts: readonly Cut[];
  readonly undecided: readonly Undecided[];
}

/** A piecewise polynomial operation, of one node. `noise` is what rounding may have done to each column of z. */
export interface Gate {
  readonly columns: number;
  /** Where the pattern changes. */
  cuts(z: Float64Array, noise: Float64Array): Cuts;
  /** Which piece each column is in, on a part where no pattern changes. */
  pattern(z: Float64Array, noise: Float64Array): Uint8Array;
  /** The output at the same nodes. */
  output(pattern: Uint8Array, z: Float64Array): Float64Array;
  /** The variance of the output's rounding error, given that of z and the largest |z| of each column. */
  outputVariance(pattern: Uint8Array, variance: Float64Array, size: Float64Array): Float64Array;
}

/** A node's gate; undefined where the node is a polynomial of its input, or no spline at all. */
export function gateOf(node: Applied, visible: Tensor | undefined): Gate | undefined {
  if (node.op !== "activate" && node.op !== "weigh") return undefined;
  const { activation, order } = node.attributes;
  if (node.op === "weigh" && actsOnRows(activation))
    return activation === "sparsemax" ? sparsemaxGate(rowsOf(node, visible), sizeOf(node.shape), order) : undefined;
  if (node.op === "weigh" && sigmoidBias(activation) !== undefined) return undefined;
  const meaning = activationOf(activation as Pointwise);
  if (meaning.kind === "smooth") return undefined;
  const columns = sizeOf(node.shape);
  if (node.op === "activate") return pointwiseGate(meaning, order, columns, undefined);
  const factors = new Float64Array(columns);
  for (const { entries, factor } of rowsOf(node, visible)) for (const entry of entries) factors[entry] = factor;
  return pointwiseGate(meaning, order, columns, factors);
}

// ---------------------------------------------------------------- entry by entry
/**
 * @param factors - what each column's output is multiplied by, 0 for a hidden key; undefined: 1
 */
function pointwiseGate(
  { knots, pieces }: PiecewiseActivation,
  order: 0 | 1,
  columns: number,
  factors: Float64Array | undefined,
): Gate {
  const polynomials = order === 0 ? pieces : pieces.map(differentiate);
  const slopes = polynomials.map(differentiate).map((c) => c.map(Math.abs));
  const shown: number[] = [];
  for (let c = 0; c < columns; c++) if (factors?.[c] !== 0) shown.push(c);
  const shift = (z: Float64Array, knot: number): Float64Array => {
    const nodes = z.length / columns;
    const out = new Float64Array(nodes * shown.length);
    for (let j = 0, at = 0; j < nodes; j++)
      for (let q = 0; q < shown.length; q++) out[at++] = z[j * columns + shown[q]] - knot;
    return out;
  };
  return {
    columns,
    cuts(z, noise) {
      const cuts: Cut[] = [];
      const undecided: Undecided[] = [];
      const floor = Float64Array.from(shown, (c) => noise[c]);
      for (const knot of knots) collect(shift(z, knot), shown, floor, cuts, undecided);
      return { cuts, undecided };
    },
    pattern(z, noise) {
      const pattern = new Uint8Array(columns);
      for (const knot of knots)
        for (const c of shown) {
          // no sign changes on the part, so the largest value has the sign of all
          let loudest = 0;
          for (let at = c; at < z.length; at += columns) {
            const v = z[at] - knot;
            if (Math.abs(v) > Math.abs(loudest)) loudest = v;
          }
          if (loudest > noise[c]) pattern[c]++;
        }
      return pattern;
    },
    output(pattern, z) {
      const out = new Float64Array(z.length);
      for (let at = 0; at < z.length; at += columns)
        for (const c of shown) {
          const value = horner(polynomials[pattern[c]], z[at + c]);
          out[at + c] = factors ? value * factors[c] : value;
        }
      return out;
    },
    outputVariance(pattern, variance, size) {
      const out = new Float64Array(columns);
      for (const c of shown) {
        const slope = horner(slopes[pattern[c]], size[c]) * (factors ? factors[c] : 1);
        out[c] = slope * slope * variance[c];
      }
      return out;
    },
  };
}

// ---------------------------------------------------------------- rows of keys
interface Row {
  /** The entries of the node that the query sees. */
  readonly entries: readonly number[];
  readonly factor: number;
}

/** The rows of a weigh node with what each query sees. */
function rowsOf(node: Extract<Applied, { op: "weigh" }>, visible: Tensor | undefined): Row[] {
  const [queries, keys] = node.shape.slice(-2);
  const { mask, divide } = node.attributes;
  return Array.from({ length: sizeOf(node.shape) / keys }, (_, row) => {
    const entries = visibleKeys(mask, row % queries, keys)
      .map((key) => row * keys + key)
      .filter((entry) => visible?.data[entry] !== 0);
    return { entries, factor: 1 / divisor(divide, entries.length) };
  });
}

/**
 * Sparsemax of a row: `max(z_i − τ, 0)` with τ = (Σ_S z − 1)/|S| on the support S. A support holds while every z_i − τ_S
 * keeps its sign, and these are polynomials.
 */
function sparsemaxGate(rows: readonly Row[], columns: number, order: 0 | 1): Gate {
  return {
    columns,
    cuts(z, noise) {
      const cuts: Cut[] = [];
      const undecided: Undecided[] = [];
      for (const { entries } of rows)
        if (entries.length > 1)
          rowCuts(pack(z, columns, entries), entries, pack(noise, columns, entries), cuts, undecided);
      return { cuts, undecided };
    },
    pattern(z) {
      const pattern = new Uint8Array(columns);
      for (const { entries } of rows) {
        const support = supportAt(pack(z, columns, entries), entries.length, inside);
        for (let i = 0; i < entries.length; i++) pattern[entries[i]] = support[i];
      }
      return pattern;
    },
    output(pattern, z) {
      const out = new Float64Array(z.length);
      for (const { entries, factor } of rows) {
        const support = pack(pattern, columns, entries);
        const switches = order === 0 ? switchesOf(support, pack(z, columns, entries)) : undefined;
        for (let j = 0; j * columns < z.length; j++)
          for (let i = 0; i < entries.length; i++)
            if (support[i]) out[j * columns + entries[i]] = factor * (switches ? switches[j * entries.length + i] : 1);
      }
      return out;
    },
    outputVariance(pattern, variance) {
      const out = new Float64Array(columns);
      if (order === 1) return out;
      for (const { entries, factor } of rows) {
        const active = entries.filter((entry) => pattern[entry]);
        const tau = active.reduce((sum, entry) => sum + variance[entry], 0) / active.length ** 2;
        for (const entry of active) out[entry] = factor * factor * (variance[entry] + tau);
      }
      return out;
    },
  };
}

/** A point of (−1, 1) that symmetric polynomials do not vanish at. */
const inside = 0.0178;
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
  const scores = Array.from(evaluateColumns(z, keys, u));
  const tau = sparsemaxThreshold(scores);
  return Uint8Array.from(scores, (s) => (s > tau ? 1 : 0));
}

/** z_i − τ_S at every node, for a fixed support S. */
function switchesOf(support: Uint8Array, z: Float64Array): Float64Array {
  const keys = support.length;
  let count = 0;
  for (const s of support) count += s;
  const out = new Float64Array(z.length);
  for (let at = 0; at < z.length; at += keys) {
    let sum = -1;
    for (let i = 0; i < keys; i++) if (support[i]) sum += z[at + i];
    for (let i = 0; i < keys; i++) out[at + i] = z[at + i] - sum / count;
  }
  return out;
}

/** From a point outwards: its support holds up to the nearest sign change on either side; then the two remainders. */
function rowCuts(
  z: Float64Array,
  entries: readonly number[],
  noise: Float64Array,
  cuts: Cut[],
  undecided: Undecided[],
): void {
  const keys = entries.length;
  const loudest = 4 * Math.max(...noise);
  const floor = new Float64Array(keys).fill(loudest);
  const part = (lo: number, hi: number): void => {
    if (hi - lo < narrow) return;
    const middle = lo + 0.5 * (1 + inside) * (hi - lo);
    const found: Cut[] = [];
    const unsure: Undecided[] = [];
    const support = supportAt(z, keys, middle);
    collect(switchesOf(support, z), entries, floor, found, unsure);
    let left: Cut = { at: lo, radius: 0 };
    let right: Cut = { at: hi, radius: 0 };
    for (const cut of found) {
      if (cut.at > middle && cut.at < right.at) right = cut;
      if (cut.at <= middle && cut.at > left.at) left = cut;
    }
    for (const flat of unsure) if (flat.to > left.at && flat.from < right.at) undecided.push(flat);
    if (left.at > lo) {
      cuts.push(left);
      part(lo, left.at - Math.min(left.radius, left.at - lo));
    }
    if (right.at < hi) {
      cuts.push(right);
      part(right.at + Math.min(right.radius, hi - right.at), hi);
    }
  };
  part(-1, 1);
}

// ---------------------------------------------------------------- roots of a block
/** Appends the sign changes of a block's columns, and what could not be decided, under the columns' own names. */
function collect(
  block: Float64Array,
  names: readonly number[],
  noise: Float64Array,
  cuts: Cut[],
  undecided: Undecided[],
): void {
  const columns = names.length;
  if (columns === 0) return;
  const tolerance = 2 ** -52;
  const roots = columnRoots(block, columns, { tolerance, scale: noise.map((e) => e / tolerance) });
  for (let i = 0; i < roots.at.length; i++) {
    const column = roots.column[i];
    cuts.push({ at: roots.at[i], radius: radiusAt(block, columns, column, roots.at[i], noise[column]) });
  }
  for (const { column, from, to } of roots.flat)
    if (!vanishes(block, columns, column)) undecided.push({ column: names[column], from, to });
}

/** How far a value's error moves the root: error over slope, the slope as a difference over a small step. */
function radiusAt(block: Float64Array, columns: number, column: number, at: number, noise: number): number {
  const single = pack(block, columns, [column]);
  const step = 2 ** -20;
  const lo = Math.max(-1, at - step);
  const hi = Math.min(1, at + step);
  const rise = Math.abs(evaluateColumns(single, 1, hi)[0] - evaluateColumns(single, 1, lo)[0]);
  return Math.min((noise * (hi - lo)) / Math.max(rise, Number.MIN_VALUE), step);
}

/** Exactly zero at every node: off, and no doubt about it. */
function vanishes(block: Float64Array, columns: number, column: number): boolean {
  for (let at = column; at < block.length; at += columns) if (block[at] !== 0) return false;
  return true;
}
