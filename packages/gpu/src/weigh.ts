/**
 * @file Scores to weights on the device, for `weigh` and `attention` alike.
 */
import {
  type Attributes,
  type Divide,
  divisor,
  type Mask,
  type Pointwise,
  rowAlpha,
  type Shape,
  sigmoidBias,
  sizeOf,
} from "@splineformer/tensor";
import type { Value } from "./backend.ts";
import type { Work } from "./engine.ts";
import {
  countsKeys,
  rowCount,
  rowMaximum,
  rowThreshold,
  rowTotal,
  type WeighStep,
  type WeightOptions,
  weights,
} from "./kernels/weighing.ts";
import { groupStrides, stridesOf } from "./strides.ts";
import { expand } from "./views.ts";

/** Where rows of scores lie, and which keys they see. */
export interface Rows {
  readonly queries: number;
  readonly keys: number;
  /** All rows: leading axes times queries. */
  readonly count: number;
  /** The scalars that every kernel of weighing takes: sizes, mask, strides of `visible`. */
  readonly scalars: readonly number[];
  readonly visible: readonly Value[];
}

/** A mask as two numbers: whether the future is hidden, and how far back a query sees. */
export const maskScalars = (mask: Mask): readonly [causal: number, window: number] => [
  mask === "none" ? 0 : 1,
  typeof mask === "object" ? mask.window : 2 ** 24,
];

/**
 * Rows of scores of this shape under a mask and, perhaps, a visible operand that broadcasts to it.
 *
 * @param inner - leading axes that form the inner of the two leading indices; attention says 1, the heads
 */
export async function rowsOf(
  work: Work,
  shape: Shape,
  mask: Mask,
  visible: { readonly value: Value; readonly shape: Shape } | undefined,
  inner?: 1,
): Promise<Rows> {
  const [queries, keys] = shape.slice(-2);
  const rows = { queries, keys, count: sizeOf(shape.slice(0, -1)) };
  const scalars = [queries, keys];
  if (!visible) {
    const heads = inner === 1 ? (shape.at(-3) as number) : 1;
    return { ...rows, scalars: [...scalars, heads, ...maskScalars(mask)], visible: [] };
  }
  const spread = await broadcastFour(work, shape, visible, inner);
  return {
    ...rows,
    scalars: [...scalars, spread.innerLength, ...maskScalars(mask), ...spread.strides],
    visible: [spread.value],
  };
}

/** An operand seen from [o1, o0, query, key]: its four strides, and the length of o0. */
export async function broadcastFour(
  work: Work,
  shape: Shape,
  operand: { readonly value: Value; readonly shape: Shape },
  inner?: 1,
): Promise<{ readonly value: Value; readonly strides: readonly number[]; readonly innerLength: number }> {
  const strides = stridesOf(operand.shape, shape);
  const leading = shape.length - 2;
  const outerAxes = inner === 1 ? leading - 1 : leading;
  const groups = [...groupStrides(shape.slice(0, outerAxes), [strides.slice(0, outerAxes)])];
  if (inner === 1) {
    while (groups.length < 1) groups.unshift({ length: 1, strides: [0] });
    groups.push({ length: shape[leading - 1], strides: [strides[leading - 1]] });
  }
  while (groups.length < 2) groups.unshift({ length: 1, strides: [0] });
  if (groups.length > 2)
    return broadcastFour(work, shape, { value: await expand(work, operand.value, operand.shape, shape), shape }, inner);
  return {
    value: operand.value,
    strides: [groups[0].strides[0], groups[1].strides[0], strides[leading], strides[leading + 1]],
    innerLength: groups[1].length,
  };
}

/** What is done with every score, by an activation that has a kernel. */
export function weighStep({ activation, order }: Pick<Attributes["weigh"], "activation" | "order">): WeighStep {
  const alpha = rowAlpha(activation);
  if (alpha === 1) return { kind: "softmax" };
  if (alpha === 2) return { kind: "sparsemax", order };
  if (sigmoidBias(activation) !== undefined) return { kind: "pointwise", activation: "sigmoid", order, shifted: true };
  return { kind: "pointwise", activation: activation as Pointwise, order, shifted: false };
}

/** What a weight kernel takes after its scores and `visible`, for activations that need no row of scores. */
export async function countOperands(
  work: Work,
  options: WeightOptions,
  rows: Rows,
  { activation, divide }: Pick<Attributes["weigh"], "activation" | "divide">,
): Promise<{ readonly values: readonly Value[]; readonly scalars: readonly number[] }> {
  if (!countsKeys(options)) return { values: [], scalars: [] };
  const counts = options.visible ? [await work.run(rowCount, rows.count, ...rows.visible, ...rows.scalars)] : [];
  // one table serves all lengths up to the next power of two
  const size = 2 ** Math.ceil(Math.log2(rows.keys + 1));
  const bias = sigmoidBias(activation) ?? 0;
  const table = await work.table(`${size} ${bias} ${JSON.stringify(divide)}`, () => tabulate(size, bias, divide));
  return { values: [table, ...counts], scalars: [size] };
}

/** For n visible keys, at n the bias and at size + n the divisor: no logarithm or power is left to the GPU. */
function tabulate(size: number, bias: number | "-log length", divide: Divide): Float32Array {
  const table = new Float32Array(2 * size);
  for (let n = 1; n < size; n++) {
    table[n] = bias === "-log length" ? -Math.log(n) : bias;
    table[size + n] = divisor(divide, n);
  }
  return table;
}

/** Weights of stored scores. */
export async function weigh(
  work: Work,
  scores: Value,
  rows: Rows,
  attributes: Pick<Attributes["weigh"], "activation" | "order" | "divide">,
): Promise<Value> {
  const step = weighStep(attributes);
  const visible = rows.visible.length > 0;
  const options: WeightOptions = { step, visible, divided: attributes.divide !== "none" };
  const seen = [scores, ...rows.visible];
  const statistics: Value[] = [];
  if (step.kind !== "pointwise") {
    const maxima = await work.run(rowMaximum(visible), rows.count, ...seen, ...rows.scalars);
    const second = step.kind === "softmax" ? rowTotal : rowThreshold;
    statistics.push(maxima, await work.run(second(visible), rows.count, ...seen, maxima, ...rows.scalars));
  }
  const counted = await countOperands(work, options, rows, attributes);
  return work.run(
    weights(options),
    rows.count * rows.keys,
    ...seen,
    ...statistics,
    ...counted.values,
    ...rows.scalars,
    ...counted.scalars,
  );
}
