/**
 * @file What stands behind handles: a queue of work in the order of the calls, and who holds which memory.
 *
 * One queue makes everything else simple: an operand is there when its operation's turn comes, a release takes effect
 * after the operations that were called before it, and two calls never meet in one compiled kernel.
 */
import {
  cast,
  isTensor,
  reshape,
  type Shape,
  show,
  showShape,
  sizeOf,
  type Tensor,
  tensor,
  UnsupportedError,
} from "@splineformer/tensor";
import type { Backend, Value } from "./backend.ts";
import type { Handle } from "./handle.ts";
import type { Kernel } from "./kernels/kernel.ts";
import { copy } from "./kernels/view.ts";

/** What an operation computes with: kernels, whose results are given back when it is done, all but the last. */
export interface Work {
  run(kernel: Kernel, length: number, ...args: readonly (Value | number)[]): Promise<Value>;
  /** A small array of numbers that many calls share, by name. */
  table(name: string, numbers: () => Float32Array): Promise<Value>;
  /** Waits for the GPU. */
  read(value: Value): Promise<Float32Array>;
}

export interface Engine {
  readonly live: number;
  /** A tensor on the device; the same handle for the same tensor until it is released. */
  lift(where: string, value: Tensor): Handle;
  /** The shape of what must be a live handle of this device. */
  shape(where: string, handle: Handle): Shape;
  /** Enqueues an operation. */
  schedule(
    where: string,
    shape: Shape,
    operands: readonly (Handle | undefined)[],
    compute: (work: Work, values: readonly Value[]) => Promise<Value>,
  ): Handle;
  /** The numbers of a handle that are known without asking the GPU. */
  known(where: string, handle: Handle): Tensor | undefined;
  /** Refuses what would not fit on the device. */
  checkSize(where: string, what: string, shape: Shape): void;
  read(where: string, handle: Handle): Promise<Tensor<"float32">>;
  release(handle: Handle): void;
  dispose(): Promise<void>;
}

/** The memory of a handle. Apart from the slot, so that a handle that is collected can be cleaned up after. */
interface Cell {
  value?: Value;
}

interface Slot {
  readonly shape: Shape;
  readonly cell: Cell;
  /** The numbers outside the device: of a tensor that was lifted, or after a read. */
  host?: Tensor;
  /** A read under way; what it gives becomes `host`. */
  reading?: Promise<Tensor<"float32">>;
  failure?: { readonly error: unknown };
  released: boolean;
}

/** Which device a handle belongs to, across devices, for the message when they are mixed. */
const owners = new WeakMap<Handle, string>();
let devices = 0;

export function createEngine(backend: Backend): Engine {
  const me = `${backend.name} device ${++devices}`;
  const slots = new WeakMap<Handle, Slot>();
  const lifted = new WeakMap<Tensor, Handle>();
  const tables = new Map<string, Value>();
  const cells = new Set<Cell>();
  /** Reads that were issued and not answered. */
  const underWay = new Set<Promise<unknown>>();
  let disposed: Promise<void> | undefined;
  let queue: Promise<void> = Promise.resolve();

  /** Tasks keep their failures for whoever reads; what is left can only come from giving memory back. */
  const enqueue = (task: () => void | Promise<void>): void => {
    queue = queue.then(task).catch(() => {});
  };
  const empty = (cell: Cell): void => {
    if (cell.value) backend.free(cell.value);
    cell.value = undefined;
    cells.delete(cell);
  };
  const collected = new FinalizationRegistry<Cell>((cell) => enqueue(() => empty(cell)));

  const lost = (where: string): UnsupportedError =>
    new UnsupportedError(
      `${where}: expected a ${backend.name} device that is alive, got one that the browser took away (a driver reset, too much memory, a page in the background, or 16 or more devices: dispose of those you are done with); make a new one with createGpu() and run again, its parameters are uploaded anew`,
    );
  const checkAlive = (where: string): void => {
    if (disposed)
      throw new RangeError(`${where}: expected a device, got one that was disposed; make a new one with createGpu()`);
    if (backend.isLost()) throw lost(where);
  };

  const make = (slot: Slot): Handle => {
    const handle: Handle = Object.freeze({ shape: slot.shape, read: () => readSlot("read", slot) });
    slots.set(handle, slot);
    owners.set(handle, me);
    collected.register(handle, slot.cell, slot);
    return handle;
  };

  const slotOf = (where: string, handle: Handle): Slot => {
    const slot = slots.get(handle);
    if (!slot) {
      const owner = typeof handle === "object" && handle !== null ? owners.get(handle) : undefined;
      if (owner)
        throw new RangeError(
          `${where}: expected a handle of ${me}, got one of ${owner}; read it and lift the tensor: gpu.constant(await handle.read())`,
        );
      throw new RangeError(
        `${where}: expected a handle, got ${isTensor(handle) ? `a tensor ${showShape((handle as Tensor).shape)}; lift it with gpu.constant(tensor)` : show(handle)}`,
      );
    }
    if (slot.released)
      throw new RangeError(
        `${where}: expected a handle that is live, got one ${showShape(slot.shape)} that was released; release it after its last use`,
      );
    return slot;
  };

  const checkSize = (where: string, what: string, shape: Shape): void => {
    if (sizeOf(shape) > backend.limit)
      throw new RangeError(
        `${where}: expected ${what} of at most ${backend.limit} entries (${backend.limitReason}), got ${showShape(shape)}, which is ${sizeOf(shape)}; split the batch, or run it on another device`,
      );
  };

  /** The value of a slot, uploaded if it is not on the device. */
  const resident = async (slot: Slot): Promise<Value> => {
    if (slot.failure) throw slot.failure.error;
    if (slot.cell.value) return slot.cell.value;
    const host = slot.host ?? (await slot.reading);
    if (!host) throw new RangeError("gpu: expected a value, got a handle whose operation did not run");
    slot.cell.value = await backend.upload(padded(host));
    cells.add(slot.cell);
    return slot.cell.value;
  };

  /** What went wrong, said as it is for whoever reads the result. */
  const explained = (where: string, error: unknown): unknown => (backend.isLost() ? lost(where) : error);

  const readSlot = (where: string, slot: Slot): Promise<Tensor<"float32">> => {
    if (slot.released)
      return Promise.reject(
        new RangeError(`${where}: expected a handle that is live, got one ${showShape(slot.shape)} that was released`),
      );
    if (slot.host) return Promise.resolve(copied(slot.host));
    if (slot.reading) return slot.reading.then(copied);
    try {
      checkAlive(where);
    } catch (error) {
      return Promise.reject(error);
    }
    slot.reading = new Promise((resolve, reject) =>
      enqueue(async () => {
        try {
          const value = await resident(slot);
          // the copy is issued now and waited for outside the queue
          const answer = backend
            .read(value)
            .then((numbers) => {
              if (backend.isLost()) throw lost(where);
              const result = tensor(numbers.subarray(0, sizeOf(slot.shape)), slot.shape);
              slot.host = result;
              return result;
            })
            .catch((error) => {
              throw explained(where, error);
            })
            .then(resolve, reject)
            .finally(() => underWay.delete(answer));
          underWay.add(answer);
          empty(slot.cell);
        } catch (error) {
          reject(explained(where, error));
        }
      }),
    );
    const copy = slot.reading.then(copied);
    // whoever reads hears of it; nobody else must
    copy.catch(() => {});
    return copy;
  };

  const perform = async (
    where: string,
    slot: Slot,
    operands: readonly Slot[],
    compute: (work: Work, values: readonly Value[]) => Promise<Value>,
  ): Promise<void> => {
    const made = new Set<Value>();
    const table: Work["table"] = async (name, numbers) => {
      const known = tables.get(name) ?? (await backend.upload(numbers()));
      tables.set(name, known);
      return known;
    };
    const run: Work["run"] = async (kernel, length, ...args) => {
      if (backend.isLost()) throw lost(where);
      const arrays = args.filter((arg) => typeof arg !== "number");
      for (const { name, numbers } of kernel.tables ?? []) arrays.push(await table(name, numbers));
      const scalars = args.filter((arg) => typeof arg === "number");
      const value = await backend.run(kernel, Math.max(length, 1), ...arrays, ...scalars);
      made.add(value);
      return value;
    };
    try {
      const values: Value[] = [];
      for (const operand of operands) values.push(await resident(operand));
      const result = await compute({ run, table, read: (value) => backend.read(value) }, values);
      // an operation may find nothing to do; a result has memory of its own all the same
      const own = made.has(result) ? result : await run(copy, result.length, result);
      made.delete(own);
      slot.cell.value = own;
      cells.add(slot.cell);
    } catch (error) {
      slot.failure = { error: explained(where, error) };
    }
    for (const value of made) backend.free(value);
  };

  return {
    get live() {
      return backend.live;
    },
    checkSize,
    lift(where, value) {
      checkAlive(where);
      if (!isTensor(value)) throw new RangeError(`${where}: expected a tensor, got ${show(value)}`);
      const known = lifted.get(value);
      if (known && !slots.get(known)?.released) return known;
      checkSize(where, "a tensor", value.shape);
      const handle = make({ shape: [...value.shape], cell: {}, host: value, released: false });
      lifted.set(value, handle);
      return handle;
    },
    schedule(where, shape, operands, compute) {
      const present = operands.filter((operand) => operand !== undefined);
      const used = present.map((operand) => slotOf(where, operand));
      checkSize(where, "a result", shape);
      const slot: Slot = { shape: [...shape], cell: {}, released: false };
      enqueue(() => perform(where, slot, used, compute));
      return make(slot);
    },
    shape(where, handle) {
      checkAlive(where);
      return slotOf(where, handle).shape;
    },
    known: (where, handle) => slotOf(where, handle).host,
    read: (where, handle) => {
      try {
        return readSlot(where, slotOf(where, handle));
      } catch (error) {
        return Promise.reject(error);
      }
    },
    release(handle) {
      const slot = slots.get(handle);
      if (!slot) slotOf("release", handle);
      else if (!slot.released) {
        slot.released = true;
        collected.unregister(slot);
        enqueue(() => empty(slot.cell));
      }
    },
    dispose() {
      disposed ??= new Promise((resolve, reject) =>
        enqueue(async () => {
          // whoever asked before is answered
          await Promise.all(underWay);
          for (const cell of [...cells]) empty(cell);
          for (const value of tables.values()) backend.free(value);
          tables.clear();
          await backend.close().then(resolve, reject);
        }),
      );
      return disposed;
    },
  };
}

/** For a reader, who may write into it: what the device keeps is uploaded again when the handle is used. */
const copied = (x: Tensor): Tensor<"float32"> => tensor(Float32Array.from(x.data), x.shape);

/** The numbers in float32; a tensor without entries has one on the device, which nobody reads. */
function padded(x: Tensor): Float32Array {
  return x.data.length === 0 ? new Float32Array(1) : reshape(cast(x, "float32"), [x.data.length]).data;
}
