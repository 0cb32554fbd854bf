/**
 * @file Rows: which parts of a node's value depend on their own row of the operands alone. A token's projections and its
 * hidden units know nothing of other tokens, so where one of its units switches only that token is cut. Attention looks at
 * all tokens: what is *looked at as a whole* must be a polynomial in all of its rows at once. That divides a network into
 * *levels*: within one, the line is cut row by row; from one to the next, all those cuts together make its intervals.
 *
 * Letters: R the rows of a node, the length of its axis −2, or 1 where it is taken as a whole.
 */
import { type Applied, isLeaf, type Node, operandsOf, type Shape, sizeOf } from "@splineformer/tensor";

export interface Rows {
  /** R, by `node.id`. */
  readonly rows: readonly number[];
  /** By `node.id`, for each operand: whether a row of the node depends on more of it than that row. */
  readonly whole: readonly (readonly boolean[])[];
  /** The level of every node that moves. */
  readonly level: readonly number[];
}

export function rowsOf(nodes: readonly Node[], moves: (node: Node) => boolean, isGate: (node: Node) => boolean): Rows {
  const rows = nodes.map(() => 1);
  const whole: boolean[][] = [];
  const level = nodes.map(() => 0);
  // whether rows of the node may be cut within its level
  const cut = nodes.map(() => false);
  for (const node of nodes) {
    const operands = isLeaf(node) ? [] : (node.inputs as readonly (Node | undefined)[]);
    const length = node.shape.at(-2) ?? 1;
    if (moves(node) && length > 1 && byRow(node, moves, rows)) rows[node.id] = length;
    whole[node.id] = operands.map(
      (x, i) => x !== undefined && moves(x) && (rows[x.id] !== rows[node.id] || looksAtAll(node, i, rows[node.id])),
    );
    operands.forEach((x, i) => {
      if (!x || !moves(x)) return;
      const barrier = whole[node.id][i] && cut[x.id];
      level[node.id] = Math.max(level[node.id], level[x.id] + (barrier ? 1 : 0));
    });
    cut[node.id] =
      isGate(node) ||
      operands.some((x, i) => x && moves(x) && !whole[node.id][i] && level[x.id] === level[node.id] && cut[x.id]);
  }
  return { rows, whole, level };
}

/** The right-hand side of a product is looked at by every row of the left one. */
const looksAtAll = (node: Node, operand: number, rows: number): boolean =>
  node.op === "matmul" && operand === 1 && rows > 1;

/** Whether each row of a node comes from that row of the operands that move; the right-hand side of a product apart. */
function byRow(node: Node, moves: (node: Node) => boolean, rows: readonly number[]): boolean {
  const length = node.shape.at(-2);
  const moving = operandsOf(node).filter(moves);
  const all = (operands: readonly Node[]): boolean =>
    operands.every((x) => rows[x.id] === length && x.shape.at(-2) === length);
  switch (node.op) {
    case "input":
      return true;
    case "add":
    case "multiply":
    case "scale":
    case "splitHeads":
    case "mergeHeads":
    case "activate":
    case "weigh":
      return all(moving);
    case "matmul":
      return !node.attributes.transposeA && moves(node.inputs[0]) && all([node.inputs[0]]);
    case "sum":
      return node.attributes.keep === true && node.attributes.axes.every((axis) => axis === -1) && all(moving);
    case "slice":
    case "concat":
      return node.attributes.axis === -1 && all(moving);
    default:
      return false;
  }
}

/** The shape of one row of a value. */
export const rowShape = (shape: Shape, rows: number): Shape =>
  rows === 1 ? shape : [...shape.slice(0, -2), 1, shape.at(-1) as number];

/** Where the entries of a row are in a value of this shape, in order. */
export function rowEntries(shape: Shape, rows: number, row: number): Int32Array {
  const size = sizeOf(shape);
  if (rows === 1) return Int32Array.from({ length: size }, (_, k) => k);
  const inner = shape.at(-1) as number;
  return Int32Array.from({ length: size / rows }, (_, k) => {
    const outer = Math.floor(k / inner);
    return (outer * rows + row) * inner + (k % inner);
  });
}

/** A node as one row of it: the same operation on rows of the operands, where it does not look at them as a whole. */
export function oneRow(
  node: Applied,
  { rows, whole }: Pick<Rows, "rows" | "whole">,
  moves: (node: Node) => boolean,
): Applied {
  const R = rows[node.id];
  if (R === 1) return node;
  const inputs = (node.inputs as readonly (Node | undefined)[]).map((x, i) => {
    if (!x) return undefined;
    const own = moves(x) ? !whole[node.id][i] : variesByRow(node, R, x.shape);
    return own ? { ...x, shape: rowShape(x.shape, R) } : x;
  });
  return { ...node, shape: rowShape(node.shape, R), inputs } as unknown as Applied;
}

/** Whether an operand that does not move, of this shape, has a row for each row of the node. */
export const variesByRow = (node: Applied, rows: number, shape: Shape): boolean =>
  rows > 1 && (node.op === "add" || node.op === "multiply" || node.op === "concat") && shape.at(-2) === rows;
