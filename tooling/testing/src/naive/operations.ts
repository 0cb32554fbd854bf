/**
 * @file Every operation by its index formula on nested arrays: what the reference device is tested against. Slow, and
 * sharing nothing with the reference but the definitions.
 */
import type { Attributes, OpName } from "@splineformer/tensor";
import { naiveActivation } from "./activations.ts";
import { everyEntry, type Matrix, type Numbers, overBatch, type Row, rankOf } from "./nested.ts";
import { naiveSoftmax, naiveWeigh } from "./rows.ts";

const transposed = (x: Matrix): Matrix => x[0].map((_, j) => x.map((row) => row[j]));

/** `cᵢⱼ = Σₗ aᵢₗ bₗⱼ`. */
export function naiveMatmul(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b[0].map((_, j) => row.reduce((sum, x, l) => sum + x * b[l][j], 0)));
}

/** Rows to mean 0 and variance 1, or to mean square 1. */
export function naiveNormalize(row: Row, { kind, epsilon }: Attributes["normalize"]): Row {
  const mean = kind === "layer" ? row.reduce((sum, x) => sum + x, 0) / row.length : 0;
  const square = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
  return row.map((x) => (x - mean) / Math.sqrt(square + epsilon));
}

/** Row k is `Σ_{i≤k} softmax(s₁..sₖ)ᵢ vᵢ`. */
export function naiveScan(scores: Matrix, values: Matrix): Matrix {
  return values.map((row, k) => {
    const weights = naiveSoftmax(scores.slice(0, k + 1).map(([s]) => s));
    return row.map((_, j) => weights.reduce((sum, w, i) => sum + w * values[i][j], 0));
  });
}

/** The columns of one head. */
const head = (x: Matrix, i: number, heads: number): Matrix =>
  x.map((row) => row.slice((i * row.length) / heads, ((i + 1) * row.length) / heads));

/** `weigh(scale · q kᵀ + bias) v`, head by head; head i reads the keys and values of group ⌊i · groups / heads⌋. */
export function naiveAttention(
  query: Matrix,
  key: Matrix,
  value: Matrix,
  bias: Matrix[] | undefined,
  visible: Matrix[] | undefined,
  { activation, mask, heads, keyValueHeads, scale, divide }: Attributes["attention"],
): Matrix {
  const outputs = Array.from({ length: heads }, (_, i) => {
    const group = Math.floor((i * keyValueHeads) / heads);
    const [q, k, v] = [head(query, i, heads), head(key, group, keyValueHeads), head(value, group, keyValueHeads)];
    const own = <X>(x: X[] | undefined): X | undefined => x?.[x.length === 1 ? 0 : i];
    const shift = own(bias);
    const scores = q.map((qRow, a) =>
      k.map((kRow, b) => {
        const rows = shift?.[shift.length === 1 ? 0 : a];
        const added = rows ? rows[rows.length === 1 ? 0 : b] : 0;
        return scale * qRow.reduce((sum, x, l) => sum + x * kRow[l], 0) + added;
      }),
    );
    return naiveMatmul(naiveWeigh(scores, own(visible), { activation, mask, order: 0, divide }), v);
  });
  return query.map((_, a) => outputs.flatMap((rows) => rows[a]));
}

/** Nested arrays of this rank at least, by axes of length 1 in front. */
const atRank = (x: Numbers, rank: number): Numbers => (rankOf(x) < rank ? atRank([x], rank) : x);

type Formulas = {
  readonly [K in OpName]: (operands: readonly (Numbers | undefined)[], attributes: Attributes[K]) => Numbers;
};

const formulas: Formulas = {
  add: ([a, b]) => overBatch([a as Numbers, b as Numbers], [0, 0], (x, y) => (x as number) + (y as number)),
  multiply: ([a, b]) => overBatch([a as Numbers, b as Numbers], [0, 0], (x, y) => (x as number) * (y as number)),
  scale: ([x], { factor }) => everyEntry(x as Numbers, (z) => factor * z),
  matmul: ([a, b], { transposeA = false, transposeB = false }) =>
    overBatch([a as Numbers, b as Numbers], [2, 2], (x, y) =>
      naiveMatmul(
        transposeA ? transposed(x as Matrix) : (x as Matrix),
        transposeB ? transposed(y as Matrix) : (y as Matrix),
      ),
    ),
  splitHeads: ([x], { heads }) =>
    overBatch([x as Numbers], [2], (rows) => Array.from({ length: heads }, (_, i) => head(rows as Matrix, i, heads))),
  mergeHeads: ([x]) =>
    overBatch([x as Numbers], [3], (parts) =>
      (parts as Matrix[])[0].map((_, token) => (parts as Matrix[]).flatMap((rows) => rows[token])),
    ),
  activate: ([x], { activation, order }) => everyEntry(x as Numbers, naiveActivation(activation, order)),
  weigh: ([scores, visible], attributes) =>
    visible === undefined
      ? overBatch([scores as Numbers], [2], (z) => naiveWeigh(z as Matrix, undefined, attributes))
      : overBatch([scores as Numbers, atRank(visible, 2)], [2, 2], (z, v) =>
          naiveWeigh(z as Matrix, v as Matrix, attributes),
        ),
  normalize: ([x], attributes) => overBatch([x as Numbers], [1], (row) => naiveNormalize(row as Row, attributes)),
  sum: ([x], { axes, keep }) => naiveSum(x as Numbers, axes, keep),
  slice: ([x], { axis, from, to }) => overBatch([x as Numbers], [-axis], (part) => (part as Numbers[]).slice(from, to)),
  concat: ([a, b], { axis }) => {
    const rank = Math.max(rankOf(a as Numbers), rankOf(b as Numbers), -axis);
    const [x, y] = [atRank(a as Numbers, rank), atRank(b as Numbers, rank)];
    if (axis === -1) return overBatch([x, y], [1, 1], (p, q) => [...(p as Row), ...(q as Row)]);
    return overBatch([x, y], [2, 2], (p, q) => {
      const width = Math.max((p as Matrix)[0].length, (q as Matrix)[0].length);
      return [...(p as Matrix), ...(q as Matrix)].map((row) =>
        Array.from({ length: width }, (_, j) => row[row.length === 1 ? 0 : j]),
      );
    });
  },
  gather: ([table, indices]) =>
    overBatch([table as Numbers, indices as Numbers], [2, 1], (rows, list) =>
      (list as Row).map((i) => (rows as Matrix)[i]),
    ),
  scan: ([scores, values]) =>
    overBatch([scores as Numbers, values as Numbers], [2, 2], (s, v) => naiveScan(s as Matrix, v as Matrix)),
  linear: ([x, weight, bias], { activation }) =>
    overBatch([x as Numbers], [2], (rows) =>
      naiveMatmul(rows as Matrix, weight as Matrix).map((row) =>
        row.map((z, j) => naiveActivation(activation, 0)(z + ((bias as Row | undefined)?.[j] ?? 0))),
      ),
    ),
  attention: ([query, key, value, bias, visible], attributes) => {
    // an absent bias is 0 and an absent mask shows everything, so that batch axes have one case to handle
    const added = atRank(bias ?? 0, 3);
    const shown = atRank(visible ?? 1, 3);
    return overBatch([query, key, value, added, shown] as Numbers[], [2, 2, 2, 3, 3], (q, k, v, b, s) =>
      naiveAttention(q as Matrix, k as Matrix, v as Matrix, b as Matrix[], s as Matrix[], attributes),
    );
  },
};

function naiveSum(x: Numbers, axes: readonly number[], keep: boolean): Numbers {
  const rank = rankOf(x);
  if (rank === 0) return x;
  const parts = (x as Numbers[]).map((part) => naiveSum(part, axes, keep));
  if (!axes.includes(-rank)) return parts;
  const total = parts.reduce((a, b) => overBatch([a, b], [0, 0], (p, q) => (p as number) + (q as number)));
  return keep ? [total] : total;
}

/**
 * An operation on nested arrays, by its formula.
 *
 * @example
 * ```ts
 * import { naive } from "@splineformer/testing";
 * naive("matmul", [[[1, 2]], [[3], [4]]], {}); // [[11]]
 * ```
 */
export function naive<K extends OpName>(
  op: K,
  operands: readonly (Numbers | undefined)[],
  attributes: Attributes[K],
): Numbers {
  return (formulas[op] as (operands: readonly (Numbers | undefined)[], attributes: Attributes[K]) => Numbers)(
    operands,
    attributes,
  );
}
