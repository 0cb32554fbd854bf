/**
 * @file The product of weights and values where most weights are 0, as ReLU makes them: each query's positive weights are
 * compressed into a list, and the value rows of that list are added up.
 */
/** For each set of lanes that are kept (4 bits), the bytes that move them to the front. */
const moves = memory.data<u8>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  8, 9, 10, 11, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11, 12, 13, 14, 15,
  4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  12, 13, 14, 15, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15,
  4, 5, 6, 7, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15,
  8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 12, 13, 14, 15,
  4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
]);

/** Whether at most two fifths of a block's weights are positive, by every eighth key. */
export function isSparse(s: usize, keys: i32): bool {
  let positive = 0;
  let rows = 0;
  const zero = f32x4.splat(0);
  for (let key = 0; key < keys; key += 8) {
    const p = s + (<usize>key) * 32;
    positive += popcnt(i32x4.bitmask(f32x4.gt(v128.load(p), zero)));
    positive += popcnt(i32x4.bitmask(f32x4.gt(v128.load(p, 16), zero)));
    rows++;
  }
  return 5 * positive <= 2 * 8 * rows;
}

// @ts-ignore: decorator
@inline
function append(x: v128, offsets: v128, weightsTo: usize, offsetsTo: usize): usize {
  const kept = i32x4.bitmask(f32x4.gt(x, f32x4.splat(0)));
  const move = v128.load(moves + ((<usize>kept) << 4));
  v128.store(weightsTo, i8x16.swizzle(x, move));
  v128.store(offsetsTo, i8x16.swizzle(offsets, move));
  return (<usize>popcnt(kept)) << 2;
}

/**
 * Four lanes of s [keys][8] as four lists, `list` bytes apart, of positive weights and of the byte offsets of their value
 * rows; `ends` receives the lists' lengths in bytes. Keys are a multiple of 4, the last ones 0 if need be.
 */
export function compress(s: usize, keys: i32, stride: usize, weights: usize, offsets: usize, list: usize, ends: usize): void {
  let e0: usize = 0;
  let e1 = list;
  let e2 = 2 * list;
  let e3 = 3 * list;
  const unit = <i32>stride;
  let at = i32x4.mul(i32x4.splat(unit), i32x4(0, 1, 2, 3));
  const advance = i32x4.splat(4 * unit);
  for (const end = s + (<usize>keys) * 32; s < end; s += 128) {
    const a = v128.load(s);
    const b = v128.load(s, 32);
    const c = v128.load(s, 64);
    const d = v128.load(s, 96);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const AB = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const CD = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    e0 += append(v128.shuffle<f64>(ab, cd, 0, 2), at, weights + e0, offsets + e0);
    e1 += append(v128.shuffle<f64>(ab, cd, 1, 3), at, weights + e1, offsets + e1);
    e2 += append(v128.shuffle<f64>(AB, CD, 0, 2), at, weights + e2, offsets + e2);
    e3 += append(v128.shuffle<f64>(AB, CD, 1, 3), at, weights + e3, offsets + e3);
    at = i32x4.add(at, advance);
  }
  store<i32>(ends, <i32>e0);
  store<i32>(ends, <i32>(e1 - list), 4);
  store<i32>(ends, <i32>(e2 - 2 * list), 8);
  store<i32>(ends, <i32>(e3 - 3 * list), 12);
}

/** out [32] += Σ weight · row over a list of `bytes`. */
export function gather32(weights: usize, offsets: usize, bytes: i32, values: usize, out: usize): void {
  let c0 = v128.load(out);
  let c1 = v128.load(out, 16);
  let c2 = v128.load(out, 32);
  let c3 = v128.load(out, 48);
  let c4 = v128.load(out, 64);
  let c5 = v128.load(out, 80);
  let c6 = v128.load(out, 96);
  let c7 = v128.load(out, 112);
  for (const end = weights + <usize>bytes; weights < end; weights += 4) {
    const w = v128.load32_splat(weights);
    const row = values + <usize>load<i32>(offsets);
    c0 = f32x4.add(c0, f32x4.mul(w, v128.load(row)));
    c1 = f32x4.add(c1, f32x4.mul(w, v128.load(row, 16)));
    c2 = f32x4.add(c2, f32x4.mul(w, v128.load(row, 32)));
    c3 = f32x4.add(c3, f32x4.mul(w, v128.load(row, 48)));
    c4 = f32x4.add(c4, f32x4.mul(w, v128.load(row, 64)));
    c5 = f32x4.add(c5, f32x4.mul(w, v128.load(row, 80)));
    c6 = f32x4.add(c6, f32x4.mul(w, v128.load(row, 96)));
    c7 = f32x4.add(c7, f32x4.mul(w, v128.load(row, 112)));
    offsets += 4;
  }
  v128.store(out, c0);
  v128.store(out, c1, 16);
  v128.store(out, c2, 32);
  v128.store(out, c3, 48);
  v128.store(out, c4, 64);
  v128.store(out, c5, 80);
  v128.store(out, c6, 96);
  v128.store(out, c7, 112);
}
/** The same for 4 entries. */
export function gather4(weights: usize, offsets: usize, bytes: i32, values: usize, out: usize): void {
  let sum = v128.load(out);
  for (const end = weights + <usize>bytes; weights < end; weights += 4) {
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weights), v128.load(values + <usize>load<i32>(offsets))));
    offsets += 4;
  }
  v128.store(out, sum);
}

/** Bytes of work of `sparseValues` for blocks of so many keys. */
export function sparseWork(keys: i32): usize {
  return 64 + (<usize>(keys + 8)) * 32;
}

/**
 * rows [8][e, padded to 4] += Sᵀᵀ V for s [keys][8] of nonnegative weights, and V with rows `stride` bytes apart. There is
 * room for three more keys behind s, which become 0; a row of V is read up to three entries beyond its end.
 */
export function sparseValues(s: usize, keys: i32, values: usize, stride: usize, e: i32, rows: usize, work: usize): void {
  const list = (<usize>(keys + 8)) * 4;
  const weights = work + 64;
  const offsets = weights + 4 * list;
  const columns = (<usize>((e + 3) & ~3)) * 4;
  memory.fill(s + (<usize>keys) * 32, 0, 96);
  const padded = (keys + 3) & ~3;
  for (let half: usize = 0; half < 2; half++) {
    compress(s + half * 16, padded, stride, weights, offsets, list, work);
    for (let lane: usize = 0; lane < 4; lane++) {
      const bytes = load<i32>(work + lane * 4);
      const w = weights + lane * list;
      const o = offsets + lane * list;
      let c: usize = 0;
      for (; c + 128 <= columns; c += 128) gather32(w, o, bytes, values + c, rows + c);
      for (; c < columns; c += 16) gather4(w, o, bytes, values + c, rows + c);
      rows += columns;
    }
  }
}

/** out ← (out + rows) / divisor for `count` rows of e, the divisors being lanes. */
export function addRows(rows: usize, e: i32, count: i32, lanesDivisor: usize, out: usize, stride: usize): void {
  const columns = (<usize>((e + 3) & ~3)) * 4;
  for (let r = 0; r < count; r++) {
    const divisor = v128.load32_splat(lanesDivisor + (<usize>r) * 4);
    let c: usize = 0;
    for (; c + 16 <= (<usize>e) * 4; c += 16)
      v128.store(out + c, f32x4.div(f32x4.add(v128.load(out + c), v128.load(rows + c)), divisor));
    for (; c < (<usize>e) * 4; c += 4)
      store<f32>(out + c, (load<f32>(out + c) + load<f32>(rows + c)) / f32x4.extract_lane(divisor, 0));
    rows += columns;
    out += stride;
  }
}
