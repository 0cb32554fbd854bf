/**
 * @file Small checks of the public boundary, with the house's wording.
 */
import { show } from "./errors.ts";

/**
 * Returns the value, or refuses it: `where: expected <what>, got <value>`.
 *
 * @throws RangeError if it does not fit
 * @example
 * ```ts
 * import { required } from "@splineformer/tensor";
 * required(3 > 0, "window", "a length > 0", 3); // 3
 * ```
 */
export function required<V>(fits: boolean, where: string, what: string, value: V): V {
  if (!fits) throw new RangeError(`${where}: expected ${what}, got ${show(value)}`);
  return value;
}

/**
 * Refuses options that do not exist, so that a misspelt one is not silently ignored.
 *
 * @throws RangeError naming the function, the known options and the unknown one
 * @example
 * ```ts
 * import { checkOptions } from "@splineformer/tensor";
 * try {
 *   checkOptions("forward", { onn: "cpu" }, ["on"]);
 * } catch (error) {
 *   String(error); // 'RangeError: forward: expected options on, got "onn"'
 * }
 * ```
 */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new RangeError(`${where}: expected an object of options, got ${show(options)}`);
  for (const key of Object.keys(options))
    if (!known.includes(key))
      throw new RangeError(
        `${where}: expected ${known.length ? `options ${known.join(", ")}` : "no options"}, got ${show(key)}`,
      );
}

/** Refuses what is no device and no recorder. */
export function checkOperations(where: string, what: string, ops: unknown): void {
  const known =
    typeof ops === "object" && ops !== null && typeof (ops as { constant?: unknown }).constant === "function";
  required(known, where, `${what} to be a device or other operations`, ops);
}

/** Refuses what is no record of named things. */
export function checkRecord(where: string, what: string, value: unknown): void {
  const fits = typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
  required(fits, where, what, value);
}
