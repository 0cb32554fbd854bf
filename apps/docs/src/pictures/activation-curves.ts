/**
 * @file What the pictures of attention's variants show, computed by the library itself: a key's weight over its score, the
 * weight's derivative, and the output over the query. Letters: z a score.
 */
import { attention } from "@splineformer/attention";
import {
  activationOf,
  actsOnRows,
  type Pointwise,
  sigmoidBias,
  tensor,
  type Weighing,
  weighRow,
} from "@splineformer/tensor";
import { linePath } from "../figure/drawing.ts";
import { type Panel, panel } from "./curves.ts";

/** Scores, and queries, from −3 to 3. */
const reach = 3;

/** Three keys that a query meets, and their values. */
export const keys = [-1.5, 0.5, 2] as const;
export const values = [1, -1, 0.8] as const;

/** The weight of a key with score z and its derivative; beside a key with score 0, where weights belong to a whole row. */
export function weightAt(activation: Weighing, z: number): { readonly weight: number; readonly derivative: number } {
  const row = actsOnRows(activation);
  const scores = row ? [z, 0] : [z];
  const attributes = { activation, mask: "none", divide: "none" } as const;
  const weights = weighRow({ ...attributes, order: 0 })(scores);
  // order 1 of a row is g in ∂w_i/∂s_j = g_i (δ_ij − g_j / Σ g); of softmax g is the weights
  const g = activation === "softmax" ? weights : weighRow({ ...attributes, order: 1 })(scores);
  return { weight: weights[0], derivative: row ? g[0] * (1 - g[0] / (g[0] + g[1])) : g[0] };
}

/** Where the derivative jumps, or the weight's polynomial changes. */
export function knotsOf(activation: Weighing): readonly number[] {
  // of two scores, sparsemax drops the one that is lower by 1
  if (activation === "sparsemax") return [-1, 1];
  if (actsOnRows(activation) || sigmoidBias(activation) !== undefined) return [];
  const meaning = activationOf(activation as Pointwise);
  return meaning.kind === "smooth" ? [] : meaning.knots;
}

/** Attention of a query of width 1 to the three keys; weights that are made one by one are divided by 3. */
export function outputAt(activation: Weighing, queries: readonly number[]): readonly number[] {
  const column = (entries: readonly number[]) =>
    tensor(
      entries.map((entry) => [entry]),
      { dtype: "float64" },
    );
  const adds = actsOnRows(activation) || sigmoidBias(activation) !== undefined;
  const options = { activation, scale: 1, divide: adds ? "none" : "length" } as const;
  return Array.from(attention(column(queries), column(keys), column(values), options).data);
}

export interface VariantCurves {
  readonly left: Panel;
  readonly weight: string;
  /** One path for each piece. */
  readonly derivative: readonly string[];
  readonly right: Panel;
  readonly output: string;
}

/** Paths for both panels. */
export function variantCurves(activation: Weighing): VariantCurves {
  const all = steps(-reach, reach);
  const weights = all.map((z) => weightAt(activation, z).weight);
  const ends = [-reach, ...knotsOf(activation).filter((knot) => Math.abs(knot) < reach), reach];
  // just inside of its ends, a piece has its own derivative
  const parts = ends.slice(1).map((end, i) => steps(ends[i] + 1e-9, end - 1e-9));
  const slopes = parts.map((part) => part.map((z) => weightAt(activation, z).derivative));
  const left = fitting([...weights, ...slopes.flat(), 1]);
  const output = outputAt(activation, all);
  const right = fitting(output);
  return {
    left,
    weight: linePath(all, weights, left),
    derivative: parts.map((part, i) => linePath(part, slopes[i], left)),
    right,
    output: linePath(all, output, right),
  };
}

const steps = (from: number, to: number): readonly number[] =>
  Array.from({ length: 241 }, (_, i) => from + ((to - from) * i) / 240);

/** A panel that shows 0 and all of these. */
const fitting = (heights: readonly number[]): Panel =>
  panel([-reach, reach], [Math.min(0, ...heights), Math.max(0, ...heights)]);
