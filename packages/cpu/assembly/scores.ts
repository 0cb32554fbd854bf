/**
 * @file Passes over a block of scores Sᵀ [keys][8 queries], in place: what lies between Q Kᵀ and the product with V.
 * Queries are lanes, so row maxima and sums are vertical. Pointers named `lanes…` lead to 8 float32.
 * Letters: s raw scores, z = scale · s the scaled ones, m a row's maximum.
 */
import { apply } from "./activate";
import { EXP, precisely } from "./precise";
import { expBounded, expNegative } from "./transcendental";

/** What a maximum starts from: below every score, and finite, so that a row with nothing visible gives no NaN. */
export const LOWEST: f32 = -3e38;

/** s ← scale · s + bias, bias [query][key] with rows `stride` bytes apart; without a bias 0. */
export function adjustScores(s: usize, keys: i32, scale: f32, bias: usize, stride: usize, queries: i32): void {
  const factor = f32x4.splat(scale);
  for (let i: usize = 0; i < (<usize>keys) * 32; i += 16) v128.store(s + i, f32x4.mul(v128.load(s + i), factor));
  if (bias == 0) return;
  for (let key = 0; key < keys; key++)
    for (let lane = 0; lane < queries; lane++) {
      const p = s + (<usize>key) * 32 + (<usize>lane) * 4;
      store<f32>(p, load<f32>(p) + load<f32>(bias + (<usize>lane) * stride + (<usize>key) * 4));
    }
}

/** Writes `fill` where key > query or key ≤ query − window. */
export function maskScores(s: usize, key: i32, keys: i32, query: i32, window: i32, fill: f32): void {
  for (let end = key + keys; key < end; key++, s += 32) {
    if (key <= query && key > query + 7 - window) continue;
    for (let lane = 0; lane < 8; lane++)
      if (key > query + lane || key <= query + lane - window) store<f32>(s + (<usize>lane) * 4, fill);
  }
}

/** Writes `fill` where the byte of visible [query][key], 0 or 1, is 0. */
export function hideScores(s: usize, keys: i32, visible: usize, stride: usize, queries: i32, fill: f32): void {
  const hidden = f32x4.splat(fill);
  const zero = i32x4.splat(0);
  const ones = i32x4.splat(0x01010101);
  const last = queries - 1;
  for (let half = 0; half < 8; half += 4) {
    // lanes without a query take the row of the last one
    const row0 = visible + (<usize>min(half, last)) * stride;
    const row1 = visible + (<usize>min(half + 1, last)) * stride;
    const row2 = visible + (<usize>min(half + 2, last)) * stride;
    const row3 = visible + (<usize>min(half + 3, last)) * stride;
    let p = s + (<usize>half) * 4;
    let key: usize = 0;
    // the bytes of four keys in a lane
    for (; key + 4 <= <usize>keys; key += 4, p += 128) {
      let bytes = v128.load_zero<u32>(row0 + key);
      bytes = v128.load_lane<u32>(row1 + key, bytes, 1);
      bytes = v128.load_lane<u32>(row2 + key, bytes, 2);
      bytes = v128.load_lane<u32>(row3 + key, bytes, 3);
      if (i32x4.all_true(i32x4.eq(bytes, ones))) continue;
      for (let i: usize = 0; i < 128; i += 32) {
        const shown = i32x4.ne(v128.and(bytes, i32x4.splat(0xff)), zero);
        v128.store(p + i, v128.bitselect(v128.load(p + i), hidden, shown));
        bytes = i32x4.shr_u(bytes, 8);
      }
    }
    for (; key < <usize>keys; key++, p += 32) {
      if (load<u8>(row0 + key) == 0) store<f32>(p, fill);
      if (load<u8>(row1 + key) == 0) store<f32>(p, fill, 4);
      if (load<u8>(row2 + key) == 0) store<f32>(p, fill, 8);
      if (load<u8>(row3 + key) == 0) store<f32>(p, fill, 12);
    }
  }
}

/** max(s, 0) and its square need no scale: it is positive, so the output takes it. */
export function reluScores(s: usize, keys: i32): void {
  const zero = f32x4.splat(0);
  for (const end = s + (<usize>keys) * 32; s < end; s += 32) {
    v128.store(s, f32x4.pmax(v128.load(s), zero));
    v128.store(s, f32x4.pmax(v128.load(s, 16), zero), 16);
  }
}
export function squaredReluScores(s: usize, keys: i32): void {
  const zero = f32x4.splat(0);
  for (const end = s + (<usize>keys) * 32; s < end; s += 32) {
    const z0 = f32x4.pmax(v128.load(s), zero);
    const z1 = f32x4.pmax(v128.load(s, 16), zero);
    v128.store(s, f32x4.mul(z0, z0));
    v128.store(s, f32x4.mul(z1, z1), 16);
  }
}
/** 1/(1 + e^−(scale · s + shift)); the sign is in the factor and the shift. */
export function sigmoidScores(s: usize, keys: i32, scale: f32, lanesShift: usize): void {
  const factor = f32x4.splat(-scale);
  const one = f32x4.splat(1);
  const high = f32x4.splat(88);
  const low = f32x4.splat(-87);
  const end = s + (<usize>keys) * 32;
  for (let half: usize = 0; half < 32; half += 16) {
    const shift = f32x4.neg(v128.load(lanesShift + half));
    for (let p = s + half; p < end; p += 32) {
      const x = f32x4.add(f32x4.mul(v128.load(p), factor), shift);
      v128.store(p, f32x4.div(one, f32x4.add(expBounded(f32x4.pmax(f32x4.pmin(x, high), low)), one)));
    }
  }
}
/** The sigmoid (code 4) where its error would be seen, or its derivative (code 8), of scale · s + shift. */
export function preciseScores(code: i32, s: usize, keys: i32, scale: f32, lanesShift: usize): void {
  const factor = f32x4.splat(scale);
  const end = s + (<usize>keys) * 32;
  for (let half: usize = 0; half < 32; half += 16) {
    const shift = v128.load(lanesShift + half);
    for (let p = s + half; p < end; p += 32)
      v128.store(p, precisely(code, f32x4.add(f32x4.mul(v128.load(p), factor), shift)));
  }
}
/** Whole rows: s ← e^(z − m), and Σ s in `lanesSum`, by the precise exponential. */
export function preciseExponentials(s: usize, keys: i32, scale: f32, lanesMaximum: usize, lanesSum: usize): void {
  const factor = f32x4.splat(scale);
  const end = s + (<usize>keys) * 32;
  for (let half: usize = 0; half < 32; half += 16) {
    let top = f32x4.splat(LOWEST);
    for (let p = s + half; p < end; p += 32) {
      const z = f32x4.mul(v128.load(p), factor);
      v128.store(p, z);
      top = f32x4.pmax(top, z);
    }
    let sum = f32x4.splat(0);
    for (let p = s + half; p < end; p += 32) {
      const e = precisely(EXP, f32x4.sub(v128.load(p), top));
      v128.store(p, e);
      sum = f32x4.add(sum, e);
    }
    v128.store(lanesMaximum + half, top);
    v128.store(lanesSum + half, sum);
  }
}
/** Softplus of scale · s. */
export function softplusScores(s: usize, keys: i32, scale: f32, parameter: f32): void {
  const factor = f32x4.splat(scale);
  const beta = f32x4.splat(parameter);
  const inverse = f32x4.splat(1 / parameter);
  for (const end = s + (<usize>keys) * 32; s < end; s += 16)
    v128.store(s, apply(3, f32x4.mul(v128.load(s), factor), beta, inverse));
}

/**
 * Softmax of a block of a row that continues: m ← max(m, z), s ← e^(z − m), sum ← sum · e^(old m − m) + Σ s.
 * `lanesRescale` receives e^(old m − m); answers whether any of it is not 1.
 */
export function softmaxScores(
  s: usize, keys: i32, scale: f32, lanesMaximum: usize, lanesSum: usize, lanesRescale: usize,
): bool {
  let top0 = f32x4.splat(LOWEST);
  let top1 = top0;
  const end = s + (<usize>keys) * 32;
  for (let p = s; p < end; p += 32) {
    top0 = f32x4.pmax(top0, v128.load(p));
    top1 = f32x4.pmax(top1, v128.load(p, 16));
  }
  const factor = f32x4.splat(scale);
  const old0 = v128.load(lanesMaximum);
  const old1 = v128.load(lanesMaximum, 16);
  const lowest = f32x4.splat(LOWEST);
  const m0 = f32x4.pmax(old0, f32x4.pmax(lowest, f32x4.mul(top0, factor)));
  const m1 = f32x4.pmax(old1, f32x4.pmax(lowest, f32x4.mul(top1, factor)));
  v128.store(lanesMaximum, m0);
  v128.store(lanesMaximum, m1, 16);
  const rescale0 = expNegative(f32x4.sub(old0, m0));
  const rescale1 = expNegative(f32x4.sub(old1, m1));
  v128.store(lanesRescale, rescale0);
  v128.store(lanesRescale, rescale1, 16);
  v128.store(lanesSum, f32x4.mul(v128.load(lanesSum), rescale0));
  v128.store(lanesSum, f32x4.mul(v128.load(lanesSum, 16), rescale1), 16);
  exponentials(s, keys, scale, lanesMaximum, lanesSum);
  return v128.any_true(v128.or(f32x4.ne(old0, m0), f32x4.ne(old1, m1)));
}

/** s ← e^(z − m), sum ← sum + Σ s. */
export function exponentials(s: usize, keys: i32, scale: f32, lanesMaximum: usize, lanesSum: usize): void {
  const factor = f32x4.splat(scale);
  const end = s + (<usize>keys) * 32;
  // half of the lanes at a time: less to keep in registers
  for (let half: usize = 0; half < 32; half += 16) {
    const m = v128.load(lanesMaximum + half);
    let sum = v128.load(lanesSum + half);
    for (let p = s + half; p < end; p += 32) {
      const e = expNegative(f32x4.sub(f32x4.mul(v128.load(p), factor), m));
      v128.store(p, e);
      sum = f32x4.add(sum, e);
    }
    v128.store(lanesSum + half, sum);
  }
}

/**
 * Sparsemax of whole rows: s ← max(z − τ, 0) with τ such that a row sums to 1.
 *
 * Σ max(z − τ, 0) − 1 falls and is convex in τ, so Newton's method from τ = m − 1, where it is not negative, rises to
 * the root without passing it, and ends when the support stays the same. Rows are shifted by m for accuracy;
 * `lanesThreshold` receives m + τ.
 */
export function sparsemaxScores(s: usize, keys: i32, scale: f32, lanesThreshold: usize): void {
  const factor = f32x4.splat(scale);
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  const end = s + (<usize>keys) * 32;
  for (let half: usize = 0; half < 32; half += 16) {
    let top = f32x4.splat(LOWEST);
    for (let p = s + half; p < end; p += 32) {
      const z = f32x4.mul(v128.load(p), factor);
      v128.store(p, z);
      top = f32x4.pmax(top, z);
    }
    let threshold = f32x4.splat(-1);
    let count = zero;
    for (let round = 0; round < 64; round++) {
      let sum = zero;
      let support = zero;
      for (let p = s + half; p < end; p += 32) {
        const over = f32x4.sub(f32x4.sub(v128.load(p), top), threshold);
        const inside = f32x4.gt(over, zero);
        sum = f32x4.add(sum, v128.and(over, inside));
        support = f32x4.add(support, v128.and(one, inside));
      }
      if (!v128.any_true(f32x4.ne(support, count)) && round > 0) break;
      threshold = f32x4.add(threshold, f32x4.div(f32x4.sub(sum, one), f32x4.pmax(support, one)));
      count = support;
    }
    for (let p = s + half; p < end; p += 32)
      v128.store(p, f32x4.pmax(f32x4.sub(f32x4.sub(v128.load(p), top), threshold), zero));
    v128.store(lanesThreshold + half, f32x4.add(top, threshold));
  }
}

/** x [rows][8] ← x / divisor, lane by lane. */
export function divideLanes(x: usize, rows: i32, lanesDivisor: usize): void {
  const d0 = v128.load(lanesDivisor);
  const d1 = v128.load(lanesDivisor, 16);
  for (const end = x + (<usize>rows) * 32; x < end; x += 32) {
    v128.store(x, f32x4.div(v128.load(x), d0));
    v128.store(x, f32x4.div(v128.load(x, 16), d1), 16);
  }
}

/** x [rows][8] ← x · factor, lane by lane. */
export function scaleLanes(x: usize, rows: i32, lanesFactor: usize): void {
  const f0 = v128.load(lanesFactor);
  const f1 = v128.load(lanesFactor, 16);
  for (const end = x + (<usize>rows) * 32; x < end; x += 32) {
    v128.store(x, f32x4.mul(v128.load(x), f0));
    v128.store(x, f32x4.mul(v128.load(x, 16), f1), 16);
  }
}

/** x [columns][8] → rows of `to`, `stride` bytes apart, for the first `rows` lanes. */
export function storeLanes(x: usize, columns: i32, rows: i32, to: usize, stride: usize): void {
  let c = 0;
  if (rows == 8)
    for (; c + 4 <= columns; c += 4) {
      for (let half: usize = 0; half < 2; half++) {
        const p = x + half * 16;
        const t = to + half * 4 * stride;
        const a = v128.load(p);
        const b = v128.load(p, 32);
        const d = v128.load(p, 64);
        const e = v128.load(p, 96);
        const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
        const de = v128.shuffle<f32>(d, e, 0, 4, 1, 5);
        const AB = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
        const DE = v128.shuffle<f32>(d, e, 2, 6, 3, 7);
        v128.store(t, v128.shuffle<f64>(ab, de, 0, 2));
        v128.store(t + stride, v128.shuffle<f64>(ab, de, 1, 3));
        v128.store(t + 2 * stride, v128.shuffle<f64>(AB, DE, 0, 2));
        v128.store(t + 3 * stride, v128.shuffle<f64>(AB, DE, 1, 3));
      }
      x += 128;
      to += 16;
    }
  for (; c < columns; c++) {
    for (let r = 0; r < rows; r++) store<f32>(to + (<usize>r) * stride, load<f32>(x + (<usize>r) * 4));
    x += 32;
    to += 4;
  }
}
