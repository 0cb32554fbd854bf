/**
 * @file How a layer's queries and keys change with their own tokens: with a norm of heads each token has a matrix of its own,
 * with rotary embeddings each position. Letters: n tokens, W the map.
 */
import { lift, pullback, record, reference, type Tensor, zeros } from "@splineformer/tensor";
import { type AttentionConfig, type AttentionParameters, keyOf, queryOf } from "./attend.ts";

/**
 * `∂q_i/∂x_i` or `∂k_i/∂x_i`, for every token i: W itself where queries and keys are affine maps of tokens.
 *
 * @param x - [n, width]
 * @returns n matrices [width, heads · head width]; one pass back for each column, all tokens at a time
 */
export function tokenJacobians(
  side: "query" | "key",
  config: AttentionConfig,
  parameters: AttentionParameters<Tensor>,
  x: Tensor,
): readonly Tensor[] {
  const [n, width] = x.shape;
  const { weight } = parameters[side];
  const { qkNorm = "none", rotary = "none" } = config;
  if (qkNorm === "none" && rotary === "none") return new Array<Tensor>(n).fill(weight);
  const of = side === "query" ? queryOf : keyOf;
  const graph = record((ops, inputs) => of(ops, config, lift(ops, parameters), inputs.x), { x: x.shape });
  const columns = weight.shape[1];
  const jacobians = Array.from({ length: n }, () => zeros([width, columns], { dtype: "float64" }));
  for (let c = 0; c < columns; c++) {
    const column = zeros([n, columns], { dtype: "float64" });
    for (let i = 0; i < n; i++) column.data[i * columns + c] = 1;
    const bindings = { inputs: { x: reference.constant(x) } };
    const { data } = pullback(graph, reference, bindings, { output: column }, { wanted: ({ op }) => op === "input" })
      .inputs.x;
    for (const [i, jacobian] of jacobians.entries())
      for (let a = 0; a < width; a++) jacobian.data[a * columns + c] = data[i * width + a];
  }
  return jacobians;
}
