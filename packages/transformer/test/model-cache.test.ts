import {
  forward,
  random,
  reference,
  reference32,
  type SynchronousDevice,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import { float64Tolerance, relativeDifference, stackTensors } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import {
  type CachedModel,
  createCache,
  createDecoder,
  createEncoder,
  createLanguageModel,
  createTransformer,
  type DecoderOptions,
  type Encoder,
  encoderFromParameters,
  forwardNext,
  type LanguageModelOptions,
} from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

// 13 tokens of 17 ids; 6 heads of width 5 in 3 groups
const base = {
  vocabulary: 17,
  layers: 2,
  width: 7,
  heads: 6,
  headWidth: 5,
  keyValueHeads: 3,
  hidden: 11,
  seed: 3,
  dtype: "float64",
} as const;
const text = [3, 1, 16, 4, 0, 9, 9, 2, 6, 5, 11, 13, 8];
const ids = (values: readonly number[]): Tensor => tensor(values, { dtype: "int32" });

const rows = (x: Tensor, from: number, to: number): Tensor => reference.slice(x, { axis: -2, from, to });

/** The outputs of groups of these sizes, one after the other; with ids, or with vectors. */
function streamed(model: Encoder, x: Tensor, sizes: readonly number[], on: SynchronousDevice = reference): Tensor {
  let cache = createCache(model);
  let at = 0;
  let joined: Tensor | undefined;
  for (const size of sizes) {
    const part = x.dtype === "int32" ? ids([...x.data].slice(at, at + size)) : rows(x, at, at + size);
    const next = forwardNext(model, part, cache, { on });
    cache = next.cache;
    joined = joined ? reference.concat(joined, next.output, { axis: -2 }) : next.output;
    at += size;
  }
  return joined as Tensor;
}
const single = new Array<number>(13).fill(1);

const variants: Readonly<Record<string, Partial<LanguageModelOptions>>> = {
  "no positions": {},
  "learned positions": { positions: { learned: 13 } },
  "sinusoidal positions": { positions: "sinusoidal" },
  "rotary positions": { positions: "rotary", headWidth: 4 },
  "rotary positions in a window": { positions: "rotary", headWidth: 4, attention: { mask: { window: 5 } } },
  ALiBi: { positions: "alibi" },
  "ALiBi in a window": { positions: "alibi", attention: { mask: { window: 5 } } },
  "a window of 3": { attention: { mask: { window: 3 } }, positions: "sinusoidal" },
  "a window of 1": { attention: { mask: { window: 1 } }, positions: { learned: 19 } },
  "affine norms": { norm: "affine" },
  "layer norms after the sums": { norm: "layer", normPlacement: "post" },
  "rms norms before and after": { norm: "rms", normPlacement: "hybrid" },
  "layer norms before": { norm: "layer", normPlacement: "pre", positions: "sinusoidal" },
  "a clamp, factors, scaled residuals": { clamp: 0.5, layerScale: 0.3, residualScale: 1.5 },
  "no residuals, no feed-forward": { residual: false, hidden: 0 },
  "a head for each key": { heads: 2, keyValueHeads: 2 },
  "one head of keys": { keyValueHeads: 1 },
  "QK-norm and turned heads": { positions: "rotary", headWidth: 4, attention: { qkNorm: "layer" } },
  "no blocks": { layers: 0 },
};

describe("a model with a cache gives the rows of the full pass", () => {
  it("by hand: a ReLU layer of ones, 2 then 3", () => {
    const one = { weight: tensor([[1]]) };
    const model = encoderFromParameters(
      {
        layers: 1,
        width: 1,
        heads: 1,
        hidden: 0,
        layerScale: "none",
        attention: { mask: "causal", divide: "none" },
      },
      { blocks: [{ attention: { query: one, key: one, value: one, output: one } }] },
    );
    const first = forwardNext(model, tensor([[2]]), createCache(model));
    // 2 + 2·(2·2); 3 + 3·2·2 + 3·3·3
    expect([...first.output.data]).toEqual([10]);
    expect([...forwardNext(model, tensor([[3]]), first.cache).output.data]).toEqual([42]);
  });

  it.each(["relu", "softmax", "sigmoid", "sparsemax"] as const)(
    "for %s, with every option of a stack",
    (activation) => {
      for (const [name, options] of Object.entries(variants)) {
        const attention = { activation, ...options.attention };
        const model = createLanguageModel({ ...base, ...options, attention });
        // 1e-13 and 1e-6 are the promise
        const whole = forward(model, ids(text));
        for (const sizes of [single, [5, 1, 1, 6], [13]])
          expect(relativeDifference(streamed(model, ids(text), sizes), whole), name).toBeLessThan(1e-13);
        const rounded = forward(model, ids(text), { on: reference32 });
        const singly = streamed(model, ids(text), single, reference32);
        expect(relativeDifference(singly, rounded), name).toBeLessThan(1e-6);
      }
    },
  );

  it("for vectors, and for a batch as for its parts", () => {
    const model = createEncoder({
      ...base,
      vocabulary: "none",
      input: 3,
      output: 2,
      positions: "sinusoidal",
      attention: { mask: "causal" },
    });
    const parts = [1, 2].map((seed) => random(seed).normal([13, 3], { dtype: "float64" }));
    const both = streamed(model, stackTensors(parts), [4, ...single.slice(4)]);
    expect(relativeDifference(both, forward(model, stackTensors(parts)))).toBeLessThan(1e-13);
    const apart = stackTensors(parts.map((x) => streamed(model, x, single)));
    expect(relativeDifference(both, apart)).toBeLessThan(float64Tolerance);
  });
});

describe("a decoder with a source, token by token", () => {
  const sourced = { ...base, vocabulary: "none", memory: 5 } as const;
  const target = random(1).normal([13, 7], { dtype: "float64" });
  const source = random(2).normal([4, 5], { dtype: "float64" });
  const stream = (
    model: CachedModel,
    x: Tensor,
    from: Tensor,
    sizes: readonly number[],
    on: SynchronousDevice = reference,
  ) => {
    // biome-ignore format: one line
    let cache = createCache(model, { source: from, on });
    let joined: Tensor | undefined;
    let at = 0;
    for (const size of sizes) {
      const part = x.dtype === "int32" ? ids([...x.data].slice(at, at + size)) : rows(x, at, at + size);
      const next = forwardNext(model, part, cache, { on });
      joined = joined ? reference.concat(joined, next.output, { axis: -2 }) : next.output;
      cache = next.cache;
      at += size;
    }
    return joined as Tensor;
  };

  it.each(["relu", "softmax", "sigmoid", "sparsemax"] as const)(
    "equals the full pass, for %s with every option",
    (activation) => {
      // biome-ignore format: one line
      for (const [name, options] of Object.entries(variants)) {
      const { kind: _, ...rest } = { kind: undefined, ...options } as Partial<DecoderOptions>;
      const model = createDecoder({ ...sourced, ...rest, attention: { activation, ...options.attention } });
      const whole = forward(model, { source, target });
      // 1e-13 and 1e-6 are the promise
      for (const sizes of [single, [5, 1, 1, 6]])
        expect(relativeDifference(stream(model, target, source, sizes), whole), name).toBeLessThan(1e-13);
      const rounded = forward(model, { source, target }, { on: reference32 });
      expect(relativeDifference(stream(model, target, source, single, reference32), rounded), name).toBeLessThan(1e-6);
    }
    },
  );

  it("equals the full pass of an encoder–decoder of ids, and of a batch", () => {
    const model = createTransformer({ ...base, layers: 1, positions: "sinusoidal", decoder: { output: 17, clamp: 2 } });
    const about = ids([4, 0, 16]);
    const whole = forward(model, { source: about, target: ids(text) });
    expect(relativeDifference(stream(model, ids(text), about, single), whole)).toBeLessThan(1e-13);
    const decoder = createDecoder(sourced);
    const both = (x: Tensor) => stackTensors([x, reference.scale(x, { factor: -0.5 })]);
    const batch = stream(decoder, both(target), both(source), [4, ...single.slice(4)]);
    expect(relativeDifference(batch, forward(decoder, { source: both(source), target: both(target) }))).toBeLessThan(
      1e-13,
    );
  });

  it("asks for the source, once, and refuses one that does not fit", () => {
    const model = createDecoder(sourced);
    const of = (options: object) => refusalOf(() => createCache(model, options));
    expect(of({})).toBe("RangeError: createCache: expected a source, which the model's tokens look at, got undefined");
    expect(of({ source: target })).toMatch(/^ShapeError: createCache: expected input "source" /);
    expect(of({ source: { ...source, data: source.data.map(() => Number.NaN) } })).toMatch(
      /^RangeError: createCache: .*NaN/,
    );
    expect(refusalOf(() => createCache(createLanguageModel(base), { source }))).toMatch(/^RangeError: createCache: expected no source: the model has one input, got /); // biome-ignore format: one line
    const { sources: _, ...without } = createCache(model, { source });
    expect(refusalOf(() => forwardNext(model, rows(target, 0, 1), { ...without, sources: [] }))).toBe(
      "RangeError: forwardNext: expected a cache of 2 sources, as the model has, got 0",
    );
    expect(createCache(model, { source }).sources.map(({ key }) => key.shape)).toEqual([[4, 15], [4, 15]]); // biome-ignore format: one line
  });
});

describe("a model's cache", () => {
  it("is plain data and never changes, so that two texts may go on from one", () => {
    const model = createLanguageModel({ ...base, positions: "sinusoidal" });
    const start = forwardNext(model, ids(text.slice(0, 5)), createCache(model)).cache;
    const copy = structuredClone(start);
    const after = (id: number, cache = start): Tensor => forwardNext(model, ids([id]), cache).output;
    const [left, right] = [after(7), after(12)];
    expect(start.length).toBe(5);
    expect(after(7)).toEqual(left);
    expect(after(12, copy)).toEqual(right);
    for (const [id, got] of [[7, left], [12, right]] as const) // biome-ignore format: two pairs
      expect(relativeDifference(got, rows(forward(model, ids([...text.slice(0, 5), id])), 5, 6))).toBeLessThan(1e-13);
  });

  it("keeps no more than a window sees, however long the text", () => {
    const model = createLanguageModel({ ...base, attention: { mask: { window: 3 } } });
    let cache = createCache(model, { maximum: 3 });
    for (let k = 0; k < 100; k++) cache = forwardNext(model, ids([k % 17]), cache).cache;
    expect(cache.length).toBe(100);
    expect(cache.blocks.map(({ kept }) => kept)).toEqual([3, 3]);
  });

  it("stays valid where a call is refused", () => {
    const model = createLanguageModel({ ...base, positions: { learned: 5 } });
    const { cache } = forwardNext(model, ids(text.slice(0, 5)), createCache(model));
    expect(refusalOf(() => forwardNext(model, ids([1]), cache))).toBe(
      "ShapeError: positions: expected at most 5 tokens, got 6",
    );
    expect(cache.length).toBe(5);
    const narrow = forwardNext(model, ids([1]), createCache(model, { maximum: 1 })).cache;
    expect(refusalOf(() => forwardNext(model, ids([1]), narrow))).toMatch(
      /^RangeError: attendNext: expected at most maximum 1 tokens to be kept, got 2$/,
    );
  });

  it("is refused for models whose earlier outputs later tokens change", () => {
    const of = (options: object) => refusalOf(() => createCache(createEncoder({ layers: 1, width: 6, heads: 3, attention: { mask: "causal" }, ...options }))); // biome-ignore format: one call
    const start = "RangeError: createCache: expected";
    expect(of({ attention: {} })).toBe(`${start} a model with attention.mask "causal" or { window }, got "none"`);
    expect(of({ pool: "first" })).toBe(`${start} a model without pooling, got "first"`);
    expect(of({ input: 3, tokens: 5 })).toBe(`${start} a model that reads one token at a time, got { tokens: 5 }`);
    expect(of({ patches: { height: 2, width: 2, size: 1 } })).toMatch(/ expected a model of tokens, not of images, /);
    const open = createDecoder({ layers: 1, width: 6, heads: 3, attention: { mask: "none" } });
    expect(refusalOf(() => createCache(open))).toMatch(/ expected a model with attention.mask "causal" or /);
    expect(refusalOf(() => createCache(undefined as never))).toBe(`${start} a model, got undefined`);
  });

  it("is refused where it is another model's, or none", () => {
    const model = createLanguageModel(base);
    const more = createCache(createLanguageModel({ ...base, layers: 3 }));
    const window = createCache(createLanguageModel({ ...base, attention: { mask: { window: 3 } } }));
    const of = (cache: unknown, options?: object) => refusalOf(() => forwardNext(model, ids([1]), cache as never, options)); // biome-ignore format: one call
    const start = "RangeError: forwardNext: expected";
    expect(of(more)).toBe(`${start} a cache of 2 blocks, as the model has, got 3`);
    expect(of({})).toBe(`${start} a cache of createCache, got {}`);
    expect(of(window)).toBe('RangeError: attendNext: expected the cache\'s window 3, got "causal"');
    expect(of(createCache(model), { onn: reference })).toBe(`${start} options on, got "onn"`);
    expect(refusalOf(() => createCache(model, { maximum: 0.5 }))).toBe(
      "RangeError: createCache: expected maximum to be a whole number ≥ 1, got 0.5",
    );
    expect(refusalOf(() => forwardNext(model, ids([17]), createCache(model)))).toMatch(/ 17/);
  });
});
