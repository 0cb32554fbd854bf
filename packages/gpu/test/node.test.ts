/** @file The kernels of the GPU in Node: the same sources, translated to WebAssembly. */
import { UnsupportedError } from "@splineformer/tensor";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGpu, type Gpu } from "../src/index.ts";
import { checksOf } from "./checks.ts";

const webasm = { prefer: ["webgpu", "webgl2", "webasm"] } as const;

describe("in Node", () => {
  it("webasm runs, because it was asked for, and the reason says why nothing better does", async () => {
    const gpu = await createGpu(webasm);
    expect(gpu.backend).toBe("webasm");
    expect(gpu.name).toBe("gpu (webasm)");
    expect(gpu.dtype).toBe("float32");
    expect(gpu.reason).toBe(
      "webgpu: navigator.gpu is missing; webgl2: there is no WebGL 2 context; webasm was asked for: WebAssembly on the CPU, no GPU",
    );
    await gpu.dispose();
  });

  it("a device that was not asked for WebAssembly is refused, and the message says what to do", async () => {
    await expect(createGpu()).rejects.toThrow(UnsupportedError);
    await expect(createGpu()).rejects.toThrow(
      'createGpu: expected a GPU (webgpu, webgl2), got none: webgpu: navigator.gpu is missing; webgl2: there is no WebGL 2 context. Run it in a browser with WebGPU or WebGL 2, use @splineformer/cpu, or ask for the slow WebAssembly kernels with createGpu({ prefer: ["webgpu", "webgl2", "webasm"] })',
    );
  });

  it("unknown backends and options are refused", async () => {
    const wrong = (options: unknown) => createGpu(options as never);
    await expect(wrong({ prefer: ["cuda"] })).rejects.toThrow(
      'createGpu: expected prefer to be a list of "webgpu", "webgl2", "webasm", got ["cuda"]',
    );
    await expect(wrong({ prefer: [] })).rejects.toThrow(RangeError);
    await expect(wrong({ prefer: "webgpu" })).rejects.toThrow(RangeError);
    await expect(wrong({ backend: "webgpu" })).rejects.toThrow('createGpu: expected options prefer, got "backend"');
  });
});

describe("on webasm", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await createGpu({ prefer: ["webasm"] });
  });
  afterAll(() => gpu.dispose());
  for (const { title, run } of checksOf("all"))
    it(title, () => run(gpu, { another: () => createGpu({ prefer: ["webasm"] }) }));
});
