/** @file The network with softplus for ReLU, next to the proven bound. */
import { smooth } from "@splineformer/compiler";
import { tensor } from "@splineformer/tensor";
import type { Encoder } from "@splineformer/transformer";
import { outputs } from "./compare.ts";
import type { Smoothing } from "./report.ts";
import { pointsOfPieces, pointsPerPiece } from "./sampling.ts";

/** A smoothed network's values and its distance from the network it was made of. */
export interface Smoothed {
  readonly summary: Smoothing;
  readonly x: Float64Array;
  readonly values: Float64Array;
  readonly distance: Float64Array;
  readonly bound: Float64Array;
}

/** How many points are done at once. */
const portion = 256;

/**
 * Smooths with every β, and measures on a grid that holds every knot.
 *
 * @param noise - what rounding may have done to a value; what two evaluations may differ by is no part of the distance
 * @param pause - awaited between two portions of the points
 */
export async function smoothings(
  network: Encoder,
  knots: readonly number[],
  betas: readonly number[],
  noise: number,
  pause: () => Promise<void>,
): Promise<Smoothed[]> {
  const [first, last] = [knots[0], knots[knots.length - 1]];
  const x = pointsOfPieces(knots.slice(1, -1), first, last, pointsPerPiece(knots.length - 1, 33));
  const sharp = outputs(network, x);
  const found: Smoothed[] = [];
  for (const beta of betas) {
    const smoothed = smooth(network, { softplus: beta });
    const values = new Float64Array(x.length);
    const bound = new Float64Array(x.length);
    for (let from = 0; from < x.length; from += portion) {
      await pause();
      const some = x.subarray(from, from + portion);
      values.set(outputs(smoothed, some), from);
      bound.set(smoothed.bound(tensor(some, [some.length, 1, 1])).data, from);
    }
    const distance = values.map((value, i) => Math.abs(value - sharp[i]));
    const summary = {
      beta,
      largest: Math.max(...distance),
      bound: Math.max(...bound),
      // a network without bends is not moved, and its bound may be 0
      ratio: Math.max(...distance.map((d, i) => (d <= 2 * noise ? 0 : (d - 2 * noise) / bound[i]))),
    };
    found.push({ summary, x, values, distance, bound });
  }
  return found;
}
