/** @file Which node is a gate, and which: from a graph's operations and what they are told. */
import {
  type Applied,
  activationOf,
  actsOnRows,
  type Pointwise,
  rowAlpha,
  sigmoidBias,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";
import type { Gate } from "./gate.ts";
import { pointwiseGate } from "./pointwise-gate.ts";
import { rowEntries } from "./rows.ts";
import { factorsOf, type Row, scoreRows } from "./scores.ts";
import { sparsemaxGate } from "./sparsemax-gate.ts";

/** A node's gate; undefined where the node is a polynomial of its input, or no spline at all. */
export function gateOf(node: Applied, visible: Tensor | undefined): Gate | undefined {
  return gateOfEntries(node, visible, undefined);
}

/** The gate of one row of a node that has one. */
export function rowGate(node: Applied, visible: Tensor | undefined, rows: number, row: number): Gate {
  return gateOfEntries(node, visible, rows === 1 ? undefined : rowEntries(node.shape, rows, row)) as Gate;
}

function gateOfEntries(node: Applied, visible: Tensor | undefined, chosen: Int32Array | undefined): Gate | undefined {
  if (node.op !== "activate" && node.op !== "weigh") return undefined;
  const { activation, order } = node.attributes;
  const columns = chosen ? chosen.length : sizeOf(node.shape);
  if (node.op === "weigh" && actsOnRows(activation))
    return rowAlpha(activation) === 2
      ? sparsemaxGate(among(scoreRows(node, visible), chosen), columns, order)
      : undefined;
  if (node.op === "weigh" && sigmoidBias(activation) !== undefined) return undefined;
  const meaning = activationOf(activation as Pointwise);
  if (meaning.kind === "smooth") return undefined;
  if (node.op === "activate") return pointwiseGate(meaning, order, columns, undefined);
  return pointwiseGate(meaning, order, columns, factorsOf(among(scoreRows(node, visible), chosen), columns));
}

/** Those that lie in the chosen entries, numbered as there. */
function among(rows: readonly Row[], chosen: Int32Array | undefined): readonly Row[] {
  if (!chosen) return rows;
  const place = new Map(Array.from(chosen, (entry, k) => [entry, k]));
  return rows.flatMap(({ entries, factor }) => {
    const own = entries.map((entry) => place.get(entry)).filter((k) => k !== undefined);
    return own.length > 0 ? [{ entries: own, factor }] : [];
  });
}
