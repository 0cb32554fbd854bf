/**
 * @file Products of matrices: `matmul`, and `linear` with its bias and activation fused. Letters: a [m, k], b [k, n].
 */
import {
  type Attributes,
  allocate,
  broadcastOffsets,
  cast,
  inferShape,
  type Pointwise,
  pointwiseFunction,
  type Shape,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";
import { type Arena, copied } from "./arena.ts";
import { codeOf } from "./codes.ts";
import type { Pointer } from "./wasm/kernels.ts";

type Float = "float32" | "float64";

/** Products of one size: a [m, k], b [k, n] each, or stored transposed. */
interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly bias: Tensor["data"] | undefined;
  readonly activation: number;
  readonly parameter: number;
}

/** Which matrix of an operand each product takes; undefined where there is one for all, or where they match one to one. */
type Batch = ArrayLike<number> | undefined;

/** Up to so many bytes of operands and results go to the arena as a whole, so that many small products need few copies. */
const whole = 2 ** 22;

/** a b, where leading axes broadcast. */
export function matmul(arena: Arena, dtype: Float, a: Tensor, b: Tensor, attributes: Attributes["matmul"]): Tensor {
  const shape = inferShape("matmul", attributes, a.shape, b.shape);
  const { transposeA = false, transposeB = false } = attributes;
  const axes = shape.length - 2;
  const m = shape[axes];
  const n = shape[axes + 1];
  const k = a.shape.at(transposeA ? -2 : -1) as number;
  const x = a.dtype === dtype ? a : cast(a, dtype);
  const y = b.dtype === dtype ? b : cast(b, dtype);
  let count = 1;
  for (let axis = 0; axis < axes; axis++) count *= shape[axis];
  // one b for a whole stack of rows: the stack is one matrix
  if (!transposeA && y.data.length === k * n && x.data.length === count * m * k)
    return multiply(arena, dtype, shape, x.data, y.data, plain(count * m, n, k, false, transposeB), 1);
  const from = (s: Shape, length: number, size: number): Batch =>
    length === size || length === count * size ? undefined : broadcastOffsets(s.slice(0, -2), shape.slice(0, axes));
  const aBatch = from(a.shape, x.data.length, m * k);
  const bBatch = from(b.shape, y.data.length, k * n);
  return multiply(arena, dtype, shape, x.data, y.data, plain(m, n, k, transposeA, transposeB), count, aBatch, bBatch);
}

const plain = (m: number, n: number, k: number, transposeA: boolean, transposeB: boolean): Product => ({
  m,
  n,
  k,
  transposeA,
  transposeB,
  bias: undefined,
  activation: 0,
  parameter: 0,
});

/** f(x W + b): bias and f are a pass over a block of the result while it is in the cache. */
export function linear(
  arena: Arena,
  dtype: Float,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  attributes: Attributes["linear"],
): Tensor {
  const shape = inferShape("linear", attributes, x.shape, weight.shape, bias?.shape);
  const [k, n] = weight.shape;
  const { activation } = attributes;
  const code = codeOf(activation, 0);
  const fused = dtype === "float32" || (code && code.code < 2) ? code : undefined;
  const out = multiply(
    arena,
    dtype,
    shape,
    cast(x, dtype).data,
    cast(weight, dtype).data,
    {
      m: sizeOf(shape) / n,
      n,
      k,
      transposeA: false,
      transposeB: false,
      bias: bias && cast(bias, dtype).data,
      activation: fused?.code ?? 0,
      parameter: fused?.parameter ?? 0,
    },
    1,
  );
  return fused ? out : applied(out, activation);
}

/** An activation that no kernel has, in place. */
function applied(x: Tensor, activation: Pointwise): Tensor {
  if (activation === "identity") return x;
  const f = pointwiseFunction(activation, 0);
  for (let i = 0; i < x.data.length; i++) x.data[i] = f(x.data[i]);
  return x;
}

function multiply(
  arena: Arena,
  dtype: Float,
  shape: Shape,
  a: Tensor["data"],
  b: Tensor["data"],
  { m, n, k, transposeA, transposeB, bias, activation, parameter }: Product,
  products: number,
  aBatch?: Batch,
  bBatch?: Batch,
): Tensor {
  const count = products * m * n;
  if (count === 0 || (k === 0 && bias === undefined && activation === 0))
    return { dtype, shape, data: allocate(dtype, count) };
  const { kernels } = arena;
  const float64 = dtype === "float64";
  const size = float64 ? 8 : 4;
  // a depth of 0 leaves f(bias): one column of zeros has the same product
  const depth = Math.max(k, 1);
  const work = (float64 ? kernels.matmulWork64 : kernels.matmulWork32)(m, n, depth);
  const own = arena.take(count);
  const together = own !== undefined || products === 1 || (a.length + b.length + count) * size <= whole;
  const several = products > 1 && together;
  const pieces = arena.pieces(
    k > 0 && arena.at(a) ? 0 : (several ? Math.max(a.length, m) : m * depth) * size,
    k > 0 && arena.at(b) ? 0 : (several ? Math.max(b.length, n) : n * depth) * size,
    own ? 0 : (together ? count : m * n) * size,
    bias ? (n + 8) * size : 0,
    work,
  );
  const pa = (k > 0 && arena.at(a)) || pieces[0];
  const pb = (k > 0 && arena.at(b)) || pieces[1];
  const pc = own ? own.byteOffset : pieces[2];
  const [, , , pBias, pWork] = pieces;
  const memory = float64 ? arena.f64 : arena.f32;
  const put = (at: Pointer, values: Tensor["data"], offset: number, length: number): void =>
    memory.set(values.length === length ? values : values.subarray(offset, offset + length), at / size);
  if (bias) {
    memory.fill(0, pBias / size, pBias / size + n + 8);
    put(pBias, bias, 0, n);
  }
  if (k === 0) {
    memory.fill(0, pa / size, pa / size + m);
    memory.fill(0, pb / size, pb / size + n);
  } else if (together) {
    if (pa === pieces[0]) memory.set(a, pa / size);
    if (pb === pieces[1]) memory.set(b, pb / size);
  }
  const lda = (transposeA ? m : depth) * size;
  const ldb = (transposeB ? depth : n) * size;
  const ta = Number(transposeA);
  const tb = Number(transposeB);
  const p = bias ? pBias : 0;
  const oneA = a.length === m * k;
  const oneB = b.length === n * k;
  const run = (atA: Pointer, atB: Pointer, atC: Pointer): void => {
    if (float64) kernels.matmul64(m, n, depth, atA, lda, ta, atB, ldb, tb, atC, n * size, p, activation, pWork);
    else kernels.matmul32(m, n, depth, atA, lda, ta, atB, ldb, tb, atC, n * size, p, activation, parameter, pWork);
  };
  if (together) {
    for (let c = 0; c < products; c++) {
      const i = oneA ? 0 : aBatch ? aBatch[c] : c;
      const j = oneB ? 0 : bBatch ? bBatch[c] : c;
      run(pa + i * m * k * size, pb + j * n * k * size, pc + c * m * n * size);
    }
    return { dtype, shape, data: own ?? copied(memory, pc / size, count) };
  }
  const data = allocate(dtype, count);
  let lastA = -1;
  let lastB = -1;
  for (let c = 0; c < products; c++) {
    const i = oneA ? 0 : aBatch ? aBatch[c] : c;
    const j = oneB ? 0 : bBatch ? bBatch[c] : c;
    // what lies in the memory is read where it lies
    if (pa === pieces[0] && i !== lastA) put(pa, a, i * m * k, m * k);
    if (pb === pieces[1] && j !== lastB) put(pb, b, j * n * k, n * k);
    lastA = i;
    lastB = j;
    run(pa === pieces[0] ? pa : pa + i * m * k * size, pb === pieces[1] ? pb : pb + j * n * k * size, pc);
    data.set(memory.subarray(pc / size, pc / size + m * n), c * m * n);
  }
  return { dtype, shape, data };
}
