/**
 * @file The nearest input on a line that the network classifies differently. The line is read only as far as that.
 */
import {
  checkOptions,
  type Given,
  type Graph,
  isTensor,
  type Network,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import type { EntryIndex } from "../output-rows.ts";
import type { Path } from "../path.ts";
import { type LineOptions, restrictToLine } from "../restrict-to-line.ts";
import { type ClassInterval, type Crossing, classColumns, classMap, crossings, type RowOptions } from "./crossings.ts";

export interface NearestOptions extends Pick<LineOptions, "method" | "on" | "signal"> {
  /** Which row of the output holds the classes, where it has several. Default: the only row. */
  readonly row?: EntryIndex;
}

/** Where the class first changes, and an input just beyond. */
export interface NearestAdversarial<X> extends Crossing {
  /** The place of `input` on the line, just beyond `at`: the new class leads there by more than rounding. */
  readonly t: number;
  /** The first input, up to rounding, that has the new class. */
  readonly input: X;
  /** Its Euclidean distance from the start, over all entries of all inputs. */
  readonly distance: number;
  /** Where the class can't be told before that: a touch that is less than rounding. Mostly empty. */
  readonly undecided: readonly ClassInterval[];
}

/**
 * The first input on the line from `from` to `to` that has another class than `from`; undefined if there is none.
 *
 * A class is the largest output. No nearer input on this line has another class, up to what `undecided` lists: every change
 * of class is found, not sampled. It says nothing of other directions.
 *
 * @param network - a network, or a graph with one output
 * @param from - the input whose class is to be changed
 * @param to - where to go: another input, or the same plus a direction
 * @throws what `restrictToLine` and `crossings` throw
 * @example
 * ```ts
 * import { nearestAdversarial } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * // outputs (x₁, 3/2)
 * const two: Network<"x"> = {
 *   inputs: { x: [1, 2] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.add(ops.matmul(x, ops.constant(tensor([[1, 0], [0, 0]])), {}), ops.constant(tensor([[0, 1.5]]))),
 * };
 * const found = nearestAdversarial(two, tensor([[3, 0]]), tensor([[0, 4]]));
 * found?.at; // 0.5
 * found?.distance; // 2.5000…
 * [found?.from, found?.to]; // [0, 1]
 * ```
 */
export function nearestAdversarial<I extends string, C, P, X extends Given<I>>(
  network: Network<I, C, P>,
  from: X,
  to: NoInfer<X>,
  options?: NearestOptions,
): NearestAdversarial<X> | undefined;
export function nearestAdversarial<X extends Given<string>>(
  graph: Graph,
  from: X,
  to: NoInfer<X>,
  options?: NearestOptions,
): NearestAdversarial<X> | undefined;
export function nearestAdversarial(
  source: Network | Graph,
  from: Given<string>,
  to: Given<string>,
  options: NearestOptions = {},
): NearestAdversarial<Given<string>> | undefined {
  const where = "nearestAdversarial";
  checkOptions(where, options, ["method", "on", "signal", "row"]);
  const { row, ...line } = options;
  let path: Path | undefined;
  // what is read again to go on costs little beside what was read
  for (let budgetMs = 20; ; budgetMs *= 2) {
    path = restrictToLine(source as Network, from, to, { ...line, budgetMs, ...(path && { resume: path }) });
    classColumns(where, path, row);
    const rows = row === undefined ? {} : { row };
    const found = crossings(path, rows);
    const first = found.crossings.at(0);
    if (first) {
      const t = beyond(path, first, rows);
      return {
        ...first,
        t,
        input: pointBetween(from, to, t),
        distance: t * distanceBetween(from, to),
        undecided: found.undecided.filter((part) => part.from < first.at),
      };
    }
    if (path.end === 1) return undefined;
  }
}

/** A place behind a crossing where the new class is certain: as near as it leads by more than rounding. */
function beyond(path: Path, { at, radius, to }: Crossing, rows: RowOptions): number {
  const columns = classColumns("nearestAdversarial", path, rows.row);
  const next = classMap(path, rows).find(
    (part) => part.to > at && part.class === to && part.rivals.length === 0,
  ) as ClassInterval;
  const inside = 0.5 * (Math.max(next.from, at) + next.to);
  const leads = (t: number): boolean => {
    const { data } = path.evaluate(t);
    return columns.every((c, k) => k === to || data[columns[to]] - data[c] > 2 * path.noise);
  };
  for (let step = 2 * radius; at + step < inside; step *= 2) if (leads(at + step)) return at + step;
  return inside;
}

/** x(t) = (1 − t)·from + t·to, in float64. */
function pointBetween(from: Given<string>, to: Given<string>, t: number): Given<string> {
  const between = (a: Tensor, b: Tensor): Tensor =>
    tensor(
      Float64Array.from(a.data, (v, k) => (1 - t) * v + t * b.data[k]),
      a.shape,
    );
  if (isTensor(from)) return between(from, to as Tensor);
  const ends = to as Readonly<Record<string, Tensor>>;
  return Object.fromEntries(Object.entries(from).map(([name, a]) => [name, between(a, ends[name])]));
}

function distanceBetween(from: Given<string>, to: Given<string>): number {
  const all = (x: Given<string>): Readonly<Record<string, Tensor>> => (isTensor(x) ? { x } : x);
  const stops = all(to);
  return Math.hypot(
    ...Object.entries(all(from)).map(([name, a]) => {
      let largest = 0;
      const gaps = Float64Array.from(a.data, (v, k) => Math.abs(stops[name].data[k] - v));
      for (const gap of gaps) largest = Math.max(largest, gap);
      if (largest === 0) return 0;
      return largest * Math.sqrt(gaps.reduce((sum, gap) => sum + (gap / largest) ** 2, 0));
    }),
  );
}
