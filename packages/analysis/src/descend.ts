/**
 * @file The exact engine: a graph on a line, node by node, depth first. Where a gate's pattern changes the interval is split,
 * what is still needed is restricted to each part, and the walk goes on there. So every part that reaches the end is
 * an interval on which the whole network is one polynomial.
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
  tensor,
} from "@splineformer/tensor";
import { type Cut, type Gate, gateOf } from "./gates.ts";
import { block, type IntervalValue, lineValue, magnitude, noiseOf, raise, restrict } from "./interval-values.ts";
import { mergeCuts } from "./merge-cuts.ts";
import { propagateVariance, type Squares } from "./noise.ts";

/** An interval of the line on which the network is one polynomial. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  /** The output at the Chebyshev–Lobatto nodes of the interval, [nodes, …shape]. */
  readonly values: Tensor<"float64">;
  /** What rounding may have done to it, entry by entry. */
  readonly noise: Float64Array;
  /** Which piece every gate is in, by node. */
  readonly patterns: ReadonlyMap<Applied, Uint8Array>;
}

/** A gate's entry that was too small on a part of the line to tell its sign. */
export interface Flat {
  readonly from: number;
  readonly to: number;
  readonly node: Applied;
  readonly entry: number;
}

export interface Line {
  /** An opened graph whose inputs all move. */
  readonly graph: Graph;
  readonly from: Readonly<Record<string, Tensor>>;
  readonly to: Readonly<Record<string, Tensor>>;
  readonly device: SynchronousDevice;
  readonly onPiece: (piece: Piece) => void;
  readonly onFlat: (flat: Flat) => void;
}

/**
 * Walks the line from t = 0 to 1 and calls `onPiece` for every piece, in order.
 *
 * @returns the degree of the output by the rules of composition
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 */
export function descend(line: Line): number {
  const { graph, device, onPiece, onFlat } = line;
  const { nodes } = graph;
  const { output } = graph.outputs;
  const degrees = degreesOf(graph, "restrictToLine").map(({ total }) => total);
  // not "degree > 0": the derivative of ReLU has degree 0 and still jumps
  const moving = nodes.map(() => false);
  for (const node of nodes) moving[node.id] = node.op === "input" || operandsOf(node).some((x) => moving[x.id]);
  const fixed = evaluateAll(graph, device, { inputs: line.from });
  const known = new Map<number, Squares>();
  const gates = nodes.map((node) => (moving[node.id] && !isLeaf(node) ? gateAt(node, fixed) : undefined));
  const lastUse = nodes.map((node) => node.id);
  for (const node of nodes) for (const input of operandsOf(node)) lastUse[input.id] = node.id;
  lastUse[output.id] = nodes.length;

  const walk = (
    first: number,
    start: readonly (IntervalValue | undefined)[],
    from: Cut,
    to: Cut,
    patterns: Piece["patterns"],
  ): void => {
    const values = [...start];
    for (let id = first; id < nodes.length; id++) {
      const node = nodes[id];
      if (!moving[id]) continue;
      const gate = gates[id];
      if (node.op === "input") {
        const { name } = node.attributes;
        values[id] = lineValue(line.from[name], line.to[name], from.at, to.at);
      } else if (!gate) {
        values[id] = polynomial(node as Applied, values);
      } else {
        split(id, gate, values, from, to, patterns);
        return;
      }
    }
    const result = values[output.id] ?? { values: block(fixedData(output), output.shape), variance: zeros(output) };
    onPiece({ from: from.at, to: to.at, values: result.values, noise: noiseOf(result), patterns });
  };

  const zeros = (node: Node): Float64Array => new Float64Array(sizeOf(node.shape));
  const fixedData = (node: Node): Float64Array => Float64Array.from(fixed[node.id].data);

  /** An operation that is no gate: raise the operands to the result's degree and apply it to the batch of nodes. */
  const polynomial = (node: Applied, values: readonly (IntervalValue | undefined)[]): IntervalValue => {
    const raised = (node.inputs as readonly (Node | undefined)[]).map((x) => {
      if (!x) return undefined;
      const value = values[x.id];
      return moving[x.id] && value ? raise(value, degrees[node.id]) : x;
    });
    const operands = raised.map((x) => {
      if (x === undefined) return undefined;
      return "op" in x ? fixed[x.id] : padded(x.values, node);
    });
    const data = apply(device, node, operands).data as Float64Array;
    const result: IntervalValue = { values: block(data, node.shape), variance: zeros(node) };
    const squares = raised.map((x, i) => {
      if (x === undefined) return undefined;
      if (!("op" in x)) return movingSquares(x);
      // the indices of a gather say where entries go: they are no numbers to square
      return node.op === "gather" && i === 1 ? { size: fixed[x.id], variance: undefined } : fixedSquares(x);
    });
    return { values: result.values, variance: propagateVariance(node, squares, magnitude(result), device) };
  };

  const fixedSquares = (node: Node): Squares => {
    const kept = known.get(node.id);
    if (kept) return kept;
    const { data, shape } = fixed[node.id];
    // indices say where entries go: they are not squared
    const size = tensor(
      Float64Array.from(data, (x) => x * x),
      shape,
    );
    const squares = { size, variance: undefined };
    known.set(node.id, squares);
    return squares;
  };

  /** Cuts the interval where the gate's pattern changes, and walks on in every part. */
  const split = (
    id: number,
    gate: Gate,
    values: readonly (IntervalValue | undefined)[],
    from: Cut,
    to: Cut,
    patterns: Piece["patterns"],
  ): void => {
    const node = nodes[id] as Applied;
    const input = (node.inputs as readonly Node[])[0];
    const whole = values[input.id] as IntervalValue;
    const half = 0.5 * (to.at - from.at);
    const at = (u: number): number => (u === -1 ? from.at : u === 1 ? to.at : from.at + (u + 1) * half);
    const { cuts, undecided } = gate.cuts(whole.values.data, noiseOf(whole));
    for (const { column, from, to } of undecided) onFlat({ from: at(from), to: at(to), node, entry: column });
    const inner = mergeCuts(cuts, { at: -1, radius: from.radius / half }, { at: 1, radius: to.radius / half });
    const ends = [-1, ...inner.map((cut) => cut.at), 1];
    const places = [from, ...inner.map(({ at: u, radius }) => ({ at: at(u), radius: radius * half + spacing })), to];
    for (let part = 1; part < ends.length; part++) {
      const [lo, hi] = [ends[part - 1], ends[part]];
      const next =
        ends.length === 2
          ? [...values]
          : values.map((v, k) => v && (lastUse[k] >= id ? restrict(v, lo, hi) : undefined));
      const value = next[input.id] as IntervalValue;
      const pattern = gate.pattern(value.values.data, noiseOf(value));
      const z = raise(value, degrees[id]);
      next[id] = {
        values: block(gate.output(pattern, z.values.data), node.shape),
        variance: gate.outputVariance(pattern, z.variance, magnitude(z)),
      };
      walk(id + 1, next, places[part - 1], places[part], new Map(patterns).set(node, pattern));
    }
  };

  walk(0, [], { at: 0, radius: 0 }, { at: 1, radius: 0 }, new Map());
  return degrees[output.id];
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

function movingSquares(value: IntervalValue): Squares {
  const shape = value.values.shape.slice(1);
  return {
    size: tensor(
      magnitude(value).map((a) => a * a),
      shape,
    ),
    variance: tensor(value.variance, shape),
  };
}

/** The axis of the nodes must stay the first where operands have different ranks. */
function padded(values: Tensor<"float64">, node: Applied): Tensor {
  const missing = node.shape.length + 1 - values.shape.length;
  if (missing <= 0 || node.inputs.length < 2) return values;
  return reshape(values, [values.shape[0], ...new Array<number>(missing).fill(1), ...values.shape.slice(1)]);
}

/** Two of the spacings of numbers just below 1: how finely a place on the line is stored. */
const spacing = 2 ** -52;
