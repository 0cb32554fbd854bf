/** @file Where a computation left the finite numbers: what a message about a loss of NaN names. */
import { type Device, evaluateAll, findNonFinite, type Graph, isLeaf, type Shaped } from "@splineformer/tensor";

/** `": first Infinity at block 4/attention/linear"`, or of a parameter its name; empty if every value is finite. */
export async function firstNonFinite(
  graph: Graph,
  device: Device<Shaped>,
  bindings: Parameters<typeof evaluateAll<Shaped>>[2],
): Promise<string> {
  const values = evaluateAll(graph, device, bindings);
  for (const [i, node] of graph.nodes.entries()) {
    const value = await device.read(values[i]);
    const bad = findNonFinite(value);
    if (bad < 0) continue;
    const what = isLeaf(node) ? (node.op === "constant" ? "a constant" : node.attributes.name) : node.op;
    return `: first ${value.data[bad]} at ${[node.scope, what].filter(Boolean).join("/")}`;
  }
  return "";
}
