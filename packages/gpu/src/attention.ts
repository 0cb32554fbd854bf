/**
 * @file Attention on the device. Softmax and sparsemax: scores, statistics of their rows, weights, values.
 * Pointwise activations: weights straight from queries and keys, then values. Never one kernel for all: every column of
 * the result would compute its row of scores again.
 */
import { type Attributes, broadcastShapes, type Shape, sizeOf } from "@splineformer/tensor";
import type { Value } from "./backend.ts";
import type { Work } from "./engine.ts";
import { values as valuesKernel } from "./kernels/products.ts";
import { scoredWeights, scores as scoresKernel, type WeightOptions } from "./kernels/weighing.ts";
import { expand } from "./views.ts";
import { broadcastFour, countOperands, maskScalars, rowsOf, weigh, weighStep } from "./weigh.ts";

interface Operand {
  readonly value: Value;
  readonly shape: Shape;
}

/** [.., heads, n, m]: what attention stores between its kernels. */
export function scoreShape(query: Shape, key: Shape, value: Shape, { heads }: Attributes["attention"]): Shape {
  const batch = broadcastShapes(
    "attention",
    broadcastShapes("attention", query.slice(0, -2), key.slice(0, -2)),
    value.slice(0, -2),
  );
  return [...batch, heads, query.at(-2) as number, key.at(-2) as number];
}

export async function attend(
  work: Work,
  operands: {
    readonly query: Operand;
    readonly key: Operand;
    readonly value: Operand;
    readonly bias: Operand | undefined;
    readonly visible: Operand | undefined;
  },
  attributes: Attributes["attention"],
): Promise<Value> {
  const { activation, mask, heads, keyValueHeads, scale, divide } = attributes;
  const shape = scoreShape(operands.query.shape, operands.key.shape, operands.value.shape, attributes);
  const batch = shape.slice(0, -3);
  const [n, m] = shape.slice(-2);
  const share = heads / keyValueHeads;
  const whole = ({ value, shape: own }: Operand): Promise<Value> =>
    expand(work, value, own, [...batch, ...own.slice(-2)]);
  const query = await whole(operands.query);
  const key = await whole(operands.key);
  const value = await whole(operands.value);
  const rows = await rowsOf(work, shape, mask, operands.visible, 1);
  const bias = operands.bias && (await broadcastFour(work, shape, operands.bias, 1));
  const scored = [query, key, ...(bias ? [bias.value] : [])];
  const width = (operands.query.shape.at(-1) as number) / heads;
  const scoreScalars = [heads, share, width, scale, ...(bias?.strides ?? [])];

  const step = weighStep({ activation, order: 0 });
  let weights: Value;
  if (step.kind === "pointwise") {
    const options: WeightOptions = { step, visible: rows.visible.length > 0, divided: divide !== "none" };
    const counted = await countOperands(work, options, rows, { activation, divide });
    weights = await work.run(
      scoredWeights(options, bias !== undefined),
      rows.count * m,
      ...scored,
      ...rows.visible,
      ...counted.values,
      ...rows.scalars,
      ...counted.scalars,
      ...scoreScalars,
    );
  } else {
    const geometry = [n, m, heads, ...maskScalars(mask)];
    const kernel = scoresKernel(bias !== undefined);
    const scores = await work.run(kernel, rows.count * m, ...scored, ...geometry, ...scoreScalars);
    weights = await weigh(work, scores, rows, { activation, order: 0, divide });
  }
  const e = (operands.value.shape.at(-1) as number) / keyValueHeads;
  const length = sizeOf(batch) * n * heads * e;
  return work.run(valuesKernel, length, weights, value, n, m, heads, share, e, ...maskScalars(mask));
}
