/**
 * @file A graph with the piece of every gate frozen at a point: a polynomial network, and the inequalities that say where it
 * is the network itself. Letters: z a gate's input, s what must stay between two levels for the gate to keep its piece:
 * z for an activation, z − τ for sparsemax.
 */
import {
  type Applied,
  activationOf,
  actsOnRows,
  apply,
  degreesOf,
  differentiate,
  evaluateAll,
  type Graph,
  isLeaf,
  type Node,
  type Ops,
  type PiecewiseActivation,
  type Pointwise,
  pieceAt,
  record,
  type Shape,
  type SynchronousDevice,
  sigmoidBias,
  sizeOf,
  type Tensor,
  within,
} from "@splineformer/tensor";
import { placeOf } from "../engine/finite.ts";
import { factorsOf, type Row, scoreRows, supportOf, visibleTo } from "../engine/scores.ts";

/** A gate that depends on the input, frozen. */
interface FrozenGate {
  /** The gate in the graph that was frozen. */
  readonly node: Applied;
  /** The output of the frozen graph that is s, of the gate's shape. */
  readonly name: string;
  /** The piece that holds, entry by entry. */
  readonly pattern: Uint8Array;
  /** It holds where lower < s ≤ upper; infinite where there is no bound. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

export interface FrozenGraph {
  /** A polynomial of its inputs; output `output`, and `s` of every gate. */
  readonly graph: Graph;
  readonly gates: readonly FrozenGate[];
}

/**
 * @param graph - opened, with one output
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 */
export function freezeAt(
  where: string,
  graph: Graph,
  x: Readonly<Record<string, Tensor>>,
  device: SynchronousDevice,
): FrozenGraph {
  const degrees = degreesOf(graph, where);
  const known = evaluateAll(graph, device, { inputs: x });
  for (const node of graph.nodes) checkFinite(where, node, known[node.id]);
  const shapes: Record<string, Shape> = {};
  for (const node of graph.nodes) if (node.op === "input") shapes[node.attributes.name] = node.shape;
  const gates: FrozenGate[] = [];
  const frozen = record(
    (ops, inputs) => {
      const values: Node[] = [];
      const outputs: Record<string, Node> = {};
      for (const node of graph.nodes) {
        const here = node.scope ? within(ops, node.scope) : ops;
        const operands = node.inputs as readonly (Node | undefined)[];
        const first = operands[0];
        const gate =
          (node.op === "activate" || node.op === "weigh") && first && degrees[first.id].total > 0
            ? frozenGate(here, node, values[first.id], known)
            : undefined;
        if (gate) {
          const name = `switch ${gates.length}`;
          if (gate.lower.some(Number.isFinite) || gate.upper.some(Number.isFinite)) {
            outputs[name] = gate.s;
            gates.push({ node: node as Applied, name, pattern: gate.pattern, lower: gate.lower, upper: gate.upper });
          }
          values[node.id] = gate.output;
        } else if (node.op === "input") values[node.id] = inputs[node.attributes.name];
        // what does not move here is a number, whatever operation it is
        else if (isLeaf(node) || degrees[node.id].total === 0) values[node.id] = here.constant(known[node.id]);
        else
          values[node.id] = apply(
            ops,
            node,
            operands.map((operand) => operand && values[operand.id]),
          );
      }
      outputs.output = values[graph.outputs.output.id];
      return outputs;
    },
    shapes,
    { keep: [] },
  );
  return { graph: frozen, gates };
}

interface FrozenOperation {
  readonly output: Node;
  readonly s: Node;
  readonly pattern: Uint8Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

function frozenGate(
  ops: Ops<Node>,
  node: Extract<Applied, { op: "activate" | "weigh" }>,
  z: Node,
  known: readonly Tensor[],
): FrozenOperation | undefined {
  const { activation, order } = node.attributes;
  const at = known[node.inputs[0].id].data;
  if (node.op === "weigh") {
    const rows = scoreRows(node, visibleTo(node, known));
    if (actsOnRows(activation)) return frozenRows(ops, node, z, at, rows);
    if (sigmoidBias(activation) !== undefined) return undefined;
    const factors = factorsOf(rows, at.length);
    return frozenPointwise(ops, node.shape, activationOf(activation as Pointwise), order, z, at, factors);
  }
  return frozenPointwise(ops, node.shape, activationOf(activation as Pointwise), order, z, at, undefined);
}

function frozenPointwise(
  ops: Ops<Node>,
  shape: Shape,
  meaning: ReturnType<typeof activationOf>,
  order: 0 | 1,
  z: Node,
  at: ArrayLike<number>,
  factors: Float64Array | undefined,
): FrozenOperation | undefined {
  if (meaning.kind === "smooth") return undefined;
  const { knots, pieces }: PiecewiseActivation = meaning;
  const polynomials = order === 0 ? pieces : pieces.map(differentiate);
  const count = at.length;
  const pattern = new Uint8Array(count);
  const lower = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  const upper = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const coefficients: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const factor = factors ? factors[i] : 1;
    if (factor === 0) continue;
    const piece = pieceAt(meaning, at[i]);
    pattern[i] = piece;
    if (piece > 0) lower[i] = knots[piece - 1];
    if (piece < knots.length) upper[i] = knots[piece];
    polynomials[piece].forEach((c, k) => {
      coefficients[k] ??= new Float64Array(count);
      coefficients[k][i] = factor * c;
    });
  }
  return { output: composed(ops, shape, coefficients, z), s: z, pattern, lower, upper };
}

/** Σ_k c_k z^k, entry by entry. */
function composed(ops: Ops<Node>, shape: Shape, coefficients: readonly (Float64Array | undefined)[], z: Node): Node {
  let output: Node | undefined;
  for (let k = coefficients.length - 1; k >= 0; k--) {
    const c = coefficients[k];
    const raised = output && ops.multiply(output, z);
    const own = c?.some((v) => v !== 0) ? ops.constant({ dtype: "float64", shape, data: c }) : undefined;
    output = raised && own ? ops.add(raised, own) : (raised ?? own);
  }
  return output ?? ops.constant({ dtype: "float64", shape, data: new Float64Array(sizeOf(shape)) });
}

/** Sparsemax with the support of every row kept: s = z − (Σ_S z − 1)/|S|. */
function frozenRows(
  ops: Ops<Node>,
  node: Extract<Applied, { op: "weigh" }>,
  z: Node,
  at: ArrayLike<number>,
  rows: readonly Row[],
): FrozenOperation {
  const { shape } = node;
  const count = at.length;
  const pattern = new Uint8Array(count);
  const lower = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  const upper = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const share = new Float64Array(count);
  const shift = new Float64Array(count);
  const weight = new Float64Array(count);
  for (const { entries, factor } of rows) {
    if (entries.length === 0) continue;
    const support = supportOf(entries, at);
    for (const entry of entries) upper[entry] = 0;
    for (const entry of entries) shift[entry] = 1 / support.length;
    for (const entry of support) {
      pattern[entry] = 1;
      [lower[entry], upper[entry]] = [0, Number.POSITIVE_INFINITY];
      share[entry] = 1 / support.length;
      weight[entry] = factor;
    }
  }
  const fixed = (data: Float64Array): Node => ops.constant({ dtype: "float64", shape, data });
  const mean = ops.sum(ops.multiply(z, fixed(share)), { axes: [-1], keep: true });
  const s = ops.add(ops.add(z, ops.scale(mean, { factor: -1 })), fixed(shift));
  const output = node.attributes.order === 0 ? ops.multiply(s, fixed(weight)) : fixed(weight);
  return { output, s, pattern, lower, upper };
}

function checkFinite(where: string, node: Node, { data }: Tensor): void {
  for (let i = 0; i < data.length; i++)
    if (!Number.isFinite(data[i]))
      throw new RangeError(`${where}: expected values that stay finite, got ${data[i]} at ${placeOf(node)}`);
}
