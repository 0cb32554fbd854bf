/**
 * @file Attention with everything on the way to its output, by its primitives: to look inside, and where a weight is changed
 * between the scores and the values (dropout). Letters: n queries, m keys, h heads, d and e head widths.
 */
import { type Attributes, inferShape, type Ops, type Shaped } from "@splineformer/tensor";
import { repeatGroups } from "./groups.ts";

/** What attention computes on the way. */
export interface Intermediates<T> {
  /** As the scores see them, normalised and turned, [.., h, n, d]. */
  readonly query: T;
  /** [.., h, m, d] */
  readonly key: T;
  /** [.., h, m, e] */
  readonly value: T;
  /** Scaled, biases added, of hidden keys too: [.., h, n, m]. */
  readonly scores: T;
  /** Hidden keys have 0; before dropout. [.., h, n, m]. */
  readonly weights: T;
  /** Each head's result, [.., h, n, e]. */
  readonly heads: T;
  /** The result: [.., n, h·e], of a layer what its output map makes of it. */
  readonly output: T;
}

/** The same formula as the composite, with dropout and all that lies between. */
export function attentionParts<T extends Shaped>(
  ops: Ops<T>,
  query: T,
  key: T,
  value: T,
  bias: T | undefined,
  visible: T | undefined,
  dropout: T | undefined,
  attributes: Attributes["attention"],
): Intermediates<T> {
  inferShape("attention", attributes, query.shape, key.shape, value.shape, bias?.shape, visible?.shape);
  const { activation, mask, heads, keyValueHeads, scale, divide } = attributes;
  const split = (x: T): T => ops.splitHeads(x, { heads });
  const q = split(query);
  const k = split(repeatGroups(ops, key, keyValueHeads, heads));
  const v = split(repeatGroups(ops, value, keyValueHeads, heads));
  const products = ops.matmul(q, k, { transposeB: true });
  const scaled = scale === 1 ? products : ops.scale(products, { factor: scale });
  const scores = bias === undefined ? scaled : ops.add(scaled, bias);
  const weights = ops.weigh(scores, visible, { activation, mask, order: 0, divide });
  const kept = dropout === undefined ? weights : ops.multiply(weights, dropout);
  const mixed = ops.matmul(kept, v, {});
  return { query: q, key: k, value: v, scores, weights, heads: mixed, output: ops.mergeHeads(mixed) };
}
