/**
 * @file What a method is asked for and what it finds: pieces in order, and what could not be decided.
 */
import type { Applied, Tensor } from "@splineformer/tensor";

/** An interval of the line on which the network is one polynomial. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  /** The output at the Chebyshev–Lobatto nodes of the interval, [nodes, …shape]. */
  readonly values: Tensor<"float64">;
  /** What rounding may have done to it, entry by entry. */
  readonly noise: Float64Array;
  readonly patterns: Patterns;
}

/** A piece as the walk comes upon it; the line may have been cut where no gate switches. */
export interface WalkedPiece extends Piece {
  readonly soft: boolean;
  readonly slack: number;
}

/** Which piece every gate's entries are in, by node. */
export type Patterns = ReadonlyMap<Applied, Uint8Array>;

/** A gate's entry that was too small on a part of the line to tell its sign. */
export interface Flat {
  readonly from: number;
  readonly to: number;
  readonly node: Applied;
  readonly entry: number;
}

/** A line being walked: its pieces in order, and `undefined` between them where there is a moment to look at the clock. */
export type Walk = Generator<Piece | undefined, void, void>;
