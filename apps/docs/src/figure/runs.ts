/** @file The network run on devices, and smoothed: numbers to put next to the curve that was read from its weights. */
import { smooth } from "@splineformer/compiler";
import { type Device, forward, type Shaped, type SynchronousDevice, type Tensor, tensor } from "@splineformer/tensor";
import type { Encoder } from "@splineformer/transformer";
import type { CurvePiece } from "./network.ts";
import type { View } from "./state.ts";

/** Places to measure at: evenly spread over the view, and numbers that float32 holds, so that no input is rounded. */
export function placesIn({ from, to }: Pick<View, "from" | "to">, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    const x = Math.fround(from + ((to - from) * i) / (count - 1));
    return Math.min(Math.max(x, from), to);
  });
}

/** Places in every piece, both ends of it among them: softplus is furthest from ReLU where a unit switches. */
export function placesOnPieces(pieces: readonly CurvePiece[], perPiece = 6): Float64Array {
  const inner = pieces.flatMap(({ from, to }) =>
    Array.from({ length: perPiece }, (_, i) => from + ((to - from) * i) / perPiece),
  );
  return Float64Array.of(...inner, pieces[pieces.length - 1].to);
}

/** Each place is an input of its own: one token with one channel. */
const batchOf = (x: Float64Array): Tensor<"float64"> => tensor(x, [x.length, 1, 1]);

/** The network at these places, on any device. */
export async function run<T extends Shaped>(network: Encoder, x: Float64Array, on: Device<T>): Promise<Float64Array> {
  const result = await on.read(forward(network, batchOf(x), { on }));
  return Float64Array.from(result.data);
}

export function largestDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

/** The network with softplus for ReLU. */
export interface Smoothed {
  readonly x: Float64Array;
  readonly values: Float64Array;
  /** The largest distance from the ReLU network at these places, and the largest that is proven possible. */
  readonly distance: number;
  readonly bound: number;
}

/** Smooths, and measures against the curve that was read back. */
export function smoothed(
  network: Encoder,
  beta: number,
  x: Float64Array,
  sharp: Float64Array,
  on: SynchronousDevice,
): Smoothed {
  const soft = smooth(network, { softplus: beta });
  const input = batchOf(x);
  const values = Float64Array.from(forward(soft, input, { on }).data);
  const bound = soft.bound(input).data.reduce((largest, b) => Math.max(largest, b), 0);
  return { x, values, distance: largestDistance(values, sharp), bound };
}
