import { linear, openLinear, type Shape, sizeOf, type Tensor, tensor, toNested } from "@splineformer/tensor";
import { atMostTwiceRounded, pointwiseActivations, seeded } from "@splineformer/testing";
import { describe, expect, test } from "vitest";
import { cpu, cpu64 } from "../src/index.ts";

const data = seeded(11);

/** The product by three loops, every operation rounded to float32. */
function rounded(a: Tensor, b: Tensor, m: number, n: number, k: number, transposeA: boolean, transposeB: boolean) {
  const out = new Float32Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++) {
        const x = Math.fround(a.data[transposeA ? l * m + i : i * k + l]);
        const y = Math.fround(b.data[transposeB ? j * k + l : l * n + j]);
        sum = Math.fround(sum + Math.fround(x * y));
      }
      out[i * n + j] = sum;
    }
  return out;
}

describe("matmul", () => {
  test("by hand: rows times columns", () => {
    const a = tensor([[1, 2, 3]]);
    expect(toNested(cpu.matmul(a, tensor([[4], [5], [6]]), {}))).toEqual([[32]]);
    expect(toNested(cpu.matmul(a, a, { transposeB: true }))).toEqual([[14]]);
    expect(cpu.matmul(a, a, { transposeA: true }).data.slice(3, 6)).toEqual(Float32Array.of(2, 4, 6));
  });

  // sizes beside those of tiles (5, 8) and of blocks (160, 384, 512)
  const sizes: readonly (readonly [number, number, number])[] = [
    [1, 1, 1],
    [5, 8, 3],
    [7, 13, 11],
    [163, 9, 389],
    [11, 523, 17],
    [3, 7, 773],
    [331, 31, 2],
  ];
  for (const [m, n, k] of sizes)
    for (const transposeA of [false, true])
      for (const transposeB of [false, true])
        test(`[${m} × ${k}]${transposeA ? "ᵀ" : ""} · [${k} × ${n}]${transposeB ? "ᵀ" : ""} rounds as a plain loop does, bit for bit`, () => {
          const a = data.normal(transposeA ? [k, m] : [m, k]);
          const b = data.normal(transposeB ? [n, k] : [k, n]);
          const product = cpu.matmul(a, b, { transposeA, transposeB });
          expect(product.shape).toEqual([m, n]);
          expect(Buffer.from(product.data.buffer)).toEqual(
            Buffer.from(rounded(a, b, m, n, k, transposeA, transposeB).buffer),
          );
        });

  test("float64 sums in the order of a plain loop, too", () => {
    const a = data.normal([127, 263]);
    const b = data.normal([263, 259]);
    const product = cpu64.matmul(a, b, {});
    for (const [i, j] of [
      [0, 0],
      [126, 258],
      [61, 257],
    ]) {
      let sum = 0;
      for (let l = 0; l < 263; l++) sum += a.data[i * 263 + l] * b.data[l * 259 + j];
      expect(product.data[i * 259 + j]).toBe(sum);
    }
  });

  test("leading axes broadcast on either side", () => {
    const product = cpu.matmul(data.normal([2, 1, 3, 5]), data.normal([7, 5, 11]), {});
    expect(product.shape).toEqual([2, 7, 3, 11]);
  });

  test("an inner length of 0 gives zeros, and no rows give nothing", () => {
    const empty = (...shape: number[]) => tensor(new Float32Array(sizeOf(shape)), shape);
    expect(toNested(cpu.matmul(empty(2, 0), empty(0, 3), {}))).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(cpu.matmul(empty(0, 3), empty(3, 5), {}).shape).toEqual([0, 5]);
  });

  test("NaN and infinity pass through", () => {
    const product = cpu.matmul(tensor([[Number.NaN, 1], [0, Number.POSITIVE_INFINITY]]), tensor([[1], [1]]), {}); // biome-ignore format: a matrix
    expect([...product.data]).toEqual([Number.NaN, Number.POSITIVE_INFINITY]);
  });

  test("says which lengths don't fit", () => {
    expect(() => cpu.matmul(tensor([[1, 2]]), tensor([[3]]), {})).toThrow(
      "matmul: expected equal inner lengths, got [1, 2] · [1, 1]",
    );
  });
});

describe("linear", () => {
  const x = data.normal([3, 59, 101]);
  const weight = data.normal([101, 67], { deviation: 0.1 });
  for (const activation of pointwiseActivations)
    test(`${JSON.stringify(activation)} of x W + b errs at most twice as much as its rounded formula`, () => {
      const bias = data.normal([67]);
      const result = linear(cpu, x, weight, bias, { activation });
      expect(
        atMostTwiceRounded(result, (ops) => openLinear(ops, ...float32(x, weight, bias), { activation })),
      ).toMatchObject({ agrees: true });
    });

  test("no columns to sum leave f(bias)", () => {
    const none = (shape: Shape) => tensor(new Float32Array(0), shape);
    const y = linear(cpu, none([2, 0]), none([0, 1]), tensor([-3]), { activation: "absolute" });
    expect(toNested(y)).toEqual([[3], [3]]);
    expect(toNested(linear(cpu, none([1, 0]), none([0, 1]), undefined, { activation: "sigmoid" }))).toEqual([[0.5]]);
  });
});

function float32(...tensors: [Tensor, Tensor, Tensor]): [Tensor, Tensor, Tensor] {
  return tensors.map(({ shape, data }) => tensor(Float32Array.from(data), shape)) as [Tensor, Tensor, Tensor];
}
