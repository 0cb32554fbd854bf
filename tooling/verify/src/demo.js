/**
 * @file `pnpm demo`: builds what the command line needs, then runs `splineformer demo` with the arguments given.
 * The build is silent when there is nothing to do, one line when there is, and its log when it fails.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.js";
import { run } from "./run.js";

const folder = join(root, "packages/splineformer");
/** @type {{ bin: Record<string, string> }} */
const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

process.env.TURBO_TELEMETRY_DISABLED = "1";
process.env.DO_NOT_TRACK = "1";
const start = performance.now();
const built = await run(join(root, "node_modules/.bin/turbo"), [
  "run",
  "build",
  "--filter=splineformer",
  "--output-logs=errors-only",
]);
if (!built.ok) {
  process.stderr.write(`${built.output}\nThe build failed.\n`);
  process.exit(1);
}
if (!built.output.includes("FULL TURBO")) {
  process.stdout.write(`Built in ${((performance.now() - start) / 1000).toFixed(0)} s.\n`);
}
const demo = spawnSync(process.execPath, [join(folder, bin.splineformer), "demo", ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exitCode = demo.status ?? 1;
