/**
 * @file What a network computes on the way to its output, by name. A reading of its graph, so it knows no layer types and
 * nobody writes a layer twice to look inside. Names are places: `block 0/attention/weigh`.
 */
import {
  checkOptions,
  evaluate,
  type Given,
  type Graph,
  graphOf,
  isLeaf,
  type Network,
  type Node,
  namedInputs,
  type Ops,
  open,
  parametersOf,
  reference,
  required,
  type Shape,
  type Shaped,
  type Tensor,
} from "@splineformer/tensor";

export interface IntermediatesOptions<T extends Shaped> {
  /** The device, or any other operations. Default: the reference. */
  readonly on?: Ops<T>;
  /** Whether fused operations are written out, so that scores and weights of attention show. Default false. */
  readonly open?: boolean;
  /** Which values are kept, by name; others are given back after their last use. Default: all. */
  readonly select?: (name: string) => boolean;
}

/**
 * The result of every operation of a forward pass, by name, in the order in which they are computed; the last is the output.
 *
 * A name is the place and the operation, `block 0/attention/attention`; where an operation comes again at its place, its
 * number follows: `block 0/attention/linear 2`. The network's own `run` is read, so whatever it does is what shows.
 *
 * @param x - the input, or inputs by name; leading axes are batch
 * @returns values of the device; the caller keeps them
 * @throws ShapeError if an input does not have the network's shape
 * @throws RangeError if an input or an option is missing, unknown or not finite, or nothing is selected
 * @example
 * ```ts
 * import { random, tensor } from "@splineformer/tensor";
 * import { createEncoder, intermediates } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 1, width: 6, heads: 3, hidden: 0, layerScale: "none" });
 * const x = random(1).normal([5, 6]);
 * [...intermediates(model, x).keys()].slice(-2); // ["block 0/attention/linear 4", "block 0/attention/add"]
 * const weights = intermediates(model, x, { open: true, select: (name) => name.endsWith("weigh") });
 * weights.get("block 0/attention/weigh")?.shape; // [3, 5, 5]: heads, queries, keys
 * ```
 */
export function intermediates<I extends string, C, P>(
  network: Network<I, C, P>,
  x: Given<I>,
  options?: Omit<IntermediatesOptions<Tensor>, "on">,
): ReadonlyMap<string, Tensor>;
export function intermediates<I extends string, C, P, T extends Shaped>(
  network: Network<I, C, P>,
  x: Given<I>,
  options: IntermediatesOptions<T> & { readonly on: Ops<T> },
): ReadonlyMap<string, T>;
export function intermediates<I extends string, C, P>(
  network: Network<I, C, P>,
  x: Given<I>,
  options: IntermediatesOptions<Shaped> = {},
): ReadonlyMap<string, Shaped> {
  const where = "intermediates";
  checkOptions(where, options, ["on", "open", "select"]);
  const { on = reference as unknown as Ops<Shaped>, open: opened = false, select = () => true } = options;
  required(typeof on?.constant === "function", where, "on to be a device or other operations", on);
  required(typeof opened === "boolean", where, "open to be true or false", opened);
  required(typeof select === "function", where, "select to be a function of a name", select);
  const given = namedInputs(where, network, x);
  const names = Object.keys(given) as I[];
  const shapes = Object.fromEntries(names.map((name) => [name, given[name].shape])) as Record<I, Shape>;
  const graph = graphOf(network, shapes);
  const { nodes } = opened ? open(graph) : graph;
  const outputs = Object.fromEntries([...namesOf(nodes)].filter(([name]) => select(name)));
  required(Object.keys(outputs).length > 0, where, "select to keep a value at least", Object.keys(outputs).length);
  const inputs = {} as Record<I, Shaped>;
  try {
    for (const name of names) inputs[name] = on.constant(given[name]);
    const selected: Graph = { nodes, outputs };
    return new Map(Object.entries(evaluate(selected, on, { inputs, parameters: parametersOf(network) })));
  } finally {
    // they were lifted here; no operation returns its operand, so none of them is a result
    const { release } = on as { release?(x: Shaped): void };
    for (const input of Object.values<Shaped>(inputs)) release?.call(on, input);
  }
}

/** Every operation's node by its name. */
function namesOf(nodes: readonly Node[]): Map<string, Node> {
  const found = new Map<string, Node>();
  const counts = new Map<string, number>();
  for (const node of nodes) {
    if (isLeaf(node)) continue;
    const place = node.scope ? `${node.scope}/${node.op}` : node.op;
    const count = (counts.get(place) ?? 0) + 1;
    counts.set(place, count);
    found.set(count === 1 ? place : `${place} ${count}`, node);
  }
  return found;
}
