/** @file Pointwise activations: by the kernels where they have a code, else entry by entry in JavaScript. */
import { type Attributes, allocate, cast, inferShape, pointwiseFunction, type Tensor } from "@splineformer/tensor";
import type { Arena } from "./arena.ts";
import { codeOf } from "./codes.ts";

/** Entries per visit to the arena: they stay in the cache. */
const block = 8192;

/** f(x) or f′(x), float32. */
export function activate(arena: Arena, x: Tensor, attributes: Attributes["activate"]): Tensor {
  const { activation, order } = attributes;
  const shape = inferShape("activate", attributes, x.shape);
  const from = cast(x, "float32").data;
  const data = allocate("float32", from.length);
  const kernel = codeOf(activation, order);
  if (kernel && kernel.code > 0) {
    const [at] = arena.pieces(block * 4);
    const { kernels, f32 } = arena;
    const { code, parameter, inner } = kernel;
    for (let i = 0; i < from.length; i += block) {
      const part = from.subarray(i, i + block);
      f32.set(part, at / 4);
      if (inner !== 1) for (let j = at / 4; j < at / 4 + part.length; j++) f32[j] *= inner;
      kernels.activate32(code, at, part.length, parameter, 0);
      data.set(f32.subarray(at / 4, at / 4 + part.length), i);
    }
  } else {
    const f = pointwiseFunction(activation, order);
    for (let i = 0; i < from.length; i++) data[i] = f(from[i]);
  }
  return { dtype: "float32", shape, data };
}
