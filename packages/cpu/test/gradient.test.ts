import {
  cast,
  openAttention,
  reference,
  reference32,
  type SynchronousDevice,
  type Tensor,
  tensor,
  toNested,
  UnsupportedError,
} from "@splineformer/tensor";
import { againstRounded, seeded } from "@splineformer/testing";
import { describe, expect, test } from "vitest";
import { cpu, differentiateAttention } from "../src/index.ts";

const data = seeded(23);
const single = (x: Tensor) => cast(x, "float32");
type Options = Parameters<typeof differentiateAttention>[3];
type Gradients = ReturnType<ReturnType<typeof differentiateAttention>["pullback"]>;

/** The gradient of one head, by the formulas, from whole matrices; on a device that rounds, or not. */
function byMatrices(ops: SynchronousDevice, q: Tensor, k: Tensor, v: Tensor, g: Tensor, options: Options): Gradients {
  const { bias, visible, scale, mask, activation, divide } = options;
  const scores = ops.scale(ops.matmul(q, k, { transposeB: true }), { factor: scale });
  const z = bias ? ops.add(scores, bias) : scores;
  const p = ops.weigh(z, visible, { activation, mask, divide, order: 0 });
  const dp = ops.matmul(g, v, { transposeB: true });
  const ds =
    activation === "softmax"
      ? ops.multiply(
          p,
          ops.add(
            dp,
            ops.scale(rowSums(ops, ops.multiply(openAttention(ops, q, k, v, bias, visible, options), g)), {
              factor: -1,
            }),
          ),
        )
      : ops.multiply(ops.weigh(z, visible, { activation, mask, divide, order: 1 }), dp);
  const scaled = ops.scale(ds, { factor: scale });
  return {
    query: ops.matmul(scaled, k, {}),
    key: ops.matmul(scaled, q, { transposeA: true }),
    value: ops.matmul(p, g, { transposeA: true }),
  };
}
function dot(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += a.data[i] * b.data[i];
  return sum;
}
const rowSums = (ops: SynchronousDevice, x: Tensor) => ops.sum(x, { axes: [-1], keep: true });

describe("the gradient of fused attention", () => {
  test("by hand: one query and two keys of equal scores", () => {
    const options = {
      activation: "softmax",
      mask: "none",
      heads: 1,
      keyValueHeads: 1,
      scale: 1,
      divide: "none",
    } as const;
    const { output, pullback } = differentiateAttention(
      tensor([[1]]),
      tensor([[2], [2]]),
      tensor([[10], [20]]),
      options,
    );
    expect(toNested(output)).toEqual([[15]]);
    // p = ½, dp = (10, 20), D = 15: ds = (−2.5, 2.5)
    const { query, key, value } = pullback(tensor([[1]]));
    expect(toNested(value)).toEqual([[0.5], [0.5]]);
    expect(toNested(key)).toEqual([[-2.5], [2.5]]);
    expect(toNested(query)).toEqual([[0]]);
  });

  const activations = ["softmax", "identity", "relu", "squaredRelu", "softplus", "sigmoid", { name: "softplus", beta: 3 }, { name: "sigmoid", bias: -1 }] as const; // biome-ignore format: one list
  const masks = ["none", "causal", { window: 37 }] as const;
  // beyond a block of 160 keys and one of 64 queries
  const [n, m, d, e] = [149, 331, 7, 11];
  for (const activation of activations)
    for (const mask of masks)
      test(`${JSON.stringify(activation)}, mask ${JSON.stringify(mask)}: errs at most twice as much as by rounded matrices`, () => {
        const [q, k, v, g] = [data.normal([n, d]), data.normal([m, d]), data.normal([m, e]), data.normal([n, e])].map(single); // biome-ignore format: four operands
        const bias = mask === "causal" ? single(data.normal([n, m])) : undefined;
        const visible = mask === "causal" ? data.mask([n, m]) : undefined;
        const scale = mask === "none" ? -0.37 : 0.37;
        const divide = activation === "softmax" ? "none" : "length";
        const options = { activation, mask, heads: 1, keyValueHeads: 1, scale, divide, ...(bias && { bias }), ...(visible && { visible }) } as const; // biome-ignore format: one record
        const gradients = differentiateAttention(q, k, v, options).pullback(g);
        const expected = byMatrices(reference, q, k, v, g, options);
        const rounded = byMatrices(reference32, q, k, v, g, options);
        for (const name of ["query", "key", "value"] as const)
          expect(againstRounded(gradients[name], expected[name], rounded[name])).toMatchObject({ agrees: true });
      });

  test("grouped heads and operands that serve a whole batch get the sum of their gradients", () => {
    const options = {
      activation: "relu",
      mask: "none",
      heads: 4,
      keyValueHeads: 2,
      scale: 0.5,
      divide: "none",
    } as const;
    const [q, k, v] = [data.normal([3, 5, 4 * 2]), data.normal([7, 2 * 2]), data.normal([3, 7, 2 * 3])].map(single);
    const g = single(data.normal([3, 5, 4 * 3]));
    const { query, key, value } = differentiateAttention(q, k, v, options).pullback(g);
    expect([query.shape, key.shape, value.shape]).toEqual([q.shape, k.shape, v.shape]);
    // a small step along a direction: the gradients predict the change of Σ g · output
    const total = (a: Tensor, b: Tensor, c: Tensor) => {
      const out = openAttention(reference, a, b, c, undefined, undefined, options);
      return dot(out, g);
    };
    for (const [x, dx, at] of [
      [q, query, 0],
      [k, key, 1],
      [v, value, 2],
    ] as const) {
      // biome-ignore format: three operands
      const direction = data.normal(x.shape);
      const h = 1e-4;
      const moved = (by: number) => {
        const operands: Tensor[] = [q, k, v].map((y) => cast(y, "float64"));
        operands[at] = reference.add(x, reference.scale(direction, { factor: by }));
        return total(operands[0], operands[1], operands[2]);
      };
      const slope = (moved(h) - moved(-h)) / (2 * h);
      const predicted = dot(dx, direction);
      // ReLU attention is cubic along a line where no score changes sign, so the difference quotient errs by h² = 1e-8 times a third derivative of the order of the values
      expect(Math.abs(predicted - slope)).toBeLessThan(1e-4 * Math.max(1, Math.abs(slope)));
    }
  });

  test("a query that sees nothing moves nothing", () => {
    const options = { activation: "softmax", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none", visible: tensor([[false, false]]) } as const; // biome-ignore format: one record
    const { query, key, value } = differentiateAttention(tensor([[1]]), tensor([[2], [3]]), tensor([[5], [7]]), options).pullback(tensor([[1]])); // biome-ignore format: one call
    for (const x of [query, key, value]) expect(x.data.every((y) => y === 0)).toBe(true);
  });

  test("says what it can't differentiate, and which gradient it expects", () => {
    const options = {
      activation: "sparsemax",
      mask: "none",
      heads: 1,
      keyValueHeads: 1,
      scale: 1,
      divide: "none",
    } as const;
    const x = tensor([[1]]);
    expect(() => differentiateAttention(x, x, x, options)).toThrow(UnsupportedError);
    expect(() => differentiateAttention(x, x, x, options)).toThrow(
      "differentiateAttention: expected an activation whose gradient is fused (softmax, relu, squaredRelu, softplus, sigmoid, identity), got sparsemax",
    );
    const { pullback } = differentiateAttention(x, x, x, { ...options, activation: "relu" });
    expect(() => pullback(tensor([[1, 2]]))).toThrow(
      "pullback: expected a gradient of the output's shape [1, 1], got [1, 2]",
    );
    expect(cpu.backend).toBe("wasm");
  });
});
