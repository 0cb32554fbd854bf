/**
 * @file How rounding grows through one polynomial operation. Letters: A the largest |value| of an operand on the interval,
 * V the variance of its error, u = 2⁻⁵³. Roundings are taken as independent, each of size u relative to its result, so
 * variances add: an estimate of what happens, where a bound on what could would be too large by orders of magnitude
 * after a few layers (Σ|w|E against √(Σw²V) in every sum).
 */
import { type Applied, apply, type SynchronousDevice, type Tensor, tensor } from "@splineformer/tensor";

/** 2⁻⁵³, half a unit in the last place of 1. */
export const unitRoundoff = 2 ** -53;

/** Errors beyond this many standard deviations are not expected: what stays below it counts as rounding. */
export const doubt = 8;

/** An operand: A², and V (undefined where it does not move, and counts as exact). */
export interface Squares {
  readonly size: Tensor;
  readonly variance: Tensor | undefined;
}

/** V of an operation's result, given A of the result. */
export function propagateVariance(
  node: Applied,
  operands: readonly (Squares | undefined)[],
  resultSize: Float64Array,
  ops: SynchronousDevice,
): Float64Array {
  const carried = carry(node, operands, ops);
  const variance = new Float64Array(resultSize.length);
  for (let k = 0; k < variance.length; k++)
    variance[k] = (carried ? carried.data[k] : 0) + (unitRoundoff * resultSize[k]) ** 2;
  return variance;
}

/** V that comes in with the operands, and that of the roundings inside a sum. */
function carry(node: Applied, operands: readonly (Squares | undefined)[], ops: SynchronousDevice): Tensor | undefined {
  const [a, b] = operands as [Squares, Squares | undefined];
  switch (node.op) {
    case "add":
      return sum(ops, zeros(node), a.variance, b?.variance);
    case "multiply":
      if (!b) return undefined;
      return sum(ops, zeros(node), product(ops, a.variance, b.size), product(ops, a.size, b.variance));
    case "scale":
      return a.variance && ops.scale(a.variance, { factor: node.attributes.factor ** 2 });
    case "matmul": {
      if (!b) return undefined;
      const inner = a.size.shape.at(node.attributes.transposeA ? -2 : -1) as number;
      const rounded = ops.scale(a.size, { factor: unitRoundoff ** 2 * partialSums(inner) });
      const left = a.variance ? ops.add(a.variance, rounded) : rounded;
      const through = ops.matmul(left, b.size, node.attributes);
      return b.variance ? ops.add(through, ops.matmul(a.size, b.variance, node.attributes)) : through;
    }
    case "sum": {
      const terms =
        a.size.data.length /
        Math.max(
          1,
          node.shape.reduce((x, y) => x * y, 1),
        );
      const rounded = ops.scale(a.size, { factor: unitRoundoff ** 2 * partialSums(terms) });
      return ops.sum(a.variance ? ops.add(a.variance, rounded) : rounded, node.attributes);
    }
    default:
      // what only moves entries about
      if (operands.every((x) => !x?.variance)) return undefined;
      return apply(
        ops,
        node,
        operands.map((x, i) => x && (x.variance ?? (directs(node, i) ? x.size : zerosOf(x.size.shape)))),
      );
  }
}

/** Variance of a sum's roundings over that of its terms', in units of u²: each product once, each partial sum on average. */
const partialSums = (terms: number): number => 1 + terms / 2;

/** Operands that say where entries go and are no numbers themselves; they never move. */
const directs = (node: Applied, operand: number): boolean => node.op === "gather" && operand === 1;

const zerosOf = (shape: readonly number[]): Tensor => tensor(new Float64Array(shape.reduce((x, y) => x * y, 1)), shape);
const zeros = (node: Applied): Tensor => zerosOf(node.shape);

const product = (ops: SynchronousDevice, a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined =>
  a && b && ops.multiply(a, b);

/** What is there of the two, broadcast to the result's shape. */
function sum(ops: SynchronousDevice, zero: Tensor, a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined {
  const total = a && b ? ops.add(a, b) : (a ?? b);
  return total && ops.add(zero, total);
}
