/**
 * @file Reverse mode over a graph, written over `Ops`: it runs wherever the network runs, and it can be recorded, so that a
 * gradient is a graph like any other. Not here: losses and optimisers (`@splineformer/training`).
 * Letters: g the gradient of a node's value, also called its cotangent.
 */
import { checkOptions } from "./check.ts";
import { openAttention } from "./composites.ts";
import { ShapeError, show } from "./errors.ts";
import { apply, type Bindings, inScratch, readLeaf } from "./evaluate.ts";
import { type Applied, type Graph, isLeaf, type Leaf, type Node, operandsOf, record } from "./graph.ts";
import { pullbackRules, type Ruled } from "./pullback-rules.ts";
import { type Shape, type Shaped, sameShape, showShape } from "./shape.ts";
import { zeros } from "./tensor.ts";
import type { Operands, Ops } from "./vocabulary.ts";

export interface PullbackOptions {
  /** Which inputs and parameters are asked for. Default: all. What nobody asks for is not computed. */
  readonly wanted?: (leaf: Exclude<Leaf, { op: "constant" }>) => boolean;
}

/** Values and gradients; each gradient has the shape of what it belongs to. */
export interface Pulled<T> {
  /** The outputs of the graph, by name. */
  readonly outputs: Readonly<Record<string, T>>;
  readonly inputs: Readonly<Record<string, T>>;
  readonly parameters: Readonly<Record<string, T>>;
}

/**
 * `Σ_outputs cotangentᵀ · ∂output/∂leaf` for every input and parameter: one pass forward, one back.
 *
 * At a kink the derivative is the one on the left (0 for ReLU at 0). Attention's way back is the device's fused one where
 * it has one (`differentiateAttention`), else that of its primitives. A leaf that no output depends on gets zeros.
 *
 * @param graph - what `record` or `graphOf` gave
 * @param ops - a device, or a recorder
 * @param cotangents - for outputs by name, the gradient of what is differentiated; others count as 0
 * @throws UnsupportedError naming an operation without a derivative here, and its place
 * @throws RangeError if a cotangent belongs to no output, ShapeError if it has another shape
 * @example
 * ```ts
 * import { pullback, record, reference, tensor, toNested } from "@splineformer/tensor";
 * const graph = record((ops, { x }) => ops.multiply(x, x), { x: [2] });
 * const bindings = { inputs: { x: tensor([3, 5]) } };
 * toNested(pullback(graph, reference, bindings, { output: tensor([1, 10]) }).inputs.x); // [6, 100]
 * ```
 */
export function pullback<T extends Shaped>(
  graph: Graph,
  ops: Ops<T>,
  bindings: Bindings<T>,
  cotangents: Readonly<Record<string, T>>,
  options: PullbackOptions = {},
): Pulled<T> {
  checkOptions("pullback", options, ["wanted"]);
  checkCotangents(graph, cotangents);
  const asked = askedFor(graph, options.wanted);
  return inScratch(ops, (own, keep) => pulledBy(own, keep, graph, ops, bindings, cotangents, asked));
}

function pulledBy<T extends Shaped>(
  own: Ops<T>,
  keep: (x: T) => T,
  graph: Graph,
  ops: Ops<T>,
  bindings: Bindings<T>,
  cotangents: Readonly<Record<string, T>>,
  asked: readonly boolean[],
): Pulled<T> {
  // a scratch gives back by itself
  const owned = own === ops ? tracked(ops) : { ops: own, releaseAllBut: () => {} };
  // leaves stay on the device for the next pass; everything else is this pass's own
  const tape = run(graph, owned.ops, bindings, asked, ops);
  const found = back(graph, owned.ops, tape, asked, cotangents);

  const inputs: Record<string, T> = {};
  const parameters: Record<string, T> = {};
  for (const node of graph.nodes)
    if (isLeaf(node) && node.op !== "constant" && asked[node.id])
      (node.op === "input" ? inputs : parameters)[node.attributes.name] = keep(
        found[node.id] ?? ops.constant(zeros(node.shape)),
      );
  const outputs = Object.fromEntries(
    Object.entries(graph.outputs).map(([name, { id }]) => [name, keep(tape.values[id])]),
  );
  const kept = [outputs, inputs, parameters].flatMap((named) => Object.values<T>(named));
  owned.releaseAllBut(new Set([...kept, ...Object.values(bindings.inputs), ...Object.values(cotangents)]));
  return { outputs, inputs, parameters };
}

/** The values of a pass forward, and for fused or opened attention the way back. */
interface Tape<T> {
  readonly values: T[];
  readonly ways: ReadonlyMap<number, (g: T) => readonly (T | undefined)[]>;
}

function run<T extends Shaped>(
  graph: Graph,
  ops: Ops<T>,
  bindings: Bindings<T>,
  asked: readonly boolean[],
  leaves: Ops<T> = ops,
): Tape<T> {
  const values: T[] = [];
  const ways = new Map<number, (g: T) => readonly (T | undefined)[]>();
  for (const node of graph.nodes) {
    if (isLeaf(node)) {
      values[node.id] = readLeaf(leaves, node, bindings);
      continue;
    }
    const inputs = (node.inputs as readonly (Node | undefined)[]).map((x) => x && values[x.id]);
    if (node.op === "attention" && asked[node.id]) {
      const { output, way } = attentionWithWay(ops, node, inputs as Operands<T>["attention"], asked);
      values[node.id] = output;
      ways.set(node.id, way);
    } else values[node.id] = apply(ops, node, inputs);
  }
  return { values, ways };
}

type Attention = Extract<Applied, { op: "attention" }>;

/** Attention and its way back: the device's, or that of its primitives. */
function attentionWithWay<T extends Shaped>(
  ops: Ops<T>,
  node: Attention,
  inputs: Operands<T>["attention"],
  asked: readonly boolean[],
): { output: T; way: (g: T) => readonly (T | undefined)[] } {
  const [query, key, value, bias, visible] = inputs;
  // a fused way back makes no [queries × keys] matrix, so it has no gradient for a bias
  const biasAsked = node.inputs[3] !== undefined && asked[node.inputs[3].id];
  const fused = biasAsked ? undefined : ops.differentiateAttention?.(query, key, value, bias, visible, node.attributes);
  if (fused)
    return {
      output: fused.output,
      way(g) {
        const gradients = fused.pullback(g);
        return [gradients.query, gradients.key, gradients.value, undefined, undefined];
      },
    };
  const names = ["query", "key", "value", "bias", "visible"] as const;
  const shapes: Record<string, Shape> = {};
  const given: Record<string, T> = {};
  for (const [i, x] of inputs.entries()) if (x !== undefined) [shapes[names[i]], given[names[i]]] = [x.shape, x];
  const opened = record(
    (recorder, x) =>
      openAttention(
        recorder.within?.(node.scope) ?? recorder,
        x.query,
        x.key,
        x.value,
        x.bias,
        x.visible,
        node.attributes,
      ),
    shapes,
  );
  const inner = askedFor(opened, (leaf) => {
    const operand = node.inputs[names.indexOf(leaf.attributes.name as "query")];
    return operand !== undefined && asked[operand.id];
  });
  const tape = run(opened, ops, { inputs: given }, inner);
  return {
    output: tape.values[opened.outputs.output.id],
    way(g) {
      const found = back(opened, ops, tape, inner, { output: g });
      return names.map((name) => {
        const leaf = opened.nodes.find((n) => n.op === "input" && n.attributes.name === name);
        return leaf && found[leaf.id];
      });
    },
  };
}

/** The gradient of every node that was asked for and that an output depends on, by id. */
function back<T extends Shaped>(
  graph: Graph,
  ops: Ops<T>,
  { values, ways }: Tape<T>,
  asked: readonly boolean[],
  cotangents: Readonly<Record<string, T>>,
): (T | undefined)[] {
  const found: (T | undefined)[] = [];
  const add = ({ id, shape }: Node, g: T | undefined): void => {
    if (g === undefined || !asked[id]) return;
    const narrow = narrowed(ops, g, shape);
    const before = found[id];
    found[id] = before === undefined ? narrow : ops.add(before, narrow);
  };
  for (const [name, g] of Object.entries(cotangents)) add(graph.outputs[name], g);
  for (const node of graph.nodes.toReversed()) {
    const g = found[node.id];
    if (g === undefined || isLeaf(node)) continue;
    const way = ways.get(node.id);
    const gradients = way ? way(g) : byRule(ops, node, values, asked, g);
    for (const [i, x] of (node.inputs as readonly (Node | undefined)[]).entries()) if (x) add(x, gradients[i]);
    found[node.id] = undefined;
  }
  return found;
}

function byRule<T extends Shaped>(
  ops: Ops<T>,
  node: Applied,
  values: readonly T[],
  asked: readonly boolean[],
  g: T,
): readonly (T | undefined)[] {
  const operands = node.inputs as readonly (Node | undefined)[];
  const rule = pullbackRules[node.op as Ruled] as (site: unknown) => readonly (T | undefined)[];
  return rule({
    ops: (node.scope && ops.within?.(node.scope)) || ops,
    node,
    inputs: operands.map((x) => x && values[x.id]),
    output: values[node.id],
    g,
    wanted: (i: number) => operands[i] !== undefined && asked[(operands[i] as Node).id],
  });
}

/** The gradient of what was broadcast is the sum over its copies. */
function narrowed<T extends Shaped>(ops: Ops<T>, g: T, to: Shape): T {
  const extra = g.shape.length - to.length;
  const front = Array.from({ length: extra }, (_, i) => i - g.shape.length);
  const inner = to.flatMap((length, i) => (length === 1 && g.shape[extra + i] !== 1 ? [i - to.length] : []));
  const dropped = front.length ? ops.sum(g, { axes: front, keep: false }) : g;
  return inner.length ? ops.sum(dropped, { axes: inner, keep: true }) : dropped;
}

/** Which nodes lead to a leaf that is asked for. */
function askedFor(graph: Graph, wanted: PullbackOptions["wanted"] = () => true): readonly boolean[] {
  const asked: boolean[] = [];
  for (const node of graph.nodes)
    asked[node.id] = isLeaf(node) ? node.op !== "constant" && wanted(node) : operandsOf(node).some((x) => asked[x.id]);
  return asked;
}

function checkCotangents(graph: Graph, cotangents: Readonly<Record<string, Shaped>>): void {
  const names = Object.keys(graph.outputs);
  for (const [name, g] of Object.entries(cotangents)) {
    if (!Object.hasOwn(graph.outputs, name))
      throw new RangeError(`pullback: expected cotangents of outputs ${names.map(show).join(", ")}, got ${show(name)}`);
    const { shape } = graph.outputs[name];
    if (!sameShape(shape, g.shape))
      throw new ShapeError(
        `pullback: expected a cotangent of ${show(name)} of shape ${showShape(shape)}, got ${showShape(g.shape)}`,
      );
  }
}

/** Operations that remember what they made, where it has to be given back. */
function tracked<T extends Shaped>(ops: Ops<T>): { ops: Ops<T>; releaseAllBut(kept: ReadonlySet<T>): void } {
  const release = (ops as { release?(x: T): void }).release?.bind(ops);
  if (!release) return { ops, releaseAllBut: () => {} };
  const made = new Set<T>();
  const remember = new Proxy(ops, {
    get(target, name) {
      const method = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      if (name === "within") return () => remember;
      return (...args: unknown[]) => {
        const result = (method as (...args: unknown[]) => unknown).apply(target, args);
        if (typeof result === "object" && result !== null && "shape" in result) made.add(result as T);
        return result;
      };
    },
  });
  return {
    ops: remember,
    releaseAllBut(kept) {
      for (const value of made) if (!kept.has(value)) release(value);
    },
  };
}
