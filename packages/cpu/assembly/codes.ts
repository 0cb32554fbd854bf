/**
 * @file Codes of what weighs rows, beside the pointwise ones of `activate.ts`.
 */
export const SOFTMAX: i32 = 20;
export const SPARSEMAX: i32 = 21;
