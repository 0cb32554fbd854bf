/**
 * @file The typed façade of gpu.js: the part of it that is used, with the types it lacks. Nothing else imports gpu.js.
 *
 * It is loaded when a device is made, not before: it weighs 0.6 MB, and a page that is rendered on a server never asks.
 */

/** A result that stays where it was computed. */
export interface Resident {
  delete(): void;
  /** On WebGPU, asynchronously; other backends are read by a kernel. */
  toArray(): Promise<Float32Array> | Float32Array;
}

/** An array under a shape, as gpu.js takes it. */
interface Input {
  readonly value: Float32Array;
}

export type KernelArgument = number | Input | Resident;

/** A compiled kernel. */
export interface CompiledKernel {
  (...args: readonly KernelArgument[]): unknown;
  setOutput(output: readonly [number]): CompiledKernel;
  /** What really runs: gpu.js replaces it when it falls back. */
  readonly kernel: {
    readonly constructor: unknown;
    readonly context?: unknown;
    readonly fallbackReason?: string | null;
    moduleCacheLimit?: number;
  };
}

interface KernelSettings {
  readonly output: readonly [number];
  readonly pipeline: boolean;
  readonly immutable: boolean;
  readonly asyncMode: boolean;
  readonly precision: "single";
  readonly tactic: "precision";
  readonly returnType: "Float";
  readonly dynamicOutput: true;
  readonly dynamicArguments: true;
  readonly fixIntegerDivisionAccuracy: false;
  readonly loopMaxIterations: number;
  readonly functions: readonly {
    readonly name: string;
    readonly source: string;
    readonly argumentTypes: readonly "Float"[];
    readonly returnType: "Float";
  }[];
}

/** A kernel class of gpu.js: one for each backend. */
export interface KernelClass {
  readonly isSupported: boolean;
  readonly features?: { readonly maxTextureSize: number } | null;
}

export interface GpuJs {
  readonly GPU: new (settings: {
    readonly mode: string;
  }) => {
    createKernel(source: string, settings: KernelSettings): CompiledKernel;
    destroy(): Promise<void>;
  };
  readonly input: (value: Float32Array, size: readonly [number]) => Input;
  readonly WebGPUKernel: KernelClass;
  readonly WebGL2Kernel: KernelClass;
  readonly WebAssemblyKernel: KernelClass;
}

/** gpu.js, from Node (CommonJS) or from a bundle (the browser build is one class that carries the rest). */
export async function loadGpuJs(): Promise<GpuJs> {
  const module: unknown = await import("gpu.js");
  const { default: whole } = module as { readonly default?: unknown };
  return (whole ?? module) as GpuJs;
}
