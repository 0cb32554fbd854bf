/**
 * @file Learning-rate schedules: a factor of the optimiser's rate, as a function of how far the run is. Functions of the
 * fraction alone need no state, so that a run that is taken up again goes on where it was.
 */
import { checkOptions, required } from "@splineformer/tensor";

/** From the fraction of the run that lies behind, in [0, 1), to a factor of the learning rate. */
export type Schedule = (fraction: number) => number;

/**
 * Always 1.
 *
 * @example
 * ```ts
 * import { constantRate } from "@splineformer/training";
 * constantRate(0.5); // 1
 * ```
 */
export const constantRate: Schedule = () => 1;

export interface CosineOptions {
  /** The fraction of the run that climbs from 0 to 1, 0 ≤ warmUp < 1; default 0. */
  readonly warmUp?: number;
  /** What the rate falls to, as a factor; default 0. */
  readonly floor?: number;
}

/**
 * A line up to 1 during the warm-up, then half a cosine down to `floor`.
 *
 * @throws RangeError if an option is out of range
 * @source arXiv 1608.03983 (one period, no restarts)
 * @example
 * ```ts
 * import { cosine } from "@splineformer/training";
 * const schedule = cosine({ warmUp: 0.2 });
 * [schedule(0.1), schedule(0.2), schedule(0.6)].map((x) => x.toFixed(3)); // ["0.500", "1.000", "0.500"]
 * ```
 */
export function cosine(options: CosineOptions = {}): Schedule {
  checkOptions("cosine", options, ["warmUp", "floor"]);
  const { warmUp = 0, floor = 0 } = options;
  required(warmUp >= 0 && warmUp < 1, "cosine", "warmUp in [0, 1)", warmUp);
  required(floor >= 0 && floor <= 1, "cosine", "floor in [0, 1]", floor);
  return (fraction) => {
    if (fraction < warmUp) return fraction / warmUp;
    const after = (fraction - warmUp) / (1 - warmUp);
    return floor + (1 - floor) * (0.5 + 0.5 * Math.cos(Math.PI * after));
  };
}
