/**
 * @file Heads that share keys and values: each group's columns once for every head of the group.
 */
import { type Ops, type Shaped, tensor } from "@splineformer/tensor";

/** [.., n, groups · d] → [.., n, heads · d], exactly: a product with zeros and ones. */
export function repeatGroups<T extends Shaped>(ops: Ops<T>, x: T, groups: number, heads: number): T {
  if (groups === heads) return x;
  const width = x.shape.at(-1) as number;
  const d = width / groups;
  const copy = new Float64Array(width * heads * d);
  for (let head = 0; head < heads; head++)
    for (let i = 0; i < d; i++) copy[(Math.floor((head * groups) / heads) * d + i) * heads * d + head * d + i] = 1;
  return ops.matmul(x, ops.constant(tensor(copy, [width, heads * d])), {});
}
