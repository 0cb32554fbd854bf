/**
 * @file The arena: the memory of the kernels. A call reserves what it needs in total, then takes pieces in turn; the next
 * call starts over. In the arena that all calls share, which grows to the largest of them, results are copied out. In a
 * scratch arena, which has a fixed size, they stay, above the pieces, until it is closed: see `scratch.ts`.
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
  /** Where numbers lie that stay in this memory; 0 for others. */
  at(numbers: ArrayBufferView): Pointer;
  /** Numbers of any value for a result that stays in this memory; undefined where results are copied out. */
  take(length: number): Float32Array | undefined;
}

type Numbers = Float32Array | Float64Array;

/** A part of the memory as an array of its own; unlike `set` on a new array it writes no zeros first. */
export const copied = <T extends Numbers>(memory: T, start: number, length: number): T =>
  new (memory.constructor as new (from: T) => T)(memory.subarray(start, start + length) as T);

/** The bytes of a piece for an operand: none if it already lies in the memory. */
export const pieceFor = (arena: Arena, x: ArrayBufferView): number => (arena.at(x) ? 0 : x.byteLength);

/** Where an operand lies, which is `piece` after it has been copied there if it comes from elsewhere. */
export function brought(arena: Arena, x: Numbers, piece: Pointer): Pointer {
  const at = arena.at(x);
  if (at) return at;
  if (x instanceof Float32Array) arena.f32.set(x, piece / 4);
  else arena.f64.set(x, piece / 8);
  return piece;
}

const rounded = (size: number): number => Math.ceil(size / line) * line;
// a kernel reads up to one vector beyond what it needs
const padded = (size: number): number => rounded(size) + line;

/** Turns sizes into pointers, in place, and gives the end of the last piece. */
function laidOut(sizes: number[]): number {
  let end = start;
  for (let i = 0; i < sizes.length; i++) {
    const at = end;
    end += padded(sizes[i]);
    sizes[i] = at;
  }
  return end;
}

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
      const end = laidOut(sizes);
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
    at: () => 0,
    take: () => undefined,
  };
}

/** An arena in which results stay until they are released, or all at once. */
export interface ScratchArena extends Arena {
  /** Gives back what `take` gave. */
  release(numbers: Float32Array): void;
  /** Gives back everything. */
  clear(): void;
}

/** Thrown by the pieces of a scratch arena that has no room for them: the shared arena, which grows, may have it. */
export const full = new RangeError("cpu: expected operands that fit the scratch arena");

/** Address space of a scratch arena, not memory: pages that nobody has written to cost nothing. */
const capacity = 2 ** 30;
/** How much of it pieces may take; results lie above. */
const below = 2 ** 28;

/** A scratch arena; undefined where there is no room for it. */
export function createScratchArena(kernels: Kernels): ScratchArena | undefined {
  const { memory } = kernels;
  try {
    memory.grow(Math.ceil((capacity - memory.buffer.byteLength) / page));
  } catch {
    return undefined;
  }
  // it never grows again, so views stay valid
  const { buffer } = memory;
  let top = below;
  /** What was released, by length: the last first, as it is still in the cache. */
  const free = new Map<number, Float32Array[]>();
  return {
    kernels,
    pieces(...sizes) {
      if (laidOut(sizes) > below) throw full;
      return sizes;
    },
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
    u8: new Uint8Array(buffer),
    at: (numbers) => (numbers.buffer === buffer ? numbers.byteOffset : 0),
    take(length) {
      const known = free.get(length)?.pop();
      if (known) return known;
      const next = top + padded(length * 4);
      if (next > capacity) return undefined;
      const numbers = new Float32Array(buffer, top, length);
      top = next;
      return numbers;
    },
    release(numbers) {
      const { length } = numbers;
      const same = free.get(length);
      if (same) same.push(numbers);
      else free.set(length, [numbers]);
    },
    clear() {
      top = below;
      free.clear();
    },
  };
}
