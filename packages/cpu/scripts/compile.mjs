/**
 * @file Compiles `assembly/` (AssemblyScript) and writes the WebAssembly to `src/wasm/module.ts`: two letters a byte, a for 0
 * to p for 15. A package travels compressed: gzip finds no bytes that repeat in base64, which so is a third larger, and
 * letters that are frequent anyhow cost less than digits.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const sources = new URL("../assembly/", import.meta.url);
const target = new URL("../src/wasm/module.ts", import.meta.url);
const flags = ["-O3s", "--noAssert", "--runtime", "stub", "--enable", "simd", "--initialMemory", "1"];

const letter = (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16));

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
    `export const letters =\n  "${Buffer.from(bytes).toString("hex").replace(/./g, letter)}";\n`,
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, await compile());
