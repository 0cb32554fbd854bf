/**
 * @file The exponential of softmax, from additions and multiplications alone: a GPU's own may err by many units in the
 * last place (WGSL allows `exp` 3 + 2|x| of them).
 */
import type { HelperFunction } from "./kernel.ts";

/**
 * `e^(−t)` for t ≥ 0, which never overflows; below 2⁻¹²⁶ it is 0. Right to 0.6 units in the last place where the
 * compiler keeps the order of additions, to 1 elsewhere.
 *
 * With n = round(t / log 2) it is 2⁻ⁿ e^r for r = n log 2 − t, |r| ≤ log(2)/2. log 2 is subtracted in two parts, the
 * first of nine bits, so that n times it is exact; what rounding takes from r and from 1 + r is added at the end.
 * The polynomial is that of Cephes' `expf`.
 */
export const decay: HelperFunction = {
  name: "decay",
  arguments: 1,
  source: `function decay(t) {
  if (t > 87.3) { return 0.0; }
  let n = Math.floor(t * 1.44269504088896341 + 0.5);
  const first = n * 0.693359375 - t;
  const second = n * 0.00021219444005469057;
  const r = first - second;
  const rest = (first - r) - second;
  let p = 0.00019875691500;
  p = p * r + 0.0013981999507;
  p = p * r + 0.0083334519073;
  p = p * r + 0.041665795894;
  p = p * r + 0.16666665459;
  p = p * r + 0.50000001201;
  const s = 1 + r;
  let y = s + (((1 - s) + r) + (rest + p * (r * r)));
  if (n >= 64) { y = y * 5.421010862427522e-20; n = n - 64; }
  if (n >= 32) { y = y * 2.3283064365386963e-10; n = n - 32; }
  if (n >= 16) { y = y * 0.0000152587890625; n = n - 16; }
  if (n >= 8) { y = y * 0.00390625; n = n - 8; }
  if (n >= 4) { y = y * 0.0625; n = n - 4; }
  if (n >= 2) { y = y * 0.25; n = n - 2; }
  if (n >= 1) { y = y * 0.5; }
  return y;
}`,
};
