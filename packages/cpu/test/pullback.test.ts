import { attention, cast, pullback, record, reference, reference32, type Tensor } from "@splineformer/tensor";
import { againstRounded, seeded } from "@splineformer/testing";
import { describe, expect, test } from "vitest";
import { cpu } from "../src/index.ts";

const data = seeded(67);

describe("pullback on cpu", () => {
  const options = { mask: "causal", heads: 3, keyValueHeads: 1, scale: 0.4, divide: "none" } as const;
  const [q, k, v, g] = [data.normal([2, 29, 3 * 5]), data.normal([2, 31, 5]), data.normal([2, 31, 4]), data.normal([2, 29, 3 * 4])].map((x) => cast(x, "float32")); // biome-ignore format: four operands

  for (const activation of ["softmax", "relu", "sigmoid", "sparsemax"] as const)
    test(`${activation} attention: errs at most twice as much as the rounded primitives`, () => {
      const graph = record(
        (ops, x) => attention(ops, x.q, x.k, x.v, undefined, undefined, { ...options, activation }),
        {
          q: q.shape,
          k: k.shape,
          v: v.shape,
        },
      );
      const by = (ops: typeof reference): Readonly<Record<string, Tensor>> =>
        pullback(graph, ops, { inputs: { q, k, v } }, { output: g }).inputs;
      const [found, expected, rounded] = [by(cpu), by(reference), by(reference32)];
      for (const name of ["q", "k", "v"])
        expect(againstRounded(found[name], expected[name], rounded[name]), name).toMatchObject({ agrees: true });
    });

  test("the device differentiates what it fuses, and declines the rest", () => {
    const one = cast(data.normal([1, 1]), "float32");
    const single = { mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const;
    const way = (activation: "relu" | "sparsemax") =>
      cpu.differentiateAttention?.(one, one, one, undefined, undefined, { ...single, activation });
    expect(way("relu")?.output.shape).toEqual([1, 1]);
    expect(way("sparsemax")).toBeUndefined();
  });
});
