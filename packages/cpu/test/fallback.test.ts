import { attention, linear, reference, reference32, tensor } from "@splineformer/tensor";
import { seeded } from "@splineformer/testing";
import { expect, test } from "vitest";
import { createDevice } from "../src/device.ts";
import { cpu, cpu64 } from "../src/index.ts";
import { load } from "../src/wasm/kernels.ts";

const without = load({});
const old = load({
  WebAssembly: {
    Module: class {
      constructor() {
        throw new Error("invalid value type 0x7b");
      }
    },
    Instance: class {
      readonly exports = {};
    },
  },
});

test("a platform with SIMD says so", () => {
  expect([cpu.name, cpu.dtype, cpu.backend]).toEqual(["cpu", "float32", "wasm"]);
  expect([cpu64.name, cpu64.dtype, cpu64.reason]).toEqual(["cpu64", "float64", "SIMD WebAssembly compiles here"]);
});

test("a platform without WebAssembly, or without SIMD in it, says so", () => {
  expect(without).toEqual({ reason: "there is no WebAssembly here" });
  expect(old).toEqual({ reason: "SIMD WebAssembly does not compile here: invalid value type 0x7b" });
});

test("without SIMD the devices are the reference's plain loops", () => {
  const device = createDevice("float32", () => ({ reason: "none" }));
  expect([device.backend, device.reason]).toEqual(["reference", "none"]);
  const data = seeded(5);
  const [x, w] = [data.normal([7, 5]), data.normal([5, 3])];
  expect(device.matmul(x, w, {})).toEqual(reference32.matmul(x, w, {}));
  expect(linear(device, x, w, undefined, { activation: "gelu" })).toEqual(
    linear(reference32, x, w, undefined, { activation: "gelu" }),
  );
  const attributes = { activation: "softmax", mask: "none", heads: 1, keyValueHeads: 1, scale: 1, divide: "none" } as const; // biome-ignore format: one record
  expect(attention(device, x, x, x, undefined, undefined, attributes)).toEqual(
    attention(reference32, x, x, x, undefined, undefined, attributes),
  );
  const device64 = createDevice("float64", () => ({ reason: "none" }));
  expect(device64.matmul(x, w, {})).toEqual(reference.matmul(x, w, {}));
  expect(device64.add(tensor([1]), tensor([2])).data).toEqual(Float64Array.of(3));
});
