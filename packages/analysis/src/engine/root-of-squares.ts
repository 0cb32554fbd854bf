/**
 * @file √(Σ_l a²_il b²_lj) at any scale: squares of 1e−200 are no numbers, so operands are scaled by powers of two first,
 * which rounds nothing. Where one operand's own entries are too far apart for that, plain loops take each sum on its own.
 */
import type { Memory } from "./memory.ts";
import { multiply, type Product } from "./product.ts";

/** Numbers, and their squares over 4^exponent; undefined where no one exponent fits. */
export interface Squares {
  readonly numbers: Float64Array;
  readonly scaled: Float64Array | undefined;
  readonly exponent: number;
}

/** Entries within this factor of the largest have squares whose products stay normal numbers. */
const reach = 2 ** 250;

export function squaresOf(memory: Memory, numbers: Float64Array): Squares {
  let most = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < numbers.length; k++) {
    const v = Math.abs(numbers[k]);
    if (v > most) most = v;
    if (v < least && v > 0) least = v;
  }
  // 2¹⁰⁷⁴ is no number, and subnormal numbers are in reach of 2⁻¹⁰⁰⁰
  const exponent = most === 0 ? 0 : Math.max(Math.floor(Math.log2(most)), -1000);
  if (!(least * reach >= most || most === 0) || !(most < Number.POSITIVE_INFINITY))
    return { numbers, scaled: undefined, exponent };
  const factor = 2 ** -exponent;
  const squares = memory.take(numbers.length);
  for (let k = 0; k < squares.length; k++) {
    const v = numbers[k] * factor;
    squares[k] = v * v;
  }
  return { numbers, scaled: squares, exponent };
}

/** The root of the sum into `out`, for so many items. A sum with a term that is not zero is not zero. */
export function rootOfSquares(
  memory: Memory,
  product: Product,
  items: number,
  a: Squares,
  b: Squares,
  out: Float64Array,
): void {
  if (!a.scaled || !b.scaled) {
    rootOfProducts(product, items, a.numbers, b.numbers, out);
    return;
  }
  multiply(memory, product, items, a.scaled, b.scaled, out);
  const exponent = a.exponent + b.exponent;
  if (Math.abs(exponent) < 500) {
    const factor = 2 ** exponent;
    for (let k = 0; k < out.length; k++) out[k] = Math.sqrt(out[k]) * factor;
    return;
  }
  // in two steps, since 2^(a + b) may be no number where the product is one
  const first = 2 ** a.exponent;
  const second = 2 ** b.exponent;
  for (let k = 0; k < out.length; k++)
    if (out[k] > 0) out[k] = Math.max(Math.sqrt(out[k]) * first * second, Number.MIN_VALUE);
}

/** By loops: each sum over its own largest product. */
function rootOfProducts(product: Product, items: number, a: Float64Array, b: Float64Array, out: Float64Array): void {
  const { m, n, k, transposeA, transposeB, strides, sizes } = product;
  const [aStep, bStep] = [a.length === sizes[0] ? 0 : sizes[0], b.length === sizes[1] ? 0 : sizes[1]];
  const terms = new Float64Array(k);
  for (let item = 0; item < items; item++)
    for (let c = 0; c < product.c.length; c++)
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          const from = item * aStep + product.a[c];
          const other = item * bStep + product.b[c];
          let most = 0;
          for (let l = 0; l < k; l++) {
            const x = Math.abs(a[from + (transposeA ? l * strides[0] + i : i * strides[0] + l)]);
            const y = Math.abs(b[other + (transposeB ? j * strides[1] + l : l * strides[1] + j)]);
            terms[l] = x === 0 || y === 0 ? 0 : Math.max(x * y, Number.MIN_VALUE);
            if (!(terms[l] <= most)) most = terms[l];
          }
          let sum = 0;
          if (most !== 0) for (let l = 0; l < k; l++) sum += (terms[l] / most) ** 2;
          out[item * sizes[2] + product.c[c] + i * strides[2] + j] = most === 0 ? 0 : Math.sqrt(sum) * most;
        }
}
