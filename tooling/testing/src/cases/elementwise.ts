/**
 * @file Cases of add, multiply and scale: every way in which two shapes broadcast.
 */
import { tensor } from "@splineformer/tensor";
import { seeded } from "../data.ts";
import { type OpCase, opCase } from "../op-case.ts";

const data = seeded(2);

const shapes: readonly (readonly [special: string, a: readonly number[], b: readonly number[]])[] = [
  ["equal shapes", [3, 5], [3, 5]],
  ["more entries than any vector register", [13, 37], [13, 37]],
  ["a trailing vector on the right", [3, 5], [5]],
  ["a trailing vector on the left", [5], [3, 5]],
  ["a trailing vector with batch", [2, 7, 5], [5]],
  ["a trailing matrix with batch", [2, 7, 5], [7, 5]],
  ["a column on the right", [7, 5], [7, 1]],
  ["a row plus a column", [1, 5], [7, 1]],
  ["both sides repeat", [2, 1, 5], [3, 1]],
  ["a middle axis repeats", [2, 3, 5], [2, 1, 5]],
  ["a scalar on the right", [3, 5], []],
  ["a scalar on the left", [], [3, 5]],
  ["two scalars", [], []],
  ["one number in a shape of its own", [1, 1], [3, 5]],
];

export const elementwiseCases: readonly OpCase[] = [
  ...shapes.map(([special, a, b]) => opCase("add", special, [data.normal(a), data.normal(b)], {})),
  ...shapes.map(([special, a, b]) => opCase("multiply", special, [data.normal(a), data.normal(b)], {})),
  opCase("add", "large and small numbers", [tensor([1e4, -1e4, 1e-4]), tensor([1e-4, 1e4, 1e4])], {}),
  opCase("scale", "a factor that is no power of two", [data.normal([3, 5])], { factor: 1 / 3 }),
  opCase("scale", "more entries than any vector register, with batch", [data.normal([2, 11, 19])], { factor: -1.7 }),
  opCase("scale", "a factor of 0", [data.normal([7])], { factor: 0 }),
  opCase("scale", "a scalar", [data.normal([])], { factor: 3 }),
];
