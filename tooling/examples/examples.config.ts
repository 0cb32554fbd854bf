/** How the generated tests of the examples run: published names lead to sources, other packages are those of the example's package. */
import { join, relative } from "node:path";
import { fromSources, runs } from "@splineformer/build/vitest";
import { defineConfig } from "vitest/config";
import { root, sources } from "./src/collect.js";
import { generated } from "./src/generate.js";

const published = sources();

export default defineConfig({
  ...fromSources,
  plugins: [
    {
      name: "splineformer:examples",
      enforce: "pre",
      resolveId(id, importer) {
        const source = published.get(id);
        if (source !== undefined) return source;
        if (!importer?.startsWith(generated) || id === "vitest" || /^[./]|^node:/.test(id)) return undefined;
        const [group = "", name = ""] = relative(generated, importer).split(/[\\/]/);
        return this.resolve(id, join(root, group, name, "package.json"), { skipSelf: true });
      },
    },
  ],
  test: {
    ...runs,
    include: ["generated/**/*.test.ts"],
    outputFile: { json: "test-results/examples.json" },
    // examples share their packages' modules, as the blocks of one page do
    isolate: false,
  },
});
