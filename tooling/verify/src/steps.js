/** @file The steps of `pnpm verify` that need no tarball. Each takes the time by which it must have ended, and returns its count. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import getReleasePlan from "@changesets/get-release-plan";
import { check, countReportFile, countReports, failure, sum } from "./count.js";
import { root } from "./root.js";
import { run } from "./run.js";
import { turbo } from "./turbo.js";
import { begunPackages, packages, testFiles } from "./workspace.js";

/** @typedef {import("./count.js").Count} Count */

const examplesFolder = "tooling/examples";

/**
 * Lint, format and the order of imports, by Biome: one check.
 *
 * @param {number} deadline
 * @returns {Promise<Count>}
 */
export async function lint(deadline) {
  const args = ["check", "--error-on-warnings", "--colors=off", "."];
  const { ok, output } = await run(join(root, "node_modules/.bin/biome"), args, { deadline });
  return check("biome", ok ? [] : [output]);
}

/**
 * Types, by TypeScript: one check a package.
 *
 * @param {number} deadline
 * @returns {Promise<Count>}
 */
export async function types(deadline) {
  return countTasks(await turbo("check", { deadline }));
}

/**
 * The tests of every package, each case counted. A package that has begun must have some.
 *
 * @param {number} deadline
 * @returns {Promise<Count>}
 */
export async function tests(deadline) {
  const all = packages();
  // turbo puts them back from its cache; a report of an older run must not speak for this one
  for (const { path } of all) rmSync(join(path, "test-results"), { recursive: true, force: true });
  const { tasks, ok, output } = await turbo("test", { deadline });
  const logs = new Map(tasks.filter((task) => !task.ok).map(({ name, log }) => [name, log]));
  const counts = all
    .filter(({ manifest }) => manifest.scripts?.test !== undefined)
    .map((candidate) => {
      const expected = testFiles(candidate);
      const count = countReports(candidate.path, expected);
      const log = logs.get(candidate.name);
      if (log !== undefined && count.failed === 0) return sum([count, failure(`${candidate.name}\n${log}`)]);
      if (candidate.isPublic && candidate.isBegun && expected.length === 0) {
        return sum([count, failure(`${candidate.name}: expected tests, and there are none`)]);
      }
      return count;
    });
  const total = sum(counts);
  return ok || total.failed > 0 ? total : sum([total, failure(output)]);
}

/**
 * The examples of doc comments and Markdown pages, each counted.
 *
 * @param {number} deadline
 * @returns {Promise<Count>}
 */
export async function examples(deadline) {
  const { path } = /** @type {import("./workspace.js").Package} */ (
    packages().find(({ folder }) => folder === examplesFolder)
  );
  rmSync(join(path, "test-results/examples.json"), { force: true });
  const { tasks, ok, output } = await turbo("examples", { deadline });
  const count = countReportFile(join(path, "test-results/examples.json"), path);
  return ok || count.failed > 0 ? count : sum([count, failure(tasks.at(0)?.log ?? output)]);
}

/**
 * Unused files, exports and dependencies, by knip: one check.
 *
 * @param {number} deadline
 * @returns {Promise<Count>}
 */
export async function unused(deadline) {
  const { ok, output } = await run(join(root, "node_modules/.bin/knip"), ["--no-progress"], { deadline });
  return check("knip", ok ? [] : [output]);
}

/**
 * The builds: one check a package.
 *
 * @param {number} deadline
 * @returns {Promise<Count>}
 */
export async function build(deadline) {
  return countTasks(await turbo("build", { deadline }));
}

/**
 * What the packages weigh in a bundle, against `.size-limit.json`: one check a package.
 *
 * @param {number} deadline
 * @returns {Promise<Count>}
 */
export async function sizes(deadline) {
  const bin = join(root, "node_modules/.bin/size-limit");
  const { stdout, output } = await run(bin, ["--json"], { deadline });
  /** @type {{ name: string, passed?: boolean, size: number, sizeLimit?: number }[]} */
  let measured;
  try {
    measured = JSON.parse(stdout);
  } catch {
    return failure(output);
  }
  return sum(
    begunPackages().map(({ name }) => {
      const entry = measured.find((candidate) => candidate.name === name);
      if (entry?.sizeLimit === undefined)
        return failure(`${name}: expected a limit in .size-limit.json, and there is none`);
      const kilobytes = `${(entry.size / 1000).toFixed(1)} kB of ${(entry.sizeLimit / 1000).toFixed(1)} kB`;
      return check(name, entry.passed === true ? [] : [`too large: ${kilobytes}`]);
    }),
  );
}

/**
 * The changesets: one check that they and their configuration can be read, one that the next version of every
 * published package is the same and below 1.0.
 *
 * @returns {Promise<Count>}
 */
export async function releases() {
  const plan = await getReleasePlan(root);
  const published = packages().filter(({ isPublic }) => isPublic);
  const next = published.map(({ name, manifest }) => {
    const release = plan.releases.find((candidate) => candidate.name === name);
    return { name, version: release?.newVersion ?? manifest.version };
  });
  const first = next.at(0)?.version;
  return sum([
    check(
      "changesets: private packages are not released",
      plan.releases
        // "none": only the range of a dependency is written anew
        .filter(({ name, type }) => type !== "none" && published.every((candidate) => candidate.name !== name))
        .map(({ name }) => name),
    ),
    check(
      "changesets: one version for all, below 1.0",
      next
        .filter(({ version }) => version !== first || !version.startsWith("0."))
        .map(({ name, version }) => `${name}: ${version}`),
    ),
  ]);
}

/**
 * @param {import("./turbo.js").TurboRun} turboRun
 * @returns {Count}
 */
function countTasks({ tasks, ok, output }) {
  const total = sum(tasks.map((task) => check(task.name, task.ok ? [] : [task.log])));
  return ok || total.failed > 0 ? total : sum([total, failure(output)]);
}
