/**
 * @file C[m × n] = f(A[m × k] B[k × n] + bias), blocked so that a panel of B stays in L1 and a block of A in L2.
 * Entries of C are summed in the order of k, one rounding per product and per sum, as in a plain loop; bias and f follow
 * as a pass over a block that is still in the cache.
 * Strides are in bytes. `work` holds `matmulWork` bytes. T is f32 or f64.
 */
import { activate32 } from "./activate";
import { COLUMNS32, kernel32, product32, ROWS } from "./kernel32";
import { COLUMNS64, kernel64, product64 } from "./kernel64";
import { copyA32, copyA64, copyB32, copyB64, transposeA32, transposeA64, transposeB32, transposeB64 } from "./pack";

// @ts-ignore: decorator
@inline
function blockK<T>(): i32 {
  return sizeof<T>() == 4 ? 384 : 256;
}
// @ts-ignore: decorator
@inline
function blockM<T>(): i32 {
  return sizeof<T>() == 4 ? 160 : 120;
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

// @ts-ignore: decorator
@inline
function product<T>(k: i32, a: usize, row: usize, step: usize, b: usize, ldb: usize, c: usize, stride: usize): void {
  if (sizeof<T>() == 4) product32(k, a, row, step, b, ldb, c, stride);
  else product64(k, a, row, step, b, ldb, c, stride);
}

/** The smallest multiple of `unit` that cuts `size` into as few blocks as `limit` does, but equal ones. */
function evenly(size: i32, limit: i32, unit: i32): i32 {
  const blocks = (size + limit - 1) / limit;
  const block = (size + blocks - 1) / blocks;
  return ((block + unit - 1) / unit) * unit;
}

// a tile, a block of A, a block of B
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
function part32(k: i32, a: usize, b: usize, c: usize, ldc: usize, fresh: bool, tile: usize, h: i32, w: i32): void {
  if (!fresh) copyPart<f32>(c, ldc, tile, 32, h, w);
  if (fresh) product32(k, a, 4, 20, b, 32, tile, 32);
  else kernel32(k, a, b, tile, 32, tile, 32);
  copyPart<f32>(tile, 32, c, ldc, h, w);
}
function part64(k: i32, a: usize, b: usize, c: usize, ldc: usize, fresh: bool, tile: usize, h: i32, w: i32): void {
  if (!fresh) copyPart<f64>(c, ldc, tile, 32, h, w);
  if (fresh) product64(k, a, 8, 40, b, 32, tile, 32);
  else kernel64(k, a, b, tile, 32, tile, 32);
  copyPart<f64>(tile, 32, c, ldc, h, w);
}

// @ts-ignore: decorator
@inline
function tileOf<T>(k: i32, a: usize, b: usize, c: usize, ldc: usize, fresh: bool, tile: usize, h: i32, w: i32): void {
  if (w >= columns<T>() && h >= ROWS) {
    if (fresh) product<T>(k, a, sizeof<T>(), ROWS * sizeof<T>(), b, 32, c, ldc);
    else kernel<T>(k, a, b, c, ldc, c, ldc);
  } else if (sizeof<T>() == 4) part32(k, a, b, c, ldc, fresh, tile, min(h, ROWS), min(w, COLUMNS32));
  else part64(k, a, b, c, ldc, fresh, tile, min(h, ROWS), min(w, COLUMNS64));
}

/**
 * All tiles of one block: C = A B where `fresh`, else C += A B. Two panels of B at a time, which is a line of the cache in
 * each row of C.
 */
// @ts-ignore: decorator
@inline
function block<T>(
  m: i32, n: i32, k: i32, a: usize, b: usize, c: usize, ldc: usize,
  fresh: bool, tile: usize,
): void {
  const width = columns<T>();
  const panelSize = (<usize>(width * k)) * sizeof<T>();
  for (let j = 0; j < n; j += 2 * width) {
    let panel = a;
    let to = c + (<usize>j) * sizeof<T>();
    for (let i = 0; i < m; i += ROWS) {
      tileOf<T>(k, panel, b, to, ldc, fresh, tile, m - i, n - j);
      if (j + width < n) tileOf<T>(k, panel, b + panelSize, to + 32, ldc, fresh, tile, m - i, n - j - width);
      panel += (<usize>(ROWS * k)) * sizeof<T>();
      to += (<usize>ROWS) * ldc;
    }
    b += 2 * panelSize;
  }
}

/** Depth up to which operands are read as they lie: packing would cost more than it gains. */
const SHALLOW: i32 = 128;

/**
 * Products of small depth with at least a tile of rows and of columns: the last tiles overlap the ones before them rather
 * than being padded. Only a transposed B is packed.
 */
// @ts-ignore: decorator
@inline
function shallow<T>(
  m: i32, n: i32, k: i32, a: usize, row: usize, step: usize, b: usize, ldb: usize, transposeB: i32, c: usize, ldc: usize,
  panel: usize,
): void {
  const width = columns<T>();
  for (let j = 0; j < n; j += width) {
    j = min(j, n - width);
    let from = b + (<usize>j) * sizeof<T>();
    let stride = ldb;
    if (transposeB) {
      from = b + (<usize>j) * ldb;
      if (sizeof<T>() == 4) transposeB32(from, ldb, width, k, panel);
      else transposeB64(from, ldb, width, k, panel);
      from = panel;
      stride = 32;
    }
    const to = c + (<usize>j) * sizeof<T>();
    for (let i = 0; i < m; i += ROWS) {
      i = min(i, m - ROWS);
      product<T>(k, a + (<usize>i) * row, row, step, from, stride, to + (<usize>i) * ldc, ldc);
    }
  }
}

/** Bias and activation for m rows of n. */
// @ts-ignore: decorator
@inline
function finish<T>(m: i32, n: i32, c: usize, ldc: usize, bias: usize, activation: i32, parameter: f32): void {
  for (let r = 0; r < m; r++) {
    if (sizeof<T>() == 4) activate32(activation, c, n, parameter, bias, c);
    else finishRow64(c, n, bias, activation);
    c += ldc;
  }
}

/** x ← f(x + bias), where f is the identity or ReLU and a bias of 0 none. */
function finishRow64(x: usize, count: i32, bias: usize, relu: i32): void {
  const least = f64x2.splat(relu ? 0 : -Infinity);
  let i = 0;
  for (; i + 2 <= count; i += 2, x += 16) {
    let z = v128.load(x);
    if (bias) z = f64x2.add(z, v128.load(bias + ((<usize>i) << 3)));
    v128.store(x, f64x2.pmax(z, least));
  }
  if (i < count) {
    let z = v128.load_zero<u64>(x);
    if (bias) z = f64x2.add(z, v128.load_zero<u64>(bias + ((<usize>i) << 3)));
    v128.store_lane<f64>(x, f64x2.pmax(z, least), 0);
  }
}

// @ts-ignore: decorator
@inline
function matmul<T>(
  m: i32, n: i32, k: i32, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  c: usize, ldc: usize, bias: usize, activation: i32, parameter: f32, work: usize,
): void {
  if (k <= SHALLOW && m >= ROWS && n >= columns<T>()) {
    const row = transposeA ? sizeof<T>() : lda;
    shallow<T>(m, n, k, a, row, transposeA ? lda : sizeof<T>(), b, ldb, transposeB, c, ldc, work + 256);
    if (activation || bias) finish<T>(m, n, c, ldc, bias, activation, parameter);
    return;
  }
  const tile = work;
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
        block<T>(mb, nb, kb, packedA, packedB, to, ldc, l == 0, tile);
        if ((activation || bias) && l + kb == k)
          finish<T>(mb, nb, to, ldc, bias ? bias + (<usize>j) * sizeof<T>() : 0, activation, parameter);
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

/** `bias` is 0, or n entries; the activation is the identity or ReLU, codes 0 and 1. */
export function matmul64(
  m: i32, n: i32, k: i32, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  c: usize, ldc: usize, bias: usize, activation: i32, work: usize,
): void {
  matmul<f64>(m, n, k, a, lda, transposeA, b, ldb, transposeB, c, ldc, bias, activation, 0, work);
}
