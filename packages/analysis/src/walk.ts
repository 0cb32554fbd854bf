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
  /** Which piece every gate is in, by node. */
  readonly patterns: ReadonlyMap<Applied, Uint8Array>;
}

/** A gate's entry that was too small on a part of the line to tell its sign. */
export interface Flat {
  readonly from: number;
  readonly to: number;
  readonly node: Applied;
  readonly entry: number;
}

export interface Walk {
  /** Where an earlier walk stopped: the end of its last piece; 0 at the start. */
  readonly done: number;
  /** What the method left at `done` for itself; undefined at the start. */
  readonly state: unknown;
  /** Asked before every piece and every part of one; false: stop here. May throw. */
  mayGoOn(): boolean;
  /** @param state - what the method needs to go on after this piece, if anything; plain data */
  onPiece(piece: Piece, state?: unknown): void;
  onFlat(flat: Flat): void;
}
