/**
 * @file Attention as a layer: four affine maps around the operation. Every variant is a value of the config, so every
 * model has one attention, this one. Not here: residuals, norms and what else a block adds around it.
 * Letters: x the stream that asks (queries), memory the one that is looked at (keys and values).
 */
import { type Attributes, attention, type Ops, type Shaped } from "@splineformer/tensor";
import { type Linear, project } from "./linear.ts";

/** Which attention: activation, mask, heads, keyValueHeads, scale, divide. Plain data, all of it given. */
export type AttentionConfig = Attributes["attention"];

/**
 * The learned numbers of an attention layer, for h heads, g of them for keys and values, head widths d and e:
 * query [width, h·d], key [memory width, g·d], value [memory width, g·e], output [h·e, width].
 */
export interface AttentionParameters<T> {
  readonly query: Linear<T>;
  readonly key: Linear<T>;
  readonly value: Linear<T>;
  readonly output: Linear<T>;
}

/** What is added to the scores and what hides keys, broadcast to [.., heads, queries, keys]. */
export interface AttentionOperands<T> {
  readonly bias?: T;
  readonly visible?: T;
}

/**
 * `weigh(scale · Q(x) K(memory)ᵀ) V(memory)`, then the output map: the paper's γ(memory, x), or α(x) where memory = x.
 *
 * With a piecewise linear activation its degree is 2 in memory and 1 in x, so 3 for self-attention.
 *
 * @param x - [.., queries, width]
 * @param memory - [.., keys, memory width]; default x
 * @returns [.., queries, width of the output map]
 * @throws ShapeError if the widths do not fit
 * @source arXiv 2408.09624 (tokens are columns there, rows here)
 * @example
 * ```ts
 * import { attend } from "@splineformer/attention";
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const config = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * // ReLU attention of one token is x · max(x · x, 0)
 * toNested(attend(reference, config, { query: one, key: one, value: one, output: one }, tensor([[2]]))); // [[8]]
 * ```
 */
export function attend<T extends Shaped>(
  ops: Ops<T>,
  config: AttentionConfig,
  parameters: AttentionParameters<T>,
  x: T,
  memory: T = x,
  { bias, visible }: AttentionOperands<T> = {},
): T {
  const query = project(ops, x, parameters.query);
  const key = project(ops, memory, parameters.key);
  const value = project(ops, memory, parameters.value);
  return project(ops, attention(ops, query, key, value, bias, visible, config), parameters.output);
}
