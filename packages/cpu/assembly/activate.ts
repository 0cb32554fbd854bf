/**
 * @file Pointwise activations of float32; the result may take the place of x. Letters: z an entry, β the parameter.
 * Codes: 0 identity, 1 ReLU, 2 squared ReLU, 3 softplus of sharpness β, 4 sigmoid of z + β, 5 GELU, 6 tanh, and the
 * derivatives 7 of GELU, 8 of sigmoid (at z + β), 9 of tanh (that of softplus is the sigmoid of βz, which the caller
 * scales), 11 of ReLU. 10 is 4 in float32 alone: faster, and less precise.
 */
import { precisely } from "./precise";
import { expNegative, log1p, sigmoid, tail, tanhNear } from "./transcendental";

// @ts-ignore: decorator
@inline
export function relu(z: v128): v128 {
  return f32x4.pmax(z, f32x4.splat(0));
}

/** log(1 + e^(βz))/β = max(z, 0) + log1p(e^(−β|z|))/β. */
// @ts-ignore: decorator
@inline
export function softplus(z: v128, beta: v128, inverse: v128): v128 {
  const u = expNegative(f32x4.neg(f32x4.abs(f32x4.mul(z, beta))));
  return f32x4.add(f32x4.pmax(z, f32x4.splat(0)), f32x4.mul(log1p(u), inverse));
}

/** z Φ(z) = max(z, 0) − |z| Φ(−|z|). */
// @ts-ignore: decorator
@inline
function gelu(z: v128): v128 {
  const a = f32x4.abs(z);
  const e = expNegative(f32x4.mul(f32x4.mul(a, a), f32x4.splat(-0.5)));
  // far out the exponential is 0, and its product with ∞ would not be
  const below = f32x4.mul(f32x4.mul(f32x4.pmin(f32x4.splat(20), a), tail(a)), e);
  return f32x4.sub(f32x4.pmax(z, f32x4.splat(0)), below);
}
// @ts-ignore: decorator
@inline
export function apply(code: i32, z: v128, beta: v128, inverse: v128): v128 {
  if (code == 0) return z;
  if (code == 1) return relu(z);
  if (code == 2) {
    const r = relu(z);
    return f32x4.mul(r, r);
  }
  if (code == 3) return softplus(z, beta, inverse);
  if (code == 5) return gelu(z);
  if (code == 6)
    return v128.bitselect(tanhNear(z), precisely(6, z), f32x4.lt(f32x4.abs(z), f32x4.splat(0.6)));
  if (code == 10) return sigmoid(f32x4.add(z, beta));
  if (code == 11) return v128.and(f32x4.splat(1), f32x4.gt(z, f32x4.splat(0)));
  return precisely(code, f32x4.add(z, beta));
}

/** Room for the last entries, so that nothing beyond `count` is written. */
const scratch = memory.data(32, 16);

/** One code's loop. */
// @ts-ignore: decorator
@inline
function each(code: i32, x: usize, count: i32, parameter: f32, bias: usize, out: usize): void {
  const beta = f32x4.splat(parameter);
  const inverse = f32x4.splat(1 / parameter);
  for (let left = count; left > 0; left -= 4) {
    let at = x;
    if (left < 4) {
      memory.copy(scratch, x, (<usize>left) * 4);
      at = scratch;
    }
    let z = v128.load(at);
    if (bias) {
      z = f32x4.add(z, v128.load(bias));
      bias += 16;
    }
    v128.store(left < 4 ? scratch : out, apply(code, z, beta, inverse));
    if (left < 4) memory.copy(out, scratch, (<usize>left) * 4);
    x += 16;
    out += 16;
  }
}

/** out ← f(x + bias), where `bias` is 0 or leads to `count` entries rounded up to 4. */
export function activate32(code: i32, x: usize, count: i32, parameter: f32, bias: usize, out: usize): void {
  if (code == 0) each(0, x, count, parameter, bias, out);
  else if (code == 1) each(1, x, count, parameter, bias, out);
  else if (code == 2) each(2, x, count, parameter, bias, out);
  else if (code == 3) each(3, x, count, parameter, bias, out);
  else if (code == 5) each(5, x, count, parameter, bias, out);
  else if (code == 6) each(6, x, count, parameter, bias, out);
  else if (code == 11) each(11, x, count, parameter, bias, out);
  else eachPrecise(code, x, count, code == 4 || code == 8 ? parameter : 0, bias, out);
}

/** The codes that go by way of float64: f(x + bias + parameter). */
function eachPrecise(code: i32, x: usize, count: i32, parameter: f32, bias: usize, out: usize): void {
  const shift = f32x4.splat(parameter);
  for (let left = count; left > 0; left -= 4) {
    let at = x;
    if (left < 4) {
      memory.copy(scratch, x, (<usize>left) * 4);
      at = scratch;
    }
    let z = v128.load(at);
    if (bias) {
      z = f32x4.add(z, v128.load(bias));
      bias += 16;
    }
    v128.store(left < 4 ? scratch : out, precisely(code, f32x4.add(z, shift)));
    if (left < 4) memory.copy(out, scratch, (<usize>left) * 4);
    x += 16;
    out += 16;
  }
}
