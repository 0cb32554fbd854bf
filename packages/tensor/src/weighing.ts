/**
 * @file What may stand in the attributes of a weighing: its activation, mask and divisor. What they mean is in `weigh.ts`.
 */
import { activationOf, showActivation } from "./activations.ts";
import { checkOptions, required } from "./check.ts";
import { UnsupportedError } from "./errors.ts";
import type { Pointwise } from "./pointwise.ts";
import type { Divide, Mask, Weighing } from "./vocabulary.ts";

/**
 * Refuses what is no mask.
 *
 * @throws RangeError naming `where`
 * @example
 * ```ts
 * import { checkMask } from "@splineformer/tensor";
 * checkMask("attention", { window: 3 }); // undefined
 * ```
 */
export function checkMask(where: string, mask: Mask): void {
  const window = typeof mask === "object" && mask !== null ? mask.window : undefined;
  if (window !== undefined) checkOptions(where, mask as object, ["window"]);
  const known = mask === "none" || mask === "causal" || (Number.isInteger(window) && (window as number) > 0);
  required(known, where, 'mask "none", "causal" or { window: a whole number > 0 }', mask);
}

/**
 * Refuses what is no divisor.
 *
 * @throws RangeError naming `where`
 * @example
 * ```ts
 * import { checkDivide } from "@splineformer/tensor";
 * checkDivide("attention", { lengthPower: 0.5 }); // undefined
 * ```
 */
export function checkDivide(where: string, divide: Divide): void {
  const power = typeof divide === "object" && divide !== null ? divide.lengthPower : undefined;
  if (power !== undefined) checkOptions(where, divide as object, ["lengthPower"]);
  const known = divide === "none" || divide === "length" || Number.isFinite(power);
  required(known, where, 'divide "none", "length" or { lengthPower: a finite number }', divide);
}

/**
 * Refuses what does not weigh, or has no derivative entry by entry.
 *
 * @throws RangeError naming `where` if the activation is unknown
 * @throws UnsupportedError for softmax at order 1, whose derivative by one score is a row
 * @example
 * ```ts
 * import { checkWeighing } from "@splineformer/tensor";
 * checkWeighing("attention", "sparsemax", 1); // undefined
 * ```
 */
export function checkWeighing(where: string, activation: Weighing, order: 0 | 1): void {
  if (typeof activation === "object" && activation !== null && activation.name === "entmax") {
    checkOptions(where, activation, ["name", "alpha"]);
    const { alpha } = activation;
    required(typeof alpha === "number" && alpha >= 1 && alpha <= 2, where, "entmax alpha from 1 to 2", alpha);
  }
  const row = rowAlpha(activation);
  if (row === 1 && order === 1)
    throw new UnsupportedError(
      `${where}: expected an activation whose derivative acts entry by entry for order 1, got ${showWeighing(activation)}`,
    );
  if (row !== undefined) return;
  if (typeof activation === "object" && activation !== null && activation.name === "sigmoid") {
    checkOptions(where, activation, ["name", "bias"]);
    const { bias } = activation;
    required(bias === "-log length" || Number.isFinite(bias), where, 'sigmoid bias a number or "-log length"', bias);
    return;
  }
  try {
    activationOf(activation as Pointwise, where);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(
      error.message.replace(
        "an activation (",
        'an activation (softmax, sparsemax, { name: "entmax", alpha }, { name: "sigmoid", bias }, ',
      ),
    );
  }
}

/** The activations that weigh whole rows. */
export type RowWeighing = Extract<Weighing, "softmax" | "sparsemax" | { readonly name: "entmax" }>;

/**
 * Whether an activation's row of weights depends on every score of the row.
 *
 * @example
 * ```ts
 * import { actsOnRows } from "@splineformer/tensor";
 * actsOnRows("softmax"); // true
 * actsOnRows("relu"); // false
 * ```
 */
export const actsOnRows = (activation: Weighing): activation is RowWeighing => rowAlpha(activation) !== undefined;

/**
 * The α of a row's weights, in the family of entmax: 1 for softmax, 2 for sparsemax; undefined where weights are made
 * entry by entry. Only α = 2 is a piecewise polynomial.
 *
 * @example
 * ```ts
 * import { rowAlpha } from "@splineformer/tensor";
 * rowAlpha("sparsemax"); // 2
 * rowAlpha({ name: "entmax", alpha: 1.5 }); // 1.5
 * rowAlpha("relu"); // undefined
 * ```
 */
export function rowAlpha(activation: Weighing): number | undefined {
  if (activation === "softmax") return 1;
  if (activation === "sparsemax") return 2;
  return typeof activation === "object" && activation !== null && activation.name === "entmax"
    ? activation.alpha
    : undefined;
}

/**
 * The short name in messages and tables.
 *
 * @example
 * ```ts
 * import { showWeighing } from "@splineformer/tensor";
 * showWeighing({ name: "sigmoid", bias: -2 }); // "sigmoid(bias -2)"
 * ```
 */
export const showWeighing = (activation: Weighing): string => showActivation(activation);
