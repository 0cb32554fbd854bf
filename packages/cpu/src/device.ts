/**
 * @file The devices `cpu` and `cpu64`: every operation of the table on tensors, at once. Operations that only move
 * entries are the reference's; where SIMD WebAssembly is missing, all are.
 */
import { openAttention, openLinear, reference, reference32, type SynchronousDevice } from "@splineformer/tensor";
import { activate } from "./activate.ts";
import type { Arena } from "./arena.ts";
import { combine, scale, sum } from "./arithmetic.ts";
import { attention } from "./attention.ts";
import { differentiate } from "./gradient.ts";
import { linear, matmul } from "./matmul.ts";
import type { Platform } from "./platform.ts";
import { normalize, weigh } from "./rows.ts";
import { scan } from "./scan.ts";
import { createScratch } from "./scratch.ts";
import { createWorkspace } from "./workspace.ts";

/** A synchronous device that says what it runs on. */
export type CpuDevice = SynchronousDevice & {
  /** `"wasm"`, or `"reference"` where SIMD WebAssembly is missing. Asking compiles the module. */
  readonly backend: "wasm" | "reference";
  /** Why that backend. */
  readonly reason: string;
};

/** A device over some platform: this one, or in tests one that lacks SIMD. */
export function createDevice(dtype: "float32" | "float64", find: () => Platform): CpuDevice {
  const arena = (): Arena | undefined => {
    const found = find();
    return "arena" in found ? found.arena : undefined;
  };
  const operations = operationsOn(dtype, arena);
  const device: CpuDevice = {
    ...operations,
    get backend() {
      return arena() ? "wasm" : "reference";
    },
    get reason() {
      const found = find();
      return "arena" in found ? "SIMD WebAssembly compiles here" : found.reason;
    },
    ...(dtype === "float32"
      ? {
          // a device made from this one may have other operations, which a scratch would pass over
          scratch() {
            return this === device && arena()
              ? createScratch(operations, (own) => operationsOn(dtype, () => own))
              : undefined;
          },
        }
      : { workspace: () => (arena() ? createWorkspace() : undefined) }),
  };
  return device;
}

/** The operations over an arena; plain ones where there is none. */
function operationsOn(dtype: "float32" | "float64", arena: () => Arena | undefined): SynchronousDevice {
  const plain = dtype === "float32" ? reference32 : reference;
  /** The fast way where there are kernels, else the plain one. */
  const either =
    <A extends unknown[], R>(fast: (arena: Arena, ...args: A) => R, slow: (...args: A) => R) =>
    (...args: A): R => {
      const found = arena();
      return found ? fast(found, ...args) : slow(...args);
    };
  const float32: Partial<SynchronousDevice> = {
    activate: either(activate, plain.activate),
    weigh: either(weigh, plain.weigh),
    normalize: either(normalize, plain.normalize),
    scan: either(scan, plain.scan),
    attention(...operands) {
      const found = arena();
      return (found && attention(found, ...operands)) ?? openAttention(operations, ...operands);
    },
    differentiateAttention(...operands) {
      const found = arena();
      return found && differentiate(found, ...operands);
    },
  };
  const operations: SynchronousDevice = {
    ...plain,
    ...(dtype === "float32" && float32),
    name: dtype === "float32" ? "cpu" : "cpu64",
    add: (a, b) => combine(arena(), dtype, "add", a, b),
    multiply: (a, b) => combine(arena(), dtype, "multiply", a, b),
    scale: (x, attributes) => scale(arena(), dtype, x, attributes),
    sum: (x, attributes) => sum(arena(), dtype, x, attributes),
    matmul: either((found, a, b, attributes) => matmul(found, dtype, a, b, attributes), plain.matmul),
    linear: either(
      (found, x, weight, bias, attributes) => linear(found, dtype, x, weight, bias, attributes),
      (x, weight, bias, attributes) => openLinear(plain, x, weight, bias, attributes),
    ),
  };
  return operations;
}
