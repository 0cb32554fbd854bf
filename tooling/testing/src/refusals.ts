/**
 * @file Calls that every device must refuse, with an error that names the operation. Shapes are all an operation needs to
 * know, so a device that computes later refuses at once all the same.
 */
import { tensor, zeros } from "@splineformer/tensor";
import { type OpCase, opCase } from "./op-case.ts";

const of = (...shape: number[]) => zeros(shape);
const weigh = { activation: "softmax", mask: "none", order: 0, divide: "none" } as const;
const attend = { activation: "softmax", mask: "none", heads: 2, keyValueHeads: 2, scale: 1, divide: "none" } as const;
/** An attribute of a kind that the types exclude, as plain JavaScript may pass it. */
const wrong = <A>(attributes: unknown): A => attributes as A;

/** The title says what is refused. */
export const refusals: readonly OpCase[] = [
  opCase("add", "refuses shapes that do not broadcast", [of(3, 5), of(3)], {}),
  opCase("multiply", "refuses shapes that do not broadcast", [of(2, 3), of(5, 3)], {}),
  opCase("scale", "refuses a factor that is not finite", [of(3)], { factor: Number.NaN }),
  opCase("matmul", "refuses different inner lengths", [of(2, 3), of(5, 7)], {}),
  opCase("matmul", "refuses different inner lengths of bᵀ", [of(2, 3), of(3, 7)], { transposeB: true }),
  opCase("matmul", "refuses a vector", [of(3), of(3, 5)], {}),
  opCase("matmul", "refuses batch axes that do not broadcast", [of(2, 3, 5), of(7, 5, 11)], {}),
  opCase("splitHeads", "refuses a width that the heads do not divide", [of(3, 5)], { heads: 2 }),
  opCase("splitHeads", "refuses 0 heads", [of(3, 5)], { heads: 0 }),
  opCase("mergeHeads", "refuses a matrix", [of(3, 5)], {}),
  opCase("activate", "refuses an unknown activation", [of(3)], wrong({ activation: "swish", order: 0 })),
  opCase(
    "activate",
    "refuses a softplus without sharpness",
    [of(3)],
    wrong({ activation: { name: "softplus", beta: 0 }, order: 0 }),
  ),
  opCase("activate", "refuses a second derivative", [of(3)], wrong({ activation: "relu", order: 2 })),
  opCase("weigh", "refuses a vector of scores", [of(5), undefined], weigh),
  opCase("weigh", "refuses a mask of another shape", [of(3, 5), of(5, 3)], weigh),
  opCase("weigh", "refuses a mask with more batch axes than the scores", [of(3, 5), of(2, 3, 5)], weigh),
  opCase("weigh", "refuses an unknown activation", [of(3, 5), undefined], wrong({ ...weigh, activation: "swish" })),
  opCase("weigh", "refuses an unknown mask", [of(3, 5), undefined], wrong({ ...weigh, mask: "diagonal" })),
  opCase("weigh", "refuses a window of 0", [of(3, 5), undefined], { ...weigh, mask: { window: 0 } }),
  opCase("weigh", "refuses an unknown divisor", [of(3, 5), undefined], wrong({ ...weigh, divide: "width" })),
  opCase("weigh", "refuses the derivative of softmax, which is no number for each score", [of(3, 5), undefined], {
    ...weigh,
    order: 1,
  }),
  opCase("normalize", "refuses an unknown kind", [of(3, 5)], wrong({ kind: "batch", epsilon: 0 })),
  opCase("normalize", "refuses a negative epsilon", [of(3, 5)], { kind: "layer", epsilon: -1 }),
  opCase("normalize", "refuses a scalar", [of()], { kind: "layer", epsilon: 0 }),
  opCase("sum", "refuses an axis counted from the front", [of(3, 5)], { axes: [0], keep: true }),
  opCase("sum", "refuses an axis that is not there", [of(3, 5)], { axes: [-3], keep: true }),
  opCase("slice", "refuses to read past the end", [of(3, 5)], { axis: -1, from: 2, to: 7 }),
  opCase("slice", "refuses an empty range", [of(3, 5)], { axis: -1, from: 2, to: 2 }),
  opCase("slice", "refuses the third axis from the end", [of(2, 3, 5)], wrong({ axis: -3, from: 0, to: 1 })),
  opCase("concat", "refuses columns of different heights", [of(3, 2), of(5, 2)], { axis: -1 }),
  opCase("concat", "refuses to join vectors as rows", [of(3), of(3)], { axis: -2 }),
  opCase("gather", "refuses a table without rows", [of(3), tensor([0], { dtype: "int32" })], {}),
  opCase("gather", "refuses batch axes that do not broadcast", [of(2, 3, 5), zeros([7, 11], { dtype: "int32" })], {}),
  opCase("scan", "refuses scores that are no column", [of(5, 2), of(5, 3)], { kind: "softmax" }),
  opCase("scan", "refuses another number of values than scores", [of(5, 1), of(7, 3)], { kind: "softmax" }),
  opCase("scan", "refuses an unknown kind", [of(5, 1), of(5, 3)], wrong({ kind: "relu" })),
  opCase("linear", "refuses a weight of another height", [of(5, 7), of(3, 2), undefined], { activation: "identity" }),
  opCase("linear", "refuses a bias of another width", [of(5, 7), of(7, 2), of(3)], { activation: "identity" }),
  opCase("linear", "refuses a vector", [of(7), of(7, 2), undefined], { activation: "identity" }),
  opCase("attention", "refuses another number of values than keys", [of(3, 2), of(5, 2), of(7, 2)], attend),
  opCase("attention", "refuses queries and keys of different widths", [of(3, 2), of(5, 6), of(5, 2)], attend),
  opCase("attention", "refuses a width that the heads do not divide", [of(3, 5), of(7, 5), of(7, 2)], attend),
  opCase("attention", "refuses heads that the groups do not divide", [of(3, 6), of(5, 4), of(5, 2)], {
    ...attend,
    heads: 3,
  }),
  opCase("attention", "refuses a bias of another shape", [of(3, 2), of(5, 2), of(5, 2), of(5, 3), undefined], attend),
  opCase(
    "attention",
    "refuses a mask of another shape",
    [of(3, 2), of(5, 2), of(5, 2), undefined, of(7, 3, 5)],
    attend,
  ),
];
