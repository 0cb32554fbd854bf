/** @file Pointwise activations: by the kernels where they have a code, else entry by entry in JavaScript. */
import { type Attributes, allocate, cast, inferShape, pointwiseFunction, type Tensor } from "@splineformer/tensor";
import { type Arena, brought, copied, pieceFor } from "./arena.ts";
import { codeOf } from "./codes.ts";

/** f(x) or f′(x), float32. */
export function activate(arena: Arena, x: Tensor, attributes: Attributes["activate"]): Tensor {
  const { activation, order } = attributes;
  const shape = inferShape("activate", attributes, x.shape);
  const from = cast(x, "float32").data;
  const { length } = from;
  const kernel = codeOf(activation, order);
  const own = arena.take(length);
  if (!kernel || kernel.code === 0) {
    const data = own ?? allocate("float32", length);
    const f = pointwiseFunction(activation, order);
    for (let i = 0; i < length; i++) data[i] = f(from[i]);
    return { dtype: "float32", shape, data };
  }
  const { code, parameter, inner } = kernel;
  const [piece, pOut, pInner] = arena.pieces(pieceFor(arena, from), own ? 0 : length * 4, 4);
  const { kernels, f32 } = arena;
  const at = brought(arena, from, piece);
  const to = own ? own.byteOffset : pOut;
  if (inner !== 1) {
    f32[pInner / 4] = inner;
    kernels.multiply32(at, length, pInner, 1, to);
  }
  kernels.activate32(code, inner === 1 ? at : to, length, parameter, 0, to);
  return { dtype: "float32", shape, data: own ?? copied(f32, to / 4, length) };
}
