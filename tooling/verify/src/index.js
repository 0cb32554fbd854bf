/**
 * @file `pnpm verify`: every check of the repository, one line a step, and at the end the count of what passed and failed.
 * CI runs exactly this. A step's log is printed only when it fails; a failing step hides no later one that does not need it.
 * `pnpm verify tests examples` runs these steps only, and those they need.
 */
import { chromiumPath, whyNot } from "@splineformer/chromium";
import { closingLine, failure, indent, sum } from "./count.js";
import { packed } from "./packed.js";
import { build, examples, lint, releases, sizes, tests, types, unused } from "./steps.js";

/**
 * @typedef {import("./count.js").Count} Count
 *
 * @typedef {object} Step
 * @property {string} name
 * @property {(deadline: number) => Promise<Count>} run - rejects only if the step itself is broken
 * @property {string} [needs] - the step that must pass before
 */

/** @type {readonly Step[]} */
const steps = [
  { name: "lint", run: lint },
  { name: "types", run: types },
  { name: "tests", run: tests },
  { name: "examples", run: examples },
  { name: "unused", run: unused },
  { name: "releases", run: releases },
  { name: "build", run: build },
  { name: "packed", run: packed, needs: "build" },
  { name: "sizes", run: sizes, needs: "build" },
];

/** All of it must end in this time; what has not, failed. */
const minutes = 24;

const deadline = Date.now() + minutes * 60_000;
process.env.TURBO_TELEMETRY_DISABLED = "1";
process.env.DO_NOT_TRACK = "1";
// both change results, so turbo must know them: see turbo.json
process.env.CHROMIUM_PATH = chromiumPath() ?? "none";
process.env.SPLINEFORMER_NODE = process.version;

const reason = whyNot();
if (reason !== undefined) print(`Browser tests are skipped: ${reason}.`);

/** @type {Map<string, Count>} */
const found = new Map();
for (const { name, run, needs } of chosen(process.argv.slice(2))) {
  const start = performance.now();
  const count = await outcome(run, needs);
  found.set(name, count);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const mark = count.failed > 0 ? "✗" : "✓";
  print(`${mark} ${name.padEnd(16)} ${closingLine(count).padEnd(28)} ${seconds.padStart(6)} s`);
  if (count.failed > 0) print(indent(count.log.join("\n\n")));
}

const total = sum([...found.values()]);
if (total.passed + total.failed === 0) total.failed = 1;
print(closingLine(total));
process.exitCode = total.failed > 0 ? 1 : 0;

/**
 * @param {readonly string[]} names - none: all
 * @returns {readonly Step[]}
 */
function chosen(names) {
  const unknown = names.find((name) => steps.every((step) => step.name !== name));
  if (unknown !== undefined) {
    const known = steps.map((step) => step.name).join(", ");
    throw new RangeError(`verify: expected steps out of ${known}, got ${unknown}`);
  }
  const wanted = new Set(names);
  for (const { name, needs } of steps) if (needs !== undefined && wanted.has(name)) wanted.add(needs);
  return names.length === 0 ? steps : steps.filter(({ name }) => wanted.has(name));
}

/**
 * @param {Step["run"]} run
 * @param {string | undefined} needs
 * @returns {Promise<Count>}
 */
async function outcome(run, needs) {
  if (needs !== undefined && (found.get(needs)?.failed ?? 0) > 0) return failure(`not run: it needs "${needs}"`);
  try {
    const count = await run(deadline);
    return count.passed + count.failed + count.skipped > 0
      ? count
      : failure("expected something to check, and there is nothing");
  } catch (error) {
    return failure(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}
