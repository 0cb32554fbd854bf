/**
 * @file Fused attention, forward: keys and values are packed once per group of heads, and no [queries × keys] matrix is
 * stored. Letters: n queries, m keys, d width of a query and key head, e width of a value head.
 */
import { type Attributes, allocate, sizeOf, type Tensor } from "@splineformer/tensor";
import { type Arena, copied, pieceFor } from "./arena.ts";
import { matrixInArena, type Problem, prepare, rowsInArena } from "./attention-problem.ts";

/**
 * weigh(scale · q kᵀ + bias) v for every head; undefined for an activation that the kernels lack.
 *
 * Operands and attributes are those of the operation `attention`.
 */
export function attention(
  arena: Arena,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  bias: Tensor | undefined,
  visible: Tensor | undefined,
  attributes: Attributes["attention"],
): Tensor | undefined {
  const problem = prepare(query, key, value, bias, visible, attributes);
  return problem && attend(arena, problem, false).out;
}

/** An output, and per head and query what the gradient needs: a maximum and 1/sum, padded to 16 queries. */
export interface Attended {
  readonly out: Tensor;
  readonly statistics: Float32Array;
}

/** Float32 of statistics per head. */
export const statisticsSize = (n: number): number => 2 * (n + 16);

export function attend(arena: Arena, problem: Problem, keep: boolean): Attended {
  const { shape, q, k, v, n, m, d, e, heads, groups, code, parameter, scale, window } = problem;
  const count = sizeOf(shape);
  const batches = q.offsets.length;
  if (count === 0 || m === 0)
    return { out: { dtype: "float32", shape, data: allocate("float32", count) }, statistics: new Float32Array(0) };
  const own = arena.take(count);
  const ownStatistics = keep ? arena.take(batches * heads * statisticsSize(n)) : undefined;
  // one batch entry is copied out as it lies
  let data = own ?? (batches === 1 ? undefined : allocate("float32", count));

  const { kernels } = arena;
  const statistics = ownStatistics ?? new Float32Array(keep ? batches * heads * statisticsSize(n) : 0);
  const size = statisticsSize(n);
  const keysSize = kernels.packedSize(m, Math.max(d, 1));
  const valuesSize = kernels.packedSize(e, m);
  const [pq, pk, pv, po, pKeys, pValues, pStatistics, pShift, pDivisor, pBias, pVisible, pWork] = arena.pieces(
    pieceFor(arena, q.data) && n * heads * d * 4,
    pieceFor(arena, k.data) && m * groups * d * 4,
    pieceFor(arena, v.data) && m * groups * e * 4,
    own ? 0 : n * heads * e * 4,
    keysSize * groups,
    valuesSize * groups,
    size * 4,
    n * 4 + 64,
    n * 4 + 64,
    problem.biases ? n * m * 4 : 0,
    problem.masks ? n * m : 0,
    kernels.attendWork(m, d, e, code),
  );
  const { f32 } = arena;
  const rows = rowsInArena(arena, problem, { pShift, pDivisor, pBias, pVisible });
  let atV = pv;
  for (let b = 0; b < batches; b++) {
    const atQ = matrixInArena(arena, q, b, pq);
    const atOut = own ? own.byteOffset + 4 * b * n * heads * e : po;
    if (b === 0 || k.offsets[b] !== k.offsets[b - 1]) {
      const atK = matrixInArena(arena, k, b, pk);
      for (let g = 0; g < groups; g++) kernels.packKeys(atK + g * d * 4, groups * d * 4, m, d, pKeys + g * keysSize);
    }
    if (b === 0 || v.offsets[b] !== v.offsets[b - 1]) {
      atV = matrixInArena(arena, v, b, pv);
      for (let g = 0; g < groups; g++)
        kernels.packValues(atV + g * e * 4, groups * e * 4, m, e, pValues + g * valuesSize);
    }
    for (let h = 0; h < heads; h++) {
      rows.load(b * heads + h);
      const atStatistics = ownStatistics
        ? ownStatistics.byteOffset + 4 * (b * heads + h) * size
        : keep
          ? pStatistics
          : 0;
      const g = Math.floor((h * groups) / heads);
      kernels.attend32(
        n,
        m,
        d,
        e,
        atQ + h * d * 4,
        heads * d * 4,
        pKeys + g * keysSize,
        pValues + g * valuesSize,
        atV + g * e * 4,
        groups * e * 4,
        atOut + h * e * 4,
        heads * e * 4,
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
        atStatistics,
        pWork,
      );
      if (keep && !ownStatistics) {
        statistics.set(f32.subarray(pStatistics / 4, pStatistics / 4 + size), (b * heads + h) * size);
      }
    }
    if (own) continue;
    if (data) data.set(f32.subarray(po / 4, po / 4 + n * heads * e), b * n * heads * e);
    else data = copied(f32, po / 4, count);
  }
  return { out: { dtype: "float32", shape, data: data as Float32Array }, statistics };
}
