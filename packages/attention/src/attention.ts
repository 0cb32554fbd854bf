/**
 * @file Attention on tensors, at once, with everything checked: for trying things out, and the definition to test against.
 * A network uses `attend`. Letters: n queries, m keys, h heads, g heads of keys and values, d and e head widths.
 */
import {
  cast,
  checkOperations,
  checkOptions,
  type Divide,
  inferShape,
  isTensor,
  type Mask,
  type Ops,
  reference,
  required,
  reshape,
  type Shaped,
  ShapeError,
  show,
  showShape,
  type Tensor,
  type Weighing,
} from "@splineformer/tensor";
import { type AttentionConfig, attendTo, partsTo, prepared } from "./attend.ts";
import { checkFinite, checkNumbers } from "./checks.ts";
import { checkDropout, type Dropout, dropoutFactors } from "./dropout.ts";
import type { Intermediates } from "./intermediates.ts";
import { type Alibi, checkAlibi, checkRotary, isAlibi, type Rotary } from "./positions.ts";
import { checkLengths, checkPast, lengthVisibility, type PastMask } from "./visibility.ts";

/** A mask by name, one whose first query comes after `past` keys, or a boolean tensor that is true where a query sees a key. */
export type AttentionMask = Mask | PastMask | { readonly visible: Tensor };

export interface AttentionOptions {
  /** How a row of scores becomes weights. Default `"softmax"`. */
  readonly activation?: Weighing;
  /** Default `"none"`. A tensor `visible` broadcasts to [.., h, n, m]. */
  readonly mask?: AttentionMask;
  /** What scores are multiplied by. Default 1/√d. */
  readonly scale?: number;
  /** For each of the batch, how many keys are real; the rest is hidden, beside the mask. */
  readonly keyLengths?: readonly number[];
  /** Added to the scaled scores; a tensor broadcasts to [.., h, n, m]. */
  readonly bias?: Tensor | Alibi;
  /** h, default 1. */
  readonly heads?: number;
  /** g, a divisor of h: heads h/g at a time share keys and values. Default h. */
  readonly keyValueHeads?: number;
  /** What weights are divided by: nothing, the number of keys visible to that query, or a power of it. Default `"none"`. */
  readonly divide?: Divide;
  /** Each head's queries and keys to mean 0 and variance 1, or to mean square 1, with 1e-5 under the root. Default `"none"`. */
  readonly qkNorm?: "none" | "layer" | "rms";
  /** Queries and keys turned by their positions; the first query's is the mask's `past`, else 0. Default `"none"`. */
  readonly rotary?: "none" | Rotary;
  /** Weights left out while training. Default none. */
  readonly dropout?: Dropout;
}

/**
 * `weigh(scale · q kᵀ + bias) v` for every head.
 *
 * Rows are tokens. A query that sees no key gets zeros (other libraries disagree: PyTorch gives NaN). On a rectangle a
 * causal mask starts at the top left: query i sees keys 0 … i; `{ past }` starts it that many keys further on.
 *
 * ```text
 * mask "causal"       mask { window: 2 }      (rows: queries, columns: keys)
 * 1 0 0 0             1 0 0 0
 * 1 1 0 0             1 1 0 0
 * 1 1 1 0             0 1 1 0
 * ```
 *
 * @param query - [.., n, h·d]
 * @param key - [.., m, g·d]
 * @param value - [.., m, g·e]
 * @param options - see {@link AttentionOptions}; `on`: the device or any other operations, default the reference, in float64;
 * `intermediates`: `"all"` gives scores, weights and each head's result, too
 * @returns [.., n, h·e], whatever `on` gives: a tensor, a handle on a GPU, a node; leading axes are batch and broadcast.
 * With intermediates, see {@link Intermediates}
 * @throws ShapeError if shapes do not fit together
 * @throws RangeError if a number is NaN or infinite, an option is unknown or out of range, or a score or a sum leaves the
 * range of the device's numbers (where `on` gives handles, that shows when they are read)
 * @source arXiv 1706.03762 (softmax), 2408.09624 (ReLU: a cubic spline)
 * @example
 * ```ts
 * import { attention } from "@splineformer/attention";
 * import { tensor, toNested } from "@splineformer/tensor";
 * const query = tensor([[4], [-2]]);
 * const key = tensor([[-2], [-1]]);
 * const value = tensor([[1, 3], [-2, 0]]);
 * // scores [[-8, -4], [4, 2]]
 * toNested(attention(query, key, value, { activation: "relu" })); // [[0, 0], [0, 12]]
 * const { weights } = attention(query, key, value, { activation: "relu", intermediates: "all" });
 * toNested(weights); // [[[0, 0], [4, 2]]]
 * ```
 */
export function attention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options?: AttentionOptions & { readonly on?: undefined; readonly intermediates?: "none" },
): Tensor;
export function attention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions & { readonly on?: undefined; readonly intermediates: "all" },
): Intermediates<Tensor>;
export function attention<T extends Shaped>(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions & { readonly on: Ops<T>; readonly intermediates?: "none" },
): T;
export function attention<T extends Shaped>(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions & { readonly on: Ops<T>; readonly intermediates: "all" },
): Intermediates<T>;
export function attention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions & { readonly on?: Ops<Shaped>; readonly intermediates?: "none" | "all" } = {},
): Shaped | Intermediates<Shaped> {
  checkOptions("attention", options, known);
  const { bias, on: ops = reference as unknown as Ops<Shaped>, dropout, intermediates = "none" } = options;
  checkOperations("attention", "on", ops);
  required(["none", "all"].includes(intermediates), "attention", 'intermediates "none" or "all"', intermediates);
  checkNumbers("attention", "query", query);
  checkNumbers("attention", "key", key);
  checkNumbers("attention", "value", value);
  const added = isAlibi(bias) ? undefined : bias;
  if (added !== undefined) checkNumbers("attention", "bias", added);
  const config = configOf(options, query);
  const [queries, keys] = [query.shape.at(-2) as number, key.shape.at(-2) as number];
  const visible = visibleTensor(options, keys, query.shape.length === 2);
  const { activation, mask, heads, keyValueHeads, scale, divide } = config;
  const attributes = { activation, mask, heads, keyValueHeads, scale, divide };
  const shape = inferShape("attention", attributes, query.shape, key.shape, value.shape, added?.shape, visible?.shape);
  const lift = (x: Tensor): Shaped => ops.constant(x);
  const past = pastOf(options.mask);
  if (dropout !== undefined) checkDropout("attention", dropout);
  const operands = {
    past,
    bias: added && lift(added),
    visible: visible && lift(visible),
    dropout: dropout && lift(dropoutFactors([...shape.slice(0, -2), heads, queries, keys], dropout)),
  };
  const prepare = (x: Tensor, count: number, from: number): Shaped =>
    prepared(ops, config, count, lift(x), undefined, from);
  const all = [prepare(query, heads, past), prepare(key, keyValueHeads, 0), lift(value)] as const;
  if (intermediates === "none") return finite(attendTo(ops, config, ...all, operands), "a result");
  const parts = partsTo(ops, config, ...all, operands);
  for (const [name, part] of Object.entries(parts)) finite(part, name);
  return parts;
}

/** Numbers that are at hand are searched: finite ones whose products leave the range must not come back as NaN. */
function finite(x: Shaped, name: string): Shaped {
  if (isTensor(x)) checkFinite("attention", name, x);
  return x;
}

const known = [
  "activation",
  "mask",
  "keyLengths",
  "scale",
  "bias",
  "heads",
  "keyValueHeads",
  "divide",
  "qkNorm",
  "rotary",
  "dropout",
  "on",
  "intermediates",
];

function configOf(options: AttentionOptions, query: Tensor): AttentionConfig {
  const { activation = "softmax", mask = "none", heads = 1, keyValueHeads = heads, divide = "none" } = options;
  const { qkNorm = "none", rotary = "none", bias } = options;
  required(Number.isInteger(heads) && heads > 0, "attention", "heads to be a whole number > 0", heads);
  const width = query.shape.at(-1) ?? 0;
  if (query.shape.length < 2 || width === 0)
    throw new ShapeError(`attention: expected query [.., tokens, width > 0], got ${showShape(query.shape)}`);
  const { scale = 1 / Math.sqrt(width / heads) } = options;
  required(["none", "layer", "rms"].includes(qkNorm), "attention", 'qkNorm "none", "layer" or "rms"', qkNorm);
  if (rotary !== "none") checkRotary("attention", rotary);
  if (isAlibi(bias)) checkAlibi("attention", bias);
  if (isAlibi(bias) && bias.slopes.length !== heads)
    throw new ShapeError(`attention: expected ALiBi for ${heads} heads, got ${bias.slopes.length} slopes`);
  return {
    activation,
    mask: namedMask(mask),
    heads,
    keyValueHeads,
    scale,
    divide,
    qkNorm,
    rotary,
    alibi: isAlibi(bias) ? bias : "none",
  };
}

const isPast = (mask: AttentionMask | undefined): mask is PastMask =>
  typeof mask === "object" && mask !== null && "past" in mask;

const isTensorMask = (mask: AttentionMask | undefined): mask is { readonly visible: Tensor } =>
  typeof mask === "object" && mask !== null && "visible" in mask;

/** What is left of a mask beside `past` and a tensor. */
function namedMask(mask: AttentionMask): Mask {
  if (isTensorMask(mask)) return "none";
  if (!isPast(mask)) return mask;
  checkPast("attention", mask);
  return mask.window === undefined ? "causal" : { window: mask.window };
}

const pastOf = (mask: AttentionMask | undefined): number => (isPast(mask) ? mask.past : 0);

/** What the mask's tensor and the key lengths show together. */
function visibleTensor({ mask, keyLengths }: AttentionOptions, keys: number, single: boolean): Tensor | undefined {
  if (keyLengths !== undefined) checkLengths("attention", "keyLengths", keyLengths, keys);
  const padded = keyLengths && lengthVisibility(keyLengths, keys);
  // one sequence without a batch axis has one length
  const lengths = padded && single && keyLengths.length === 1 ? reshape(padded, [1, 1, keys]) : padded;
  if (!isTensorMask(mask)) return lengths;
  checkOptions("attention", mask, ["visible"]);
  const { visible } = mask;
  if (!isTensor(visible) || visible.dtype !== "bool")
    throw new RangeError(
      `attention: expected mask.visible to be a tensor of dtype bool, got ${isTensor(visible) ? visible.dtype : show(visible)}`,
    );
  return lengths ? cast(reference.multiply(visible, lengths), "bool") : visible;
}
