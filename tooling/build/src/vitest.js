/** @file How every package is tested: from `src/`, its siblings' too, so nothing is built before a test. */
import { defineConfig } from "vitest/config";

/** The export condition that leads to a package's sources. */
const source = "@splineformer/source";

/** Resolves every package of this repository to its sources; vitest projects that stand on their own spread it. */
export const fromSources = {
  resolve: { conditions: [source] },
  ssr: { resolve: { conditions: [source] } },
};

/** Which files are tests in Node; those that need a browser end in `.browser.test.ts`. */
export const nodeTests = {
  include: ["test/**/*.test.{ts,js}"],
  exclude: ["test/**/*.browser.test.*"],
};

/**
 * What every run has: the JSON report that `pnpm verify` counts, and a time limit that only says "it hangs", so that
 * a busy machine fails no test. A package that is still empty has no tests.
 */
export const runs = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  reporters: ["default", "json"],
  outputFile: { json: "test-results/unit.json" },
  passWithNoTests: true,
};

export default defineConfig({
  ...fromSources,
  test: { ...nodeTests, ...runs },
});
