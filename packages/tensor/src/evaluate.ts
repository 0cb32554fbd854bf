/**
 * @file A graph read by a device: every node's value after its operands, released after its last use.
 */

import { checkOperations, checkRecord, required } from "./check.ts";
import { openAttention, openLinear } from "./composites.ts";
import { ShapeError, show } from "./errors.ts";
import { type Applied, checkGraph, type Graph, isLeaf, type Leaf, type Node, operandsOf, record } from "./graph.ts";
import { type Shape, type Shaped, sameShape, showShape } from "./shape.ts";
import { isTensor, type Tensor } from "./tensor.ts";
import { type Operands, type Ops, type Scratch, within } from "./vocabulary.ts";

export interface Bindings<T> {
  /** A value for every input, of the recorded shape. */
  readonly inputs: Readonly<Record<string, T>>;
  /** Other numbers for parameters, by name; the recorded ones serve where a name is missing. */
  readonly parameters?: Readonly<Record<string, Tensor>>;
}

/**
 * The outputs of a graph, by name, computed by `ops`.
 *
 * With a device that has `release`, every intermediate value is given back after its last use, also when a later
 * operation fails; the outputs, and the inputs that came in, belong to the caller.
 *
 * @throws RangeError if an input is missing or unknown
 * @throws ShapeError if an input or a parameter has another shape than was recorded
 * @example
 * ```ts
 * import { evaluate, record, reference, tensor, toNested } from "@splineformer/tensor";
 * const graph = record((ops, { x }) => ops.add(x, ops.constant(tensor([1]))), { x: [2] });
 * toNested(evaluate(graph, reference, { inputs: { x: tensor([1, 2]) } }).output); // [2, 3]
 * ```
 */
export function evaluate<T extends Shaped>(graph: Graph, ops: Ops<T>, bindings: Bindings<T>): Record<string, T> {
  checkInputs(graph, ops, bindings);
  return inScratch(ops, (own, keep) => {
    const outputs = evaluateIn(own, graph, bindings);
    return Object.fromEntries(Object.entries(outputs).map(([name, x]) => [name, keep(x)]));
  });
}

/** What a computation gives when it uses the device's scratch, where there is one, and keeps its results. */
export function inScratch<T extends Shaped, R>(ops: Ops<T>, compute: (ops: Ops<T>, keep: (x: T) => T) => R): R {
  const scratch = (ops as { scratch?(): Scratch<T> | undefined }).scratch?.();
  if (!scratch) return compute(ops, (x) => x);
  try {
    return compute(scratch.ops, scratch.keep);
  } finally {
    scratch.close();
  }
}

function evaluateIn<T extends Shaped>(ops: Ops<T>, graph: Graph, bindings: Bindings<T>): Record<string, T> {
  const release = (ops as { release?(x: T): void }).release?.bind(ops);
  const values: (T | undefined)[] = [];
  const finished = lastUses(graph);
  try {
    for (const node of graph.nodes) {
      values[node.id] = nodeValue(ops, node, values, bindings);
      if (release)
        for (const used of finished[node.id]) {
          release(values[used.id] as T);
          values[used.id] = undefined;
        }
    }
  } catch (error) {
    if (release)
      for (const node of graph.nodes) {
        const value = values[node.id];
        if (!isLeaf(node) && value !== undefined) release(value);
      }
    throw error;
  }
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, node]) => [name, values[node.id] as T]));
}

/**
 * Every node's value, by `node.id`; nothing is released. For walks that need what lies between.
 *
 * @throws RangeError if an input is missing or unknown
 * @throws ShapeError if an input or a parameter has another shape than was recorded
 * @example
 * ```ts
 * import { evaluateAll, record, reference, tensor, toNested } from "@splineformer/tensor";
 * const graph = record((ops, { x }) => ops.scale(ops.add(x, x), { factor: 3 }), { x: [2] });
 * evaluateAll(graph, reference, { inputs: { x: tensor([1, 2]) } }).map(toNested); // [[1, 2], [2, 4], [6, 12]]
 * ```
 */
export function evaluateAll<T extends Shaped>(graph: Graph, ops: Ops<T>, bindings: Bindings<T>): T[] {
  checkInputs(graph, ops, bindings);
  const values: T[] = [];
  for (const node of graph.nodes) values.push(nodeValue(ops, node, values, bindings));
  return values;
}

function nodeValue<T extends Shaped>(
  ops: Ops<T>,
  node: Node,
  values: readonly (T | undefined)[],
  bindings: Bindings<T>,
): T {
  if (isLeaf(node)) return readLeaf(ops, node, bindings);
  return apply(
    ops,
    node,
    (node.inputs as readonly (Node | undefined)[]).map((x) => x && values[x.id]),
  );
}

function checkInputs<T extends Shaped>(graph: Graph, ops: Ops<T>, bindings: Bindings<T>): void {
  checkGraph("evaluate", graph);
  checkOperations("evaluate", "ops", ops);
  checkRecord("evaluate", "bindings { inputs, parameters }", bindings);
  const { inputs } = bindings;
  checkRecord("evaluate", "inputs by name", inputs);
  const names = graph.nodes.flatMap((node) => (node.op === "input" ? [node.attributes.name] : []));
  for (const name of Object.keys(inputs))
    required(names.includes(name), "evaluate", `inputs ${names.map(show).join(", ") || "(none)"}`, name);
}

/** For each node, the operations' results that are used there for the last time and are no output. */
function lastUses(graph: Graph): readonly (readonly Node[])[] {
  const last = graph.nodes.map((node) => node.id);
  for (const node of graph.nodes) for (const input of operandsOf(node)) last[input.id] = node.id;
  for (const node of Object.values(graph.outputs)) last[node.id] = -1;
  const finished: Node[][] = graph.nodes.map(() => []);
  for (const node of graph.nodes) if (!isLeaf(node) && last[node.id] >= 0) finished[last[node.id]].push(node);
  return finished;
}

/**
 * A leaf's value: the bound one, or the recorded one.
 *
 * @throws RangeError if an input is missing
 * @throws ShapeError if the value has another shape than was recorded
 * @example
 * ```ts
 * import { type Leaf, readLeaf, record, reference, tensor, toNested } from "@splineformer/tensor";
 * const graph = record((ops) => ops.parameter("w", tensor([1, 2])), {});
 * const w = graph.nodes[0] as Leaf;
 * toNested(readLeaf(reference, w, { inputs: {}, parameters: { w: tensor([3, 4]) } })); // [3, 4]
 * ```
 */
export function readLeaf<T extends Shaped>(ops: Ops<T>, node: Leaf, { inputs, parameters }: Bindings<T>): T {
  if (node.op === "constant") return ops.constant(node.attributes.value);
  const { name } = node.attributes;
  if (node.op === "parameter") {
    const value = parameters && Object.hasOwn(parameters, name) ? parameters[name] : node.attributes.value;
    required(isTensor(value), "evaluate", `parameter ${show(name)} to be a tensor`, value);
    checkSame("parameter", name, node.shape, value.shape);
    return ops.parameter(name, value);
  }
  const value = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  if (value === undefined)
    throw new RangeError(`evaluate: expected an input ${show(name)}, got ${show(Object.keys(inputs))}`);
  checkSame("input", name, node.shape, value.shape);
  return value;
}

function checkSame(kind: string, name: string, expected: Shape, got: Shape): void {
  if (!sameShape(expected, got))
    throw new ShapeError(
      `evaluate: expected ${kind} ${show(name)} of shape ${showShape(expected)}, got ${showShape(got)}`,
    );
}

/**
 * One operation computed by `ops`; a composite it does not know is opened here.
 *
 * @example
 * ```ts
 * import { type Applied, apply, record, reference, tensor, toNested } from "@splineformer/tensor";
 * const { output } = record((ops, { x }) => ops.add(x, x), { x: [2] }).outputs;
 * toNested(apply(reference, output as Applied, [tensor([1, 2]), tensor([3, 4])])); // [4, 6]
 * ```
 */
export function apply<T extends Shaped>(ops: Ops<T>, node: Applied, inputs: readonly (T | undefined)[]): T {
  const here = node.scope ? within(ops, node.scope) : ops;
  if (node.op === "linear" && !here.linear)
    return openLinear(here, ...(inputs as Operands<T>["linear"]), node.attributes);
  if (node.op === "attention" && !here.attention)
    return openAttention(here, ...(inputs as Operands<T>["attention"]), node.attributes);
  return (here[node.op] as (...args: unknown[]) => T)(...inputs, node.attributes);
}

/**
 * The graph with every composite written out in primitives: read with a recorder that knows no composites.
 *
 * @example
 * ```ts
 * import { linear, open, record, tensor } from "@splineformer/tensor";
 * const graph = record((ops, { x }) => linear(ops, x, ops.constant(tensor([[2]])), undefined), { x: [3, 1] });
 * graph.nodes.map((node) => node.op); // ["input", "constant", "linear"]
 * open(graph).nodes.map((node) => node.op); // ["input", "constant", "matmul"]
 * ```
 */
export function open(graph: Graph): Graph {
  checkGraph("open", graph);
  const inputs: Record<string, Shape> = {};
  for (const node of graph.nodes) if (node.op === "input") inputs[node.attributes.name] = node.shape;
  return record((ops, nodes) => evaluate(graph, ops, { inputs: nodes }), inputs, { keep: [] });
}
