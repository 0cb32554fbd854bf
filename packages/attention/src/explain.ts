/**
 * @file Why one query's output is what it is: key by key, which piece of the activation holds, how far the score is from
 * another one, and how the output changes with the score, the key and the value. Data; text and picture are in
 * `explanation-text.ts` and `explanation-svg.ts`. Letters: s scores, w weights, v values, o the output, τ a threshold.
 */
import {
  activationOf,
  checkOptions,
  checkRecord,
  divisor,
  isTensor,
  type Pointwise,
  pieceAt,
  required,
  rowAlpha,
  ShapeError,
  showShape,
  sigmoidBias,
  sparsemaxThreshold,
  type Tensor,
  type Weighing,
  weighRow,
  zeros,
} from "@splineformer/tensor";
import { type AttentionOptions, attention } from "./attention.ts";
import { checkCount } from "./checks.ts";

/** One key, as the query sees it. */
export interface KeyExplanation {
  /** Its row. */
  readonly key: number;
  /** Scaled, biases added. */
  readonly score: number;
  readonly weight: number;
  /** Whether the weight is not 0. */
  readonly active: boolean;
  /**
   * The weight as a polynomial of this score, the others as they are, on the piece that holds: coefficients of 1, s, s², … For
   * activations that are piecewise polynomial, sparsemax too; else "none".
   */
  readonly coefficients: readonly number[] | "none";
  /** How far this score alone has to move until another piece holds; Infinity: it never does; "none": there are no pieces. */
  readonly toSwitch: number | "none";
  /** ∂o/∂s, at a knot the one on the left, [e]. */
  readonly byScore: readonly number[];
  /** ∂o/∂key, [d][e]: `byKey[i][j]` is how entry j of the output changes with entry i of the key. */
  readonly byKey: readonly (readonly number[])[];
  /** ∂o_j/∂v_j, the weight; the output changes with a value entry by entry. */
  readonly byValue: number;
}

/** What one query's output is made of, in one head. Plain data. */
export interface Explanation {
  readonly activation: Weighing;
  readonly query: number;
  readonly head: number;
  /** The keys that the query sees. */
  readonly keys: readonly KeyExplanation[];
  /** Keys that the query does not see. */
  readonly hidden: number;
  /** Σ w v, [e]. */
  readonly output: readonly number[];
}

/**
 * `o = Σ_j w_j(s) v_j`, taken apart for one query and head.
 *
 * For a piecewise polynomial activation everything is exact but for rounding: on its piece the output is a polynomial of
 * scores, keys and values, and these are its derivatives, not differences. For softmax, entmax and sigmoid the derivatives are
 * those of the smooth function.
 *
 * @param query - [n, h·d]
 * @param key - [m, g·d]
 * @param value - [m, g·e]
 * @param options - those of `attention`, without dropout; `of`: the query's row and, by default 0, the head. With qkNorm or rotary
 * `byKey` is by the key as the score sees it
 * @throws ShapeError or RangeError if shapes, the row or the head do not fit
 * @example
 * ```ts
 * import { explainAttention } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * const [query, key, value] = [tensor([[2]]), tensor([[3], [-1]]), tensor([[5], [7]])];
 * const { keys, output } = explainAttention(query, key, value, { activation: "relu", of: { query: 0 } });
 * output; // [30]
 * // the first key's weight is its score, 6; the second is off, and would switch on 2 further up
 * keys.map((k) => [k.score, k.active, k.toSwitch]); // [[6, true, 6], [-2, false, 2]]
 * keys[0].byScore; // [5]
 * keys[0].byKey; // [[10]]
 * ```
 */
export function explainAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: Omit<AttentionOptions, "dropout"> & { readonly of: { readonly query: number; readonly head?: number } },
): Explanation {
  const where = "explainAttention";
  checkRecord(where, "options with of: { query, head }", options);
  const { of, ...rest } = options;
  checkRecord(where, "of: { query, head }", of);
  checkOptions(where, of, ["query", "head"]);
  required(!("dropout" in rest), where, "no dropout, which belongs to training", options);
  for (const [name, x] of Object.entries({ query, key, value }))
    if (isTensor(x) && x.shape.length !== 2)
      throw new ShapeError(`${where}: expected ${name} [tokens, width], got ${showShape(x.shape)}`);
  const parts = attention(query, key, value, { ...rest, intermediates: "all" });
  const { activation = "softmax", divide = "none", heads = 1, scale } = rest;
  const row = of.query;
  const head = of.head ?? 0;
  const [n, m] = parts.scores.shape.slice(-2);
  checkCount(where, "of.query", row, 0);
  checkCount(where, "of.head", head, 0);
  required(row < n, where, `of.query < ${n}`, row);
  required(head < heads, where, `of.head < ${heads}`, head);
  // equal scores of 0 weigh 1/2 wherever a key is visible
  const even = {
    ...rest,
    activation: { name: "sigmoid", bias: 0 },
    divide: "none",
    scale: 0,
    bias: undefined,
  } as const;
  const seen = rowOf(
    attention(zeros(query.shape), key, value, { ...even, qkNorm: "none", rotary: "none", intermediates: "all" })
      .weights,
    head,
    row,
  );
  const visible = Array.from({ length: m }, (_, j) => j).filter((j) => seen[j] > 0);
  const all = rowOf(parts.scores, head, row);
  const scores = visible.map((j) => all[j]);
  const q = rowOf(parts.query, head, row);
  const factor = scale ?? 1 / Math.sqrt(q.length);
  const values = visible.map((j) => rowOf(parts.value, head, j));
  const weights = weighRow({ activation, mask: "none", order: 0, divide })(scores);
  const byScore = scoreDerivatives(activation, divide, scores, weights, values);
  const pieces = scores.map((s, i) => pieceOf(activation, divisor(divide, scores.length), scores, s, i));
  const width = parts.value.shape.at(-1) as number;
  return {
    activation,
    query: row,
    head,
    keys: visible.map((j, i) => ({
      key: j,
      score: scores[i],
      weight: weights[i],
      active: weights[i] !== 0,
      ...pieces[i],
      byScore: byScore[i],
      byKey: q.map((entry) => byScore[i].map((v) => factor * entry * v)),
      byValue: weights[i],
    })),
    hidden: m - visible.length,
    output: Array.from({ length: width }, (_, j) => values.reduce((sum, v, i) => sum + weights[i] * v[j], 0)),
  };
}

/** Row i of a head's matrix of [heads, rows, columns]. */
function rowOf(x: Tensor, head: number, i: number): number[] {
  const [rows, columns] = x.shape.slice(-2);
  const at = (head * rows + i) * columns;
  return Array.from(x.data.subarray(at, at + columns));
}

/**
 * ∂o/∂s_j: `w′(s_j) v_j` where weights are made entry by entry; of a row `g_j (v_j − Σ g v/Σ g)`, where g is p for softmax
 * and p^(2−α) on the support for entmax.
 */
function scoreDerivatives(
  activation: Weighing,
  divide: NonNullable<AttentionOptions["divide"]>,
  scores: readonly number[],
  weights: readonly number[],
  values: readonly (readonly number[])[],
): number[][] {
  const alpha = rowAlpha(activation);
  const g = alpha === 1 ? weights : weighRow({ activation, mask: "none", order: 1, divide })(scores);
  if (alpha === undefined) return values.map((v, j) => v.map((entry) => g[j] * entry));
  const total = g.reduce((a, b) => a + b, 0);
  const width = values[0]?.length ?? 0;
  const mean = Array.from({ length: width }, (_, i) => values.reduce((sum, v, j) => sum + g[j] * v[i], 0) / total);
  return values.map((v, j) => v.map((entry, i) => g[j] * (entry - mean[i])));
}

/** The piece that holds for a score, as it enters the weight, and how far it reaches. */
function pieceOf(
  activation: Weighing,
  by: number,
  scores: readonly number[],
  s: number,
  i: number,
): Pick<KeyExplanation, "coefficients" | "toSwitch"> {
  const alpha = rowAlpha(activation);
  if (alpha === 2) {
    const tau = sparsemaxThreshold(scores);
    const support = scores.filter((score) => score > tau).length;
    // s − τ, where |S| τ = s + the others − 1
    const coefficients = s > tau ? [s / support - tau, 1 - 1 / support].map((c) => c / by) : [0];
    // τ follows an active score by 1/|S| of its move
    const reach =
      s > tau ? (support === 1 ? Number.POSITIVE_INFINITY : ((s - tau) * support) / (support - 1)) : tau - s;
    return { coefficients, toSwitch: Math.min(reach, others(scores, i, tau, support, s > tau)) };
  }
  if (alpha !== undefined || sigmoidBias(activation) !== undefined) return { coefficients: "none", toSwitch: "none" };
  const meaning = activationOf(activation as Pointwise);
  if (meaning.kind === "smooth") return { coefficients: "none", toSwitch: "none" };
  const { knots, pieces } = meaning;
  return {
    coefficients: pieces[pieceAt(meaning, s)].map((c) => c / by),
    toSwitch: knots.reduce((nearest, knot) => Math.min(nearest, Math.abs(s - knot)), Number.POSITIVE_INFINITY),
  };
}

/**
 * How far an active score has to move until it switches another key of sparsemax: up, it lifts τ above an active one; down,
 * it lowers τ below one that is off. A score that is off moves nothing.
 */
function others(scores: readonly number[], i: number, tau: number, support: number, active: boolean): number {
  if (!active) return Number.POSITIVE_INFINITY;
  let nearest = Number.POSITIVE_INFINITY;
  for (const [j, score] of scores.entries()) if (j !== i) nearest = Math.min(nearest, Math.abs(score - tau) * support);
  return nearest;
}
