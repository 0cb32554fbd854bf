/**
 * @file Aaren: a layer whose query is learned and does not depend on the input, so output k is attention to tokens 1 … k
 * and costs no more than a recurrent network. With softmax it is the operation `scan`; with an activation that acts entry
 * by entry a cumulative sum, so with ReLU a spline of degree 2. Letters: n tokens, h heads, d and e head widths.
 */
import {
  type Attributes,
  checkWeighing,
  divisor,
  type Ops,
  type Pointwise,
  type Shaped,
  ShapeError,
  showShape,
  sigmoidBias,
  tensor,
  zeros,
} from "@splineformer/tensor";
import { repeatGroups } from "./groups.ts";
import { type Linear, project } from "./linear.ts";
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
 * @throws ShapeError if the widths do not fit
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
  const { activation, heads, keyValueHeads, scale, divide } = config;
  // refuses what has no such form
  summing("aaren", activation, divide);
  const width = parameters.query.shape.at(-1) as number;
  if (parameters.query.shape.length !== 2 || parameters.query.shape[0] !== 1 || width % heads)
    throw new ShapeError(`aaren: expected a query [1, ${heads} · width], got ${showShape(parameters.query.shape)}`);
  const split = (y: T): T => ops.splitHeads(repeatGroups(ops, y, keyValueHeads, heads), { heads });
  const query = ops.splitHeads(parameters.query, { heads });
  const key = split(project(ops, x, parameters.key));
  const value = split(project(ops, x, parameters.value));
  const products = ops.matmul(key, query, { transposeB: true });
  const scores = scale === 1 ? products : ops.scale(products, { factor: scale });
  const sums =
    activation === "softmax"
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
 * @example
 * ```ts
 * import { cumulativeSum } from "@splineformer/attention";
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * toNested(cumulativeSum(reference, tensor([[1], [2], [3]]))); // [[1], [3], [6]]
 * ```
 */
export function cumulativeSum<T extends Shaped>(ops: Ops<T>, x: T): T {
  const [n, d] = x.shape.slice(-2);
  let sums = x;
  for (let step = 1; step < n; step *= 2) {
    const earlier = ops.slice(sums, { axis: -2, from: 0, to: n - step });
    const none = ops.constant(zeros([step, d], { dtype: "float64" }));
    sums = ops.add(sums, ops.concat(none, earlier, { axis: -2 }));
  }
  return sums;
}
