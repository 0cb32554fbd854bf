/**
 * @file Where tokens are, told to attention: rotary embeddings, which turn queries and keys so that their product depends on
 * the distance, and ALiBi, which lowers a score by the distance. Letters: n tokens, h heads, d width of a head.
 */
import {
  checkOptions,
  checkRecord,
  isTensor,
  type Ops,
  reference,
  required,
  type Shaped,
  ShapeError,
  showShape,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import { checkCount, checkNumbers } from "./checks.ts";

/** Rotary embeddings as plain data; what is left out has its default. */
export interface Rotary {
  /** Pair i of r turns by position · base^(−i/r) radians. Default 10,000. */
  readonly base?: number;
  /**
   * Which entries form a pair: `"half"`, i and i + r (GPT-NeoX, Llama in Hugging Face's order), or `"interleaved"`, 2i and
   * 2i + 1 (the paper, GPT-J, Llama's own order). Default `"half"`.
   */
  readonly layout?: "half" | "interleaved";
  /** How many entries of each head turn, 2r; the rest stays. Default all. */
  readonly width?: number;
}

/**
 * Each pair of each head turned by position · frequency: the product of a turned query and a turned key depends on how far
 * apart they are, not on where.
 *
 * ```text
 * (a, b) → (a cos φ − b sin φ, b cos φ + a sin φ),   φ = (from + row) · base^(−i/r)
 * ```
 *
 * Linear in x, so a spline stays one of the same degree. Turns are made in float64, whatever the device: far positions keep
 * their digits.
 *
 * @param x - queries or keys, [.., n, h·d]
 * @param options - `heads`: h, default 1; `from`: the first row's position, default 0; `base`, `layout`, `width`: see
 * {@link Rotary}; `on`: the device, default the reference
 * @throws ShapeError or RangeError if heads or width do not fit
 * @source arXiv 2104.09864
 * @example
 * ```ts
 * import { rotary } from "@splineformer/attention";
 * import { tensor, toNested } from "@splineformer/tensor";
 * // one pair; the second row is at position 1 and turns by 1 radian
 * const turned = toNested(rotary(tensor([[1, 0], [1, 0]]), {})) as number[][];
 * turned[0]; // [1, 0]
 * turned[1][1] === Math.sin(1); // true
 * ```
 */
export function rotary(
  x: Tensor,
  options: Rotary & { readonly heads?: number; readonly from?: number; readonly on?: undefined },
): Tensor;
export function rotary<T extends Shaped>(
  x: Tensor,
  options: Rotary & { readonly heads?: number; readonly from?: number; readonly on: Ops<T> },
): T;
export function rotary(
  x: Tensor,
  options: Rotary & { readonly heads?: number; readonly from?: number; readonly on?: Ops<Shaped> } = {},
): Shaped {
  checkOptions("rotary", options, ["base", "layout", "width", "heads", "from", "on"]);
  checkNumbers("rotary", "x", x);
  const { heads = 1, from = 0, on: ops = reference as unknown as Ops<Shaped>, ...config } = options;
  checkCount("rotary", "heads", heads);
  if (x.shape.length < 2 || (x.shape.at(-1) as number) % heads)
    throw new ShapeError(`rotary: expected x [.., tokens, ${heads} · width], got ${showShape(x.shape)}`);
  return ops.mergeHeads(turn(ops, ops.splitHeads(ops.constant(x), { heads }), config, from));
}

/** The same for heads that are split already, [.., h, n, d]. */
export function turn<T extends Shaped>(ops: Ops<T>, x: T, config: Rotary, from: number): T {
  const [n, d] = x.shape.slice(-2);
  const { base = 10_000, layout = "half", width = d } = config;
  checkRotary("rotary", config);
  required(Number.isSafeInteger(from) && from >= 0, "rotary", "from to be a whole number ≥ 0", from);
  if (width % 2 || width > d || width === 0)
    throw new ShapeError(`rotary: expected an even width ≤ ${d}, the width of a head, got ${width}`);
  const r = width / 2;
  const cosines = new Float64Array(n * width);
  const sines = new Float64Array(n * width);
  for (let row = 0; row < n; row++)
    for (let i = 0; i < r; i++) {
      const angle = (from + row) * base ** (-i / r);
      const places = layout === "half" ? [i, i + r] : [2 * i, 2 * i + 1];
      for (const place of places) {
        cosines[row * width + place] = Math.cos(angle);
        sines[row * width + place] = Math.sin(angle);
      }
    }
  const constant = (data: Float64Array): T => ops.constant(tensor(data, [n, width]));
  const turning = width === d ? x : ops.slice(x, { axis: -1, from: 0, to: width });
  const turned = ops.add(
    ops.multiply(turning, constant(cosines)),
    ops.multiply(quarterTurn(ops, turning, layout), constant(sines)),
  );
  return width === d ? turned : ops.concat(turned, ops.slice(x, { axis: -1, from: width, to: d }), { axis: -1 });
}

/** Each pair (a, b) as (−b, a). */
function quarterTurn<T extends Shaped>(ops: Ops<T>, x: T, layout: "half" | "interleaved"): T {
  const width = x.shape.at(-1) as number;
  const r = width / 2;
  if (layout === "half") {
    const a = ops.slice(x, { axis: -1, from: 0, to: r });
    const b = ops.slice(x, { axis: -1, from: r, to: width });
    return ops.concat(ops.scale(b, { factor: -1 }), a, { axis: -1 });
  }
  // a product with 0, 1 and −1 moves entries exactly
  const swap = new Float64Array(width * width);
  for (let i = 0; i < r; i++) {
    swap[(2 * i + 1) * width + 2 * i] = -1;
    swap[2 * i * width + 2 * i + 1] = 1;
  }
  return ops.matmul(x, ops.constant(tensor(swap, [width, width])), {});
}

/** Refuses what is no rotary embedding. */
export function checkRotary(where: string, config: Rotary): void {
  checkOptions(where, config, ["base", "layout", "width"]);
  const { base = 10_000, layout = "half", width = 2 } = config;
  required(Number.isFinite(base) && base > 0, where, "rotary base > 0", base);
  required(layout === "half" || layout === "interleaved", where, 'rotary layout "half" or "interleaved"', layout);
  required(Number.isInteger(width) && width > 0 && width % 2 === 0, where, "an even rotary width > 0", width);
}

/** Attention with linear biases, as plain data: one slope for each head. */
export interface Alibi {
  readonly name: "alibi";
  readonly slopes: readonly number[];
}

/**
 * Score of query i and key j lowered by `slope · |i − j|`, with slopes 2^(−8/h), 2^(−16/h), … for h heads.
 *
 * Where h is no power of two, the slopes of the power below, then every other one of the power above. The distance is
 * taken in full, 0 for the token itself: sigmoid and ReLU change when a row of scores is shifted. Give it to `attention` as
 * `bias`, or to a layer's config.
 *
 * @param heads - h
 * @throws RangeError if heads is no whole number from 1 to 2²⁰
 * @source arXiv 2108.12409
 * @example
 * ```ts
 * import { alibi } from "@splineformer/attention";
 * alibi(4); // { name: "alibi", slopes: [0.25, 0.0625, 0.015625, 0.00390625] }
 * alibi(3).slopes; // [0.0625, 0.00390625, 0.25]
 * ```
 */
export function alibi(heads: number): Alibi {
  checkCount("alibi", "heads", heads);
  required(heads <= mostHeads, "alibi", `at most ${mostHeads} heads`, heads);
  const power = 2 ** Math.floor(Math.log2(heads));
  const geometric = (h: number): number[] => Array.from({ length: h }, (_, i) => 2 ** ((-8 * (i + 1)) / h));
  const more = geometric(2 * power).filter((_, i) => i % 2 === 0);
  return { name: "alibi", slopes: [...geometric(power), ...more.slice(0, heads - power)] };
}

/** More than any layer has, and few enough to list. */
const mostHeads = 2 ** 20;

/** Refuses slopes that are no finite numbers. */
export function checkAlibi(where: string, given: Alibi): void {
  checkRecord(where, "ALiBi { name, slopes }", given);
  checkOptions(where, given, ["name", "slopes"]);
  const { slopes } = given;
  const finite = Array.isArray(slopes) && slopes.length > 0 && slopes.every(Number.isFinite);
  required(finite, where, "ALiBi slopes to be a list of finite numbers", slopes);
}

/** Whether a bias is ALiBi, not a tensor. */
export const isAlibi = (bias: unknown): bias is Alibi =>
  !isTensor(bias) && typeof bias === "object" && bias !== null && (bias as Alibi).name === "alibi";

/**
 * ALiBi as a tensor [heads, queries, keys]: `−slope · |i + past − j|`.
 *
 * @param past - keys before the first query
 * @throws RangeError if a slope is not finite, or a count no whole number
 * @example
 * ```ts
 * import { alibi, alibiBias } from "@splineformer/attention";
 * import { toNested } from "@splineformer/tensor";
 * (toNested(alibiBias(alibi(8), 1, 3, 1)) as number[][][])[0]; // [[-0.5, -0, -0.5]]
 * ```
 */
export function alibiBias(given: Alibi, queries: number, keys: number, past = 0): Tensor<"float64"> {
  const where = "alibiBias";
  checkAlibi(where, given);
  checkCount(where, "queries", queries, 0);
  checkCount(where, "keys", keys, 0);
  checkCount(where, "past", past, 0);
  const { slopes } = given;
  const data = new Float64Array(slopes.length * queries * keys);
  for (const [head, slope] of slopes.entries())
    for (let i = 0; i < queries; i++)
      for (let j = 0; j < keys; j++) data[(head * queries + i) * keys + j] = -slope * Math.abs(i + past - j);
  return tensor(data, [slopes.length, queries, keys]);
}
