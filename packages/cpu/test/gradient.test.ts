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
import { againstRounded, dot, moved, oneHead, seeded, slopeAt0 } from "@splineformer/testing";
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
/** A bound of their dot product. */
const size = (a: Tensor, b: Tensor): number => Math.hypot(...a.data) * Math.hypot(...b.data);
const rowSums = (ops: SynchronousDevice, x: Tensor) => ops.sum(x, { axes: [-1], keep: true });

describe("the gradient of fused attention", () => {
  test("by hand: one query and two keys of equal scores", () => {
    const options = { ...oneHead, activation: "softmax" } as const;
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
    const options = { ...oneHead, heads: 4, keyValueHeads: 2, scale: 0.5 } as const;
    const [q, k, v] = [data.normal([3, 5, 4 * 2]), data.normal([7, 2 * 2]), data.normal([3, 7, 2 * 3])].map(single);
    const g = single(data.normal([3, 5, 4 * 3]));
    const { query, key, value } = differentiateAttention(q, k, v, options).pullback(g);
    expect([query.shape, key.shape, value.shape]).toEqual([q.shape, k.shape, v.shape]);
    // a small step along a direction: the gradients predict the change of Σ g · output
    const operands = { query: q, key: k, value: v };
    const gradients = { query, key, value };
    for (const name of ["query", "key", "value"] as const) {
      const direction = data.normal(operands[name].shape);
      const slope = slopeAt0((by) => {
        const at = { ...operands, [name]: moved(operands[name], direction, by) };
        return dot(openAttention(reference, at.query, at.key, at.value, undefined, undefined, options), g);
      });
      // ReLU attention is cubic along a line where no score changes sign, so the quotient is exact but for rounding,
      // and the gradients err by some float32 roundings of sums of 3 · 5 · 7 terms
      expect(Math.abs(dot(gradients[name], direction) - slope)).toBeLessThan(
        105 * 2 ** -24 * size(gradients[name], direction),
      );
    }
  });

  test("a query that sees nothing moves nothing", () => {
    const options = { ...oneHead, activation: "softmax", visible: tensor([[false, false]]) } as const;
    const { query, key, value } = differentiateAttention(tensor([[1]]), tensor([[2], [3]]), tensor([[5], [7]]), options).pullback(tensor([[1]])); // biome-ignore format: one call
    for (const x of [query, key, value]) expect(x.data.every((y) => y === 0)).toBe(true);
  });

  test("says what it can't differentiate, and which gradient it expects", () => {
    const options = { ...oneHead, activation: "sparsemax" } as const;
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
