/**
 * @file Numbers that the engine can work with, or a refusal that names the place where they stopped being so.
 * Infinities and NaN do not get lost in sums and products, so it is enough to look where a gate or the reader would.
 */
import type { Node } from "@splineformer/tensor";
import type { Block } from "./blocks.ts";
import type { Value } from "./partition.ts";

/** Interpolation adds up to a few times the largest value: so much room is kept below the largest number. */
const largestNumber = 2 ** 1019;

/** Refuses a block with numbers or noise that are not finite, naming the first of the nodes that has one. */
export function checkBlock(
  where: string,
  x: Block,
  nodes: readonly Node[],
  values: readonly (Value | undefined)[],
): void {
  let fits = true;
  for (let k = 0; k < x.size.length; k++) fits &&= x.size[k] <= largestNumber;
  for (let k = 0; k < x.deviation.length; k++) fits &&= x.deviation[k] < Number.POSITIVE_INFINITY;
  if (fits) return;
  for (const node of nodes) {
    const own = values[node.id];
    for (const { data, deviation } of own ? [own.base, own.patches] : []) {
      checkNumbers(where, node, data);
      for (const e of deviation)
        if (!(e < Number.POSITIVE_INFINITY)) throw refusal(where, "rounding errors that stay finite", e, node);
    }
  }
}

/** Refuses NaN, infinities, and what is too near to them. */
export function checkNumbers(where: string, node: Node, numbers: ArrayLike<number>): void {
  for (let k = 0; k < numbers.length; k++)
    if (!(Math.abs(numbers[k]) <= largestNumber)) {
      const finite = Number.isFinite(numbers[k]);
      throw refusal(where, finite ? "values that stay below 2^1019" : "values that stay finite", numbers[k], node);
    }
}

const refusal = (where: string, expected: string, got: number, node: Node): RangeError =>
  new RangeError(`${where}: expected ${expected}, got ${got} at ${placeOf(node)}`);

/** The part of the network; where it has no name, the leaf's own, or the operation. */
export const placeOf = (node: Node): string =>
  node.scope || ("name" in node.attributes ? node.attributes.name : node.op);
