/**
 * @file C[m × n] = f(A[m × k] B[k × n] + bias), blocked so that a panel of B stays in L1 and a block of A in L2.
 * Entries of C are summed in the order of k, one rounding per product and per sum, as in a plain loop; bias and f follow
 * as a pass over a block that is still in the cache.
 * Strides are in bytes. `work` holds `matmulWork` bytes. T is f32 or f64.
 */
import { activate32 } from "./activate";
import { COLUMNS32, kernel32, ROWS } from "./kernel32";
import { COLUMNS64, kernel64 } from "./kernel64";
import { copyA32, copyA64, copyB32, copyB64, transposeA32, transposeA64, transposeB32, transposeB64 } from "./pack";

// @ts-ignore: decorator
@inline
function blockK<T>(): i32 {
  return sizeof<T>() == 4 ? 384 : 256;
}
// @ts-ignore: decorator
@inline
function blockM<T>(): i32 {
  return 120;
}
// @ts-ignore: decorator
@inline
function blockN<T>(): i32 {
  return sizeof<T>() == 4 ? 512 : 256;
}
// @ts-ignore: decorator
@inline
function columns<T>(): i32 {
  return sizeof<T>() == 4 ? COLUMNS32 : COLUMNS64;
}
// @ts-ignore: decorator
@inline
function kernel<T>(k: i32, a: usize, b: usize, init: usize, initStride: usize, c: usize, stride: usize): void {
  if (sizeof<T>() == 4) kernel32(k, a, b, init, initStride, c, stride);
  else kernel64(k, a, b, init, initStride, c, stride);
}

/** The smallest multiple of `unit` that cuts `size` into as few blocks as `limit` does, but equal ones. */
function evenly(size: i32, limit: i32, unit: i32): i32 {
  const blocks = (size + limit - 1) / limit;
  const block = (size + blocks - 1) / blocks;
  return ((block + unit - 1) / unit) * unit;
}

// a tile, a row of zeros, a block of A, a block of B
// @ts-ignore: decorator
@inline
function workOf<T>(m: i32, n: i32, k: i32): usize {
  const kc = evenly(k, blockK<T>(), 1);
  return (
    256 +
    (<usize>(evenly(m, blockM<T>(), ROWS) + evenly(n, blockN<T>(), columns<T>()))) * (<usize>kc) * sizeof<T>()
  );
}
export function matmulWork32(m: i32, n: i32, k: i32): usize {
  return workOf<f32>(m, n, k);
}
export function matmulWork64(m: i32, n: i32, k: i32): usize {
  return workOf<f64>(m, n, k);
}

/** Copies h × w entries, fewer than a tile: a call of memory.copy would cost more. */
// @ts-ignore: decorator
@inline
function copyPart<T>(from: usize, fromStride: usize, to: usize, toStride: usize, h: i32, w: i32): void {
  for (let r = 0; r < h; r++) {
    for (let i: usize = 0; i < (<usize>w) * sizeof<T>(); i += sizeof<T>()) store<T>(to + i, load<T>(from + i));
    from += fromStride;
    to += toStride;
  }
}

/** A tile that the matrix doesn't fill, by way of `tile`. */
function part32(k: i32, a: usize, b: usize, c: usize, ldc: usize, zeros: usize, fresh: bool, tile: usize, h: i32, w: i32): void {
  if (!fresh) copyPart<f32>(c, ldc, tile, 32, h, w);
  if (fresh) kernel32(k, a, b, zeros, 0, tile, 32);
  else kernel32(k, a, b, tile, 32, tile, 32);
  copyPart<f32>(tile, 32, c, ldc, h, w);
}
function part64(k: i32, a: usize, b: usize, c: usize, ldc: usize, zeros: usize, fresh: bool, tile: usize, h: i32, w: i32): void {
  if (!fresh) copyPart<f64>(c, ldc, tile, 32, h, w);
  if (fresh) kernel64(k, a, b, zeros, 0, tile, 32);
  else kernel64(k, a, b, tile, 32, tile, 32);
  copyPart<f64>(tile, 32, c, ldc, h, w);
}

// @ts-ignore: decorator
@inline
function tileOf<T>(k: i32, a: usize, b: usize, c: usize, ldc: usize, zeros: usize, fresh: bool, tile: usize, h: i32, w: i32): void {
  if (w >= columns<T>() && h >= ROWS) {
    if (fresh) kernel<T>(k, a, b, zeros, 0, c, ldc);
    else kernel<T>(k, a, b, c, ldc, c, ldc);
  } else if (sizeof<T>() == 4) part32(k, a, b, c, ldc, zeros, fresh, tile, min(h, ROWS), min(w, COLUMNS32));
  else part64(k, a, b, c, ldc, zeros, fresh, tile, min(h, ROWS), min(w, COLUMNS64));
}

/**
 * All tiles of one block: C = A B where `fresh`, else C += A B. Two panels of B at a time, which is a line of the cache in
 * each row of C.
 */
// @ts-ignore: decorator
@inline
function block<T>(
  m: i32, n: i32, k: i32, a: usize, b: usize, c: usize, ldc: usize,
  zeros: usize, fresh: bool, tile: usize,
): void {
  const width = columns<T>();
  const panelSize = (<usize>(width * k)) * sizeof<T>();
  for (let j = 0; j < n; j += 2 * width) {
    let panel = a;
    let to = c + (<usize>j) * sizeof<T>();
    for (let i = 0; i < m; i += ROWS) {
      tileOf<T>(k, panel, b, to, ldc, zeros, fresh, tile, m - i, n - j);
      if (j + width < n) tileOf<T>(k, panel, b + panelSize, to + 32, ldc, zeros, fresh, tile, m - i, n - j - width);
      panel += (<usize>(ROWS * k)) * sizeof<T>();
      to += (<usize>ROWS) * ldc;
    }
    b += 2 * panelSize;
  }
}

/** x ← x + y. */
function addRow64(x: usize, count: i32, y: usize): void {
  const end = x + (<usize>(count & ~1)) * 8;
  for (; x < end; x += 16, y += 16) v128.store(x, f64x2.add(v128.load(x), v128.load(y)));
  if (count & 1) store<f64>(x, load<f64>(x) + load<f64>(y));
}

// @ts-ignore: decorator
@inline
function matmul<T>(
  m: i32, n: i32, k: i32, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  c: usize, ldc: usize, bias: usize, activation: i32, parameter: f32, work: usize,
): void {
  const tile = work;
  const zeros = work + 192;
  memory.fill(zeros, 0, 64);
  const kc = evenly(k, blockK<T>(), 1);
  const mc = evenly(m, blockM<T>(), ROWS);
  const nc = evenly(n, blockN<T>(), columns<T>());
  const packedA = work + 256;
  const packedB = packedA + (<usize>(mc * kc)) * sizeof<T>();
  for (let j = 0; j < n; j += nc) {
    const nb = min(n - j, nc);
    for (let l = 0; l < k; l += kc) {
      const kb = min(k - l, kc);
      const fromB = transposeB
        ? b + (<usize>j) * ldb + (<usize>l) * sizeof<T>()
        : b + (<usize>l) * ldb + (<usize>j) * sizeof<T>();
      if (sizeof<T>() == 4) {
        if (transposeB) transposeB32(fromB, ldb, nb, kb, packedB);
        else copyB32(fromB, ldb, nb, kb, packedB);
      } else {
        if (transposeB) transposeB64(fromB, ldb, nb, kb, packedB);
        else copyB64(fromB, ldb, nb, kb, packedB);
      }
      for (let i = 0; i < m; i += mc) {
        const mb = min(m - i, mc);
        const fromA = transposeA
          ? a + (<usize>l) * lda + (<usize>i) * sizeof<T>()
          : a + (<usize>i) * lda + (<usize>l) * sizeof<T>();
        if (sizeof<T>() == 4) {
          if (transposeA) copyA32(fromA, lda, mb, kb, packedA);
          else transposeA32(fromA, lda, mb, kb, packedA);
        } else {
          if (transposeA) copyA64(fromA, lda, mb, kb, packedA);
          else transposeA64(fromA, lda, mb, kb, packedA);
        }
        const to = c + (<usize>i) * ldc + (<usize>j) * sizeof<T>();
        block<T>(mb, nb, kb, packedA, packedB, to, ldc, zeros, l == 0, tile);
        if ((activation || bias) && l + kb == k) {
          const part = bias ? bias + (<usize>j) * sizeof<T>() : 0;
          for (let r = 0; r < mb; r++) {
            const row = to + (<usize>r) * ldc;
            if (sizeof<T>() == 4) activate32(activation, row, nb, parameter, part);
            else addRow64(row, nb, part);
          }
        }
      }
    }
  }
}

/** `bias` is 0, or n entries rounded up to 4. See `activate.ts` for the activations. */
export function matmul32(
  m: i32, n: i32, k: i32, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  c: usize, ldc: usize, bias: usize, activation: i32, parameter: f32, work: usize,
): void {
  matmul<f32>(m, n, k, a, lda, transposeA, b, ldb, transposeB, c, ldc, bias, activation, parameter, work);
}

/** `bias` is 0, or n entries. */
export function matmul64(
  m: i32, n: i32, k: i32, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  c: usize, ldc: usize, bias: usize, work: usize,
): void {
  matmul<f64>(m, n, k, a, lda, transposeA, b, ldb, transposeB, c, ldc, bias, 0, 0, work);
}
