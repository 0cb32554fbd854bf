/**
 * @file A series: two columns of a CSV file, x numbers or dates and y numbers, checked cell by cell.
 * A line that cannot be used is named, never skipped.
 */
import { show } from "@splineformer/tensor";
import { parse } from "csv-parse/sync";

/** Where a series is found. */
export interface SeriesSource {
  /** The text of the CSV file; its first record names the columns. */
  readonly text: string;
  /** What to call the file in messages. */
  readonly file: string;
  /** The column of x: numbers, or ISO dates, which become decimal years. */
  readonly x: string;
  /** The column of y: numbers. */
  readonly y: string;
}

export interface Series {
  readonly file: string;
  readonly names: { readonly x: string; readonly y: string };
  /** Strictly increasing. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** What x counts. */
  readonly unit: "year" | "number";
  /** How people call the series, and y with its unit. */
  readonly title: string;
  readonly label: string;
  /** Whose data it is, where that must be said. */
  readonly credit?: {
    readonly source: string;
    readonly sourceLink: string;
    readonly licence: string;
    readonly licenceLink: string;
  };
}

/** A record of the file and the line it ends on. */
interface Line {
  readonly cells: readonly string[];
  readonly number: number;
}

/**
 * The rows (x, y) of two columns of a CSV file.
 *
 * x may be numbers or ISO dates; the first row decides, and dates become decimal years (see `decimalYear`). x must increase from
 * row to row: a series that is not sorted, or has a value twice, is refused and not mended, since it may be no function at all.
 *
 * @throws RangeError if a column is missing or is there twice, the file is no CSV or has no rows, a cell is no finite number or date, or x does not increase
 */
export function readSeries({ text, file, x, y }: SeriesSource): Series {
  const [header, ...lines] = parseLines(text, file);
  if (header === undefined) throw refusal(`${file} to have a line of column names`, "an empty file");
  const [xColumn, yColumn] = [x, y].map((name) => {
    const column = header.cells.indexOf(name);
    if (column < 0) throw refusal(`a column ${show(name)} in ${file}`, `columns ${header.cells.map(show).join(", ")}`);
    if (header.cells.lastIndexOf(name) !== column)
      throw refusal(`one column ${show(name)} in ${file}`, `columns ${header.cells.map(show).join(", ")}`);
    return column;
  });
  const first = lines.at(0);
  if (first === undefined) throw refusal(`${file} to have rows`, "only the column names");
  const isNumeric = Number.isFinite(toNumber(first.cells[xColumn]));
  const xs = new Float64Array(lines.length);
  const ys = new Float64Array(lines.length);
  lines.forEach(({ cells, number }, i) => {
    const at = `at line ${number} of ${file}`;
    const xCell = cells[xColumn];
    xs[i] = isNumeric ? toNumber(xCell) : decimalYearOf(xCell);
    ys[i] = toNumber(cells[yColumn]);
    if (!Number.isFinite(xs[i]))
      throw refusal(`${isNumeric ? "a number" : "a date"} in column ${show(x)}`, `${show(xCell)} ${at}`);
    if (!Number.isFinite(ys[i])) throw refusal(`a number in column ${show(y)}`, `${show(cells[yColumn])} ${at}`);
    if (i > 0 && !(xs[i] > xs[i - 1]))
      throw refusal(`column ${show(x)} to increase`, `${show(xCell)} after ${show(lines[i - 1].cells[xColumn])} ${at}`);
  });
  return {
    file,
    names: { x, y },
    x: xs,
    y: ys,
    unit: isNumeric ? "number" : "year",
    title: `${y} of ${file}`,
    label: y,
  };
}

/**
 * `year + (days since its January 1) / (days in it)`, in UTC: a date as a number.
 *
 * @param date - ISO 8601: `YYYY-MM`, `YYYY-MM-DD`, or the latter with a time (UTC where it names no offset)
 * @throws RangeError if it is no such date
 */
export function decimalYear(date: string): number {
  const value = decimalYearOf(date);
  if (!Number.isFinite(value)) throw new RangeError(`decimalYear: expected an ISO date, got ${show(date)}`);
  return value;
}

/**
 * `count` of the numbers 0 … rows − 1, spread evenly, the first and the last among them: `round(i (rows − 1) / (count − 1))`.
 *
 * @throws RangeError if count is not a whole number from 2 to rows
 */
export function spreadEvenly(rows: number, count: number): number[] {
  if (!(Number.isInteger(count) && count >= 2))
    throw new RangeError(`demo: expected at least 2 knots, got ${show(count)}`);
  if (count > rows) throw new RangeError(`demo: expected at least ${count} rows for ${count} knots, got ${rows}`);
  return Array.from({ length: count }, (_, i) => Math.round((i * (rows - 1)) / (count - 1)));
}

function parseLines(text: string, file: string): Line[] {
  try {
    // the types do not know what `info` does
    const records: unknown = parse(text, { bom: true, info: true, skip_empty_lines: true, trim: true });
    return (records as { record: string[]; info: { lines: number } }[]).map(({ record, info }) => ({
      cells: record,
      number: info.lines,
    }));
  } catch (error) {
    if (error instanceof Error && "code" in error) throw refusal(`${file} to be a CSV file`, error.message);
    throw error;
  }
}

/** A plain decimal number, or NaN: the empty cell is none, nor is "0x10". */
const toNumber = (cell: string): number =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell) ? Number(cell) : Number.NaN;

const isoDate = /^(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?)?$/;

/** A decimal year, or NaN. */
function decimalYearOf(date: string): number {
  const [, year, month, day = "01", time = "00:00", offset = "Z"] = isoDate.exec(date) ?? [];
  // some parsers let February 30 pass as March 2
  if (year === undefined || new Date(`${year}-${month}-${day}T00:00Z`).getUTCDate() !== Number(day)) return Number.NaN;
  const instant = new Date(`${year}-${month}-${day}T${time}${offset}`);
  const of = instant.getUTCFullYear();
  const [start, end] = [of, of + 1].map((y) => new Date(0).setUTCFullYear(y, 0, 1));
  return of + (instant.getTime() - start) / (end - start);
}

const refusal = (expected: string, got: string): RangeError =>
  new RangeError(`readSeries: expected ${expected}, got ${got}`);
