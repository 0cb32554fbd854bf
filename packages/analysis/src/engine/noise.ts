/**
 * @file How rounding grows through one polynomial operation. Letters: A the largest |value| of an operand on the interval,
 * E the standard deviation of its error, u = 2⁻⁵³. Roundings are taken as independent, each of size u relative to its
 * result, so their squares add: an estimate of what happens, where a bound on what could would be too large by orders of
 * magnitude after a few layers (Σ|w|E against √(Σw²E²) in every sum).
 *
 * Deviations and not their squares are carried, so that scale does not matter: 1e−200 and 1e200 have squares that are no
 * numbers. Zero means exactly zero and nothing to round; what underflows leaves the spacing of subnormal numbers.
 */
import {
  type Applied,
  apply,
  broadcastOffsets,
  reference,
  sizeOf,
  type Tensor,
  tensor,
  zeros,
} from "@splineformer/tensor";
import type { Memory } from "./memory.ts";
import type { Product } from "./product.ts";
import { rootOfSquares, type Squares, squaresOf } from "./root-of-squares.ts";

/** 2⁻⁵³, half a unit in the last place of 1. */
const unitRoundoff = 2 ** -53;

/** Errors beyond this many standard deviations are not expected: what stays below it counts as rounding. */
export const doubt = 8;

/**
 * An operand: A, and E (undefined where it does not move, and counts as exact). Items one after the other, or one item
 * that serves for all.
 */
export interface Spread {
  readonly size: Float64Array;
  readonly deviation: Float64Array | undefined;
}

/** Writes E of an operation's results, given A of the results, for so many items at once. */
export type Propagation = (
  operands: readonly (Spread | undefined)[],
  resultSize: Float64Array,
  count: number,
  out: Float64Array,
) => void;

/** E of one rounding to a result of size A. */
export const rounding = (size: number): number => (size === 0 ? 0 : Math.max(unitRoundoff * size, Number.MIN_VALUE));

/** √(a² + b²) for a, b ≥ 0, at any scale; times a power of two it is that times the same power, to the last bit. */
export function hypotenuse(a: number, b: number): number {
  const square = a * a + b * b;
  if (square > 2 ** -800 && square < 2 ** 800) return Math.sqrt(square);
  const larger = Math.max(a, b);
  if (larger === 0 || !(larger < Number.POSITIVE_INFINITY)) return larger;
  const exponent = Math.max(Math.floor(Math.log2(larger)), -1000);
  const factor = 2 ** -exponent;
  return Math.sqrt((a * factor) ** 2 + (b * factor) ** 2) * 2 ** exponent;
}

/** a · b for a, b ≥ 0, which is zero only if one of them is. */
export const product = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : Math.max(a * b, Number.MIN_VALUE));

/**
 * Prepared for one node, since its shapes and its operands that do not move are the same on every interval.
 *
 * @param fixed - the operands that do not move and are the same for all items
 * @param moves - for a node that only moves entries about, where each comes from; −1 for what does not move
 */
export function propagationOf(
  node: Applied,
  fixed: readonly (Tensor | undefined)[],
  memory: Memory,
  plan: Product | undefined,
  moves: readonly Int32Array[] | undefined,
): Propagation {
  const columns = sizeOf(node.shape);
  const shapes = (node.inputs as readonly ({ shape: readonly number[] } | undefined)[]).map((x) => x?.shape ?? []);
  const places = shapes.map((shape) => (sizeOf(shape) === columns ? undefined : broadcastOffsets(shape, node.shape)));
  /** Where each item of an operand starts. */
  const stride = (values: Float64Array, operand: number): number => {
    const own = sizeOf(shapes[operand]);
    return values.length === own ? 0 : own;
  };
  if (plan) return productPropagation(plan, fixed, memory);
  switch (node.op) {
    case "add":
      return (operands, resultSize, _, out) => {
        out.fill(0);
        operands.forEach((x, i) => {
          if (x?.deviation) include(out, columns, x.deviation, stride(x.deviation, i), places[i]);
        });
        round(out, resultSize);
      };
    case "multiply":
      return ([a, b], resultSize, count, out) => {
        out.fill(0);
        const pass = (e: Float64Array, i: number, other: Float64Array, j: number): void => {
          const [es, os] = [stride(e, i), stride(other, j)];
          const [p, q] = [places[i], places[j]];
          for (let item = 0, at = 0; item < count; item++)
            for (let k = 0; k < columns; k++, at++) {
              const x = e[item * es + (p ? p[k] : k)];
              const y = other[item * os + (q ? q[k] : k)];
              out[at] = hypotenuse(out[at], product(x, y));
            }
        };
        if (a?.deviation && b) pass(a.deviation, 0, b.size, 1);
        if (b?.deviation && a) pass(b.deviation, 1, a.size, 0);
        round(out, resultSize);
      };
    case "scale": {
      const factor = Math.abs(node.attributes.factor);
      return ([a], resultSize, _, out) => {
        const e = a?.deviation;
        for (let k = 0; k < out.length; k++) out[k] = e ? product(e[k], factor) : 0;
        round(out, resultSize);
      };
    }
    case "sum": {
      const [input] = node.inputs;
      const own = sizeOf(input.shape);
      const kept = input.shape.map((n, axis) => (node.attributes.axes.includes(axis - input.shape.length) ? 1 : n));
      const to = broadcastOffsets(kept, input.shape);
      const partial = Math.sqrt(partialSums(own / Math.max(1, columns)));
      return ([a], resultSize, count, out) => {
        out.fill(0);
        if (a)
          for (let item = 0; item < count; item++)
            for (let k = 0; k < own; k++) {
              const e = hypotenuse(a.deviation?.[item * own + k] ?? 0, partial * rounding(a.size[item * own + k]));
              const at = item * columns + to[k];
              out[at] = hypotenuse(out[at], e);
            }
        round(out, resultSize);
      };
    }
    case "scan": {
      // averages of values by scores that do not move
      const [scores, values] = node.inputs;
      return ([, x], resultSize, count, out) => {
        const weights = fixed[0] ?? zeros(scores.shape, { dtype: "float64" });
        out.fill(0);
        if (x?.deviation)
          out.set(apply(reference, node, [weights, tensor(x.deviation, [count, ...values.shape])]).data);
        round(out, resultSize);
      };
    }
    default:
      return (operands, resultSize, count, out) => {
        out.fill(0);
        operands.forEach((x, i) => {
          const e = x?.deviation;
          const from = moves?.[i];
          if (!e || !from) return;
          const step = stride(e, i);
          for (let item = 0; item < count; item++)
            for (let k = 0; k < columns; k++) if (from[k] >= 0) out[item * columns + k] = e[item * step + from[k]];
        });
        round(out, resultSize);
      };
  }
}

/** out ← √(out² + E(rounding)²). */
function round(out: Float64Array, size: Float64Array): void {
  for (let k = 0; k < out.length; k++) {
    const a = out[k];
    const b = unitRoundoff * size[k];
    const square = a * a + b * b;
    out[k] = b > smallest && square < 2 ** 800 ? Math.sqrt(square) : hypotenuse(a, rounding(size[k]));
  }
}

/** The square of this, and of what is larger, is far from underflow. */
const smallest = 2 ** -400;

/** out ← √(out² + e²). */
function include(
  out: Float64Array,
  columns: number,
  e: Float64Array,
  stride: number,
  places: Int32Array | undefined,
): void {
  for (let item = 0; item * columns < out.length; item++) {
    const to = item * columns;
    const from = item * stride;
    for (let k = 0; k < columns; k++) {
      const a = out[to + k];
      const b = e[from + (places ? places[k] : k)];
      const square = a * a + b * b;
      out[to + k] = square > 2 ** -800 && square < 2 ** 800 ? Math.sqrt(square) : hypotenuse(a, b);
    }
  }
}

/** Variance of a sum's roundings over that of its terms', in units of u²: each product once, each partial sum on average. */
const partialSums = (terms: number): number => 1 + terms / 2;

/** √((E_a² + p u² A²) B² + A² E_b²), where a product of squares is a product. */
function productPropagation(plan: Product, fixed: readonly (Tensor | undefined)[], memory: Memory): Propagation {
  const partial = Math.sqrt(partialSums(plan.k));
  const known = fixed.map((x) => x && squaresOf(memory, kept(memory, x)));
  return ([x, y], resultSize, count, out) => {
    out.fill(0);
    if (x && y) {
      const mark = memory.mark();
      const left = squaresOfSums(memory, x.deviation, x.size, partial);
      rootOfSquares(memory, plan, count, left, known[1] ?? squaresOf(memory, y.size), out);
      if (y.deviation) {
        const through = memory.zeros(out.length);
        const size = known[0] ?? squaresOf(memory, x.size);
        rootOfSquares(memory, plan, count, size, squaresOf(memory, y.deviation), through);
        include(out, out.length, through, 0, undefined);
      }
      memory.release(mark);
    }
    round(out, resultSize);
  };
}

/** Numbers that do not move, for good. */
function kept(memory: Memory, { data }: Tensor): Float64Array {
  const numbers = memory.take(data.length);
  numbers.set(data);
  return numbers;
}

/** E_a² + p u² A². */
function squaresOfSums(
  memory: Memory,
  deviation: Float64Array | undefined,
  size: Float64Array,
  partial: number,
): Squares {
  const left = memory.take(size.length);
  for (let k = 0; k < left.length; k++) {
    const b = partial * unitRoundoff * size[k];
    const a = deviation ? deviation[k] : 0;
    const square = a * a + b * b;
    left[k] = b > smallest && square < 2 ** 800 ? Math.sqrt(square) : hypotenuse(a, partial * rounding(size[k]));
  }
  return squaresOf(memory, left);
}
