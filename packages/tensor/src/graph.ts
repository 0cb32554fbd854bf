/**
 * @file A network as data. `record` runs a network with a recorder in place of a device; the graph can be evaluated by any
 * device, opened (composites become primitives) and folded by rules.
 */
import { checkOptions, checkRecord, required } from "./check.ts";
import { openAttention, openLinear } from "./composites.ts";
import { show, UnsupportedError } from "./errors.ts";
import { inferShape } from "./infer-shape.ts";
import { checkShape, type Shape, showShape } from "./shape.ts";
import { isTensor, type Tensor } from "./tensor.ts";
import {
  type Attributes,
  type CompositeName,
  compositeNames,
  isComposite,
  type Operands,
  type OpName,
  type Ops,
} from "./vocabulary.ts";

interface NodeOf<Op extends string, A> {
  /** Its index in the graph. */
  readonly id: number;
  readonly op: Op;
  /** The operands; an absent optional one is undefined. */
  readonly inputs: Op extends OpName ? Operands<Node>[Op] : [];
  readonly attributes: A;
  readonly shape: Shape;
  /** Where the network's code was: `block 0/attention`; empty at the top. */
  readonly scope: string;
}

/** Where values come from. */
export type Leaf =
  | NodeOf<"input", { readonly name: string }>
  | NodeOf<"constant", { readonly value: Tensor }>
  | NodeOf<"parameter", { readonly name: string; readonly value: Tensor }>;
/** An operation applied to nodes. */
export type Applied = { [K in OpName]: NodeOf<K, Attributes[K]> }[OpName];
export type Node = Leaf | Applied;

/** Nodes in topological order, only those that an output needs, and every input. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly outputs: Readonly<Record<string, Node>>;
}

/** How many operands each operation has, the optional ones included. */
const arity: { readonly [K in OpName]: Operands<unknown>[K]["length"] } = {
  add: 2,
  multiply: 2,
  scale: 1,
  matmul: 2,
  splitHeads: 1,
  mergeHeads: 1,
  activate: 1,
  weigh: 2,
  normalize: 1,
  sum: 1,
  slice: 1,
  concat: 2,
  gather: 2,
  scan: 2,
  linear: 3,
  attention: 5,
};

/**
 * Every operation's name.
 *
 * @example
 * ```ts
 * import { opNames } from "@splineformer/tensor";
 * opNames.length; // 16
 * ```
 */
export const opNames = Object.keys(arity) as readonly OpName[];

/**
 * Whether a node is an input, a constant or a parameter.
 *
 * @example
 * ```ts
 * import { isLeaf, record } from "@splineformer/tensor";
 * const graph = record((ops, { x }) => ops.add(x, x), { x: [3] });
 * graph.nodes.map(isLeaf); // [true, false]
 * ```
 */
export const isLeaf = (node: Node): node is Leaf =>
  node.op === "input" || node.op === "constant" || node.op === "parameter";

/**
 * The operands that are there.
 *
 * @example
 * ```ts
 * import { operandsOf, record } from "@splineformer/tensor";
 * const { output } = record((ops, { x }) => ops.add(x, x), { x: [3] }).outputs;
 * operandsOf(output).map((node) => node.op); // ["input", "input"]
 * ```
 */
export const operandsOf = (node: Node): readonly Node[] =>
  (node.inputs as readonly (Node | undefined)[]).filter((x) => x !== undefined);

export interface RecordOptions {
  /** Composites that stay one node; the others become primitives. Default: both. */
  readonly keep?: readonly CompositeName[];
}

/**
 * The graph of a function of named inputs.
 *
 * @param f - called once with recording operations and input nodes; returns a node, or nodes by name
 * @param inputs - the shape of every input
 * @returns a graph whose output is `output`, or the names that f returned; what no output needs is left out
 * @throws ShapeError where the shapes do not fit, naming the operation and the place
 * @throws RangeError if f mixes in tensors or nodes of another recording
 * @example
 * ```ts
 * import { evaluate, record, reference, tensor, toNested } from "@splineformer/tensor";
 * const graph = record((ops, { x }) => ops.scale(ops.add(x, x), { factor: 3 }), { x: [2] });
 * graph.nodes.map((node) => node.op); // ["input", "add", "scale"]
 * toNested(evaluate(graph, reference, { inputs: { x: tensor([1, 2]) } }).output); // [6, 12]
 * ```
 */
export function record<I extends string>(
  f: (ops: Ops<Node>, inputs: Readonly<Record<I, Node>>) => Node | Readonly<Record<string, Node>>,
  inputs: Readonly<Record<I, Shape>>,
  options: RecordOptions = {},
): Graph {
  checkOptions("record", options, ["keep"]);
  const { keep = compositeNames } = options;
  required(Array.isArray(keep), "record", "keep to be a list of composites", keep);
  checkRecord("record", "shapes by input name", inputs);
  required(typeof f === "function", "record", "a function of operations and inputs", f);
  for (const name of keep)
    required(isComposite(name), "record", `keep to name composites (${compositeNames.join(", ")})`, name);
  const recording: Recording = { nodes: [], parameters: new Map(), scopes: new Map(), keep };
  const leaves = {} as Record<I, Node>;
  for (const name of Object.keys(inputs) as I[]) {
    checkShape(`record: input ${show(name)}`, inputs[name]);
    leaves[name] = push(recording, "", "input", [], { name }, [...inputs[name]]);
  }
  const result = f(recorder(recording, ""), leaves);
  const outputs = isNode(result) ? { output: result } : result;
  // a promise and an array are objects, and would give a graph without outputs, or with numbers for names
  required(isRecord(outputs), "record", "a node, or nodes by name", outputs);
  for (const [name, node] of Object.entries(outputs)) checkNode(recording, "record", `output ${show(name)}`, node);
  return prune(recording.nodes, outputs);
}

interface Recording {
  readonly nodes: Node[];
  readonly parameters: Map<string, Node>;
  /** The operations inside each scope, so that each is made once. */
  readonly scopes: Map<string, Ops<Node>>;
  readonly keep: readonly CompositeName[];
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "op" in value && "id" in value && "inputs" in value;

const isRecord = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;

/** A tensor, or a node of another recording, would only fail much later, and far from here. */
function checkNode(recording: Recording, where: string, what: string, value: unknown): void {
  if (isNode(value) && recording.nodes[value.id] === value) return;
  const got = isTensor(value) ? `a tensor ${showShape(value.shape)} (see ops.constant)` : showNode(value);
  throw new RangeError(`${where}: expected ${what} to be a node of this recording, got ${got}`);
}

const showNode = (value: unknown): string =>
  isNode(value) ? `${value.op} ${showShape(value.shape)} of another one` : show(value);

function push(
  recording: Recording,
  scope: string,
  op: string,
  inputs: unknown,
  attributes: unknown,
  shape: Shape,
): Node {
  const node = { id: recording.nodes.length, op, inputs, attributes, shape, scope } as Node;
  recording.nodes.push(node);
  return node;
}

function recorder(recording: Recording, scope: string): Ops<Node> {
  const known = recording.scopes.get(scope);
  if (known) return known;
  const made: Record<string, unknown> = {
    constant: (value: Tensor) => {
      placed(scope, () => required(isTensor(value), "constant", "a tensor", value));
      return push(recording, scope, "constant", [], { value }, value.shape);
    },
    parameter: (name: string, value: Tensor) => parameter(recording, scope, name, value),
    within: (name: string) => recorder(recording, scope ? `${scope}/${name}` : name),
  };
  const ops = made as unknown as Ops<Node>;
  recording.scopes.set(scope, ops);
  for (const op of opNames)
    made[op] = (...args: unknown[]) => {
      const inputs = args.slice(0, arity[op]) as (Node | undefined)[];
      const attributes = args[arity[op]] ?? {};
      const shape = placed(scope, () => shapeOf(recording, op, inputs, attributes));
      if (isComposite(op) && !recording.keep.includes(op)) return opened(ops, op, inputs, attributes);
      return push(recording, scope, op, inputs, attributes, shape);
    };
  return ops;
}

function parameter(recording: Recording, scope: string, name: string, value: Tensor): Node {
  const known = recording.parameters.get(name);
  if (known?.op === "parameter" && known.attributes.value === value) return known;
  placed(scope, () => {
    required(typeof name === "string", "parameter", "a name", name);
    required(isTensor(value), `parameter ${show(name)}`, "a tensor", value);
    required(!known, "parameter", "one tensor for every name, which is how it is rebound", name);
  });
  const node = push(recording, scope, "parameter", [], { name, value }, value.shape);
  recording.parameters.set(name, node);
  return node;
}

function shapeOf(recording: Recording, op: OpName, inputs: readonly (Node | undefined)[], attributes: unknown): Shape {
  const infer = inferShape as (op: OpName, attributes: unknown, ...shapes: (Shape | undefined)[]) => Shape;
  for (const [i, x] of inputs.entries()) if (x !== undefined) checkNode(recording, op, `operand ${i + 1}`, x);
  return infer(op, attributes, ...inputs.map((x) => x?.shape));
}

/** A composite that is not kept, as its primitives. */
function opened(ops: Ops<Node>, op: CompositeName, inputs: readonly unknown[], attributes: unknown): Node {
  return op === "linear"
    ? openLinear(ops, ...(inputs as Operands<Node>["linear"]), attributes as Attributes["linear"])
    : openAttention(ops, ...(inputs as Operands<Node>["attention"]), attributes as Attributes["attention"]);
}

/** A refusal inside a part of the network says where. */
function placed<R>(scope: string, body: () => R): R {
  try {
    return body();
  } catch (error) {
    if (scope && error instanceof Error) error.message += ` at ${scope}`;
    throw error;
  }
}

function prune(nodes: readonly Node[], outputs: Readonly<Record<string, Node>>): Graph {
  const needed = new Uint8Array(nodes.length);
  for (const node of Object.values(outputs)) needed[node.id] = 1;
  for (let id = nodes.length - 1; id >= 0; id--)
    if (needed[id]) for (const input of operandsOf(nodes[id])) needed[input.id] = 1;
  const kept = new Map<Node, Node>();
  for (const node of nodes)
    if (needed[node.id] || node.op === "input") {
      const inputs = (node.inputs as readonly (Node | undefined)[]).map((x) => x && kept.get(x));
      kept.set(node, { ...node, id: kept.size, inputs } as Node);
    }
  return {
    nodes: [...kept.values()],
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, node]) => [name, kept.get(node) as Node])),
  };
}

/**
 * One rule for every kind of node; a missing one does not compile. R is whatever is read: a degree, a line of text, a bound.
 * An absent optional operand arrives as undefined.
 */
export type Rules<R> = {
  readonly [K in Node["op"]]: (node: Extract<Node, { op: K }>, ...inputs: K extends OpName ? Operands<R>[K] : []) => R;
};

/**
 * Reads a graph by rules, each node after its operands.
 *
 * @returns what was read at every node, by `node.id`
 * @throws UnsupportedError if a rule is missing
 * @example
 * ```ts
 * import { fold, record, type Rules } from "@splineformer/tensor";
 * const graph = record((ops, { x }) => ops.add(x, x), { x: [3] });
 * const count = { input: () => 1, add: (node: unknown, a: number, b: number) => a + b } as unknown as Rules<number>;
 * fold(graph, count); // [1, 2]
 * ```
 */
export function fold<R>(graph: Graph, rules: Rules<R>): R[] {
  checkGraph("fold", graph);
  checkRecord("fold", "rules by operation", rules);
  const values: R[] = [];
  for (const node of graph.nodes) {
    if (typeof rules[node.op] !== "function") throw unsupported("fold", `a rule for ${node.op}`, node, "none");
    const inputs = (node.inputs as readonly (Node | undefined)[]).map((x) => x && values[x.id]);
    values.push((rules[node.op] as (node: Node, ...inputs: (R | undefined)[]) => R)(node, ...inputs));
  }
  return values;
}

/** Refuses what is no graph. */
export function checkGraph(where: string, graph: Graph): void {
  const fits =
    typeof graph === "object" && graph !== null && Array.isArray(graph.nodes) && typeof graph.outputs === "object";
  required(fits && graph.outputs !== null, where, "a graph { nodes, outputs }", graph);
}

/**
 * A refusal that names the place.
 *
 * @param reading - who refuses
 * @param got - what came; by default the node's operation
 * @example
 * ```ts
 * import { record, unsupported } from "@splineformer/tensor";
 * const scale = { kind: "rms", epsilon: 0 } as const;
 * const graph = record((ops, { x }) => (ops.within?.("norm") ?? ops).normalize(x, scale), { x: [3] });
 * const error = unsupported("degree", "a polynomial", graph.outputs.output);
 * error.message; // "degree: expected a polynomial, got normalize at norm"
 * ```
 */
export function unsupported(reading: string, expected: string, node: Node, got: string = node.op): UnsupportedError {
  return new UnsupportedError(
    `${reading}: expected ${expected}, got ${got} at ${node.scope || "the top of the network"}`,
  );
}
