/**
 * @file A graph prepared for a line: which nodes move, which of them are gates, and what each of the others does to a
 * polynomial on an interval. How the line is walked is the methods' business.
 */
import {
  type Applied,
  apply,
  broadcastOffsets,
  degreesOf,
  evaluateAll,
  type Graph,
  isLeaf,
  type Node,
  operandsOf,
  reshape,
  type SynchronousDevice,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";
import { type AffineTail, affineTail } from "./affine-tail.ts";
import { checkNumbers, checkValue } from "./finite.ts";
import { type Gate, gateOf } from "./gates.ts";
import { block, type IntervalValue, largest, lineValue, raise, restrict } from "./interval-values.ts";
import { type Propagation, propagationOf, type Spread } from "./noise.ts";
import { stepsOf } from "./steps.ts";

/** The question. */
export interface Line {
  /** An opened graph whose inputs all move. */
  readonly graph: Graph;
  readonly from: Readonly<Record<string, Tensor>>;
  readonly to: Readonly<Record<string, Tensor>>;
  readonly device: SynchronousDevice;
}

/** The values of the nodes that move, by `node.id`. */
export type Values = readonly (IntervalValue | undefined)[];

export interface LineGraph {
  /** The nodes that move, in the order of computation. */
  readonly order: readonly Node[];
  readonly output: Node;
  /** The degree of every node by the rules of composition. */
  readonly degrees: readonly number[];
  readonly gates: readonly (Gate | undefined)[];
  /** What follows the last gate, if that is affine in its output. */
  readonly tail: AffineTail | undefined;
  /** The place in `order` of the last node that needs each node, by `node.id`. */
  readonly lastUse: readonly number[];
  /**
   * A moving node that is no gate, on [a, b]: an input, or a polynomial of what moves, at the nodes of its degree, or of
   * `limit` if that is less: then its values at the nodes are right, and between them it is an interpolation.
   */
  polynomial(node: Node, values: Values, a: number, b: number, limit?: number): IntervalValue;
  /** A gate's input, checked: numbers that are finite. */
  inputOf(node: Applied, values: Values): IntervalValue;
  /** A gate's output on a part [lo, hi] of the input's interval, given that the pattern holds there. */
  opened(
    node: Applied,
    pattern: Uint8Array,
    input: IntervalValue,
    lo: number,
    hi: number,
    limit?: number,
  ): IntervalValue;
  /** The output, checked, also where it does not move. */
  result(values: Values): IntervalValue;
}

/**
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws RangeError if a number is not finite, naming its place
 */
export function prepare({ graph, from, to, device }: Line): LineGraph {
  const { nodes } = graph;
  const { output } = graph.outputs;
  const degrees = degreesOf(graph, "restrictToLine").map(({ total }) => total);
  // not "degree > 0": the derivative of ReLU has degree 0 and still jumps
  const moving = nodes.map(() => false);
  for (const node of nodes) moving[node.id] = node.op === "input" || operandsOf(node).some((x) => moving[x.id]);
  const fixed = evaluateAll(graph, device, { inputs: from });
  for (const node of nodes)
    if (moving[node.id]) {
      for (const x of operandsOf(node)) if (!moving[x.id]) checkNumbers(x, fixed[x.id].data);
    } else if (node === output) checkNumbers(node, fixed[node.id].data);
  const gates = nodes.map((node) => (moving[node.id] && !isLeaf(node) ? gateAt(node, fixed) : undefined));
  const isGate = (node: Node): boolean => gates[node.id] !== undefined;
  const moves = (node: Node): boolean => moving[node.id];
  const { order, lastUse, fused, same } = stepsOf(nodes, output, moves, isGate, fixed);
  const propagations = nodes.map((node): Propagation | undefined => {
    if (!moving[node.id] || isLeaf(node) || gates[node.id]) return undefined;
    const operands = node.inputs as readonly (Node | undefined)[];
    return propagationOf(
      node,
      operands.map((x) => (x && !moving[x.id] ? fixed[x.id] : undefined)),
      device,
    );
  });
  const sizes = nodes.map((node): Spread | undefined =>
    moving[node.id] ? undefined : { size: Float64Array.from(fixed[node.id].data, Math.abs), deviation: undefined },
  );

  /** x W + b in one step. */
  const linear = (product: Applied, bias: Tensor, values: Values, degree: number): IntervalValue => {
    const [x, weight] = product.inputs as readonly Node[];
    const operand = raise(values[x.id] as IntervalValue, degree);
    const { data } = device.linear
      ? device.linear(operand.values, fixed[weight.id], bias, { activation: "identity" })
      : device.add(device.matmul(operand.values, fixed[weight.id], {}), bias);
    const size = largest(data as Float64Array, sizeOf(product.shape));
    // the product before the bias may be larger than the sum
    const before = size.map((v, k) => v + Math.abs(bias.data[k % bias.data.length]));
    const deviation = (propagations[product.id] as Propagation)([values[x.id], sizes[weight.id]], before);
    return { values: block(data as Float64Array, degree + 1, product.shape), deviation, size };
  };

  return {
    order,
    output,
    degrees,
    gates,
    tail: affineTail(nodes, order.findLast(isGate) as Applied | undefined, output, moves, fixed, (node, operands) =>
      apply(device, node, operands),
    ),
    lastUse,
    polynomial(node, values, a, b, limit = Number.POSITIVE_INFINITY) {
      if (node.op === "input") {
        const { name } = node.attributes;
        return lineValue(from[name], to[name], a, b);
      }
      const kept = same[node.id];
      if (kept) return values[kept.id] as IntervalValue;
      const product = fused[node.id];
      const degree = Math.min(degrees[node.id], limit);
      if (product) return linear(product, fixed[(node.inputs as readonly Node[])[1].id], values, degree);
      const applied = node as Applied;
      const inputs = applied.inputs as readonly (Node | undefined)[];
      const operands = inputs.map((x) => {
        if (!x) return undefined;
        const value = values[x.id];
        return value ? padded(raise(value, degree).values, applied) : fixed[x.id];
      });
      const data = apply(device, applied, operands).data as Float64Array;
      const size = largest(data, sizeOf(node.shape));
      const spreads = inputs.map((x) => x && (values[x.id] ?? sizes[x.id]));
      const deviation = (propagations[node.id] as Propagation)(spreads, size);
      return { values: block(data, degree + 1, node.shape), deviation, size };
    },
    inputOf(node, values) {
      const input = values[(node.inputs as readonly Node[])[0].id] as IntervalValue;
      checkValue(input, order, values);
      return input;
    },
    opened(node, pattern, input, lo, hi, limit = Number.POSITIVE_INFINITY) {
      const gate = gates[node.id] as Gate;
      const degree = Math.min(degrees[node.id], limit);
      const z = restrict(input, lo, hi, degree);
      const data = gate.output(pattern, z.values.data);
      const size = largest(data, gate.columns);
      const deviation = gate.outputDeviation(pattern, z.deviation, z.size);
      return { values: block(data, degree + 1, node.shape), deviation, size };
    },
    result(values) {
      const value = values[output.id];
      if (value) {
        checkValue(value, order, values);
        return value;
      }
      const data = Float64Array.from(fixed[output.id].data);
      return {
        values: block(data, 1, output.shape),
        deviation: new Float64Array(data.length),
        size: data.map(Math.abs),
      };
    },
  };
}

function gateAt(node: Applied, fixed: readonly Tensor[]): Gate | undefined {
  if (node.op !== "weigh") return gateOf(node, undefined);
  const [, visible] = node.inputs;
  if (!visible) return gateOf(node, undefined);
  return gateOf(node, broadcastTo(fixed[visible.id], node.shape));
}

/** What is visible, an entry for every score. */
function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  return { dtype: "float64", shape, data: Float64Array.from(broadcastOffsets(x.shape, shape), (at) => x.data[at]) };
}

/** The axis of the nodes must stay the first where operands have different ranks. */
function padded(values: Tensor<"float64">, node: Applied): Tensor {
  const missing = node.shape.length + 1 - values.shape.length;
  if (missing <= 0 || node.inputs.length < 2) return values;
  return reshape(values, [values.shape[0], ...new Array<number>(missing).fill(1), ...values.shape.slice(1)]);
}
