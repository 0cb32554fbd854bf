/**
 * @file In which order the nodes that move are computed, and which need no step of their own. What does not depend on a
 * gate comes before it, so that it is computed once and not in every part of the split.
 */
import { type Applied, isLeaf, type Node, operandsOf, type Tensor } from "@splineformer/tensor";

export interface Steps {
  /** The moving nodes in order. */
  readonly order: readonly Node[];
  /** The place in `order` of the last step that needs each node, by `node.id`; beyond all for the output. */
  readonly lastUse: readonly number[];
  /** By `node.id`: the product that a sum with a fixed vector computes in the same step. */
  readonly fused: readonly (Extract<Applied, { op: "matmul" }> | undefined)[];
  /** By `node.id`: the operand that a product with ones gives back. */
  readonly same: readonly (Node | undefined)[];
}

export function stepsOf(
  nodes: readonly Node[],
  output: Node,
  moves: (node: Node) => boolean,
  isGate: (node: Node) => boolean,
  fixed: readonly Tensor[],
): Steps {
  const uses = nodes.map(() => 0);
  for (const node of nodes) for (const x of operandsOf(node)) uses[x.id]++;
  uses[output.id]++;

  const fused = nodes.map((node) => {
    if (node.op !== "add" || !moves(node)) return undefined;
    const [product, bias] = node.inputs;
    if (product.op !== "matmul" || moves(bias) || uses[product.id] !== 1 || isGate(product)) return undefined;
    const [x, weight] = product.inputs;
    const { transposeA, transposeB } = product.attributes;
    const plain = !transposeA && !transposeB && moves(x) && !moves(weight);
    const fits = weight.shape.length === 2 && bias.shape.length === 1 && bias.shape[0] === product.shape.at(-1);
    return plain && fits && x.shape.length >= 2 ? product : undefined;
  });
  const absorbed = new Set<Node>(fused.filter((product) => product !== undefined));

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
  const order = nodes
    .filter((node) => moves(node) && !absorbed.has(node))
    .sort((a, b) => stage[a.id] - stage[b.id] || Number(isGate(a)) - Number(isGate(b)) || a.id - b.id);

  const lastUse = nodes.map(() => -1);
  order.forEach((node, place) => {
    for (const x of isLeaf(node) ? [] : operandsOf(fused[node.id] ?? node)) lastUse[x.id] = place;
  });
  lastUse[output.id] = order.length;
  return { order, lastUse, fused, same };
}
