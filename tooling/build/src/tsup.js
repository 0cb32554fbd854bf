/** @file How every package is built (plain JavaScript, since configuration files import it unbundled): ESM and CommonJS beside each other, each with its own type declarations. */
import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts"],
  format: ["esm", "cjs"],
  target: "es2022",
  // tsup's declaration build still sets an option that TypeScript 6 calls deprecated
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  sourcemap: true,
  clean: true,
});
