import { cast, pullback, record, reference, reference32, type Tensor, tensor, toNested } from "@splineformer/tensor";
import { againstRounded, seeded } from "@splineformer/testing";
import { describe, expect, test } from "vitest";
import { crossEntropy, huber, type Loss, meanSquared } from "../src/index.ts";

const data = seeded(53);
const value = (loss: Loss, y: Tensor, t: Tensor): number => loss(reference, y, t).data[0];

/** The gradient by the prediction. */
function slope(loss: Loss, y: Tensor, t: Tensor): Tensor {
  const graph = record((ops, x) => loss(ops, x.y, x.t), { y: y.shape, t: t.shape });
  return pullback(graph, reference, { inputs: { y, t } }, { output: tensor(1) }, { wanted: (leaf) => leaf.attributes.name === "y" }).inputs.y; // biome-ignore format: one call
}

describe("losses", () => {
  test("meanSquared by hand, with its slope 2 (y − t)/n", () => {
    const [y, t] = [tensor([1, 5]), tensor([1, 2])];
    expect(value(meanSquared, y, t)).toBe(4.5);
    expect(toNested(slope(meanSquared, y, t))).toEqual([0, 3]);
  });

  test("huber is a parabola within delta and a line beyond, with slope at most delta", () => {
    const [y, t] = [tensor([1, -6, 0]), tensor([0, 0, 0])];
    expect(value(huber(2), y, t)).toBe((0.5 + 2 * (6 - 1)) / 3);
    for (const [i, expected] of [1 / 3, -2 / 3, 0].entries())
      expect(slope(huber(2), y, t).data[i]).toBeCloseTo(expected, 15);
  });

  for (const classes of [1, 2, 3, 7, 10])
    test(`crossEntropy of ${classes} classes is log Σ e^z − z_t, its slope softmax(z) minus the target`, () => {
      const z = data.normal([5, 3, classes], { deviation: 4 });
      const t = data.indices([5, 3], classes);
      const rows = 15;
      let expected = 0;
      const slopes = new Float64Array(z.data.length);
      for (let row = 0; row < rows; row++) {
        const scores = z.data.subarray(row * classes, (row + 1) * classes);
        const sum = scores.reduce((s, x) => s + Math.exp(x), 0);
        expected += (Math.log(sum) - scores[t.data[row]]) / rows;
        for (let c = 0; c < classes; c++)
          slopes[row * classes + c] = (Math.exp(scores[c]) / sum - Number(c === t.data[row])) / rows;
      }
      // a few dozen roundings of numbers of the size of the scores
      expect(Math.abs(value(crossEntropy, z, t) - expected)).toBeLessThan(2 ** -46 * 16);
      const found = slope(crossEntropy, z, t);
      for (const [i, s] of slopes.entries()) expect(Math.abs(found.data[i] - s)).toBeLessThan(2 ** -46);
    });

  test("crossEntropy takes probabilities, and does not overflow", () => {
    const z = tensor([[1e4, -1e4, 0]], { dtype: "float64" });
    expect(value(crossEntropy, z, tensor([[0.5, 0.5, 0]]))).toBe(1e4);
    expect(toNested(slope(crossEntropy, z, tensor([[0.5, 0.5, 0]])))).toEqual([[0.5, -0.5, 0]]);
  });

  test("crossEntropy in float32 errs as its rounded formula does", () => {
    const z = data.normal([7, 11]);
    const t = data.indices([7], 11);
    const rounded = crossEntropy(reference32, cast(z, "float32"), t);
    const exact = crossEntropy(reference, cast(cast(z, "float32"), "float64"), t);
    expect(againstRounded(rounded, exact, rounded)).toMatchObject({ agrees: true });
    // some forty roundings of numbers up to 4, each of 2⁻²⁴ relative
    expect(Math.abs(rounded.data[0] - exact.data[0])).toBeLessThan(40 * 4 * 2 ** -24);
  });

  test("refuse targets that do not fit, by name", () => {
    expect(() => value(meanSquared, tensor([1]), tensor([1, 2]))).toThrow(
      "meanSquared: expected a target of the prediction's shape [1], got [2]",
    );
    expect(() => value(crossEntropy, tensor([[1, 2]]), tensor([[1]]))).toThrow(
      "crossEntropy: expected class indices [1] or probabilities [1, 2] for logits [1, 2], got [1, 1]",
    );
    expect(() => huber(0)).toThrow("huber: expected delta > 0, got 0");
  });
});
