/**
 * @file The float64 micro-kernel: C[5 × 4] = init + A B, with A packed as [k][5] and B as [k][4].
 *
 * Ten accumulators, two registers of B, a broadcast and a product fill the sixteen SIMD registers. On V8 that holds
 * only while the function is small and exported (so it isn't inlined), nothing is computed between the loop and the
 * stores, and whatever would be computed there (a bias, an earlier sum) starts the accumulators instead.
 */

/** Columns of a tile, and of a panel of B, in float64. */
export const COLUMNS64: i32 = 4;

/** init and C are 5 rows of 4, `initStride` and `stride` bytes apart; stride 0 repeats one row, such as a bias. */
export function kernel64(k: i32, a: usize, b: usize, init: usize, initStride: usize, c: usize, stride: usize): void {
  let p = init;
  let c00 = v128.load(p);
  let c01 = v128.load(p, 16);
  p += initStride;
  let c10 = v128.load(p);
  let c11 = v128.load(p, 16);
  p += initStride;
  let c20 = v128.load(p);
  let c21 = v128.load(p, 16);
  p += initStride;
  let c30 = v128.load(p);
  let c31 = v128.load(p, 16);
  p += initStride;
  let c40 = v128.load(p);
  let c41 = v128.load(p, 16);
  const end = a + (<usize>k) * 40;
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load64_splat(a);
    c00 = f64x2.add(c00, f64x2.mul(x, b0));
    c01 = f64x2.add(c01, f64x2.mul(x, b1));
    x = v128.load64_splat(a, 8);
    c10 = f64x2.add(c10, f64x2.mul(x, b0));
    c11 = f64x2.add(c11, f64x2.mul(x, b1));
    x = v128.load64_splat(a, 16);
    c20 = f64x2.add(c20, f64x2.mul(x, b0));
    c21 = f64x2.add(c21, f64x2.mul(x, b1));
    x = v128.load64_splat(a, 24);
    c30 = f64x2.add(c30, f64x2.mul(x, b0));
    c31 = f64x2.add(c31, f64x2.mul(x, b1));
    x = v128.load64_splat(a, 32);
    c40 = f64x2.add(c40, f64x2.mul(x, b0));
    c41 = f64x2.add(c41, f64x2.mul(x, b1));
    a += 40;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += stride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += stride;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += stride;
  v128.store(c, c30);
  v128.store(c, c31, 16);
  c += stride;
  v128.store(c, c40);
  v128.store(c, c41, 16);
}

/**
 * C[5 × 4] = A B, with entries of A `row` and `step` bytes apart, down and along, and rows of B `ldb` bytes apart: operands
 * as they lie, or packed. It starts from zeros, and so saves the loads that `kernel64` starts with.
 */
export function product64(k: i32, a: usize, row: usize, step: usize, b: usize, ldb: usize, c: usize, stride: usize): void {
  let c00 = f64x2.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  let c40 = c00;
  let c41 = c00;
  let a1 = a + row;
  let a2 = a1 + row;
  let a3 = a2 + row;
  let a4 = a3 + row;
  for (const end = b + (<usize>k) * ldb; b < end; b += ldb) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load64_splat(a);
    c00 = f64x2.add(c00, f64x2.mul(x, b0));
    c01 = f64x2.add(c01, f64x2.mul(x, b1));
    a += step;
    x = v128.load64_splat(a1);
    c10 = f64x2.add(c10, f64x2.mul(x, b0));
    c11 = f64x2.add(c11, f64x2.mul(x, b1));
    a1 += step;
    x = v128.load64_splat(a2);
    c20 = f64x2.add(c20, f64x2.mul(x, b0));
    c21 = f64x2.add(c21, f64x2.mul(x, b1));
    a2 += step;
    x = v128.load64_splat(a3);
    c30 = f64x2.add(c30, f64x2.mul(x, b0));
    c31 = f64x2.add(c31, f64x2.mul(x, b1));
    a3 += step;
    x = v128.load64_splat(a4);
    c40 = f64x2.add(c40, f64x2.mul(x, b0));
    c41 = f64x2.add(c41, f64x2.mul(x, b1));
    a4 += step;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += stride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += stride;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += stride;
  v128.store(c, c30);
  v128.store(c, c31, 16);
  c += stride;
  v128.store(c, c40);
  v128.store(c, c41, 16);
}

/** `count` tiles of depth k over the same operands: the speed a matmul could have, to measure against. */
export function calibrate64(count: i32, k: i32, a: usize, b: usize, c: usize): void {
  for (let i = 0; i < count; i++) kernel64(k, a, b, c, 0, c + 32, 32);
}
