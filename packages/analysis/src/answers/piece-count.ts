/**
 * @file How many pieces a path has, counted in two ways, and how many it could have at most.
 * Letters: d the degree of a gate's input in t, N its units, k the knots of its activation.
 */
import {
  activationOf,
  actsOnRows,
  checkOptions,
  degreesOf,
  evaluateAll,
  type Given,
  type Graph,
  type Network,
  operandsOf,
  type PiecewiseActivation,
  type Pointwise,
  reference,
  show,
  sizeOf,
} from "@splineformer/tensor";
import { type Row, scoreRows, visibleTo } from "../engine/scores.ts";
import { lineInputs } from "../line-inputs.ts";
import { checkPath, outputShape } from "../output-rows.ts";
import type { Path } from "../path.ts";

export interface CountOptions {
  /**
   * What a piece is. "pattern", the default: an interval on which no unit switches. "polynomial": a longest interval on which
   * the whole output is one polynomial; neighbours that differ in their pattern only, as where two switches cancel or a
   * unit is not read, are one.
   */
  readonly by?: "pattern" | "polynomial";
}

/**
 * The number of pieces of a path.
 *
 * Two polynomials count as equal if all their derivatives agree at the breakpoint up to a relative error of 2⁻⁴⁰ in their
 * values (`smoothness` of `@splineformer/spline`), in every number of the output.
 *
 * @param path - from `restrictToLine`
 * @example
 * ```ts
 * import { countPieces, restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * // ReLU(x) − ReLU(−x) = x: a switch that nobody sees
 * const same: Network<"x"> = {
 *   inputs: { x: [1, 1] },
 *   config: {},
 *   parameters: {},
 *   run(ops, _, { x }) {
 *     const both = ops.activate(ops.matmul(x, ops.constant(tensor([[1, -1]])), {}), { activation: "relu", order: 0 });
 *     return ops.matmul(both, ops.constant(tensor([[1], [-1]])), {});
 *   },
 * };
 * const path = restrictToLine(same, tensor([[-1]]), tensor([[1]]));
 * countPieces(path); // 2
 * countPieces(path, { by: "polynomial" }); // 1
 * ```
 */
export function countPieces(path: Path, options: CountOptions = {}): number {
  const where = "countPieces";
  checkPath(where, path);
  checkOptions(where, options, ["by"]);
  const { by = "pattern" } = options;
  if (by !== "pattern" && by !== "polynomial")
    throw new RangeError(`${where}: expected by "pattern" or "polynomial", got ${show(by)}`);
  if (by === "pattern") return path.pieces.length;
  const shape = outputShape(path);
  const bends = new Uint8Array(path.pieces.length - 1);
  for (let column = 0; column < sizeOf(shape); column++) {
    const index: number[] = [];
    for (let axis = shape.length - 1, rest = column; axis >= 0; axis--) {
      index.unshift(rest % shape[axis]);
      rest = Math.floor(rest / shape[axis]);
    }
    path
      .coordinate(...index)
      .smoothness()
      .forEach((order, i) => {
        if (order !== Number.POSITIVE_INFINITY) bends[i] = 1;
      });
  }
  return 1 + bends.reduce((sum, bend) => sum + bend, 0);
}

/** What one gate can add: each piece so far is cut into at most `factor` pieces. */
export interface GateBound {
  /** Where in the network: `block 0/attention`. */
  readonly scope: string;
  /** Units that can switch, times the knots of their activation. */
  readonly units: number;
  /** The degree of what they read. */
  readonly degree: number;
  /** `units · degree + 1`; for sparsemax, whose units compare keys, the product of two such. */
  readonly factor: bigint;
}

export interface PieceBound {
  /** At most so many pieces on any line, by pattern: the product of the factors. */
  readonly pieces: bigint;
  readonly gates: readonly GateBound[];
}

/**
 * `Π_gates (N k d + 1)`: at most so many pieces a line between two inputs of these shapes can have. A polynomial of degree d
 * meets each of k knots at most d times, so a gate of N units cuts a piece into at most N k d + 1.
 *
 * For an encoder of t ReLU layers, h heads, w hidden units and p tokens that is `Π_{l<t} (2·3^l·h·p² + 1)(3^(l+1)·w·p + 1)`;
 * with a causal mask p(p + 1)/2 in place of p². What is found is smaller by many orders of magnitude.
 *
 * @param network - a network, or a graph with one output
 * @param from - an input; only its shape matters, and which inputs differ from `to`
 * @param to - another
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @source Degrees: arXiv 2408.09624
 * @example
 * ```ts
 * import { pieceBound } from "@splineformer/analysis";
 * import { random } from "@splineformer/tensor";
 * import { createEncoder } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 2, width: 4, heads: 2, hidden: 5, seed: 7 });
 * const numbers = random(1);
 * const bound = pieceBound(model, numbers.normal([3, 4]), numbers.normal([3, 4]));
 * bound.gates.map(({ factor }) => Number(factor)); // [37, 46, 109, 136]: 2·2·9 + 1, 3·5·3 + 1, 6·2·9 + 1, 9·5·3 + 1
 * bound.pieces; // 25230448n
 * ```
 */
export function pieceBound<I extends string, C, P>(network: Network<I, C, P>, from: Given<I>, to: Given<I>): PieceBound;
export function pieceBound(graph: Graph, from: Given<string>, to: Given<string>): PieceBound;
export function pieceBound(source: Network | Graph, from: Given<string>, to: Given<string>): PieceBound {
  const where = "pieceBound";
  const line = lineInputs(where, source, from, to);
  const { nodes } = line.graph;
  const degrees = degreesOf(line.graph, where).map(({ total }) => total);
  const moving: boolean[] = [];
  for (const node of nodes) moving[node.id] = node.op === "input" || operandsOf(node).some((x) => moving[x.id]);
  const fixed = evaluateAll(line.graph, reference, { inputs: line.from });
  const gates = nodes.flatMap((node): GateBound[] => {
    if (!moving[node.id] || (node.op !== "activate" && node.op !== "weigh")) return [];
    const { activation } = node.attributes;
    const degree = degrees[node.inputs[0].id];
    const { scope } = node;
    if (node.op === "weigh") {
      const rows = scoreRows(node, visibleTo(node, fixed));
      if (actsOnRows(activation)) return [sparsemaxBound(rows, degree, scope)];
      const units = rows.reduce((sum, { entries }) => sum + entries.length, 0);
      return [bounded(scope, units * knotsOf(activation as Pointwise), degree)];
    }
    // what is smooth was refused with its degree
    return [bounded(scope, sizeOf(node.shape) * knotsOf(activation as Pointwise), degree)];
  });
  return { pieces: gates.reduce((product, { factor }) => product * factor, 1n), gates };
}

const bounded = (scope: string, units: number, degree: number): GateBound => ({
  scope,
  units,
  degree,
  factor: BigInt(units) * BigInt(degree) + 1n,
});

/** The order of a row's keys changes where two are equal; for one order its support ends where one of as many sums is 1. */
function sparsemaxBound(rows: readonly Row[], degree: number, scope: string): GateBound {
  let pairs = 0;
  let sums = 0;
  for (const { entries } of rows) {
    const n = entries.length;
    pairs += (n * (n - 1)) / 2;
    sums += n;
  }
  const factor = bounded(scope, pairs, degree).factor * bounded(scope, sums, degree).factor;
  return { scope, units: sums, degree, factor };
}

const knotsOf = (activation: Pointwise): number => (activationOf(activation) as PiecewiseActivation).knots.length;
