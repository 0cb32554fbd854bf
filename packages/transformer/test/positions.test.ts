import { alibi, attend } from "@splineformer/attention";
import { forward, random, reference, reshape, type Tensor, toNested } from "@splineformer/tensor";
import { float64Tolerance, relativeDifference } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import { createEncoder, createTransformer, degree, loadSafetensors, saveSafetensors } from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

const bare = { layers: 1, width: 7, heads: 3, headWidth: 4, hidden: 0, residual: false, layerScale: "none", seed: 1, dtype: "float64" } as const; // biome-ignore format: one list
const x = random(2).normal([5, 7], { dtype: "float64" });

describe("positions that attention is told of", () => {
  it("are those of the layer: one block is attend with rotary embeddings, or ALiBi", () => {
    const told = { rotary: { rotary: {} }, alibi: { alibi: alibi(3) } };
    for (const positions of ["rotary", "alibi"] as const) {
      const model = createEncoder({ ...bare, positions });
      const config = { ...model.config.attention, heads: 3, keyValueHeads: 3, ...told[positions] };
      const expected = attend(reference, config, model.parameters.blocks[0].attention, x);
      expect(relativeDifference(forward(model, x), expected)).toBeLessThan(float64Tolerance);
      const without = forward(createEncoder(bare), x);
      expect(relativeDifference(forward(model, x), without)).toBeGreaterThan(0.01);
    }
  });

  it("tell distances, not places: what comes before a window changes nothing", () => {
    for (const positions of ["rotary", "alibi"] as const) {
      const model = createEncoder({ ...bare, positions, attention: { mask: { window: 2 } } });
      const rows = toNested(forward(model, x)) as number[][];
      const shifted = toNested(forward(model, reference.slice(x, { axis: -2, from: 2, to: 5 }))) as number[][];
      for (const row of [1, 2])
        for (const [i, z] of shifted[row].entries()) expect(rows[row + 2][i]).toBeCloseTo(z, 13);
    }
  });

  it("leave a spline one of the same degree, are kept in a file, and are for each stack's own tokens", () => {
    for (const positions of ["rotary", "alibi"] as const) {
      const model = createEncoder({ ...bare, positions });
      expect(degree(model).total).toBe(3);
      expect(loadSafetensors(saveSafetensors(model)).config).toEqual(model.config);
      // a batch, as for its parts
      const both = forward(model, reshape(random(3).normal([10, 7], { dtype: "float64" }), [2, 5, 7]));
      expect(both.shape).toEqual([2, 5, 7]);
      const pair = createTransformer({ layers: 1, width: 12, heads: 3, positions });
      const [source, target] = [5, 3].map((n): Tensor => random(n).normal([n, 12]));
      expect(forward(pair, { source, target }).shape).toEqual([3, 12]);
    }
  });

  it("are refused where they do not fit", () => {
    expect(refusalOf(() => createEncoder({ ...bare, headWidth: 5, positions: "rotary" }))).toBe(
      "RangeError: createEncoder: expected an even headWidth for rotary positions, got 5",
    );
    expect(refusalOf(() => createEncoder({ ...bare, positions: "cosine" as never }))).toBe(
      'RangeError: createEncoder: expected positions to be "none", "sinusoidal", "rotary", "alibi" or { learned: a whole number ≥ 1 }, got "cosine"',
    );
  });
});
