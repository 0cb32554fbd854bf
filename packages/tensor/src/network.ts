/**
 * @file A network is plain data and one function that reads it with any operations. `forward` runs it.
 */
import { checkOperations, checkOptions, checkRecord, required } from "./check.ts";
import { ShapeError, show } from "./errors.ts";
import { evaluate } from "./evaluate.ts";
import { type Graph, type Node, type RecordOptions, record } from "./graph.ts";
import { type Lifted, lift, parametersOf } from "./parameters.ts";
import { reference } from "./reference.ts";
import { checkShape, type Shape, type Shaped, showShape } from "./shape.ts";
import { findNonFinite, isTensor, type Tensor } from "./tensor.ts";
import type { Ops } from "./vocabulary.ts";

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

/** The value itself where a network has one input, else values by input name: tensors, or values of a device. */
export type Given<I extends string, T extends Shaped = Tensor> = T | Readonly<Record<I, T>>;

export interface ForwardOptions<T extends Shaped> {
  /** The device, or any other operations. */
  readonly on: Ops<T>;
}

/**
 * Runs a network.
 *
 * With no device the reference computes, in float64. With `on`, the result is whatever that reading gives: a tensor,
 * a handle on a GPU, a node of another graph. Inputs may be such values too, so that results stay on a GPU from one
 * network to the next and a network is drawn into a graph behind other operations; the caller keeps them.
 * The graph is recorded once for every shape, so a refusal names the place.
 *
 * Tensors are searched for NaN and infinities: one of them would spread over everything that it meets.
 *
 * @param x - the input, or inputs by name; leading axes are batch
 * @throws ShapeError if an input does not have the network's shape
 * @throws RangeError if an input is missing, unknown or holds NaN or an infinity
 * @example
 * ```ts
 * import { forward, type Network, record, tensor, toNested } from "@splineformer/tensor";
 * const twice: Network<"x"> = { inputs: { x: [2] }, config: {}, parameters: {}, run: (ops, _, { x }) => ops.add(x, x) };
 * toNested(forward(twice, tensor([[1, 2], [3, 4]]))); // [[2, 4], [6, 8]]
 * const graph = record((on, { x }) => forward(twice, on.multiply(x, x), { on }), { x: [2] });
 * graph.nodes.map(({ op }) => op); // ["input", "multiply", "add"]
 * ```
 */
export function forward<I extends string, C, P>(network: Network<I, C, P>, x: Given<I>): Tensor;
export function forward<I extends string, C, P, T extends Shaped>(
  network: Network<I, C, P>,
  x: Given<I, Tensor | NoInfer<T>>,
  options: ForwardOptions<T>,
): T;
export function forward<I extends string, C, P>(
  network: Network<I, C, P>,
  x: Given<I, Shaped>,
  options: ForwardOptions<Shaped> = { on: reference as unknown as Ops<Shaped> },
): Shaped {
  checkOptions("forward", options, ["on"]);
  const ops = options.on;
  checkOperations("forward", "on", ops);
  const given = inputsOf("forward", network, x, isShaped);
  const shapes = {} as Record<I, Shape>;
  const inputs = {} as Record<I, Shaped>;
  const lifted: Shaped[] = [];
  let output: Shaped | undefined;
  try {
    for (const name of Object.keys(given) as I[]) {
      const value = given[name];
      shapes[name] = value.shape;
      inputs[name] = isTensor(value) ? ops.constant(value) : value;
      if (isTensor(value)) lifted.push(inputs[name]);
    }
    output = evaluate(graphOf(network, shapes), ops, { inputs, parameters: parametersOf(network) }).output;
    return output;
  } finally {
    // they were lifted here, so nobody else can give them back
    const { release } = ops as { release?(x: Shaped): void };
    for (const input of lifted) if (input !== output) release?.call(ops, input);
  }
}

/**
 * Inputs by name, checked against the network: names, shapes, equal free lengths, and finite numbers.
 *
 * @throws RangeError or ShapeError naming `where`
 * @example
 * ```ts
 * import { namedInputs, type Network, tensor } from "@splineformer/tensor";
 * const twice: Network<"x"> = { inputs: { x: [2] }, config: {}, parameters: {}, run: (ops, _, { x }) => ops.add(x, x) };
 * Object.keys(namedInputs("demo", twice, tensor([1, 2]))); // ["x"]
 * ```
 */
export function namedInputs<I extends string, C, P>(
  where: string,
  network: Network<I, C, P>,
  x: Given<I>,
): Record<I, Tensor> {
  return inputsOf(where, network, x, isTensor);
}

/** A tensor, or a value of some device: what it is, only the device knows. What has a dtype and data means to be a tensor. */
const isShaped = (value: unknown): value is Shaped =>
  typeof value === "object" &&
  value !== null &&
  Array.isArray((value as Partial<Shaped>).shape) &&
  (!("dtype" in value && "data" in value) || isTensor(value));

function inputsOf<I extends string, C, P, T extends Shaped>(
  where: string,
  network: Network<I, C, P>,
  x: Given<I, T>,
  isValue: (value: unknown) => value is T,
): Record<I, T> {
  checkNetwork(where, network);
  const names = Object.keys(network.inputs) as I[];
  if (isValue(x) && names.length !== 1)
    throw new RangeError(`${where}: expected inputs { ${names.join(", ")} }, got one tensor`);
  if (typeof x !== "object" || x === null || Array.isArray(x) || ArrayBuffer.isView(x))
    throw new RangeError(`${where}: expected a tensor, or tensors by input name, got ${show(x)}`);
  const given = (isValue(x) ? { [names[0]]: x } : x) as Record<I, T>;
  for (const name of Object.keys(given))
    if (!names.includes(name as I))
      throw new RangeError(`${where}: expected inputs { ${names.join(", ")} }, got ${show(name)}`);
  for (const name of names)
    if (!isValue(given[name]))
      throw new RangeError(`${where}: expected input ${show(name)} to be a tensor, got ${show(given[name])}`);
  checkInputShapes(
    where,
    network,
    Object.fromEntries(names.map((name) => [name, given[name].shape])) as Record<I, Shape>,
  );
  for (const name of names) checkFinite(where, name, given[name]);
  return given;
}

/** Refuses what no network is: one that came through `structuredClone` has lost its `run`. */
function checkNetwork(where: string, network: Network<never>): void {
  const fits = typeof network === "object" && network !== null && typeof network.run === "function";
  required(fits, where, "a network { inputs, config, parameters, run }", network);
  checkRecord(where, "a network with inputs by name", network.inputs);
  for (const [name, shape] of Object.entries<InputShape>(network.inputs))
    required(
      Array.isArray(shape) && shape.every((n) => typeof n === "string" || (Number.isSafeInteger(n) && n >= 0)),
      where,
      `lengths or their names for input ${show(name)}`,
      shape,
    );
}

function checkFinite(where: string, name: string, value: Shaped): void {
  const bad = isTensor(value) ? findNonFinite(value) : -1;
  if (bad >= 0)
    throw new RangeError(
      `${where}: expected finite numbers for input ${show(name)}, got ${(value as Tensor).data[bad]} at entry ${bad}`,
    );
}

function checkInputShapes<I extends string, C, P>(
  where: string,
  network: Network<I, C, P>,
  shapes: Readonly<Record<I, Shape>>,
): void {
  const free = new Map<string | number, number>();
  for (const name of Object.keys(shapes))
    required(Object.hasOwn(network.inputs, name), where, `inputs { ${Object.keys(network.inputs).join(", ")} }`, name);
  for (const name of Object.keys(network.inputs) as I[]) {
    const expected = network.inputs[name];
    const shape = shapes[name];
    checkShape(`${where}: input ${show(name)}`, shape);
    const trailing = shape.slice(Math.max(shape.length - expected.length, 0));
    // what a free length was before, for the message
    const before = expected.map((length) => (free.has(length) ? `${length} = ${free.get(length)}` : length));
    const fits =
      shape.length >= expected.length &&
      expected.every((length, i) => {
        if (typeof length === "number") return length === trailing[i];
        if (!free.has(length)) free.set(length, trailing[i]);
        return free.get(length) === trailing[i];
      });
    if (!fits)
      throw new ShapeError(
        `${where}: expected input ${show(name)} of shape [${["..", ...before].join(", ")}], got ${showShape(shape)}`,
      );
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
  checkNetwork("graphOf", network);
  checkRecord("graphOf", "shapes by input name", shapes);
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
