/**
 * @file A network is plain data and one function that reads it with any operations. `forward` runs it.
 */
import { checkOptions } from "./check.ts";
import { ShapeError, show } from "./errors.ts";
import { evaluate } from "./evaluate.ts";
import { type Graph, type Node, type RecordOptions, record } from "./graph.ts";
import { reference } from "./reference.ts";
import { type Shape, type Shaped, sameShape, showShape } from "./shape.ts";
import { isTensor, type Tensor } from "./tensor.ts";
import type { Ops } from "./vocabulary.ts";

/** A tree of parameters with its tensors read as T. */
export type Lifted<P, T> = P extends Tensor ? T : P extends object ? { readonly [K in keyof P]: Lifted<P[K], T> } : P;

/** The trailing axes of an input: lengths, or names of lengths that are free (`"tokens"`). Leading axes are batch. */
export type InputShape = readonly (number | string)[];

/**
 * A network: plain data, and `run`, written once over `Ops`.
 *
 * `run` must be pure: it is called once for every shape and its graph is kept.
 *
 * @example
 * ```ts
 * import { forward, type Network, tensor, type Tensor, toNested } from "@splineformer/tensor";
 * const double: Network<"x", { factor: number }, { shift: Tensor }> = {
 *   inputs: { x: [2] },
 *   config: { factor: 2 },
 *   parameters: { shift: tensor([1, 0]) },
 *   run(ops, { shift }, { x }) {
 *     return ops.add(ops.scale(x, this.config), shift);
 *   },
 * };
 * toNested(forward(double, tensor([3, 4]))); // [7, 8]
 * ```
 */
export interface Network<I extends string = string, C = unknown, P = unknown> {
  readonly inputs: Readonly<Record<I, InputShape>>;
  readonly config: C;
  /** A tree of tensors: records and arrays. A parameter's name is its path, `blocks.0.attention.query.weight`. */
  readonly parameters: P;
  run<T extends Shaped>(ops: Ops<T>, parameters: Lifted<P, T>, inputs: Readonly<Record<I, T>>): T;
}

/** The tensor itself where a network has one input, else tensors by input name. */
export type Given<I extends string> = Tensor | Readonly<Record<I, Tensor>>;

export interface ForwardOptions<T extends Shaped> {
  /** The device, or any other operations. */
  readonly on: Ops<T>;
}

/**
 * Runs a network.
 *
 * With no device the reference computes, in float64. With `on`, the result is whatever that reading gives: a tensor,
 * a handle on a GPU, a node of another graph. The graph is recorded once for every shape, so a refusal names the place.
 *
 * @param x - the input, or inputs by name; leading axes are batch
 * @throws ShapeError if an input does not have the network's shape
 * @throws RangeError if an input is missing or unknown
 * @example
 * ```ts
 * import { forward, type Network, tensor, toNested } from "@splineformer/tensor";
 * const twice: Network<"x"> = { inputs: { x: [2] }, config: {}, parameters: {}, run: (ops, _, { x }) => ops.add(x, x) };
 * toNested(forward(twice, tensor([[1, 2], [3, 4]]))); // [[2, 4], [6, 8]]
 * ```
 */
export function forward<I extends string, C, P>(network: Network<I, C, P>, x: Given<I>): Tensor;
export function forward<I extends string, C, P, T extends Shaped>(
  network: Network<I, C, P>,
  x: Given<I>,
  options: ForwardOptions<T>,
): T;
export function forward<I extends string, C, P>(
  network: Network<I, C, P>,
  x: Given<I>,
  options: ForwardOptions<Shaped> = { on: reference as unknown as Ops<Shaped> },
): Shaped {
  checkOptions("forward", options, ["on"]);
  const ops = options.on;
  const given = namedInputs("forward", network, x);
  const shapes = {} as Record<I, Shape>;
  const inputs = {} as Record<I, Shaped>;
  for (const name of Object.keys(given) as I[]) {
    shapes[name] = given[name].shape;
    inputs[name] = ops.constant(given[name]);
  }
  return evaluate(graphOf(network, shapes), ops, { inputs, parameters: parametersOf(network) }).output;
}

/**
 * Inputs by name, checked against the network: names, shapes, and equal free lengths.
 *
 * @throws RangeError or ShapeError naming `where`
 */
export function namedInputs<I extends string, C, P>(
  where: string,
  network: Network<I, C, P>,
  x: Given<I>,
): Record<I, Tensor> {
  const names = Object.keys(network.inputs) as I[];
  if (isTensor(x) && names.length !== 1)
    throw new RangeError(`${where}: expected inputs { ${names.join(", ")} }, got one tensor`);
  if (typeof x !== "object" || x === null) throw new RangeError(`${where}: expected a tensor, got ${show(x)}`);
  const given = (isTensor(x) ? { [names[0]]: x } : x) as Record<I, Tensor>;
  for (const name of Object.keys(given))
    if (!names.includes(name as I))
      throw new RangeError(`${where}: expected inputs { ${names.join(", ")} }, got ${show(name)}`);
  for (const name of names)
    if (!isTensor(given[name]))
      throw new RangeError(`${where}: expected input ${show(name)} to be a tensor, got ${show(given[name])}`);
  checkInputShapes(
    where,
    network,
    Object.fromEntries(names.map((name) => [name, given[name].shape])) as Record<I, Shape>,
  );
  return given;
}

function checkInputShapes<I extends string, C, P>(
  where: string,
  network: Network<I, C, P>,
  shapes: Readonly<Record<I, Shape>>,
): void {
  const free = new Map<string, number>();
  for (const name of Object.keys(network.inputs) as I[]) {
    const expected = network.inputs[name];
    const shape = shapes[name];
    const trailing = shape.slice(shape.length - expected.length);
    const fits =
      shape.length >= expected.length &&
      expected.every(
        (length, i) => (typeof length === "number" ? length : (free.get(length) ?? trailing[i])) === trailing[i],
      );
    if (!fits)
      throw new ShapeError(
        `${where}: expected input ${show(name)} of shape [.., ${expected.join(", ")}], got ${showShape(shape)}`,
      );
    for (const [i, length] of expected.entries()) if (typeof length === "string") free.set(length, trailing[i]);
  }
}

const graphs = new WeakMap<object, Map<string, Graph>>();

/**
 * A network's graph for these input shapes. Without options it is kept and reused; parameters are rebound by name when
 * it is evaluated, so one graph serves a whole training run.
 *
 * @param shapes - the shape of every input, batch axes included
 * @throws ShapeError where shapes do not fit, naming the operation and the place
 * @example
 * ```ts
 * import { graphOf, type Network } from "@splineformer/tensor";
 * const twice: Network<"x"> = { inputs: { x: [2] }, config: {}, parameters: {}, run: (ops, _, { x }) => ops.add(x, x) };
 * graphOf(twice, { x: [3, 2] }).nodes.length; // 2
 * ```
 */
export function graphOf<I extends string, C, P>(
  network: Network<I, C, P>,
  shapes: Readonly<Record<I, Shape>>,
  options?: RecordOptions,
): Graph {
  checkInputShapes("graphOf", network, shapes);
  const draw = (): Graph =>
    record(
      (ops, inputs) => network.run(ops, lift(ops, network.parameters), inputs as Record<I, Node>),
      shapes,
      options,
    );
  if (options) return draw();
  const known = graphs.get(network) ?? new Map<string, Graph>();
  graphs.set(network, known);
  const key = JSON.stringify(Object.entries(shapes).sort(([a], [b]) => (a < b ? -1 : 1)));
  const graph = known.get(key) ?? draw();
  known.set(key, graph);
  return graph;
}

/** A tree of parameters with every tensor lifted into `ops`, under its dotted name. */
export function lift<P, T extends Shaped>(ops: Ops<T>, parameters: P): Lifted<P, T> {
  return mapTensors(parameters, (value, name) => ops.parameter(name, value)) as Lifted<P, T>;
}

/** A tree with every tensor replaced by what `f` gives for it and its dotted name. */
function mapTensors(tree: unknown, f: (value: Tensor, name: string) => unknown): unknown {
  const visit = (part: unknown, name: string): unknown => {
    if (isTensor(part)) return f(part, name);
    const inner = (key: string | number): string => (name ? `${name}.${key}` : String(key));
    if (Array.isArray(part)) return part.map((p, i) => visit(p, inner(i)));
    if (typeof part === "object" && part !== null)
      return Object.fromEntries(Object.entries(part).map(([key, p]) => [key, visit(p, inner(key))]));
    return part;
  };
  return visit(tree, "");
}

/**
 * Every parameter by its dotted name.
 *
 * @example
 * ```ts
 * import { parametersOf, tensor } from "@splineformer/tensor";
 * const network = { inputs: {}, config: {}, parameters: { layers: [{ weight: tensor([1]) }] }, run: () => { throw 0; } };
 * Object.keys(parametersOf(network)); // ["layers.0.weight"]
 * ```
 */
export function parametersOf(network: Pick<Network, "parameters">): Record<string, Tensor> {
  const found: Record<string, Tensor> = {};
  mapTensors(network.parameters, (value, name) => {
    found[name] = value;
  });
  return found;
}

/**
 * The same network with other numbers.
 *
 * @param named - a tensor for every parameter, or for some of them, by dotted name
 * @throws RangeError if a name is unknown
 * @throws ShapeError if a tensor has another shape than the parameter
 */
export function withParameters<N extends Network<never>>(network: N, named: Readonly<Record<string, Tensor>>): N {
  const known = parametersOf(network);
  for (const [name, value] of Object.entries(named)) {
    if (!Object.hasOwn(known, name))
      throw new RangeError(`withParameters: expected a parameter's name, got ${show(name)}`);
    if (!isTensor(value))
      throw new RangeError(`withParameters: expected ${show(name)} to be a tensor, got ${show(value)}`);
    if (!sameShape(value.shape, known[name].shape))
      throw new ShapeError(
        `withParameters: expected ${show(name)} of shape ${showShape(known[name].shape)}, got ${showShape(value.shape)}`,
      );
  }
  const parameters = mapTensors(network.parameters, (value, name) =>
    Object.hasOwn(named, name) ? named[name] : value,
  );
  return { ...network, parameters };
}
