/**
 * @file Cases of the operations that move numbers: splitHeads, mergeHeads, slice, concat, gather; and of sum.
 */
import { tensor } from "@splineformer/tensor";
import { seeded } from "../data.ts";
import { type OpCase, opCase } from "../op-case.ts";

const data = seeded(5);

const heads: readonly OpCase[] = [
  opCase("splitHeads", "3 heads of width 5", [data.normal([7, 15])], { heads: 3 }),
  opCase("splitHeads", "with batch", [data.normal([2, 7, 15])], { heads: 5 }),
  opCase("splitHeads", "one head", [data.normal([7, 5])], { heads: 1 }),
  opCase("splitHeads", "heads of width 1", [data.normal([3, 7])], { heads: 7 }),
  opCase("splitHeads", "one token", [data.normal([1, 15])], { heads: 3 }),
  opCase("mergeHeads", "3 heads of width 5", [data.normal([3, 7, 5])], {}),
  opCase("mergeHeads", "with batch", [data.normal([2, 3, 7, 5])], {}),
  opCase("mergeHeads", "one head", [data.normal([1, 7, 5])], {}),
  opCase("mergeHeads", "heads of width 1", [data.normal([7, 3, 1])], {}),
  opCase("mergeHeads", "one token", [data.normal([3, 1, 5])], {}),
];

const slices: readonly OpCase[] = [
  opCase("slice", "inner columns", [data.normal([3, 7])], { axis: -1, from: 2, to: 5 }),
  opCase("slice", "inner rows", [data.normal([7, 3])], { axis: -2, from: 2, to: 5 }),
  opCase("slice", "columns with batch", [data.normal([2, 3, 7])], { axis: -1, from: 0, to: 2 }),
  opCase("slice", "rows with batch", [data.normal([2, 7, 3])], { axis: -2, from: 5, to: 7 }),
  opCase("slice", "all columns", [data.normal([3, 5])], { axis: -1, from: 0, to: 5 }),
  opCase("slice", "the last row", [data.normal([2, 7, 3])], { axis: -2, from: 6, to: 7 }),
  opCase("slice", "a vector", [data.normal([7])], { axis: -1, from: 3, to: 5 }),
];

const joins: readonly OpCase[] = [
  opCase("concat", "columns", [data.normal([3, 2]), data.normal([3, 5])], { axis: -1 }),
  opCase("concat", "rows", [data.normal([2, 3]), data.normal([5, 3])], { axis: -2 }),
  opCase("concat", "columns with batch", [data.normal([7, 3, 2]), data.normal([7, 3, 5])], { axis: -1 }),
  opCase("concat", "rows with batch", [data.normal([7, 2, 3]), data.normal([7, 5, 3])], { axis: -2 }),
  opCase("concat", "columns, the right one for the whole batch", [data.normal([7, 3, 2]), data.normal([3, 5])], {
    axis: -1,
  }),
  opCase("concat", "rows, the left one for the whole batch", [data.normal([2, 3]), data.normal([7, 5, 3])], {
    axis: -2,
  }),
  opCase("concat", "columns, one row repeats", [data.normal([1, 2]), data.normal([3, 5])], { axis: -1 }),
  opCase("concat", "rows, one column repeats", [data.normal([2, 3]), data.normal([5, 1])], { axis: -2 }),
  opCase("concat", "vectors", [data.normal([2]), data.normal([5])], { axis: -1 }),
];

const gathers: readonly OpCase[] = [
  opCase("gather", "rows of a table", [data.normal([7, 3]), data.indices([5], 7)], {}),
  opCase("gather", "more indices than rows", [data.normal([3, 5]), data.indices([11], 3)], {}),
  opCase("gather", "a batch of indices", [data.normal([7, 3]), data.indices([2, 5], 7)], {}),
  opCase("gather", "a batch of tables", [data.normal([2, 7, 3]), data.indices([5], 7)], {}),
  opCase("gather", "a batch of both", [data.normal([2, 7, 3]), data.indices([2, 5], 7)], {}),
  opCase("gather", "the first and the last row", [data.normal([7, 3]), tensor([6, 0, 6], { dtype: "int32" })], {}),
  opCase("gather", "one row of one", [data.normal([1, 1]), tensor([0], { dtype: "int32" })], {}),
];

const sums: readonly OpCase[] = [true, false].flatMap((keep) => {
  const name = keep ? "kept" : "dropped";
  return [
    opCase("sum", `the last axis, ${name}`, [data.normal([2, 3, 7])], { axes: [-1], keep }),
    opCase("sum", `the last but one axis, ${name}`, [data.normal([2, 7, 3])], { axes: [-2], keep }),
    opCase("sum", `the third axis from the end, ${name}`, [data.normal([7, 2, 3])], { axes: [-3], keep }),
    opCase("sum", `the last two axes, ${name}`, [data.normal([2, 7, 3])], { axes: [-1, -2], keep }),
    opCase("sum", `two axes that are no neighbours, ${name}`, [data.normal([2, 7, 3])], { axes: [-1, -3], keep }),
    opCase("sum", `an axis of length 1, ${name}`, [data.normal([5, 1])], { axes: [-1], keep }),
    opCase("sum", `37 numbers, ${name}`, [data.normal([37])], { axes: [-1], keep }),
    opCase("sum", `no axis, ${name}`, [data.normal([3, 5])], { axes: [], keep }),
  ];
});

export const movementCases: readonly OpCase[] = [...heads, ...slices, ...joins, ...gathers, ...sums];
