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

/** One product, or several that share b: what `multiplyInto` is told. */
interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly bias?: Tensor["data"];
  readonly activation: number;
  readonly parameter: number;
}

/** a b, where leading axes broadcast. */
export function matmul(arena: Arena, dtype: Float, a: Tensor, b: Tensor, attributes: Attributes["matmul"]): Tensor {
  const shape = inferShape("matmul", attributes, a.shape, b.shape);
  const { transposeA = false, transposeB = false } = attributes;
  const [m, n] = shape.slice(-2);
  const k = a.shape.at(transposeA ? -2 : -1) as number;
  const batch = shape.slice(0, -2);
  const product = { n, k, transposeA, transposeB, activation: 0, parameter: 0 };
  const x = cast(a, dtype);
  const y = cast(b, dtype);
  const count = sizeOf(batch);
  // one b for a whole stack of rows: the stack is one matrix
  if (!transposeA && sizeOf(b.shape.slice(0, -2)) === 1 && sizeOf(a.shape) === count * m * k)
    return multiply(arena, dtype, shape, x.data, y.data, { ...product, m: count * m }, [0], [0]);
  const from = (s: Shape): Int32Array => broadcastOffsets(s.slice(0, -2), batch);
  return multiply(arena, dtype, shape, x.data, y.data, { ...product, m }, from(a.shape), from(b.shape));
}

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
  const fused = dtype === "float32" ? codeOf(activation, 0) : undefined;
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
    [0],
    [0],
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
  product: Product,
  aBatch: ArrayLike<number>,
  bBatch: ArrayLike<number>,
): Tensor {
  const { m, n, k, transposeA, transposeB, bias, activation, parameter } = product;
  const count = sizeOf(shape);
  if (count === 0 || (k === 0 && bias === undefined && activation === 0))
    return { dtype, shape, data: allocate(dtype, count) };
  const { kernels } = arena;
  const float64 = dtype === "float64";
  const size = float64 ? 8 : 4;
  // a depth of 0 leaves f(bias): one column of zeros has the same product
  const depth = Math.max(k, 1);
  const work = (float64 ? kernels.matmulWork64 : kernels.matmulWork32)(m, n, depth);
  const [pa, pb, pc, pBias, pWork] = arena.pieces(
    m * depth * size,
    n * depth * size,
    m * n * size,
    bias ? (n + 8) * size : 0,
    work,
  );
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
  }
  const lda = (transposeA ? m : depth) * size;
  const ldb = (transposeB ? depth : n) * size;
  // one product is copied out as it lies; several meet in zeros
  const data = count === m * n ? undefined : allocate(dtype, count);
  let lastA = -1;
  let lastB = -1;
  for (let c = 0; c < aBatch.length; c++) {
    if (aBatch[c] !== lastA && k > 0) put(pa, a, aBatch[c] * m * k, m * k);
    if (bBatch[c] !== lastB && k > 0) put(pb, b, bBatch[c] * n * k, n * k);
    lastA = aBatch[c];
    lastB = bBatch[c];
    const ta = Number(transposeA);
    const tb = Number(transposeB);
    const p = bias ? pBias : 0;
    if (float64) kernels.matmul64(m, n, depth, pa, lda, ta, pb, ldb, tb, pc, n * size, p, pWork);
    else kernels.matmul32(m, n, depth, pa, lda, ta, pb, ldb, tb, pc, n * size, p, activation, parameter, pWork);
    data?.set(memory.subarray(pc / size, pc / size + m * n), c * m * n);
  }
  return { dtype, shape, data: data ?? copied(memory, pc / size, m * n) };
}
