import { forward, random, reference32, tensor } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import { createEncoder, createLanguageModel, createTransformer, type GenerateOptions, generate } from "../src/index.ts";
import { sampler } from "../src/sampling.ts";
import { refusalOf } from "./refusal.ts";

const model = createLanguageModel({
  vocabulary: 17,
  layers: 2,
  width: 10,
  heads: 5,
  positions: { learned: 23 },
  seed: 5,
});

async function textOf(prompt: readonly number[], options: GenerateOptions = {}): Promise<number[]> {
  const found: number[] = [];
  for await (const id of generate(model, prompt, options)) found.push(id);
  return found;
}

/** What the full pass would take: the largest logit of the last row, again and again. */
function naive(prompt: readonly number[], count: number): number[] {
  const ids = [...prompt];
  for (let k = 0; k < count; k++) {
    const last = forward(model, tensor(ids, { dtype: "int32" })).data.slice(-17);
    ids.push(last.indexOf(Math.max(...last)));
  }
  return ids.slice(prompt.length);
}

describe("generating", () => {
  it("takes the largest logit of the full pass each time", async () => {
    for (const prompt of [[3], [3, 1, 16], [0, 0, 0, 0]])
      expect(await textOf(prompt, { maximum: 19 })).toEqual(naive(prompt, 19));
    expect(await textOf([3, 1], { maximum: 7, on: reference32 })).toHaveLength(7);
    const ids = [];
    for await (const id of generate(model, tensor([3, 1, 16], { dtype: "int32" }), { maximum: 19 })) ids.push(id);
    expect(ids).toEqual(naive([3, 1, 16], 19));
  });

  it("about a source takes the largest logit of the encoder–decoder's full pass", async () => {
    const about = { layers: 1, width: 6, heads: 3, vocabulary: 11 } as const;
    const both = createTransformer({ ...about, decoder: { output: 11 }, positions: "sinusoidal", seed: 4 });
    const source = tensor([7, 2, 2, 9], { dtype: "int32" });
    const ids = [3];
    for (let k = 0; k < 7; k++) {
      const last = forward(both, { source, target: tensor(ids, { dtype: "int32" }) }).data.slice(-11);
      ids.push(last.indexOf(Math.max(...last)));
    }
    const found: number[] = [];
    for await (const id of generate(both, [3], { source, maximum: 7 })) found.push(id);
    expect(found).toEqual(ids.slice(1));
    expect(refusalOf(() => generate(both, [3]))).toBe(
      "RangeError: generate: expected a source, which the model's tokens look at, got undefined",
    );
  });

  it("draws the same text for a seed, another for another, and goes on as if never interrupted", async () => {
    const options = { temperature: 1.3, topK: 11, topP: 0.95, seed: 7 };
    const whole = await textOf([3, 1], { ...options, maximum: 13 });
    expect(await textOf([3, 1], { ...options, maximum: 13 })).toEqual(whole);
    expect(await textOf([3, 1], { ...options, maximum: 13, seed: 8 })).not.toEqual(whole);
    expect(await textOf([3, 1, ...whole.slice(0, 5)], { ...options, maximum: 8 })).toEqual(whole.slice(5));
  });

  it("ends at the maximum, at a stop id, which is not given, and where positions end", async () => {
    const whole = naive([3], 19);
    expect(await textOf([3], { maximum: 5 })).toEqual(whole.slice(0, 5));
    expect(await textOf([3], { maximum: 0 })).toEqual([]);
    const stop = whole[4];
    expect(await textOf([3], { stop: [stop] })).toEqual(whole.slice(0, whole.indexOf(stop)));
    // 23 positions: 20 are left after the prompt, and the last id needs none
    expect(await textOf([3, 1, 16])).toHaveLength(21);
  });

  it("goes on without end in a window", async () => {
    const endless = createLanguageModel({
      vocabulary: 5,
      layers: 1,
      width: 4,
      heads: 2,
      attention: { mask: { window: 3 } },
    });
    let count = 0;
    for await (const _ of generate(endless, [1], { maximum: 1000 })) if (++count === 300) break;
    expect(count).toBe(300);
  });

  it("stops with the signal's reason, and lets the event loop turn", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const found: number[] = [];
    const run = async (): Promise<void> => {
      for await (const id of generate(model, [3], { signal: controller.signal })) {
        found.push(id);
        if (found.length === 4) controller.abort(reason);
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(found).toHaveLength(4);
  });

  it("refuses what does not fit at once, before the first id is asked for", () => {
    const of = (prompt: unknown, options?: object, network: unknown = model) => refusalOf(() => generate(network as never, prompt as never, options)); // biome-ignore format: one call
    const start = "RangeError: generate: expected";
    expect(of([])).toBe(`${start} a prompt of at least one id, got []`);
    expect(of("abc")).toBe(`${start} prompt to be a list of ids, got "abc"`);
    expect(of([17])).toBe(`${start} prompt of ids in [0, 17), got 17`);
    expect(of([0.5])).toBe(`${start} prompt of ids in [0, 17), got 0.5`);
    expect(of(tensor([[1]], { dtype: "int32" }))).toBe(`${start} a prompt of one axis, got [1, 1]`);
    expect(of(new Array(24).fill(0))).toBe(
      `${start} a prompt of at most 23 ids, for which there are positions, got 24`,
    );
    expect(of([1], { maximum: 24 })).toBe(
      `${start} maximum ≤ 23, for which there are positions after the prompt, got 24`,
    );
    expect(of([1], { maximum: -1 })).toBe(`${start} maximum to be a whole number ≥ 0, got -1`);
    expect(of([1], { temperature: -1 })).toBe(`${start} a finite temperature ≥ 0, got -1`);
    expect(of([1], { topK: 0 })).toBe(`${start} topK to be a whole number ≥ 1, got 0`);
    expect(of([1], { topP: 0 })).toBe(`${start} topP in (0, 1], got 0`);
    expect(of([1], { topP: Number.NaN })).toBe(`${start} topP in (0, 1], got NaN`);
    expect(of([1], { stop: [17] })).toBe(`${start} stop of ids in [0, 17), got 17`);
    expect(of([1], { seed: -1 })).toMatch(/expected seed to be a whole number/);
    expect(of([1], { top: 1 })).toMatch(/^RangeError: generate: expected options temperature, .*, got "top"$/);
    const encoder = createEncoder({ layers: 1, width: 6, heads: 3, attention: { mask: "causal" } });
    expect(of([1], {}, encoder)).toBe(
      `${start} a language model, with a vocabulary and an output of its size, got { vocabulary: "none", output: "none" }`,
    );
  });
});

describe("choosing from logits", () => {
  const none = (): number => {
    throw new Error("nothing is drawn");
  };

  it("takes the first of the largest without drawing", () => {
    expect(sampler("demo", {})([1, 3, 3, 2], none)).toBe(1);
    expect(sampler("demo", { topK: 1, topP: 0.5 })([1, 3, 3, 2], none)).toBe(1);
  });

  it("by hand: probabilities 1/2, 1/4, 1/4 in the order of ids", () => {
    const z = [Math.log(2), 0, 0];
    const choose = (u: number, options = {}) => sampler("demo", { temperature: 1, ...options })(z, () => u);
    expect([0, 0.49, 0.51, 0.74, 0.76, 0.999].map((u) => choose(u))).toEqual([0, 0, 1, 1, 2, 2]);
    // the two most probable: 2/3, 1/3; the lower id of two equal ones
    expect([0.66, 0.67, 0.99].map((u) => choose(u, { topK: 2 }))).toEqual([0, 1, 1]);
    expect([0.66, 0.67, 0.99].map((u) => choose(u, { topP: 0.6 }))).toEqual([0, 1, 1]);
    // half is made up by one
    expect([0, 0.99].map((u) => choose(u, { topP: 0.5 }))).toEqual([0, 0]);
    // at temperature 1/2 the squares: 4/6, 1/6, 1/6
    expect([0.66, 0.67, 0.83, 0.84].map((u) => choose(u, { temperature: 0.5 }))).toEqual([0, 1, 1, 2]);
  });

  it("draws with the frequencies of softmax", () => {
    const generator = random(3);
    const z = [0.3, -1, 1.2, 0, -0.4];
    const choose = sampler("demo", { temperature: 0.7 });
    const count = new Array<number>(5).fill(0);
    const n = 20_000;
    for (let k = 0; k < n; k++) count[choose(z, () => generator.number())]++;
    const e = z.map((value) => Math.exp(value / 0.7));
    const sum = e.reduce((a, b) => a + b);
    // five standard deviations of a binomial count, at most √(n/4): the seed is fixed
    for (const [id, value] of e.entries())
      expect(Math.abs(count[id] - (n * value) / sum)).toBeLessThan(5 * Math.sqrt(n / 4));
  });

  it("never takes what has no probability, however extreme the temperature", () => {
    for (const temperature of [Number.MIN_VALUE, 1e-300, 1e-3])
      for (const u of [0, 0.5, 1 - 2 ** -53]) expect(sampler("demo", { temperature })([0, 9, 5, -3], () => u)).toBe(1);
    expect(sampler("demo", { temperature: Number.MAX_VALUE })([0, 9, 5, -3], () => 1 - 2 ** -53)).toBe(3);
  });

  it("refuses logits that are no numbers", () => {
    expect(refusalOf(() => sampler("demo", {})([0, Number.NaN], none))).toBe(
      "RangeError: demo: expected logits to be finite, got NaN for id 1",
    );
  });
});
