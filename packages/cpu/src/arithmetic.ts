/**
 * @file Sums and products entry by entry, by kernels, and sums over axes, in float32 by kernels but for the last. Broadcasting has
 * fast paths for equal shapes and for a trailing block that repeats.
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
import { type Arena, brought, copied, pieceFor } from "./arena.ts";

type Float = "float32" | "float64";

/** Whether repeating x as it lies gives it broadcast to `shape`: x is a scalar, or its axes are the trailing ones. */
function repeats(x: Shape, shape: Shape): boolean {
  let axis = x.length;
  while (axis > 0 && x[axis - 1] === shape[shape.length - x.length + axis - 1]) axis--;
  return x.slice(0, axis).every((n) => n === 1);
}

/** Entries from which two copies and a kernel take less time than a plain loop. */
const few = 64;

/** a + b or a · b. */
export function combine(
  arena: Arena | undefined,
  dtype: Float,
  name: "add" | "multiply",
  a: Tensor,
  b: Tensor,
): Tensor {
  const shape = inferShape(name, {}, a.shape, b.shape);
  const [x, y, period] = arrange(dtype, shape, a, b);
  if (arena && x.length > few) return { dtype, shape, data: combined(arena, dtype, name, x, y, period) };
  const out = allocate(dtype, x.length);
  for (let i = 0; i < out.length; i += period)
    for (let j = 0; j < period; j++) out[i + j] = name === "add" ? x[i + j] + y[j] : x[i + j] * y[j];
  return { dtype, shape, data: out };
}

export function scale(arena: Arena | undefined, dtype: Float, x: Tensor, attributes: Attributes["scale"]): Tensor {
  const shape = inferShape("scale", attributes, x.shape);
  const from = cast(x, dtype).data;
  // the factor is rounded to what the device stores, like every operand
  const factor = dtype === "float32" ? Math.fround(attributes.factor) : attributes.factor;
  if (arena && from.length > few) {
    const by = dtype === "float32" ? Float32Array.of(factor) : Float64Array.of(factor);
    return { dtype, shape, data: combined(arena, dtype, "multiply", from, by, 1) };
  }
  const data = allocate(dtype, from.length);
  for (let i = 0; i < from.length; i++) data[i] = from[i] * factor;
  return { dtype, shape, data };
}

/** x with y, which repeats, by a kernel. */
function combined(
  arena: Arena,
  dtype: Float,
  name: "add" | "multiply",
  x: Numbers,
  y: Numbers,
  period: number,
): Numbers {
  const own = arena.take(x.length);
  // without a place of its own the result goes where x would, and x may lie in the memory all the same
  const [px, py] = arena.pieces(own ? pieceFor(arena, x) : x.byteLength, pieceFor(arena, y));
  const from = brought(arena, x, px);
  const other = brought(arena, y, py);
  const to = own ? own.byteOffset : px;
  const { kernels, f32, f64 } = arena;
  const float64 = dtype === "float64";
  kernels[float64 ? (`${name}64` as const) : (`${name}32` as const)](from, x.length / period, other, period, to);
  return own ?? (float64 ? copied(f64, to / 8, x.length) : copied(f32, to / 4, x.length));
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
export function sum(arena: Arena | undefined, dtype: Float, x: Tensor, attributes: Attributes["sum"]): Tensor {
  const shape = inferShape("sum", attributes, x.shape);
  let lengths = [...x.shape];
  let from: Numbers = cast(x, dtype).data;
  for (let axis = lengths.length - 1; axis >= 0; axis--) {
    if (!attributes.axes.includes(axis - lengths.length)) continue;
    const outer = sizeOf(lengths.slice(0, axis));
    const inner = sizeOf(lengths.slice(axis + 1));
    const n = lengths[axis];
    from =
      arena && inner > 1 && from instanceof Float32Array && from.length > few
        ? summed(arena, from, outer, n, inner)
        : sumAxis(dtype, from, outer, n, inner);
    lengths = lengths.map((length, i) => (i === axis ? 1 : length));
  }
  return { dtype, shape, data: from === x.data ? from.slice() : from };
}

/** [outer, n, inner] → [outer, inner] by a kernel. */
function summed(arena: Arena, x: Float32Array, outer: number, n: number, inner: number): Float32Array {
  const count = outer * inner;
  const own = arena.take(count);
  const [px, pOut] = arena.pieces(pieceFor(arena, x), own ? 0 : count * 4);
  const { kernels, f32 } = arena;
  const from = brought(arena, x, px);
  const to = own ? own.byteOffset : pOut;
  f32.fill(0, to / 4, to / 4 + count);
  kernels.sum32(from, outer, n, inner, to);
  return own ?? copied(f32, to / 4, count);
}

/** The same by a plain loop. */
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
