import {
  reference,
  reference32,
  type SynchronousDevice,
  type Tensor,
  tensor,
  toNested,
  type Weighing,
} from "@splineformer/tensor";
import { float64Tolerance, relativeDifference, seeded, stackTensors } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import {
  type AttentionConfig,
  type AttentionParameters,
  alibi,
  attend,
  attendNext,
  createAttentionCache,
} from "../src/index.ts";

// part of every runtime, though not of the language
declare const structuredClone: <V>(value: V) => V;

const untyped = (value: unknown): never => value as never;

// 13 tokens of width 7; 6 heads of width 4 in 3 groups, values of width 5
function drawn(seed: number): { parameters: AttentionParameters<Tensor>; x: Tensor } {
  const data = seeded(seed);
  const dense = (from: number, to: number) => ({
    weight: data.normal([from, to], { deviation: 1 / Math.sqrt(from) }),
    bias: data.normal([to], { deviation: 0.1 }),
  });
  const parameters = {
    query: dense(7, 24),
    key: dense(7, 12),
    value: dense(7, 15),
    output: dense(30, 7),
    queryNorm: { weight: data.normal([4], { mean: 1, deviation: 0.1 }) },
    keyNorm: { weight: data.normal([4], { mean: 1, deviation: 0.1 }), bias: data.normal([4], { deviation: 0.1 }) },
  };
  return { parameters, x: data.normal([13, 7]) };
}
const plain: AttentionConfig = {
  activation: "softmax",
  mask: "causal",
  heads: 6,
  keyValueHeads: 3,
  scale: 0.5,
  divide: "none",
};

const part = (x: Tensor, from: number, to: number): Tensor => reference.slice(x, { axis: -2, from, to });

/** Groups of tokens of these sizes, one after the other. */
const decoded = (
  ops: SynchronousDevice,
  config: AttentionConfig,
  parameters: AttentionParameters<Tensor>,
  x: Tensor,
  sizes: readonly number[],
): Tensor => {
  let cache = createAttentionCache({ mask: config.mask });
  let at = 0;
  let joined: Tensor | undefined;
  for (const size of sizes) {
    const next = attendNext(ops, config, parameters, part(x, at, at + size), cache);
    cache = next.cache;
    joined = joined ? ops.concat(joined, next.output, { axis: -2 }) : next.output;
    at += size;
  }
  return joined as Tensor;
};
const single = new Array<number>(13).fill(1);

const activations: readonly Weighing[] = [
  "softmax",
  "sparsemax",
  { name: "entmax", alpha: 1.5 },
  "sigmoid",
  { name: "sigmoid", bias: -1 },
  "relu",
  "squaredRelu",
  "softplus",
  "identity",
];
const additions: Readonly<Record<string, Partial<AttentionConfig>>> = {
  "nothing else": {},
  "rotary, halves": { rotary: { layout: "half" } },
  "rotary, interleaved, of a part": { rotary: { layout: "interleaved", base: 100, width: 2 } },
  "qkNorm and rotary": { qkNorm: "layer", rotary: {} },
  ALiBi: { alibi: alibi(6) },
  "a window of 3": { mask: { window: 3 } },
  "a window of 1, ALiBi, rotary": { mask: { window: 1 }, alibi: alibi(6), rotary: {} },
  "division by the visible keys in a window": { mask: { window: 5 }, divide: "length" },
};

describe("decoding token by token equals the full pass", () => {
  it("by hand: ReLU of identities, 2 then 3", () => {
    const one = { weight: tensor([[1]]) };
    const config: AttentionConfig = { ...plain, activation: "relu", heads: 1, keyValueHeads: 1, scale: 1 };
    const layer = { query: one, key: one, value: one, output: one };
    // 2·(2·2) = 8; 3·2·2 + 3·3·3 = 39
    expect(toNested(decoded(reference, config, layer, tensor([[2], [3]]), [1, 1]))).toEqual([[8], [39]]);
  });

  it.each(activations)("for %j, with grouped heads and everything a config can add", (activation) => {
    const { parameters, x } = drawn(1);
    for (const [name, addition] of Object.entries(additions)) {
      const config = { ...plain, divide: "length" as const, ...addition, activation };
      // 1e-13 and 1e-6 are the promise; the rounding of sums of 13 terms stays far below
      const whole = attend(reference, config, parameters, x);
      for (const sizes of [single, [5, 1, 1, 6], [13]])
        expect(relativeDifference(decoded(reference, config, parameters, x, sizes), whole), name).toBeLessThan(1e-13);
      const rounded = attend(reference32, config, parameters, x);
      expect(relativeDifference(decoded(reference32, config, parameters, x, single), rounded), name).toBeLessThan(1e-6);
    }
  });

  it("for a batch, as for its parts", () => {
    const { parameters, x } = drawn(2);
    const other = seeded(3).normal([13, 7]);
    const config = { ...plain, rotary: {}, mask: { window: 4 } } as const;
    const both = decoded(reference, config, parameters, stackTensors([x, other]), [3, ...single.slice(3)]);
    const apart = [x, other].map((y) => decoded(reference, config, parameters, y, [3, ...single.slice(3)]));
    expect(relativeDifference(both, stackTensors(apart))).toBeLessThan(float64Tolerance);
  });
});

describe("a cache", () => {
  it("keeps only what the next token can see, however long the stream", () => {
    const { parameters, x } = drawn(4);
    const config = { ...plain, mask: { window: 3 } } as const;
    let cache = createAttentionCache({ mask: config.mask, maximum: 3 });
    const sizes: number[] = [];
    for (let k = 0; k < 200; k++) {
      cache = attendNext(reference, config, parameters, part(x, k % 13, (k % 13) + 1), cache).cache;
      if (cache.store !== "empty") sizes.push(cache.store.key.data.length);
    }
    expect([cache.length, cache.kept]).toEqual([200, 3]);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 * 3 * 12);
  });

  it("grows by doubling, and is left as it was by what comes after", () => {
    const { parameters, x } = drawn(5);
    let cache = createAttentionCache();
    const capacities = new Set<number>();
    for (let k = 0; k < 13; k++) {
      const before = cache;
      cache = attendNext(reference, plain, parameters, part(x, k, k + 1), before).cache;
      expect([before.length, before.kept]).toEqual([k, k]);
      if (cache.store !== "empty") capacities.add(cache.store.key.shape[0]);
    }
    expect([...capacities]).toEqual([2, 6, 14]);
  });

  it("may branch: both continuations are right, whichever writes first", () => {
    const { parameters, x } = drawn(6);
    const prompt = attendNext(reference, plain, parameters, part(x, 0, 5), createAttentionCache()).cache;
    const left = attendNext(reference, plain, parameters, part(x, 5, 6), prompt);
    const right = attendNext(reference, plain, parameters, part(x, 6, 7), prompt);
    const after = attendNext(reference, plain, parameters, part(x, 7, 8), left.cache);
    const whole = (order: readonly number[]): Tensor => {
      const rows = toNested(x) as number[][];
      const y = tensor(
        order.map((i) => rows[i]),
        { dtype: "float64" },
      );
      return part(attend(reference, plain, parameters, y), order.length - 1, order.length);
    };
    for (const [got, order] of [
      [left.output, [0, 1, 2, 3, 4, 5]],
      [right.output, [0, 1, 2, 3, 4, 6]],
      [after.output, [0, 1, 2, 3, 4, 5, 7]],
    ] as const)
      expect(relativeDifference(got, whole(order))).toBeLessThan(float64Tolerance);
  });

  it("is plain data: a copy by structuredClone goes on like the original", () => {
    const { parameters, x } = drawn(7);
    const { cache } = attendNext(reference, plain, parameters, part(x, 0, 5), createAttentionCache());
    const copy = structuredClone(cache);
    expect(copy).toEqual(cache);
    const next = part(x, 5, 6);
    expect(attendNext(reference, plain, parameters, next, copy).output).toEqual(
      attendNext(reference, plain, parameters, next, cache).output,
    );
  });

  it("refuses more than its maximum, another mask, another batch and no mask at all", () => {
    const { parameters, x } = drawn(8);
    const { cache } = attendNext(reference, plain, parameters, part(x, 0, 5), createAttentionCache({ maximum: 5 }));
    const next = part(x, 5, 6);
    expect(() => attendNext(reference, plain, parameters, next, cache)).toThrow(
      "attendNext: expected at most maximum 5 tokens to be kept, got 6",
    );
    expect(() => attendNext(reference, { ...plain, mask: { window: 2 } }, parameters, next, cache)).toThrow(
      "attendNext: expected the cache's window all, got { window: 2 }",
    );
    const room = { ...cache, maximum: 9 };
    expect(() => attendNext(reference, plain, parameters, stackTensors([next, next]), room)).toThrow(
      "attendNext: expected keys [1, 12] of float64, as in the cache, got [2, 1, 12] of float64",
    );
    expect(() => createAttentionCache({ mask: "none" })).toThrow("createAttentionCache: expected a causal mask");
    expect(() => createAttentionCache({ maximum: untyped(0.5) })).toThrow(
      "createAttentionCache: expected maximum to be a whole number ≥ 1, got 0.5",
    );
  });
});
