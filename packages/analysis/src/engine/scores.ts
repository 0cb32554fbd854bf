/**
 * @file The scores of a `weigh` node, row by row: which keys a query sees, what its weights are multiplied by, and which of
 * them sparsemax keeps. Every reading of such a node asks here.
 */
import {
  type Applied,
  broadcastOffsets,
  divisor,
  type Node,
  sizeOf,
  sparsemaxThreshold,
  type Tensor,
  visibleKeys,
} from "@splineformer/tensor";

export type WeighNode = Extract<Applied, { op: "weigh" }>;

/** The scores of one query. */
export interface Row {
  /** The entries of the node that the query sees. */
  readonly entries: readonly number[];
  /** What the weights are multiplied by. */
  readonly factor: number;
}

/** What hides keys beside the node's named mask, with an entry for every score. */
export function visibleTo(node: Node, values: readonly Tensor[]): Tensor | undefined {
  if (node.op !== "weigh" || !node.inputs[1]) return undefined;
  const x = values[node.inputs[1].id];
  const data = Float64Array.from(broadcastOffsets(x.shape, node.shape), (at) => x.data[at]);
  return { dtype: "float64", shape: node.shape, data };
}

/** The rows, each with what its query sees. */
export function scoreRows(node: WeighNode, visible: Tensor | undefined): Row[] {
  const [queries, keys] = node.shape.slice(-2);
  const { mask, divide } = node.attributes;
  if (keys === 0) return [];
  return Array.from({ length: sizeOf(node.shape) / keys }, (_, row) => {
    const entries = visibleKeys(mask, row % queries, keys)
      .map((key) => row * keys + key)
      .filter((entry) => visible?.data[entry] !== 0);
    return { entries, factor: 1 / divisor(divide, entries.length) };
  });
}

/** What each weight of the node is multiplied by: 0 for a hidden key. */
export function factorsOf(rows: readonly Row[], columns: number): Float64Array {
  const out = new Float64Array(columns);
  for (const { entries, factor } of rows) for (const entry of entries) out[entry] = factor;
  return out;
}

/** The entries of a row that sparsemax keeps. Shifted by the largest, since next to it the threshold's fraction is lost. */
export function supportOf(entries: readonly number[], z: ArrayLike<number>): number[] {
  let top = Number.NEGATIVE_INFINITY;
  for (const entry of entries) top = Math.max(top, z[entry]);
  const threshold = sparsemaxThreshold(entries.map((entry) => z[entry] - top));
  return entries.filter((entry) => z[entry] - top > threshold);
}
