/**
 * @file The degree of every node of a graph, as a polynomial in each input on any one piece; or a refusal that names the
 * first operation that is no piecewise polynomial. A reading by rules.
 */
import { activationDegree } from "./activations.ts";
import { required } from "./check.ts";
import { open } from "./evaluate.ts";
import { fold, type Graph, type Node, type Rules, unsupported } from "./graph.ts";
import type { Pointwise } from "./pointwise.ts";
import type { Weighing } from "./vocabulary.ts";
import { sigmoidBias } from "./weigh.ts";
import { actsOnRows, rowAlpha, showWeighing } from "./weighing.ts";

/** Degree in each input by name, and in all of them together. */
export type Degree = Readonly<Record<string, number>> & { readonly total: number };

const constant: Degree = { total: 0 };

function combine(a: Degree, b: Degree, f: (a: number, b: number) => number): Degree {
  const out: Record<string, number> & { total: number } = { total: 0 };
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) out[name] = f(a[name] ?? 0, b[name] ?? 0);
  return out;
}
const larger = (a: Degree, b: Degree): Degree => combine(a, b, Math.max);
const sum = (reading: string, node: Node, a: Degree, b: Degree): Degree =>
  exact(
    reading,
    node,
    combine(a, b, (m, n) => m + n),
  );
const same = (_: unknown, x: Degree): Degree => x;

/** A number as large as 3^34 is not rounded but refused: half of a degree would be no degree. */
function exact(reading: string, node: Node, x: Degree): Degree {
  if (!Number.isSafeInteger(x.total))
    throw new RangeError(
      `${reading}: expected a degree below 2^53, got ${x.total} at ${node.scope || "the top of the network"}`,
    );
  return x;
}

/** Degree of f∘p for a piecewise polynomial f; a constant stays one whatever f is. */
function through(reading: string, node: Extract<Node, { op: "activate" | "weigh" }>, x: Degree): Degree {
  if (x.total === 0) return constant;
  const { activation, order } = node.attributes;
  const degree = weighingDegree(activation, order);
  if (degree === undefined)
    throw unsupported(reading, "a piecewise polynomial activation", node, showWeighing(activation));
  return exact(
    reading,
    node,
    combine(x, constant, (m) => m * degree),
  );
}

function weighingDegree(activation: Weighing, order: 0 | 1): number | undefined {
  if (actsOnRows(activation)) return rowAlpha(activation) === 2 ? 1 - order : undefined;
  return sigmoidBias(activation) === undefined ? activationDegree(activation as Pointwise, order) : undefined;
}

const rulesFor = (reading: string): Rules<Degree> => ({
  input(node) {
    const { name } = node.attributes;
    required(name !== "total", reading, 'inputs of another name than "total", the degree in all of them', name);
    return { [name]: 1, total: 1 };
  },
  constant: () => constant,
  parameter: () => constant,
  add: (_, a, b) => larger(a, b),
  multiply: (node, a, b) => sum(reading, node, a, b),
  matmul: (node, a, b) => sum(reading, node, a, b),
  concat: (_, a, b) => larger(a, b),
  scale: same,
  splitHeads: same,
  mergeHeads: same,
  sum: same,
  slice: same,
  activate: (node, x) => through(reading, node, x),
  weigh(node, scores, visible) {
    if (visible?.total) throw unsupported(reading, "a mask that does not depend on an input", node);
    return through(reading, node, scores);
  },
  gather(node, table, indices) {
    if (indices.total) throw unsupported(reading, "indices that do not depend on an input", node);
    return table;
  },
  normalize(node, x) {
    if (x.total === 0) return constant;
    throw unsupported(reading, "a piecewise polynomial operation", node);
  },
  scan(node, scores, values) {
    if (scores.total === 0) return values;
    throw unsupported(reading, "a piecewise polynomial operation", node, `scan(${node.attributes.kind})`);
  },
  linear: (node) => {
    throw unsupported(reading, "an opened graph", node);
  },
  attention: (node) => {
    throw unsupported(reading, "an opened graph", node);
  },
});

/**
 * The degree of every node, by `node.id`.
 *
 * The bound by the rules of composition: sums take the larger, products add, an activation multiplies.
 *
 * @param opened - a graph without composites (see `open`)
 * @param reading - who asks, for the message of a refusal
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws RangeError if an input is called `total`, or a degree is 2^53 or more
 * @example
 * ```ts
 * import { degreesOf, record } from "@splineformer/tensor";
 * const graph = record((ops, { x }) => ops.multiply(ops.multiply(x, x), x), { x: [2] });
 * degreesOf(graph).map(({ total }) => total); // [1, 2, 3]
 * ```
 */
export const degreesOf = (opened: Graph, reading = "degree"): Degree[] => fold(opened, rulesFor(reading));

/**
 * The degree of a graph's outputs, the largest where there are several.
 *
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws RangeError if an input is called `total`, or a degree is 2^53 or more
 * @source arXiv 2408.09624
 * @example
 * ```ts
 * import { graphDegree, record } from "@splineformer/tensor";
 * const graph = record((ops, { x, y }) => ops.multiply(ops.multiply(x, x), y), { x: [2], y: [2] });
 * graphDegree(graph); // { x: 2, y: 1, total: 3 }
 * ```
 */
export function graphDegree(graph: Graph): Degree {
  const opened = open(graph);
  const degrees = degreesOf(opened);
  const outputs = Object.values(opened.outputs).map((node) => degrees[node.id]);
  const none: Record<string, number> & { total: number } = { total: 0 };
  for (const node of opened.nodes) if (node.op === "input") none[node.attributes.name] = 0;
  const { total, ...inputs } = outputs.reduce(larger, none);
  return { ...inputs, total };
}
