/**
 * @file `splineformer slice`: a saved model in the plane through three inputs: its cells, the decision boundary, and the
 * polynomial of a cell, checked against the model itself; one SVG, and one page that shows every cell's polynomial.
 */
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { countCells, type Slice, sliceOf, sliceSvg } from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import { forward, random, required, type Tensor } from "@splineformer/tensor";
import { writeTogether } from "../staging.ts";
import { slicePage } from "./page.ts";
import { type PlaneArguments, planeOf, type ReadPlane } from "./plane.ts";
import { readLines } from "./read-lines.ts";
import type { SliceReport } from "./report.ts";

export interface ReadSliceOptions extends PlaneArguments {
  /** The folder to write into. */
  readonly out: string;
  /** The place whose cell is told in words. Default: the middle between the three inputs. */
  readonly cell?: readonly number[];
  /** How many threads read. Default: as many as there are processors. */
  readonly threads?: number;
  /** Stops between two scanlines and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined;
  /** Called with what is being done, and which part of that is done. */
  readonly onStep?: (step: string, done?: number) => void;
}

/**
 * Reads the plane and writes `slice.html` and `slice.svg`.
 *
 * @throws RangeError, ShapeError or UnsupportedError if the model or the inputs cannot be used; nothing is written then
 */
export async function readSlice(options: ReadSliceOptions): Promise<SliceReport> {
  const { out, signal, onStep, model, inputs, rows, row } = options;
  const { cell = [1 / 3, 1 / 3], threads = availableParallelism() } = options;
  required(out !== "", "slice", "a folder to write into", out);
  required(rows >= 2 && rows <= 4096, "slice", "2 to 4096 rows", rows);
  required(threads >= 1 && threads <= 64, "slice", "1 to 64 threads", threads);
  required(cell.length === 2 && cell.every((x) => x >= 0 && x <= 1), "slice", "a cell's place a,b from 0 to 1", cell);
  const step = (text: string, done?: number): Promise<void> => {
    onStep?.(text, done);
    return setImmediate(undefined, { signal });
  };
  await step("reading the model");
  const plane: PlaneArguments = { inputs, rows, ...(model !== undefined && { model }), ...(row && { row }) };
  const read = await planeOf(plane);
  return writeTogether("slice", out, async (staging) => {
    await step("reading the plane", 0);
    const lines = await readLines(plane, read, threads, signal, (done) => onStep?.("reading the plane", done));
    await step("linking scanlines");
    const slice = sliceOf(read.model, { ...read.options, on: cpu64 }, lines);
    await step("checking against the model");
    const report = reportOf(read, slice, cell as [number, number], out);
    await step("drawing");
    const svg = sliceSvg(slice, { marks: marksOf(read), title: `${read.name} in a plane` });
    await writeFile(join(staging, "slice.svg"), svg);
    await writeFile(join(staging, "slice.html"), slicePage({ report, read, slice, svg }));
    await step("finished");
    return report;
  });
}

const marksOf = ({ labels }: ReadPlane) => [
  { a: 0, b: 0, name: labels[0] },
  { a: 1, b: 0, name: labels[1] },
  { a: 0, b: 1, name: labels[2] },
];

function reportOf(read: ReadPlane, slice: Slice, [a, b]: readonly [number, number], out: string): SliceReport {
  const { scanlines } = slice;
  const counts = scanlines.map(({ keys }) => keys.length);
  const classes: Record<string, number> = {};
  for (const line of scanlines)
    for (const part of line.classes)
      classes[part.class] = (classes[part.class] ?? 0) + (part.to - part.from) / scanlines.length;
  return {
    model: { name: read.name, parameters: read.parameters, degree: slice.degree },
    inputs: read.labels,
    page: join(resolve(out), "slice.html"),
    picture: join(resolve(out), "slice.svg"),
    scanlines: scanlines.length,
    pieces: counts.reduce((sum, count) => sum + count, 0),
    piecesPerScanline: [Math.min(...counts), Math.max(...counts)],
    topology: slice.topology,
    cells: countCells(slice),
    patterns: countCells(slice, { by: "pattern" }),
    boundaries: slice.curves.length,
    decisions: slice.decisions.map(({ classes, points }) => ({ classes, points: points.length / 2 })),
    classes,
    flat: scanlines.reduce((sum, { flat }) => sum + flat.length, 0),
    noise: Math.max(...scanlines.map(({ noise }) => noise)),
    cell: cellOf(slice, a, b),
    claims: claimsOf(read, slice),
  };
}

function cellOf(slice: Slice, a: number, b: number): SliceReport["cell"] {
  const here = slice.cellAt(a, b);
  const on: Record<string, [number, number]> = {};
  for (const { op, scope, piece } of here.pattern) {
    const name = scope === "" ? op : scope;
    on[name] ??= [0, 0];
    if (piece > 0) on[name][0]++;
    on[name][1]++;
  }
  const values = here.evaluate(a, b).data;
  const output = values.indexOf(Math.max(...values));
  return {
    a,
    b,
    on,
    degree: here.degree,
    output,
    terms: here.terms
      .map(({ powers, coefficients }) => ({ powers, coefficient: coefficients.data[output] }))
      .filter(({ coefficient }) => coefficient !== 0),
  };
}

/** What was found, against the model itself, at places spread over all scanlines. */
function claimsOf(read: ReadPlane, slice: Slice): SliceReport["claims"] {
  const { scanlines } = slice;
  const numbers = random(1);
  const places = 24;
  let farthest = 0;
  let largest = 0;
  let elsewhere = 0;
  let wrong = 0;
  for (let k = 0; k < places; k++) {
    const r = Math.floor(((k + 0.5) / places) * scanlines.length);
    const line = scanlines[r];
    const [which, share] = numbers.uniform([2]).data;
    const piece = Math.min(line.keys.length - 1, Math.floor(which * line.keys.length));
    const [from, to] = [line.breakpoints[piece], line.breakpoints[piece + 1]];
    const a = from + (0.1 + 0.8 * share) * (to - from);
    const here = slice.cellAt(a, line.b);
    const output = forward(read.model, read.point(a, line.b), { on: cpu64 });
    const exact = output.data;
    here.evaluate(a, line.b).data.forEach((v, i) => {
      farthest = Math.max(farthest, Math.abs(v - exact[i]));
      largest = Math.max(largest, Math.abs(exact[i]));
    });
    if (here.cell !== slice.cellsOf[r][piece]) elsewhere++;
    const part = line.classes.find((own) => own.from <= a && a <= own.to);
    if (part && part.rivals.length === 0) {
      const own = classesOf(read, output);
      if (own[part.class] < Math.max(...own)) wrong++;
    }
  }
  const distance = largest === 0 ? farthest : farthest / largest;
  return [
    {
      claim: `the cells' polynomials give the model's outputs at ${places} places, to 1e-9 of the largest`,
      measured: distance,
      holds: distance <= 1e-9,
    },
    { claim: "the patterns there are those of the scanlines", measured: elsewhere, holds: elsewhere === 0 },
    { claim: "the largest output there is the one that was found", measured: wrong, holds: wrong === 0 },
  ];
}

/** The row of the output that holds the classes. */
function classesOf({ options: { row } }: ReadPlane, { shape, data }: Tensor): ArrayLike<number> & Iterable<number> {
  if (row === undefined) return data;
  const width = shape.at(-1) as number;
  const first = [row].flat().reduce((at, i, axis) => at * shape[axis] + i, 0) * width;
  return data.subarray(first, first + width);
}
