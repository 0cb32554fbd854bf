/**
 * @file Compiles `assembly/` (AssemblyScript) and writes the WebAssembly, as hexadecimal digits, to `src/wasm/module.ts`.
 * Digits, because a package travels compressed: gzip finds no bytes that repeat in base64, which so is a third larger.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const sources = new URL("../assembly/", import.meta.url);
const target = new URL("../src/wasm/module.ts", import.meta.url);
const flags = ["-O3s", "--noAssert", "--runtime", "stub", "--enable", "simd", "--initialMemory", "1"];

/** What `src/wasm/module.ts` holds, the same for the same sources. */
export async function compile() {
  let bytes;
  const { error, stderr } = await main(["index.ts", "--outFile", "module.wasm", ...flags], {
    readFile(name) {
      const file = new URL(name, sources);
      try {
        return readFileSync(file, "utf8");
      } catch {
        // the compiler asks for names that may not exist
        return null;
      }
    },
    writeFile(_, contents) {
      bytes = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`compile: ${error.message}\n${stderr}`);
  return [
    "/** @file The kernels, compiled from `assembly/` by `scripts/compile.mjs`: don't edit. */",
    `export const digits =\n  "${Buffer.from(bytes).toString("hex")}";\n`,
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, await compile());
