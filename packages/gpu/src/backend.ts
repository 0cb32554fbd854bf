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
  /** Why no more. */
  readonly limitReason: string;
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
 * textures and a new canvas, so lengths that return get a kernel of their own; elsewhere a change is free.
 */
const kept: Readonly<Record<BackendName, number>> = { webgpu: 1, webgl2: 8, webasm: 4 };

/** Lengths that are remembered as seen; a sequence that grows forever must not fill the memory. */
const remembered = 1024;

interface Compiled {
  readonly kernel: CompiledKernel;
  length: number;
  /** Its last result. On WebGL a kernel must not be given it: gpu.js may then draw into a texture of another size. */
  last?: Value;
}

interface Versions {
  readonly compiled: Compiled[];
  readonly seen: Set<number>;
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
  const versions = new Map<string, Versions>();
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

  /** A compiled kernel, set to this output length. */
  const kernelFor = (
    key: string,
    kernel: Kernel,
    length: number,
    pipeline: boolean,
    many: number,
    args: readonly (Value | number)[] = [],
  ): Compiled => {
    const known = versions.get(key) ?? { compiled: [], seen: new Set() };
    versions.set(key, known);
    const { compiled, seen } = known;
    const free = compiled.filter(({ last }) => name !== "webgl2" || last === undefined || !args.includes(last));
    let version = free.find((candidate) => candidate.length === length);
    // the first time a length comes, the kernel that was used longest ago serves it
    const own = seen.has(length) && compiled.length < many;
    if (!version && (own || free.length === 0)) version = { kernel: compile(kernel, length, pipeline), length };
    version ??= free[0];
    if (seen.size >= remembered) seen.clear();
    seen.add(length);
    if (compiled.includes(version)) compiled.splice(compiled.indexOf(version), 1);
    compiled.push(version);
    if (version.length !== length) {
      version.kernel.setOutput([length]);
      version.length = length;
    }
    return version;
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

  // gpu.js folds a value into a texture that is nearly square, its sides at most 2 apart
  const inTexture = ((Kernel.features?.maxTextureSize ?? Number.POSITIVE_INFINITY) - 2) ** 2;
  const backend: Backend = {
    name,
    limit: Math.min(exactIndices, inTexture),
    limitReason: inTexture < exactIndices ? "what a texture holds here" : "indices are float32, exact up to there",
    get live() {
      return live;
    },
    async run(kernel, length, ...args) {
      const ready = kernelFor(kernel.name, kernel, length, true, kept[name], args);
      ready.last = keep(await call(ready.kernel, args.map(argument)), length);
      return ready.last;
    },
    async upload(numbers) {
      if (name === "webasm") return keep(numbers.slice(), numbers.length);
      // one kernel for all lengths: it keeps the texture it uploaded last
      const ready = kernelFor("upload", copy, numbers.length, true, 1);
      return keep(await call(ready.kernel, [gpuJs.input(numbers, [numbers.length])]), numbers.length);
    },
    async read(value) {
      if (value.data instanceof Float32Array) return value.data.slice();
      if (name === "webgpu") return value.data.toArray();
      const ready = kernelFor("read", copy, value.length, false, kept[name]);
      return (await call(ready.kernel, [value.data])) as Float32Array;
    },
    free(value) {
      live--;
      if (!(value.data instanceof Float32Array)) value.data.delete();
    },
    isLost: () => isLost(context),
    async close() {
      await gpu.destroy();
      versions.clear();
    },
  };
  try {
    await prove(backend);
  } catch (error) {
    await backend.close().catch(() => {});
    throw error;
  }
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
