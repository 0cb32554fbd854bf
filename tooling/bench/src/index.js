/**
 * @file `pnpm bench:peers [--json] [--seconds 3] [--only matmul] [--docs]`: installs the peers once, builds our packages and
 * measures. Without `--json` it prints tables; `--docs` writes them, with the processor's name, into the
 * guide's page on the kernels.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
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
for (const name of ["tensor", "cpu", "attention", "transformer", "training"])
  run("pnpm", ["run", "build"], `${root}/packages/${name}`);

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
if (process.argv.includes("--docs")) {
  const page = `${root}/apps/docs/guide/cpu-kernels.md`;
  const [before, rest] = readFileSync(page, "utf8").split("<!-- measured -->\n");
  const after = rest.split("<!-- /measured -->\n")[1];
  const table = `Processor: ${cpus()[0].model.trim()}. ${printTables(report)}`;
  writeFileSync(page, `${before}<!-- measured -->\n\n${table}\n<!-- /measured -->\n${after}`);
}
// some peers keep the process alive
process.exit(0);
