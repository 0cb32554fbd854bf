import { random, tensor } from "@splineformer/tensor";
import { describe, expect, it, vi } from "vitest";
import {
  checkResidual,
  createDecoder,
  createEncoder,
  createLanguageModel,
  createTransformer,
  encoderFromParameters,
  residualSizes,
} from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

const deep = { layers: 12, width: 16, heads: 4, seed: 1 } as const;
const quiet = { warn: () => {} };
const x = random(2).normal([7, 16]);

describe("the sizes of the residual stream", () => {
  it("by hand: a block that adds x³", () => {
    const one = { weight: tensor([[1]]) };
    const model = encoderFromParameters(
      { layers: 2, width: 1, heads: 1, hidden: 0, layerScale: "none" },
      { blocks: [0, 1].map(() => ({ attention: { query: one, key: one, value: one, output: one } })) },
    );
    // one token sees itself: 1, 1 + 1³, 2 + 2³
    expect(residualSizes(model, tensor([[1]]))).toEqual({ input: 1, "block 0": 2, "block 1": 10 });
  });

  it("are told for both stacks of an encoder–decoder", () => {
    const model = createTransformer({ layers: 1, width: 6, heads: 3 });
    const source = random(3).normal([5, 6]);
    expect(Object.keys(residualSizes(model, { source, target: source }))).toEqual([
      "input",
      "encoder/block 0",
      "decoder/block 0",
    ]);
  });

  it("stay as they are by the defaults, at any depth", () => {
    for (const layers of [2, 6, 12]) {
      expect(checkResidual(createEncoder({ ...deep, layers }), x)).toBe(undefined);
      expect(checkResidual(createEncoder({ ...deep, layers, norm: "layer" }), x)).toBe(undefined);
    }
  });

  it("explode without LayerScale and clamp, and that is said before anything is trained", () => {
    const message = refusalOf(() => checkResidual(createEncoder({ ...deep, layerScale: 1, clamp: "none" }, quiet), x));
    expect(message).toMatch(
      /^RangeError: checkResidual: expected a residual stream that keeps its size, got [\d.e+, ]+ up to block \d+; clamp: 3, a smaller layerScale or a norm keeps it$/,
    );
  });

  it("are told of when a model is created, where they explode, and only then", () => {
    const said: string[] = [];
    const told = { warn: (message: string) => void said.push(message) };
    const plain = { ...deep, layerScale: 1, clamp: "none" } as const;
    // the recipe at every depth, norms that divide, trained or given weights
    for (const layers of [0, 1, 2, 3, 4, 5, 6, 12]) createEncoder({ ...deep, layers }, told);
    createEncoder({ ...plain, norm: "layer" }, told);
    const { config, parameters } = createEncoder(plain, quiet);
    encoderFromParameters(config, parameters);
    expect(said).toEqual([]);
    createEncoder(plain, told);
    expect(said.pop()).toMatch(
      /^createEncoder: the residual stream explodes from the start, 1\.0, [\d.e+, ]+ up to block \d+ of 12 for 8 tokens of deviation 1; clamp: 3, a smaller layerScale or a norm keeps it$/,
    );
    // a clamp bounds what is added, not what a factor of the residual does
    createEncoder({ ...deep, residualScale: 1.5 }, told);
    createDecoder({ ...plain, positions: "rotary" }, told);
    createLanguageModel({ ...plain, vocabulary: 5, positions: { learned: 3 } }, told);
    createTransformer({ ...plain, decoder: { clamp: 3 } }, told);
    expect(said.map((message) => message.split(": the")[0])).toEqual([
      "createEncoder",
      "createDecoder",
      "createLanguageModel",
      "createTransformer: encoder",
    ]);
    expect(refusalOf(() => createEncoder(deep, { warm: () => {} } as never))).toBe(
      'RangeError: createEncoder: expected options warn, got "warm"',
    );
  });

  it("are told of on the console by default", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    createEncoder({ ...deep, layerScale: 1, clamp: "none" });
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });

  it("need blocks and known options", () => {
    const none = createEncoder({ ...deep, layers: 0, output: 3 });
    expect(refusalOf(() => residualSizes(none, x))).toBe(
      "RangeError: residualSizes: expected a network with blocks, got 0",
    );
    expect(refusalOf(() => checkResidual(none, x, { device: 1 } as never))).toContain(
      "checkResidual: expected options on",
    );
    expect(refusalOf(() => checkResidual(none, tensor([1])))).toContain("ShapeError: checkResidual: expected input");
  });
});
