import { cpu } from "@splineformer/cpu";
import { forward, parametersOf, random, reference, withParameters } from "@splineformer/tensor";
import { batchNormalized, batchStatistics, createEncoder, foldBatchNorm } from "@splineformer/transformer";
import { describe, expect, test } from "vitest";
import { adam, fit, gradient, meanSquared } from "../src/index.ts";

const size = {
  layers: 1,
  width: 4,
  heads: 2,
  hidden: 5,
  input: 3,
  output: 2,
  norm: "affine",
  dtype: "float64",
} as const;

describe("batch norm in training", () => {
  test("gradients flow through the statistics: central differences find the same", () => {
    const model = batchNormalized(createEncoder({ ...size, seed: 1 }));
    const x = random(2).normal([7, 5, 3], { dtype: "float64" });
    const target = random(3).normal([7, 5, 2], { dtype: "float64" });
    const { gradients } = gradient(model, x, (ops, y) => meanSquared(ops, y, ops.constant(target)));
    const loss = (m: typeof model): number => meanSquared(reference, forward(m, x), target).data[0];
    const h = 1e-6;
    for (const name of ["input.weight", "blocks.0.norms.feedForward.weight", "blocks.0.attention.value.weight"]) {
      const value = parametersOf(model)[name];
      const moved = (by: number) => {
        const data = value.data.slice();
        data[1] += by;
        return withParameters(model, { [name]: { ...value, data } as typeof value });
      };
      // the error is h² times a third derivative, and a rounding over h
      expect((loss(moved(h)) - loss(moved(-h))) / (2 * h)).toBeCloseTo(gradients[name].data[1], 7);
    }
  });

  test("fit trains it on cpu, and folded it keeps what it learnt", async () => {
    const inputs = random(4).normal([89, 5, 3]);
    const targets = reference.sum(inputs, { axes: [-2], keep: true });
    const data = { inputs, targets: { ...targets, shape: [89, 1, 3] } };
    let trained = batchNormalized(createEncoder({ ...size, output: 3, dtype: "float32", pool: "mean", seed: 5 }));
    const losses: number[] = [];
    for await (const { model, loss } of fit(trained, data, {
      loss: meanSquared,
      optimizer: adam({ learningRate: 0.02 }),
      epochs: 20,
      on: cpu,
    })) {
      trained = model;
      losses.push(loss);
    }
    const folded = foldBatchNorm(trained, batchStatistics(trained, inputs, { on: cpu }));
    const after = meanSquared(reference, forward(folded, inputs), data.targets).data[0];
    expect(losses[0]).toBeGreaterThan(4);
    expect(after).toBeLessThan(losses[0] / 4);
  });
});
