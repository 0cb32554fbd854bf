import { random, tensor } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import { checkResidual, createEncoder, createTransformer, encoderFromParameters, residualSizes } from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

const deep = { layers: 12, width: 16, heads: 4, seed: 1 } as const;
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
    const message = refusalOf(() => checkResidual(createEncoder({ ...deep, layerScale: 1, clamp: "none" }), x));
    expect(message).toMatch(
      /^RangeError: checkResidual: expected a residual stream that keeps its size, got [\d.e+, ]+ up to block \d+; clamp: 3, a smaller layerScale or a norm keeps it$/,
    );
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
