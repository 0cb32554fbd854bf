import { attention, cast, openAttention, type Tensor, tensor, toNested } from "@splineformer/tensor";
import { atMostTwiceRounded, seeded, weighings } from "@splineformer/testing";
import { describe, expect, test } from "vitest";
import { cpu } from "../src/index.ts";

const data = seeded(13);
const single = (x: Tensor) => cast(x, "float32");

// larger than what keeps the order of operations of the definition, and no multiple of a tile or a vector
const queries = 131;
// the largest error of many results says more than that of a few
const batch = 3;
const keys = 373;
const d = 7;
const e = 11;

const masks = ["none", "causal", { window: 41 }, { window: 2 }] as const;

describe("fused attention", () => {
  test("by hand: two keys of equal scores share a softmax, and ReLU adds", () => {
    const [q, k, v] = [tensor([[1]]), tensor([[2], [2]]), tensor([[10], [20]])];
    const attributes = { mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
    const run = (activation: "softmax" | "relu") =>
      toNested(attention(cpu, q, k, v, undefined, undefined, { ...attributes, activation }));
    expect(run("softmax")).toEqual([[15]]);
    expect(run("relu")).toEqual([[60]]);
  });

  for (const activation of weighings)
    for (const mask of masks)
      test(`${JSON.stringify(activation)}, mask ${JSON.stringify(mask)}: errs at most twice as much as its rounded formula`, () => {
        const attributes = { activation, mask, heads: 2, keyValueHeads: 1, scale: 0.37, divide: "length" } as const;
        const [q, k, v] = [data.normal([batch, queries, 2 * d]), data.normal([batch, keys, d]), data.normal([batch, keys, e])].map(single); // biome-ignore format: three operands
        const result = attention(cpu, q, k, v, undefined, undefined, attributes);
        const found = atMostTwiceRounded(result, (ops) =>
          openAttention(ops, q, k, v, undefined, undefined, attributes),
        );
        expect(found).toMatchObject({ agrees: true });
      });

  for (const activation of ["softmax", "sparsemax", "relu", "sigmoid"] as const)
    for (const scale of [-0.5, 0])
      test(`${activation} with scale ${scale}, a bias and hidden keys errs at most twice as much, too`, () => {
        const attributes = { activation, mask: "causal", heads: 2, keyValueHeads: 2, scale, divide: "none" } as const;
        const [q, k, v] = [data.normal([queries, 2 * d]), data.normal([keys, 2 * d]), data.normal([keys, 2 * e])].map(single); // biome-ignore format: three operands
        const bias = single(data.normal([2, 1, keys]));
        const visible = data.mask([queries, keys]);
        const result = attention(cpu, q, k, v, bias, visible, attributes);
        const found = atMostTwiceRounded(result, (ops) => openAttention(ops, q, k, v, bias, visible, attributes));
        expect(found).toMatchObject({ agrees: true });
      });

  test("the weights of softmax and sparsemax sum to 1, however many blocks of keys there are", () => {
    const ones = tensor(new Float32Array(1597).fill(1), [1597, 1]);
    for (const activation of ["softmax", "sparsemax"] as const) {
      const attributes = { activation, mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
      const sums = attention(cpu, data.normal([17, 3]), data.normal([1597, 3]), ones, undefined, undefined, attributes);
      // the weights are added up twice in another order: 1597 roundings of 2⁻²⁴ at most
      for (const sum of sums.data) expect(Math.abs(sum - 1)).toBeLessThan(1597 * 2 ** -24);
    }
  });

  test("a causal query doesn't depend on later keys, bit for bit", () => {
    const attributes = { activation: "softmax", mask: "causal", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const; // biome-ignore format: one record
    const [q, k, v] = [data.normal([97, 5]), data.normal([97, 5]), data.normal([97, 3])].map(single);
    const first = attention(cpu, q, k, v, undefined, undefined, attributes);
    const changed = v.data.map((x, i) => (i < 50 * 3 ? x : 1e6));
    const second = attention(cpu, q, k, tensor(changed as Float32Array, [97, 3]), undefined, undefined, attributes);
    expect(second.data.slice(0, 50 * 3)).toEqual(first.data.slice(0, 50 * 3));
  });

  test("scores of ±10⁴ overflow nothing", () => {
    const attributes = { activation: "softmax", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const; // biome-ignore format: one record
    const k = tensor([[1e4], [-1e4], [1e4]]);
    const out = attention(cpu, tensor([[1], [-1]]), k, tensor([[1], [2], [5]]), undefined, undefined, attributes);
    expect(toNested(out)).toEqual([[3], [2]]);
  });

  test("a query that sees nothing gets 0", () => {
    const n = 79;
    const visible = tensor(new Uint8Array(n * n), [n, n]);
    for (const activation of weighings) {
      const attributes = { activation, mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "length" } as const;
      const x = data.normal([n, 3]);
      const out = attention(cpu, x, x, x, undefined, visible, attributes);
      expect(out.data.every((value) => value === 0)).toBe(true);
    }
  });

  test("no keys give 0", () => {
    const attributes = { activation: "relu", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const; // biome-ignore format: one record
    const none = tensor(new Float32Array(0), [0, 2]);
    expect(toNested(attention(cpu, tensor([[1, 2]]), none, none, undefined, undefined, attributes))).toEqual([[0, 0]]);
  });
});

describe("ReLU attention in which most weights are 0", () => {
  // a bias of −1.3 standard deviations leaves one score in ten; −9 leaves none; blocks of keys may differ
  const [n, m] = [89, 701];
  const attributes = { mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "length" } as const;
  const shift = (f: (key: number) => number) =>
    tensor(
      Float32Array.from({ length: m }, (_, key) => f(key)),
      [1, m],
    );
  const shifts = { "one in ten": shift(() => -1.3), none: shift(() => -9), "half of the keys": shift((key) => (key < 350 ? -1.3 : 1)) }; // biome-ignore format: one record
  for (const [name, bias] of Object.entries(shifts))
    for (const activation of ["relu", "squaredRelu"] as const)
      for (const e of [3, 32, 37])
        test(`${activation}, positive: ${name}, value width ${e}: errs at most twice as much as its rounded formula`, () => {
          const [q, k, v] = [data.normal([batch, n, 7], { deviation: 7 ** -0.25 }), data.normal([m, 7], { deviation: 7 ** -0.25 }), data.normal([m, e])].map(single); // biome-ignore format: three operands
          const result = attention(cpu, q, k, v, bias, undefined, { ...attributes, activation });
          const found = atMostTwiceRounded(result, (ops) =>
            openAttention(ops, q, k, v, bias, undefined, { ...attributes, activation }),
          );
          expect(found).toMatchObject({ agrees: true });
        });
});
