/**
 * @file The WebAssembly module: decoded, compiled and instantiated at first use, synchronously. Its memory is one arena
 * that grows and is used anew by every call; nothing that is returned lives in it. Pointers are bytes.
 */
import { text } from "./module.ts";

/** A byte offset in the arena. */
export type Pointer = number;

/** What `assembly/` exports for us. Strides are in bytes; codes are those of `assembly/activate.ts` and `codes.ts`. */
export interface Kernels {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  activate32(code: number, x: Pointer, count: number, parameter: number, bias: Pointer, out: Pointer): void;
  add32(...args: RowwiseArguments): void;
  add64(...args: RowwiseArguments): void;
  multiply32(...args: RowwiseArguments): void;
  multiply64(...args: RowwiseArguments): void;
  /** out [outer][inner] += Σ over the middle axis of x [outer][n][inner]. */
  sum32(x: Pointer, outer: number, n: number, inner: number, out: Pointer): void;
  matmulWork32(m: number, n: number, k: number): number;
  matmulWork64(m: number, n: number, k: number): number;
  matmul32(...args: [...MatmulArguments, activation: number, parameter: number, work: Pointer]): void;
  matmul64(...args: [...MatmulArguments, activation: number, work: Pointer]): void;
  packedSize(rows: number, k: number): number;
  packKeys(from: Pointer, stride: number, keys: number, d: number, to: Pointer): void;
  packValues(from: Pointer, stride: number, keys: number, e: number, to: Pointer): void;
  attendWork(keys: number, d: number, e: number, code: number): number;
  attend32(
    n: number,
    keys: number,
    d: number,
    e: number,
    query: Pointer,
    queryStride: number,
    packedKeys: Pointer,
    packedValues: Pointer,
    values: Pointer,
    valueStride: number,
    out: Pointer,
    outStride: number,
    code: number,
    parameter: number,
    scale: number,
    window: number,
    shift: Pointer,
    divisor: Pointer,
    bias: Pointer,
    biasStride: number,
    visible: Pointer,
    visibleStride: number,
    statistics: Pointer,
    work: Pointer,
  ): void;
  gradientWork(n: number, d: number, e: number): number;
  attendGradient32(
    n: number,
    keys: number,
    d: number,
    e: number,
    query: Pointer,
    queryStride: number,
    gradient: Pointer,
    out: Pointer,
    outStride: number,
    keysByKey: Pointer,
    valuesByKey: Pointer,
    keysByChannel: Pointer,
    dQuery: Pointer,
    dKey: Pointer,
    dValue: Pointer,
    code: number,
    parameter: number,
    scale: number,
    window: number,
    shift: Pointer,
    divisor: Pointer,
    bias: Pointer,
    biasStride: number,
    visible: Pointer,
    visibleStride: number,
    statistics: Pointer,
    work: Pointer,
  ): void;
  copyRows(from: Pointer, fromStride: number, to: Pointer, toStride: number, rows: number, bytes: number): void;
  weigh32(
    x: Pointer,
    queries: number,
    keys: number,
    code: number,
    parameter: number,
    scale: number,
    window: number,
    shift: Pointer,
    divisor: Pointer,
    visible: Pointer,
    visibleStride: number,
    precise: number,
    work: Pointer,
  ): void;
  stateSize(heads: number, e: number): number;
  startState(heads: number, e: number, state: Pointer): void;
  scan32(n: number, e: number, scores: Pointer, values: Pointer, state: Pointer, out: Pointer): void;
  stream32(
    n: number,
    heads: number,
    d: number,
    e: number,
    scale: number,
    query: Pointer,
    keys: Pointer,
    values: Pointer,
    state: Pointer,
    out: Pointer,
  ): void;
  normalize32(x: Pointer, rows: number, d: number, centre: number, epsilon: number, out: Pointer, work: Pointer): void;
}

/** out, which may be x, and x [rows][period], y [period]. */
type RowwiseArguments = [x: Pointer, rows: number, y: Pointer, period: number, out: Pointer];
type MatmulArguments = [
  m: number,
  n: number,
  k: number,
  a: Pointer,
  lda: number,
  transposeA: number,
  b: Pointer,
  ldb: number,
  transposeB: number,
  c: Pointer,
  ldc: number,
  bias: Pointer,
];

/** The part of the platform that this file uses; a package that runs everywhere has the types of none. */
interface Platform {
  readonly WebAssembly?: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  };
}

/** The inverse of `encode` of `scripts/compile.mjs`. */
function decode(): Uint8Array {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  let above = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const digit = code - (code < 92 ? 35 : 36);
    if (digit >= 80) above = (digit - 80) * 80;
    else {
      bytes[length++] = above + digit - 3; // modulo 256, as the array stores it
      above = 0;
    }
  }
  return bytes.subarray(0, length);
}

/** The kernels on this platform, or why there are none. */
export type Loaded = { readonly kernels: Kernels } | { readonly reason: string };

/**
 * The kernels with memory of their own. The module is compiled once; a platform without SIMD refuses to, and its words are
 * the reason.
 */
export function load(platform: Platform = globalThis as Platform): Loaded {
  if (!platform.WebAssembly) return { reason: "there is no WebAssembly here" };
  try {
    const { Module, Instance } = platform.WebAssembly;
    const module = modules.get(platform) ?? new Module(decode());
    modules.set(platform, module);
    return { kernels: new Instance(module, {}).exports as Kernels };
  } catch (error) {
    return { reason: `SIMD WebAssembly does not compile here: ${error instanceof Error ? error.message : error}` };
  }
}

const modules = new WeakMap<object, object>();
