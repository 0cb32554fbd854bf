/**
 * @file How many cells a slice has, counted in two ways, and how many it could have at most. Letters: d the degree of a gate's
 * input in a and b, N its units times the knots of their activation, D = N d.
 */
import { checkOptions, type Given, type Graph, type Network, show, UnsupportedError } from "@splineformer/tensor";
import { type GateBound, pieceBound } from "../answers/piece-count.ts";
import type { Slice } from "./cells.ts";

export interface CellCountOptions {
  /**
   * What a cell is. "cell", the default: a connected part of the window on which no unit switches. "pattern": all parts
   * with the same activation pattern together.
   */
  readonly by?: "cell" | "pattern";
}

/**
 * The number of cells of a slice: connected ones, or different activation patterns.
 *
 * @param slice - from `slice`; where its topology is "scanlines", of what its scanlines meet
 * @example
 * ```ts
 * import { countCells, slice } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * // ReLU(x² − 1/4): on at both sides
 * const sides: Network<"x"> = {
 *   inputs: { x: [1, 2] },
 *   config: {},
 *   parameters: {},
 *   run(ops, _, { x }) {
 *     const first = ops.slice(x, { axis: -1, from: 0, to: 1 });
 *     return ops.activate(ops.add(ops.multiply(first, first), ops.constant(tensor([[-0.25]]))), { activation: "relu", order: 0 });
 *   },
 * };
 * const plane = slice(sides, { origin: tensor([[-1, -1]]), u: tensor([[2, 0]]), v: tensor([[0, 2]]), rows: 8 });
 * countCells(plane); // 3
 * countCells(plane, { by: "pattern" }); // 2
 * ```
 */
export function countCells(slice: Slice, options: CellCountOptions = {}): number {
  const where = "countCells";
  if (typeof slice !== "object" || slice === null || !Array.isArray(slice.cells))
    throw new RangeError(`${where}: expected a slice, got ${show(slice)}`);
  checkOptions(where, options, ["by"]);
  const { by = "cell" } = options;
  if (by !== "cell" && by !== "pattern")
    throw new RangeError(`${where}: expected by "cell" or "pattern", got ${show(by)}`);
  return by === "cell" ? slice.cells.length : new Set(slice.cells.map(({ key }) => key)).size;
}

/** How many cells there can be. */
export interface CellBound {
  /** At most so many activation patterns in any plane: the product of the gates' factors. */
  readonly patterns: bigint;
  /** At most so many connected cells, where there is one gate alone; of more this is not known. */
  readonly cells: bigint | undefined;
  /** What each gate can add: `factor` is 1 + D(D + 1)/2. */
  readonly gates: readonly GateBound[];
}

/**
 * `1 + D(D + 1)/2` cells at most for one gate: N curves of degree d are one of degree D = N d, and no curve of degree D
 * divides a plane into more parts than D lines do. Deeper networks have at most the product of their gates' factors in
 * patterns, since a pattern of the gates before determines the curves of the next.
 *
 * One hidden layer of w units: `1 + w + w(w − 1)/2`. One attention layer of M scores, which are quadratic: `2M² + M + 1`.
 *
 * @param network - a network, or a graph with one output
 * @param input - an input; only its shape matters. Every input is taken to move
 * @throws UnsupportedError naming a gate that is no piecewise polynomial unit by unit
 * @example
 * ```ts
 * import { cellBound } from "@splineformer/analysis";
 * import { type Network, tensor, zeros } from "@splineformer/tensor";
 * const layer: Network<"x"> = {
 *   inputs: { x: [1, 2] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) =>
 *     ops.activate(ops.matmul(x, ops.constant(tensor([[1, 2, 3, 4, 5], [1, -1, 1, -1, 1]])), {}), { activation: "relu", order: 0 }),
 * };
 * cellBound(layer, zeros([1, 2])).cells; // 16n: 1 + 5 + 10
 * ```
 */
export function cellBound<I extends string, C, P>(network: Network<I, C, P>, input: Given<I>): CellBound;
export function cellBound(graph: Graph, input: Given<string>): CellBound;
export function cellBound(source: Network | Graph, input: Given<string>): CellBound {
  const where = "cellBound";
  const { gates: onLines } = pieceBound(source as Network, input, moved(input));
  const gates = onLines.map((gate): GateBound => {
    const D = BigInt(gate.units) * BigInt(gate.degree);
    // a gate that compares its units has a factor of its own
    if (gate.factor !== D + 1n)
      throw new UnsupportedError(
        `${where}: expected gates that switch unit by unit, got one that compares them at ${gate.scope}`,
      );
    return { ...gate, factor: 1n + (D * (D + 1n)) / 2n };
  });
  return {
    patterns: gates.reduce((product, { factor }) => product * factor, 1n),
    cells: gates.length === 1 ? gates[0].factor : gates.length === 0 ? 1n : undefined,
    gates,
  };
}

/** An input that differs in every entry, if it is one at all. */
function moved(input: Given<string>): Given<string> {
  const other = (x: unknown): unknown => {
    const { data } = x as { readonly data?: ArrayLike<number> };
    return data === undefined
      ? x
      : { ...(x as object), data: Float64Array.from(data, (v) => (v === 0 ? 1 : 0)), dtype: "float64" };
  };
  if (typeof input !== "object" || input === null) return input;
  return (
    "data" in input ? other(input) : Object.fromEntries(Object.entries(input).map(([name, x]) => [name, other(x)]))
  ) as Given<string>;
}
