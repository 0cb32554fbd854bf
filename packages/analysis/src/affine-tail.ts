/**
 * @file What follows the last gate, where it is affine in the gate's output: a change of one column of that moves the
 * network's output by fixed multiples. So the parts that the last gate is cut into need no walk of their own.
 */
import { type Applied, type Node, operandsOf, type Tensor, zeros } from "@splineformer/tensor";

/** How the output moves with one column of the gate: by weight[i] at entry[i]. */
interface Influence {
  readonly entry: Int32Array;
  readonly weight: Float64Array;
}

export interface AffineTail {
  readonly gate: Applied;
  influence(column: number): Influence;
}

/** Undefined if there is no gate, or what follows the last one multiplies it with something that moves. */
export function affineTail(
  nodes: readonly Node[],
  gate: Applied | undefined,
  output: Node,
  moves: (node: Node) => boolean,
  fixed: readonly Tensor[],
  compute: (node: Applied, operands: readonly (Tensor | undefined)[]) => Tensor,
): AffineTail | undefined {
  if (!gate) return undefined;
  const depends = nodes.map((node) => node === gate);
  const tail: Applied[] = [];
  for (const node of nodes.slice(gate.id + 1)) {
    if (!operandsOf(node).some((x) => depends[x.id])) continue;
    depends[node.id] = true;
    tail.push(node as Applied);
    const moving = operandsOf(node).filter(moves);
    const multiplies = node.op === "matmul" || node.op === "multiply";
    if (multiplies ? moving.length > 1 : !linear.has(node.op)) return undefined;
  }
  if (!depends[output.id]) return undefined;

  /** The tail's linear part: what does not depend on the gate adds nothing. */
  const linearPart = (input: Tensor): Tensor => {
    const values = new Map<number, Tensor>([[gate.id, input]]);
    for (const node of tail) {
      const operands = (node.inputs as readonly (Node | undefined)[]).map((x) => {
        if (!x || values.has(x.id)) return x && values.get(x.id);
        return node.op === "add" || node.op === "concat" ? zeros(x.shape, { dtype: "float64" }) : fixed[x.id];
      });
      values.set(node.id, compute(node, operands));
    }
    return values.get(output.id) as Tensor;
  };
  const known = new Map<number, Influence>();
  return {
    gate,
    influence(column) {
      const kept = known.get(column);
      if (kept) return kept;
      const unit = zeros(gate.shape, { dtype: "float64" });
      unit.data[column] = 1;
      const { data } = linearPart(unit);
      const entry = Int32Array.from([...data.keys()].filter((k) => data[k] !== 0));
      const found = { entry, weight: Float64Array.from(entry, (k) => data[k]) };
      known.set(column, found);
      return found;
    },
  };
}

/** Operations that are linear in all their operands together; products are, in the one that moves. */
const linear: ReadonlySet<string> = new Set([
  "add",
  "scale",
  "sum",
  "slice",
  "concat",
  "gather",
  "splitHeads",
  "mergeHeads",
]);
