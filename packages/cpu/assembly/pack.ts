/**
 * @file Packing: operands are copied into panels that a micro-kernel reads from front to back, [panel][k][W], with
 * zeros where the last panel is not full. W is 5 for A, and two registers (8 float32, 4 float64) for B.
 * `copy…` reads sources stored as [k][count], `transpose…` sources stored as [count][k]; `stride` is in bytes.
 */
import { COLUMNS32, ROWS } from "./kernel32";
import { COLUMNS64 } from "./kernel64";

// @ts-ignore: decorator
@inline
function scalarPanel<T>(from: usize, alongK: usize, alongW: usize, w: i32, width: i32, k: i32, to: usize): void {
  for (let i = 0; i < k; i++) {
    let p = from;
    for (let j = 0; j < width; j++) {
      store<T>(to, j < w ? load<T>(p) : <T>0);
      p += alongW;
      to += sizeof<T>();
    }
    from += alongK;
  }
}

function scalarPanel32(from: usize, alongK: usize, alongW: usize, w: i32, width: i32, k: i32, to: usize): void {
  scalarPanel<f32>(from, alongK, alongW, w, width, k, to);
}
function scalarPanel64(from: usize, alongK: usize, alongW: usize, w: i32, width: i32, k: i32, to: usize): void {
  scalarPanel<f64>(from, alongK, alongW, w, width, k, to);
}

/** Rows 0 and 1, or 2 and 3, of four registers seen as a 4 × 4 matrix come from these interleavings. */
// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 0, 4, 1, 5);
}
// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 2, 6, 3, 7);
}
// @ts-ignore: decorator
@inline
function first(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(a, b, 0, 2);
}
// @ts-ignore: decorator
@inline
function second(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(a, b, 1, 3);
}

export function transposeA32(from: usize, stride: usize, rows: i32, k: i32, to: usize): void {
  for (let r = 0; r < rows; r += ROWS) {
    const w = min(rows - r, ROWS);
    let p = from + (<usize>r) * stride;
    if (w < ROWS) {
      scalarPanel32(p, 4, stride, w, ROWS, k, to);
      return;
    }
    let i = 0;
    for (; i + 4 <= k; i += 4) {
      const a = v128.load(p);
      const b = v128.load(p + stride);
      const c = v128.load(p + 2 * stride);
      const d = v128.load(p + 3 * stride);
      const e = v128.load(p + 4 * stride);
      const ab = low(a, b);
      const cd = low(c, d);
      const AB = high(a, b);
      const CD = high(c, d);
      v128.store(to, first(ab, cd));
      v128.store_lane<f32>(to, e, 0, 16);
      v128.store(to, second(ab, cd), 20);
      v128.store_lane<f32>(to, e, 1, 36);
      v128.store(to, first(AB, CD), 40);
      v128.store_lane<f32>(to, e, 2, 56);
      v128.store(to, second(AB, CD), 60);
      v128.store_lane<f32>(to, e, 3, 76);
      p += 16;
      to += 80;
    }
    scalarPanel32(p, 4, stride, ROWS, ROWS, k - i, to);
    to += (<usize>(k - i)) * 20;
  }
}

export function transposeB32(from: usize, stride: usize, columns: i32, k: i32, to: usize): void {
  for (let c = 0; c < columns; c += COLUMNS32) {
    const w = min(columns - c, COLUMNS32);
    let p = from + (<usize>c) * stride;
    if (w < COLUMNS32) {
      scalarPanel32(p, 4, stride, w, COLUMNS32, k, to);
      return;
    }
    let i = 0;
    for (; i + 4 <= k; i += 4) {
      for (let half: usize = 0; half < 2; half++) {
        const q = p + half * 4 * stride;
        const t = to + half * 16;
        const a = v128.load(q);
        const b = v128.load(q + stride);
        const c = v128.load(q + 2 * stride);
        const d = v128.load(q + 3 * stride);
        const ab = low(a, b);
        const cd = low(c, d);
        const AB = high(a, b);
        const CD = high(c, d);
        v128.store(t, first(ab, cd));
        v128.store(t, second(ab, cd), 32);
        v128.store(t, first(AB, CD), 64);
        v128.store(t, second(AB, CD), 96);
      }
      p += 16;
      to += 128;
    }
    scalarPanel32(p, 4, stride, COLUMNS32, COLUMNS32, k - i, to);
    to += (<usize>(k - i)) * 32;
  }
}

export function copyA32(from: usize, stride: usize, rows: i32, k: i32, to: usize): void {
  for (let r = 0; r < rows; r += ROWS) {
    const w = min(rows - r, ROWS);
    let p = from + (<usize>r) * 4;
    if (w < ROWS) {
      scalarPanel32(p, stride, 4, w, ROWS, k, to);
      return;
    }
    for (let i = 0; i < k; i++) {
      v128.store(to, v128.load(p));
      store<f32>(to, load<f32>(p, 16), 16);
      p += stride;
      to += 20;
    }
  }
}

export function copyB32(from: usize, stride: usize, columns: i32, k: i32, to: usize): void {
  let c = 0;
  const panel = (<usize>k) * 32;
  // four panels at once, so that whole lines of the source are read
  for (; c + 4 * COLUMNS32 <= columns; c += 4 * COLUMNS32) {
    let p = from + (<usize>c) * 4;
    let t0 = to;
    let t1 = to + panel;
    let t2 = t1 + panel;
    let t3 = t2 + panel;
    for (let i = 0; i < k; i++) {
      v128.store(t0, v128.load(p));
      v128.store(t0, v128.load(p, 16), 16);
      v128.store(t1, v128.load(p, 32));
      v128.store(t1, v128.load(p, 48), 16);
      v128.store(t2, v128.load(p, 64));
      v128.store(t2, v128.load(p, 80), 16);
      v128.store(t3, v128.load(p, 96));
      v128.store(t3, v128.load(p, 112), 16);
      p += stride;
      t0 += 32;
      t1 += 32;
      t2 += 32;
      t3 += 32;
    }
    to += 4 * panel;
  }
  for (; c < columns; c += COLUMNS32) {
    const w = min(columns - c, COLUMNS32);
    let p = from + (<usize>c) * 4;
    if (w < COLUMNS32) {
      scalarPanel32(p, stride, 4, w, COLUMNS32, k, to);
      return;
    }
    for (let i = 0; i < k; i++) {
      v128.store(to, v128.load(p));
      v128.store(to, v128.load(p, 16), 16);
      p += stride;
      to += 32;
    }
  }
}

export function transposeA64(from: usize, stride: usize, rows: i32, k: i32, to: usize): void {
  for (let r = 0; r < rows; r += ROWS) {
    const w = min(rows - r, ROWS);
    let p = from + (<usize>r) * stride;
    if (w < ROWS) {
      scalarPanel64(p, 8, stride, w, ROWS, k, to);
      return;
    }
    let i = 0;
    for (; i + 2 <= k; i += 2) {
      const a = v128.load(p);
      const b = v128.load(p + stride);
      const c = v128.load(p + 2 * stride);
      const d = v128.load(p + 3 * stride);
      const e = v128.load(p + 4 * stride);
      v128.store(to, first(a, b));
      v128.store(to, first(c, d), 16);
      v128.store_lane<f64>(to, e, 0, 32);
      v128.store(to, second(a, b), 40);
      v128.store(to, second(c, d), 56);
      v128.store_lane<f64>(to, e, 1, 72);
      p += 16;
      to += 80;
    }
    scalarPanel64(p, 8, stride, ROWS, ROWS, k - i, to);
    to += (<usize>(k - i)) * 40;
  }
}

export function transposeB64(from: usize, stride: usize, columns: i32, k: i32, to: usize): void {
  for (let c = 0; c < columns; c += COLUMNS64) {
    const w = min(columns - c, COLUMNS64);
    let p = from + (<usize>c) * stride;
    if (w < COLUMNS64) {
      scalarPanel64(p, 8, stride, w, COLUMNS64, k, to);
      return;
    }
    let i = 0;
    for (; i + 2 <= k; i += 2) {
      const a = v128.load(p);
      const b = v128.load(p + stride);
      const c = v128.load(p + 2 * stride);
      const d = v128.load(p + 3 * stride);
      v128.store(to, first(a, b));
      v128.store(to, first(c, d), 16);
      v128.store(to, second(a, b), 32);
      v128.store(to, second(c, d), 48);
      p += 16;
      to += 64;
    }
    scalarPanel64(p, 8, stride, COLUMNS64, COLUMNS64, k - i, to);
    to += (<usize>(k - i)) * 32;
  }
}

export function copyA64(from: usize, stride: usize, rows: i32, k: i32, to: usize): void {
  for (let r = 0; r < rows; r += ROWS) {
    const w = min(rows - r, ROWS);
    let p = from + (<usize>r) * 8;
    if (w < ROWS) {
      scalarPanel64(p, stride, 8, w, ROWS, k, to);
      return;
    }
    for (let i = 0; i < k; i++) {
      v128.store(to, v128.load(p));
      v128.store(to, v128.load(p, 16), 16);
      store<f64>(to, load<f64>(p, 32), 32);
      p += stride;
      to += 40;
    }
  }
}

export function copyB64(from: usize, stride: usize, columns: i32, k: i32, to: usize): void {
  for (let c = 0; c < columns; c += COLUMNS64) {
    const w = min(columns - c, COLUMNS64);
    let p = from + (<usize>c) * 8;
    if (w < COLUMNS64) {
      scalarPanel64(p, stride, 8, w, COLUMNS64, k, to);
      return;
    }
    for (let i = 0; i < k; i++) {
      v128.store(to, v128.load(p));
      v128.store(to, v128.load(p, 16), 16);
      p += stride;
      to += 32;
    }
  }
}
