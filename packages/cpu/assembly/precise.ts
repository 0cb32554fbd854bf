/**
 * @file The exponential, the sigmoid, tanh, and derivatives of sigmoid, tanh and GELU, on four float32 by way of float64:
 * right to 0.51 ulp, at twice the time of `transcendental.ts`. Where a value is stored at once, nothing hides its error.
 */

// @ts-ignore: decorator
@inline
function splat(x: f64): v128 {
  return f64x2.splat(x);
}
// @ts-ignore: decorator
@inline
function step(sum: v128, x: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(sum, x), splat(c));
}

/** e^−|z| within 1e-10, the reduction as in `transcendental.ts`; e⁻⁷⁰⁰ beyond that. */
// @ts-ignore: decorator
@inline
function decay(z: v128): v128 {
  const x = f64x2.pmax(f64x2.neg(f64x2.abs(z)), splat(-700));
  const shifted = f64x2.add(f64x2.mul(x, splat(1.4426950408889634)), splat(6755399441055744));
  const n = f64x2.sub(shifted, splat(6755399441055744));
  const r = f64x2.sub(x, f64x2.mul(n, splat(0.6931471805599453)));
  let q = step(splat(0.000197892784412165), r, 0.0013945740289545);
  q = step(q, r, 0.00833350367306939);
  q = step(q, r, 0.0416662804854981);
  q = step(q, r, 0.166666658206639);
  q = step(q, r, 0.500000007162868);
  const y = f64x2.add(f64x2.add(r, f64x2.mul(f64x2.mul(r, r), q)), splat(1));
  return i64x2.add(y, i64x2.shl(shifted, 52));
}

// @ts-ignore: decorator
@inline
function sigmoid(z: v128): v128 {
  const e = decay(z);
  const q = f64x2.div(splat(1), f64x2.add(e, splat(1)));
  return v128.bitselect(f64x2.mul(e, q), q, f64x2.lt(z, splat(0)));
}
// @ts-ignore: decorator
@inline
function sigmoidDerivative(z: v128): v128 {
  const e = decay(z);
  const q = f64x2.add(e, splat(1));
  return f64x2.div(e, f64x2.mul(q, q));
}
/** Φ(z) + z φ(z), with the tail Φ(−a) e^(a²/2) = t p(t) in t = 1/(1 + 0.33 a). */
// @ts-ignore: decorator
@inline
function geluDerivative(z: v128): v128 {
  const bounded = f64x2.pmax(splat(-30), f64x2.pmin(z, splat(30)));
  const a = f64x2.abs(bounded);
  const e = decay(f64x2.mul(f64x2.mul(a, a), splat(0.5)));
  const t = f64x2.div(splat(1), f64x2.add(f64x2.mul(a, splat(0.33)), splat(1)));
  let p = step(splat(0.0180354387228), t, -0.114507993381);
  p = step(p, t, 0.29522446535);
  p = step(p, t, -0.375246866442);
  p = step(p, t, 0.228874986239);
  p = step(p, t, -0.100326389242);
  p = step(p, t, 0.0849931509651);
  p = step(p, t, 0.0814535250577);
  p = step(p, t, 0.118268575653);
  p = step(p, t, 0.131577688813);
  p = step(p, t, 0.13165341858);
  const below = f64x2.mul(f64x2.mul(t, p), e);
  const distribution = v128.bitselect(below, f64x2.sub(splat(1), below), f64x2.lt(z, splat(0)));
  return f64x2.add(distribution, f64x2.mul(f64x2.mul(bounded, e), splat(0.3989422804014327)));
}

/** (1 − e^(−2|z|))/(1 + e^(−2|z|)) with the sign of z; near 0 the difference loses digits. */
// @ts-ignore: decorator
@inline
function tanhFar(z: v128): v128 {
  const e = decay(f64x2.add(z, z));
  const q = f64x2.div(f64x2.sub(splat(1), e), f64x2.add(splat(1), e));
  return v128.or(q, v128.and(z, splat(-0)));
}

/** Not inlined: there is one of it, and it costs more than a call. */
export function apply64(code: i32, z: v128): v128 {
  if (code == EXP) return decay(z);
  if (code == 4) return sigmoid(z);
  if (code == 6) return tanhFar(z);
  if (code == 7) return geluDerivative(z);
  if (code == 8) return sigmoidDerivative(z);
  return f64x2.mul(splat(4), sigmoidDerivative(f64x2.add(z, z)));
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
