/**
 * @file What a device may offer for a long computation: memory in which its numbers stay, so that products copy nothing. Only
 * the contract; `@splineformer/cpu` keeps it. Letters: a [m, k], b [k, n], c [m, n].
 */

/** Where a matrix lies: entry (i, j) of it at `offset + i · stride + j`; stored transposed, at `offset + j · stride + i`. */
export interface PlacedMatrix {
  readonly numbers: Float64Array;
  readonly offset: number;
  readonly stride: number;
}

/** Numbers on a stack, and products of them. */
export interface Workspace {
  /**
   * Numbers of any value, up to the next `release` of an earlier mark; `undefined` where there is no more room.
   *
   * @param length - how many
   */
  take(length: number): Float64Array | undefined;
  /** How much is taken. */
  mark(): number;
  /** Gives back what was taken since. */
  release(mark: number): void;
  /**
   * c ← a b, plus a bias in every row if there is one, summed in the order of k. All numbers must have been taken from here.
   */
  multiply(
    m: number,
    n: number,
    k: number,
    a: PlacedMatrix,
    transposeA: boolean,
    b: PlacedMatrix,
    transposeB: boolean,
    c: PlacedMatrix,
    bias?: Float64Array,
  ): void;
  /** Gives all of it back, for the next computation that asks for a workspace; then nothing of it may be used. */
  close(): void;
}
