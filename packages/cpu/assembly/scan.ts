/**
 * @file Attention to a fixed query as a recurrence (Aaren, arXiv 2405.13956), float32. Letters: s = scale · q·k the score of
 * a token, m the maximum of scores so far, a = Σ v e^(s − m), c = Σ e^(s − m); the average is a/c.
 * A state is a [e], then m and c.
 */
import { LOWEST } from "./scores";
import { expNegative } from "./transcendental";

// @ts-ignore: decorator
@inline
function exp1(x: f32): f32 {
  return f32x4.extract_lane(expNegative(f32x4.splat(x)), 0);
}

/** q · k, in four partial sums. */
// @ts-ignore: decorator
@inline
function dot(q: usize, k: usize, d: i32): f32 {
  let sum = f32x4.splat(0);
  let other = sum;
  let i = 0;
  for (; i + 8 <= d; i += 8) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(q), v128.load(k)));
    other = f32x4.add(other, f32x4.mul(v128.load(q, 16), v128.load(k, 16)));
    q += 32;
    k += 32;
  }
  sum = f32x4.add(sum, other);
  let total =
    f32x4.extract_lane(sum, 0) +
    f32x4.extract_lane(sum, 1) +
    (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
  for (; i < d; i++) {
    total += load<f32>(q) * load<f32>(k);
    q += 4;
    k += 4;
  }
  return total;
}

/** One token: a ← a · keep + v · weight, and out ← a / c. */
export function absorb(score: f32, value: usize, e: i32, state: usize, out: usize): void {
  const end = state + (<usize>e) * 4;
  const m = load<f32>(end);
  const top = max(m, score);
  const keep: f32 = m == top ? 1 : exp1(m - top);
  const weight: f32 = score == top ? 1 : exp1(score - top);
  const c = load<f32>(end, 4) * keep + weight;
  store<f32>(end, top);
  store<f32>(end, c, 4);
  const k4 = f32x4.splat(keep);
  const w4 = f32x4.splat(weight);
  const c4 = f32x4.splat(c);
  let a = state;
  for (const last = state + (<usize>(e & ~3)) * 4; a < last; a += 16) {
    const sum = f32x4.add(f32x4.mul(v128.load(a), k4), f32x4.mul(v128.load(value), w4));
    v128.store(a, sum);
    v128.store(out, f32x4.div(sum, c4));
    value += 16;
    out += 16;
  }
  for (; a < end; a += 4) {
    const sum = load<f32>(a) * keep + load<f32>(value) * weight;
    store<f32>(a, sum);
    store<f32>(out, sum / c);
    value += 4;
    out += 4;
  }
}

/** The state before any token. */
export function startState(state: usize, e: i32): void {
  memory.fill(state, 0, (<usize>(e + 2)) * 4);
  store<f32>(state + (<usize>e) * 4, LOWEST);
}

/** Tokens one after the other: scores [n], values [n × e] → averages [n × e]. */
export function scan32(n: i32, e: i32, scores: usize, values: usize, state: usize, out: usize): void {
  const stride = (<usize>e) * 4;
  for (let i = 0; i < n; i++) {
    absorb(load<f32>(scores), values, e, state, out);
    scores += 4;
    values += stride;
    out += stride;
  }
}

/** Tokens for all heads: keys [n × heads · d], values [n × heads · e] → [n × heads · e]; states [heads][e + 2]. */
export function stream32(
  n: i32, heads: i32, d: i32, e: i32, scale: f32, query: usize, keys: usize, values: usize, states: usize, out: usize,
): void {
  for (let i = 0; i < n; i++) {
    let q = query;
    let state = states;
    for (let h = 0; h < heads; h++) {
      absorb(scale * dot(q, keys, d), values, e, state, out);
      q += (<usize>d) * 4;
      keys += (<usize>d) * 4;
      values += (<usize>e) * 4;
      out += (<usize>e) * 4;
      state += (<usize>(e + 2)) * 4;
    }
  }
}
