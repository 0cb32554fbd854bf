/**
 * @file One of gpu.js' backends, opened and proved: it runs kernels, and moves numbers there and back.
 */
import { UnsupportedError } from "@splineformer/tensor";
import type { CompiledKernel, GpuJs, KernelArgument, KernelClass, Resident } from "./gpu-js.ts";
import type { Kernel } from "./kernels/kernel.ts";
import { copy } from "./kernels/view.ts";

/** `webasm` is no GPU: WebAssembly kernels in the same language, for tests and for machines that have nothing else. */
export type BackendName = "webgpu" | "webgl2" | "webasm";

/** n numbers on the device. */
export interface Value {
  readonly length: number;
  /** A texture or buffer, or on `webasm` the numbers themselves. */
  readonly data: Resident | Float32Array;
}

export interface Backend {
  readonly name: BackendName;
  /** Entries that one value may hold. */
  readonly limit: number;
  /** Values that were made and not freed. */
  readonly live: number;
  run(kernel: Kernel, length: number, ...args: readonly (Value | number)[]): Promise<Value>;
  upload(numbers: Float32Array): Promise<Value>;
  read(value: Value): Promise<Float32Array>;
  free(value: Value): void;
  /** Whether the browser took the GPU away. */
  isLost(): boolean;
  close(): Promise<void>;
}

/** Kernels compute indices in float32, which is exact up to here. */
const exactIndices = 2 ** 24;

/**
 * How many compiled kernels of one source are kept, each for one output length. On WebGL a change of length takes new
 * textures and a new canvas, so the lengths of a model get a kernel each; elsewhere it is free.
 */
const kept: Readonly<Record<BackendName, number>> = { webgpu: 1, webgl2: 8, webasm: 4 };

interface Compiled {
  readonly kernel: CompiledKernel;
  length: number;
}

/**
 * Opens a backend and lets it compute something.
 *
 * @throws UnsupportedError that says why it does not run here
 */
export async function openBackend(gpuJs: GpuJs, name: BackendName): Promise<Backend> {
  const Kernel = kernelClass(gpuJs, name);
  if (!Kernel.isSupported) throw new UnsupportedError(missing[name]);
  const gpu = new gpuJs.GPU({ mode: name });
  const compiled = new Map<string, Compiled[]>();
  let live = 0;
  let context: unknown;

  const compile = (kernel: Kernel, length: number, pipeline: boolean): CompiledKernel =>
    gpu.createKernel(kernel.source, {
      output: [length],
      pipeline,
      // a mutable kernel overwrites the result of its last call
      immutable: pipeline,
      // reads wait for a fence instead of blocking the page
      asyncMode: !pipeline,
      precision: "single",
      // else a phone may compute small tensors in half precision
      tactic: "precision",
      returnType: "Float",
      dynamicOutput: true,
      dynamicArguments: true,
      fixIntegerDivisionAccuracy: false,
      // loops whose bounds are arguments stop at 1000 without it
      loopMaxIterations: exactIndices,
      functions: kernel.functions.map((f) => ({
        name: f.name,
        source: f.source,
        argumentTypes: Array.from({ length: f.arguments }, () => "Float" as const),
        returnType: "Float",
      })),
    });

  /** A compiled kernel for this output length: a kept one, a new one, or the one that was used longest ago. */
  const kernelFor = (key: string, kernel: Kernel, length: number, pipeline: boolean, many: number): CompiledKernel => {
    const versions = compiled.get(key) ?? [];
    compiled.set(key, versions);
    let at = versions.findIndex((version) => version.length === length);
    if (at < 0 && versions.length < many) {
      versions.push({ kernel: compile(kernel, length, pipeline), length });
      at = versions.length - 1;
    }
    const [version] = versions.splice(Math.max(at, 0), 1);
    versions.push(version);
    if (version.length !== length) {
      version.kernel.setOutput([length]);
      version.length = length;
    }
    return version.kernel;
  };

  /** Calls a kernel, and refuses a result that another backend computed. */
  const call = async (kernel: CompiledKernel, args: readonly KernelArgument[]): Promise<unknown> => {
    const result = await kernel(...args);
    const { constructor: ran, fallbackReason } = kernel.kernel;
    if (ran !== Kernel || fallbackReason)
      throw new UnsupportedError(
        `gpu: expected the kernel to run on ${name}, got a fallback${fallbackReason ? `: ${fallbackReason}` : ""}`,
      );
    context ??= kernel.kernel.context;
    return result;
  };

  const argument = (arg: Value | number): KernelArgument => {
    if (typeof arg === "number") return arg;
    return arg.data instanceof Float32Array ? gpuJs.input(arg.data, [arg.data.length]) : arg.data;
  };
  const keep = (data: unknown, length: number): Value => {
    live++;
    return { data: data as Value["data"], length };
  };

  const backend: Backend = {
    name,
    limit: Math.min(exactIndices, (Kernel.features?.maxTextureSize ?? Number.POSITIVE_INFINITY) ** 2),
    get live() {
      return live;
    },
    async run(kernel, length, ...args) {
      const ready = kernelFor(kernel.name, kernel, length, true, kept[name]);
      return keep(await call(ready, args.map(argument)), length);
    },
    async upload(numbers) {
      if (name === "webasm") return keep(numbers.slice(), numbers.length);
      // one kernel for all lengths: it keeps the texture it uploaded last
      const ready = kernelFor("upload", copy, numbers.length, true, 1);
      return keep(await call(ready, [gpuJs.input(numbers, [numbers.length])]), numbers.length);
    },
    async read(value) {
      if (value.data instanceof Float32Array) return value.data.slice();
      if (name === "webgpu") return value.data.toArray();
      const ready = kernelFor("read", copy, value.length, false, kept[name]);
      return (await call(ready, [value.data])) as Float32Array;
    },
    free(value) {
      live--;
      if (!(value.data instanceof Float32Array)) value.data.delete();
    },
    isLost: () => isLost(context),
    async close() {
      await gpu.destroy();
      compiled.clear();
    },
  };
  await prove(backend);
  return backend;
}

const missing: Readonly<Record<BackendName, string>> = {
  webgpu: "navigator.gpu is missing",
  webgl2: "there is no WebGL 2 context",
  webasm: "there is no WebAssembly",
};

const kernelClass = (gpuJs: GpuJs, name: BackendName): KernelClass =>
  ({ webgpu: gpuJs.WebGPUKernel, webgl2: gpuJs.WebGL2Kernel, webasm: gpuJs.WebAssemblyKernel })[name];

/** A first kernel: that an API is there does not mean that a GPU computes, in float32, what it is asked. */
async function prove(backend: Backend): Promise<void> {
  const numbers = Float32Array.of(1, -0.1, 1e-30, 3e30, 2 ** 24 - 1);
  const value = await backend.upload(numbers);
  const back = await backend.read(value);
  backend.free(value);
  if (back.length !== numbers.length || back.some((x, i) => x !== numbers[i]))
    throw new UnsupportedError(`it gives back [${back.join(", ")}] for [${numbers.join(", ")}]`);
}

/** Both kinds of context say it, each in its way. */
function isLost(context: unknown): boolean {
  if (typeof context !== "object" || context === null) return false;
  if ("isContextLost" in context && typeof context.isContextLost === "function")
    return Boolean(context.isContextLost());
  return "isLost" in context && context.isLost === true;
}
