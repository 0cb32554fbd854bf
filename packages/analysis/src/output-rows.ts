/**
 * @file Which numbers of a path's output a question is about: a row (the last axis, a score for every class), or one entry.
 * Refusals name the question, the output's shape and what was asked.
 */
import { type Shape, ShapeError, show, showShape } from "@splineformer/tensor";
import type { Path } from "./path.ts";

/** The shape of a path's output. */
export const outputShape = (path: Path): Shape => path.pieces[0].values.shape.slice(1);

/** Refuses what is no path. */
export function checkPath(where: string, path: Path): void {
  const fits =
    typeof path === "object" && path !== null && Array.isArray(path.pieces) && typeof path.evaluate === "function";
  if (!fits || path.pieces.length === 0)
    throw new RangeError(`${where}: expected a path of restrictToLine, got ${show(path)}`);
}

/** The index of one entry, as a list. */
export type EntryIndex = number | readonly number[];

/**
 * The columns of one row of the output.
 *
 * @param row - the index of the row without the last axis; may be left out where there is only one row
 */
export function columnsOfRow(where: string, shape: Shape, row: EntryIndex | undefined): number[] {
  if (shape.length === 0)
    throw new ShapeError(`${where}: expected an output with a row of numbers, got one of shape ${showShape(shape)}`);
  const leading = shape.slice(0, -1);
  const width = shape[shape.length - 1];
  const rows = leading.reduce((product, n) => product * n, 1);
  const index = row === undefined ? (rows === 1 ? leading.map(() => 0) : undefined) : listOf(row);
  if (!index || !isIndex(index, leading))
    throw new RangeError(
      `${where}: expected row to name one of the ${rows} rows of an output of shape ${showShape(shape)}${rows > 1 ? `, as ${example(leading)}` : ""}, got ${show(row)}`,
    );
  const first = index.reduce((at, i, axis) => at * leading[axis] + i, 0) * width;
  return Array.from({ length: width }, (_, c) => first + c);
}

/**
 * The column of one entry of the output.
 *
 * @param output - its index; a number alone where there is only one row
 */
export function columnOfEntry(where: string, shape: Shape, output: EntryIndex): number {
  const index = listOf(output);
  const leading = shape.slice(0, -1);
  const full = index.length === 1 && leading.every((n) => n === 1) ? [...leading.map(() => 0), ...index] : index;
  if (!isIndex(full, shape))
    throw new RangeError(
      `${where}: expected output to name an entry of an output of shape ${showShape(shape)}${shape.length > 1 ? `, as ${example(shape)}` : ""}, got ${show(output)}`,
    );
  return full.reduce((at, i, axis) => at * shape[axis] + i, 0);
}

const listOf = (index: EntryIndex): readonly number[] =>
  Array.isArray(index) ? (index as readonly number[]) : [index as number];

const isIndex = (index: readonly number[], shape: Shape): boolean =>
  index.length === shape.length && index.every((i, axis) => Number.isInteger(i) && i >= 0 && i < shape[axis]);

/** An index that would do: the last one. */
const example = (shape: Shape): string =>
  shape.length === 1 ? String(shape[0] - 1) : `[${shape.map((n) => n - 1).join(", ")}]`;
