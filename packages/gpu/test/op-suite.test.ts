import { runOpSuite } from "@splineformer/testing";
import { afterAll, describe, expect, it } from "vitest";
import { createGpu } from "../src/index.ts";

/** The kernels of the GPU in Node: the same sources, translated to WebAssembly. */
const gpu = await createGpu({ prefer: ["webasm"] });
afterAll(() => gpu.dispose());

runOpSuite({ describe, it, expect }, gpu);
