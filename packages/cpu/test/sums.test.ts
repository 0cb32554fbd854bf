import { random, type Shape, tensor, toNested } from "@splineformer/tensor";
import { expect, test } from "vitest";
import { cpu, cpu64 } from "../src/index.ts";

test("sums by hand: over the first axis, and over the middle one", () => {
  const x = tensor([[[1, 2], [3, 4], [5, 6]]]); // biome-ignore format: one matrix
  expect(toNested(cpu.sum(x, { axes: [-2], keep: false }))).toEqual([[9, 12]]);
  expect(toNested(cpu.sum(x, { axes: [-3], keep: true }))).toEqual(toNested(x));
});

/** Rows added in order, every sum rounded. */
function twin(data: ArrayLike<number>, [outer, n, inner]: Shape, round: (x: number) => number): number[] {
  const sums = new Array<number>(outer * inner).fill(0);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < inner; j++) sums[o * inner + j] = round(sums[o * inner + j] + data[(o * n + i) * inner + j]);
  return sums;
}

// columns by the register, several registers at a time, and one by one
for (const shape of [[2, 3, 5], [101, 31, 29], [3, 1009, 23], [2, 3, 2011]]) // biome-ignore format: a table
  test(`the middle of [${shape}] is added in the order of a plain loop, in float32 and in float64`, () => {
    const x = random(1).normal(shape);
    const narrow = Float32Array.from(x.data);
    const sum32 = cpu.sum(tensor(narrow, shape), { axes: [-2], keep: false });
    expect(sum32.shape).toEqual([shape[0], shape[2]]);
    expect([...sum32.data]).toEqual(twin(narrow, shape, Math.fround));
    expect([...cpu64.sum(x, { axes: [-2], keep: false }).data]).toEqual(twin(x.data, shape, (s) => s));
  });
