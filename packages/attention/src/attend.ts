/**
 * @file Attention as a layer: four affine maps around the operation, and between them what a variant does to queries and
 * keys. Every variant is a value of the config, so every model has one attention, this one. Not here: residuals, norms and
 * what else a block adds around it. Letters: x the stream that asks (queries), memory the one that is looked at (keys and
 * values), h heads, g heads of keys and values, d and e head widths.
 */
import {
  type Attributes,
  attention,
  checkOptions,
  checkRecord,
  isTensor,
  type Ops,
  type Shaped,
} from "@splineformer/tensor";
import { checkCount } from "./checks.ts";
import { attentionParts, type Intermediates } from "./intermediates.ts";
import { checkWidths, type Linear, project } from "./linear.ts";
import { type Alibi, alibiBias, type Rotary, turn } from "./positions.ts";
import { shifted } from "./visibility.ts";

/** Which attention. Plain data; what the operation needs is all given, the rest adds to it. */
export type AttentionConfig = Attributes["attention"] & {
  /** Each head's queries and keys to mean 0 and variance 1, or to mean square 1. Default `"none"`. Then it is no spline. */
  readonly qkNorm?: "none" | "layer" | "rms";
  /** Added under the root of qkNorm. Default 1e-5. */
  readonly qkNormEpsilon?: number;
  /** Queries and keys turned by their positions. Default `"none"`. */
  readonly rotary?: "none" | Rotary;
  /** Scores lowered by the distance. Default `"none"`. */
  readonly alibi?: "none" | Alibi;
};

/** The learned factors, and perhaps shifts, after a norm of heads: [d]. */
export interface HeadNorm<T> {
  readonly weight: T;
  readonly bias?: T;
}

/**
 * The learned numbers of an attention layer, for h heads, g of them for keys and values, head widths d and e:
 * query [width, h·d], key [memory width, g·d], value [memory width, g·e], output [h·e, width].
 */
export interface AttentionParameters<T> {
  readonly query: Linear<T>;
  readonly key: Linear<T>;
  readonly value: Linear<T>;
  readonly output: Linear<T>;
  /** After qkNorm, if it has learned numbers. */
  readonly queryNorm?: HeadNorm<T>;
  readonly keyNorm?: HeadNorm<T>;
}

/** What is added to the scores, what hides keys and what weights are multiplied by, broadcast to [.., heads, queries, keys]. */
export interface AttentionOperands<T> {
  readonly bias?: T;
  readonly visible?: T;
  /** Factors of the weights, as `dropoutFactors` draws them, while training. */
  readonly dropout?: T;
  /**
   * How many tokens of memory come before the first of x: positions of queries, and a named mask, count from there.
   * Default 0.
   */
  readonly past?: number;
}

/**
 * `weigh(scale · Q(x) K(memory)ᵀ) V(memory)`, then the output map: the paper's γ(memory, x), or α(x) where memory = x.
 *
 * With a piecewise linear activation its degree is 2 in memory and 1 in x, so 3 for self-attention. The order of what a
 * config adds: qkNorm, rotary, scale, alibi and bias, mask, activation, dropout.
 *
 * @param x - [.., queries, width]
 * @param memory - [.., keys, memory width]; default x
 * @returns [.., queries, width of the output map]
 * @throws ShapeError if the widths do not fit
 * @throws RangeError if the config or the operands have what is not known, or a part of the layer is missing
 * @source arXiv 2408.09624 (tokens are columns there, rows here); the order: arXiv 2409.04431
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
  operands: AttentionOperands<T> = {},
): T {
  checkLayer("attend", config, parameters, x, memory, operands);
  const query = queryOf(ops, config, parameters, x, operands.past);
  const key = keyOf(ops, config, parameters, memory);
  const value = project(ops, memory, parameters.value);
  return project(ops, attendTo(ops, config, query, key, value, operands), parameters.output);
}

/**
 * The same with everything on the way: queries and keys as scores see them, scores, weights, each head's result.
 *
 * @returns see {@link Intermediates}; `output` is what `attend` gives, but for rounding on devices that fuse attention
 * @throws ShapeError if the widths do not fit
 * @example
 * ```ts
 * import { attendParts } from "@splineformer/attention";
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const config = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const parts = attendParts(reference, config, { query: one, key: one, value: one, output: one }, tensor([[2], [-1]]));
 * toNested(parts.scores); // [[[4, -2], [-2, 1]]]
 * toNested(parts.weights); // [[[4, 0], [0, 1]]]
 * ```
 */
export function attendParts<T extends Shaped>(
  ops: Ops<T>,
  config: AttentionConfig,
  parameters: AttentionParameters<T>,
  x: T,
  memory: T = x,
  operands: AttentionOperands<T> = {},
): Intermediates<T> {
  checkLayer("attendParts", config, parameters, x, memory, operands);
  const query = queryOf(ops, config, parameters, x, operands.past);
  const key = keyOf(ops, config, parameters, memory);
  const value = project(ops, memory, parameters.value);
  const parts = partsTo(ops, config, query, key, value, operands);
  return { ...parts, output: project(ops, parts.output, parameters.output) };
}

const configKeys = [
  "activation",
  "mask",
  "heads",
  "keyValueHeads",
  "scale",
  "divide",
  "qkNorm",
  "qkNormEpsilon",
  "rotary",
  "alibi",
];

/** Refuses a config with what is not known, and a layer that is not whole: what the operations below cannot see. */
export function checkLayer<T extends Shaped>(
  where: string,
  config: AttentionConfig,
  parameters: AttentionParameters<T>,
  x: T,
  memory: T,
  operands: AttentionOperands<T> = {},
): void {
  checkOptions(where, config, configKeys);
  checkOptions(where, operands, ["bias", "visible", "dropout", "past"]);
  checkRecord(where, "the layer's parameters", parameters);
  for (const name of ["query", "key", "value", "output"] as const)
    checkRecord(where, `parameters.${name} { weight, bias }`, parameters[name]);
  if (operands.past !== undefined) checkCount(where, "past", operands.past, 0);
  // a recorder names the place as well, so it refuses itself
  if (!isTensor(x) || !isTensor(memory)) return;
  checkWidths(where, "x", x, parameters.query);
  checkWidths(where, "memory", memory, parameters.key);
  checkWidths(where, "memory", memory, parameters.value);
}

/** Queries as scores see them, [.., n, h·d]; the first is at position `past`. */
export function queryOf<T extends Shaped>(
  ops: Ops<T>,
  config: AttentionConfig,
  { query, queryNorm }: Pick<AttentionParameters<T>, "query" | "queryNorm">,
  x: T,
  past = 0,
): T {
  return prepared(ops, config, config.heads, project(ops, x, query), queryNorm, past);
}

/** Keys as scores see them, [.., m, g·d]; the first is at position `from`. */
export function keyOf<T extends Shaped>(
  ops: Ops<T>,
  config: AttentionConfig,
  { key, keyNorm }: Pick<AttentionParameters<T>, "key" | "keyNorm">,
  memory: T,
  from = 0,
): T {
  return prepared(ops, config, config.keyValueHeads, project(ops, memory, key), keyNorm, from);
}

/** Head by head: norm, learned factors, turn. */
export function prepared<T extends Shaped>(
  ops: Ops<T>,
  { qkNorm = "none", qkNormEpsilon = 1e-5, rotary = "none" }: AttentionConfig,
  heads: number,
  x: T,
  norm: HeadNorm<T> | undefined,
  from: number,
): T {
  if (qkNorm === "none" && rotary === "none") return x;
  let y = ops.splitHeads(x, { heads });
  if (qkNorm !== "none") y = ops.normalize(y, { kind: qkNorm, epsilon: qkNormEpsilon });
  if (norm) y = ops.multiply(y, norm.weight);
  if (norm?.bias) y = ops.add(y, norm.bias);
  if (rotary !== "none") y = turn(ops, y, rotary, from);
  return ops.mergeHeads(y);
}

/** The operation on prepared queries, keys and values, with what the config and the operands add; fused where it can be. */
export function attendTo<T extends Shaped>(
  ops: Ops<T>,
  config: AttentionConfig,
  query: T,
  key: T,
  value: T,
  operands: AttentionOperands<T>,
): T {
  if (operands.dropout !== undefined) return partsTo(ops, config, query, key, value, operands).output;
  const { bias, visible, attributes } = operandsOf(ops, config, query, key, operands);
  return attention(ops, query, key, value, bias, visible, attributes);
}

/** The same with everything on the way. */
export function partsTo<T extends Shaped>(
  ops: Ops<T>,
  config: AttentionConfig,
  query: T,
  key: T,
  value: T,
  operands: AttentionOperands<T>,
): Intermediates<T> {
  const { bias, visible, attributes } = operandsOf(ops, config, query, key, operands);
  return attentionParts(ops, query, key, value, bias, visible, operands.dropout, attributes);
}

/** ALiBi joins the bias; a mask that does not start at the top left joins what is visible. */
function operandsOf<T extends Shaped>(
  ops: Ops<T>,
  config: AttentionConfig,
  query: T,
  key: T,
  { bias, visible, past = 0 }: AttentionOperands<T>,
): { readonly bias?: T; readonly visible?: T; readonly attributes: Attributes["attention"] } {
  const { activation, mask, heads, keyValueHeads, scale, divide, alibi = "none" } = config;
  const [queries, keys] = [query.shape.at(-2) as number, key.shape.at(-2) as number];
  const distance = alibi === "none" ? undefined : ops.constant(alibiBias(alibi, queries, keys, past));
  const seen = past === 0 ? undefined : shifted(mask, queries, keys, past);
  const shown = seen && ops.constant(seen);
  return {
    bias: both(bias, distance, ops.add),
    visible: both(visible, shown, ops.multiply),
    attributes: { activation, mask: past === 0 ? mask : "none", heads, keyValueHeads, scale, divide },
  };
}

const both = <T>(a: T | undefined, b: T | undefined, f: (a: T, b: T) => T): T | undefined =>
  a === undefined ? b : b === undefined ? a : f(a, b);
