/**
 * @file `pnpm bench:peers [--json] [--seconds 3] [--only matmul]`: installs the peers once, builds our packages and
 * measures. Without `--json` it prints tables.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("..", import.meta.url));
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Runs a command; its output goes to stderr, so that --json stays readable. */
function run(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (status !== 0)
    throw new Error(`bench:peers: expected \`${command} ${args.join(" ")}\` to succeed, got status ${status}`);
}

if (!existsSync(`${folder}/node_modules`)) run("pnpm", ["install", "--ignore-scripts", "--frozen-lockfile"], folder);
// always, so that nothing stale is measured
for (const name of ["tensor", "cpu"]) run("pnpm", ["run", "build"], `${root}/packages/${name}`);

const { measureAll } = await import("./measure-all.js");
const { printTables } = await import("./table.js");

const argument = (name, fallback) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
};
const json = process.argv.includes("--json");
const report = await measureAll({
  seconds: Number(argument("--seconds", 3)),
  only: argument("--only", ""),
  progress: (line) => process.stderr.write(`${line}\n`),
});
if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
else process.stdout.write(printTables(report));
// some peers keep the process alive
process.exit(0);
