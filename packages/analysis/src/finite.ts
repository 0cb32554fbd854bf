/**
 * @file Numbers that the engine can work with, or a refusal that names the place where they stopped being so.
 */
import type { Node } from "@splineformer/tensor";
import type { IntervalValue } from "./interval-values.ts";

/** Interpolation adds up to a few times the largest value: so much room is kept below the largest number. */
const largestNumber = 2 ** 1019;

/** The value, if all its numbers and their noise are finite. */
export function settled(node: Node, value: IntervalValue): IntervalValue {
  checkNumbers(node, value.values.data);
  for (const e of value.deviation)
    if (!(e < Number.POSITIVE_INFINITY)) throw refusal("rounding errors that stay finite", e, node);
  return value;
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
