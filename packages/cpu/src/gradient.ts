/**
 * @file The gradient of fused attention. Letters as in `attention.ts`; what starts with d is a gradient.
 */
import {
  type Attributes,
  cast,
  ShapeError,
  sameShape,
  showShape,
  showWeighing,
  sizeOf,
  type Tensor,
  UnsupportedError,
} from "@splineformer/tensor";
import { type Arena, brought, pieceFor } from "./arena.ts";
import { attend, statisticsSize } from "./attention.ts";
import { type Batched, matrixInArena, type Problem, prepare, rowsInArena } from "./attention-problem.ts";
import { SPARSEMAX } from "./codes.ts";
import { platform } from "./platform.ts";
import type { Pointer } from "./wasm/kernels.ts";

/** The gradients of the three operands of attention, each of its operand's shape. */
export interface AttentionGradients {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
}

/** Attention, and the way back. */
export interface DifferentiableAttention {
  readonly output: Tensor;
  /** From the gradient of the output to those of query, key and value. */
  pullback(gradient: Tensor): AttentionGradients;
}

/**
 * Fused attention with its gradient: `dV = Pᵀ G, dP = G Vᵀ, dS = P′(dP), dQ = scale · dS K, dK = scale · dSᵀ Q`.
 *
 * Neither way stores a [queries × keys] matrix: of the forward pass two numbers per query and head are kept, and scores
 * are made anew. That costs 2.5 times the operations of the forward pass. A bias gets no gradient: it would be such a
 * matrix.
 *
 * @param query - [.., n, heads · d]
 * @param key - [.., m, keyValueHeads · d]
 * @param value - [.., m, keyValueHeads · e]
 * @param options - those of the operation `attention`; `bias` and `visible` broadcast to [.., heads, n, m]
 * @throws UnsupportedError for an activation that isn't fused (sparsemax, GELU, …), or without SIMD WebAssembly
 * @source FlashAttention, arXiv 2205.14135; for sigmoid arXiv 2409.04431
 * @example
 * ```ts
 * import { differentiateAttention } from "@splineformer/cpu";
 * import { tensor, toNested } from "@splineformer/tensor";
 * const one = tensor([[1]]);
 * const options = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const { output, pullback } = differentiateAttention(tensor([[2]]), tensor([[3]]), tensor([[5]]), options);
 * toNested(output); // [[30]]
 * toNested(pullback(one).query); // [[15]]
 * toNested(pullback(one).value); // [[6]]
 * ```
 */
export function differentiateAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: Attributes["attention"] & { readonly bias?: Tensor; readonly visible?: Tensor },
): DifferentiableAttention {
  const { bias, visible, ...attributes } = options;
  const found = platform();
  if (!("arena" in found))
    throw new UnsupportedError(
      `differentiateAttention: expected SIMD WebAssembly, got a platform where ${found.reason}`,
    );
  const differentiated = differentiate(found.arena, query, key, value, bias, visible, attributes);
  if (!differentiated)
    throw new UnsupportedError(
      `differentiateAttention: expected an activation whose gradient is fused (softmax, relu, squaredRelu, softplus, sigmoid, identity), got ${showWeighing(attributes.activation)}`,
    );
  return differentiated;
}

/** The same for a device, whose operands are checked; undefined for an activation whose gradient isn't fused. */
export function differentiate(
  arena: Arena,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  bias: Tensor | undefined,
  visible: Tensor | undefined,
  attributes: Attributes["attention"],
): DifferentiableAttention | undefined {
  const problem = prepare(query, key, value, bias, visible, attributes);
  if (!problem || problem.code === SPARSEMAX) return undefined;
  const { out, statistics } = attend(arena, problem, true);
  return {
    output: out,
    pullback(gradient) {
      if (!sameShape(gradient.shape, out.shape))
        throw new ShapeError(
          `pullback: expected a gradient of the output's shape ${showShape(out.shape)}, got ${showShape(gradient.shape)}`,
        );
      return pull(arena, problem, out, statistics, cast(gradient, "float32").data);
    },
  };
}

function pull(
  arena: Arena,
  problem: Problem,
  out: Tensor,
  statistics: Float32Array,
  gradient: Float32Array,
): AttentionGradients {
  const { q, k, v, n, m, d, e, heads, groups, code, parameter, scale, window } = problem;
  const empty = sizeOf(out.shape) === 0 || m === 0 || d === 0;
  const [dq, dk, dv] = [q, k, v].map(({ data }) => (empty ? undefined : arena.take(data.length)) ?? new Float32Array(data.length)); // biome-ignore format: one expression
  const as = ({ shape }: Batched, data: Float32Array): Tensor => ({ dtype: "float32", shape, data });
  const gradients = { query: as(q, dq), key: as(k, dk), value: as(v, dv) };
  if (empty) return gradients;

  const { kernels } = arena;
  const byKey = kernels.packedSize(m, Math.max(d, e));
  const byChannel = kernels.packedSize(d, m);
  const keyStride = Math.ceil(d / 8) * 8;
  const valueStride = Math.ceil(e / 8) * 8;
  const rows5 = Math.ceil(m / 5) * 5;
  const outSize = n * heads * e;
  const [
    pq,
    pk,
    pv,
    pg,
    po,
    pKeys,
    pValues,
    pChannels,
    pdq,
    pdk,
    pdv,
    pdkRows,
    pdvRows,
    pStatistics,
    pShift,
    pDivisor,
    pBias,
    pVisible,
    pWork,
  ] = arena.pieces(
    pieceFor(arena, q.data) && q.size * 4,
    pieceFor(arena, k.data) && k.size * 4,
    pieceFor(arena, v.data) && v.size * 4,
    pieceFor(arena, gradient),
    pieceFor(arena, out.data),
    byKey,
    byKey,
    byChannel,
    q.size * 4,
    k.size * 4,
    v.size * 4,
    rows5 * keyStride * 4,
    rows5 * valueStride * 4,
    statisticsSize(n) * 4,
    n * 4 + 64,
    n * 4 + 64,
    problem.biases ? n * m * 4 : 0,
    problem.masks ? n * m : 0,
    kernels.gradientWork(n, d, e),
  );
  const { f32 } = arena;
  const rows = rowsInArena(arena, problem, { pShift, pDivisor, pBias, pVisible });
  const size = statisticsSize(n);
  const atGradient = brought(arena, gradient, pg);
  const atOut = brought(arena, out.data as Float32Array, po);
  for (let b = 0; b < q.offsets.length; b++) {
    const atQ = matrixInArena(arena, q, b, pq);
    const atK = matrixInArena(arena, k, b, pk);
    const atV = matrixInArena(arena, v, b, pv);
    const toQ = target(arena, dq, q, b, pdq);
    const toK = target(arena, dk, k, b, pdk);
    const toV = target(arena, dv, v, b, pdv);
    for (let g = 0; g < groups; g++) {
      kernels.packKeys(atK + g * d * 4, groups * d * 4, m, d, pKeys);
      kernels.packKeys(atV + g * e * 4, groups * e * 4, m, e, pValues);
      kernels.packValues(atK + g * d * 4, groups * d * 4, m, d, pChannels);
      f32.fill(0, pdkRows / 4, pdkRows / 4 + rows5 * keyStride);
      f32.fill(0, pdvRows / 4, pdvRows / 4 + rows5 * valueStride);
      for (let h = (g * heads) / groups; h < ((g + 1) * heads) / groups; h++) {
        const index = b * heads + h;
        rows.load(index);
        const stays = arena.at(statistics);
        if (!stays) f32.set(statistics.subarray(index * size, (index + 1) * size), pStatistics / 4);
        kernels.attendGradient32(
          n,
          m,
          d,
          e,
          atQ + h * d * 4,
          heads * d * 4,
          atGradient + 4 * b * outSize + h * e * 4,
          atOut + 4 * b * outSize + h * e * 4,
          heads * e * 4,
          pKeys,
          pValues,
          pChannels,
          toQ + h * d * 4,
          pdkRows,
          pdvRows,
          code,
          parameter,
          scale,
          window,
          pShift,
          pDivisor,
          rows.bias,
          m * 4,
          rows.visible,
          m,
          stays ? stays + 4 * index * size : pStatistics,
          pWork,
        );
      }
      kernels.copyRows(pdkRows, keyStride * 4, toK + g * d * 4, groups * d * 4, m, d * 4);
      kernels.copyRows(pdvRows, valueStride * 4, toV + g * e * 4, groups * e * 4, m, e * 4);
    }
    if (toQ === pdq) collect(f32.subarray(pdq / 4, pdq / 4 + q.size), dq, q.offsets, b);
    if (toK === pdk) collect(f32.subarray(pdk / 4, pdk / 4 + k.size), dk, k.offsets, b);
    if (toV === pdv) collect(f32.subarray(pdv / 4, pdv / 4 + v.size), dv, v.offsets, b);
  }
  return gradients;
}

/** Where the gradient of a batch entry is made: where it stays, if its operand serves no other entry; else in `piece`. */
function target(arena: Arena, to: Float32Array, { size, offsets }: Batched, batch: number, piece: Pointer): Pointer {
  const at = arena.at(to);
  return at && to.length === offsets.length * size ? at + 4 * size * offsets[batch] : piece;
}

/** Puts a batch entry's gradient where its operand lies; an operand that serves several gets the sum. */
function collect(from: Float32Array, to: Float32Array, offsets: Int32Array, index: number): void {
  const start = offsets[index] * from.length;
  if (offsets.indexOf(offsets[index]) === index) to.set(from, start);
  else for (let i = 0; i < from.length; i++) to[start + i] += from[i];
}
