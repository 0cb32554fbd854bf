/** @file Which files are entered from outside; everything that none of them leads to is unused. */
import { packages } from "./tooling/verify/src/workspace.js";

const tests = "test/**/*.test.{ts,js}";

export default {
  workspaces: {
    "packages/*": { entry: [tests] },
    "packages/cpu": { entry: [tests, "assembly/index.ts!", "scripts/*.mjs"] },
    // its images are read by path
    "packages/splineformer": { entry: [tests], ignoreDependencies: ["mnist"] },
    "apps/docs": {
      // pages name their components in Markdown, which is not read, nor are the examples there
      entry: [tests, "src/*.data.ts", "src/**/*.vue", "scripts/*.js"],
      ignoreDependencies: ["splineformer", "typedoc-plugin-markdown"],
    },
    "apps/examples": { entry: [tests] },
    "tooling/*": { entry: [tests] },
    "tooling/examples": { entry: [tests, "examples.config.ts"] },
  },
  // a package whose index exports nothing is a name and its dependencies, no more
  ignoreWorkspaces: packages()
    .filter(({ isBegun }) => !isBegun)
    .map(({ folder }) => folder),
};
