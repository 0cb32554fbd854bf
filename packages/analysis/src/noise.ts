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
  type SynchronousDevice,
  sizeOf,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import { rootOfSquares, type Squares, squaresOf } from "./root-of-squares.ts";

/** 2⁻⁵³, half a unit in the last place of 1. */
const unitRoundoff = 2 ** -53;

/** Errors beyond this many standard deviations are not expected: what stays below it counts as rounding. */
export const doubt = 8;

/** An operand: A, and E (undefined where it does not move, and counts as exact). */
export interface Spread {
  readonly size: Float64Array;
  readonly deviation: Float64Array | undefined;
}

/** E of an operation's result, given A of the result. */
export type Propagation = (operands: readonly (Spread | undefined)[], resultSize: Float64Array) => Float64Array;

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
 * @param fixed - the operands that do not move
 */
export function propagationOf(
  node: Applied,
  fixed: readonly (Tensor | undefined)[],
  ops: SynchronousDevice,
): Propagation {
  const carried = carrierOf(node, fixed, ops);
  return (operands, resultSize) => {
    const out = carried(operands);
    for (let k = 0; k < out.length; k++) out[k] = hypotenuse(out[k], rounding(resultSize[k]));
    return out;
  };
}

type Carrier = (operands: readonly (Spread | undefined)[]) => Float64Array;

/** E that comes in with the operands, and that of the roundings inside a sum. */
function carrierOf(node: Applied, fixed: readonly (Tensor | undefined)[], ops: SynchronousDevice): Carrier {
  const columns = sizeOf(node.shape);
  const offsets = (operand: 0 | 1): Int32Array | undefined => {
    const { shape } = node.inputs[operand] as { shape: readonly number[] };
    return sizeOf(shape) === columns ? undefined : broadcastOffsets(shape, node.shape);
  };
  switch (node.op) {
    case "add": {
      const places = [offsets(0), offsets(1)];
      return (operands) => {
        const out = new Float64Array(columns);
        operands.forEach((x, i) => {
          if (x?.deviation) include(out, x.deviation, places[i]);
        });
        return out;
      };
    }
    case "multiply": {
      const [p, q] = [offsets(0), offsets(1)];
      return ([a, b]) => {
        const out = new Float64Array(columns);
        if (a?.deviation && b) includeProduct(out, a.deviation, p, b.size, q);
        if (b?.deviation && a) includeProduct(out, a.size, p, b.deviation, q);
        return out;
      };
    }
    case "scale": {
      const factor = Math.abs(node.attributes.factor);
      return ([a]) => (a?.deviation ?? new Float64Array(columns)).map((e) => product(e, factor));
    }
    case "matmul":
      return productCarrier(node, fixed, ops);
    case "sum": {
      const [input] = node.inputs;
      const kept = input.shape.map((n, axis) => (node.attributes.axes.includes(axis - input.shape.length) ? 1 : n));
      const to = broadcastOffsets(kept, input.shape);
      const terms = sizeOf(input.shape) / Math.max(1, columns);
      const partial = Math.sqrt(partialSums(terms));
      return ([a]) => {
        const out = new Float64Array(columns);
        if (a)
          for (let k = 0; k < to.length; k++) {
            const e = hypotenuse(a.deviation?.[k] ?? 0, partial * rounding(a.size[k]));
            out[to[k]] = hypotenuse(out[to[k]], e);
          }
        return out;
      };
    }
    default: {
      // what only moves entries about; indices say where, and are moved by nobody
      const still = fixed.map((x, i) =>
        x && !(node.op === "gather" && i === 1) ? tensor(new Float64Array(x.data.length), x.shape) : x,
      );
      const shapes = (node.inputs as readonly ({ shape: readonly number[] } | undefined)[]).map((x) => x?.shape ?? []);
      return (operands) => {
        const moved = operands.map((x, i) => (x?.deviation ? tensor(x.deviation, shapes[i]) : still[i]));
        return apply(ops, node, moved).data as Float64Array;
      };
    }
  }
}

/** out ← √(out² + e²). */
function include(out: Float64Array, e: Float64Array, places: Int32Array | undefined): void {
  for (let k = 0; k < out.length; k++) out[k] = hypotenuse(out[k], e[places ? places[k] : k]);
}

/** out ← √(out² + (ab)²). */
function includeProduct(
  out: Float64Array,
  a: Float64Array,
  p: Int32Array | undefined,
  b: Float64Array,
  q: Int32Array | undefined,
): void {
  for (let k = 0; k < out.length; k++) out[k] = hypotenuse(out[k], product(a[p ? p[k] : k], b[q ? q[k] : k]));
}

/** Variance of a sum's roundings over that of its terms', in units of u²: each product once, each partial sum on average. */
const partialSums = (terms: number): number => 1 + terms / 2;

/** √((E_a² + p u² A²) B² + A² E_b²), where a product of squares is a matmul. */
function productCarrier(
  node: Extract<Applied, { op: "matmul" }>,
  fixed: readonly (Tensor | undefined)[],
  ops: SynchronousDevice,
): Carrier {
  const [a, b] = node.inputs;
  const inner = a.shape.at(node.attributes.transposeA ? -2 : -1) as number;
  const partial = Math.sqrt(partialSums(inner));
  const known = fixed.map((x, i) => x && squaresOf(Float64Array.from(x.data), node.inputs[i].shape));
  const through = (x: Squares, y: Squares): Float64Array => rootOfSquares(ops, node, x, y);
  return ([x, y]) => {
    if (!x || !y) return new Float64Array(sizeOf(node.shape));
    const left = x.size.map((size, k) => hypotenuse(x.deviation?.[k] ?? 0, partial * rounding(size)));
    const out = through(squaresOf(left, a.shape), known[1] ?? squaresOf(y.size, b.shape));
    if (y.deviation)
      include(out, through(known[0] ?? squaresOf(x.size, a.shape), squaresOf(y.deviation, b.shape)), undefined);
    return out;
  };
}
