/**
 * @file Sums and products entry by entry, in place: x ← x + y, x ← x · y, x ← x · factor. y repeats with a period, and
 * every entry is rounded once, so the result is that of a plain loop. T is f32 or f64.
 */

// @ts-ignore: decorator
@inline
function combine<T>(multiply: bool, x: v128, y: v128): v128 {
  if (sizeof<T>() == 4) return multiply ? f32x4.mul(x, y) : f32x4.add(x, y);
  return multiply ? f64x2.mul(x, y) : f64x2.add(x, y);
}

/** x [rows][period] with y [period]. */
// @ts-ignore: decorator
@inline
function rowwise<T>(multiply: bool, x: usize, rows: i32, y: usize, period: i32): void {
  const whole = ((<usize>period) * sizeof<T>()) & ~15;
  const rest = (<usize>period) * sizeof<T>() - whole;
  for (; rows > 0; rows--) {
    let q = y;
    for (const end = x + whole; x < end; x += 16, q += 16)
      v128.store(x, combine<T>(multiply, v128.load(x), v128.load(q)));
    for (const end = x + rest; x < end; x += sizeof<T>(), q += sizeof<T>())
      store<T>(x, multiply ? load<T>(x) * load<T>(q) : load<T>(x) + load<T>(q));
  }
}
/** x [count] with one number; what lies behind x, up to a vector, is overwritten. */
// @ts-ignore: decorator
@inline
function uniform<T>(multiply: bool, x: usize, count: i32, y: T): void {
  const other = sizeof<T>() == 4 ? f32x4.splat(<f32>y) : f64x2.splat(<f64>y);
  for (const end = x + (<usize>count) * sizeof<T>(); x < end; x += 16)
    v128.store(x, combine<T>(multiply, v128.load(x), other));
}

export function add32(x: usize, rows: i32, y: usize, period: i32): void {
  if (period == 1) uniform<f32>(false, x, rows, load<f32>(y));
  else rowwise<f32>(false, x, rows, y, period);
}
export function add64(x: usize, rows: i32, y: usize, period: i32): void {
  if (period == 1) uniform<f64>(false, x, rows, load<f64>(y));
  else rowwise<f64>(false, x, rows, y, period);
}
export function multiply32(x: usize, rows: i32, y: usize, period: i32): void {
  if (period == 1) uniform<f32>(true, x, rows, load<f32>(y));
  else rowwise<f32>(true, x, rows, y, period);
}
export function multiply64(x: usize, rows: i32, y: usize, period: i32): void {
  if (period == 1) uniform<f64>(true, x, rows, load<f64>(y));
  else rowwise<f64>(true, x, rows, y, period);
}
