/** @file What the examples in the tests are about. */

/** `2x`. */
export function double(x: number): number {
  return 2 * x;
}
