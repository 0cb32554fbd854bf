/**
 * @file A graph read by a device: every node's value after its operands, released after its last use.
 */
import { openAttention, openLinear } from "./composites.ts";
import { ShapeError, show } from "./errors.ts";
import { type Applied, type Graph, isLeaf, type Leaf, type Node, operandsOf, record } from "./graph.ts";
import { type Shape, type Shaped, sameShape, showShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import { type Operands, type Ops, within } from "./vocabulary.ts";

export interface Bindings<T> {
  /** A value for every input, of the recorded shape. */
  readonly inputs: Readonly<Record<string, T>>;
  /** Other numbers for parameters, by name; the recorded ones serve where a name is missing. */
  readonly parameters?: Readonly<Record<string, Tensor>>;
}

/**
 * The outputs of a graph, by name, computed by `ops`.
 *
 * @throws RangeError if an input is missing
 * @throws ShapeError if an input or a parameter has another shape than was recorded
 * @example
 * ```ts
 * import { evaluate, record, reference, tensor, toNested } from "@splineformer/tensor";
 * const graph = record((ops, { x }) => ops.add(x, ops.constant(tensor([1]))), { x: [2] });
 * toNested(evaluate(graph, reference, { inputs: { x: tensor([1, 2]) } }).output); // [2, 3]
 * ```
 */
export function evaluate<T extends Shaped>(graph: Graph, ops: Ops<T>, bindings: Bindings<T>): Record<string, T> {
  const release = (ops as { release?(x: T): void }).release?.bind(ops);
  const values: (T | undefined)[] = [];
  const finished = lastUses(graph);
  for (const node of graph.nodes) {
    values[node.id] = isLeaf(node) ? readLeaf(ops, node, bindings) : apply(ops, node, operands(node, values));
    if (release)
      for (const used of finished[node.id]) {
        release(values[used.id] as T);
        values[used.id] = undefined;
      }
  }
  return outputsOf(graph, values as T[]);
}

/**
 * Every node's value, by `node.id`; nothing is released. For walks that need what lies between.
 */
export function evaluateAll<T extends Shaped>(graph: Graph, ops: Ops<T>, bindings: Bindings<T>): T[] {
  const values: T[] = [];
  for (const node of graph.nodes)
    values.push(isLeaf(node) ? readLeaf(ops, node, bindings) : apply(ops, node, operands(node, values)));
  return values;
}

const operands = <T>(node: Node, values: readonly (T | undefined)[]): (T | undefined)[] =>
  (node.inputs as readonly (Node | undefined)[]).map((x) => x && values[x.id]);

const outputsOf = <T>(graph: Graph, values: readonly T[]): Record<string, T> =>
  Object.fromEntries(Object.entries(graph.outputs).map(([name, node]) => [name, values[node.id]]));

/** For each node, the operations' results that are used there for the last time and are no output. */
function lastUses(graph: Graph): readonly (readonly Node[])[] {
  const last = graph.nodes.map((node) => node.id);
  for (const node of graph.nodes) for (const input of operandsOf(node)) last[input.id] = node.id;
  for (const node of Object.values(graph.outputs)) last[node.id] = -1;
  const finished: Node[][] = graph.nodes.map(() => []);
  for (const node of graph.nodes) if (!isLeaf(node) && last[node.id] >= 0) finished[last[node.id]].push(node);
  return finished;
}

/** A leaf's value. */
export function readLeaf<T extends Shaped>(ops: Ops<T>, node: Leaf, { inputs, parameters }: Bindings<T>): T {
  if (node.op === "constant") return ops.constant(node.attributes.value);
  const { name } = node.attributes;
  if (node.op === "parameter") {
    const value = parameters?.[name] ?? node.attributes.value;
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

/** One operation computed by `ops`; a composite it does not know is opened here. */
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
  const inputs: Record<string, Shape> = {};
  for (const node of graph.nodes) if (node.op === "input") inputs[node.attributes.name] = node.shape;
  return record((ops, nodes) => evaluate(graph, ops, { inputs: nodes }), inputs, { keep: [] });
}
