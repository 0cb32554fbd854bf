/** @file Activations that the GPU has no kernel for: refused by the name of the operation that was called. */
import { attention, linear, registerActivation, tensor, UnsupportedError } from "@splineformer/tensor";
import { oneHead } from "@splineformer/testing";
import { expect, it } from "vitest";
import { createGpu } from "../src/index.ts";

const plain = { mask: "none", order: 0, divide: "none" } as const;
const refusal = (where: string, activation: string): string =>
  `${where}: expected an activation that has a kernel on the GPU (softmax, sparsemax, a piecewise polynomial, or one of the table), got ${activation}; run it on @splineformer/cpu`;

it("activations without a kernel are refused at the call: entmax between softmax and sparsemax, and registered functions", async () => {
  const gpu = await createGpu({ prefer: ["webasm"] });
  const x = gpu.constant(tensor([[0.4, 0]]));
  const entmax = { name: "entmax", alpha: 1.5 } as const;
  const sine = registerActivation("sine", { value: Math.sin, derivative: Math.cos });
  const calls: readonly [call: () => unknown, message: string][] = [
    [() => gpu.weigh(x, undefined, { ...plain, activation: entmax }), refusal("weigh", "entmax(alpha 1.5)")],
    [() => gpu.weigh(x, undefined, { ...plain, activation: sine }), refusal("weigh", "registered(as sine)")],
    [() => gpu.activate(x, { activation: sine, order: 0 }), refusal("activate", "registered(as sine)")],
    [
      () => linear(gpu, x, gpu.constant(tensor([[1], [2]])), undefined, { activation: sine }),
      refusal("linear", "registered(as sine)"),
    ],
    [
      () => attention(gpu, x, x, x, undefined, undefined, { ...oneHead, activation: entmax }),
      refusal("attention", "entmax(alpha 1.5)"),
    ],
  ];
  for (const [call, message] of calls) {
    expect(call).toThrow(UnsupportedError);
    expect(call).toThrow(message);
  }
  await gpu.dispose();
});

it("entmax is computed at the ends of its family, and a piecewise activation of one's own everywhere", async () => {
  const gpu = await createGpu({ prefer: ["webasm"] });
  const scores = gpu.constant(tensor([[0.4, 0]]));
  const weigh = async (activation: Parameters<typeof gpu.weigh>[2]["activation"]) =>
    (await gpu.read(gpu.weigh(scores, undefined, { ...plain, activation }))).data;
  expect(await weigh({ name: "entmax", alpha: 2 })).toEqual(await weigh("sparsemax"));
  expect(await weigh({ name: "piecewise", knots: [0], pieces: [[0], [0, 2]] })).toEqual(
    Float32Array.of(2 * Math.fround(0.4), 0),
  );
  await gpu.dispose();
});
