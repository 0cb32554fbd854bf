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

/** Where `pnpm verify` finds what ran: one JSON report a run. A package that is still empty has no tests. */
export const reporting = {
  reporters: ["default", "json"],
  outputFile: { json: "test-results/unit.json" },
  passWithNoTests: true,
  // nothing here is timed: a busy machine is no failure, and what hangs still ends
  testTimeout: 120_000,
};

export default defineConfig({
  ...fromSources,
  test: { ...nodeTests, ...reporting },
});
