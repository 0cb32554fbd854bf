/**
 * @file A reading in exact rational numbers with a frozen activation pattern: every ReLU that was on at one point stays
 * on everywhere, and those that were off stay off, so the whole network is one polynomial, known without any rounding.
 * An array has one denominator for all entries; every float64 parameter is such an array.
 */
import {
  activationOf,
  broadcastOffsets,
  divisor,
  inferShape,
  type Ops,
  type PiecewiseActivation,
  type Pointwise,
  type Shape,
  type Shaped,
  sizeOf,
  type Tensor,
  visibleKeys,
} from "@splineformer/tensor";

/** Entry i is data[i] / denominator. */
export interface Exact extends Shaped {
  readonly data: readonly bigint[];
  readonly denominator: bigint;
}

/** What every gate did, in the order they are met: the piece of an entry, or 1 where a key is in the support. */
export type Pattern = readonly (readonly number[])[];

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));
const lcm = (a: bigint, b: bigint): bigint => (a === b ? a : (a / gcd(a, b)) * b);

/** A tensor's numbers as they are: each is a whole number times a power of two. */
export function exact(x: Tensor): Exact {
  let denominator = 1n;
  for (const v of x.data) while (!Number.isInteger(v * Number(denominator))) denominator *= 2n;
  return { shape: x.shape, data: Array.from(x.data, (v) => BigInt(v * Number(denominator))), denominator };
}

/** The same numbers over a multiple of their denominator. */
const over = (x: Exact, denominator: bigint): readonly bigint[] =>
  denominator === x.denominator ? x.data : x.data.map((v) => (v * denominator) / x.denominator);

/** Exact operations. Without a pattern they find it, from the numbers that they meet; with one they stay on its pieces. */
export function exactOps(frozen?: Pattern): { readonly ops: Ops<Exact>; readonly pattern: Pattern } {
  const pattern: (readonly number[])[] = [];
  const gate = (find: () => readonly number[]): readonly number[] => {
    const pieces = frozen ? frozen[pattern.length] : find();
    pattern.push(pieces);
    return pieces;
  };
  const unread = (op: string) => (): never => {
    throw new Error(`exact: expected an operation of a piecewise polynomial network, got ${op}`);
  };
  const activate = (x: Exact, activation: Pointwise): Exact => {
    const meaning = activationOf(activation);
    if (meaning.kind === "smooth") return unread(activation as string)();
    return onPieces(
      x,
      meaning,
      gate(() => piecesAt(x, meaning)),
    );
  };

  const ops: Ops<Exact> = {
    constant: exact,
    parameter: (_, value) => exact(value),
    add(a, b) {
      const denominator = lcm(a.denominator, b.denominator);
      const [x, y] = [over(a, denominator), over(b, denominator)];
      const shape = inferShape("add", {}, a.shape, b.shape);
      return { shape, data: pairs(shape, a, b).map(([i, j]) => x[i] + y[j]), denominator };
    },
    multiply(a, b) {
      const shape = inferShape("multiply", {}, a.shape, b.shape);
      const data = pairs(shape, a, b).map(([i, j]) => a.data[i] * b.data[j]);
      return { shape, data, denominator: a.denominator * b.denominator };
    },
    scale: (x, { factor }) => ops.multiply(x, exact({ dtype: "float64", shape: [], data: Float64Array.of(factor) })),
    matmul,
    splitHeads(x, attributes) {
      const shape = inferShape("splitHeads", attributes, x.shape);
      const [heads, n, d] = shape.slice(-3);
      return swapped(x, shape, n, heads, d);
    },
    mergeHeads(x) {
      const [heads, n, d] = x.shape.slice(-3);
      return swapped(x, inferShape("mergeHeads", {}, x.shape), heads, n, d);
    },
    activate: (x, { activation }) => activate(x, activation),
    weigh(scores, visible, { activation, mask, divide }) {
      if (visible) return unread("a visible operand")();
      const [queries, keys] = scores.shape.slice(-2);
      const rows = Array.from({ length: scores.data.length / keys }, (_, row) => ({
        start: row * keys,
        seen: visibleKeys(mask, row % queries, keys),
      }));
      const on = rows.map(({ start, seen }) => seen.map((key) => start + key));
      let weights: Exact;
      if (activation === "sparsemax")
        weights = onSupport(
          scores,
          on,
          gate(() => supports(scores, on)),
        );
      else weights = activate(scores, activation as Pointwise);
      // hidden entries are 0, the others divided by what their row is
      const by = on.map((seen) => BigInt(divisor(divide, seen.length)));
      const all = by.reduce(lcm, 1n);
      const data = weights.data.map(() => 0n);
      for (const [row, seen] of on.entries()) for (const i of seen) data[i] = weights.data[i] * (all / by[row]);
      return { shape: scores.shape, data, denominator: weights.denominator * all };
    },
    normalize: unread("normalize"),
    sum: unread("sum"),
    slice: unread("slice"),
    concat: unread("concat"),
    gather: unread("gather"),
    scan: unread("scan"),
  };
  return { ops, pattern };
}

/** For each entry of the result, which entries of a and b meet there. */
function pairs(shape: Shape, a: Shaped, b: Shaped): [number, number][] {
  const [i, j] = [broadcastOffsets(a.shape, shape), broadcastOffsets(b.shape, shape)];
  return Array.from(i, (from, n) => [from, j[n]]);
}

function matmul(a: Exact, b: Exact, attributes: { transposeA?: boolean; transposeB?: boolean }): Exact {
  const shape = inferShape("matmul", attributes, a.shape, b.shape);
  const { transposeA = false, transposeB = false } = attributes;
  const [m, n] = shape.slice(-2);
  const k = a.shape.at(transposeA ? -2 : -1) as number;
  const batch = shape.slice(0, -2);
  const [p, q] = [a, b].map((x) => broadcastOffsets(x.shape.slice(0, -2), batch));
  const data: bigint[] = [];
  for (let c = 0; c < sizeOf(batch); c++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0n;
        for (let l = 0; l < k; l++) {
          const x = a.data[p[c] * m * k + (transposeA ? l * m + i : i * k + l)];
          sum += x * b.data[q[c] * k * n + (transposeB ? j * k + l : l * n + j)];
        }
        data.push(sum);
      }
  return { shape, data, denominator: a.denominator * b.denominator };
}

/** [.., p, q, d] → [.., q, p, d], under the name `shape`. */
function swapped(x: Exact, shape: Shape, p: number, q: number, d: number): Exact {
  const data = x.data.map((_, at) => {
    const [batch, j, i, l] = [
      Math.floor(at / (p * q * d)),
      Math.floor(at / (p * d)) % q,
      Math.floor(at / d) % p,
      at % d,
    ];
    return x.data[((batch * p + i) * q + j) * d + l];
  });
  return { shape, data, denominator: x.denominator };
}

/** A knot belongs to the piece on its left. */
const piecesAt = (x: Exact, { knots }: PiecewiseActivation): number[] =>
  x.data.map((z) => knots.filter((knot) => z > BigInt(knot) * x.denominator).length);

/** `Σ cₖ (z/D)^k = Σ cₖ z^k D^(n − k) / D^n` on each entry's piece. */
function onPieces({ shape, data, denominator }: Exact, { pieces }: PiecewiseActivation, at: readonly number[]): Exact {
  const n = Math.max(...pieces.map((piece) => piece.length)) - 1;
  const value = (z: bigint, piece: readonly number[]): bigint =>
    piece.reduce((sum, c, k) => sum + BigInt(c) * z ** BigInt(k) * denominator ** BigInt(n - k), 0n);
  return { shape, data: data.map((z, i) => value(z, pieces[at[i]])), denominator: denominator ** BigInt(n) };
}

/** 1 at the scores that sparsemax keeps: the k largest, with the last k for which 1 + k z₍ₖ₎ exceeds their sum. */
function supports({ data, denominator }: Exact, rows: readonly (readonly number[])[]): number[] {
  const inside = data.map(() => 0);
  for (const row of rows) {
    const sorted = [...row].sort((i, j) => (data[i] < data[j] ? 1 : -1));
    let sum = 0n;
    let size = 0;
    for (const [k, i] of sorted.entries()) {
      sum += data[i];
      if (denominator + BigInt(k + 1) * data[i] > sum) size = k + 1;
    }
    for (const i of sorted.slice(0, size)) inside[i] = 1;
  }
  return inside;
}

/** `z − (Σ_S z − 1)/|S|` on the support S of each row, 0 elsewhere. */
function onSupport(
  { shape, data, denominator }: Exact,
  rows: readonly (readonly number[])[],
  inside: readonly number[],
): Exact {
  const kept = rows.map((row) => row.filter((i) => inside[i]));
  const all = kept.reduce((size, row) => lcm(size, BigInt(row.length)), 1n);
  const out = data.map(() => 0n);
  for (const row of kept) {
    const size = BigInt(row.length);
    const sum = row.reduce((total, i) => total + data[i], 0n);
    for (const i of row) out[i] = (size * data[i] - sum + denominator) * (all / size);
  }
  return { shape, data: out, denominator: denominator * all };
}
