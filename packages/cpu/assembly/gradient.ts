/**
 * @file The gradient of fused attention of one head, float32. Nothing of size [queries × keys] is kept: scores are made anew
 * from the statistics that `attend32` left. Letters: s scores, p weights, g the gradient of the output,
 * dp = V gᵀ, ds the gradient of s, D = g · out per query.
 *
 * Queries are packed once. A block of 160 keys meets 64 queries, eight lanes at a time: Sᵀ and dPᵀ [keys][8] in tiles of 5 keys × 8 queries; a pass
 * turns them into Pᵀ and dSᵀ; dQᵀ += Kᵀ dSᵀ as in the forward pass. Transposed to [5 keys] panels over all 64 queries they
 * are the packed operand A of dV += P G and dK += dS Q. Strides are in bytes.
 */
import { apply } from "./activate";
import { SOFTMAX } from "./codes";
import { COLUMNS32, kernel32, product32, ROWS } from "./kernel32";
import { copyB32, transposeB32 } from "./pack";
import { adjustScores, hideScores, maskScores, storeLanes } from "./scores";
import { expNegative } from "./transcendental";

const KEYS: i32 = 160;
const QUERIES: i32 = 64;

// @ts-ignore: decorator
@inline
function eights(n: i32): i32 {
  return (n + COLUMNS32 - 1) / COLUMNS32;
}
// @ts-ignore: decorator
@inline
function fives(n: i32): i32 {
  return (n + ROWS - 1) / ROWS;
}

/** Queries in whole blocks, which the last one may not fill. */
// @ts-ignore: decorator
@inline
function padded(n: i32): usize {
  return <usize>(((n + QUERIES - 1) / QUERIES) * QUERIES);
}

/** Bytes of work of `attendGradient32`. */
export function gradientWork(n: i32, d: i32, e: i32): usize {
  const perQuery = padded(n) * (<usize>(d + e + 8 * (eights(d) + eights(e)) + 4));
  const perBlock = (<usize>(2 * (KEYS + ROWS))) * (8 + QUERIES) + (<usize>e) * 8;
  return 512 + (perQuery + perBlock) * 4 + (<usize>(eights(n) * fives(d))) * 160;
}

/** s [rows][8] as panels of 5 rows, `panel` bytes apart: [8][5] each. Rows are a multiple of 5. */
export function panelsOfScores(s: usize, rows: i32, to: usize, panel: usize): void {
  for (let r = 0; r < rows; r += ROWS) {
    for (let half: usize = 0; half < 2; half++) {
      const p = s + half * 16;
      const t = to + half * 80;
      const a = v128.load(p);
      const b = v128.load(p, 32);
      const c = v128.load(p, 64);
      const d = v128.load(p, 96);
      const e = v128.load(p, 128);
      const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const AB = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const CD = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(t, v128.shuffle<f64>(ab, cd, 0, 2));
      v128.store_lane<f32>(t, e, 0, 16);
      v128.store(t, v128.shuffle<f64>(ab, cd, 1, 3), 20);
      v128.store_lane<f32>(t, e, 1, 36);
      v128.store(t, v128.shuffle<f64>(AB, CD, 0, 2), 40);
      v128.store_lane<f32>(t, e, 2, 56);
      v128.store(t, v128.shuffle<f64>(AB, CD, 1, 3), 60);
      v128.store_lane<f32>(t, e, 3, 76);
    }
    s += 160;
    to += panel;
  }
}

/** s → p / divisor and dp → ds for a pointwise activation; `lanes…` lead to 8 float32: shift, 1/divisor. */
// @ts-ignore: decorator
@inline
function pointwise(code: i32, s: usize, dp: usize, keys: i32, scale: f32, lanesShift: usize, lanesInverse: usize, parameter: f32): void {
  const factor = f32x4.splat(scale);
  const zero = f32x4.splat(0);
  const beta = f32x4.splat(parameter);
  const inverseBeta = f32x4.splat(1 / parameter);
  for (let half: usize = 0; half < 32; half += 16) {
    const inverse = v128.load(lanesInverse + half);
    const gain = f32x4.mul(inverse, factor);
    const shift = v128.load(lanesShift + half);
    for (let i: usize = half; i < (<usize>keys) * 32; i += 32) {
      const raw = v128.load(s + i);
      const g = f32x4.mul(v128.load(dp + i), gain);
      let p: v128;
      let slope: v128;
      if (code == 0) {
        p = f32x4.mul(raw, gain);
        slope = g;
      } else if (code == 1) {
        p = f32x4.mul(f32x4.pmax(raw, zero), gain);
        slope = v128.and(g, f32x4.gt(raw, zero));
      } else if (code == 2) {
        const z = f32x4.mul(f32x4.pmax(raw, zero), factor);
        p = f32x4.mul(f32x4.mul(z, z), inverse);
        slope = f32x4.mul(f32x4.add(z, z), g);
      } else if (code == 3) {
        const z = f32x4.mul(raw, factor);
        p = f32x4.mul(apply(3, z, beta, inverseBeta), inverse);
        slope = f32x4.mul(apply(10, f32x4.mul(z, beta), zero, zero), g);
      } else {
        const weight = apply(10, f32x4.mul(raw, factor), shift, zero);
        p = f32x4.mul(weight, inverse);
        slope = f32x4.mul(f32x4.mul(weight, f32x4.sub(f32x4.splat(1), weight)), g);
      }
      v128.store(s + i, p);
      v128.store(dp + i, slope);
    }
  }
}
export function pointwiseGradient(
  code: i32, s: usize, dp: usize, keys: i32, scale: f32, lanesShift: usize, lanesInverse: usize, parameter: f32,
): void {
  if (code == 0) pointwise(0, s, dp, keys, scale, lanesShift, lanesInverse, 1);
  else if (code == 1) pointwise(1, s, dp, keys, scale, lanesShift, lanesInverse, 1);
  else if (code == 2) pointwise(2, s, dp, keys, scale, lanesShift, lanesInverse, 1);
  else if (code == 3) pointwise(3, s, dp, keys, scale, lanesShift, lanesInverse, parameter);
  else pointwise(4, s, dp, keys, scale, lanesShift, lanesInverse, 1);
}

/** s → p / divisor and dp → p (dp / divisor − D) scale, p = e^(scale · s − m) / sum. */
export function softmaxGradient(
  s: usize, dp: usize, keys: i32, scale: f32, gain: f32, lanesMaximum: usize, lanesSum: usize, lanesInverse: usize,
  lanesD: usize,
): void {
  const factor = f32x4.splat(scale);
  const outer = f32x4.splat(gain);
  for (let half: usize = 0; half < 32; half += 16) {
    const m = v128.load(lanesMaximum + half);
    const sum = v128.load(lanesSum + half);
    const inverse = v128.load(lanesInverse + half);
    const dot = v128.load(lanesD + half);
    for (let i: usize = half; i < (<usize>keys) * 32; i += 32) {
      const p = f32x4.mul(expNegative(f32x4.sub(f32x4.mul(v128.load(s + i), factor), m)), sum);
      const slope = f32x4.sub(f32x4.mul(v128.load(dp + i), inverse), dot);
      v128.store(s + i, f32x4.mul(p, inverse));
      v128.store(dp + i, f32x4.mul(f32x4.mul(p, slope), outer));
    }
  }
}

/** C += A B over panels of 5 rows and of 8 columns; C has rows `stride` bytes apart. */
export function accumulate(rows: i32, columns: i32, k: i32, a: usize, panelA: usize, b: usize, c: usize, stride: usize): void {
  for (let i = 0; i < rows; i += ROWS) {
    let panel = b;
    for (let j: usize = 0; j < (<usize>columns) * 4; j += 32) {
      kernel32(k, a, panel, c + j, stride, c + j, stride);
      panel += (<usize>k) * 32;
    }
    a += panelA;
    c += (<usize>ROWS) * stride;
  }
}

/**
 * Adds to dK [keys][d] and dV [keys][e], whose rows are padded to 8 entries and whose number of rows to 5, and writes dQ.
 * `keysByKey`, `valuesByKey`: panels of 5 keys; `keysByChannel`: panels of 5 channels. The other arguments are those of
 * `attend32`, whose `out` and `statistics` are needed too.
 */
export function attendGradient32(
  n: i32, keys: i32, d: i32, e: i32,
  query: usize, queryStride: usize, gradient: usize, out: usize, outStride: usize,
  keysByKey: usize, valuesByKey: usize, keysByChannel: usize, dQuery: usize, dKey: usize, dValue: usize,
  code: i32, parameter: f32, scale: f32, window: i32, shift: usize, divisor: usize,
  bias: usize, biasStride: usize, visible: usize, visibleStride: usize, statistics: usize, work: usize,
): void {
  // what belongs to queries, made once: four numbers each, and their rows and gradients as lanes and as columns
  const each = padded(n) * 4;
  const maxima = work;
  const sums = maxima + each;
  const inverses = sums + each;
  const dots = inverses + each;
  let at = dots + each;
  const queryLanes = at;
  at += each * (<usize>d);
  const gradientLanes = at;
  at += each * (<usize>e);
  const queryColumns = at;
  at += each * 8 * (<usize>eights(d));
  const gradientColumns = at;
  at += each * 8 * (<usize>eights(e));
  const outLanes = at;
  at += (<usize>e) * 32;
  for (let q = 0; q < n; q += QUERIES) {
    const rows = min(n - q, QUERIES);
    const rows8 = eights(rows) * COLUMNS32;
    const from = query + (<usize>q) * queryStride;
    const upper = gradient + (<usize>q) * outStride;
    transposeB32(from, queryStride, rows, d, queryLanes + (<usize>(q * d)) * 4);
    transposeB32(upper, outStride, rows, e, gradientLanes + (<usize>(q * e)) * 4);
    columnsOfRows(from, queryStride, d, rows, rows8, queryColumns + (<usize>(q * eights(d))) * 32);
    columnsOfRows(upper, outStride, e, rows, rows8, gradientColumns + (<usize>(q * eights(e))) * 32);
  }
  for (let q = 0; q < n; q += COLUMNS32) {
    const lanes = (<usize>q) * 4;
    for (let i: usize = lanes; i < lanes + 32; i += 4) {
      store<f32>(maxima + i, load<f32>(statistics + i * 2));
      store<f32>(sums + i, load<f32>(statistics + i * 2, 4));
      store<f32>(inverses + i, 1 / load<f32>(divisor + i));
    }
    if (code != SOFTMAX) continue;
    transposeB32(out + (<usize>q) * outStride, outStride, min(n - q, COLUMNS32), e, outLanes);
    dotLanes(gradientLanes + (<usize>(q * e)) * 4, outLanes, e, dots + lanes);
  }
  const s = at;
  at += (<usize>(KEYS + ROWS)) * 32;
  const dp = at;
  at += (<usize>(KEYS + ROWS)) * 32;
  const weights = at;
  at += (<usize>((KEYS + ROWS) * QUERIES)) * 4;
  const slopes = at;
  at += (<usize>((KEYS + ROWS) * QUERIES)) * 4;
  const dQueryLanes = at;
  const channels = fives(d);
  const sumSize = (<usize>channels) * 160;
  memory.fill(dQueryLanes, 0, (<usize>eights(n)) * sumSize);

  // the passes take a scale > 0; another one, or one beneath a bias, is applied before and after them
  const gain = scale;
  const adjust = bias != 0 || scale <= 0;
  const inner: f32 = adjust ? 1 : scale;

  for (let key = 0; key < keys; key += KEYS) {
    const count = min(keys - key, KEYS);
    const keys5 = fives(count) * ROWS;
    for (let q = window ? key - (key % QUERIES) : 0; q < n; q += QUERIES) {
      if (window && q - window + 1 >= key + count) break;
      const rows = min(n - q, QUERIES);
      const rows8 = eights(rows) * COLUMNS32;
      const panel = (<usize>rows8) * 20;
      for (let lane = 0; lane < rows8; lane += COLUMNS32) {
        const q8 = q + lane;
        const valid = min(n - q8, COLUMNS32);
        const seen = window ? min(count, q8 + COLUMNS32 - key) : count;
        const to = (<usize>lane) * 20;
        if (seen <= 0) {
          memory.fill(s, 0, (<usize>keys5) * 32);
          panelsOfScores(s, keys5, weights + to, panel);
          panelsOfScores(s, keys5, slopes + to, panel);
          continue;
        }
        const queries = queryLanes + (<usize>(q8 * d)) * 4;
        const gradients = gradientLanes + (<usize>(q8 * e)) * 4;
        let panelK = keysByKey + (<usize>key) * (<usize>d) * 4;
        let panelV = valuesByKey + (<usize>key) * (<usize>e) * 4;
        for (let i = 0; i < seen; i += ROWS) {
          product32(d, panelK, 4, 20, queries, 32, s + (<usize>i) * 32, 32);
          product32(e, panelV, 4, 20, gradients, 32, dp + (<usize>i) * 32, 32);
          panelK += (<usize>d) * 20;
          panelV += (<usize>e) * 20;
        }
        if (adjust)
          adjustScores(s, seen, gain, bias ? bias + (<usize>q8) * biasStride + (<usize>key) * 4 : 0, biasStride, valid);
        const own = (<usize>q8) * 4;
        if (code == SOFTMAX)
          softmaxGradient(s, dp, seen, inner, gain, maxima + own, sums + own, inverses + own, dots + own);
        else {
          pointwiseGradient(code, s, dp, seen, inner, shift + own, inverses + own, parameter);
          if (adjust) adjustScores(dp, seen, gain, 0, 0, valid);
        }
        if (window && (key + seen > q8 || key <= q8 + 7 - window)) {
          maskScores(s, key, seen, q8, window, 0);
          maskScores(dp, key, seen, q8, window, 0);
        }
        if (visible) {
          const p = visible + (<usize>q8) * visibleStride + (<usize>key);
          hideScores(s, seen, p, visibleStride, valid, 0);
          hideScores(dp, seen, p, visibleStride, valid, 0);
        }
        const rest = (<usize>(keys5 - seen)) * 32;
        memory.fill(s + (<usize>seen) * 32, 0, rest);
        memory.fill(dp + (<usize>seen) * 32, 0, rest);
        let panelC = keysByChannel + (<usize>key) * 20;
        let sum = dQueryLanes + (<usize>(q8 / COLUMNS32)) * sumSize;
        for (let c = 0; c < channels; c++) {
          kernel32(seen, panelC, dp, sum, 32, sum, 32);
          panelC += (<usize>keys) * 20;
          sum += 160;
        }
        panelsOfScores(s, keys5, weights + to, panel);
        panelsOfScores(dp, keys5, slopes + to, panel);
      }
      const strideK = (<usize>eights(d)) * 32;
      const strideV = (<usize>eights(e)) * 32;
      accumulate(keys5, e, rows8, weights, panel, gradientColumns + (<usize>(q * eights(e))) * 32, dValue + (<usize>key) * strideV, strideV);
      accumulate(keys5, d, rows8, slopes, panel, queryColumns + (<usize>(q * eights(d))) * 32, dKey + (<usize>key) * strideK, strideK);
    }
  }
  for (let q = 0; q < n; q += COLUMNS32)
    storeLanes(
      dQueryLanes + (<usize>(q / COLUMNS32)) * sumSize, d, min(n - q, COLUMNS32), dQuery + (<usize>q) * queryStride, queryStride,
    );
}

/** Rows of so many bytes from one stride to another. */
export function copyRows(from: usize, fromStride: usize, to: usize, toStride: usize, rows: i32, bytes: usize): void {
  for (; rows > 0; rows--) {
    memory.copy(to, from, bytes);
    from += fromStride;
    to += toStride;
  }
}

/** Panels of 8 columns over `padded` rows, those from `rows` on being zeros. */
function columnsOfRows(from: usize, stride: usize, columns: i32, rows: i32, padded: i32, to: usize): void {
  if (rows == padded) {
    copyB32(from, stride, columns, rows, to);
    return;
  }
  memory.fill(to, 0, (<usize>(eights(columns) * padded)) * 32);
  for (let c = 0; c < columns; c += COLUMNS32) {
    const width = (<usize>min(columns - c, COLUMNS32)) * 4;
    for (let r = 0; r < rows; r++)
      memory.copy(to + (<usize>r) * 32, from + (<usize>r) * stride + (<usize>c) * 4, width);
    to += (<usize>padded) * 32;
  }
}

/** Σ x y over the rows of two [rows][8]. */
function dotLanes(x: usize, y: usize, rows: i32, to: usize): void {
  let a = f32x4.splat(0);
  let b = a;
  for (const end = x + (<usize>rows) * 32; x < end; x += 32, y += 32) {
    a = f32x4.add(a, f32x4.mul(v128.load(x), v128.load(y)));
    b = f32x4.add(b, f32x4.mul(v128.load(x, 16), v128.load(y, 16)));
  }
  v128.store(to, a);
  v128.store(to, b, 16);
}
