/** @file The two devices that users import. */
import { type CpuDevice, createDevice } from "./device.ts";
import { platform } from "./platform.ts";

/**
 * Synchronous float32 arithmetic over SIMD WebAssembly: every operation of a transformer, with `linear` and `attention`
 * fused. It compiles itself at first use; there is no file to serve and nothing to wait for.
 *
 * Results are ordinary tensors that the garbage collector owns. Attention stores no [queries × keys] matrix. Where SIMD
 * is missing `cpu.backend` is `"reference"`, and `cpu.reason` says why.
 *
 * @example
 * ```ts
 * import { cpu } from "@splineformer/cpu";
 * import { tensor, toNested } from "@splineformer/tensor";
 * toNested(cpu.matmul(tensor([[1, 2]]), tensor([[3], [4]]), {})); // [[11]]
 * ```
 */
export const cpu: CpuDevice = /* @__PURE__ */ createDevice("float32", platform);

/**
 * The same in float64, for exact analysis: matrix products, sums and scalings are SIMD, everything else is plain loops.
 *
 * @example
 * ```ts
 * import { cpu64 } from "@splineformer/cpu";
 * import { tensor } from "@splineformer/tensor";
 * cpu64.scale(tensor([1], { dtype: "float64" }), { factor: 0.1 }).data[0]; // 0.1
 * ```
 */
export const cpu64: CpuDevice = /* @__PURE__ */ createDevice("float64", platform);
