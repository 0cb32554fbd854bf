/**
 * @file The two ends of a line and the graph between them, checked: every name, shape and number.
 */
import {
  cast,
  evaluate,
  type Given,
  type Graph,
  graphOf,
  isTensor,
  type Network,
  namedInputs,
  open,
  record,
  type Shape,
  ShapeError,
  sameShape,
  show,
  showShape,
  sizeOf,
  type Tensor,
  UnsupportedError,
} from "@splineformer/tensor";

/** Tensors by input name. */
export type Inputs = Readonly<Record<string, Tensor>>;

/** A line, checked: its ends by name, and the graph on it. */
export interface LineInputs {
  /** An opened graph, in which an input that does not move is a constant. */
  readonly graph: Graph;
  readonly from: Inputs;
  readonly to: Inputs;
}

/** Checks the question and opens the graph. */
export function lineInputs(where: string, source: Network | Graph, from: Given<string>, to: Given<string>): LineInputs {
  checkSource(where, source);
  const starts = ends(where, source, from);
  const stops = ends(where, source, to);
  for (const name of Object.keys(starts))
    if (!sameShape(starts[name].shape, stops[name].shape))
      throw new ShapeError(
        `${where}: expected from and to of one shape for ${show(name)}, got ${showShape(starts[name].shape)} and ${showShape(stops[name].shape)}`,
      );
  const graph = movingGraph(where, source, starts, stops);
  checkEntries(where, graph);
  return { graph, from: inputsOf(graph, starts), to: inputsOf(graph, stops) };
}

/** A point, checked: the input by name, and the opened graph there. */
export function pointInputs(
  where: string,
  source: Network | Graph,
  x: Given<string>,
): { readonly graph: Graph; readonly x: Inputs } {
  checkSource(where, source);
  const point = ends(where, source, x);
  const graph = open(graphFor(where, source, point));
  checkEntries(where, graph);
  return { graph, x: point };
}

function checkSource(where: string, source: Network | Graph): void {
  const isNetwork = typeof (source as Partial<Network> | null)?.run === "function";
  if (!isNetwork && !isGraph(source))
    throw new RangeError(`${where}: expected a network or a graph, got ${show(source)}`);
}

/** The graph for inputs of these shapes, with one output. */
function graphFor(where: string, source: Network | Graph, inputs: Inputs): Graph {
  const graph = isGraph(source) ? source : graphOf(source, shapesOf(inputs));
  const names = Object.keys(graph.outputs);
  if (names.join() !== "output")
    throw new UnsupportedError(`${where}: expected a graph with one output, got ${show(names)}`);
  return graph;
}

const shapesOf = (inputs: Inputs): Record<string, Shape> =>
  Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));

function checkEntries(where: string, { outputs: { output } }: Graph): void {
  if (sizeOf(output.shape) === 0)
    throw new ShapeError(
      `${where}: expected inputs that give an output with entries, got one of shape ${showShape(output.shape)}`,
    );
}

const isGraph = (source: unknown): source is Graph =>
  typeof source === "object" && source !== null && "nodes" in source && "outputs" in source;

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
  if (typeof given !== "object" || given === null || Array.isArray(given) || ArrayBuffer.isView(given))
    throw new RangeError(`${where}: expected a tensor, or tensors by input name, got ${show(given)}`);
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
  const graph = graphFor(where, source, from);
  const moves = (name: string): boolean => from[name].data.some((v, i) => v !== to[name].data[i]);
  const moving = Object.fromEntries(Object.entries(shapesOf(from)).filter(([name]) => moves(name)));
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
