/** @file Runs a turbo task in every package that has it, and tells how it ended in each. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { root } from "./root.js";
import { run } from "./run.js";

/**
 * @typedef {object} TaskRun
 * @property {string} name - the package
 * @property {boolean} ok
 * @property {string} log - what the task printed
 *
 * @typedef {object} TurboRun
 * @property {TaskRun[]} tasks - one for each package that has the script
 * @property {boolean} ok - turbo ended well
 * @property {string} output - turbo's own words
 */

/**
 * Runs one task everywhere. A failure does not stop the packages that don't depend on it.
 *
 * @param {string} task
 * @param {{ deadline?: number, filter?: string }} [options]
 * @returns {Promise<TurboRun>}
 */
export async function turbo(task, { deadline, filter } = {}) {
  const args = ["run", task, "--continue=dependencies-successful", "--summarize", "--output-logs=errors-only"];
  if (filter !== undefined) args.push(`--filter=${filter}`);
  const ended = await run(join(root, "node_modules/.bin/turbo"), args, { deadline });
  const summaryPath = /Summary:\s+(\S+\.json)/.exec(ended.output)?.[1];
  if (summaryPath === undefined || !existsSync(resolve(root, summaryPath))) {
    return { tasks: [], ok: false, output: ended.output };
  }
  /** @type {Summary} */
  const summary = JSON.parse(readFileSync(resolve(root, summaryPath), "utf8"));
  rmSync(resolve(root, summaryPath));
  const tasks = summary.tasks
    // the others are links of the dependency chain that run nothing
    .filter(({ task: name, command }) => name === task && command !== "<NONEXISTENT>")
    .map(({ package: name, execution, logFile }) => ({
      name,
      ok: execution?.exitCode === 0,
      log: logOf(execution === undefined, join(root, logFile)),
    }));
  return { tasks, ok: ended.ok, output: ended.output };
}

/**
 * @param {boolean} neverRan
 * @param {string} path
 */
function logOf(neverRan, path) {
  if (neverRan) return "did not run: what it depends on failed";
  return existsSync(path) ? readFileSync(path, "utf8") : "printed nothing";
}

/**
 * The part of turbo's run summary that is read.
 *
 * @typedef {object} Summary
 * @property {{ task: string, package: string, command: string, logFile: string, execution?: { exitCode: number } }[]} tasks
 */
