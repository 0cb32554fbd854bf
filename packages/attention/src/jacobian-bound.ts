/**
 * @file How much an attention layer can amplify a small change of its input, from above. Letters: n tokens, P weights,
 * S scores, W_q, W_k, W_v and W_o the maps of one head, Q, K, V its queries, keys and values, with norm and turn, J_j and J_i the
 * Jacobians of query j and key i by their own tokens.
 */
import {
  graphOf,
  type Network,
  type Ops,
  pullback,
  reference,
  required,
  rowAlpha,
  type Shape,
  type Shaped,
  ShapeError,
  showShape,
  type Tensor,
  zeros,
} from "@splineformer/tensor";
import { type AttentionConfig, type AttentionParameters, attend, attendParts } from "./attend.ts";
import { checkNumbers } from "./checks.ts";
import { spectralNorm, triangularFactor } from "./spectral-norm.ts";
import { tokenJacobians } from "./token-jacobians.ts";

/** A layer with numbers. */
export interface AttentionLayer {
  readonly config: AttentionConfig;
  readonly parameters: AttentionParameters<Tensor>;
}

export interface JacobianBound {
  /** `value + score`. */
  readonly bound: number;
  /** From values that change under fixed weights. */
  readonly value: number;
  /** From weights that change. */
  readonly score: number;
}

/**
 * `‖∂ attend(x)/∂x‖₂ ≤ Σ_heads ‖P‖ ‖W_v W_o‖ + sup|σ′| · scale · (max_j ‖J_j Kᵀ‖ + max_i ‖Q J_iᵀ‖) ‖V W_o‖`
 *
 * The Jacobian of all outputs by all tokens at x, as a matrix; norms are spectral. Without biases it is at most the closed
 * form of the source, `‖W_v‖ (n sup|σ| + 2 n sup|σ′| ‖W_q W_kᵀ‖ mean‖x_i‖²)`, and holds for ReLU, whose global sup|σ| is
 * infinite, since suprema are taken over the scores at x. For softmax, sparsemax and entmax sup|σ′| is a bound of the row's
 * Jacobian: the largest weight and at most 1/2; 1; the largest p^(2−α).
 *
 * J is W_q or W_k, the same for all tokens, unless qkNorm or rotary embeddings are on. Then row j of the scores' change is
 * `δx_j J_j Kᵀ`, so all rows together are at most the largest ‖J_j Kᵀ‖ times ‖δx‖, and columns likewise: a norm that meets a
 * small query has a large Jacobian, and the bound sees it.
 *
 * @param layer - self-attention
 * @param x - [n, width]
 * @throws ShapeError if x is no matrix of that width
 * @source arXiv 2409.04431, theorem 3.2, sharpened
 * @example
 * ```ts
 * import { jacobianBound } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const config = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const layer = { config, parameters: { query: one, key: one, value: one, output: one } };
 * // x³ has derivative 3x² = 12: x² from the value, 2x² from the score
 * const { value, score } = jacobianBound(layer, tensor([[2]]));
 * [value.toFixed(3), score.toFixed(3)]; // ["4.000", "8.000"]
 * ```
 */
export function jacobianBound({ config, parameters }: AttentionLayer, x: Tensor): JacobianBound {
  const { value, byQuery, byKey } = shares("jacobianBound", { config, parameters }, x, x);
  const score = byQuery + byKey;
  return { bound: value + score, value, score };
}

/** How much cross-attention can amplify a change of each side. */
export interface CrossJacobianBound {
  /** `‖∂ attend(x, memory)/∂x‖₂` is at most that. */
  readonly x: number;
  /** `‖∂ attend(x, memory)/∂memory‖₂` is at most that. */
  readonly memory: number;
}

/**
 * The same for attention to another sequence: by the stream that asks, and by the one that is looked at.
 *
 * ```text
 * by x:       Σ_heads sup|σ′| · scale · max_j ‖J_j Kᵀ‖ ‖V W_o‖
 * by memory:  Σ_heads ‖P‖ ‖W_v W_o‖ + sup|σ′| · scale · max_i ‖Q J_iᵀ‖ ‖V W_o‖
 * ```
 *
 * A change of both is amplified by at most √(x² + memory²).
 *
 * @param layer - cross-attention
 * @param x - [n, width]
 * @param memory - [m, memory width]
 * @throws ShapeError if x or memory is no matrix of its width
 * @example
 * ```ts
 * import { crossJacobianBound } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const config = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const layer = { config, parameters: { query: one, key: one, value: one, output: one } };
 * // x y² at (2, 3): derivatives 9 and 12
 * const { x, memory } = crossJacobianBound(layer, tensor([[2]]), tensor([[3]]));
 * [x.toFixed(3), memory.toFixed(3)]; // ["9.000", "12.000"]
 * ```
 */
export function crossJacobianBound(layer: AttentionLayer, x: Tensor, memory: Tensor): CrossJacobianBound {
  const { value, byQuery, byKey } = shares("crossJacobianBound", layer, x, memory);
  return { x: byQuery, memory: value + byKey };
}

/** What changes through values, through queries and through keys. */
function shares(
  where: string,
  { config, parameters }: AttentionLayer,
  x: Tensor,
  memory: Tensor,
): { readonly value: number; readonly byQuery: number; readonly byKey: number } {
  checkTokens(where, "x", x);
  if (memory !== x) checkTokens(where, "memory", memory);
  const { heads, keyValueHeads, scale } = config;
  const parts = attendParts(reference, config, parameters, x, memory);
  const slope = slopeBound(config, parts.scores, parts.weights);
  const product = (a: Tensor, b: Tensor): Tensor => reference.matmul(a, b, {});
  const transposed = (a: Tensor, b: Tensor): Tensor => reference.matmul(a, b, { transposeB: true });
  // where one matrix serves all tokens, its norm is taken once
  const ofQueries = [...new Set(tokenJacobians("query", config, parameters, x))];
  const ofKeys = [...new Set(tokenJacobians("key", config, parameters, memory))];
  const largest = (all: readonly Tensor[]): number => Math.max(0, ...all.map(spectralNorm));
  const [d, e] = [parts.query.shape[2], parts.value.shape[2]];
  let [value, byQuery, byKey] = [0, 0, 0];
  for (let head = 0; head < heads; head++) {
    const group = Math.floor((head * keyValueHeads) / heads);
    const columns = (weight: Tensor, i: number, width: number): Tensor =>
      reference.slice(weight, { axis: -1, from: i * width, to: (i + 1) * width });
    const [q, k, v, p] = [parts.query, parts.key, parts.value, parts.weights].map((part) => matrixAt(part, head));
    const wv = columns(parameters.value.weight, group, e);
    const wo = reference.slice(parameters.output.weight, { axis: -2, from: head * e, to: (head + 1) * e });
    const [fromKeys, fromQueries] = [triangularFactor(k), triangularFactor(q)];
    const moved = slope * Math.abs(scale) * spectralNorm(product(v, wo));
    value += spectralNorm(p) * spectralNorm(product(wv, wo));
    byQuery += moved * largest(ofQueries.map((of) => transposed(columns(of, head, d), fromKeys)));
    byKey += moved * largest(ofKeys.map((of) => transposed(columns(of, group, d), fromQueries)));
  }
  return { value, byQuery, byKey };
}

function checkTokens(where: string, name: string, x: Tensor): void {
  checkNumbers(where, name, x);
  if (x.shape.length !== 2)
    throw new ShapeError(`${where}: expected ${name} [tokens, width], got ${showShape(x.shape)}`);
}

/** One head's matrix of [heads, rows, columns]. */
function matrixAt(x: Tensor, head: number): Tensor {
  const [, rows, columns] = x.shape;
  const data = x.data.slice(head * rows * columns, (head + 1) * rows * columns);
  return { dtype: x.dtype, shape: [rows, columns], data };
}

/** The largest derivative of weights by scores: of an entry, or as a matrix of a row. */
function slopeBound({ activation, mask, divide }: AttentionConfig, scores: Tensor, weights: Tensor): number {
  const largest = (x: Tensor): number => Array.from(x.data, Math.abs).reduce((top, v) => Math.max(top, v), 0);
  // diag(p) − ppᵀ is at most diag(p), and at most 1/2
  if (rowAlpha(activation) === 1) return divide === "none" ? Math.min(1 / 2, largest(weights)) : largest(weights);
  return largest(reference.weigh(scores, undefined, { activation, mask, order: 1, divide }));
}

/** A layer of a stack: with its residual, the identity is added. */
export interface StackedLayer extends AttentionLayer {
  readonly residual: "added" | "none";
}

export interface StackBound {
  /** The product of the layers' bounds, one more for each residual. */
  readonly bound: number;
  /** Each layer's factor. */
  readonly factors: readonly number[];
  /** The spectral norm of the stack's Jacobian at x. */
  readonly measured: number;
  /** `bound / measured`: how much the product overestimates. */
  readonly looseness: number;
}

/**
 * `‖∂ stack(x)/∂x‖₂ ≤ Π (‖layer‖ + residual)` along the activations that x meets, and how loose that is.
 *
 * Products of bounds overestimate, more with every layer: the directions that one layer amplifies are seldom those of
 * the next. So the Jacobian itself is computed beside it, by one pass back for each output: for small layers.
 *
 * @param x - [n, width]; layers keep the width
 * @throws RangeError if there is no layer
 * @example
 * ```ts
 * import { stackJacobianBound } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const config = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const layer = { config, parameters: { query: one, key: one, value: one, output: one }, residual: "none" } as const;
 * // (x³)³ = x⁹ at 1: 9
 * const { bound, looseness } = stackJacobianBound([layer, layer], tensor([[1]]));
 * [bound.toFixed(3), looseness.toFixed(3)]; // ["9.000", "1.000"]
 * ```
 */
export function stackJacobianBound(layers: readonly StackedLayer[], x: Tensor): StackBound {
  required(layers.length > 0, "stackJacobianBound", "at least one layer", layers.length);
  const factors: number[] = [];
  let y: Tensor = reference.constant(x);
  for (const layer of layers) {
    const { residual } = layer;
    required(
      residual === "added" || residual === "none",
      "stackJacobianBound",
      'residual "added" or "none" of each layer',
      residual,
    );
    factors.push(jacobianBound(layer, y).bound + (layer.residual === "added" ? 1 : 0));
    y = runLayer(reference, layer, layer.parameters, y);
  }
  const bound = factors.reduce((a, b) => a * b, 1);
  const measured = spectralNorm(stackJacobian(layers, x, y.shape));
  return { bound, factors, measured, looseness: measured > 0 ? bound / measured : Number.POSITIVE_INFINITY };
}

function runLayer<T extends Shaped>(
  ops: Ops<T>,
  { config, residual }: StackedLayer,
  parameters: AttentionParameters<T>,
  x: T,
): T {
  const out = attend(ops, config, parameters, x);
  return residual === "added" ? ops.add(x, out) : out;
}

/** Row by row, [outputs, inputs]. */
function stackJacobian(layers: readonly StackedLayer[], x: Tensor, shape: Shape): Tensor {
  const network: Network<"x", null, readonly AttentionParameters<Tensor>[]> = {
    inputs: { x: [...x.shape] },
    config: null,
    parameters: layers.map((layer) => layer.parameters),
    run(ops, parameters, inputs) {
      let y = inputs.x;
      for (const [i, layer] of layers.entries())
        y = runLayer(ops, layer, parameters[i] as AttentionParameters<typeof y>, y);
      return y;
    },
  };
  const graph = graphOf(network, { x: x.shape });
  const outputs = shape[0] * shape[1];
  const data = new Float64Array(outputs * x.data.length);
  for (let i = 0; i < outputs; i++) {
    const unit = zeros(shape, { dtype: "float64" });
    unit.data[i] = 1;
    const pulled = pullback(graph, reference, { inputs: { x: reference.constant(x) } }, { output: unit });
    data.set(pulled.inputs.x.data, i * x.data.length);
  }
  return { dtype: "float64", shape: [outputs, x.data.length], data };
}
