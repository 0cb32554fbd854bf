/**
 * @file The exponential, the sigmoid, tanh, and derivatives of sigmoid, tanh and GELU, on four float32 by way of float64:
 * right to 0.51 ulp, at twice the time of `transcendental.ts`. Where a value is stored at once, nothing hides its error.
 */

/** Loaded where they are used, as in `transcendental.ts`. */
// @ts-ignore: decorator
@inline
function at(table: usize, index: usize): v128 {
  return v128.load64_splat(table + (index << 3));
}
// @ts-ignore: decorator
@inline
function step(sum: v128, x: v128, c: v128): v128 {
  return f64x2.add(f64x2.mul(sum, x), c);
}
// @ts-ignore: decorator
@inline
function one(): v128 {
  return at(EXP64, 9);
}

// the coefficients of q from r⁰ on; the least argument, log₂ e, the magic number; 1; log 2
const EXP64 = memory.data<f64>([
  0.500000007162868, 0.166666658206639, 0.0416662804854981, 0.00833350367306939, 0.0013945740289545,
  0.000197892784412165, -700, 1.4426950408889634, 6755399441055744, 1, 0.6931471805599453,
]); // biome-ignore format: a table

/** e^−|z| within 1e-10, the reduction as in `transcendental.ts`; e⁻⁷⁰⁰ beyond that. */
// @ts-ignore: decorator
@inline
function decay(z: v128): v128 {
  const x = f64x2.pmax(f64x2.neg(f64x2.abs(z)), at(EXP64, 6));
  const shifted = f64x2.add(f64x2.mul(x, at(EXP64, 7)), at(EXP64, 8));
  const n = f64x2.sub(shifted, at(EXP64, 8));
  const r = f64x2.sub(x, f64x2.mul(n, at(EXP64, 10)));
  let q = step(at(EXP64, 5), r, at(EXP64, 4));
  q = step(q, r, at(EXP64, 3));
  q = step(q, r, at(EXP64, 2));
  q = step(q, r, at(EXP64, 1));
  q = step(q, r, at(EXP64, 0));
  const y = f64x2.add(f64x2.add(r, f64x2.mul(f64x2.mul(r, r), q)), one());
  return i64x2.add(y, i64x2.shl(shifted, 52));
}

// @ts-ignore: decorator
@inline
function sigmoid(z: v128): v128 {
  const e = decay(z);
  const q = f64x2.div(one(), f64x2.add(e, one()));
  return v128.bitselect(f64x2.mul(e, q), q, f64x2.lt(z, f64x2.splat(0)));
}
// @ts-ignore: decorator
@inline
function sigmoidDerivative(z: v128): v128 {
  const e = decay(z);
  const q = f64x2.add(e, one());
  return f64x2.div(e, f64x2.mul(q, q));
}
const TAIL64 = memory.data<f64>([
  0.13165341858, 0.131577688813, 0.118268575653, 0.0814535250577, 0.0849931509651, -0.100326389242, 0.228874986239,
  -0.375246866442, 0.29522446535, -0.114507993381, 0.0180354387228, 30, 0.5, 0.33, 0.3989422804014327,
]); // biome-ignore format: a table

/** Φ(z) + z φ(z), with the tail Φ(−a) e^(a²/2) = t p(t) in t = 1/(1 + 0.33 a). */
// @ts-ignore: decorator
@inline
function geluDerivative(z: v128): v128 {
  const bounded = f64x2.pmax(f64x2.neg(at(TAIL64, 11)), f64x2.pmin(z, at(TAIL64, 11)));
  const a = f64x2.abs(bounded);
  const e = decay(f64x2.mul(f64x2.mul(a, a), at(TAIL64, 12)));
  const t = f64x2.div(one(), f64x2.add(f64x2.mul(a, at(TAIL64, 13)), one()));
  let p = at(TAIL64, 10);
  for (let c = TAIL64 + 72; c >= TAIL64; c -= 8) p = step(p, t, v128.load64_splat(c));
  const below = f64x2.mul(f64x2.mul(t, p), e);
  const distribution = v128.bitselect(below, f64x2.sub(one(), below), f64x2.lt(z, f64x2.splat(0)));
  return f64x2.add(distribution, f64x2.mul(f64x2.mul(bounded, e), at(TAIL64, 14)));
}

/** (1 − e^(−2|z|))/(1 + e^(−2|z|)) with the sign of z; near 0 the difference loses digits. */
// @ts-ignore: decorator
@inline
function tanhFar(z: v128): v128 {
  const e = decay(f64x2.add(z, z));
  const q = f64x2.div(f64x2.sub(one(), e), f64x2.add(one(), e));
  return v128.or(q, v128.and(z, f64x2.splat(-0)));
}

/** Not inlined: there is one of it, and it costs more than a call. */
export function apply64(code: i32, z: v128): v128 {
  if (code == EXP) return decay(z);
  if (code == 4) return sigmoid(z);
  if (code == 6) return tanhFar(z);
  if (code == 7) return geluDerivative(z);
  if (code == 8) return sigmoidDerivative(z);
  const quarter = sigmoidDerivative(f64x2.add(z, z));
  const half = f64x2.add(quarter, quarter);
  return f64x2.add(half, half);
}

/** e^−|z|, beside the codes 4, 6 (far from 0), 7, 8, 9 of `activate.ts`. */
export const EXP: i32 = 30;

/** f(z) on four float32. */
// @ts-ignore: decorator
@inline
export function precisely(code: i32, z: v128): v128 {
  const low = apply64(code, f64x2.promote_low_f32x4(z));
  const high = apply64(code, f64x2.promote_low_f32x4(v128.shuffle<f32>(z, z, 2, 3, 0, 1)));
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}
