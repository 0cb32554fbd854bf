/**
 * @file Making a device: the first of the preferred backends that computes.
 */
import { checkOptions, type Device, required, show, UnsupportedError } from "@splineformer/tensor";
import { type Backend, type BackendName, openBackend } from "./backend.ts";
import { createEngine } from "./engine.ts";
import { type GpuJs, loadGpuJs } from "./gpu-js.ts";
import type { Handle } from "./handle.ts";
import { createOperations } from "./operations.ts";

/** A GPU as a device: its values are handles, its operations are enqueued, its results are float32. */
export type Gpu = Device<Handle> & {
  readonly dtype: "float32";
  readonly backend: BackendName;
  /** Why this backend runs: what was asked for, and what did not work before it. */
  readonly reason: string;
  /** Tensors in the device's memory: results that were not released, parameters and constants that stay. */
  readonly live: number;
  read(x: Handle): ReturnType<Handle["read"]>;
  release(x: Handle): void;
  /** Gives everything back, as soon as reads under way are answered. The device and its handles can't be used after that. */
  dispose(): Promise<void>;
};

export interface GpuOptions {
  /** Backends in the order of trying. Default `["webgpu", "webgl2"]`; `"webasm"` is no GPU and has to be asked for. */
  readonly prefer?: readonly BackendName[];
}

const backendNames: readonly BackendName[] = ["webgpu", "webgl2", "webasm"];

/**
 * A device on the GPU: the first of the preferred backends that computes what it is asked.
 *
 * Its operations return at once; `read` waits. Parameters are uploaded once and stay. A result is freed when it is read
 * or released, and results between operations are released by `evaluate` and `forward`.
 *
 * @throws UnsupportedError if no backend runs here, with the reason of each and what to do
 * @throws RangeError if `prefer` names something else
 * @example
 * ```ts
 * import { createGpu } from "@splineformer/gpu";
 * import { tensor, toNested } from "@splineformer/tensor";
 * const gpu = await createGpu({ prefer: ["webgpu", "webgl2", "webasm"] });
 * const x = gpu.constant(tensor([[1, -2]]));
 * const y = gpu.activate(gpu.add(x, x), { activation: "relu", order: 0 });
 * toNested(await y.read()); // [[2, 0]]
 * await gpu.dispose();
 * ```
 */
export async function createGpu(options: GpuOptions = {}): Promise<Gpu> {
  checkOptions("createGpu", options, ["prefer"]);
  const { prefer = ["webgpu", "webgl2"] } = options;
  required(
    Array.isArray(prefer) && prefer.length > 0 && prefer.every((name) => backendNames.includes(name)),
    "createGpu",
    `prefer to be a list of ${backendNames.map(show).join(", ")}`,
    prefer,
  );
  const gpuJs = await loadGpuJs();
  const failures: string[] = [];
  for (const name of prefer) {
    const backend = await tryBackend(gpuJs, name, failures);
    if (backend) return createDevice(backend, [...failures, reasons[name]].join("; "));
  }
  throw new UnsupportedError(
    `createGpu: expected a GPU (${prefer.join(", ")}), got none: ${failures.join("; ")}. Run it in a browser with WebGPU or WebGL 2, use @splineformer/cpu, or ask for the slow WebAssembly kernels with createGpu({ prefer: ["webgpu", "webgl2", "webasm"] })`,
  );
}

const reasons: Readonly<Record<BackendName, string>> = {
  webgpu: "webgpu computes here",
  webgl2: "webgl2 computes here",
  webasm: "webasm was asked for: WebAssembly on the CPU, no GPU",
};

async function tryBackend(gpuJs: GpuJs, name: BackendName, failures: string[]): Promise<Backend | undefined> {
  try {
    return await openBackend(gpuJs, name);
  } catch (error) {
    failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function createDevice(backend: Backend, reason: string): Gpu {
  const engine = createEngine(backend);
  return {
    ...createOperations(engine),
    name: `gpu (${backend.name})`,
    dtype: "float32",
    backend: backend.name,
    reason,
    get live() {
      return engine.live;
    },
    read: (x) => engine.read("read", x),
    release: (x) => engine.release(x),
    dispose: () => engine.dispose(),
  };
}
