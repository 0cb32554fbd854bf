/**
 * @file The products of a `matmul` node, one by one: where each finds its operands within an item, and where it puts its
 * result. Heads are read where they lie in the tokens' rows, and written there, so that nothing is moved to and fro.
 */
import { type Applied, broadcastOffsets, type Shape, sizeOf } from "@splineformer/tensor";
import type { Memory } from "./memory.ts";

export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly strides: readonly [a: number, b: number, c: number];
  /** For each product where its operands and its result start. */
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly c: Int32Array;
  /** Numbers of an item of each. */
  readonly sizes: readonly [a: number, b: number, c: number];
}

/** Heads that are split off an operand, or merged in the result; 1 where none are. */
export interface Heads {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** @param node - with operands and result of shapes [.., heads, rows, width] where heads are read where they lie */
export function productOf(node: Extract<Applied, { op: "matmul" }>, heads: Heads): Product {
  const { transposeA = false, transposeB = false } = node.attributes;
  const [a, b] = node.inputs.map((x) => x.shape);
  const c = node.shape;
  const batch = c.slice(0, -2);
  const [m, n] = c.slice(-2);
  const k = a.at(transposeA ? -2 : -1) as number;
  const operand = (shape: Shape, split: number): { starts: Int32Array; stride: number } => {
    const [rows, width] = shape.slice(-2);
    const own = broadcastOffsets(shape.slice(0, -2), batch);
    if (split === 1) return { starts: own.map((at) => at * rows * width), stride: width };
    const stride = split * width;
    return { starts: own.map((at) => Math.floor(at / split) * rows * stride + (at % split) * width), stride };
  };
  const [x, y, z] = [operand(a, heads.a), operand(b, heads.b), operand(c, heads.c)];
  return {
    m,
    n,
    k,
    transposeA,
    transposeB,
    strides: [x.stride, y.stride, z.stride],
    a: x.starts,
    b: y.starts,
    c: z.starts,
    sizes: [sizeOf(a), sizeOf(b), sizeOf(c)],
  };
}

/** All products of so many items; an operand with one item serves for all. `bias` is added to every row. */
export function multiply(
  memory: Memory,
  product: Product,
  items: number,
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  bias?: Float64Array,
): void {
  const { m, n, k, transposeA, transposeB, strides, sizes } = product;
  const count = product.c.length;
  if (items * count === 0 || m * n === 0) return;
  const [aSize, bSize, cSize] = sizes;
  const aStep = a.length === aSize ? 0 : aSize;
  const bStep = b.length === bSize ? 0 : bSize;
  // one b for all rows: they are one matrix
  if (bStep === 0 && aStep !== 0 && !transposeA && bSize === k * n && strides[0] === k && strides[2] === n) {
    const whole = { numbers: a, offset: 0, stride: k };
    memory.multiply(items * count * m, n, k, whole, false, at(b, 0, strides[1]), transposeB, at(c, 0, n), bias);
    return;
  }
  for (let item = 0; item < items; item++)
    for (let i = 0; i < count; i++)
      memory.multiply(
        m,
        n,
        k,
        at(a, item * aStep + product.a[i], strides[0]),
        transposeA,
        at(b, item * bStep + product.b[i], strides[1]),
        transposeB,
        at(c, item * cSize + product.c[i], strides[2]),
        bias,
      );
}

const at = (numbers: Float64Array, offset: number, stride: number) => ({ numbers, offset, stride });
