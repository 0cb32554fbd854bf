import { cpu64 } from "@splineformer/cpu";
import {
  forward,
  type Network,
  type Ops,
  parametersOf,
  reference,
  type Shaped,
  type Tensor,
  tensor,
  toNested,
  withParameters,
} from "@splineformer/tensor";
import { seeded } from "@splineformer/testing";
import { createDecoder, createEncoder, createTransformer } from "@splineformer/transformer";
import { describe, expect, test } from "vitest";
import { crossEntropy, type Gradient, gradient, meanSquared } from "../src/index.ts";

const data = seeded(59);
const common = { layers: 2, width: 6, heads: 3, hidden: 7, input: 5, output: 4, seed: 3 } as const;

describe("gradient", () => {
  const encoder = createEncoder({ ...common, attention: { activation: "relu", divide: "length" } });
  const x = data.normal([2, 3, 5]);
  const target = data.normal([2, 3, 4]);

  /** Compares with difference quotients of the loss along a random direction in each parameter. */
  function expectSlopes(network: typeof encoder, loss: (changed: typeof encoder) => number, found: Gradient): void {
    for (const [name, parameter] of Object.entries(parametersOf(network))) {
      const v = data.normal(parameter.shape);
      const moved = (by: number): number =>
        loss(withParameters(network, { [name]: reference.add(parameter, reference.scale(v, { factor: by })) }));
      const quotient = (h: number): number => (moved(h) - moved(-h)) / (2 * h);
      const h = 2 ** -13;
      const slope = (4 * quotient(h / 2) - quotient(h)) / 3;
      let expected = 0;
      for (const [i, g] of found.gradients[name].data.entries()) expected += g * v.data[i];
      // rounding of the loss over h, for some hundred roundings; the extrapolated quotient errs by h⁴ = 2⁻⁵² beside it
      expect(Math.abs(slope - expected), name).toBeLessThan(2 ** -33 * Math.max(1, found.loss));
    }
  }

  for (const [title, attention, norm] of [
    ["a ReLU encoder", { activation: "relu", divide: "length" }, "none"],
    ["a softmax encoder with LayerNorm", { activation: "softmax" }, "layer"],
    ["a causal sigmoid encoder with RMSNorm", { activation: "sigmoid", mask: "causal" }, "rms"],
    ["a sparsemax encoder", { activation: "sparsemax" }, "none"],
  ] as const)
    test(`${title}: every parameter's slope is that of a difference quotient`, () => {
      const network = createEncoder({ ...common, attention, norm });
      const loss = (changed: typeof network): number => meanSquared(reference, forward(changed, x), target).data[0];
      const found = gradient(network, x, (ops, y) => meanSquared(ops, y, ops.constant(target)));
      expect(found.loss).toBeCloseTo(loss(network), 13);
      expectSlopes(network, loss, found);
    });

  test("a decoder and an encoder–decoder have gradients by every parameter", () => {
    for (const network of [createDecoder(common), createTransformer(common)]) {
      const inputs = Object.fromEntries(
        Object.entries(network.inputs).map(([name, shape]) => [name, data.normal([2, 3, shape.at(-1) as number])]),
      ) as Parameters<typeof gradient>[1];
      const { gradients } = gradient(network as never, inputs, (ops, y) => meanSquared(ops, y, ops.constant(target)));
      for (const [name, g] of Object.entries(gradients)) {
        expect(g.shape).toEqual(parametersOf(network)[name].shape);
        const moves = g.data.some((entry) => Math.abs(entry) > 2 ** -40);
        expect(moves, name).toBe(true);
      }
    }
  });

  test("is the same on another device, to rounding", () => {
    const classes = tensor([[0, 1, 2], [3, 0, 1]], { dtype: "int32" }); // biome-ignore format: two rows
    const loss = <T extends Shaped>(ops: Ops<T>, y: T): T => crossEntropy(ops, y, ops.constant(classes));
    const plain = gradient(encoder, x, loss);
    const fast = gradient(encoder, x, loss, { on: cpu64 });
    expect(fast.loss).toBeCloseTo(plain.loss, 13);
    for (const [name, g] of Object.entries(plain.gradients))
      for (const [i, expected] of g.data.entries()) expect(fast.gradients[name].data[i]).toBeCloseTo(expected, 12);
  });

  test("gives zeros for a parameter that the loss does not depend on", () => {
    const network = {
      inputs: { x: [2] },
      config: {},
      parameters: { used: tensor([3, 5]), unused: tensor([[7]]) },
      run: (ops, { used }, { x }) => ops.multiply(used, x),
    } as Network<"x", object, { used: Tensor; unused: Tensor }>;
    const { gradients } = gradient(network, tensor([1, 2]), (ops, y) => ops.sum(y, { axes: [-1], keep: false }));
    expect(toNested(gradients.used)).toEqual([1, 2]);
    expect(toNested(gradients.unused)).toEqual([[0]]);
  });

  test("refuses a loss that is no scalar and inputs that do not fit", () => {
    expect(() => gradient(encoder, x, (_, y) => y)).toThrow(
      "gradient: expected a loss that is a scalar, [], got one of shape [2, 3, 4]",
    );
    expect(() => gradient(encoder, tensor([[1]]), (_, y) => y)).toThrow(
      'gradient: expected input "x" of shape [.., tokens, 5], got [1, 1]',
    );
  });
});
