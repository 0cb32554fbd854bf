/**
 * @file Sums and products entry by entry: out ← x + y, out ← x · y, where out may be x. y repeats with a period, and
 * every entry is rounded once, so the result is that of a plain loop. And float32 sums over an axis that isn't the last, in
 * the order of a plain loop. T is f32 or f64.
 */

// @ts-ignore: decorator
@inline
function combine<T>(multiply: bool, x: v128, y: v128): v128 {
  if (sizeof<T>() == 4) return multiply ? f32x4.mul(x, y) : f32x4.add(x, y);
  return multiply ? f64x2.mul(x, y) : f64x2.add(x, y);
}

/** out, x [rows][period] with y [period]. */
// @ts-ignore: decorator
@inline
function rowwise<T>(multiply: bool, x: usize, rows: i32, y: usize, period: i32, out: usize): void {
  const whole = ((<usize>period) * sizeof<T>()) & ~15;
  const rest = (<usize>period) * sizeof<T>() - whole;
  for (; rows > 0; rows--) {
    let q = y;
    for (const end = x + whole; x < end; x += 16, q += 16, out += 16)
      v128.store(out, combine<T>(multiply, v128.load(x), v128.load(q)));
    for (const end = x + rest; x < end; x += sizeof<T>(), q += sizeof<T>(), out += sizeof<T>())
      store<T>(out, multiply ? load<T>(x) * load<T>(q) : load<T>(x) + load<T>(q));
  }
}
/** x [count] with one number; what lies behind out, up to a vector, is overwritten. */
// @ts-ignore: decorator
@inline
function uniform<T>(multiply: bool, x: usize, count: i32, y: T, out: usize): void {
  const other = sizeof<T>() == 4 ? f32x4.splat(<f32>y) : f64x2.splat(<f64>y);
  for (const end = x + (<usize>count) * sizeof<T>(); x < end; x += 16, out += 16)
    v128.store(out, combine<T>(multiply, v128.load(x), other));
}

export function add32(x: usize, rows: i32, y: usize, period: i32, out: usize): void {
  if (period == 1) uniform<f32>(false, x, rows, load<f32>(y), out);
  else rowwise<f32>(false, x, rows, y, period, out);
}
export function add64(x: usize, rows: i32, y: usize, period: i32, out: usize): void {
  if (period == 1) uniform<f64>(false, x, rows, load<f64>(y), out);
  else rowwise<f64>(false, x, rows, y, period, out);
}
export function multiply32(x: usize, rows: i32, y: usize, period: i32, out: usize): void {
  if (period == 1) uniform<f32>(true, x, rows, load<f32>(y), out);
  else rowwise<f32>(true, x, rows, y, period, out);
}
export function multiply64(x: usize, rows: i32, y: usize, period: i32, out: usize): void {
  if (period == 1) uniform<f64>(true, x, rows, load<f64>(y), out);
  else rowwise<f64>(true, x, rows, y, period, out);
}

/** out [outer][inner] += Σ over the middle axis of x [outer][n][inner]: sixteen bytes of columns at a time, or 64. */
export function sum32(x: usize, outer: i32, n: i32, inner: i32, out: usize): void {
  const row = (<usize>inner) * 4;
  for (; outer > 0; outer--) {
    const end = out + row;
    for (const last = out + (row & ~63); out < last; out += 64, x += 64) {
      let s0 = v128.load(out);
      let s1 = v128.load(out, 16);
      let s2 = v128.load(out, 32);
      let s3 = v128.load(out, 48);
      let p = x;
      for (let i = 0; i < n; i++, p += row) {
        s0 = f32x4.add(s0, v128.load(p));
        s1 = f32x4.add(s1, v128.load(p, 16));
        s2 = f32x4.add(s2, v128.load(p, 32));
        s3 = f32x4.add(s3, v128.load(p, 48));
      }
      v128.store(out, s0);
      v128.store(out, s1, 16);
      v128.store(out, s2, 32);
      v128.store(out, s3, 48);
    }
    for (const last = out + ((end - out) & ~15); out < last; out += 16, x += 16) {
      let s = v128.load(out);
      let p = x;
      for (let i = 0; i < n; i++, p += row) s = f32x4.add(s, v128.load(p));
      v128.store(out, s);
    }
    for (; out < end; out += 4, x += 4) {
      let s = load<f32>(out);
      let p = x;
      for (let i = 0; i < n; i++, p += row) s += load<f32>(p);
      store<f32>(out, s);
    }
    x += row * <usize>(n - 1);
  }
}
