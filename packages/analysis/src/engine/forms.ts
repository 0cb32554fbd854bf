/**
 * @file What an operation that is no gate does to blocks: prepared once for a node, as it is applied to cells, and as it is
 * applied to patches.
 */
import { type Applied, apply, broadcastOffsets, type Node, reference, sizeOf, type Tensor } from "@splineformer/tensor";
import type { Block } from "./blocks.ts";
import type { Memory } from "./memory.ts";
import { type Propagation, propagationOf, type Spread } from "./noise.ts";
import { type Product, productOf } from "./product.ts";
import { rowEntries, rowShape, variesByRow } from "./rows.ts";
import type { Fused } from "./steps.ts";

/** What a node is computed from: for every operand that moves a block, undefined where it does not. */
export type BlockOperands = readonly (Block | undefined)[];

/** A node as it is applied to cells, or to patches. */
export interface Form {
  readonly node: Applied;
  readonly columns: number;
  readonly shapes: readonly (readonly number[])[];
  /** Where an entry of the result finds an operand's; undefined where the operand has the result's shape. */
  readonly places: readonly (Int32Array | undefined)[];
  /** Where a node that only moves entries about finds them. */
  readonly moved: readonly Int32Array[] | undefined;
  /** The operands that do not move. */
  readonly still: readonly (Still | undefined)[];
  readonly product: Product | undefined;
  readonly bias: Float64Array | undefined;
  readonly propagation: Propagation;
}

export interface Forms {
  readonly cells: Form;
  readonly patches: Form;
}

interface Still {
  readonly value: Tensor;
  readonly numbers: Float64Array;
  readonly spread: Spread;
  /** One for every row of the node, in place of one for all. */
  readonly byRow: readonly Float64Array[] | undefined;
}

export function formOf(
  node: Applied,
  fused: Fused | undefined,
  moves: (node: Node) => boolean,
  fixed: readonly Tensor[],
  memory: Memory,
  rows = 1,
): Form {
  const operands = node.inputs as readonly (Node | undefined)[];
  const still = operands.map((x): Still | undefined => {
    if (!x || moves(x)) return undefined;
    const value = fixed[x.id];
    const byRow = variesByRow(node, rows, value.shape)
      ? Array.from({ length: rows }, (_, row) =>
          Float64Array.from(rowEntries(value.shape, rows, row), (entry) => value.data[entry]),
        )
      : undefined;
    return { value, byRow, numbers: keep(memory, value.data), spread: spreadOf(value.data) };
  });
  const product = node.op === "matmul" ? productOf(node, fused?.heads ?? { a: 1, b: 1, c: 1 }) : undefined;
  const shapes = operands.map((x) => x?.shape ?? []);
  const columns = sizeOf(node.shape);
  const moved = movers.has(node.op) ? movesOf(node, operands, moves, fixed) : undefined;
  return {
    node,
    columns,
    shapes,
    places: shapes.map((shape) =>
      node.op === "add" || node.op === "multiply"
        ? sizeOf(shape) === columns
          ? undefined
          : broadcastOffsets(shape, node.shape)
        : undefined,
    ),
    moved,
    still,
    product,
    bias: fused?.bias && keep(memory, fixed[fused.bias.id].data),
    propagation: propagationOf(
      node,
      still.map((x) => (x?.byRow ? undefined : x?.value)),
      memory,
      product,
      moved,
    ),
  };
}

const spreadOf = (data: ArrayLike<number>): Spread => ({
  size: Float64Array.from(data, Math.abs),
  deviation: undefined,
});

/** Numbers that do not move, where products find them, for good. */
function keep(memory: Memory, data: ArrayLike<number>): Float64Array {
  const numbers = memory.take(data.length);
  numbers.set(data);
  return numbers;
}

/** Operations that only move entries about. */
const movers: ReadonlySet<string> = new Set(["splitHeads", "mergeHeads", "slice", "concat", "gather"]);

/** For every operand where each entry of the result comes from; −1 from elsewhere. */
function movesOf(
  node: Applied,
  operands: readonly (Node | undefined)[],
  moves: (node: Node) => boolean,
  fixed: readonly Tensor[],
): Int32Array[] {
  return operands.map((_, own) => {
    const numbered = operands.map((x, i) => {
      if (!x) return undefined;
      if (node.op === "gather" && i === 1) return fixed[x.id];
      const data = Float64Array.from({ length: sizeOf(x.shape) }, (_, k) => (i === own && moves(x) ? k : -1));
      return { dtype: "float64", shape: x.shape, data } as const;
    });
    return Int32Array.from(apply(reference, node, numbered).data);
  });
}

/** Writes sums, products and moves entry by entry; false for any other operation. */
export function combine(
  { node, columns, places, moved, shapes }: Form,
  items: number,
  rows: number,
  operands: BlockOperands,
  still: readonly (Pick<Still, "numbers"> | undefined)[],
  out: Float64Array,
): boolean {
  if (node.op === "scale") {
    const { factor } = node.attributes;
    const { data } = operands[0] as Block;
    for (let k = 0; k < out.length; k++) out[k] = data[k] * factor;
    return true;
  }
  if (moved && node.op !== "concat") {
    const [from] = moved;
    const x = operands[0] as Block;
    for (let row = 0, to = 0; row < items * rows; row++, to += columns)
      for (let k = 0, at = row * x.columns; k < columns; k++) out[to + k] = x.data[at + from[k]];
    return true;
  }
  if (node.op !== "add" && node.op !== "multiply") return false;
  const [a, b] = [0, 1].map((i) => {
    const x = operands[i];
    const own = sizeOf(shapes[i]);
    const numbers = x?.data ?? (still[i] as Still).numbers;
    // an operand that does not move is the same at every node, and perhaps for every item
    return { numbers, item: x ? rows * own : numbers.length === own ? 0 : own, node: x ? own : 0, places: places[i] };
  });
  const sum = node.op === "add";
  for (let item = 0, to = 0; item < items; item++)
    for (let j = 0; j < rows; j++, to += columns) {
      const p = item * a.item + j * a.node;
      const q = item * b.item + j * b.node;
      const x = a.numbers;
      const y = b.numbers;
      if (!a.places && !b.places) {
        if (sum) for (let k = 0; k < columns; k++) out[to + k] = x[p + k] + y[q + k];
        else for (let k = 0; k < columns; k++) out[to + k] = x[p + k] * y[q + k];
      } else
        for (let k = 0; k < columns; k++) {
          const v = x[p + (a.places ? a.places[k] : k)];
          const w = y[q + (b.places ? b.places[k] : k)];
          out[to + k] = sum ? v + w : v * w;
        }
    }
  return true;
}

/** The rows of an operand that does not move, one for every patch. */
export function gathered({ value, byRow = [] }: Still, row: readonly number[], rank: number): Omit<Still, "byRow"> {
  const own = byRow[0].length;
  const numbers = new Float64Array(row.length * own);
  row.forEach((r, i) => {
    numbers.set(byRow[r], i * own);
  });
  const missing = new Array<number>(rank - value.shape.length).fill(1);
  const shape = [row.length, 1, ...missing, ...rowShape(value.shape, byRow.length)];
  return { value: { dtype: "float64", shape, data: numbers }, numbers, spread: spreadOf(numbers) };
}
