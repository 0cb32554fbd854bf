/**
 * @file Sums and products entry by entry, and sums over axes: plain loops, which are as fast here as SIMD behind two
 * copies would be. Broadcasting has fast paths for equal shapes and for a trailing block that repeats.
 */
import {
  type Attributes,
  allocate,
  broadcastOffsets,
  cast,
  inferShape,
  type Shape,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";

type Float = "float32" | "float64";

/** Whether repeating x as it lies gives it broadcast to `shape`: x is a scalar, or its axes are the trailing ones. */
function repeats(x: Shape, shape: Shape): boolean {
  let axis = x.length;
  while (axis > 0 && x[axis - 1] === shape[shape.length - x.length + axis - 1]) axis--;
  return x.slice(0, axis).every((n) => n === 1);
}

export function add(dtype: Float, a: Tensor, b: Tensor): Tensor {
  const shape = inferShape("add", {}, a.shape, b.shape);
  const out = allocate(dtype, sizeOf(shape));
  const [x, y, period] = arrange(dtype, shape, a, b);
  if (period === x.length) for (let i = 0; i < out.length; i++) out[i] = x[i] + y[i];
  else if (period === 1) {
    const shift = y[0];
    for (let i = 0; i < out.length; i++) out[i] = x[i] + shift;
  } else for (let i = 0; i < out.length; i += period) for (let j = 0; j < period; j++) out[i + j] = x[i + j] + y[j];
  return { dtype, shape, data: out };
}

export function multiply(dtype: Float, a: Tensor, b: Tensor): Tensor {
  const shape = inferShape("multiply", {}, a.shape, b.shape);
  const out = allocate(dtype, sizeOf(shape));
  const [x, y, period] = arrange(dtype, shape, a, b);
  if (period === x.length) for (let i = 0; i < out.length; i++) out[i] = x[i] * y[i];
  else if (period === 1) {
    const factor = y[0];
    for (let i = 0; i < out.length; i++) out[i] = x[i] * factor;
  } else for (let i = 0; i < out.length; i += period) for (let j = 0; j < period; j++) out[i + j] = x[i + j] * y[j];
  return { dtype, shape, data: out };
}

export function scale(dtype: Float, x: Tensor, attributes: Attributes["scale"]): Tensor {
  const shape = inferShape("scale", attributes, x.shape);
  const from = cast(x, dtype).data;
  const data = allocate(dtype, from.length);
  // the factor is rounded to what the device stores, like every operand
  const factor = dtype === "float32" ? Math.fround(attributes.factor) : attributes.factor;
  for (let i = 0; i < from.length; i++) data[i] = from[i] * factor;
  return { dtype, shape, data };
}

type Numbers = Float32Array | Float64Array;

/** The operands as x of the full shape and y that repeats with a period; both operations commute. */
function arrange(dtype: Float, shape: Shape, a: Tensor, b: Tensor): readonly [x: Numbers, y: Numbers, period: number] {
  const x = cast(a, dtype).data;
  const y = cast(b, dtype).data;
  const size = sizeOf(shape);
  if (x.length === size && repeats(b.shape, shape)) return [x, y, y.length];
  if (y.length === size && repeats(a.shape, shape)) return [y, x, x.length];
  return [spread(x, a.shape, shape, dtype), spread(y, b.shape, shape, dtype), size];
}

function spread(x: Numbers, from: Shape, to: Shape, dtype: Float): Numbers {
  const offsets = broadcastOffsets(from, to);
  const out = allocate(dtype, offsets.length);
  for (let i = 0; i < offsets.length; i++) out[i] = x[offsets[i]];
  return out;
}

/** Sum over axes, one after the other from the last. */
export function sum(dtype: Float, x: Tensor, attributes: Attributes["sum"]): Tensor {
  const shape = inferShape("sum", attributes, x.shape);
  let lengths = [...x.shape];
  let from: Numbers = cast(x, dtype).data;
  for (let axis = lengths.length - 1; axis >= 0; axis--) {
    if (!attributes.axes.includes(axis - lengths.length)) continue;
    const inner = sizeOf(lengths.slice(axis + 1));
    from = sumAxis(dtype, from, sizeOf(lengths.slice(0, axis)), lengths[axis], inner);
    lengths = lengths.map((n, i) => (i === axis ? 1 : n));
  }
  return { dtype, shape, data: from === x.data ? from.slice() : from };
}

/** [outer, n, inner] → [outer, inner]. */
function sumAxis(dtype: Float, x: Numbers, outer: number, n: number, inner: number): Numbers {
  const out = allocate(dtype, outer * inner);
  if (inner === 1)
    for (let o = 0; o < outer; o++) {
      let total = 0;
      for (let i = o * n; i < (o + 1) * n; i++) total += x[i];
      out[o] = total;
    }
  else
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < n; i++) {
        const at = (o * n + i) * inner;
        for (let j = 0; j < inner; j++) out[o * inner + j] += x[at + j];
      }
  return out;
}
