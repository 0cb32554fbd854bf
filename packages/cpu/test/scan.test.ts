import { reference, type Tensor, tensor, toNested } from "@splineformer/tensor";
import { atMostTwiceRounded, seeded } from "@splineformer/testing";
import { describe, expect, test } from "vitest";
import { cpu, createAttentionStream } from "../src/index.ts";

const data = seeded(29);
const rows = (x: Tensor, from: number, to: number): Tensor => reference.slice(x, { axis: -2, from, to });

describe("scan", () => {
  test("rising scores, where a cumulative sum of exponentials goes wrong", () => {
    const averages = cpu.scan(tensor([[1000], [1001], [-1000]]), tensor([[1], [2], [3]]), { kind: "softmax" });
    // 1 + 1/(1 + e^−1) = 1.7310585786300048
    expect([...averages.data]).toEqual([1, 1.7310585786300048, 1.7310585786300048].map(Math.fround));
  });

  test("a long sequence errs at most twice as much as its rounded formula", () => {
    const [scores, values] = [data.normal([2, 997, 1], { deviation: 4 }), data.normal([2, 997, 7])];
    const averages = cpu.scan(scores, values, { kind: "softmax" });
    expect(atMostTwiceRounded(averages, (ops) => ops.scan(scores, values, { kind: "softmax" }))).toMatchObject({
      agrees: true,
    });
  });
});

describe("an attention stream", () => {
  const [tokens, heads, d, e] = [131, 3, 11, 5];
  const query = data.normal([heads * d]);
  const [keys, values] = [data.normal([tokens, heads * d]), data.normal([tokens, heads * e])];
  const options = { query, heads, valueWidth: e, scale: 0.7 };

  test("equals causal attention of one query that stays the same", () => {
    const queries = tensor(Float64Array.from({ length: tokens * heads * d }, (_, i) => query.data[i % (heads * d)]), [tokens, heads * d]); // biome-ignore format: one tensor
    const formula = (ops: typeof reference) => {
      const split = (x: Tensor) => ops.splitHeads(x, { heads });
      const scores = ops.scale(ops.matmul(split(queries), split(keys), { transposeB: true }), { factor: 0.7 });
      const weights = ops.weigh(scores, undefined, { activation: "softmax", mask: "causal", order: 0, divide: "none" });
      return ops.mergeHeads(ops.matmul(weights, split(values), {}));
    };
    const averages = createAttentionStream(options).push(keys, values);
    expect(atMostTwiceRounded(averages, formula)).toMatchObject({ agrees: true });
  });

  test("doesn't depend on how tokens are grouped, bit for bit", () => {
    const whole = createAttentionStream(options).push(keys, values);
    const stream = createAttentionStream(options);
    const other = createAttentionStream(options);
    const parts: number[] = [];
    for (const [from, to] of [
      [0, 1],
      [1, 18],
      [18, 131],
    ]) {
      // biome-ignore format: three groups
      parts.push(...stream.push(rows(keys, from, to), rows(values, from, to)).data);
      // another stream in between has a state of its own
      other.push(rows(keys, 0, 1), rows(values, 0, 1));
    }
    expect(Float32Array.from(parts)).toEqual(whole.data);
    expect([stream.length, other.length]).toEqual([131, 3]);
  });

  test("no tokens change nothing", () => {
    const stream = createAttentionStream({ query: tensor([1, 1]) });
    expect(stream.push(tensor(new Float32Array(0), [0, 2]), tensor(new Float32Array(0), [0, 2])).shape).toEqual([0, 2]);
    expect(toNested(stream.push(tensor([[1, 2]]), tensor([[3, 4]])))).toEqual([[3, 4]]);
  });

  test("says what doesn't fit", () => {
    expect(() => createAttentionStream({ query: tensor([1, 2, 3]), heads: 2 })).toThrow(
      "createAttentionStream: expected a query [heads · d] with 2 heads, got [3]",
    );
    expect(() => createAttentionStream({ query: tensor([1]), heads: 0 })).toThrow(RangeError);
    expect(() => createAttentionStream(options).push(keys, rows(values, 0, 7))).toThrow(
      "push: expected key [tokens, 33] and value [tokens, 15], got [131, 33] and [7, 15]",
    );
  });
});
