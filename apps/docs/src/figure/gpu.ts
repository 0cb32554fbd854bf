/** @file The browser's GPU, if it has one: opened when it is first needed, since gpu.js is larger than the page. */
import type { Gpu } from "@splineformer/gpu";

export type GpuState =
  | { readonly kind: "waiting" }
  | { readonly kind: "ready"; readonly gpu: Gpu }
  /** Why there is none, in the words of `createGpu`. */
  | { readonly kind: "none"; readonly reason: string };

/** Opens the GPU; never rejects: that there is none is an answer. */
export async function openGpu(): Promise<GpuState> {
  try {
    const { createGpu } = await import("@splineformer/gpu");
    return { kind: "ready", gpu: await createGpu({ prefer: ["webgpu", "webgl2"] }) };
  } catch (error) {
    return { kind: "none", reason: error instanceof Error ? error.message : String(error) };
  }
}
