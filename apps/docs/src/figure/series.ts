/** @file A curve to start from: points (x, y) with x increasing, what they are called, and the few that become knots. */
import { csvParseRows, dsvFormat } from "d3-dsv";
import mauna from "../../../../packages/splineformer/data/co2-concentration.csv?raw";

export type Point = readonly [x: number, y: number];

export interface Series {
  /** x strictly increasing. */
  readonly points: readonly Point[];
  readonly xName: string;
  readonly yName: string;
  /** What y is measured in, after a number; "" where nobody said. */
  readonly unit: string;
  /** Years are written without a thousands separator. */
  readonly isYears: boolean;
}

/** As many knots as the demo takes. */
const knotCount = 24;

/** Carbon dioxide at Mauna Loa, seasonally adjusted, as `splineformer demo` reads it. */
export function maunaLoa(): Series {
  const [header = [], ...rows] = csvParseRows(mauna);
  const [x, y] = [header.indexOf("Date"), header.indexOf("adjusted CO2")];
  return {
    points: rows.map((row) => [decimalYear(row[x]), Number(row[y])]),
    xName: "year",
    yName: "CO₂, ppm",
    unit: "ppm",
    isYears: true,
  };
}

/**
 * A reader's own points: two columns of numbers, x increasing, between commas, semicolons, tabs or spaces; x may be
 * dates. A first line of names is skipped.
 *
 * @throws RangeError naming the line that cannot be used: none is skipped or mended
 */
export function readSeries(text: string): Series {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const first = lines.findIndex((line) => line !== "");
  if (first < 0) throw new RangeError("readSeries: expected two columns of numbers, got nothing");
  const cells = splitter(lines[first]);
  const names = cells(lines[first]);
  const hasNames = !(Number.isFinite(toX(names[0])) && Number.isFinite(toNumber(names[1])));
  const points: Point[] = [];
  let isYears = true;
  for (let i = hasNames ? first + 1 : first; i < lines.length; i++) {
    if (lines[i] === "") continue;
    const [xCell = "", yCell = ""] = cells(lines[i]);
    const [x, y] = [toX(xCell), toNumber(yCell)];
    const at = `in line ${i + 1}`;
    if (!Number.isFinite(x)) throw new RangeError(`readSeries: expected x, a number or a date, got "${xCell}" ${at}`);
    if (!Number.isFinite(y)) throw new RangeError(`readSeries: expected y, a number, got "${yCell}" ${at}`);
    const before = points.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY;
    if (!(x > before)) throw new RangeError(`readSeries: expected x to increase, got ${xCell} after ${before} ${at}`);
    if (Number.isFinite(toNumber(xCell))) isYears = false;
    points.push([x, y]);
  }
  if (points.length < 2) throw new RangeError(`readSeries: expected at least 2 points, got ${points.length}`);
  const [xName, yName] = hasNames ? [names[0] || "x", names[1] || "y"] : ["x", "y"];
  return { points, xName, yName, unit: "", isYears };
}

/** At most 24 of the points, spread evenly over the rows, the first and the last among them. */
export function knotsOf({ points }: Series): Point[] {
  const count = Math.min(knotCount, points.length);
  return Array.from({ length: count }, (_, i) => points[Math.round((i * (points.length - 1)) / (count - 1))]);
}

/** The first of tab, semicolon and comma that the line has, else spaces. */
function splitter(line: string): (line: string) => string[] {
  const delimiter = ["\t", ";", ","].find((candidate) => line.includes(candidate));
  if (delimiter === undefined) return (text) => text.split(/\s+/);
  const { parseRows } = dsvFormat(delimiter);
  return (text) => (parseRows(text)[0] ?? []).map((cell) => cell.trim());
}

const toNumber = (cell = ""): number =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell) ? Number(cell) : Number.NaN;

const toX = (cell = ""): number => (Number.isFinite(toNumber(cell)) ? Number(cell) : decimalYear(cell));

/** `year + (days since its January 1)/(days in it)` of an ISO date, or NaN. */
function decimalYear(date: string): number {
  const [, year, month, day = "01"] = /^(\d{4})-(\d\d)(?:-(\d\d))?$/.exec(date) ?? [];
  const instant = new Date(`${year}-${month}-${day}T00:00Z`);
  // some parsers let February 30 pass as March 2
  if (instant.getUTCDate() !== Number(day)) return Number.NaN;
  const [start, end] = [Number(year), Number(year) + 1].map((y) => new Date(0).setUTCFullYear(y, 0, 1));
  return Number(year) + (instant.getTime() - start) / (end - start);
}
