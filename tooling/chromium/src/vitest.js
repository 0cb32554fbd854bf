/**
 * @file Browser tests beside Node tests: in the system's Chromium where there is one, else skipped, file by file,
 * so that the count says what did not run.
 */
import { basename } from "node:path";
import { fromSources, nodeTests, runs } from "@splineformer/build/vitest";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { launchOptions, whyNot } from "./index.js";

/**
 * The vitest configuration of a package with browser tests: `export default withBrowserTests();`.
 *
 * Its files `test/*.browser.test.ts` run in Chromium, the others in Node. Without a Chromium each browser test file
 * becomes one skipped test that says why, and nothing of it is evaluated.
 *
 * @param {{ browser?: string[], node?: string[] }} [options] - globs of the test files on each side; a file may be on both
 * @returns a vitest configuration with two projects, `node` and `chromium`
 */
export function withBrowserTests({ browser = ["test/**/*.browser.test.ts"], node } = {}) {
  const nodeFiles = node === undefined ? nodeTests : { include: node };
  return defineConfig({
    test: {
      ...runs,
      projects: [{ ...fromSources, test: { ...nodeFiles, name: "node" } }, browserProject(browser)],
    },
  });
}

/**
 * @param {string[]} include
 * @returns {import("vitest/config").TestProjectInlineConfiguration}
 */
function browserProject(include) {
  const reason = whyNot();
  if (reason !== undefined) {
    process.stderr.write(`browser tests are skipped: ${reason}\n`);
    return { plugins: [skipped(reason)], test: { name: "chromium", include } };
  }
  return {
    ...fromSources,
    test: {
      name: "chromium",
      include,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: launchOptions() }),
        instances: [{ browser: "chromium" }],
      },
    },
  };
}

/**
 * Replaces every test file by one skipped test.
 *
 * @param {string} reason
 * @returns {import("vite").Plugin}
 */
function skipped(reason) {
  return {
    name: "splineformer:no-chromium",
    enforce: "pre",
    load(id) {
      const [path = id] = id.split("?");
      if (!/\.test\.[cm]?[jt]sx?$/.test(path)) return undefined;
      const title = JSON.stringify(`${basename(path)} (${reason})`);
      return `import { test } from "vitest";\ntest.skip(${title}, () => {});\n`;
    },
  };
}
