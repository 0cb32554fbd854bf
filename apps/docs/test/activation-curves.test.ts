import { explainAttention } from "@splineformer/attention";
import { actsOnRows, tensor } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import { keys, knotsOf, outputAt, values, variantCurves, weightAt } from "../src/pictures/activation-curves.ts";

describe("the curves of attention's variants", () => {
  it("are the library's: ReLU by hand, sparsemax and softmax beside a score of 0", () => {
    expect([-2, 0.5].map((z) => weightAt("relu", z))).toEqual([
      { weight: 0, derivative: 0 },
      { weight: 0.5, derivative: 1 },
    ]);
    // (1 + z)/2 between −1 and 1
    expect([-2, 0.5, 2].map((z) => weightAt("sparsemax", z))).toEqual([
      { weight: 0, derivative: 0 },
      { weight: 0.75, derivative: 0.5 },
      { weight: 1, derivative: 0 },
    ]);
    expect(weightAt("softmax", 0)).toEqual({ weight: 0.5, derivative: 0.25 });
  });

  it("have the derivatives that explain attention", () => {
    const float64 = (rows: number[][]) => tensor(rows, { dtype: "float64" });
    for (const activation of ["softmax", "sparsemax", { name: "entmax", alpha: 1.5 }, "softplus", "sigmoid"] as const)
      for (const z of [-1.75, -0.3, 0.6]) {
        const keys = actsOnRows(activation) ? [[z], [0]] : [[z]];
        const value = float64(keys.map((_, i) => [Number(i === 0)]));
        const options = { activation, scale: 1, of: { query: 0 } } as const;
        const [{ weight, byScore }] = explainAttention(tensor([[1]]), float64(keys), value, options).keys;
        expect(weightAt(activation, z).weight).toBeCloseTo(weight, 14);
        expect(weightAt(activation, z).derivative).toBeCloseTo(byScore[0], 14);
      }
  });

  it("know where a piece ends", () => {
    expect(knotsOf("relu")).toEqual([0]);
    expect(knotsOf("sparsemax")).toEqual([-1, 1]);
    for (const smooth of ["softmax", "sigmoid", "softplus", "identity"] as const) expect(knotsOf(smooth)).toEqual([]);
    expect(variantCurves("relu").derivative).toHaveLength(2);
  });

  it("show linear attention as the line that it is", () => {
    const slope = keys.reduce((sum, key, i) => sum + (key * values[i]) / 3, 0);
    for (const [i, output] of outputAt("identity", [-3, 0, 3]).entries())
      expect(output).toBeCloseTo(slope * [-3, 0, 3][i], 14);
  });

  it("draw numbers alone", () => {
    for (const activation of ["softmax", "squaredRelu", { name: "entmax", alpha: 1.5 }] as const)
      expect(JSON.stringify(variantCurves(activation))).not.toMatch(/NaN|Infinity/);
  });
});
