/**
 * @file A network whose gates are frozen: each is the polynomial that it is on one piece of a line, with coefficients that are
 * inputs. So it is a polynomial network, differentiable everywhere, and one graph serves all pieces, many in a batch.
 * Letters: z a gate's input, S the support of a sparsemax row; B points in a batch.
 */
import {
  type Applied,
  activationOf,
  actsOnRows,
  apply,
  differentiate,
  evaluateAll,
  type Graph,
  isLeaf,
  type Node,
  operandsOf,
  type PiecewiseActivation,
  type Pointwise,
  pieceAt,
  record,
  type Shape,
  type SynchronousDevice,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";
import type { FlatUnit } from "../causes.ts";
import { factorsOf, scoreRows, supportOf, visibleTo, type WeighNode } from "../engine/scores.ts";

/** What one gate's polynomial needs at one point: its coefficients, entry by entry, of 1, z, z², … or those of a sparsemax row. */
type Coefficients = Readonly<Record<string, Float64Array>>;

export interface FrozenPieces {
  /** Moving inputs as they were, and the coefficients; the points in front if `batched`. */
  readonly graph: Graph;
  /** False where points have to be taken one by one, without an axis for them. */
  readonly batched: boolean;
  /** The coefficients that hold on each of `pieces` pieces (on one, if not `batched`), given a point of each and what is undecided there: one block a piece. */
  coefficientsAt(
    inputs: Readonly<Record<string, Tensor>>,
    flat: readonly (readonly FlatUnit[])[],
  ): Record<string, Float64Array[]>;
}

/**
 * @param graph - opened, all of its inputs move
 * @param pieces - whose coefficients are found together
 * @param points - whose gradients are computed together
 */
export function freezePieces(graph: Graph, device: SynchronousDevice, pieces: number, points: number): FrozenPieces {
  const moving: boolean[] = [];
  for (const node of graph.nodes) moving[node.id] = node.op === "input" || operandsOf(node).some((x) => moving[x.id]);
  // without a reshape in the vocabulary, values of different rank can't be lined up behind a batch axis
  const batched = graph.nodes.every((node) => {
    const ranks = operandsOf(node)
      .filter((x) => moving[x.id])
      .map((x) => x.shape.length);
    return isLeaf(node) || node.inputs.length < 2 || ranks.every((rank) => rank === node.shape.length);
  });
  const together = (count: number, shape: Shape): Shape => (batched ? [count, ...shape] : shape);
  const gates = graph.nodes.filter(
    (node): node is GateNode => moving[node.id] && (node.op === "activate" || node.op === "weigh"),
  );
  const plain =
    gates.length > 0 &&
    record(
      (ops, inputs) => {
        const values: Node[] = [];
        for (const node of graph.nodes) values.push(copied(ops, node, values, inputs));
        return Object.fromEntries(gates.map((node) => [String(node.id), values[node.inputs[0].id]]));
      },
      Object.fromEntries(movingInputs(graph).map((node) => [node.attributes.name, together(pieces, node.shape)])),
    );
  const fixed = evaluateAll(graph, device, {
    inputs: Object.fromEntries(
      movingInputs(graph).map(({ attributes, shape }) => [
        attributes.name,
        { dtype: "float64", shape, data: new Float64Array(sizeOf(shape)) } as Tensor,
      ]),
    ),
  });
  const frozenGates = gates.map((node) => frozenGate(node, visibleTo(node, fixed)));
  const shapes: Record<string, Shape> = {};
  for (const node of movingInputs(graph)) shapes[node.attributes.name] = together(points, node.shape);
  gates.forEach((node, i) => {
    for (const name of frozenGates[i].names) shapes[coefficientName(node, name)] = together(points, node.shape);
  });
  const frozen = record((ops, inputs) => {
    const values: Node[] = [];
    for (const node of graph.nodes) {
      const i = gates.indexOf(node as GateNode);
      if (i < 0) values.push(copied(ops, node, values, inputs));
      else {
        const coefficients = Object.fromEntries(
          frozenGates[i].names.map((name) => [name, inputs[coefficientName(node, name)]]),
        );
        values.push(frozenGates[i].draw(ops, values[(node.inputs as readonly Node[])[0].id], coefficients));
      }
    }
    return values[graph.outputs.output.id];
  }, shapes);
  return {
    graph: frozen,
    batched,
    coefficientsAt(inputs, flat) {
      const out: Record<string, Float64Array[]> = {};
      if (!plain) return out;
      const values = evaluateAll(plain, device, { inputs });
      const inputsOf = gates.map((node) => values[plain.outputs[String(node.id)].id].data as Float64Array);
      flat.forEach((units, p) => {
        const z = gates.map((node, i) => inputsOf[i].subarray(p * sizeOf(node.shape), (p + 1) * sizeOf(node.shape)));
        const off = gates.map(() => new Set<number>());
        for (const unit of units) {
          const found = nearest(gates, z, unit);
          if (found) off[found.gate].add(found.entry);
        }
        gates.forEach((node, i) => {
          const found = frozenGates[i].at(z[i], off[i]);
          for (const name of frozenGates[i].names) {
            const key = coefficientName(node, name);
            out[key] ??= [];
            out[key].push(found[name]);
          }
        });
      });
      return out;
    },
  };
}

type GateNode = Extract<Applied, { op: "activate" | "weigh" }>;

const coefficientName = (node: Node, name: string): string => `gate ${node.id}: ${name}`;

const movingInputs = (graph: Graph): Extract<Node, { op: "input" }>[] =>
  graph.nodes.filter((node) => node.op === "input");

type Recorder = Parameters<Parameters<typeof record>[0]>[0];

/** A node that is no gate, drawn again. */
function copied(ops: Recorder, node: Node, values: readonly Node[], inputs: Readonly<Record<string, Node>>): Node {
  if (node.op === "input") return inputs[node.attributes.name];
  if (node.op === "constant") return ops.constant(node.attributes.value);
  if (node.op === "parameter") return ops.parameter(node.attributes.name, node.attributes.value);
  return apply(
    ops,
    node,
    (node.inputs as readonly (Node | undefined)[]).map((x) => x && values[x.id]),
  );
}

interface FrozenGate {
  readonly names: readonly string[];
  /** The coefficients at a point with this input; entries that are undecided count as left of the knot they are next to. */
  at(z: Float64Array, undecided: ReadonlySet<number>): Coefficients;
  draw(ops: Recorder, z: Node, coefficients: Readonly<Record<string, Node>>): Node;
}

function frozenGate(node: GateNode, visible: Tensor | undefined): FrozenGate {
  const { activation, order } = node.attributes;
  if (node.op === "weigh" && actsOnRows(activation)) return frozenSparsemax(node, visible);
  const meaning = activationOf(activation as Pointwise) as PiecewiseActivation;
  const { knots, pieces } = meaning;
  const polynomials = order === 0 ? pieces : pieces.map(differentiate);
  const degree = Math.max(...polynomials.map((p) => p.length)) - 1;
  const used = Array.from({ length: degree + 1 }, (_, k) => k).filter(
    (k) => k === degree || polynomials.some((p) => (p[k] ?? 0) !== 0),
  );
  const factors = node.op === "weigh" ? factorsOf(scoreRows(node, visible), sizeOf(node.shape)) : undefined;
  return {
    names: used.map(String),
    at(z, undecided) {
      const out = used.map(() => new Float64Array(z.length));
      for (let c = 0; c < z.length; c++) {
        const piece = undecided.has(c) ? nearestKnot(knots, z[c]) : pieceAt(meaning, z[c]);
        const own = polynomials[piece];
        used.forEach((k, q) => {
          out[q][c] = (own[k] ?? 0) * (factors ? factors[c] : 1);
        });
      }
      return Object.fromEntries(used.map((k, q) => [String(k), out[q]]));
    },
    draw(ops, z, coefficients) {
      let result: Node | undefined;
      let power: Node | undefined;
      for (let k = 0; k <= degree; k++) {
        if (k > 0) power = power ? ops.multiply(power, z) : z;
        const coefficient = coefficients[String(k)];
        if (!coefficient) continue;
        const term = power ? ops.multiply(power, coefficient) : coefficient;
        result = result ? ops.add(result, term) : term;
      }
      return result as Node;
    },
  };
}

/** The index of the knot next to z, which is that of the piece on its left. */
function nearestKnot(knots: readonly number[], z: number): number {
  let found = 0;
  for (let k = 1; k < knots.length; k++) if (Math.abs(knots[k] - z) < Math.abs(knots[found] - z)) found = k;
  return found;
}

/** An undecided unit's gate and entry; of several gates with that name the one whose input is nearest to a knot. */
function nearest(
  gates: readonly GateNode[],
  z: readonly Float64Array[],
  unit: FlatUnit,
): { readonly gate: number; readonly entry: number } | undefined {
  const index = unit.op === "weigh" ? [unit.head, unit.query, unit.key] : [unit.token, unit.unit];
  let found: { gate: number; entry: number; gap: number } | undefined;
  gates.forEach((node, gate) => {
    if (node.op !== unit.op || node.scope !== unit.scope) return;
    const { activation } = node.attributes;
    if (node.op === "weigh" && actsOnRows(activation)) return;
    const { knots } = activationOf(activation as Pointwise) as PiecewiseActivation;
    const full = [...unit.batch, ...index].slice(-node.shape.length);
    if (knots.length === 0 || !full.every((i, axis) => i < node.shape[axis])) return;
    const entry = full.reduce((at, i, axis) => at * node.shape[axis] + i, 0);
    const gap = Math.abs(z[gate][entry] - knots[nearestKnot(knots, z[gate][entry])]);
    if (!found || gap < found.gap) found = { gate, entry, gap };
  });
  return found;
}

/** factor · (z_i − mean_S z + 1/|S|) on the support, 0 elsewhere; its derivative (order 1) is the factor on the support. */
function frozenSparsemax(node: WeighNode, visible: Tensor | undefined): FrozenGate {
  const rows = scoreRows(node, visible);
  const order = node.attributes.order;
  return {
    names: order === 0 ? ["weight", "share", "constant"] : ["weight"],
    at(z) {
      const weight = new Float64Array(z.length);
      const share = new Float64Array(z.length);
      const constant = new Float64Array(z.length);
      for (const { entries, factor } of rows) {
        const support = supportOf(entries, z);
        for (const c of support) {
          weight[c] = factor;
          share[c] = 1 / support.length;
          constant[c] = factor / support.length;
        }
      }
      const found: Coefficients = order === 0 ? { weight, share, constant } : { weight };
      return found;
    },
    draw(ops, z, { weight, share, constant }) {
      if (order === 1) return weight;
      const mean = ops.sum(ops.multiply(z, share), { axes: [-1], keep: true });
      return ops.add(ops.multiply(weight, ops.add(z, ops.scale(mean, { factor: -1 }))), constant);
    },
  };
}
