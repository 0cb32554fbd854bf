/**
 * @file In which order the nodes that move are computed, level by level, and which need no step of their own. What does not depend on a
 * gate comes before it, so that it is computed once and not in every part of the split.
 */
import { type Applied, isLeaf, type Node, operandsOf, type Tensor } from "@splineformer/tensor";
import type { Heads } from "./product.ts";

export interface Steps {
  /** The moving nodes in order, level by level. */
  readonly levels: readonly (readonly Node[])[];
  /** By `node.id`: the level and the place within it of the last step that needs the node; beyond all for the output. */
  readonly lastUse: readonly (readonly [level: number, place: number])[];
  /** By `node.id`: the product that the node computes in the same step, and what is done to it there. */
  readonly fused: readonly (Fused | undefined)[];
  /** By `node.id`: the nodes whose values are read. */
  readonly sources: readonly (readonly (Node | undefined)[])[];
  /** By `node.id`: the operand that a product with ones gives back. */
  readonly same: readonly (Node | undefined)[];
}

/** A product with a bias, or with heads that are read or written where they lie. */
export interface Fused {
  readonly product: Extract<Applied, { op: "matmul" }>;
  /** A fixed vector that is added to every row. */
  readonly bias: Node | undefined;
  readonly heads: Heads;
}

export function stepsOf(
  nodes: readonly Node[],
  output: Node,
  moves: (node: Node) => boolean,
  isGate: (node: Node) => boolean,
  level: readonly number[],
  fixed: readonly Tensor[],
): Steps {
  const uses = nodes.map(() => 0);
  for (const node of nodes) for (const x of operandsOf(node)) uses[x.id]++;
  uses[output.id]++;

  /** Split heads that only products read. */
  const split = new Set<Node>(nodes.filter((node) => node.op === "splitHeads" && moves(node) && node !== output));
  for (const node of nodes) for (const x of operandsOf(node)) if (node.op !== "matmul" || !moves(node)) split.delete(x);

  const fused = nodes.map((node): Fused | undefined => {
    if (!moves(node)) return undefined;
    if (node.op === "matmul") return { product: node, bias: undefined, heads: headsOf(node, split, 1) };
    if (node.op === "mergeHeads") {
      const [product] = node.inputs;
      const alone = product.op === "matmul" && uses[product.id] === 1 && product.shape.length >= 3;
      return alone
        ? { product, bias: undefined, heads: headsOf(product, split, product.shape.at(-3) as number) }
        : undefined;
    }
    if (node.op !== "add") return undefined;
    const [product, bias] = node.inputs;
    if (product.op !== "matmul" || moves(bias) || uses[product.id] !== 1) return undefined;
    const [x, weight] = product.inputs;
    const { transposeA, transposeB } = product.attributes;
    const plain = !transposeA && !transposeB && moves(x) && !moves(weight) && !split.has(x);
    const fits = weight.shape.length === 2 && bias.shape.length === 1 && bias.shape[0] === product.shape.at(-1);
    return plain && fits && x.shape.length >= 2 ? { product, bias, heads: headsOf(product, split, 1) } : undefined;
  });
  const absorbed = new Set<Node>(split);
  for (const [id, own] of fused.entries()) if (own && own.product.id !== id) absorbed.add(own.product);
  const sources = nodes.map((node): readonly (Node | undefined)[] => {
    const operands = isLeaf(node) ? [] : ((fused[node.id]?.product ?? node).inputs as readonly (Node | undefined)[]);
    return operands.map((x) => (x && split.has(x) ? operandsOf(x)[0] : x));
  });

  const same = nodes.map((node) => {
    if (node.op !== "multiply" || !moves(node)) return undefined;
    const [a, b] = node.inputs;
    const kept = moves(a) ? a : b;
    const other = kept === a ? b : a;
    const gives =
      !moves(other) && kept.shape.length === node.shape.length && kept.shape.every((n, i) => n === node.shape[i]);
    return gives && fixed[other.id].data.every((v) => v === 1) ? kept : undefined;
  });

  // how many gates are above each node, one behind the other
  const stage = nodes.map(() => 0);
  for (const node of nodes)
    for (const x of operandsOf(node)) stage[node.id] = Math.max(stage[node.id], stage[x.id] + (isGate(x) ? 1 : 0));
  const levels: Node[][] = [];
  for (const node of nodes) {
    if (!moves(node) || absorbed.has(node)) continue;
    levels[level[node.id]] ??= [];
    levels[level[node.id]].push(node);
  }
  for (const steps of levels)
    steps.sort((a, b) => stage[a.id] - stage[b.id] || Number(isGate(a)) - Number(isGate(b)) || a.id - b.id);

  const lastUse = nodes.map((): [number, number] => [-1, -1]);
  levels.forEach((steps, at) => {
    steps.forEach((node, place) => {
      for (const x of sources[node.id]) if (x) lastUse[x.id] = [at, place];
    });
  });
  lastUse[output.id] = [levels.length, 0];
  return { levels, lastUse, fused, sources, same };
}

function headsOf({ inputs: [a, b] }: Fused["product"], split: ReadonlySet<Node>, merged: number): Heads {
  const heads = (x: Node): number => (split.has(x) ? (x.shape.at(-3) as number) : 1);
  return { a: heads(a), b: heads(b), c: merged };
}
