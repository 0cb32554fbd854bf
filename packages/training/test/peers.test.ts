/** @file Whole models against another library; `tooling/bench/src/gradient-vectors.js` wrote the numbers. */
import { type Network, tensor } from "@splineformer/tensor";
import { float64Tolerance } from "@splineformer/testing";
import { loadJson } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";
import { crossEntropy, gradient, meanSquared } from "../src/index.ts";
import vectors from "./peers/gradients.json";

const losses = { crossEntropy, meanSquared };

interface Values {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
interface Case {
  readonly name: string;
  readonly loss: keyof typeof losses;
  readonly model: object;
  readonly inputs: Values;
  readonly targets: Values;
  readonly expected: { readonly loss: number; readonly gradients: Readonly<Record<string, readonly number[]>> };
}

const numbers = ({ shape, values }: Values) => tensor(Float64Array.from(values), shape);
const ids = ({ shape, values }: Values) => tensor(Int32Array.from(values), shape);

describe("losses and gradients of whole models agree with jax-js in float64", () => {
  it.each((vectors.cases as unknown as readonly Case[]).map((entry) => [entry.name, entry] as const))(
    "%s",
    (_, { model, loss, inputs, targets, expected }) => {
      const network = loadJson(JSON.stringify(model)) as Network<"x">;
      const x = inputs.shape.length === 2 ? ids(inputs) : numbers(inputs);
      const target = loss === "crossEntropy" ? ids(targets) : numbers(targets);
      const found = gradient(network, x, (ops, y) => losses[loss](ops, y, ops.constant(target)));
      expect(Math.abs(found.loss - expected.loss)).toBeLessThan(float64Tolerance * expected.loss);
      expect(Object.keys(found.gradients)).toEqual(Object.keys(expected.gradients));
      // of the largest entry: by the bias of keys, which shifts all scores of a query alike, softmax has gradient 0
      const scale = Math.max(...Object.values(expected.gradients).flat().map(Math.abs));
      for (const [name, values] of Object.entries(expected.gradients))
        for (const [i, value] of values.entries())
          expect(Math.abs(found.gradients[name].data[i] - value), `${name} ${i}`).toBeLessThan(
            float64Tolerance * scale,
          );
    },
  );
});
