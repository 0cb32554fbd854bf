import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the committed module is what its sources compile to", async () => {
  // a script, so that nothing of the compiler is bundled or typed here
  const script: { compile(): Promise<string> } = await import(new URL("../scripts/compile.mjs", import.meta.url).href);
  const committed = readFileSync(new URL("../src/wasm/module.ts", import.meta.url), "utf8");
  expect((await script.compile()) === committed).toBe(true);
}, 60_000);
