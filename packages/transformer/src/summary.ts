/**
 * @file What a network is made of, as a text table: a reading of its graph by places, so it knows no layer types.
 * Letters: m, n, k the lengths of a matrix product, B what lies in front of them.
 */
import {
  actsOnRows,
  degreesOf,
  type Graph,
  graphOf,
  isLeaf,
  type Network,
  type Node,
  open,
  operandsOf,
  parametersOf,
  showShape,
  sizeOf,
  UnsupportedError,
} from "@splineformer/tensor";
import { type DegreeOptions, freeShapes } from "./degree.ts";

/**
 * A table of a network's parts in the order of computation: the shape of each part's result, its parameters and its work;
 * then the totals, the memory, and the degree as a spline or the place where it is none.
 *
 * Work (FLOPs) counts every multiplication, addition and comparison of the opened graph: 2 m n k for a product of
 * matrices, 1 an entry for an activation, 5 an entry where rows are divided by a sum or a norm; moving numbers is free.
 * It counts all keys, also those that a mask hides. Memory is that of float32: the parameters, and the most that is alive
 * at once between operations.
 *
 * @param options - `lengths`: free lengths by name, such as `{ tokens: 16 }`. Default 2 each
 * @throws RangeError if a length is unknown or not a whole number > 0
 * @example
 * ```ts
 * import { createEncoder, summary } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 1, width: 2, heads: 1, hidden: 0, layerScale: "none" });
 * summary(model, { lengths: { tokens: 3 } }).split("\n").at(-1); // "degree 3"
 * ```
 */
export function summary<I extends string, C, P>(network: Network<I, C, P>, options: DegreeOptions = {}): string {
  const shapes = freeShapes("summary", network, options);
  const graph = open(graphOf(network, shapes));
  const total = Object.values(parametersOf(network)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const parts = partsOf(graph);
  const work = parts.reduce((sum, { flops }) => sum + flops, 0);
  const inputs = graph.nodes.flatMap((node) =>
    node.op === "input" ? [[node.attributes.name, showShape(node.shape), "0", "0"]] : [],
  );
  const rows = parts.map(({ place, shape, parameters, flops }) => [
    place || "(top)",
    shape,
    whole(parameters),
    whole(flops),
  ]);
  return [
    ...table([["part", "result", "parameters", "FLOPs"], ...inputs, ...rows, ["total", "", whole(total), whole(work)]]),
    `memory ${bytes(4 * total)} of parameters, ${bytes(4 * mostAlive(graph))} between operations (float32)`,
    degreeLine(graph),
  ].join("\n");
}

/** The operations of one place. */
interface Part {
  readonly place: string;
  shape: string;
  parameters: number;
  flops: number;
}

function partsOf(graph: Graph): Part[] {
  const parts = new Map<string, Part>();
  const counted = new Set<Node>();
  for (const node of graph.nodes) {
    if (isLeaf(node)) continue;
    const part = parts.get(node.scope) ?? { place: node.scope, shape: "", parameters: 0, flops: 0 };
    parts.set(node.scope, part);
    part.shape = showShape(node.shape);
    part.flops += flopsOf(node);
    // a parameter belongs where it is read first
    for (const leaf of operandsOf(node))
      if (leaf.op === "parameter" && !counted.has(leaf)) {
        counted.add(leaf);
        part.parameters += sizeOf(leaf.shape);
      }
  }
  return [...parts.values()];
}

/** The work of one operation of an opened graph. */
function flopsOf(node: Node): number {
  const size = sizeOf(node.shape);
  switch (node.op) {
    case "add":
    case "multiply":
    case "scale":
    case "activate":
      return size;
    case "matmul": {
      const [a] = node.inputs;
      return 2 * size * (a.shape.at(node.attributes.transposeA ? -2 : -1) as number);
    }
    case "weigh": {
      const { activation, divide } = node.attributes;
      return size * (actsOnRows(activation) ? 5 : 1) + (divide === "none" ? 0 : size);
    }
    case "normalize":
    case "scan":
      return 5 * size;
    case "sum":
      return sizeOf(node.inputs[0].shape);
    default:
      return 0;
  }
}

/** The most entries that inputs and results hold at once, each from where it is made to its last use. */
function mostAlive(graph: Graph): number {
  const last = new Map<Node, number>();
  for (const node of graph.nodes) for (const operand of operandsOf(node)) last.set(operand, node.id);
  for (const node of Object.values(graph.outputs)) last.set(node, graph.nodes.length);
  const ending = new Map<number, number>();
  const holds = (node: Node): boolean => node.op !== "parameter" && node.op !== "constant";
  for (const [node, at] of last) if (holds(node)) ending.set(at, (ending.get(at) ?? 0) + sizeOf(node.shape));
  let alive = 0;
  let most = 0;
  for (const node of graph.nodes) {
    if (holds(node) && last.has(node)) alive += sizeOf(node.shape);
    most = Math.max(most, alive);
    alive -= ending.get(node.id) ?? 0;
  }
  return most;
}

function degreeLine(graph: Graph): string {
  try {
    const degrees = degreesOf(graph);
    const outputs = Object.values(graph.outputs).map((node) => degrees[node.id]);
    const names = graph.nodes.flatMap((node) => (node.op === "input" ? [node.attributes.name] : []));
    const of = (name: string): number => Math.max(...outputs.map((degree) => degree[name] ?? 0));
    const each = names.length > 1 ? ` (${names.map((name) => `${of(name)} in ${name}`).join(", ")})` : "";
    return `degree ${of("total")}${each}`;
  } catch (error) {
    // smooth somewhere, or too large for a number: the refusal says where
    if (error instanceof UnsupportedError || error instanceof RangeError)
      return `no degree: ${error.message.replace(/^degree: /, "")}`;
    throw error;
  }
}

const whole = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = n;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toPrecision(3)} ${units[unit]}`;
}

/** Text to the left, numbers to the right, a rule under the names and over the total. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join("  "),
  );
  const rule = "─".repeat(lines[0].length);
  return [lines[0], rule, ...lines.slice(1, -1), rule, lines[lines.length - 1]];
}
