/**
 * @file Decisions along a path: which output is the largest, and where that changes. Certified between the places that are
 * given; what rounding does not let decide is reported. Not here: how far away the first change is (`nearestAdversarial`).
 */
import { checkOptions, ShapeError, show, showShape } from "@splineformer/tensor";
import { checkPath, columnsOfRow, type EntryIndex, outputShape } from "../output-rows.ts";
import type { Path } from "../path.ts";
import { type Leader, largestAlong, radiusOfCrossing } from "./largest-output.ts";

/** A part of the line that has one class: the output that is the largest there. */
export interface ClassInterval {
  readonly from: number;
  readonly to: number;
  /** The largest output of the row; the first of equal ones. */
  readonly class: number;
  /** Outputs that rounding can't tell from it on all of the part: a touch, or a tie. Empty where the class is certain. */
  readonly rivals: readonly number[];
}

/** A place where another output becomes the largest. */
export interface Crossing {
  readonly at: number;
  /** How far rounding may have moved it; where the two are equal on a whole part, the length of that. */
  readonly radius: number;
  /** The class before. */
  readonly from: number;
  /** The class after. */
  readonly to: number;
}

/** What `crossings` found. */
export interface Crossings {
  /** Every place where the class changes for certain, ascending. */
  readonly crossings: readonly Crossing[];
  /** Where it can't be told which is the larger: touches, ties, and changes that are less than rounding. */
  readonly undecided: readonly ClassInterval[];
}

/** Which outputs are compared. */
export interface RowOptions {
  /**
   * Which row of the output holds the classes, where it has several: the index without the last axis, a number for
   * [tokens, classes]. Default: the only row.
   */
  readonly row?: EntryIndex;
}

export interface CrossingOptions extends RowOptions {
  /** Two outputs: where they are equal and the larger one changes. Default: all outputs, where the largest changes. */
  readonly between?: readonly [number, number];
}

/**
 * Every place of the line where the largest output changes, or with `between: [a, b]` where output a and output b cross.
 *
 * The differences of outputs are polynomials piece by piece, and their roots are isolated with certificates: between two
 * places that are given nothing changes, up to the path's rounding errors. A touch without a change is no crossing; it is in
 * `undecided`, like everything that is closer than rounding can tell.
 *
 * @param path - from `restrictToLine`
 * @throws RangeError if the output has several rows and none is chosen, or an output is named that is not there
 * @throws ShapeError if a row has fewer than two numbers
 * @example
 * ```ts
 * import { crossings, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * // outputs (x, 1 − x, 2/5) for x from 0 to 1
 * const three: Network<"x"> = {
 *   inputs: { x: [1, 1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.add(ops.matmul(x, ops.constant(tensor([[1, -1, 0]])), {}), ops.constant(tensor([[0, 1, 0.4]]))),
 * };
 * const path = restrictToLine(three, tensor([[0]]), tensor([[1]]));
 * crossings(path).crossings.map(({ at, from, to }) => [at, from, to]); // [[0.5, 1, 0]]
 * crossings(path, { between: [0, 2] }).crossings.map(({ at }) => at); // [0.4…]
 * ```
 */
export function crossings(path: Path, options: CrossingOptions = {}): Crossings {
  const where = "crossings";
  checkPath(where, path);
  checkOptions(where, options, ["between", "row"]);
  const all = classColumns(where, path, options.row);
  const classes = options.between === undefined ? [...all.keys()] : checkedPair(where, options.between, all.length);
  const columns = classes.map((c) => all[c]);
  const leaders = largestAlong(path, columns);
  return {
    crossings: changes(leaders).map(({ at, from, to, radius }) => ({
      at,
      radius: Math.max(radius, radiusOfCrossing(path, at, columns[from], columns[to])),
      from: classes[from],
      to: classes[to],
    })),
    undecided: leaders.filter(({ rivals }) => rivals.length > 0).map((leader) => named(leader, classes)),
  };
}

/**
 * The line cut into parts by class: which output is the largest where. In order, without gaps, neighbours different.
 *
 * @param path - from `restrictToLine`
 * @throws RangeError if the output has several rows and none is chosen
 * @throws ShapeError if a row has fewer than two numbers
 * @example
 * ```ts
 * import { classMap, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * // outputs (x, 1 − x) for x from 0 to 1
 * const two: Network<"x"> = {
 *   inputs: { x: [1, 1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.add(ops.matmul(x, ops.constant(tensor([[1, -1]])), {}), ops.constant(tensor([[0, 1]]))),
 * };
 * const path = restrictToLine(two, tensor([[0]]), tensor([[1]]));
 * classMap(path); // [{ from: 0, to: 0.5, class: 1, rivals: [] }, { from: 0.5, to: 1, class: 0, rivals: [] }]
 * ```
 */
export function classMap(path: Path, options: RowOptions = {}): ClassInterval[] {
  const where = "classMap";
  checkPath(where, path);
  checkOptions(where, options, ["row"]);
  const columns = classColumns(where, path, options.row);
  const classes = [...columns.keys()];
  return largestAlong(path, columns).map((leader) => named(leader, classes));
}

/** The columns of the row that holds the classes; at least two. */
export function classColumns(where: string, path: Path, row: EntryIndex | undefined): number[] {
  const shape = outputShape(path);
  const columns = columnsOfRow(where, shape, row);
  if (columns.length < 2)
    throw new ShapeError(
      `${where}: expected an output with at least two numbers in a row, got one of shape ${showShape(shape)}; where a single number changes sign, path.coordinate(…).roots() says`,
    );
  return columns;
}

const named = ({ from, to, top, rivals }: Leader, classes: readonly number[]): ClassInterval => ({
  from,
  to,
  class: classes[top],
  rivals: rivals.map((c) => classes[c]),
});

/** From one certain part to the next that has another leader; what is uncertain between them widens the radius. */
function changes(leaders: readonly Leader[]): Crossing[] {
  const out: Crossing[] = [];
  let before: Leader | undefined;
  let turn = 0;
  leaders.forEach((leader, i) => {
    if (i > 0 && leader.top !== leaders[i - 1].top) turn = leader.from;
    if (leader.rivals.length > 0) return;
    if (before && before.top !== leader.top)
      out.push({
        at: turn,
        radius: Math.max(turn - before.to, leader.from - turn),
        from: before.top,
        to: leader.top,
      });
    before = leader;
  });
  return out;
}

function checkedPair(where: string, between: readonly [number, number], count: number): readonly [number, number] {
  const fits =
    Array.isArray(between) &&
    between.length === 2 &&
    between.every((c) => Number.isInteger(c) && c >= 0 && c < count) &&
    between[0] !== between[1];
  if (!fits)
    throw new RangeError(
      `${where}: expected between to name two different outputs from 0 to ${count - 1}, got ${show(between)}`,
    );
  return between;
}
