import { countPieces, pieceBound, restrictToLine } from "@splineformer/analysis";
import { type Network, random, type Tensor, tensor } from "@splineformer/tensor";
import { createEncoder } from "@splineformer/transformer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawn, draws } from "./random-networks.ts";

const lineOf = (tokens: number, width: number, seed: number): [Tensor, Tensor] => {
  const numbers = random(seed);
  const draw = (): Tensor => numbers.normal([tokens, width], { dtype: "float64" });
  return [draw(), draw()];
};

describe("the number of pieces", () => {
  it("by polynomial leaves out switches that nobody sees", () => {
    // outputs (ReLU(t − 1/4), 0 · ReLU(t − 1/2), t)
    const blind: Network<"x"> = {
      inputs: { x: [1, 1] },
      config: {},
      parameters: {},
      run(ops, _, { x }) {
        const moved = ops.add(ops.matmul(x, ops.constant(tensor([[1, 1]])), {}), ops.constant(tensor([[-0.25, -0.5]])));
        const units = ops.activate(moved, { activation: "relu", order: 0 });
        return ops.add(
          ops.matmul(
            units,
            ops.constant(
              tensor([
                [1, 0, 0],
                [0, 0, 0],
              ]),
            ),
            {},
          ),
          ops.matmul(x, ops.constant(tensor([[0, 0, 1]])), {}),
        );
      },
    };
    const path = restrictToLine(blind, tensor([[0]]), tensor([[1]]));
    expect(countPieces(path)).toBe(3);
    expect(countPieces(path, { by: "pattern" })).toBe(3);
    expect(countPieces(path, { by: "polynomial" })).toBe(2);
  });

  it("is at most that of patterns, and both are within the bound, for random networks", () => {
    fc.assert(
      fc.property(drawn, ({ network, from, to }) => {
        const path = restrictToLine(network, from, to);
        const patterns = countPieces(path);
        expect(patterns).toBe(path.breakpoints.length - 1);
        expect(countPieces(path, { by: "polynomial" })).toBeLessThanOrEqual(patterns);
        expect(BigInt(patterns)).toBeLessThanOrEqual(pieceBound(network, from, to).pieces);
      }),
      draws,
    );
  });

  it("refuses another way of counting", () => {
    const path = restrictToLine(
      createEncoder({ layers: 1, width: 4, heads: 2, hidden: 3, seed: 1 }),
      ...lineOf(2, 4, 1),
    );
    // @ts-expect-error no such way
    expect(() => countPieces(path, { by: "region" })).toThrow(
      'countPieces: expected by "pattern" or "polynomial", got "region"',
    );
  });
});

describe("the bound", () => {
  const formula = (layers: number, heads: number, hidden: number, scores: number, tokens: number): bigint => {
    let product = 1n;
    for (let l = 0; l < layers; l++)
      product *= BigInt(2 * 3 ** l * heads * scores + 1) * BigInt(3 ** (l + 1) * hidden * tokens + 1);
    return product;
  };
  const encoder = (layers: number, mask: "none" | "causal") =>
    createEncoder({ layers, width: 4, heads: 2, hidden: 5, attention: { mask }, seed: 2, dtype: "float64" });

  it("is Π (2·3^l·h·p² + 1)(3^(l+1)·w·p + 1), and p(p + 1)/2 for p² with a causal mask", () => {
    for (const layers of [1, 2, 3]) {
      expect(pieceBound(encoder(layers, "none"), ...lineOf(3, 4, 1)).pieces).toBe(formula(layers, 2, 5, 9, 3));
      expect(pieceBound(encoder(layers, "causal"), ...lineOf(3, 4, 1)).pieces).toBe(formula(layers, 2, 5, 6, 3));
    }
  });

  it("is attained by one unit of degree 1, and by one of degree 2", () => {
    const hinge = (twice: boolean): Network<"x"> => ({
      inputs: { x: [1] },
      config: {},
      parameters: {},
      run: (ops, _, { x }) =>
        ops.activate(twice ? ops.add(ops.multiply(x, x), ops.constant(tensor([-0.25]))) : x, {
          activation: "relu",
          order: 0,
        }),
    });
    for (const [twice, pieces] of [
      [false, 2],
      [true, 3],
    ] as const) {
      const line = [tensor([-1]), tensor([1])] as const;
      expect(pieceBound(hinge(twice), ...line).pieces).toBe(BigInt(pieces));
      expect(countPieces(restrictToLine(hinge(twice), ...line))).toBe(pieces);
    }
  });

  it("refuses what is no spline by name", () => {
    const soft = createEncoder({ layers: 1, width: 4, heads: 2, hidden: 3, attention: { activation: "softmax" } });
    expect(() => pieceBound(soft, ...lineOf(2, 4, 1))).toThrow("pieceBound: expected a piecewise polynomial");
  });
});
