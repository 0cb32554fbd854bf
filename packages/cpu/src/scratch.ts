/**
 * @file A scratch: the operations of a device for one computation, with results in a memory of their own. They are tensors
 * over it, so that nothing is allocated, collected or copied between one operation and the next.
 */
import { opNames, type Scratch, type SynchronousDevice, type Tensor } from "@splineformer/tensor";
import { createScratchArena, full, type ScratchArena } from "./arena.ts";
import { load } from "./wasm/kernels.ts";

/** Made at first use and kept for the next computation: its operations, and whether one is under way. */
interface Shared {
  readonly arena: ScratchArena;
  readonly ops: Scratch<Tensor>["ops"];
  taken: boolean;
}
/** "missing" where there is no room for its memory. */
let shared: Shared | "missing" | undefined;

/**
 * A scratch; undefined while there is another, or where there is no room for its memory.
 *
 * @param device - what computes where the scratch is full
 * @param over - the same operations over an arena
 */
export function createScratch(
  device: SynchronousDevice,
  over: (arena: ScratchArena) => SynchronousDevice,
): Scratch<Tensor> | undefined {
  shared ??= create(device, over);
  if (shared === "missing" || shared.taken) return undefined;
  const mine = shared;
  mine.taken = true;
  let open = true;
  return {
    ops: mine.ops,
    keep: (x) => (mine.arena.at(x.data) ? ({ ...x, data: x.data.slice() } as Tensor) : x),
    close() {
      if (!open) return;
      open = false;
      mine.arena.clear();
      mine.taken = false;
    },
  };
}

function create(device: SynchronousDevice, over: (arena: ScratchArena) => SynchronousDevice): Shared | "missing" {
  const loaded = load();
  const arena = "kernels" in loaded ? createScratchArena(loaded.kernels) : undefined;
  if (!arena) return "missing";
  const inside = over(arena);
  const ops = {
    ...inside,
    release: ({ data }: Tensor): void => {
      if (arena.at(data)) arena.release(data as Float32Array);
    },
  };
  for (const name of opNames)
    Object.assign(ops, { [name]: orElse(inside[name] as Operation, device[name] as Operation) });
  ops.differentiateAttention = (...operands) => {
    const outside = () => device.differentiateAttention?.(...operands);
    const found = orElse(() => inside.differentiateAttention?.(...operands), outside)();
    return found && { ...found, pullback: orElse(found.pullback, (g) => (outside() ?? found).pullback(g)) };
  };
  return { arena, ops, taken: false };
}

type Operation = (...args: never[]) => unknown;

/** The same, by the other way where the scratch has no room for its pieces. */
const orElse =
  <A extends unknown[], R>(inside: (...args: A) => R, outside: (...args: A) => R) =>
  (...args: A): R => {
    try {
      return inside(...args);
    } catch (error) {
      if (error !== full) throw error;
      return outside(...args);
    }
  };
