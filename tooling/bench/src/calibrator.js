/**
 * @file The calibrator: the micro-kernels of our module over operands that stay in L1. Its speed is what a product could
 * have at this moment on this core, so it tells quiet moments from busy ones and gives our times a unit.
 */
import { readFileSync } from "node:fs";

const source = readFileSync(new URL("../../../packages/cpu/src/wasm/module.ts", import.meta.url), "utf8");
const digits = source.match(/"([0-9a-f]+)"/)[1];
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(digits, "hex")), {});
const operands = exports.memory.buffer.byteLength;
exports.memory.grow(2);

/** CPU seconds of this process: on a shared machine the wall clock also counts others. */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const depth = 256;
/**
 * GFlop/s of the float32 or float64 kernel: the best of three short bursts, the first of which finds a cold cache.
 * By the wall clock, so that a burst that was interrupted is slow.
 */
export function calibrate(float64 = false, count = 600) {
  const kernel = float64 ? exports.calibrate64 : exports.calibrate32;
  let best = 0;
  for (let burst = 0; burst < 3; burst++) {
    const start = performance.now();
    kernel(count, depth, operands, operands + 32768, operands + 65536);
    best = Math.max(best, (count * depth * (float64 ? 40 : 80)) / (performance.now() - start) / 1e6);
  }
  return best;
}
