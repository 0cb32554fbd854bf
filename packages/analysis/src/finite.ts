/**
 * @file Numbers that the engine can work with, or a refusal that names the place where they stopped being so.
 * Infinities and NaN do not get lost in sums and products, so it is enough to look where a gate or the reader would.
 */
import type { Node } from "@splineformer/tensor";
import type { IntervalValue } from "./interval-values.ts";

/** Interpolation adds up to a few times the largest value: so much room is kept below the largest number. */
const largestNumber = 2 ** 1019;

/** Refuses a value with numbers or noise that are not finite, naming the first of the nodes that has one. */
export function checkValue(
  value: IntervalValue,
  nodes: readonly Node[],
  values: readonly (IntervalValue | undefined)[],
): void {
  let fits = true;
  for (const size of value.size) fits &&= size <= largestNumber;
  for (const e of value.deviation) fits &&= e < Number.POSITIVE_INFINITY;
  if (fits) return;
  for (const node of nodes) {
    const own = values[node.id];
    if (!own) continue;
    checkNumbers(node, own.values.data);
    for (const e of own.deviation)
      if (!(e < Number.POSITIVE_INFINITY)) throw refusal("rounding errors that stay finite", e, node);
  }
}

/** Refuses NaN, infinities, and what is too near to them. */
export function checkNumbers(node: Node, numbers: ArrayLike<number>): void {
  for (let k = 0; k < numbers.length; k++)
    if (!(Math.abs(numbers[k]) <= largestNumber)) {
      const finite = Number.isFinite(numbers[k]);
      throw refusal(finite ? "values that stay below 2^1019" : "values that stay finite", numbers[k], node);
    }
}

const refusal = (expected: string, got: number, node: Node): RangeError =>
  new RangeError(`restrictToLine: expected ${expected}, got ${got} at ${placeOf(node)}`);

/** The part of the network; where it has no name, the leaf's own, or the operation. */
const placeOf = (node: Node): string => node.scope || ("name" in node.attributes ? node.attributes.name : node.op);
