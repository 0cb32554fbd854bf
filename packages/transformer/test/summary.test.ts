import { type Network, parametersOf, sizeOf, tensor } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import { createEncoder, createLanguageModel, createTransformer, summary } from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

const lines = (text: string): string[] => text.split("\n").map((line) => line.trimEnd());
const cells = (line: string): string[] => line.trim().split(/ {2,}/);

describe("summary", () => {
  it("by hand: shapes, parameters, work, memory and degree of each part", () => {
    const model = createEncoder({ layers: 1, width: 2, heads: 1, hidden: 3, layerScale: "none", input: 5 });
    expect(lines(summary(model, { lengths: { tokens: 7 } }))).toEqual([
      "part                 result  parameters  FLOPs",
      "──────────────────────────────────────────────",
      "x                    [7, 5]           0      0",
      // 2 · 7 · 5 · 2 and a bias of 14
      "input                [7, 2]          12    154",
      // four maps of 2 · 7 · 2 · 2 + 14; scores and mixing of 2 · 7 · 7 · 2 each; scale, ReLU and division of 49 each; the sum of 14
      "block 0/attention    [7, 2]          24    833",
      // to 3: 2 · 7 · 2 · 3 + 21, ReLU 21; back: 2 · 7 · 3 · 2 + 14; the sum of 14
      "block 0/feedForward  [7, 2]          17    238",
      "──────────────────────────────────────────────",
      "total                                53  1,225",
      // scores of 49 twice; what waits for the residual sum 14; values 14
      "memory 212 B of parameters, 504 B between operations (float32)",
      "degree 3",
    ]);
  });

  it("counts every parameter once, wherever it is read, and those that nothing reads in the total", () => {
    for (const model of [
      createEncoder({ layers: 3, width: 6, heads: 3, norm: "affine", normPlacement: "hybrid", output: 5 }),
      createTransformer({ layers: 2, width: 6, heads: 3 }),
      createLanguageModel({ vocabulary: 13, layers: 1, width: 6, heads: 3, positions: { learned: 11 } }),
    ]) {
      const rows = lines(summary(model as Network<string>))
        .filter((line) => !line.startsWith("─"))
        .slice(1, -3);
      const counts = rows.map((row) => Number(cells(row)[2].replaceAll(",", "")));
      const total = Object.values(parametersOf(model)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      expect(counts.reduce((sum, n) => sum + n, 0)).toBe(total);
    }
    const idle: Network<"x"> = {
      inputs: { x: [2] },
      config: {},
      parameters: { idle: tensor([1, 2, 3]) },
      run: (ops, _, { x }) => ops.add(x, x),
    };
    expect(lines(summary(idle)).map(cells)).toContainEqual(["total", "3", "2"]);
    expect(lines(summary(idle)).map(cells)).toContainEqual(["(top)", "[2]", "0", "2"]);
  });

  it("tells the degree in each input, or the place where the network is no spline, or where it grows too large", () => {
    const last = (model: unknown) => lines(summary(model as Network<string>)).at(-1);
    expect(last(createTransformer({ layers: 1, width: 2, heads: 1 }))).toBe("degree 9 (6 in source, 3 in target)");
    expect(last(createEncoder({ layers: 2, width: 2, heads: 1, norm: "layer" }))).toBe(
      "no degree: expected a piecewise polynomial operation, got normalize at block 0/attention/norm",
    );
    expect(last(createEncoder({ layers: 34, width: 1, heads: 1, hidden: 1 }))).toBe(
      "no degree: expected a degree below 2^53, got 11118121133111046 at block 33/attention",
    );
  });

  it("work grows with tokens: linearly in maps, quadratically in attention", () => {
    const model = createEncoder({ layers: 1, width: 6, heads: 3, layerScale: "none" });
    const work = (tokens: number): number[] =>
      lines(summary(model, { lengths: { tokens } }))
        .filter((line) => line.startsWith("block"))
        .map((row) => Number(cells(row)[3].replaceAll(",", "")));
    const [attention, feedForward] = [0, 1].map((i) => (n: number) => work(n)[i]);
    expect(feedForward(22)).toBe(2 * feedForward(11));
    // an + bn² has third differences 0 and second differences that are equal
    const [a, b, c, d] = [5, 10, 15, 20].map(attention);
    expect(d - 3 * c + 3 * b - a).toBe(0);
    expect(c - 2 * b + a).toBeGreaterThan(0);
  });

  it("refuses what is no network, and lengths that are not free", () => {
    expect(refusalOf(() => summary(undefined as never))).toBe(
      "RangeError: summary: expected a network { inputs, config, parameters, run }, got undefined",
    );
    const model = createEncoder({ layers: 1, width: 2, heads: 1 });
    expect(refusalOf(() => summary(model, { lengths: { token: 3 } }))).toBe(
      'RangeError: summary: lengths: expected options tokens, got "token"',
    );
    expect(refusalOf(() => summary(model, { lengths: { tokens: 0 } }))).toBe(
      "RangeError: summary: expected length tokens to be a whole number > 0, got 0",
    );
  });
});
