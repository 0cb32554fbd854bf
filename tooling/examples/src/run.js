/**
 * @file `pnpm examples [file…]`: runs the examples of the files whose names from the root start like that, or all.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { generate } from "./generate.js";

const folder = resolve(import.meta.dirname, "..");
const report = resolve(folder, "test-results/examples.json");

rmSync(report, { force: true });
const expected = generate(process.argv.length > 2 ? process.argv.slice(2) : undefined);
if (expected === 0) {
  process.stderr.write(`examples: expected a file or folder with examples, got ${process.argv.slice(2).join(" ")}\n`);
  process.exit(1);
}
const vitest = spawnSync(resolve(folder, "node_modules/.bin/vitest"), ["run", "--config=examples.config.ts"], {
  cwd: folder,
  stdio: "inherit",
});
const ran = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).numTotalTests : 0;
if (ran !== expected) process.stderr.write(`examples: expected ${expected} to run, got ${ran}\n`);
process.exitCode = ran === expected ? (vitest.status ?? 1) : 1;
