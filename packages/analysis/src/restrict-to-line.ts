/**
 * @file `restrictToLine`: the public question, checked and handed to the engine.
 */
import {
  cast,
  checkOptions,
  evaluate,
  type Given,
  type Graph,
  graphOf,
  isTensor,
  type Network,
  namedInputs,
  record,
  reference,
  ShapeError,
  type SynchronousDevice,
  sameShape,
  show,
  showShape,
  type Tensor,
  UnsupportedError,
} from "@splineformer/tensor";
import { type FlatUnit, flatUnit } from "./causes.ts";
import { descend, type Piece } from "./descend.ts";
import { type Path, pathOf } from "./path.ts";

export interface LineOptions {
  /** How the line is walked; "auto" is "descend". */
  readonly method?: "auto" | "descend";
  /** A synchronous float64 device for the operations between gates. Default `reference`. */
  readonly on?: SynchronousDevice;
  /** Called after every piece, with the part of the line that is done. */
  readonly onProgress?: (done: number) => void;
  /** Aborts: the promise of an answer is withdrawn with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * The network on the line x(t) = from + t·(to − from), 0 ≤ t ≤ 1, as the exact piecewise polynomial it is.
 *
 * Between two breakpoints every unit stays in one piece of its activation, so the output is one polynomial in t. All
 * breakpoints are found (certified sign by sign, not sampled), each with every unit that switches there. What rounding
 * does not let decide is listed in `flat`. Works for any network whose gates are piecewise polynomial: ReLU, leaky ReLU,
 * absolute value, clamp, hard sigmoid, squared ReLU, sparsemax; any depth, while the degree stays moderate (≤ 27 or so).
 *
 * @param network - a network, or a graph with one output
 * @param from - the input at t = 0, or inputs by name; a batch is one longer line
 * @param to - the input at t = 1, of the same shapes
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws ShapeError if the shapes do not fit
 * @throws RangeError if a number is not finite, or an option is unknown
 * @source arXiv 2408.09624
 * @example
 * ```ts
 * import { restrictToLine } from "@splineformer/analysis";
 * import { type Network, tensor } from "@splineformer/tensor";
 * const hinge: Network<"x"> = {
 *   inputs: { x: [1] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.activate(x, { activation: "relu", order: 0 }),
 * };
 * const path = restrictToLine(hinge, tensor([-1]), tensor([3]));
 * path.breakpoints; // Float64Array.of(0, 0.25, 1)
 * path.evaluate(0.5).data[0]; // 1
 * ```
 */
export function restrictToLine<I extends string, C, P>(
  network: Network<I, C, P>,
  from: Given<I>,
  to: Given<I>,
  options?: LineOptions,
): Path;
export function restrictToLine(graph: Graph, from: Given<string>, to: Given<string>, options?: LineOptions): Path;
export function restrictToLine(
  source: Network | Graph,
  from: Given<string>,
  to: Given<string>,
  options: LineOptions = {},
): Path {
  const where = "restrictToLine";
  checkOptions(where, options, ["method", "on", "onProgress", "signal"]);
  const { method = "auto", on: device = reference, onProgress, signal } = options;
  if (method !== "auto" && method !== "descend")
    throw new RangeError(`${where}: expected method "auto" or "descend", got ${show(method)}`);
  if (device.dtype !== "float64")
    throw new UnsupportedError(`${where}: expected a float64 device, got ${show(device.name)} (${show(device.dtype)})`);
  const starts = ends(where, source, from);
  const stops = ends(where, source, to);
  for (const name of Object.keys(starts))
    if (!sameShape(starts[name].shape, stops[name].shape))
      throw new ShapeError(
        `${where}: expected from and to of one shape for ${show(name)}, got ${showShape(starts[name].shape)} and ${showShape(stops[name].shape)}`,
      );
  const graph = movingGraph(where, source, starts, stops);
  const pieces: Piece[] = [];
  const flat: FlatUnit[] = [];
  const degree = descend({
    graph,
    from: inputsOf(graph, starts),
    to: inputsOf(graph, stops),
    device,
    onPiece(piece) {
      signal?.throwIfAborted();
      pieces.push(piece);
      onProgress?.(piece.to);
    },
    onFlat: (found) => flat.push(flatUnit(found)),
  });
  return pathOf(pieces, graph.outputs.output.shape, degree, flat);
}

const isGraph = (source: Network | Graph): source is Graph => "nodes" in source && "outputs" in source;

/** One end of the line: every input by name, float64, finite. */
function ends(where: string, source: Network | Graph, x: Given<string>): Record<string, Tensor> {
  const given = isGraph(source) ? graphInputs(where, source, x) : namedInputs(where, source, x);
  const out: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(given)) {
    const bad = value.data.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      throw new RangeError(
        `${where}: expected finite numbers for input ${show(name)}, got ${value.data[bad]} at entry ${bad}`,
      );
    out[name] = cast(value, "float64");
  }
  return out;
}

function graphInputs(where: string, graph: Graph, x: Given<string>): Record<string, Tensor> {
  const shapes = new Map<string, readonly number[]>();
  for (const node of graph.nodes) if (node.op === "input") shapes.set(node.attributes.name, node.shape);
  const names = [...shapes.keys()];
  const given = isTensor(x) && names.length === 1 ? { [names[0]]: x } : x;
  if (isTensor(given) || Object.keys(given).some((name) => !shapes.has(name)))
    throw new RangeError(
      `${where}: expected inputs { ${names.join(", ")} }, got ${isTensor(given) ? "one tensor" : show(Object.keys(given))}`,
    );
  for (const [name, shape] of shapes) {
    if (!isTensor(given[name]))
      throw new RangeError(`${where}: expected an input ${show(name)}, got ${show(given[name])}`);
    if (!sameShape(given[name].shape, shape))
      throw new ShapeError(
        `${where}: expected input ${show(name)} of shape ${showShape(shape)}, got ${showShape(given[name].shape)}`,
      );
  }
  return given;
}

/** Those of the tensors that are inputs of the graph. */
const inputsOf = (graph: Graph, named: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(
    graph.nodes.flatMap((node) => (node.op === "input" ? [[node.attributes.name, named[node.attributes.name]]] : [])),
  );

/** The opened graph in which an input that does not move is a constant. */
function movingGraph(
  where: string,
  source: Network | Graph,
  from: Readonly<Record<string, Tensor>>,
  to: Readonly<Record<string, Tensor>>,
): Graph {
  const shapes = Object.fromEntries(Object.entries(from).map(([name, { shape }]) => [name, shape]));
  const graph = isGraph(source) ? source : graphOf(source, shapes);
  if (Object.keys(graph.outputs).join() !== "output")
    throw new UnsupportedError(`${where}: expected a graph with one output, got ${show(Object.keys(graph.outputs))}`);
  const moves = (name: string): boolean => from[name].data.some((v, i) => v !== to[name].data[i]);
  const moving = Object.fromEntries(Object.entries(shapes).filter(([name]) => moves(name)));
  return record(
    (ops, nodes) => {
      const inputs = { ...nodes };
      for (const name of Object.keys(from)) inputs[name] ??= ops.constant(from[name]);
      return evaluate(graph, ops, { inputs });
    },
    moving,
    { keep: [] },
  );
}
