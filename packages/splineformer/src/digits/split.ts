/** @file Which digits are trained on and which test, and how training moves them. Letters: dx, dy a shift in pixels. */
import { random, type Tensor } from "@splineformer/tensor";
import { type Dataset, takeRows } from "@splineformer/training";
import { type Digits, side } from "./mnist.ts";

/** Part of the images that only test. */
const tested = 0.2;
/** Training moves an image by up to so many pixels, in both directions. */
const mostShift = 2;
/** A stream that neither weights nor the order of a run draw from. */
const splitStream = 2 ** 40;

/** Four fifths to train on, and a fifth, drawn by the seed, to test with. */
export function splitDigits({ images, labels }: Digits, seed: number): { training: Digits; test: Digits } {
  const order = random(seed, { stream: splitStream }).permutation(labels.length);
  const count = Math.round(tested * labels.length);
  const take = (indices: readonly number[]): Digits => ({
    images: takeRows(images, indices),
    labels: Uint8Array.from(indices, (i) => labels[i]),
  });
  return { test: take(order.slice(0, count)), training: take(order.slice(count)) };
}

/** Digits as `fit` takes them: in every epoch each is shifted anew by up to two pixels a direction, and empty pixels come in. */
export function shiftedDigits({ images, labels }: Digits): Dataset<"x"> {
  return {
    length: labels.length,
    batch(indices, numbers) {
      const inputs = new Float32Array(indices.length * side * side);
      for (const [to, from] of indices.entries()) {
        const [dx, dy] = [0, 0].map(() => numbers.integer(2 * mostShift + 1) - mostShift);
        shift(images.data.subarray(from * side * side, (from + 1) * side * side) as Float32Array, dx, dy, inputs, to);
      }
      return {
        inputs: { dtype: "float32", shape: [indices.length, side, side], data: inputs },
        targets: labelsOf(indices.map((i) => labels[i])),
      };
    },
  };
}

/** Moves an image to the right by dx and down by dy, into place `to` of `out`, which is empty. */
function shift(image: Float32Array, dx: number, dy: number, out: Float32Array, to: number): void {
  const width = side - Math.abs(dx);
  for (let row = Math.max(0, dy); row < Math.min(side, side + dy); row++) {
    const from = (row - dy) * side + Math.max(0, -dx);
    out.set(image.subarray(from, from + width), (to * side + row) * side + Math.max(0, dx));
  }
}

/** A model that pools gives one token an image, [n, 1, 10]: so there is one label a token. */
const labelsOf = (labels: readonly number[]): Tensor => ({
  dtype: "int32",
  shape: [labels.length, 1],
  data: Int32Array.from(labels),
});
