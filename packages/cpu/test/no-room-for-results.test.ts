import { random, reference32, type Tensor, tensor } from "@splineformer/tensor";
import { beforeAll, describe, expect, test } from "vitest";
import { createScratchArena, type ScratchArena } from "../src/arena.ts";
import { combine } from "../src/arithmetic.ts";
import { matmul } from "../src/matmul.ts";
import { normalize } from "../src/rows.ts";
import { load } from "../src/wasm/kernels.ts";

/** Operands that lie in a scratch arena, which then has no room for results of their size. */
let arena: ScratchArena;
let x: Tensor<"float32">;
let square: Tensor<"float32">;
const numbers = random(3);
const wide = numbers.normal([7, 100_003]);
const matrices = numbers.normal([5, 347, 347]);

/** How many numbers differ; a report of each would be as long as the arrays. */
const differences = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((count, v, i) => count + Number(!Object.is(v, b[i])), 0) + Math.abs(a.length - b.length);

function placed({ shape, data }: Tensor<"float32">): Tensor<"float32"> {
  const own = arena.take(data.length) as Float32Array<ArrayBuffer>;
  own.set(data);
  return { dtype: "float32", shape, data: own };
}

beforeAll(() => {
  const loaded = load();
  if (!("kernels" in loaded)) throw new Error("no kernels");
  arena = createScratchArena(loaded.kernels) as ScratchArena;
  x = placed(wide);
  square = placed(matrices);
  // pages that nobody writes to cost nothing
  for (let length = 2 ** 28; length > 2 ** 14; length /= 2) while (arena.take(length));
});

describe("where a scratch has no room for a result, operands in it stay as they are, and the result is right", () => {
  test("of a sum with something from elsewhere", () => {
    const bias = numbers.normal([100_003]);
    for (const name of ["add", "multiply"] as const)
      expect(differences(combine(arena, "float32", name, x, bias).data, reference32[name](wide, bias).data)).toBe(0);
    expect(differences(x.data, wide.data)).toBe(0);
  });

  test("of rows that are normalised", () => {
    const attributes = { kind: "layer", epsilon: 1e-5 } as const;
    const there = normalize(arena, x, attributes).data;
    expect(differences(there, normalize(arena, { ...wide }, attributes).data)).toBe(0);
    expect(differences(x.data, wide.data)).toBe(0);
  });

  test("of several products", () => {
    const other = tensor(numbers.normal([5, 347, 347]).data, [5, 347, 347]);
    const there = matmul(arena, "float32", square, other, {}).data;
    expect(differences(there, matmul(arena, "float32", matrices, other, {}).data)).toBe(0);
    expect(differences(square.data, matrices.data)).toBe(0);
  });
});
