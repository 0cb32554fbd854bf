import { tensor, toNested } from "@splineformer/tensor";
import { expect, test } from "vitest";
import { full } from "../src/arena.ts";
import { cpu } from "../src/index.ts";
import { createScratch } from "../src/scratch.ts";

// a file of its own, because a page has one scratch
test("what has no room in the scratch is computed by the device", () => {
  const one = tensor([[1]]);
  const refuse = (): never => {
    throw full;
  };
  const attributes = {
    activation: "relu",
    mask: "none",
    heads: 1,
    keyValueHeads: 1,
    scale: 1,
    divide: "none",
  } as const;
  const scratch = createScratch(cpu, () => ({
    ...cpu,
    add: refuse,
    multiply: () => {
      throw new RangeError("another");
    },
    differentiateAttention: () => ({ output: one, pullback: refuse }),
  }));
  if (!scratch) throw new Error("no scratch");
  expect(toNested(scratch.ops.add(one, one))).toEqual([[2]]);
  expect(() => scratch.ops.multiply(one, one)).toThrow("another");
  const way = scratch.ops.differentiateAttention?.(tensor([[2]]), tensor([[3]]), tensor([[5]]), undefined, undefined, attributes); // biome-ignore format: one call
  expect(way?.output).toBe(one);
  expect(toNested(way?.pullback(one).query ?? one)).toEqual([[15]]);
  scratch.close();
});
