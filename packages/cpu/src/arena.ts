/**
 * @file The arena: the one memory of the kernels. A call reserves what it needs in total, then takes pieces in turn;
 * the next call starts over. So it grows to the largest call and no further, and results are copied out of it.
 */
import type { Kernels, Pointer } from "./wasm/kernels.ts";

/** Pieces start on cache lines. */
const line = 64;
/** The size of a page of WebAssembly memory. */
const page = 65536;
/** What lies below belongs to the module, and 0 must stay no pointer. */
const start = 4096;

/** The kernels with their memory. */
export interface Arena {
  readonly kernels: Kernels;
  /**
   * Starts a call: consecutive pieces of these sizes in bytes, as pointers in the same order.
   *
   * @throws RangeError if the memory cannot hold them
   */
  pieces(...sizes: number[]): Pointer[];
  /** The memory, valid until the next `pieces`. */
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly u8: Uint8Array;
}

/** A part of the memory as an array of its own; unlike `set` on a new array it writes no zeros first. */
export const copied = <T extends Float32Array | Float64Array>(memory: T, start: number, length: number): T =>
  new (memory.constructor as new (from: T) => T)(memory.subarray(start, start + length) as T);

const rounded = (size: number): number => Math.ceil(size / line) * line;

export function createArena(kernels: Kernels): Arena {
  let f32 = new Float32Array(0);
  let f64 = new Float64Array(0);
  let u8 = new Uint8Array(0);
  function grow(end: number): void {
    const { memory } = kernels;
    const missing = Math.ceil((end - memory.buffer.byteLength) / page);
    try {
      if (missing > 0) memory.grow(missing);
    } catch {
      throw new RangeError(`cpu: expected operands that fit WebAssembly memory with the work space, got ${end} bytes`);
    }
    f32 = new Float32Array(memory.buffer);
    f64 = new Float64Array(memory.buffer);
    u8 = new Uint8Array(memory.buffer);
  }
  return {
    kernels,
    pieces(...sizes) {
      let end = start;
      for (let i = 0; i < sizes.length; i++) {
        const at = end;
        // a kernel reads up to one vector beyond what it needs
        end += rounded(sizes[i]) + line;
        sizes[i] = at;
      }
      // asking the memory for its buffer costs as much as a small product
      if (end > u8.byteLength) grow(end);
      return sizes;
    },
    get f32() {
      return f32;
    },
    get f64() {
      return f64;
    },
    get u8() {
      return u8;
    },
  };
}
