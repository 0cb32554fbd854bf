/**
 * @file Which keys a query sees, as tensors: what the names of masks cannot say. A query's place among the keys is its row
 * plus the keys that were there before (`past`).
 */
import { checkOptions, checkRecord, type Mask, required, type Tensor, tensor } from "@splineformer/tensor";
import { checkCount } from "./checks.ts";

/** Causal, where `past` keys come before the first query: query i sees keys 0 … i + past, or of these the last `window` places. */
export interface PastMask {
  readonly past: number;
  readonly window?: number;
}

/**
 * A mask by name over a rectangle whose first query comes after `past` keys.
 *
 * ```text
 * past 2            past 2, window 2      (rows: queries, columns: keys)
 * 1 1 1 0           0 1 1 0
 * 1 1 1 1           0 0 1 1
 * ```
 *
 * @returns [queries, keys], dtype bool
 * @throws RangeError if a number is no whole number ≥ 0, or the window none ≥ 1
 * @example
 * ```ts
 * import { causalVisibility } from "@splineformer/attention";
 * import { toNested } from "@splineformer/tensor";
 * toNested(causalVisibility(2, 4, { past: 2, window: 2 })); // [[false, true, true, false], [false, false, true, true]]
 * ```
 */
export function causalVisibility(queries: number, keys: number, mask: PastMask): Tensor<"bool"> {
  const where = "causalVisibility";
  checkCount(where, "queries", queries, 0);
  checkCount(where, "keys", keys, 0);
  checkPast(where, mask);
  const { past, window = Number.POSITIVE_INFINITY } = mask;
  const data = new Uint8Array(queries * keys);
  for (let i = 0; i < queries; i++) {
    const last = i + past;
    for (let j = Math.max(0, last - window + 1); j <= Math.min(last, keys - 1); j++) data[i * keys + j] = 1;
  }
  return tensor(data, [queries, keys]);
}

/**
 * Keys beyond each sequence's length are hidden, as where a batch was padded.
 *
 * @param lengths - for each of the batch, how many keys are real
 * @returns [batch, 1, 1, keys], dtype bool: for all heads and queries
 * @throws RangeError if a length is no whole number, or exceeds keys
 * @example
 * ```ts
 * import { lengthVisibility } from "@splineformer/attention";
 * [...lengthVisibility([1, 3], 3).data]; // [1, 0, 0, 1, 1, 1]
 * ```
 */
export function lengthVisibility(lengths: readonly number[], keys: number): Tensor<"bool"> {
  checkLengths("lengthVisibility", "lengths", lengths, keys);
  const data = Uint8Array.from({ length: lengths.length * keys }, (_, i) =>
    Number(i % keys < lengths[Math.floor(i / keys)]),
  );
  return tensor(data, [lengths.length, 1, 1, keys]);
}

/** Refuses what is no list of lengths up to the number of keys. */
export function checkLengths(where: string, name: string, lengths: readonly number[], keys: number): void {
  const whole = Array.isArray(lengths) && lengths.every((n) => Number.isInteger(n) && n >= 0 && n <= keys);
  required(whole, where, `${name} from 0 to ${keys}`, lengths);
}

/** Refuses what is no causal mask with a past. */
export function checkPast(where: string, mask: PastMask): void {
  checkRecord(where, "a mask { past, window }", mask);
  checkOptions(where, mask, ["past", "window"]);
  checkCount(where, "mask.past", mask.past, 0);
  if (mask.window !== undefined) checkCount(where, "mask.window", mask.window);
}

/** A named mask where `past` keys come before the first query; "none" hides nothing. */
export function shifted(mask: Mask, queries: number, keys: number, past: number): Tensor<"bool"> | undefined {
  if (mask === "none") return undefined;
  const window = mask === "causal" ? {} : mask;
  // a single query that comes last, as in decoding
  const sees = queries === 1 && past === keys - 1 && (mask === "causal" || mask.window >= keys);
  return sees ? undefined : causalVisibility(queries, keys, { past, ...window });
}
