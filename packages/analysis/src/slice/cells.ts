/** @file What a slice holds: cells, the curves between them, and what it answers. */
import type { Unit } from "../causes.ts";
import type { CellAt } from "./cell-at.ts";
import type { BoundaryCurve, DecisionCurve } from "./link.ts";
import type { SliceWindow } from "./plane.ts";
import type { Scanline } from "./scanline.ts";

/** A cell: a part of the plane with one activation pattern, connected as far as is known. */
export interface Cell {
  /** A place in it. */
  readonly a: number;
  readonly b: number;
  /** A number that stands for its pattern: cells with different keys have different patterns. */
  readonly key: number;
  /** By its scanlines: width times the height of their bands. With exact topology by a quadrature between all crossings. */
  readonly area: number;
}

/** A network in a window of a plane. */
export interface Slice {
  readonly window: SliceWindow;
  /** From the lowest b to the highest. Each is exact. */
  readonly scanlines: readonly Scanline[];
  /**
   * "exact": no gate reads another, and all read polynomials of degree at most 2, so `cells` are all there are, found by a
   * sweep over lines and conics; places nearer than a millionth of the window are one. Else "scanlines": exact on the
   * scanlines; how things are connected between two of them is the simplest that fits, and what lies between two is not seen.
   */
  readonly topology: "exact" | "scanlines";
  /** The degree by the rules of composition; a cell may have less. */
  readonly degree: number;
  readonly cells: readonly Cell[];
  /** For every scanline the cell of every piece, as a place in `cells`. */
  readonly cellsOf: readonly Uint32Array[];
  /** Where units switch, from scanline to scanline. */
  readonly curves: readonly BoundaryCurve[];
  /** Where the largest output changes, from scanline to scanline. */
  readonly decisions: readonly DecisionCurve[];
  /** A unit by its number. */
  unit(number: number): Unit;
  /**
   * What the network is around a place: the pattern and the polynomial in a and b.
   *
   * @throws RangeError if the place is not in the window
   */
  cellAt(a: number, b: number): CellAt;
  /** `sliceSvg` of it. */
  toSvg(options?: SliceSvgOptions): string;
}

/** What pictures of a slice have in common. */
export interface SlicePicture {
  /** Width and height of the window in pixels. Default 720. */
  readonly size?: number;
  /** Whether the boundaries of cells are drawn. Default "drawn". */
  readonly boundaries?: "drawn" | "hidden";
}

export interface SliceSvgOptions extends SlicePicture {
  /** Places to mark, such as the inputs that the plane goes through. */
  readonly marks?: readonly { readonly a: number; readonly b: number; readonly name: string }[];
  /** What to call output c. Default: its number. */
  readonly outputName?: (output: number) => string;
  /** Default: what is drawn. */
  readonly title?: string;
}
