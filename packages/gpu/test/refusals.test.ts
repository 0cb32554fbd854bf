/** @file Activations that the GPU has no kernel for, by name. */
import { registerActivation, tensor } from "@splineformer/tensor";
import { expect, it } from "vitest";
import { createGpu } from "../src/index.ts";

it("activations without a kernel are refused by name: entmax between softmax and sparsemax, and registered functions", async () => {
  const gpu = await createGpu({ prefer: ["webasm"] });
  const plain = { mask: "none", order: 0, divide: "none" } as const;
  const scores = gpu.constant(tensor([[0.4, 0]]));
  const read = async (activation: Parameters<typeof gpu.weigh>[2]["activation"]) =>
    gpu.read(gpu.weigh(scores, undefined, { ...plain, activation }));
  await expect(read({ name: "entmax", alpha: 1.5 })).rejects.toThrow(
    "gpu: expected softmax, sparsemax or a pointwise activation, got entmax(alpha 1.5)",
  );
  expect((await read({ name: "entmax", alpha: 2 })).data).toEqual((await read("sparsemax")).data);
  const sine = registerActivation("sine", { value: Math.sin, derivative: Math.cos });
  await expect(read(sine)).rejects.toThrow(
    "gpu: expected an activation of the table or a piecewise one, got registered(as sine)",
  );
  await gpu.dispose();
});
