/**
 * @file A network in a plane as data for a page: the operations that are left when everything affine in a and b has been worked
 * out. `pageScript` reads it with polynomials in a and b. Operations that it does not know are named, and then there is none.
 */
import { cpu64 } from "@splineformer/cpu";
import {
  activationOf,
  differentiate,
  evaluateAll,
  type Graph,
  graphOf,
  isLeaf,
  type Node,
  open,
  operandsOf,
  type Pointwise,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import type { ReadPlane } from "./plane.ts";

/** A step: what it computes from earlier ones. */
interface ProgramStep {
  readonly op: string;
  readonly shape: readonly number[];
  /** Places of its operands among the steps. */
  readonly from: readonly number[];
  /** Of an affine step the coefficients of 1, a and b; of a weighing what each weight is multiplied by. Base64, float64. */
  readonly numbers?: readonly string[];
  readonly attributes?: object;
  readonly scope?: string;
}

export interface PlaneProgram {
  readonly degree: number;
  readonly steps: readonly ProgramStep[];
}

/** The program; undefined where an operation has no place in it. */
export function planeProgram({ model, point }: ReadPlane, degree: number): PlaneProgram | undefined {
  const start = point(0, 0);
  const graph: Graph = open(
    graphOf(model, Object.fromEntries(Object.entries(start).map(([name, x]) => [name, x.shape]))),
  );
  const [here, right, up] = [start, point(1, 0), point(0, 1)].map((inputs) => evaluateAll(graph, cpu64, { inputs }));
  const moves: boolean[] = [];
  const affine: boolean[] = [];
  for (const node of graph.nodes) {
    const operands = operandsOf(node);
    const moving = operands.filter((x) => moves[x.id]);
    moves[node.id] = node.op === "input" || moving.length > 0;
    const isGate = node.op === "activate" || node.op === "weigh";
    const isProduct = (node.op === "multiply" || node.op === "matmul") && moving.length > 1;
    affine[node.id] =
      !moves[node.id] || node.op === "input" || (!isGate && !isProduct && operands.every((x) => affine[x.id]));
  }
  const steps: ProgramStep[] = [];
  const places = new Map<Node, number>();
  const unknown: string[] = [];
  const place = (node: Node): number => {
    const known = places.get(node);
    if (known !== undefined) return known;
    const step = affine[node.id] ? affineStep(node) : otherStep(node);
    places.set(node, steps.length);
    steps.push(step);
    return steps.length - 1;
  };
  const affineStep = (node: Node): ProgramStep => {
    const [c, p, q] = [here, right, up].map((values) => values[node.id].data);
    const less = (x: Tensor["data"]): Float64Array => Float64Array.from(x, (v, k) => v - c[k]);
    const numbers = moves[node.id] ? [Float64Array.from(c), less(p), less(q)] : [Float64Array.from(c)];
    return { op: "affine", shape: node.shape, from: [], numbers: numbers.map(base64) };
  };
  const otherStep = (node: Node): ProgramStep => {
    const operands = isLeaf(node) ? [] : (node.inputs as readonly (Node | undefined)[]);
    const { op, shape, scope } = node;
    if (op === "activate" || op === "weigh") {
      const { activation, order } = node.attributes;
      // what compares its keys has no table of pieces
      const meaning = activation === "sparsemax" ? undefined : activationOf(activation as Pointwise);
      if (!meaning || meaning.kind === "smooth") unknown.push(op);
      else {
        const pieces = order === 0 ? meaning.pieces : meaning.pieces.map(differentiate);
        const factors = op === "weigh" ? factorsOf(node, here) : undefined;
        return {
          op: "gate",
          shape,
          scope,
          from: [place(operands[0] as Node)],
          attributes: { knots: meaning.knots, pieces },
          ...(factors && { numbers: [base64(factors)] }),
        };
      }
    } else if (!known.includes(op)) unknown.push(op);
    const from = operands.filter((x) => x !== undefined).map(place);
    return { op, shape, from, attributes: node.attributes as object };
  };
  place(graph.outputs.output);
  return unknown.length > 0 ? undefined : { degree, steps };
}

const known: readonly string[] = [
  "add",
  "multiply",
  "scale",
  "matmul",
  "splitHeads",
  "mergeHeads",
  "sum",
  "slice",
  "concat",
];

/** What each weight is multiplied by: 0 for a hidden key. */
function factorsOf(node: Extract<Node, { op: "weigh" }>, values: readonly Tensor[]): Float64Array {
  const visible = node.inputs[1];
  const { mask, divide } = node.attributes;
  const ones = tensor(new Float64Array(node.shape.reduce((product, n) => product * n, 1)).fill(1), node.shape);
  const { data } = cpu64.weigh(ones, visible && values[visible.id], { activation: "relu", mask, divide, order: 0 });
  return Float64Array.from(data);
}

const base64 = (numbers: Float64Array): string =>
  Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString("base64");
