/**
 * @file Gates: the operations that are polynomials only piece by piece. A gate says where its pieces end, which piece holds
 * on a part (the *pattern*), and what the output is there. All columns are handled at a time; nothing is known of layers.
 * Letters: z the values of the gate's input at the Chebyshev nodes of an interval, `z[node * columns + column]`.
 */
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
import { pointwiseGate } from "./pointwise-gate.ts";
import { rowEntries } from "./rows.ts";
import { factorsOf, type Row, scoreRows } from "./scores.ts";
import type { ColumnCut, Undecided } from "./sign-changes.ts";
import { sparsemaxGate } from "./sparsemax-gate.ts";

/** What a gate says of its input on an interval. */
interface Reading {
  /** Where the pattern changes, and in which column. */
  readonly cuts: readonly ColumnCut[];
  readonly undecided: readonly Undecided[];
  /** Which piece each column is in, where it has no cuts. */
  readonly pattern: Uint8Array;
}

/** A piecewise polynomial operation, of one node. */
export interface Gate {
  readonly columns: number;
  /** @param noise - what rounding may have done to each column of z */
  read(z: Float64Array, noise: Float64Array): Reading;
  /** Which piece each column is in, on an interval on which no pattern changes. */
  pattern(z: Float64Array, noise: Float64Array): Uint8Array;
  /** Writes all of the output at the same nodes. */
  output(pattern: Uint8Array, z: Float64Array, out: Float64Array): void;
  /** Writes the deviation of the output's rounding error, given that of z and the largest |z| of each column. */
  outputDeviation(pattern: Uint8Array, deviation: Float64Array, size: Float64Array, out: Float64Array): void;
}

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
