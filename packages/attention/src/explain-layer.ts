/**
 * @file The same for a layer: how one query's output changes with the tokens themselves, through queries, keys and values at
 * once. Letters: n tokens, W_v and W_o maps of one head, q_j and k_i its queries and keys as scores see them, with norm and turn,
 * J_j and J_i their Jacobians by their own tokens (W_q and W_k without norm and turn), P weights, e_ji = ∂o_j/∂s_ji.
 */
import { reference, required, type Tensor } from "@splineformer/tensor";
import { keyOf, queryOf } from "./attend.ts";
import { checkCount, checkNumbers, checkShaped } from "./checks.ts";
import { type Explanation, explainAttention } from "./explain.ts";
import type { AttentionLayer } from "./jacobian-bound.ts";
import { project } from "./linear.ts";
import { tokenJacobians } from "./token-jacobians.ts";

/** One query's output in a layer: every head taken apart, and the derivative by every token. */
export interface LayerExplanation {
  readonly heads: readonly Explanation[];
  /** The layer's output for that query, [width out]. */
  readonly output: readonly number[];
  /** `byToken[i][a][b]`: how entry b of the output changes with entry a of token i. */
  readonly byToken: readonly (readonly (readonly number[])[])[];
}

/**
 * `∂y_j/∂x_i = Σ_heads P_ji W_v W_o + J_i q_j (e_ji W_o)ᵀ`, and for i = j also `Σ_l J_j k_l (e_jl W_o)ᵀ`, with the scale.
 *
 * Exact, but for rounding, on the piece that holds: a ReLU-attention layer is a polynomial there; with qkNorm it is smooth.
 *
 * @param layer - self-attention
 * @param x - [n, width]
 * @param options - `query`: the row that is explained
 * @throws ShapeError or RangeError if x or the row does not fit
 * @example
 * ```ts
 * import { explainLayer } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const config = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const layer = { config, parameters: { query: one, key: one, value: one, output: one } };
 * // y₀ = x₀³ + x₀ x₁² for positive products: derivatives 3x₀² + x₁² and 2 x₀ x₁
 * const { output, byToken } = explainLayer(layer, tensor([[2], [3]]), { query: 0 });
 * output; // [26]
 * byToken; // [[[21]], [[12]]]
 * ```
 */
export function explainLayer(
  { config, parameters }: AttentionLayer,
  x: Tensor,
  { query: row }: { readonly query: number },
): LayerExplanation {
  const where = "explainLayer";
  const { heads, keyValueHeads, scale, alibi = "none" } = config;
  checkNumbers(where, "x", x);
  checkShaped(where, "x", x, ["tokens", parameters.query.weight.shape[0]]);
  const n = x.shape[0];
  checkCount(where, "query", row, 0);
  required(row < n, where, `query < ${n}`, row);
  const [q, k] = [queryOf(reference, config, parameters, x), keyOf(reference, config, parameters, x)];
  const v = project(reference, x, parameters.value);
  const { activation, mask, divide } = config;
  const options = { activation, mask, divide, heads, keyValueHeads, scale, ...(alibi !== "none" && { bias: alibi }) };
  const explained = Array.from({ length: heads }, (_, head) =>
    explainAttention(q, k, v, { ...options, of: { query: row, head } }),
  );
  const [wv, wo] = [parameters.value.weight, parameters.output.weight];
  const ofQuery = tokenJacobians("query", config, parameters, x)[row];
  const ofKeys = tokenJacobians("key", config, parameters, x);
  const d = q.shape[1] / heads;
  const e = v.shape[1] / keyValueHeads;
  const [inputs, out] = [x.shape[1], wo.shape[1]];
  const entry = (w: Tensor, i: number, j: number): number => w.data[i * w.shape[1] + j];
  const through = (part: readonly number[], head: number): number[] =>
    Array.from({ length: out }, (_, b) => part.reduce((sum, p, c) => sum + p * entry(wo, head * e + c, b), 0));
  const byToken = Array.from({ length: n }, () => Array.from({ length: inputs }, () => new Array<number>(out).fill(0)));
  for (const [head, { keys }] of explained.entries()) {
    const group = Math.floor((head * keyValueHeads) / heads);
    for (const { key: i, weight, byScore } of keys) {
      const change = through(byScore, head);
      for (let a = 0; a < inputs; a++) {
        let [byKey, byQuery] = [0, 0];
        for (let c = 0; c < d; c++) {
          byKey += entry(ofKeys[i], a, group * d + c) * entry(q, row, head * d + c);
          byQuery += entry(ofQuery, a, head * d + c) * entry(k, i, group * d + c);
        }
        const values = through(
          Array.from({ length: e }, (_, c) => weight * entry(wv, a, group * e + c)),
          head,
        );
        for (let b = 0; b < out; b++) {
          byToken[i][a][b] += values[b] + scale * byKey * change[b];
          byToken[row][a][b] += scale * byQuery * change[b];
        }
      }
    }
  }
  const bias = parameters.output.bias;
  const output = explained.reduce(
    (sum, { output: own }, head) => through(own, head).map((y, b) => y + sum[b]),
    Array.from({ length: out }, (_, b) => bias?.data[b] ?? 0),
  );
  return { heads: explained, output, byToken };
}
