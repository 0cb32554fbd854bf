/**
 * @file Aaren: a layer whose query is learned and does not depend on the input, so output k is attention to tokens 1 … k
 * and costs no more than a recurrent network. With softmax it is the operation `scan`; with an activation that acts entry
 * by entry a cumulative sum, so with ReLU a spline of degree 2. Letters: n tokens, h heads, d and e head widths.
 */
import {
  type Attributes,
  checkDivide,
  checkOptions,
  checkRecord,
  checkWeighing,
  divisor,
  type Ops,
  type Pointwise,
  required,
  rowAlpha,
  type Shaped,
  ShapeError,
  show,
  showShape,
  sigmoidBias,
  tensor,
  zeros,
} from "@splineformer/tensor";
import { checkCount } from "./checks.ts";
import { repeatGroups } from "./groups.ts";
import { checkWidths, type Linear, project } from "./linear.ts";
import { summing } from "./running-sum.ts";

/** Plain data, all of it given. The activation is softmax, the sigmoid with a numeric bias, or acts entry by entry. */
export type AarenConfig = Omit<Attributes["attention"], "mask">;

/** The learned numbers: query [1, h · d], key [width, g · d], value [width, g · e], output [h · e, width]. */
export interface AarenParameters<T> {
  readonly query: T;
  readonly key: Linear<T>;
  readonly value: Linear<T>;
  readonly output: Linear<T>;
}

/**
 * Output k is attention of a learned query to tokens 1 … k, then the output map.
 *
 * Layers stack: each is a causal map of sequences. The same numbers come token by token from `createState` with this
 * query, fed with the projected keys and values.
 *
 * @param x - [.., n, width]
 * @returns [.., n, width of the output map]
 * @throws ShapeError if the widths do not fit, RangeError if the config or a part of the layer does not
 * @throws UnsupportedError for an activation whose weights change when tokens come (see `createState`)
 * @source arXiv 2405.13956, section 3.3
 * @example
 * ```ts
 * import { aaren } from "@splineformer/attention";
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * const one = { weight: tensor([[1]]) };
 * const config = { activation: "relu", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
 * const parameters = { query: tensor([[1]]), key: one, value: one, output: one };
 * // a cumulative sum of max(x, 0) · x
 * toNested(aaren(reference, config, parameters, tensor([[2], [-1], [3]]))); // [[4], [4], [13]]
 * ```
 */
export function aaren<T extends Shaped>(ops: Ops<T>, config: AarenConfig, parameters: AarenParameters<T>, x: T): T {
  checkAaren(config, parameters, x);
  const { activation, heads, keyValueHeads, scale, divide } = config;
  const split = (y: T): T => ops.splitHeads(repeatGroups(ops, y, keyValueHeads, heads), { heads });
  const query = ops.splitHeads(parameters.query, { heads });
  const key = split(project(ops, x, parameters.key));
  const value = split(project(ops, x, parameters.value));
  const products = ops.matmul(key, query, { transposeB: true });
  const scores = scale === 1 ? products : ops.scale(products, { factor: scale });
  const sums =
    rowAlpha(activation) === 1
      ? ops.scan(scores, value, { kind: "softmax" })
      : cumulativeSum(ops, ops.multiply(weigh(ops, scores, activation), value));
  const n = x.shape.at(-2) as number;
  const divided =
    divide === "none"
      ? sums
      : ops.multiply(
          sums,
          ops.constant(
            tensor(
              Float64Array.from({ length: n }, (_, k) => 1 / divisor(divide, k + 1)),
              [n, 1],
            ),
          ),
        );
  return project(ops, ops.mergeHeads(divided), parameters.output);
}

/** Refuses in this function's name what would fail in one of its operations, or nowhere. */
function checkAaren<T extends Shaped>(config: AarenConfig, parameters: AarenParameters<T>, x: T): void {
  const where = "aaren";
  checkOptions(where, config, ["activation", "heads", "keyValueHeads", "scale", "divide"]);
  const { activation, heads, keyValueHeads: groups, scale, divide } = config;
  checkCount(where, "heads", heads);
  checkCount(where, "keyValueHeads", groups);
  required(heads % groups === 0, where, `heads to be a multiple of keyValueHeads ${groups}`, heads);
  required(Number.isFinite(scale), where, "a finite scale", scale);
  checkDivide(where, divide);
  // refuses what has no such form
  summing(where, activation, divide);
  checkRecord(where, "the layer's parameters", parameters);
  for (const name of ["query", "key", "value", "output"] as const)
    checkRecord(where, `parameters.${name}`, parameters[name]);
  const { query, key, value, output } = parameters;
  const [rows, width] = query.shape;
  if (query.shape.length !== 2 || rows !== 1 || width % heads || width === 0)
    throw new ShapeError(`aaren: expected a query [1, ${heads} · width > 0], got ${showShape(query.shape)}`);
  checkWidths(where, "x", x, key);
  checkWidths(where, "x", x, value);
  const [keys, values] = [key.weight.shape[1], value.weight.shape[1]];
  const [d, mixed] = [width / heads, (values / groups) * heads];
  if (keys !== groups * d || values % groups || output.weight?.shape[0] !== mixed)
    throw new ShapeError(
      `aaren: expected keys of width ${groups * d}, values of ${groups} · width and an output of as many heads, got ${keys}, ${values} and ${output.weight?.shape[0]}`,
    );
}

/** The weight of every score by itself. */
function weigh<T extends Shaped>(ops: Ops<T>, scores: T, activation: Attributes["attention"]["activation"]): T {
  checkWeighing("aaren", activation, 0);
  const bias = sigmoidBias(activation) as number | undefined;
  const shifted = bias ? ops.add(scores, ops.constant(tensor([bias], { dtype: "float64" }))) : scores;
  const pointwise = bias === undefined ? (activation as Pointwise) : "sigmoid";
  return pointwise === "identity" ? shifted : ops.activate(shifted, { activation: pointwise, order: 0 });
}

/**
 * Row k is the sum of rows 1 … k, in ⌈log₂ n⌉ rounds of additions.
 *
 * @param x - [.., n, d]
 * @throws ShapeError if x has fewer than two axes
 * @example
 * ```ts
 * import { cumulativeSum } from "@splineformer/attention";
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * toNested(cumulativeSum(reference, tensor([[1], [2], [3]]))); // [[1], [3], [6]]
 * ```
 */
export function cumulativeSum<T extends Shaped>(ops: Ops<T>, x: T): T {
  if (!(x?.shape?.length >= 2))
    throw new ShapeError(`cumulativeSum: expected x [.., n, d], got ${x?.shape ? showShape(x.shape) : show(x)}`);
  const [n, d] = x.shape.slice(-2);
  let sums = x;
  for (let step = 1; step < n; step *= 2) {
    const earlier = ops.slice(sums, { axis: -2, from: 0, to: n - step });
    const none = ops.constant(zeros([step, d], { dtype: "float64" }));
    sums = ops.add(sums, ops.concat(none, earlier, { axis: -2 }));
  }
  return sums;
}
