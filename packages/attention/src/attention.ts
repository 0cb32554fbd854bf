/**
 * @file Attention on tensors, at once, with everything checked: for trying things out, and the definition to test against.
 * A network uses `attend`. Letters: n queries, m keys, h heads, g heads of keys and values, d and e head widths.
 */
import {
  type Attributes,
  attention as attentionOver,
  checkOptions,
  type Divide,
  inferShape,
  isTensor,
  type Mask,
  type Ops,
  reference,
  required,
  type Shaped,
  ShapeError,
  show,
  showShape,
  type Tensor,
  type Weighing,
} from "@splineformer/tensor";
import { checkNumbers } from "./checks.ts";

/** A mask by name, or a boolean tensor that is true where a query sees a key. */
export type AttentionMask = Mask | { readonly visible: Tensor };

export interface AttentionOptions {
  /** How a row of scores becomes weights. Default `"softmax"`. */
  readonly activation?: Weighing;
  /** Default `"none"`. A tensor `visible` broadcasts to [.., h, n, m]. */
  readonly mask?: AttentionMask;
  /** What scores are multiplied by. Default 1/√d. */
  readonly scale?: number;
  /** Added to the scaled scores; broadcasts to [.., h, n, m]. */
  readonly bias?: Tensor;
  /** h, default 1. */
  readonly heads?: number;
  /** g, a divisor of h: heads h/g at a time share keys and values. Default h. */
  readonly keyValueHeads?: number;
  /** What weights are divided by: nothing, the number of keys visible to that query, or a power of it. Default `"none"`. */
  readonly divide?: Divide;
}

/**
 * `weigh(scale · q kᵀ + bias) v` for every head.
 *
 * Rows are tokens. A query that sees no key gets zeros (other libraries disagree: PyTorch gives NaN). On a rectangle a
 * causal mask starts at the top left: query i sees keys 0 … i.
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
 * @param options - see {@link AttentionOptions}; `on`: the device or any other operations, default the reference, in float64
 * @returns [.., n, h·e], whatever `on` gives: a tensor, a handle on a GPU, a node; leading axes are batch and broadcast
 * @throws ShapeError if shapes do not fit together
 * @throws RangeError if a number is NaN or infinite, or an option is unknown or out of range
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
 * ```
 */
export function attention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options?: AttentionOptions & { readonly on?: undefined },
): Tensor;
export function attention<T extends Shaped>(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions & { readonly on: Ops<T> },
): T;
export function attention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions & { readonly on?: Ops<Shaped> } = {},
): Shaped {
  checkOptions("attention", options, known);
  const { bias, on: ops = reference as unknown as Ops<Shaped> } = options;
  checkNumbers("attention", "query", query);
  checkNumbers("attention", "key", key);
  checkNumbers("attention", "value", value);
  if (bias !== undefined) checkNumbers("attention", "bias", bias);
  const visible = visibleTensor(options.mask);
  const attributes = attributesOf(options, query);
  inferShape("attention", attributes, query.shape, key.shape, value.shape, bias?.shape, visible?.shape);
  const lift = (x: Tensor): Shaped => ops.constant(x);
  return attentionOver(
    ops,
    lift(query),
    lift(key),
    lift(value),
    bias && lift(bias),
    visible && lift(visible),
    attributes,
  );
}

const known = ["activation", "mask", "scale", "bias", "heads", "keyValueHeads", "divide", "on"];

function attributesOf(options: AttentionOptions, query: Tensor): Attributes["attention"] {
  const { activation = "softmax", mask = "none", heads = 1, keyValueHeads = heads, divide = "none" } = options;
  required(Number.isInteger(heads) && heads > 0, "attention", "heads to be a whole number > 0", heads);
  const width = query.shape.at(-1) ?? 0;
  if (query.shape.length < 2 || width === 0)
    throw new ShapeError(`attention: expected query [.., tokens, width > 0], got ${showShape(query.shape)}`);
  const { scale = 1 / Math.sqrt(width / heads) } = options;
  return {
    activation,
    mask: typeof mask === "object" && mask !== null && "visible" in mask ? "none" : mask,
    heads,
    keyValueHeads,
    scale,
    divide,
  };
}

function visibleTensor(mask: AttentionMask | undefined): Tensor | undefined {
  if (typeof mask !== "object" || mask === null || !("visible" in mask)) return undefined;
  checkOptions("attention", mask, ["visible"]);
  const { visible } = mask;
  if (!isTensor(visible) || visible.dtype !== "bool")
    throw new RangeError(
      `attention: expected mask.visible to be a tensor of dtype bool, got ${isTensor(visible) ? visible.dtype : show(visible)}`,
    );
  return visible;
}
