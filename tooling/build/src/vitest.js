/** @file How every package is tested: from `src/`, its siblings' too, so nothing is built before a test. */
import { defineConfig } from "vitest/config";

/** The export condition that leads to a package's sources. */
const source = "@splineformer/source";

export default defineConfig({
  resolve: { conditions: [source] },
  ssr: { resolve: { conditions: [source] } },
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", "json"],
    outputFile: { json: "test-results/unit.json" },
  },
});
