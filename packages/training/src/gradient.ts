/**
 * @file The gradient of a loss by every parameter of a network.
 */
import {
  checkOptions,
  type Given,
  type Graph,
  lift,
  type Network,
  type Node,
  namedInputs,
  type Ops,
  parametersOf,
  pullback,
  record,
  reference,
  required,
  type Shape,
  type Shaped,
  ShapeError,
  type SynchronousDevice,
  showShape,
  type Tensor,
  tensor,
  zeros,
} from "@splineformer/tensor";

export interface GradientOptions {
  /** A device that computes at once; default `reference`, in float64. */
  readonly on?: SynchronousDevice;
}

/** A loss, and its gradient by every parameter under its dotted name. */
export interface Gradient {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Tensor>>;
}

/**
 * `∂ loss(network(x)) / ∂ parameter` for every parameter, by reverse mode.
 *
 * @param x - the input, or inputs by name; leading axes are batch
 * @param loss - from operations and the network's output to a scalar, `[]`; close over targets with `ops.constant`
 * @returns the loss and a gradient for every parameter, of its shape; zeros for one that the loss does not depend on
 * @throws ShapeError if shapes do not fit or the loss is no scalar
 * @throws UnsupportedError naming an operation without a derivative, and its place
 * @example
 * ```ts
 * import { gradient, meanSquared } from "@splineformer/training";
 * import { type Network, tensor, type Tensor, toNested } from "@splineformer/tensor";
 * const line: Network<"x", {}, { slope: Tensor }> = {
 *   inputs: { x: [1] },
 *   config: {},
 *   parameters: { slope: tensor([3]) },
 *   run: (ops, { slope }, { x }) => ops.multiply(slope, x),
 * };
 * // (3 · 2 − 5)² at slope 3
 * const { loss, gradients } = gradient(line, tensor([2]), (ops, y) => meanSquared(ops, y, ops.constant(tensor([5]))));
 * loss; // 1
 * toNested(gradients.slope); // [4]
 * ```
 */
export function gradient<I extends string, C, P>(
  network: Network<I, C, P>,
  x: Given<I>,
  loss: <T extends Shaped>(ops: Ops<T>, output: T) => T,
  options: GradientOptions = {},
): Gradient {
  checkOptions("gradient", options, ["on"]);
  const { on = reference } = options;
  required(typeof loss === "function", "gradient", "loss to be a function of operations and an output", loss);
  const inputs = namedInputs("gradient", network, x);
  const shapes = Object.fromEntries(Object.keys(inputs).map((name) => [name, inputs[name as I].shape]));
  const graph = lossGraph("gradient", network, shapes, (ops, output) => loss(ops, output));
  const parameters = parametersOf(network);
  const pulled = pullback(
    graph,
    on,
    { inputs, parameters: recorded(graph, parameters) },
    { output: on.constant(tensor(1)) },
    { wanted: ({ op }) => op === "parameter" },
  );
  return { loss: pulled.outputs.output.data[0], gradients: everyOne(parameters, pulled.parameters) };
}

/** The graph of a scalar loss of the network's output, for these input shapes; `extra` inputs are the loss's own. */
export function lossGraph<I extends string, C, P>(
  where: string,
  network: Network<I, C, P>,
  shapes: Readonly<Record<string, Shape>>,
  loss: (ops: Ops<Node>, output: Node, extra: Readonly<Record<string, Node>>) => Node,
  extra: Readonly<Record<string, Shape>> = {},
): Graph {
  const graph = record(
    (ops, nodes) => {
      const inputs = Object.fromEntries(Object.keys(shapes).map((name) => [name, nodes[name]]));
      const output = network.run(ops, lift(ops, network.parameters), inputs as Record<I, Node>);
      return loss(ops, output, nodes);
    },
    { ...shapes, ...extra },
  );
  const { shape } = graph.outputs.output ?? { shape: [Number.NaN] };
  if (shape.length !== 0)
    throw new ShapeError(`${where}: expected a loss that is a scalar, [], got one of shape ${showShape(shape)}`);
  return graph;
}

/** Those of the parameters that the graph uses. */
export function recorded(graph: Graph, parameters: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    graph.nodes.flatMap((node) =>
      node.op === "parameter" ? [[node.attributes.name, parameters[node.attributes.name]]] : [],
    ),
  );
}

/** A gradient for every parameter. */
export const everyOne = (
  parameters: Readonly<Record<string, Tensor>>,
  found: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, found[name] ?? zeros(shape)]));
