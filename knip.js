/** @file Which files are entered from outside; everything that none of them leads to is unused. */
import { packages } from "./tooling/verify/src/workspace.js";

export default {
  workspaces: {
    ".": {},
    "packages/cpu": { entry: ["assembly/index.ts!", "scripts/*.mjs"] },
    "tooling/verify": { entry: ["src/index.js", "src/demo.js"] },
    "tooling/examples": { entry: ["src/run.js"] },
  },
  // a package whose index exports nothing is a name and its dependencies, no more
  ignoreWorkspaces: packages()
    .filter(({ isBegun }) => !isBegun)
    .map(({ folder }) => folder),
};
