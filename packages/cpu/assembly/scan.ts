/**
 * @file Attention to a fixed query as a recurrence (Aaren, arXiv 2405.13956), float32. Letters: s = scale · q·k the score of
 * a token, m the maximum of scores so far, a = Σ v e^(s − m), c = Σ e^(s − m); the average is a/c.
 * A state is m, c, and room for s and for two factors, [5][heads, padded to 4], so that exponentials are taken four heads
 * at a time; then a [heads][e].
 */
import { LOWEST } from "./scores";
import { expNegative } from "./transcendental";

// @ts-ignore: decorator
@inline
function lanesOf(heads: i32): usize {
  return (<usize>((heads + 3) & ~3)) * 4;
}
/** Bytes of a state. */
export function stateSize(heads: i32, e: i32): usize {
  return 5 * lanesOf(heads) + (<usize>(heads * e)) * 4;
}

/** q · k, in sixteen partial sums. */
// @ts-ignore: decorator
@inline
function dot(q: usize, k: usize, d: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let i = 0;
  for (; i + 16 <= d; i += 16) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(q), v128.load(k)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(q, 16), v128.load(k, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(q, 32), v128.load(k, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(q, 48), v128.load(k, 48)));
    q += 64;
    k += 64;
  }
  for (; i + 4 <= d; i += 4) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(q), v128.load(k)));
    q += 16;
    k += 16;
  }
  const sum = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
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

/** m ← max(m, s), c ← c · keep + weight, for all heads: what a and v are multiplied by, and 1/c in place of s. */
export function absorbScores(heads: i32, state: usize): void {
  const lanes = lanesOf(heads);
  const one = f32x4.splat(1);
  for (const end = state + lanes; state < end; state += 16) {
    const m = v128.load(state);
    const s = v128.load(state + 2 * lanes);
    const top = f32x4.pmax(m, s);
    const keep = expNegative(f32x4.sub(m, top));
    const weight = expNegative(f32x4.sub(s, top));
    const c = f32x4.add(f32x4.mul(v128.load(state + lanes), keep), weight);
    v128.store(state, top);
    v128.store(state + lanes, c);
    v128.store(state + 2 * lanes, f32x4.div(one, c));
    v128.store(state + 3 * lanes, keep);
    v128.store(state + 4 * lanes, weight);
  }
}

/** a ← a · keep + v · weight, and out ← a / c. */
export function absorbValue(e: i32, keep: f32, weight: f32, inverse: f32, value: usize, a: usize, out: usize): void {
  const k4 = f32x4.splat(keep);
  const w4 = f32x4.splat(weight);
  const i4 = f32x4.splat(inverse);
  const end = a + (<usize>e) * 4;
  for (const last = a + (<usize>(e & ~15)) * 4; a < last; a += 64) {
    const s0 = f32x4.add(f32x4.mul(v128.load(a), k4), f32x4.mul(v128.load(value), w4));
    const s1 = f32x4.add(f32x4.mul(v128.load(a, 16), k4), f32x4.mul(v128.load(value, 16), w4));
    const s2 = f32x4.add(f32x4.mul(v128.load(a, 32), k4), f32x4.mul(v128.load(value, 32), w4));
    const s3 = f32x4.add(f32x4.mul(v128.load(a, 48), k4), f32x4.mul(v128.load(value, 48), w4));
    v128.store(a, s0);
    v128.store(a, s1, 16);
    v128.store(a, s2, 32);
    v128.store(a, s3, 48);
    v128.store(out, f32x4.mul(s0, i4));
    v128.store(out, f32x4.mul(s1, i4), 16);
    v128.store(out, f32x4.mul(s2, i4), 32);
    v128.store(out, f32x4.mul(s3, i4), 48);
    value += 64;
    out += 64;
  }
  for (const last = a + ((end - a) & ~15); a < last; a += 16) {
    const sum = f32x4.add(f32x4.mul(v128.load(a), k4), f32x4.mul(v128.load(value), w4));
    v128.store(a, sum);
    v128.store(out, f32x4.mul(sum, i4));
    value += 16;
    out += 16;
  }
  for (; a < end; a += 4) {
    const sum = load<f32>(a) * keep + load<f32>(value) * weight;
    store<f32>(a, sum);
    store<f32>(out, sum * inverse);
    value += 4;
    out += 4;
  }
}

// @ts-ignore: decorator
@inline
function absorb(heads: i32, e: i32, value: usize, state: usize, out: usize): void {
  absorbScores(heads, state);
  const lanes = lanesOf(heads);
  const row = (<usize>e) * 4;
  let a = state + 5 * lanes;
  for (const end = state + (<usize>heads) * 4; state < end; state += 4) {
    const keep = load<f32>(state + 3 * lanes);
    absorbValue(e, keep, load<f32>(state + 4 * lanes), load<f32>(state + 2 * lanes), value, a, out);
    a += row;
    value += row;
    out += row;
  }
}

/** The state before any token. */
export function startState(heads: i32, e: i32, state: usize): void {
  memory.fill(state, 0, stateSize(heads, e));
  for (const end = state + lanesOf(heads); state < end; state += 4) store<f32>(state, LOWEST);
}

/** Tokens one after the other, one head: scores [n], values [n × e] → averages [n × e]. */
export function scan32(n: i32, e: i32, scores: usize, values: usize, state: usize, out: usize): void {
  const stride = (<usize>e) * 4;
  for (let i = 0; i < n; i++) {
    store<f32>(state + 32, load<f32>(scores));
    absorb(1, e, values, state, out);
    scores += 4;
    values += stride;
    out += stride;
  }
}

/** Tokens for all heads: keys [n × heads · d], values [n × heads · e] → [n × heads · e]. */
export function stream32(
  n: i32, heads: i32, d: i32, e: i32, scale: f32, query: usize, keys: usize, values: usize, state: usize, out: usize,
): void {
  const scores = state + 2 * lanesOf(heads);
  for (let i = 0; i < n; i++) {
    let q = query;
    for (let h: usize = 0; h < <usize>heads; h++) {
      store<f32>(scores + h * 4, scale * dot(q, keys, d));
      q += (<usize>d) * 4;
      keys += (<usize>d) * 4;
    }
    absorb(heads, e, values, state, out);
    values += (<usize>(heads * e)) * 4;
    out += (<usize>(heads * e)) * 4;
  }
}
