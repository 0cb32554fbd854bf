import preset from "@splineformer/build/vitest";
import { mergeConfig } from "vitest/config";

// one browser at a time: each simulates a GPU
export default mergeConfig(preset, { test: { fileParallelism: false } });
