/**
 * @file exp, log1p and the tail of the normal distribution on four float32 at once. Errors, measured over the stated
 * ranges in `test/transcendental.test.ts`, are in ulp of the result. Polynomials are minimax fits of relative error.
 */

/**
 * Constants are loaded where they are used: a `splat` of each would be built anew, by three instructions, in every round of
 * a loop.
 */
// @ts-ignore: decorator
@inline
function at(table: usize, index: usize): v128 {
  return v128.load32_splat(table + (index << 2));
}
// @ts-ignore: decorator
@inline
function splat(x: f32): v128 {
  return f32x4.splat(x);
}
// @ts-ignore: decorator
@inline
function step(sum: v128, x: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(sum, x), c);
}

// log₂ e, the magic number, log 2 in two parts; the coefficients of q from r⁰ on; 1, and the least argument
const EXP = memory.data<f32>([
  1.44269502, 12582912, 0.693359375, 0.00021219444,
  0.4999999403953552, 0.16666515171527863, 0.04166845604777336, 0.00836941134184599, 0.001381315873004496,
  1, -87.33,
]); // biome-ignore format: a table

/**
 * eˣ for −87.33 ≤ x ≤ 88, within 1 ulp.
 *
 * x = n log 2 + r with log 2 in two parts (Cody–Waite), eʳ = 1 + (r + r² q(r)), and 2ⁿ added to the exponent. Adding
 * 1.5 · 2²³ rounds to a whole number and leaves n in the low bits. q is evaluated as a tree: what limits the speed is
 * how long one result waits for another.
 */
// @ts-ignore: decorator
@inline
export function expBounded(x: v128): v128 {
  const shifted = f32x4.add(f32x4.mul(x, at(EXP, 0)), at(EXP, 1));
  const n = f32x4.sub(shifted, at(EXP, 1));
  let r = f32x4.sub(x, f32x4.mul(n, at(EXP, 2)));
  r = f32x4.add(r, f32x4.mul(n, at(EXP, 3)));
  const square = f32x4.mul(r, r);
  const high = f32x4.add(step(at(EXP, 7), r, at(EXP, 6)), f32x4.mul(square, at(EXP, 8)));
  const q = f32x4.add(step(at(EXP, 5), r, at(EXP, 4)), f32x4.mul(square, high));
  const y = f32x4.add(f32x4.add(r, f32x4.mul(square, q)), at(EXP, 9));
  return i32x4.add(y, i32x4.shl(shifted, 23));
}

/** eˣ for x ≤ 0, within 1 ulp; 0 below −87.33, where results would be subnormal, and for −∞. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function expNegative(x: v128): v128 {
  return v128.andnot(expBounded(x), f32x4.lt(x, at(EXP, 10)));
}

// the first is where f changes
const LOG = memory.data<f32>([
  0.41421357, 0.3333333134651184, -0.250008225440979, 0.20001226663589478, -0.16623356938362122, 0.14201761782169342,
  -0.131601944565773, 0.12761549651622772, -0.07634429633617401, -0.5, 0.6931471805599453, 1, 0.5,
]); // biome-ignore format: a table

/** log(1 + u) for 0 ≤ u ≤ 1, within 2 ulp: with f = u, or (u − 1)/2 and log 2 beside it, f − f²/2 + f³ p(f). */
// @ts-ignore: decorator
@inline
export function log1p(u: v128): v128 {
  const far = f32x4.gt(u, at(LOG, 0));
  const f = v128.bitselect(f32x4.mul(f32x4.sub(u, at(LOG, 11)), at(LOG, 12)), u, far);
  const square = f32x4.mul(f, f);
  const fourth = f32x4.mul(square, square);
  const low = f32x4.add(step(at(LOG, 2), f, at(LOG, 1)), f32x4.mul(square, step(at(LOG, 4), f, at(LOG, 3))));
  const high = f32x4.add(step(at(LOG, 6), f, at(LOG, 5)), f32x4.mul(square, step(at(LOG, 8), f, at(LOG, 7))));
  const p = f32x4.add(low, f32x4.mul(fourth, high));
  const log = f32x4.add(f, f32x4.mul(square, f32x4.add(f32x4.mul(f, p), at(LOG, 9))));
  return f32x4.add(log, v128.and(far, at(LOG, 10)));
}

const TAIL = memory.data<f32>([
  0.13962140679359436, 0.13986189663410187, 0.11983270943164825, 0.10550864785909653, -0.0231113750487566,
  0.15917642414569855, -0.2557162642478943, 0.14397267997264862, -0.029146134853363037, 0.35, 1,
]); // biome-ignore format: a table

/** Φ(−a) e^(a²/2) for a ≥ 0, the tail of the normal distribution without its exponential, within 4 ulp. */
// @ts-ignore: decorator
@inline
export function tail(a: v128): v128 {
  const t = f32x4.div(at(TAIL, 10), f32x4.add(f32x4.mul(a, at(TAIL, 9)), at(TAIL, 10)));
  // as a tree, like q above
  const t2 = f32x4.mul(t, t);
  const t4 = f32x4.mul(t2, t2);
  const low = f32x4.add(step(at(TAIL, 1), t, at(TAIL, 0)), f32x4.mul(t2, step(at(TAIL, 3), t, at(TAIL, 2))));
  const high = f32x4.add(step(at(TAIL, 5), t, at(TAIL, 4)), f32x4.mul(t2, step(at(TAIL, 7), t, at(TAIL, 6))));
  const p = f32x4.add(low, f32x4.mul(t4, f32x4.add(high, f32x4.mul(t4, at(TAIL, 8)))));
  return f32x4.mul(p, t);
}

/** 1/(1 + e^−z), within 3 ulp for |z| ≤ 87; beyond it stays at e^−88 and 1. */
// @ts-ignore: decorator
@inline
export function sigmoid(z: v128): v128 {
  const x = f32x4.pmax(f32x4.pmin(f32x4.neg(z), splat(88)), splat(-87));
  return f32x4.div(at(EXP, 9), f32x4.add(expBounded(x), at(EXP, 9)));
}

const TANH = memory.data<f32>([
  -0.33333298563957214, 0.13331924378871918, -0.053783826529979706, 0.02079596370458603, -0.005895150359719992,
]); // biome-ignore format: a table

/** tanh z for |z| ≤ 0.6, within 2 ulp: z + z³ p(z²). */
// @ts-ignore: decorator
@inline
export function tanhNear(z: v128): v128 {
  const s = f32x4.mul(z, z);
  let p = step(at(TANH, 4), s, at(TANH, 3));
  p = step(p, s, at(TANH, 2));
  p = step(p, s, at(TANH, 1));
  p = step(p, s, at(TANH, 0));
  return f32x4.add(z, f32x4.mul(f32x4.mul(z, s), p));
}
