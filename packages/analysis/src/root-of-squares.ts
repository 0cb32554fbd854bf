/**
 * @file √(Σ_l a²_il b²_lj) at any scale: squares of 1e−200 are no numbers, so operands are scaled by powers of two first,
 * which rounds nothing. Where one operand's own entries are too far apart for that, plain loops take each sum on its own.
 */
import {
  type Applied,
  broadcastOffsets,
  type Shape,
  type SynchronousDevice,
  sizeOf,
  type Tensor,
  tensor,
} from "@splineformer/tensor";

type Matmul = Extract<Applied, { op: "matmul" }>;

/** Numbers, and their squares over 4^exponent; undefined where no one exponent fits. */
export interface Squares {
  readonly numbers: Float64Array;
  readonly scaled: Tensor<"float64"> | undefined;
  readonly exponent: number;
}

/** Entries within this factor of the largest have squares whose products stay normal numbers. */
const reach = 2 ** 250;

export function squaresOf(numbers: Float64Array, shape: Shape): Squares {
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
  const squares = new Float64Array(numbers.length);
  for (let k = 0; k < squares.length; k++) {
    const v = numbers[k] * factor;
    squares[k] = v * v;
  }
  return { numbers, scaled: tensor(squares, shape), exponent };
}

/** The root of the sum, of the node's own shape. A sum with a term that is not zero is not zero. */
export function rootOfSquares(ops: SynchronousDevice, node: Matmul, a: Squares, b: Squares): Float64Array {
  if (!a.scaled || !b.scaled) return rootOfProducts(node, a.numbers, b.numbers);
  const out = ops.matmul(a.scaled, b.scaled, node.attributes).data as Float64Array;
  // in two steps, since 2^(a + b) may be no number where the product is one
  const first = 2 ** a.exponent;
  const second = 2 ** b.exponent;
  for (let k = 0; k < out.length; k++)
    if (out[k] > 0) out[k] = Math.max(Math.sqrt(out[k]) * first * second, Number.MIN_VALUE);
  return out;
}

/** By loops: each sum over its own largest product. */
function rootOfProducts(node: Matmul, a: Float64Array, b: Float64Array): Float64Array {
  const { transposeA = false, transposeB = false } = node.attributes;
  const [m, n] = node.shape.slice(-2);
  const [p, q] = node.inputs;
  const k = p.shape.at(transposeA ? -2 : -1) as number;
  const batch = node.shape.slice(0, -2);
  const aBatch = broadcastOffsets(p.shape.slice(0, -2), batch);
  const bBatch = broadcastOffsets(q.shape.slice(0, -2), batch);
  const out = new Float64Array(sizeOf(node.shape));
  const terms = new Float64Array(k);
  for (let at = 0; at < out.length; at++) {
    const j = at % n;
    const i = Math.floor(at / n) % m;
    const c = Math.floor(at / (n * m));
    let most = 0;
    for (let l = 0; l < k; l++) {
      const x = Math.abs(a[aBatch[c] * m * k + (transposeA ? l * m + i : i * k + l)]);
      const y = Math.abs(b[bBatch[c] * k * n + (transposeB ? j * k + l : l * n + j)]);
      terms[l] = x === 0 || y === 0 ? 0 : Math.max(x * y, Number.MIN_VALUE);
      if (!(terms[l] <= most)) most = terms[l];
    }
    if (most === 0) continue;
    let sum = 0;
    for (let l = 0; l < k; l++) sum += (terms[l] / most) ** 2;
    out[at] = Math.sqrt(sum) * most;
  }
  return out;
}
