/**
 * @file The network on gpu.js, where `@splineformer/gpu` is installed beside this package: it is an optional peer, since gpu.js
 * weighs more than everything else here.
 */
import type { PiecewisePolynomial } from "@splineformer/spline";
import { forward, type Network, tensor } from "@splineformer/tensor";
import { compare } from "./compare.ts";
import type { DemoReport, GpuRun } from "./report.ts";

/**
 * Runs the network on the first backend that computes here, WebAssembly last: in Node there is rarely another.
 *
 * @param load - imports `@splineformer/gpu`
 */
export async function compareOnGpu(
  network: Network<"x">,
  s: PiecewisePolynomial,
  line: DemoReport["line"],
  load = () => import("@splineformer/gpu"),
): Promise<GpuRun> {
  const library = await load().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND" && error.code !== "MODULE_NOT_FOUND") throw error;
  });
  if (!library) return { missing: "@splineformer/gpu is not installed: npm install @splineformer/gpu" };
  const gpu = await library.createGpu({ prefer: ["webgpu", "webgl2", "webasm"] });
  try {
    const { backend, reason } = gpu;
    const run = await compare(network, s, line, "float32", async (x) => {
      const y = forward(network, tensor(x, [x.length, 1, 1]), { on: gpu });
      return Float64Array.from((await y.read()).data);
    });
    return { ...run, backend, reason };
  } finally {
    await gpu.dispose();
  }
}
