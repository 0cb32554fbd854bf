/**
 * @file Running softmax averages: the operation `scan`, and attention to a fixed query one token after the other (Aaren).
 * Letters: h heads, d width of a query and key head, e width of a value head.
 */
import {
  type Attributes,
  allocate,
  broadcastOffsets,
  cast,
  checkOptions,
  inferShape,
  required,
  ShapeError,
  showShape,
  sizeOf,
  type Tensor,
  UnsupportedError,
} from "@splineformer/tensor";
import { type Arena, copied } from "./arena.ts";
import { platform } from "./platform.ts";

/** Tokens per visit to the arena. */
const block = 64;

/** Row k is the softmax average of rows 1 … k of values. */
export function scan(arena: Arena, scores: Tensor, values: Tensor, attributes: Attributes["scan"]): Tensor {
  const shape = inferShape("scan", attributes, scores.shape, values.shape);
  const [n, e] = shape.slice(-2);
  const batch = shape.slice(0, -2);
  const [s, v] = [scores, values].map((x) => cast(x, "float32").data);
  const [so, vo] = [scores, values].map((x) => broadcastOffsets(x.shape.slice(0, -2), batch));
  const data = allocate("float32", sizeOf(shape));
  if (data.length > 0) {
    const [ps, pv, pState, po] = arena.pieces(n * 4, n * e * 4, arena.kernels.stateSize(1, e), n * e * 4);
    const { kernels, f32 } = arena;
    for (let b = 0; b < so.length; b++) {
      f32.set(s.subarray(so[b] * n, (so[b] + 1) * n), ps / 4);
      f32.set(v.subarray(vo[b] * n * e, (vo[b] + 1) * n * e), pv / 4);
      kernels.startState(1, e, pState);
      kernels.scan32(n, e, ps, pv, pState, po);
      data.set(f32.subarray(po / 4, po / 4 + n * e), b * n * e);
    }
  }
  return { dtype: "float32", shape, data };
}

/** Attention to a fixed query over tokens that arrive: its memory is e + 5 numbers a head, however many come. */
export interface AttentionStream {
  /** How many tokens have come. */
  readonly length: number;
  /**
   * Takes tokens in and gives, for each, the average over it and all before.
   *
   * @param key - [tokens, h · d]
   * @param value - [tokens, h · e]
   * @returns [tokens, h · e]
   */
  push(key: Tensor, value: Tensor): Tensor;
}

/**
 * `o_k = Σ_{i ≤ k} v_i e^{s_i} / Σ_{i ≤ k} e^{s_i}`, `s_i = scale · query · key_i`, in constant memory and time a token.
 *
 * The running maximum of the scores keeps every exponential at most 1. Tokens may come one by one or in groups.
 *
 * @param options - `query`: [h · d]; `heads`: h, default 1; `valueWidth`: e, default d; `scale`: default 1/√d
 * @throws ShapeError, RangeError if these don't fit; UnsupportedError without SIMD WebAssembly
 * @source arXiv 2405.13956
 * @example
 * ```ts
 * import { createAttentionStream } from "@splineformer/cpu";
 * import { tensor, toNested } from "@splineformer/tensor";
 * const stream = createAttentionStream({ query: tensor([1]) });
 * toNested(stream.push(tensor([[3], [3]]), tensor([[10], [20]]))); // [[10], [15]]
 * toNested(stream.push(tensor([[3]]), tensor([[30]]))); // [[20]]
 * stream.length; // 3
 * ```
 */
export function createAttentionStream(options: {
  readonly query: Tensor;
  readonly heads?: number;
  readonly valueWidth?: number;
  readonly scale?: number;
}): AttentionStream {
  const where = "createAttentionStream";
  checkOptions(where, options, ["query", "heads", "valueWidth", "scale"]);
  const { query, heads = 1 } = options;
  required(Number.isInteger(heads) && heads > 0, where, "heads to be a whole number > 0", heads);
  if (query.shape.length !== 1 || query.shape[0] === 0 || query.shape[0] % heads)
    throw new ShapeError(`${where}: expected a query [heads · d] with ${heads} heads, got ${showShape(query.shape)}`);
  const d = query.shape[0] / heads;
  const { valueWidth: e = d, scale = 1 / Math.sqrt(d) } = options;
  required(Number.isInteger(e) && e > 0, where, "valueWidth to be a whole number > 0", e);
  required(Number.isFinite(scale), where, "a finite scale", scale);
  const found = platform();
  if (!("arena" in found))
    throw new UnsupportedError(`${where}: expected SIMD WebAssembly, got a platform where ${found.reason}`);
  const { arena } = found;
  const q = cast(query, "float32").data.slice();
  const state = new Float32Array(arena.kernels.stateSize(heads, e) / 4);
  let length = 0;
  return {
    get length() {
      return length;
    },
    push(key, value) {
      const [n] = key.shape;
      if (
        key.shape.length !== 2 ||
        value.shape.length !== 2 ||
        key.shape[1] !== heads * d ||
        value.shape[1] !== heads * e ||
        value.shape[0] !== n
      )
        throw new ShapeError(
          `push: expected key [tokens, ${heads * d}] and value [tokens, ${heads * e}], got ${showShape(key.shape)} and ${showShape(value.shape)}`,
        );
      // so many at a time that they stay in the cache
      const most = Math.min(n, block);
      const [pq, pk, pv, pState, po] = arena.pieces(
        q.length * 4,
        most * heads * d * 4,
        most * heads * e * 4,
        state.length * 4,
        most * heads * e * 4,
      );
      const { kernels, f32 } = arena;
      const keys = cast(key, "float32").data;
      const values = cast(value, "float32").data;
      f32.set(q, pq / 4);
      if (length > 0) f32.set(state, pState / 4);
      else kernels.startState(heads, e, pState);
      const data = n > block ? new Float32Array(n * heads * e) : undefined;
      for (let i = 0; i < n; i += block) {
        const count = Math.min(block, n - i);
        f32.set(data ? keys.subarray(i * heads * d, (i + count) * heads * d) : keys, pk / 4);
        f32.set(data ? values.subarray(i * heads * e, (i + count) * heads * e) : values, pv / 4);
        kernels.stream32(count, heads, d, e, scale, pq, pk, pv, pState, po);
        data?.set(f32.subarray(po / 4, po / 4 + count * heads * e), i * heads * e);
      }
      state.set(f32.subarray(pState / 4, pState / 4 + state.length));
      length += n;
      return { dtype: "float32", shape: [n, heads * e], data: data ?? copied(f32, po / 4, n * heads * e) };
    },
  };
}
