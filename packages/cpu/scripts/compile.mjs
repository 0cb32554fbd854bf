/**
 * @file Compiles `assembly/` (AssemblyScript) and writes the WebAssembly to `src/wasm/module.ts` as text. A package travels
 * compressed, and gzip must still find the bytes that repeat: so a byte, 3 added modulo 256, is one printable character
 * below 80, and from there on a character for its multiple of 80 and one for the rest. The low bytes are the frequent ones.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const sources = new URL("../assembly/", import.meta.url);
const target = new URL("../src/wasm/module.ts", import.meta.url);
const flags = ["-O3s", "--noAssert", "--runtime", "stub", "--enable", "simd", "--initialMemory", "1"];

/** The printable ASCII characters from "#" on but for the backslash, which a string would have to escape. */
const character = (digit) => String.fromCharCode(digit + (digit < 57 ? 35 : 36));

/** What `decode` of `src/wasm/kernels.ts` reads. */
function encode(bytes) {
  const shifted = Array.from(bytes, (byte) => (byte + 3) % 256);
  return shifted
    .map((byte) => (byte < 80 ? "" : character(80 + Math.floor(byte / 80))) + character(byte % 80))
    .join("");
}

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
    `export const text =\n  "${encode(bytes)}";\n`,
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, await compile());
