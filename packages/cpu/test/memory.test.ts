import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { attention, linear, tensor } from "@splineformer/tensor";
import { seeded } from "@splineformer/testing";
import { expect, test } from "vitest";
import { cpu, cpu64 } from "../src/index.ts";
import { platform } from "../src/platform.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

const data = seeded(17);
const x = data.normal([13, 29]);
const w = data.normal([29, 29]);
const attributes = { activation: "softmax", mask: "causal", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const; // biome-ignore format: one record
const weighing = { activation: "softmax", mask: "causal", order: 0, divide: "none" } as const;

function everything(): void {
  const y = linear(cpu, x, w, undefined, { activation: "gelu" });
  const z = cpu.normalize(y, { kind: "layer", epsilon: 1e-5 });
  cpu.weigh(cpu64.matmul(z, z, { transposeB: true }), undefined, weighing);
  attention(cpu, z, z, z, undefined, undefined, attributes);
}

const arenaBytes = (): number => {
  const found = platform();
  return "arena" in found ? found.arena.f32.buffer.byteLength : 0;
};

test("10,000 calls leave no more memory in use than 100 did", () => {
  const used = (calls: number): { arena: number; arrays: number } => {
    for (let i = 0; i < calls; i++) everything();
    // the first leaves the arrays to a sweep in the background, which the second waits for
    collect();
    collect();
    return { arena: arenaBytes(), arrays: process.memoryUsage().arrayBuffers };
  };
  const before = used(100);
  const after = used(10_000);
  expect(before.arena).toBeGreaterThan(0);
  expect(after.arena).toBe(before.arena);
  // one leaked result of each call would be more than 10,000 · 13 · 29 · 4 bytes = 15 MB
  expect(after.arrays - before.arrays).toBeLessThan(1e6);
}, 60_000);

test("results are the caller's: later calls and a growing arena don't touch them", () => {
  const first = cpu.matmul(x, w, {});
  const copy = first.data.slice();
  const bytes = arenaBytes();
  const large = tensor(new Float32Array(1e6).fill(1), [1000, 1000]);
  expect(cpu.matmul(large, large, {}).data[0]).toBe(1000);
  expect(arenaBytes()).toBeGreaterThan(bytes);
  expect(first.data).toEqual(copy);
  expect(first.data.buffer.byteLength).toBe(13 * 29 * 4);
});

test("what does not fit 4 GB is refused, and the device still works", () => {
  const wide = tensor(new Float32Array(1), [1, 1]);
  // a matrix of 2¹⁷ × 2¹⁷ float32 has 64 GB; as a shape alone it costs nothing to ask for
  const tall = { dtype: "float32" as const, shape: [2 ** 20, 1100], data: new Float32Array(0) };
  expect(() => cpu.matmul(tall, { ...tall, shape: [1100, 1] }, {})).toThrow(
    /^cpu: expected operands that fit WebAssembly memory with the work space, got \d+ bytes$/,
  );
  expect(cpu.matmul(wide, wide, {}).data[0]).toBe(0);
});
