/**
 * @file A workspace: memory of its own in which a long computation keeps its numbers, so that its products copy nothing.
 * It is a stack: what is taken is given back all at once, down to a mark. Letters: a [m, k], b [k, n], c [m, n].
 */
import { type Kernels, load } from "./wasm/kernels.ts";

/** Where a matrix lies: entry (i, j) of it at `offset + i · stride + j`; stored transposed, at `offset + j · stride + i`. */
interface Matrix {
  readonly numbers: Float64Array;
  readonly offset: number;
  readonly stride: number;
}

/** Numbers on a stack, and products of them. */
export interface Workspace {
  /**
   * Numbers of any value, up to the next `release` of an earlier mark; `undefined` where there is no more room.
   *
   * @param length - how many
   */
  take(length: number): Float64Array | undefined;
  /** How much is taken. */
  mark(): number;
  /** Gives back what was taken since. */
  release(mark: number): void;
  /**
   * c ← a b, plus a bias in every row if there is one, summed in the order of k. All numbers must have been taken from here.
   */
  multiply(
    m: number,
    n: number,
    k: number,
    a: Matrix,
    transposeA: boolean,
    b: Matrix,
    transposeB: boolean,
    c: Matrix,
    bias?: Float64Array,
  ): void;
}

/** What lies below belongs to the module, and to the kernels' packed panels. */
const start = 4096 + 2 ** 20;
/** The size of a page of WebAssembly memory. */
const page = 65536;
/** Address space, not memory: pages that nobody has written to cost nothing. */
const capacity = 2 ** 30;

/** A workspace of its own; undefined where SIMD WebAssembly or the room is missing. */
export function createWorkspace(): Workspace | undefined {
  const loaded = load();
  if (!("kernels" in loaded)) return undefined;
  const { kernels } = loaded;
  try {
    kernels.memory.grow(Math.ceil((start + capacity - kernels.memory.buffer.byteLength) / page));
  } catch {
    return undefined;
  }
  return stackOf(kernels);
}

function stackOf(kernels: Kernels): Workspace {
  // it never grows again, so views stay valid
  const memory = new Float64Array(kernels.memory.buffer);
  let top = start / 8;
  return {
    take(length) {
      // a kernel reads up to one vector beyond what it needs, and pieces start on cache lines
      const next = top + ((length + 15) & ~7);
      if (next > memory.length) return undefined;
      const numbers = memory.subarray(top, top + length);
      top = next;
      return numbers;
    },
    mark: () => top,
    release(mark) {
      top = mark;
    },
    multiply(m, n, k, a, transposeA, b, transposeB, c, bias) {
      kernels.matmul64(
        m,
        n,
        k,
        a.numbers.byteOffset + 8 * a.offset,
        8 * a.stride,
        Number(transposeA),
        b.numbers.byteOffset + 8 * b.offset,
        8 * b.stride,
        Number(transposeB),
        c.numbers.byteOffset + 8 * c.offset,
        8 * c.stride,
        bias ? bias.byteOffset : 0,
        0,
        4096,
      );
    },
  };
}
