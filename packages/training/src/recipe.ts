/** @file What trained exact splines as well as soft transformers, as options of `fit`. Where a model starts, `createEncoder` decides. */
import { checkOptions, required } from "@splineformer/tensor";
import type { FitOptions } from "./fit.ts";
import { adam } from "./optimizers.ts";
import { cosine } from "./schedules.ts";

export interface RecipeOptions {
  /** Times the data is gone through. */
  readonly epochs: number;
  /** The largest learning rate; default 8e-3. ReLU attention wants a higher one than softmax does: 6e-3 to 1e-2. */
  readonly learningRate?: number;
  /** Examples for one gradient; default 64. */
  readonly batch?: number;
}

/**
 * Options of `fit` that suit models without a norm: Adam with β₂ = .98, one epoch of warm-up (of a short run, a fifth), half a
 * cosine down to 0, batches of 64.
 *
 * Spread it and override what you like. Sequences train more surely with `clip: 1`, too.
 *
 * @returns `optimizer`, `schedule`, `epochs` and `batch`
 * @throws RangeError if an option is unknown or out of range
 * @example
 * ```ts
 * import { recipe } from "@splineformer/training";
 * const { optimizer, schedule, batch } = recipe({ epochs: 25 });
 * [optimizer.name, optimizer.learningRate, batch]; // ["adam", 0.008, 64]
 * schedule?.(0.02).toFixed(3); // "0.500": half way up the first epoch
 * ```
 */
export function recipe(
  options: RecipeOptions,
): Required<Pick<FitOptions, "optimizer" | "schedule" | "epochs" | "batch">> {
  checkOptions("recipe", options, ["epochs", "learningRate", "batch"]);
  const { epochs, learningRate = 8e-3, batch = 64 } = options;
  for (const [name, count] of Object.entries({ epochs, batch }))
    required(Number.isSafeInteger(count) && count > 0, "recipe", `${name} to be a whole number > 0`, count);
  required(Number.isFinite(learningRate) && learningRate > 0, "recipe", "learningRate > 0", learningRate);
  return {
    optimizer: adam({ learningRate, beta2: 0.98 }),
    schedule: cosine({ warmUp: Math.min(1 / epochs, 0.2) }),
    epochs,
    batch,
  };
}
