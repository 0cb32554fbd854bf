/**
 * @file The calibrator: the micro-kernels of our module over operands that stay in L1. Its speed is what a product could
 * have at this moment on this core, so it tells quiet moments from busy ones and gives our times a unit.
 */
import { readFileSync } from "node:fs";

const source = readFileSync(new URL("../../../packages/cpu/src/wasm/module.ts", import.meta.url), "utf8");
const text = source.match(/"([^"]{100,})"/)[1];
// as `decode` of packages/cpu/src/wasm/kernels.ts: a byte is one character, or two where it is large
const bytes = [];
let above = 0;
for (const character of text) {
  const code = character.charCodeAt(0);
  const digit = code - (code < 92 ? 35 : 36);
  if (digit >= 80) above = (digit - 80) * 80;
  else {
    bytes.push((above + digit + 253) % 256);
    above = 0;
  }
}
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)), {});
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
