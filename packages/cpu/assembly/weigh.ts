/**
 * @file Scores to weights for whole rows, in the order of operations of the definition: scale, bias, activation, division,
 * each rounded. `precise` asks for exponentials right to half an ulp; otherwise those of `transcendental.ts` are used.
 */
import { SOFTMAX, SPARSEMAX } from "./codes";
import { COLUMNS32 } from "./kernel32";
import { transposeB32 } from "./pack";
import {
  divideLanes,
  hideScores,
  LOWEST,
  maskScores,
  preciseExponentials,
  preciseScores,
  reluScores,
  sigmoidScores,
  softmaxScores,
  softplusScores,
  sparsemaxScores,
  squaredReluScores,
  storeLanes,
} from "./scores";

/**
 * s [keys][8] ← weights of 8 queries from `query` on, `valid` of them real. `shift`, `divisor` and `visible` lead to the
 * terms of these queries. `lanes` (128 bytes) receives maxima or thresholds, and sums at 32.
 */
export function weighScores(
  s: usize, keys: i32, query: i32, valid: i32, code: i32, parameter: f32, scale: f32, window: i32,
  shift: usize, divisor: usize, visible: usize, visibleStride: usize, precise: bool, lanes: usize,
): void {
  const rows = code == SOFTMAX || code == SPARSEMAX;
  const hidden: f32 = rows ? -Infinity : 0;
  if (code == 1) reluScores(s, keys);
  else if (code == 2) squaredReluScores(s, keys);
  else if (code == 3) softplusScores(s, keys, scale, parameter);
  else if (code == 8 || (code == 4 && precise)) preciseScores(code, s, keys, scale, shift);
  else if (code == 4) sigmoidScores(s, keys, scale, shift);
  if (window) maskScores(s, 0, keys, query, window, hidden);
  if (visible) hideScores(s, keys, visible, visibleStride, valid, hidden);
  if (code == SPARSEMAX) sparsemaxScores(s, keys, scale, lanes);
  if (code == SOFTMAX) {
    const sums = lanes + 32;
    if (precise) preciseExponentials(s, keys, scale, lanes, sums);
    else {
      for (let i: usize = 0; i < 32; i += 16) {
        v128.store(lanes + i, f32x4.splat(LOWEST));
        v128.store(sums + i, f32x4.splat(0));
      }
      softmaxScores(s, keys, scale, lanes, sums, lanes + 64);
    }
    // nothing visible: weights of 0 stay 0
    for (let i: usize = 0; i < 32; i += 4) {
      const sum = load<f32>(sums + i);
      store<f32>(lanes + 64 + i, sum == 0 ? 1 : sum);
    }
    divideLanes(s, keys, lanes + 64);
  }
  const one = f32x4.splat(1);
  if (v128.any_true(v128.or(f32x4.ne(v128.load(divisor), one), f32x4.ne(v128.load(divisor, 16), one))))
    divideLanes(s, keys, divisor);
}

/**
 * Scores [queries × keys] → weights f(scale · s + shift) / divisor in place, with `shift`, `divisor` per query (padded to
 * 8). Codes as in `codes.ts`. `work` holds 256 + 32 · keys bytes.
 */
export function weigh32(
  x: usize, queries: i32, keys: i32, code: i32, parameter: f32, scale: f32, window: i32,
  shift: usize, divisor: usize, visible: usize, visibleStride: usize, precise: bool, work: usize,
): void {
  const s = work + 256;
  const stride = (<usize>keys) * 4;
  for (let q = 0; q < queries; q += COLUMNS32) {
    const valid = min(queries - q, COLUMNS32);
    const at = x + (<usize>q) * stride;
    const lanes = (<usize>q) * 4;
    const seen = visible ? visible + (<usize>q) * visibleStride : 0;
    transposeB32(at, stride, valid, keys, s);
    weighScores(
      s, keys, q, valid, code, parameter, scale, window, shift + lanes, divisor + lanes, seen, visibleStride, precise,
      work,
    );
    storeLanes(s, keys, valid, at, stride);
  }
}
