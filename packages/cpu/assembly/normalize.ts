/**
 * @file Normalisation of rows, eight at a time: transposed to [column][8 rows], so that a row is a lane and sums run down
 * the columns in order, as in a plain loop. The result may take the place of x; rows are contiguous.
 */
import { COLUMNS32 } from "./kernel32";
import { transposeB32 } from "./pack";
import { storeLanes } from "./scores";

/** Each row of d to mean 0 (where `centre`) and mean square 1, with epsilon under the root. `work` holds 32 · d bytes. */
export function normalize32(x: usize, rows: i32, d: i32, centre: i32, epsilon: f32, out: usize, work: usize): void {
  const stride = (<usize>d) * 4;
  const end = work + (<usize>d) * 32;
  const length = f32x4.splat(<f32>d);
  for (let r = 0; r < rows; r += COLUMNS32) {
    const valid = min(rows - r, COLUMNS32);
    const at = x + (<usize>r) * stride;
    transposeB32(at, stride, valid, d, work);
    for (let half: usize = 0; half < 32; half += 16) {
      let mean = f32x4.splat(0);
      if (centre) {
        for (let p = work + half; p < end; p += 32) mean = f32x4.add(mean, v128.load(p));
        mean = f32x4.div(mean, length);
      }
      // a second pass: one alone loses everything to cancellation where the mean is large
      let square = f32x4.splat(0);
      for (let p = work + half; p < end; p += 32) {
        const centred = f32x4.sub(v128.load(p), mean);
        v128.store(p, centred);
        square = f32x4.add(square, f32x4.mul(centred, centred));
      }
      const deviation = f32x4.sqrt(f32x4.add(f32x4.div(square, length), f32x4.splat(epsilon)));
      for (let p = work + half; p < end; p += 32) v128.store(p, f32x4.div(v128.load(p), deviation));
    }
    storeLanes(work, d, valid, out + (<usize>r) * stride, stride);
  }
}
