/**
 * @file One step of training: a batch's loss, its gradient by every parameter, and Adam. The right answer is our gradient in
 * float64, which the tests of `@splineformer/training` compare with jax-js.
 */
import { numbers } from "./problems.js";

const { cpu64 } = await import("../../../packages/cpu/dist/index.js");
const { parametersOf } = await import("../../../packages/tensor/dist/index.js");
const { crossEntropy, gradient } = await import("../../../packages/training/dist/index.js");
const { createEncoder } = await import("../../../packages/transformer/dist/index.js");

/** An encoder that sorts digits into ten classes: 16 patches of 49 numbers, the mean of all tokens. */
export function trainingProblem(activation, norm, { layers = 2, width = 64, hidden = 128, n = 16, batch = 64 } = {}) {
  const [input, output] = [49, 10];
  const model = createEncoder({
    layers,
    width,
    heads: 4,
    hidden,
    input,
    output,
    positions: { learned: n },
    pool: "mean",
    norm,
    attention: { activation },
  });
  const x = numbers(21, batch * n * input);
  const labels = Int32Array.from({ length: batch }, (_, i) => (7 * i) % output);
  const oneHot = new Float32Array(batch * output);
  for (const [i, label] of labels.entries()) oneHot[i * output + label] = 1;
  const shape = { x: [batch, n, input], target: [batch, 1, output] };
  const parts = input * width + layers * (4 * width ** 2 + 2 * width * hidden + 2 * n * width);
  return {
    kind: "training",
    name: `training step, ${activation}, ${norm === "none" ? "no norm" : `${norm} norm`}`,
    config: model.config,
    parameters: parametersOf(model),
    tree: model.parameters,
    x,
    labels,
    oneHot,
    shape,
    batch,
    learningRate: 1e-4,
    // one pass forward, and two products for each of its products backward
    flops: 3 * 2 * batch * n * parts,
    expected() {
      const target = { dtype: "int32", shape: [batch, 1], data: labels };
      const given = { dtype: "float32", shape: shape.x, data: x };
      const { gradients } = gradient(model, given, (ops, y) => crossEntropy(ops, y, ops.constant(target)), {
        on: cpu64,
      });
      return Object.values(gradients).flatMap(({ data }) => [...data]);
    },
  };
}
