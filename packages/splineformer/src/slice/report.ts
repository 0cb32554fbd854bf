/** @file What `splineformer slice` finds, as data: the same for `--json`, the text and the page. */
export interface SliceReport {
  readonly model: { readonly name: string; readonly parameters: number; readonly degree: number };
  /** The inputs at (0, 0), (1, 0) and (0, 1). */
  readonly inputs: readonly string[];
  /** Where the files were written. */
  readonly page: string;
  readonly picture: string;
  readonly scanlines: number;
  /** On all scanlines together. */
  readonly pieces: number;
  /** On one scanline, the fewest and the most. */
  readonly piecesPerScanline: readonly [fewest: number, most: number];
  /** "exact": all cells there are; "scanlines": those that the scanlines meet, connected as far as they tell. */
  readonly topology: "exact" | "scanlines";
  readonly cells: number;
  readonly patterns: number;
  readonly boundaries: number;
  readonly decisions: readonly { readonly classes: readonly [number, number]; readonly points: number }[];
  /** By class, the part of the window where it is the largest output. */
  readonly classes: Readonly<Record<string, number>>;
  /** Units that stay within rounding of a kink on a part of a scanline. */
  readonly flat: number;
  readonly noise: number;
  /** The cell that was asked for. */
  readonly cell: {
    readonly a: number;
    readonly b: number;
    /** By gate: how many of its units are not in their lowest piece. */
    readonly on: Readonly<Record<string, readonly [on: number, units: number]>>;
    readonly degree: number;
    /** The output that is shown: its column. */
    readonly output: number;
    readonly terms: readonly { readonly powers: readonly [number, number]; readonly coefficient: number }[];
  };
  readonly claims: readonly { readonly claim: string; readonly measured: number; readonly holds: boolean }[];
}
