/**
 * @file exp, log1p and the tail of the normal distribution on four float32 at once. Errors, measured over the stated
 * ranges in `test/transcendental.test.ts`, are in ulp of the result. Polynomials are minimax fits of relative error.
 */

// @ts-ignore: decorator
@inline
function splat(x: f32): v128 {
  return f32x4.splat(x);
}
// @ts-ignore: decorator
@inline
function step(sum: v128, x: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(sum, x), splat(c));
}

/**
 * eˣ for −87.33 ≤ x ≤ 88, within 1 ulp.
 *
 * x = n log 2 + r with log 2 in two parts (Cody–Waite), eʳ = 1 + (r + r² q(r)), and 2ⁿ added to the exponent. Adding
 * 1.5 · 2²³ rounds to a whole number and leaves n in the low bits.
 */
// @ts-ignore: decorator
@inline
export function expBounded(x: v128): v128 {
  const shifted = f32x4.add(f32x4.mul(x, splat(1.44269502)), splat(12582912));
  const n = f32x4.sub(shifted, splat(12582912));
  let r = f32x4.sub(x, f32x4.mul(n, splat(0.693359375)));
  r = f32x4.add(r, f32x4.mul(n, splat(0.00021219444)));
  let q = step(splat(0.001381315873004496), r, 0.00836941134184599);
  q = step(q, r, 0.04166845604777336);
  q = step(q, r, 0.16666515171527863);
  q = step(q, r, 0.4999999403953552);
  const y = f32x4.add(f32x4.add(r, f32x4.mul(f32x4.mul(r, r), q)), splat(1));
  return i32x4.add(y, i32x4.shl(shifted, 23));
}

/** eˣ for x ≤ 0, within 1 ulp; 0 below −87.33, where results would be subnormal, and for −∞. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function expNegative(x: v128): v128 {
  return v128.andnot(expBounded(x), f32x4.lt(x, splat(-87.33)));
}

/** log(1 + u) for 0 ≤ u ≤ 1, within 2 ulp: with f = u, or (u − 1)/2 and log 2 beside it, f − f²/2 + f³ p(f). */
// @ts-ignore: decorator
@inline
export function log1p(u: v128): v128 {
  const far = f32x4.gt(u, splat(0.41421357));
  const f = v128.bitselect(f32x4.mul(f32x4.sub(u, splat(1)), splat(0.5)), u, far);
  let p = step(splat(-0.07634429633617401), f, 0.12761549651622772);
  p = step(p, f, -0.131601944565773);
  p = step(p, f, 0.14201761782169342);
  p = step(p, f, -0.16623356938362122);
  p = step(p, f, 0.20001226663589478);
  p = step(p, f, -0.250008225440979);
  p = step(p, f, 0.3333333134651184);
  const square = f32x4.mul(f, f);
  const log = f32x4.add(f, f32x4.mul(square, f32x4.add(f32x4.mul(f, p), splat(-0.5))));
  return f32x4.add(log, v128.and(far, splat(0.6931471805599453)));
}

/** Φ(−a) e^(a²/2) for a ≥ 0, the tail of the normal distribution without its exponential, within 4 ulp. */
// @ts-ignore: decorator
@inline
export function tail(a: v128): v128 {
  const t = f32x4.div(splat(1), f32x4.add(f32x4.mul(a, splat(0.35)), splat(1)));
  let p = step(splat(-0.029146134853363037), t, 0.14397267997264862);
  p = step(p, t, -0.2557162642478943);
  p = step(p, t, 0.15917642414569855);
  p = step(p, t, -0.0231113750487566);
  p = step(p, t, 0.10550864785909653);
  p = step(p, t, 0.11983270943164825);
  p = step(p, t, 0.13986189663410187);
  p = step(p, t, 0.13962140679359436);
  return f32x4.mul(p, t);
}

/** 1/(1 + e^−z), within 3 ulp for |z| ≤ 87; beyond it stays at e^−88 and 1. */
// @ts-ignore: decorator
@inline
export function sigmoid(z: v128): v128 {
  const x = f32x4.pmax(f32x4.pmin(f32x4.neg(z), splat(88)), splat(-87));
  return f32x4.div(splat(1), f32x4.add(expBounded(x), splat(1)));
}

/** tanh z for |z| ≤ 0.6, within 2 ulp: z + z³ p(z²). */
// @ts-ignore: decorator
@inline
export function tanhNear(z: v128): v128 {
  const s = f32x4.mul(z, z);
  let p = step(splat(-0.005895150359719992), s, 0.02079596370458603);
  p = step(p, s, -0.053783826529979706);
  p = step(p, s, 0.13331924378871918);
  p = step(p, s, -0.33333298563957214);
  return f32x4.add(z, f32x4.mul(f32x4.mul(z, s), p));
}
