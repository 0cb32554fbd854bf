import library from "@splineformer/build/tsup";
import { defineConfig } from "tsup";

export default defineConfig([
  library,
  // the command line is run, not imported: ESM alone, and what a command needs is a chunk of its own
  {
    ...library,
    entry: { cli: "src/cli.ts", "slice-worker": "src/slice/worker.ts" },
    format: ["esm"],
    dts: false,
    clean: false,
  },
]);
