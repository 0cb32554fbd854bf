/**
 * @file Gates: the operations that are polynomials only piece by piece. A gate says where its pieces end, which piece holds
 * on a part (the *pattern*), and what the output is there. All columns are handled at a time; nothing is known of layers.
 * Letters: z the values of the gate's input at the Chebyshev nodes of an interval, `z[node * columns + column]`.
 */
import type { ColumnCut, Undecided } from "./sign-changes.ts";

/** What a gate says of its input on an interval. */
interface Reading {
  /** Where the pattern changes, and in which column. */
  readonly cuts: readonly ColumnCut[];
  readonly undecided: readonly Undecided[];
  /** Which piece each column is in, where it has no cuts. */
  readonly pattern: Uint8Array;
}

/** A piecewise polynomial operation, of one node. */
export interface Gate {
  readonly columns: number;
  /** @param noise - what rounding may have done to each column of z */
  read(z: Float64Array, noise: Float64Array): Reading;
  /** Which piece each column is in, on an interval on which no pattern changes. */
  pattern(z: Float64Array, noise: Float64Array): Uint8Array;
  /** Writes all of the output at the same nodes. */
  output(pattern: Uint8Array, z: Float64Array, out: Float64Array): void;
  /** Writes the deviation of the output's rounding error, given that of z and the largest |z| of each column. */
  outputDeviation(pattern: Uint8Array, deviation: Float64Array, size: Float64Array, out: Float64Array): void;
}
