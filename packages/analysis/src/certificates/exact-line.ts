/**
 * @file A network on a line in exact rational arithmetic: its patterns at a point, and on an interval the polynomials that keep
 * their signs while a pattern holds. Slow, and independent of the engine: no rounding, no Chebyshev nodes, no roots.
 * The network is the one whose parameters are its float64 numbers and whose operations are exact; what does not move counts
 * as computed.
 */
import {
  type Applied,
  apply,
  broadcastOffsets,
  degreesOf,
  evaluateAll,
  type Graph,
  type Node,
  operandsOf,
  reference,
  type Shape,
  sizeOf,
  type Tensor,
  unsupported,
} from "@splineformer/tensor";
import { gateOf } from "../engine/gates.ts";
import { visibleTo } from "../engine/scores.ts";
import type { Patterns } from "../engine/walk.ts";
import { type ExactBound, type ExactGate, exactGate } from "./exact-gates.ts";
import {
  aligned,
  type Dyadic,
  type Exact,
  exactly,
  multiplyInto,
  overOne,
  overProduct,
  zeroProduct,
} from "./exact-numbers.ts";

export interface ExactLine {
  /** How many products of whole numbers `bounds` takes, about. */
  readonly products: number;
  /** The patterns at a place. */
  patterns(t: Dyadic): Patterns;
  /** Calls back with every polynomial that keeps its sign on [a, b] while the patterns hold there, gate by gate in order. */
  bounds(a: Dyadic, b: Dyadic, patterns: Patterns, each: (node: Applied, bound: ExactBound) => void): void;
}

export function exactLine(
  graph: Graph,
  from: Readonly<Record<string, Tensor>>,
  to: Readonly<Record<string, Tensor>>,
): ExactLine {
  const fixed = evaluateAll(graph, reference, { inputs: from });
  const moving: boolean[] = [];
  for (const node of graph.nodes)
    moving[node.id] = node.op === "input" || operandsOf(node).some((operand) => moving[operand.id]);
  const known = graph.nodes.map((node): Exact | undefined =>
    moving[node.id] ? undefined : exactly(fixed[node.id].data),
  );
  const ends = Object.fromEntries(
    Object.keys(from).map((name) => [name, aligned(exactly(from[name].data), exactly(to[name].data))]),
  );
  const gates = graph.nodes.map((node): ExactGate | undefined => {
    if ((node.op !== "activate" && node.op !== "weigh") || !moving[node.id]) return undefined;
    const visible = visibleTo(node, fixed);
    return gateOf(node, visible) && exactGate(node, visible);
  });

  /** x at the ends of an interval, or at a point. */
  const input = (name: string, places: readonly Dyadic[]): Exact => {
    const [start, stop] = ends[name];
    const { n: times, shift } = overOne(places);
    const one = 1n << BigInt(shift);
    const numerators = start.numerators.flatMap((n, i) => times.map((t) => n * (one - t) + stop.numerators[i] * t));
    return { degree: places.length - 1, numerators, shift: start.shift + shift, odd: start.odd };
  };

  /** Every node up to the last gate, gates by what `patternOf` says. */
  const last = gates.findLastIndex((gate) => gate !== undefined);
  const run = (
    places: readonly Dyadic[],
    patternOf: (node: Applied, gate: ExactGate, z: Exact) => Uint8Array,
  ): void => {
    const values: Exact[] = [];
    for (const node of graph.nodes.slice(0, last + 1)) {
      const gate = gates[node.id];
      const constant = known[node.id];
      if (constant) values[node.id] = constant;
      else if (node.op === "input") values[node.id] = input(node.attributes.name, places);
      else if (gate) {
        const z = values[(node.inputs as readonly Node[])[0].id];
        const pattern = patternOf(node as Applied, gate, z);
        if (node.id < last) values[node.id] = gate.output(z, pattern);
      } else values[node.id] = operate(node as Applied, values);
    }
  };

  const degrees = degreesOf(graph, "certify").map(({ total }) => total);
  const products = graph.nodes
    .slice(0, last + 1)
    .reduce((count, node) => count + (moving[node.id] ? productsOf(node, degrees) : 0), 0);

  return {
    products,
    patterns(t) {
      const patterns = new Map<Applied, Uint8Array>();
      run([t], (node, gate, z) => {
        const pattern = gate.pattern(z);
        patterns.set(node, pattern);
        return pattern;
      });
      return patterns;
    },
    bounds(a, b, patterns, each) {
      run([a, b], (node, gate, z) => {
        const pattern = patterns.get(node) as Uint8Array;
        for (const bound of gate.bounds(z, pattern)) each(node, bound);
        return pattern;
      });
    },
  };
}

/** Of an operation on polynomials of these degrees. */
function productsOf(node: Node, degrees: readonly number[]): number {
  const widths = operandsOf(node).map(({ id }) => degrees[id] + 1);
  const terms = node.op === "matmul" ? (node.inputs[0].shape.at(node.attributes.transposeA ? -2 : -1) as number) : 1;
  return sizeOf(node.shape) * terms * widths.reduce((all, width) => all * width, 1);
}

/** A polynomial operation. */
function operate(node: Applied, values: readonly Exact[]): Exact {
  const operands = node.inputs as readonly Node[];
  const [a, b] = operands.map(({ id }) => values[id]);
  const shapes = operands.map(({ shape }) => shape);
  switch (node.op) {
    case "add": {
      const [x, y] = aligned(a, b);
      const left = pick(x, broadcastOffsets(shapes[0], node.shape)).numerators;
      const right = pick(y, broadcastOffsets(shapes[1], node.shape)).numerators;
      return { ...x, numerators: left.map((n, i) => n + right[i]) };
    }
    case "multiply": {
      const [left, right] = shapes.map((shape) => broadcastOffsets(shape, node.shape));
      const out = zeroProduct(a, b, sizeOf(node.shape));
      for (let i = 0; i < left.length; i++)
        multiplyInto(out, i, a.numerators, left[i], a.degree, b.numerators, right[i], b.degree);
      return overProduct(a, b, out);
    }
    case "matmul":
      return matmul(node, a, b);
    case "scale": {
      const factor = exactly([node.attributes.factor]);
      return { ...a, numerators: a.numerators.map((n) => n * factor.numerators[0]), shift: a.shift + factor.shift };
    }
    case "sum": {
      const kept = shapes[0].map((n, i) => (node.attributes.axes.includes(i - shapes[0].length) ? 1 : n));
      const places = broadcastOffsets(kept, shapes[0]);
      const width = a.degree + 1;
      const out = new Array<bigint>(sizeOf(kept) * width).fill(0n);
      for (let i = 0; i < places.length; i++)
        for (let k = 0; k < width; k++) out[places[i] * width + k] += a.numerators[i * width + k];
      return { ...a, numerators: out };
    }
    case "concat": {
      const [x, y] = aligned(a, b);
      const both = { ...x, numerators: [...x.numerators, ...y.numerators] };
      return pick(both, moved(node, places(shapes[0], 0), places(shapes[1], sizeOf(shapes[0]))));
    }
    case "splitHeads":
    case "mergeHeads":
    case "slice":
      return pick(a, moved(node, places(shapes[0], 0)));
    case "gather": {
      // the indices do not move, and were whole numbers before they were made exact
      const indices = Float64Array.from(b.numerators, (n) => Number(n >> BigInt(b.shift)));
      return pick(a, moved(node, places(shapes[0], 0), { dtype: "float64", shape: shapes[1], data: indices }));
    }
    default:
      throw unsupported("certify", "a polynomial operation", node);
  }
}

/** Entries of an array, in another order. */
function pick({ degree, numerators, shift, odd }: Exact, entries: ArrayLike<number>): Exact {
  const out: bigint[] = [];
  for (let i = 0; i < entries.length; i++)
    for (let k = 0; k <= degree; k++) out.push(numerators[entries[i] * (degree + 1) + k]);
  return { degree, numerators: out, shift, odd };
}

/** The number of every entry, counted from `first`. */
const places = (shape: Shape, first: number): Tensor => ({
  dtype: "float64",
  shape,
  data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => first + i),
});

const moved = (node: Applied, ...operands: readonly Tensor[]): ArrayLike<number> =>
  apply(reference, node, operands).data;

function matmul(node: Extract<Applied, { op: "matmul" }>, a: Exact, b: Exact): Exact {
  const { transposeA = false, transposeB = false } = node.attributes;
  const [p, q] = node.inputs.map(({ shape }) => shape);
  const [m, n] = node.shape.slice(-2);
  const inner = p.at(transposeA ? -2 : -1) as number;
  const lead = node.shape.slice(0, -2);
  const left = broadcastOffsets(p.slice(0, -2), lead);
  const right = broadcastOffsets(q.slice(0, -2), lead);
  const out = zeroProduct(a, b, sizeOf(node.shape));
  for (let batch = 0; batch < left.length; batch++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++)
        for (let k = 0; k < inner; k++) {
          const x = left[batch] * m * inner + (transposeA ? k * m + i : i * inner + k);
          const y = right[batch] * inner * n + (transposeB ? j * inner + k : k * n + j);
          multiplyInto(out, (batch * m + i) * n + j, a.numerators, x, a.degree, b.numerators, y, b.degree);
        }
  return overProduct(a, b, out);
}
