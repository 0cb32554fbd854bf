/**
 * @file `slice`: a network in a plane through real inputs, cut into its cells of constant activation pattern. Exact scanlines,
 * coarse ones first, linked by what switches. Letters: x(a, b) = origin + a·u + b·v.
 */
import { checkOptions, type Given, type Graph, type Network, show } from "@splineformer/tensor";
import { checkedDevice, checkedMethod, checkSignal, methodFor } from "../engine/options.ts";
import { columnsOfRow, type EntryIndex } from "../output-rows.ts";
import type { LineOptions } from "../restrict-to-line.ts";
import { readCell } from "./cell-at.ts";
import type { Cell, Slice } from "./cells.ts";
import { type Sweep, sweepConics } from "./conic-sweep.ts";
import { linked } from "./link.ts";
import { type Plane, planeOf, type SliceWindow } from "./plane.ts";
import { readScanline, type Scanline } from "./scanline.ts";
import { sliceSvg } from "./slice-svg.ts";

/** Which plane is read, and how finely. */
export interface PlaneOptions extends Pick<LineOptions, "method" | "on" | "signal"> {
  /** The input at a = b = 0, or inputs by name. */
  readonly origin: Given<string>;
  /** The direction of a: the input at a = 1 less the origin. */
  readonly u: Given<string>;
  /** The direction of b. */
  readonly v: Given<string>;
  /** Which part of the plane is read. Default 0 ≤ a ≤ 1, 0 ≤ b ≤ 1. */
  readonly window?: SliceWindow;
  /** How many scanlines, evenly spread, each in the middle of its band. Default 128. */
  readonly rows?: number;
  /** Which row of the output holds the classes, where it has several. Default: the only row; else no classes. */
  readonly row?: EntryIndex;
}

export interface SliceOptions extends PlaneOptions {
  /** Called after every scanline with the part that is done, from 0 to 1. */
  readonly onProgress?: (done: number) => void;
  /** Called with a coarser slice whenever its scanlines are complete: each has twice as many as the one before. */
  readonly onRefined?: (slice: Slice) => void;
}

/** A moment of `sliceInSteps`. */
export interface SliceStep {
  /** The part that is done, from 0 to 1. */
  readonly done: number;
  /** Whether the scanlines so far are evenly spread. */
  readonly isEven: boolean;
  /** The slice by the scanlines so far. */
  slice(): Slice;
}

/**
 * The network in the plane x(a, b) = origin + a·u + b·v, cut into cells: on each, every unit stays in one piece of its
 * activation, and the network is one polynomial in a and b. Their boundaries are curves.
 *
 * Every scanline b = constant is read exactly, like by `restrictToLine`; neighbouring ones are linked, breakpoints by the
 * unit that switches there, pieces by their pattern. So all is exact on the scanlines, and a cell that passes between two of
 * them is not seen. Where the gates are those of one attention layer, or of one hidden layer, their curves are conics or
 * lines, and the cells are exactly those that there are, whatever the scanlines: see `topology`. Works for any network whose
 * gates are piecewise polynomial; any depth.
 *
 * @param network - a network, or a graph with one output
 * @param options - the plane; `rows` scanlines
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws ShapeError if the shapes do not fit
 * @throws RangeError if u and v do not span a plane, a number is not finite, or an option is unknown
 * @source arXiv 2408.09624
 * @example
 * ```ts
 * import { slice } from "@splineformer/analysis";
 * import { type Network, tensor, toNested } from "@splineformer/tensor";
 * // (x, y) ↦ (ReLU(x) , ReLU(y)): four quarters
 * const quarters: Network<"x"> = {
 *   inputs: { x: [1, 2] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * const plane = slice(quarters, {
 *   origin: tensor([[-1, -1]]),
 *   u: tensor([[2, 0]]),
 *   v: tensor([[0, 2]]),
 *   rows: 8,
 * });
 * plane.cells.length; // 4
 * plane.cells.map(({ area }) => area); // [0.25, 0.25, 0.25, 0.25]
 * const cell = plane.cellAt(0.75, 0.25); // y = −1/2
 * cell.cell; // 1
 * cell.pattern.map(({ piece }) => piece); // [1, 0]
 * cell.terms.map(({ powers, coefficients }) => [powers, toNested(coefficients)]); // [[[0, 0], [[-1, 0]]], [[1, 0], [[2, 0]]]]
 * ```
 */
export function slice<I extends string, C, P>(network: Network<I, C, P>, options: SliceOptions): Slice;
export function slice(graph: Graph, options: SliceOptions): Slice;
export function slice(source: Network | Graph, options: SliceOptions): Slice {
  const { onProgress, onRefined, ...plane } = checked("slice", options, ["onProgress", "onRefined"]);
  for (const [name, given] of Object.entries({ onProgress, onRefined }))
    if (given !== undefined && typeof given !== "function")
      throw new RangeError(`slice: expected ${name} to be a function, got ${show(given)}`);
  const steps = stepsOf("slice", source, plane);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    onProgress?.(value.done);
    if (value.isEven && value.done < 1) onRefined?.(value.slice());
  }
}

/**
 * `slice`, scanline by scanline, coarse ones first: an iterator that can be left at any time, and lets others work between
 * two steps. Its last value, the one returned, is the whole slice.
 *
 * @example
 * ```ts
 * import { sliceInSteps } from "@splineformer/analysis";
 * import { tensor } from "@splineformer/tensor";
 * import { createEncoder } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 1, width: 2, heads: 1, hidden: 3, seed: 1 });
 * const plane = { origin: tensor([[1, 0]]), u: tensor([[0, 1]]), v: tensor([[1, 1]]), rows: 17 };
 * const counts: number[] = [];
 * for (const step of sliceInSteps(model, plane)) if (step.isEven) counts.push(step.slice().scanlines.length);
 * counts; // [3, 5, 9, 17]
 * ```
 */
export function sliceInSteps<I extends string, C, P>(
  network: Network<I, C, P>,
  options: PlaneOptions,
): Generator<SliceStep, Slice, void>;
export function sliceInSteps(graph: Graph, options: PlaneOptions): Generator<SliceStep, Slice, void>;
export function sliceInSteps(source: Network | Graph, options: PlaneOptions): Generator<SliceStep, Slice, void> {
  return stepsOf("sliceInSteps", source, checked("sliceInSteps", options, []));
}

/**
 * The scanlines of a slice alone, as plain data, coarse ones first: for threads, of which each reads a part of them.
 * `sliceOf` puts them together.
 *
 * @param options - the plane, and `part: [k, n]`, the k-th of n parts, counted from 0. Default [0, 1]: all
 * @example
 * ```ts
 * import { scanlines, sliceOf } from "@splineformer/analysis";
 * import { tensor } from "@splineformer/tensor";
 * import { createEncoder } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 1, width: 2, heads: 1, hidden: 3, seed: 1 });
 * const plane = { origin: tensor([[1, 0]]), u: tensor([[0, 1]]), v: tensor([[1, 1]]), rows: 5 };
 * const lines = [0, 1].flatMap((k) => [...scanlines(model, { ...plane, part: [k, 2] })]);
 * lines.map(({ index }) => index); // [0, 4, 3, 2, 1]
 * sliceOf(model, plane, lines).scanlines.length; // 5
 * ```
 */
export function scanlines<I extends string, C, P>(
  network: Network<I, C, P>,
  options: ScanlineOptions,
): Generator<Scanline, void, void>;
export function scanlines(graph: Graph, options: ScanlineOptions): Generator<Scanline, void, void>;
export function scanlines(source: Network | Graph, options: ScanlineOptions): Generator<Scanline, void, void> {
  const where = "scanlines";
  const { part = [0, 1], ...plane } = checked(where, options, ["part"]) as ScanlineOptions;
  const fits =
    Array.isArray(part) &&
    part.length === 2 &&
    part.every((n) => Number.isInteger(n)) &&
    part[0] >= 0 &&
    part[0] < part[1];
  if (!fits) throw new RangeError(`${where}: expected part [k, n] with 0 ≤ k < n, got ${show(part)}`);
  return reading(opened(where, source, plane), part[0], part[1]);
}

/** The lines of one part; the workspace is given back when it is left. */
function* reading({ plane, rows, columns, method, signal }: Opened, k: number, n: number) {
  try {
    const order = coarseFirst(rows).map(({ index }) => index);
    for (let i = k; i < order.length; i += n)
      yield readScanline(plane, order[i], placeOf(plane, rows, order[i]), method, columns, signal);
  } finally {
    plane.close();
  }
}

export interface ScanlineOptions extends PlaneOptions {
  readonly part?: readonly [k: number, n: number];
}

/**
 * A slice from scanlines of the same network and plane, all or some of them.
 *
 * @param lines - from `scanlines`, in any order
 */
export function sliceOf<I extends string, C, P>(
  network: Network<I, C, P>,
  options: PlaneOptions,
  lines: readonly Scanline[],
): Slice;
export function sliceOf(graph: Graph, options: PlaneOptions, lines: readonly Scanline[]): Slice;
export function sliceOf(source: Network | Graph, options: PlaneOptions, lines: readonly Scanline[]): Slice {
  const where = "sliceOf";
  const question = opened(where, source, checked(where, options, []));
  question.plane.close();
  if (!Array.isArray(lines) || lines.length === 0 || !lines.every((line) => line?.breakpoints instanceof Float64Array))
    throw new RangeError(`${where}: expected scanlines, got ${show(lines)}`);
  return assembled(question.plane, question.rows, lines);
}

/** A question, checked. */
interface Opened {
  readonly plane: Plane;
  readonly rows: number;
  readonly method: "descend" | "march";
  /** The outputs that are classes. */
  readonly columns: readonly number[];
  readonly signal: AbortSignal | undefined;
}

function* stepsOf(where: string, source: Network | Graph, options: PlaneOptions): Generator<SliceStep, Slice, void> {
  const { plane, rows, method, columns, signal } = opened(where, source, options);
  const lines: Scanline[] = [];
  try {
    for (const { index, isEven } of coarseFirst(rows)) {
      signal?.throwIfAborted();
      lines.push(readScanline(plane, index, placeOf(plane, rows, index), method, columns, signal));
      const count = lines.length;
      yield { done: count / rows, isEven, slice: () => assembled(plane, rows, lines.slice(0, count)) };
    }
  } finally {
    plane.close();
  }
  return assembled(plane, rows, lines);
}

function opened(where: string, source: Network | Graph, options: PlaneOptions): Opened {
  const { origin, u, v, row, signal, rows = 128 } = options;
  const { window = { a: [0, 1], b: [0, 1] } } = options;
  const device = checkedDevice(where, options.on);
  const plane = planeOf(where, source, { origin, u, v, window, device });
  const { output, degrees } = plane.line;
  const single = output.shape.slice(0, -1).every((n) => n === 1);
  const columns =
    output.shape.length > 0 && (row !== undefined || single) ? columnsOfRow(where, output.shape, row) : [];
  return {
    plane,
    rows,
    method: methodFor(checkedMethod(where, options.method), degrees[output.id]),
    columns,
    signal,
  };
}

/** The options of a plane, each of them checked. */
function checked<O extends PlaneOptions>(where: string, options: O, more: readonly string[]): O {
  checkOptions(where, options, ["origin", "u", "v", "window", "rows", "row", "method", "on", "signal", ...more]);
  const { rows = 128, signal, window } = options;
  if (!(Number.isInteger(rows) && rows >= 2 && rows <= 65_536))
    throw new RangeError(`${where}: expected 2 to 65,536 rows, got ${show(rows)}`);
  checkedMethod(where, options.method);
  checkedDevice(where, options.on);
  if (window !== undefined) checkOptions(`${where}: window`, window, ["a", "b"]);
  checkSignal(where, signal);
  return options;
}

/** The middle of a band. */
const placeOf = ({ window: { b } }: Plane, rows: number, index: number): number =>
  b[0] + ((index + 0.5) / rows) * (b[1] - b[0]);

/** The lines in the order in which they are read: every 2ᵏ-th and the last, then every 2ᵏ⁻¹-th that is missing, … */
function coarseFirst(rows: number): { readonly index: number; readonly isEven: boolean }[] {
  const out: { index: number; isEven: boolean }[] = [];
  const known = new Set<number>();
  for (let stride = Math.max(1, 2 ** Math.floor(Math.log2(rows - 1) - 1)); stride >= 1; stride /= 2) {
    for (let index = 0; index < rows + stride - 1; index += stride) {
      const at = Math.min(index, rows - 1);
      if (known.has(at)) continue;
      known.add(at);
      out.push({ index: at, isEven: false });
    }
    out[out.length - 1].isEven = true;
  }
  return out;
}

function assembled(plane: Plane, rows: number, unordered: readonly Scanline[]): Slice {
  const { window, line } = plane;
  const lines = [...unordered].sort((p, q) => p.index - q.index);
  const links = linked(lines);
  const { curves, decisions } = links;
  const sweep = sweepOf(plane);
  const exact = sweep && placedIn(sweep, lines);
  const cells = exact ? sweep.cells : cellsOnLines(window, rows, lines, links);
  const cellsOf = exact ?? links.cells;
  const whole: Slice = {
    window,
    scanlines: lines,
    topology: exact ? "exact" : "scanlines",
    degree: line.degrees[line.output.id],
    cells,
    cellsOf,
    curves,
    decisions,
    unit: plane.unit,
    cellAt(a, b) {
      const inside = (x: number, [from, to]: readonly [number, number]): boolean => x >= from && x <= to;
      if (!(inside(a, window.a) && inside(b, window.b)))
        throw new RangeError(`slice.cellAt: expected a place in the window, got (${show(a)}, ${show(b)})`);
      return readCell(plane, a, b, (key) => (exact ? sweep.cellAt(a, b, key) : cellNear(lines, cellsOf, a, b, key)));
    },
    toSvg: (options) => sliceSvg(whole, options),
  };
  return whole;
}

const sweeps = new WeakMap<Plane, { readonly sweep: Sweep | undefined }>();

/** The sweep of a plane, made once. */
function sweepOf(plane: Plane): Sweep | undefined {
  const known = sweeps.get(plane) ?? { sweep: sweepConics(plane) };
  sweeps.set(plane, known);
  return known.sweep;
}

/** For every line the cell of every piece; undefined if the sweep has none for one of them. */
function placedIn(sweep: Sweep, lines: readonly Scanline[]): Uint32Array[] | undefined {
  const out: Uint32Array[] = [];
  for (const { b, breakpoints, keys } of lines) {
    const own = new Uint32Array(keys.length);
    for (let i = 0; i < keys.length; i++) {
      const cell = sweep.cellAt(0.5 * (breakpoints[i] + breakpoints[i + 1]), b, keys[i]);
      if (cell === undefined) return undefined;
      own[i] = cell;
    }
    out.push(own);
  }
  return out;
}

/** The cells that the lines meet. */
function cellsOnLines(
  window: SliceWindow,
  rows: number,
  lines: readonly Scanline[],
  { cells: cellsOf, count }: ReturnType<typeof linked>,
): Cell[] {
  const cells: { a: number; b: number; key: number; area: number; widest: number }[] = Array.from(
    { length: count },
    () => ({ a: 0, b: 0, key: 0, area: 0, widest: 0 }),
  );
  const height = (window.b[1] - window.b[0]) / rows;
  lines.forEach(({ index, b, breakpoints, keys }, r) => {
    const below = r === 0 ? 0 : 0.5 * (lines[r - 1].index + index + 1);
    const above = r === lines.length - 1 ? rows : 0.5 * (lines[r + 1].index + index + 1);
    for (let i = 0; i < keys.length; i++) {
      const cell = cells[cellsOf[r][i]];
      const width = breakpoints[i + 1] - breakpoints[i];
      cell.area += width * (above - below) * height;
      if (width <= cell.widest) continue;
      cell.widest = width;
      cell.key = keys[i];
      cell.a = 0.5 * (breakpoints[i] + breakpoints[i + 1]);
      cell.b = b;
    }
  });
  return cells.map(({ a, b, key, area }) => ({ a, b, key, area }));
}

/** The cell of a place with this pattern, by the pieces that have it on the two scanlines around: the nearest. */
function cellNear(
  lines: readonly Scanline[],
  cellsOf: readonly Uint32Array[],
  a: number,
  b: number,
  key: number,
): number | undefined {
  let above = lines.findIndex((line) => line.b >= b);
  if (above < 0) above = lines.length - 1;
  let best: number | undefined;
  let nearest = Number.POSITIVE_INFINITY;
  for (const r of new Set([above, Math.max(0, above - 1)])) {
    const { breakpoints, keys } = lines[r];
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] !== key) continue;
      const distance = Math.max(0, breakpoints[i] - a, a - breakpoints[i + 1]) + 1e-9 * Math.abs(lines[r].b - b);
      if (distance >= nearest) continue;
      nearest = distance;
      best = cellsOf[r][i];
    }
  }
  return best;
}
