import { forward, parametersOf, tensor } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import { createEncoder, createLanguageModel, loadSafetensors, saveSafetensors } from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

const small = { vocabulary: 11, layers: 2, width: 6, heads: 3, positions: { learned: 13 } } as const;
const ids = (...values: number[]) => tensor(values, { dtype: "int32" });

describe("a causal language model", () => {
  const model = createLanguageModel(small);

  it("gives logits of the id that follows each token, and none that knows it", () => {
    const all = forward(model, ids(3, 1, 10, 4, 0));
    expect(all.shape).toEqual([5, 11]);
    // a change of the last token, and a shorter text, change no logits before
    const changed = forward(model, ids(3, 1, 10, 4, 9));
    expect(changed.data.slice(0, 44)).toEqual(all.data.slice(0, 44));
    expect(changed.data.slice(44)).not.toEqual(all.data.slice(44));
    expect(forward(model, ids(3, 1, 10)).data).toEqual(all.data.slice(0, 33));
    expect(
      forward(
        model,
        tensor([
          [3, 1],
          [0, 0],
        ]),
      ).shape,
    ).toEqual([2, 2, 11]);
  });

  it("is an encoder: drawn, saved and loaded as one", () => {
    const { config } = model;
    expect(config).toMatchObject({ kind: "encoder", vocabulary: 11, output: 11, pool: "none" });
    expect(config.attention.mask).toBe("causal");
    expect(parametersOf(createEncoder(config))).toEqual(parametersOf(model));
    const again = loadSafetensors(saveSafetensors(model));
    expect(again.config).toEqual(config);
    expect(parametersOf(again)).toEqual(parametersOf(model));
    expect(createLanguageModel({ ...small, attention: { mask: { window: 3 } } }).config.attention.mask).toEqual({
      window: 3,
    });
  });

  it("refuses what would let a token see a later one, what is decided, and texts that are too long", () => {
    const of = (options: object) => refusalOf(() => createLanguageModel({ ...small, ...options }));
    const start = "RangeError: createLanguageModel: expected";
    expect(of({ attention: { mask: "none" } })).toBe(
      `${start} mask "causal" or { window }, so that no token sees a later one, got "none"`,
    );
    expect(of({ vocabulary: undefined })).toBe(`${start} vocabulary to be a whole number ≥ 1, got undefined`);
    expect(of({ output: 11 })).toMatch(/^RangeError: createLanguageModel: expected options kind, .*, got "output"$/);
    expect(of({ attention: { masks: "causal" } })).toBe(
      'RangeError: createLanguageModel: attention: expected options activation, divide, scale, mask, qkNorm, got "masks"',
    );
    expect(refusalOf(() => forward(model, ids(...Array(14).fill(0))))).toBe(
      "ShapeError: positions: expected at most 13 tokens, got 14",
    );
  });
});
