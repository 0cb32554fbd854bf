/**
 * @file Gates: the operations that are polynomials only piece by piece. A gate says where its pieces end, which piece holds
 * on a part (the *pattern*), and what the output is there. All columns are handled at a time; nothing is known of layers.
 * Letters: z the values of the gate's input at the Chebyshev nodes of an interval, `z[node * columns + column]`.
 */
import {
  type Applied,
  activationOf,
  actsOnRows,
  divisor,
  type Pointwise,
  rowAlpha,
  sigmoidBias,
  sizeOf,
  type Tensor,
  visibleKeys,
} from "@splineformer/tensor";
import { pointwiseGate } from "./pointwise-gate.ts";
import type { Cut, Undecided } from "./sign-changes.ts";
import { type Row, sparsemaxGate } from "./sparsemax-gate.ts";

/** What a gate says of its input on an interval. */
interface Reading {
  /** Where the pattern changes. */
  readonly cuts: readonly Cut[];
  readonly undecided: readonly Undecided[];
  /** Which piece each column is in, on a part [lo, hi] of [−1, 1] where no pattern changes. */
  pattern(lo: number, hi: number): Uint8Array;
}

/** A piecewise polynomial operation, of one node. */
export interface Gate {
  readonly columns: number;
  /** @param noise - what rounding may have done to each column of z */
  read(z: Float64Array, noise: Float64Array): Reading;
  /** The output at the same nodes. */
  output(pattern: Uint8Array, z: Float64Array): Float64Array;
  /** Some columns of the output, side by side. */
  outputOf(pattern: Uint8Array, z: Float64Array, chosen: readonly number[]): Float64Array;
  /** The columns of the output that differ between two patterns. */
  affected(before: Uint8Array, after: Uint8Array): number[];
  /** The deviation of the output's rounding error, given that of z and the largest |z| of each column. */
  outputDeviation(pattern: Uint8Array, deviation: Float64Array, size: Float64Array): Float64Array;
}

/** A node's gate; undefined where the node is a polynomial of its input, or no spline at all. */
export function gateOf(node: Applied, visible: Tensor | undefined): Gate | undefined {
  if (node.op !== "activate" && node.op !== "weigh") return undefined;
  const { activation, order } = node.attributes;
  if (node.op === "weigh" && actsOnRows(activation))
    return rowAlpha(activation) === 2 ? sparsemaxGate(rowsOf(node, visible), sizeOf(node.shape), order) : undefined;
  if (node.op === "weigh" && sigmoidBias(activation) !== undefined) return undefined;
  const meaning = activationOf(activation as Pointwise);
  if (meaning.kind === "smooth") return undefined;
  const columns = sizeOf(node.shape);
  if (node.op === "activate") return pointwiseGate(meaning, order, columns, undefined);
  const factors = new Float64Array(columns);
  for (const { entries, factor } of rowsOf(node, visible)) for (const entry of entries) factors[entry] = factor;
  return pointwiseGate(meaning, order, columns, factors);
}

/** The rows of a weigh node with what each query sees. */
export function rowsOf(node: Extract<Applied, { op: "weigh" }>, visible: Tensor | undefined): Row[] {
  const [queries, keys] = node.shape.slice(-2);
  const { mask, divide } = node.attributes;
  if (keys === 0) return [];
  return Array.from({ length: sizeOf(node.shape) / keys }, (_, row) => {
    const entries = visibleKeys(mask, row % queries, keys)
      .map((key) => row * keys + key)
      .filter((entry) => visible?.data[entry] !== 0);
    return { entries, factor: 1 / divisor(divide, entries.length) };
  });
}
