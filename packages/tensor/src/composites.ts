/**
 * @file The meaning of every composite, written once over the primitives. A device that fuses one is called instead.
 */
import { checkOperations } from "./check.ts";
import { inferShape } from "./infer-shape.ts";
import type { Shaped } from "./shape.ts";
import { tensor } from "./tensor.ts";
import type { Attributes, Ops } from "./vocabulary.ts";

/**
 * `f(x W + b)`: the fused operation where the device has one, else matmul, add, activate.
 *
 * @param x - [.., n, k]
 * @param weight - [k, m]
 * @param bias - [m], or undefined
 * @throws ShapeError or RangeError naming `linear`
 * @example
 * ```ts
 * import { linear, reference, tensor, toNested } from "@splineformer/tensor";
 * const y = linear(reference, tensor([[1, 2]]), tensor([[1], [-3]]), tensor([4]), { activation: "relu" });
 * toNested(y); // [[0]]
 * ```
 */
export function linear<T extends Shaped>(
  ops: Ops<T>,
  x: T,
  weight: T,
  bias: T | undefined,
  attributes: Attributes["linear"] = { activation: "identity" },
): T {
  checkOperations("linear", "ops", ops);
  if (ops.linear) return ops.linear(x, weight, bias, attributes);
  // checked here, or a refusal would name an inner matmul instead of this call
  inferShape("linear", attributes, x?.shape, weight?.shape, bias?.shape);
  return openLinear(ops, x, weight, bias, attributes);
}

/**
 * `weigh(scale · q kᵀ + bias) v` for every head: the fused operation where the device has one, else its primitives.
 *
 * @param query - [.., n, heads · d]
 * @param key - [.., m, keyValueHeads · d]
 * @param value - [.., m, keyValueHeads · e]
 * @param bias - added to the scaled scores, broadcast to [.., heads, n, m]; or undefined
 * @param visible - 0 hides a key from a query, broadcast to [.., heads, n, m]; or undefined
 * @returns [.., n, heads · e]
 * @throws ShapeError or RangeError naming `attention`
 * @example
 * ```ts
 * import { attention, reference, tensor, toNested } from "@splineformer/tensor";
 * const relu = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const [query, key, value] = [tensor([[1]]), tensor([[2], [-2]]), tensor([[3], [5]])];
 * toNested(attention(reference, query, key, value, undefined, undefined, relu)); // [[6]]
 * ```
 */
export function attention<T extends Shaped>(
  ops: Ops<T>,
  query: T,
  key: T,
  value: T,
  bias: T | undefined,
  visible: T | undefined,
  attributes: Attributes["attention"],
): T {
  checkOperations("attention", "ops", ops);
  if (ops.attention) return ops.attention(query, key, value, bias, visible, attributes);
  inferShape("attention", attributes, query?.shape, key?.shape, value?.shape, bias?.shape, visible?.shape);
  return openAttention(ops, query, key, value, bias, visible, attributes);
}

/**
 * `linear` by its primitives, whatever the device can fuse.
 *
 * @example
 * ```ts
 * import { openLinear, reference, tensor, toNested } from "@splineformer/tensor";
 * const y = openLinear(reference, tensor([[1, 2]]), tensor([[1], [3]]), tensor([4]), { activation: "identity" });
 * toNested(y); // [[11]]
 * ```
 */
export function openLinear<T extends Shaped>(
  ops: Ops<T>,
  x: T,
  weight: T,
  bias: T | undefined,
  { activation }: Attributes["linear"],
): T {
  const product = ops.matmul(x, weight, {});
  const shifted = bias === undefined ? product : ops.add(product, bias);
  return activation === "identity" ? shifted : ops.activate(shifted, { activation, order: 0 });
}

/**
 * `attention` by its primitives, whatever the device can fuse.
 *
 * @example
 * ```ts
 * import { openAttention, record } from "@splineformer/tensor";
 * const relu = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const graph = record((ops, { x }) => openAttention(ops, x, x, x, undefined, undefined, relu), { x: [5, 3] });
 * graph.nodes.filter((node) => node.op === "matmul").length; // 2
 * ```
 */
export function openAttention<T extends Shaped>(
  ops: Ops<T>,
  query: T,
  key: T,
  value: T,
  bias: T | undefined,
  visible: T | undefined,
  { activation, mask, heads, keyValueHeads, scale, divide }: Attributes["attention"],
): T {
  const split = (x: T): T => ops.splitHeads(x, { heads });
  const scores = ops.matmul(split(query), split(share(ops, key, keyValueHeads, heads)), { transposeB: true });
  const scaled = scale === 1 ? scores : ops.scale(scores, { factor: scale });
  const shifted = bias === undefined ? scaled : ops.add(scaled, bias);
  const weights = ops.weigh(shifted, visible, { activation, mask, order: 0, divide });
  return ops.mergeHeads(ops.matmul(weights, split(share(ops, value, keyValueHeads, heads)), {}));
}

/** [.., m, groups · d] → [.., m, heads · d]: each group's columns once for every head that shares them, exactly. */
function share<T extends Shaped>(ops: Ops<T>, x: T, groups: number, heads: number): T {
  if (groups === heads) return x;
  const width = x.shape.at(-1) as number;
  const d = width / groups;
  const copy = new Float64Array(width * heads * d);
  for (let head = 0; head < heads; head++)
    for (let i = 0; i < d; i++) {
      const from = Math.floor((head * groups) / heads) * d + i;
      copy[from * heads * d + head * d + i] = 1;
    }
  return ops.matmul(x, ops.constant(tensor(copy, [width, heads * d])), {});
}
