export type { BackendName } from "./backend.ts";
export { createGpu, type Gpu, type GpuOptions } from "./create-gpu.ts";
export type { Handle } from "./handle.ts";
