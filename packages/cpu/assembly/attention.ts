/**
 * @file Fused attention of one head, float32: out[n × e] = weigh(scale · Q Kᵀ) V, without a [queries × keys] matrix.
 *
 * Sixteen queries at a time, as two panels of eight lanes. Sᵀ = K Qᵀ is made in tiles of 5 keys × 8 queries; the block
 * Sᵀ [keys][8] is weighed in place and already is the packed panel B of Oᵀ = Vᵀ Sᵀ, in tiles of 5 channels × 8 queries.
 * K and V arrive packed (`packKeys`, `packValues`), once for all heads of a group; V also as it is,
 * for blocks in which most weights are 0 (`sparse.ts`). Strides are in bytes.
 */
import { SOFTMAX, SPARSEMAX } from "./codes";
import { COLUMNS32, kernel32, product32, ROWS } from "./kernel32";
import { copyA32, transposeA32, transposeB32 } from "./pack";
import {
  adjustScores,
  divideLanes,
  hideScores,
  LOWEST,
  maskScores,
  reluScores,
  scaleLanes,
  sigmoidScores,
  softmaxScores,
  softplusScores,
  sparsemaxScores,
  squaredReluScores,
  storeLanes,
} from "./scores";
import { addRows, isSparse, sparseValues, sparseWork } from "./sparse";
import { weighScores } from "./weigh";

/** Keys per block: the block of scores of 16 queries and a panel of values fit L1. */
const BLOCK: i32 = 320;
/** Scores of a head up to which its weights are made as `weigh.ts` does. */
const SMALL: i32 = 4096;

/** K [keys × d] as panels of 5 keys. */
export function packKeys(from: usize, stride: usize, keys: i32, d: i32, to: usize): void {
  transposeA32(from, stride, keys, d, to);
}
/** V [keys × e] as panels of 5 channels. */
export function packValues(from: usize, stride: usize, keys: i32, e: i32, to: usize): void {
  copyA32(from, stride, e, keys, to);
}
// @ts-ignore: decorator
@inline
function fives(n: i32): i32 {
  return (n + ROWS - 1) / ROWS;
}
/** Bytes of a packed operand of `rows` in panels of 5, depth k. */
export function packedSize(rows: i32, k: i32): usize {
  return (<usize>(fives(rows) * ROWS)) * (<usize>k) * 4;
}
/** Bytes of work of `attend32`. */
export function attendWork(keys: i32, d: i32, e: i32, code: i32): usize {
  const block = code == SPARSEMAX ? keys : BLOCK;
  return 512 + (<usize>(2 * d + 2 * (block + 2 * ROWS) + 4 * (e + ROWS))) * 32 + sparseWork(BLOCK);
}

/**
 * `window` 0 shows every key, else query i sees i − window < j ≤ i. `shift` and `divisor` have an entry per query
 * (padded to 16): weights are f(scale · s + shift) / divisor. `statistics` (or 0) receives
 * per query the maximum and 1/sum of softmax, or the threshold of sparsemax.
 */
export function attend32(
  n: i32, keys: i32, d: i32, e: i32,
  query: usize, queryStride: usize, packedKeys: usize, packedValues: usize, values: usize, valueStride: usize,
  out: usize, outStride: usize,
  code: i32, parameter: f32, scale: f32, window: i32, shift: usize, divisor: usize,
  bias: usize, biasStride: usize, visible: usize, visibleStride: usize, statistics: usize, work: usize,
): void {
  // where few numbers are summed, a rounding more than in the definition would be seen: keep its order of operations
  const precise = n * keys <= SMALL && keys <= BLOCK;
  // per half, lanes of maxima, sums and rescaling factors; then one of divisors
  const divisors = work + 288;
  const queries = work + 384;
  const limit = code == SPARSEMAX ? keys + ROWS : BLOCK;
  const scores = queries + (<usize>(2 * d)) * 32;
  const scoresSize = (<usize>((code == SPARSEMAX ? keys : BLOCK) + 2 * ROWS)) * 32;
  const output = scores + 2 * scoresSize;
  const channels = fives(e);
  const outputSize = (<usize>(channels * ROWS)) * 32;
  // where most weights are 0, outputs gather here as rows
  const sparse = (code == 1 || code == 2) && !precise;
  const rowsOut = output + 2 * outputSize;
  const rowsSize = (<usize>((e + 3) & ~3)) * 32;
  const sparseSpace = rowsOut + 2 * rowsSize;
  const negative = scale < 0;
  if (negative) scale = -scale;
  const rows = code == SOFTMAX || code == SPARSEMAX;
  const adjust = bias != 0 || scale == 0 || precise;
  const hidden: f32 = rows ? -Infinity : 0;

  for (let q = 0; q < n; q += 2 * COLUMNS32) {
    const lanes = min(n - q, 2 * COLUMNS32);
    const halves: usize = lanes > COLUMNS32 ? 2 : 1;
    transposeB32(query + (<usize>q) * queryStride, queryStride, lanes, d, queries);
    if (negative) {
      for (let i: usize = 0; i < halves * (<usize>d) * 32; i += 16)
        v128.store(queries + i, f32x4.neg(v128.load(queries + i)));
    }
    memory.fill(output, 0, 2 * outputSize + (sparse ? 2 * rowsSize : 0));
    let gathered = false;
    memory.fill(work, 0, 256);
    for (let i: usize = 0; i < 32; i += 16) {
      v128.store(work + i, f32x4.splat(LOWEST));
      v128.store(work + i, f32x4.splat(LOWEST), 128);
    }

    let from = window && !precise ? max(0, q - window + 1) : 0;
    from -= from % ROWS;
    const to = window && !precise ? min(keys, q + lanes) : keys;
    const blocks = max(1, (to - from + limit - 1) / limit);
    const size = fives((to - from + blocks - 1) / blocks) * ROWS;
    for (let key = from; key < to; key += size) {
      const count = min(to - key, size);
      let panel = packedKeys + (<usize>key) * (<usize>d) * 4;
      for (let i = 0; i < count; i += ROWS) {
        const tile = scores + (<usize>i) * 32;
        product32(d, panel, 4, 20, queries, 32, tile, 32);
        if (halves == 2) product32(d, panel, 4, 20, queries + (<usize>d) * 32, 32, tile + scoresSize, 32);
        panel += (<usize>d) * 20;
      }
      for (let h: usize = 0; h < halves; h++) {
        const s = scores + h * scoresSize;
        const lanes = work + h * 128;
        const q8 = q + (<i32>h) * COLUMNS32;
        const valid = min(n - q8, COLUMNS32);
        let factorOfScores = scale;
        if (adjust) {
          const from = bias ? bias + (<usize>q8) * biasStride + (<usize>key) * 4 : 0;
          adjustScores(s, count, scale, from, biasStride, valid);
          factorOfScores = 1;
        }
        if (precise) {
          const seen = visible ? visible + (<usize>q8) * visibleStride : 0;
          weighScores(
            s, keys, q8, valid, code, parameter, 1, window, shift + (<usize>q8) * 4, divisor + (<usize>q8) * 4, seen,
            visibleStride, true, lanes,
          );
          continue;
        }
        if (!rows) {
          if (code == 1) reluScores(s, count);
          else if (code == 2) squaredReluScores(s, count);
          else if (code == 3) softplusScores(s, count, factorOfScores, parameter);
          else if (code == 4) sigmoidScores(s, count, factorOfScores, shift + (<usize>q8) * 4);
        }
        if (window && (key + count > q8 || key <= q8 + 7 - window)) maskScores(s, key, count, q8, window, hidden);
        if (visible) {
          const p = visible + (<usize>q8) * visibleStride + (<usize>key);
          hideScores(s, count, p, visibleStride, valid, hidden);
        }
        if (code == SOFTMAX) {
          if (softmaxScores(s, count, factorOfScores, lanes, lanes + 32, lanes + 64) && key > from)
            scaleLanes(output + h * outputSize, e, lanes + 64);
        } else if (code == SPARSEMAX) sparsemaxScores(s, count, factorOfScores, lanes);
      }
      if (sparse && isSparse(scores, count) && (halves == 1 || isSparse(scores + scoresSize, count))) {
        gathered = true;
        for (let h: usize = 0; h < halves; h++) {
          const from = values + (<usize>key) * valueStride;
          sparseValues(scores + h * scoresSize, count, from, valueStride, e, rowsOut + h * rowsSize, sparseSpace);
        }
        continue;
      }
      panel = packedValues + (<usize>key) * 20;
      for (let c = 0; c < channels; c++) {
        const tile = output + (<usize>c) * 160;
        kernel32(count, panel, scores, tile, 32, tile, 32);
        if (halves == 2)
          kernel32(count, panel, scores + scoresSize, tile + outputSize, 32, tile + outputSize, 32);
        panel += (<usize>keys) * 20;
      }
    }

    for (let h: usize = 0; h < halves; h++) {
      const q8 = q + (<i32>h) * COLUMNS32;
      const o = output + h * outputSize;
      for (let i: usize = 0; i < 8; i++) {
        const maximum = load<f32>(work + h * 128 + i * 4);
        const sum = <f64>load<f32>(work + h * 128 + i * 4, 32);
        const inverse = sum == 0 ? 0 : 1 / sum;
        if (statistics) {
          const to = statistics + ((<usize>q8) + i) * 8;
          store<f32>(to, maximum);
          store<f32>(to, <f32>inverse, 4);
        }
        // a division rounds once, where a product with an inverse would round twice
        let by = <f64>load<f32>(divisor + ((<usize>q8) + i) * 4);
        if (code == SOFTMAX) by *= sum == 0 ? 1 : sum;
        else if (!adjust && code < 2) by /= scale;
        else if (!adjust && code == 2) by /= (<f64>scale) * scale;
        store<f32>(divisors + i * 4, <f32>by);
      }
      const to = out + (<usize>q8) * outStride;
      const valid = min(n - q8, COLUMNS32);
      if (!precise && !gathered) divideLanes(o, e, divisors);
      storeLanes(o, e, valid, to, outStride);
      if (gathered) addRows(rowsOut + h * rowsSize, e, valid, divisors, to, outStride);
    }
  }
}
