/** @file A long run holds no more memory than a short one. In JavaScript, as it asks Node for its heap. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { cpu } from "@splineformer/cpu";
import { parametersOf, random, tensor } from "@splineformer/tensor";
import { createEncoder } from "@splineformer/transformer";
import { expect, test } from "vitest";
import { adamW, cosine, crossEntropy, fit } from "../src/index.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** Bytes of typed arrays, and of everything else. */
function used() {
  // the first leaves the arrays to a sweep in the background, which the second waits for
  collect();
  collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return { arrays: arrayBuffers, heap: heapUsed };
}

test("1,000 steps more leave no more memory in use", async () => {
  const model = createEncoder({ layers: 2, width: 14, heads: 7, hidden: 29, input: 3, output: 11, norm: "layer", positions: { learned: 5 }, pool: "first" }); // biome-ignore format: one list
  const bytes = Object.values(parametersOf(model)).reduce((sum, { data }) => sum + data.byteLength, 0);
  const labels = Int32Array.from({ length: 23 }, (_, i) => i % 11);
  const data = { inputs: random(1).normal([23, 5, 3]), targets: tensor(labels, [23, 1]) };
  // four steps an epoch, the last of two examples
  const options = {
    loss: crossEntropy,
    optimizer: adamW(),
    schedule: cosine(),
    clip: 1,
    batch: 7,
    epochs: 275,
    on: cpu,
  };
  let before = { arrays: 0, heap: 0 };
  let last;
  for await (const step of fit(model, data, options)) {
    // as a program would that saves its best model
    if (step.step % 10 === 0) last = step.checkpoint();
    if (step.step === 100) before = used();
  }
  const after = used();
  expect(last.step).toBe(1100);
  // one set of parameters leaked in every hundredth step would be as much
  expect(bytes).toBeGreaterThan(10_000);
  expect(after.arrays - before.arrays).toBeLessThan(10 * bytes);
  // and one leaked object of 1 kB in every step more than this
  expect(after.heap - before.heap).toBeLessThan(1e6);
});
