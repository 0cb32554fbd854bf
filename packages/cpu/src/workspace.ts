/**
 * @file A workspace: memory of its own in which a long computation keeps its numbers, so that its products copy nothing.
 * It is a stack: what is taken is given back all at once, down to a mark. Letters: a [m, k], b [k, n], c [m, n].
 */
import type { Workspace } from "@splineformer/tensor";
import { type Kernels, load } from "./wasm/kernels.ts";

/** What lies below belongs to the module, and to the kernels' packed panels. */
const start = 4096 + 2 ** 20;
/** The size of a page of WebAssembly memory. */
const page = 65536;
/** Address space, not memory: pages that nobody has written to cost nothing. */
const capacity = 2 ** 30;

/** More than this many bytes are not kept for the next one: memory that was written to is not given back. */
const mostKept = 2 ** 26;

/** One that was closed, so that many short computations do not each make their own. */
let spare: Kernels | undefined;

/** A workspace of its own; undefined where SIMD WebAssembly or the room is missing. */
export function createWorkspace(): Workspace | undefined {
  if (spare) {
    const kernels = spare;
    spare = undefined;
    return stackOf(kernels);
  }
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
  let peak = top;
  let closed = false;
  return {
    take(length) {
      // a kernel reads up to one vector beyond what it needs, and pieces start on cache lines
      const next = top + ((length + 15) & ~7);
      if (closed || next > memory.length) return undefined;
      const numbers = memory.subarray(top, top + length);
      top = next;
      peak = Math.max(peak, top);
      return numbers;
    },
    mark: () => top,
    release(mark) {
      top = mark;
    },
    close() {
      if (!closed && 8 * peak <= mostKept) spare = kernels;
      closed = true;
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
