/**
 * @file What a row of scores shares with its neighbours: which keys each query sees, the shift of the sigmoid by
 * −log(visible keys) and the divisor. Also `weigh` and `normalize`, which act on rows.
 */
import {
  type Attributes,
  actsOnRows,
  allocate,
  broadcastOffsets,
  cast,
  divisor,
  inferShape,
  type Mask,
  type Pointwise,
  reference32,
  type Shape,
  sigmoidBias,
  sizeOf,
  type Tensor,
  type Weighing,
} from "@splineformer/tensor";
import { activate } from "./activate.ts";
import { type Arena, brought, copied, pieceFor } from "./arena.ts";
import { type Code, codeOf, SPARSEMAX, weighingCode } from "./codes.ts";

/** Scores up to which weights are made by exponentials right to half an ulp; see `assembly/attention.ts`. */
const small = 4096;

/** How the kernels are told a mask: 0 shows everything, else query i sees i − window < key ≤ i. */
export function windowOf(mask: Mask): number {
  if (mask === "none") return 0;
  return Math.min(mask === "causal" ? Number.POSITIVE_INFINITY : mask.window, 2 ** 30);
}

/** Per query, for `visible` [queries, keys] of 0 and 1 or none: the shift of a sigmoid and what weights are divided by. */
export function rowTerms(
  queries: number,
  keys: number,
  { activation, mask, divide }: { activation: Weighing; mask: Mask; divide: Attributes["weigh"]["divide"] },
  visible: Uint8Array | undefined,
): { readonly shift: Float32Array; readonly divisor: Float32Array } {
  const padded = Math.ceil(queries / 16) * 16;
  const shift = new Float32Array(padded);
  const by = new Float32Array(padded).fill(1);
  const bias = sigmoidBias(activation);
  if (divide === "none" && bias !== "-log length") return { shift: shift.fill(bias ?? 0), divisor: by };
  const window = windowOf(mask);
  for (let i = 0; i < queries; i++) {
    const from = window ? Math.max(0, i - window + 1) : 0;
    const to = window ? Math.min(keys, i + 1) : keys;
    let count = Math.max(0, to - from);
    if (visible) {
      count = 0;
      for (let j = from; j < to; j++) count += visible[i * keys + j];
    }
    // with nothing visible there is nothing to divide
    by[i] = count === 0 ? 1 : divisor(divide, count);
    shift[i] = bias === "-log length" ? (count === 0 ? 0 : -Math.log(count)) : (bias ?? 0);
  }
  return { shift, divisor: by };
}

/** For each batch entry, where `x` broadcast to [..batch, rows, columns] has its matrix; bytes 0 and 1 for `visible`. */
export function broadcastMatrices(x: Tensor, batch: Shape, rows: number, columns: number) {
  const shape = [...new Array<number>(Math.max(0, batch.length + 2 - x.shape.length)).fill(1), ...x.shape];
  const [r, c] = shape.slice(-2);
  const offsets = broadcastOffsets(shape.slice(0, -2), batch);
  const inner = c === columns ? undefined : broadcastOffsets([r, c], [rows, columns]);
  return {
    offsets,
    /** Copies matrix `index` to `to`. */
    read(index: number, to: Float32Array | Uint8Array): void {
      const start = offsets[index] * r * c;
      if (inner) for (let i = 0; i < inner.length; i++) to[i] = x.data[start + inner[i]];
      else if (r === rows) to.set(x.data.subarray(start, start + r * c));
      else for (let i = 0; i < rows; i++) to.set(x.data.subarray(start, start + c), i * c);
      if (to instanceof Uint8Array) for (let i = 0; i < to.length; i++) to[i] = to[i] ? 1 : 0;
    },
  };
}

/** Scores to weights; see the operation of this name. */
export function weigh(arena: Arena, x: Tensor, visible: Tensor | undefined, attributes: Attributes["weigh"]): Tensor {
  const shape = inferShape("weigh", attributes, x.shape, visible?.shape);
  const { activation, mask, order } = attributes;
  // entmax between softmax and sparsemax has no kernel
  if (actsOnRows(activation) && !weighingCode(activation)) return reference32.weigh(x, visible, attributes);
  const [queries, keys] = shape.slice(-2);
  const data = allocate("float32", sizeOf(shape));
  const out: Tensor = { dtype: "float32", shape, data };
  if (data.length === 0) return out;
  const { code, parameter, inner } = kernelOf(activation, order);
  // what the kernel lacks is applied first; the rest of weighing follows as for the identity
  const scores = code === 0 ? activate(arena, x, { activation: activation as Pointwise, order }) : cast(x, "float32");
  const batch = shape.slice(0, -2);
  const masks = visible && broadcastMatrices(toBits(visible), batch, queries, keys);
  const bits = masks && new Uint8Array(queries * keys);
  const size = queries * keys;
  const [px, pShift, pDivisor, pVisible, pWork] = arena.pieces(
    size * 4,
    queries * 4 + 64,
    queries * 4 + 64,
    bits ? size : 0,
    256 + keys * 32,
  );
  const { kernels, f32, u8 } = arena;
  let last = -1;
  for (let c = 0; c * size < data.length; c++) {
    if (c === 0 || (masks && masks.offsets[c] !== last)) {
      if (masks && bits) {
        masks.read(c, bits);
        last = masks.offsets[c];
        u8.set(bits, pVisible);
      }
      const terms = rowTerms(queries, keys, attributes, bits);
      f32.set(terms.shift, pShift / 4);
      f32.set(order === 1 && code === SPARSEMAX ? terms.divisor.map(() => 1) : terms.divisor, pDivisor / 4);
    }
    f32.set(scores.data.subarray(c * size, (c + 1) * size), px / 4);
    const seen = bits ? pVisible : 0;
    const window = windowOf(mask);
    const precise = Number(size <= small);
    kernels.weigh32(px, queries, keys, code, parameter, inner, window, pShift, pDivisor, seen, keys, precise, pWork);
    const weights = f32.subarray(px / 4, px / 4 + size);
    if (order === 1 && code === SPARSEMAX) {
      // the derivative by the score is 1 on the support
      const by = rowTerms(queries, keys, attributes, bits).divisor;
      for (let i = 0; i < size; i++) weights[i] = weights[i] > 0 ? 1 / by[Math.floor(i / keys)] : 0;
    }
    data.set(weights, c * size);
  }
  return out;
}

/** Code 0 where the activation has to be applied beforehand. */
function kernelOf(activation: Weighing, order: 0 | 1): Code {
  const identity = { code: 0, parameter: 0, inner: 1 };
  if (order === 0 || actsOnRows(activation)) return weighingCode(activation) ?? identity;
  if (sigmoidBias(activation) !== undefined) return { code: 8, parameter: 0, inner: 1 };
  const found = codeOf(activation as Pointwise, 1);
  return found && found.code === 4 ? found : identity;
}

/** Nonzero entries as 1. */
export function toBits(x: Tensor): Tensor {
  return cast(x, "bool");
}

/** Rows to mean 0 and variance 1, or to mean square 1. */
export function normalize(arena: Arena, x: Tensor, attributes: Attributes["normalize"]): Tensor {
  const shape = inferShape("normalize", attributes, x.shape);
  const { kind, epsilon } = attributes;
  const d = shape.at(-1) as number;
  const from = cast(x, "float32").data;
  const rows = d === 0 ? 0 : from.length / d;
  const own = arena.take(from.length);
  const [px, pWork] = arena.pieces(own ? pieceFor(arena, from) : from.byteLength, d * 32);
  const at = brought(arena, from, px);
  const to = own ? own.byteOffset : px;
  arena.kernels.normalize32(at, rows, d, kind === "layer" ? 1 : 0, epsilon, to, pWork);
  return { dtype: "float32", shape, data: own ?? copied(arena.f32, to / 4, from.length) };
}
