/** @file Runs a program to its end and keeps what it printed, in the order it came. */
import { spawn } from "node:child_process";
import { root } from "./root.js";

/**
 * @typedef {object} Ended
 * @property {boolean} ok - it ended with exit code 0
 * @property {string} output - what it printed, both streams
 * @property {string} stdout
 *
 * @typedef {object} RunOptions
 * @property {string} [cwd] - default: the root of the repository
 * @property {Record<string, string | undefined>} [env] - on top of the environment
 * @property {number} [deadline] - a time as of `Date.now()`, in ms: what still runs then is ended, with its children
 */

/**
 * Runs a program without input. Never throws: a program that can't be started has failed.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Ended>}
 */
export function run(program, args, { cwd = root, env = {}, deadline } = {}) {
  return new Promise((settle) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // a process group of its own, so that its children end with it
      detached: true,
    });
    let output = "";
    let stdout = "";
    const timer =
      deadline === undefined
        ? undefined
        : setTimeout(
            () => {
              output += `\n${program}: ended, no time left\n`;
              endGroup(child.pid);
            },
            Math.max(0, deadline - Date.now()),
          );
    const onSignal = () => {
      endGroup(child.pid);
      process.exit(130);
    };
    process.once("SIGINT", onSignal).once("SIGTERM", onSignal);

    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      output += chunk;
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk) => {
      output += chunk;
    });
    /** @param {boolean} ok */
    const end = (ok) => {
      clearTimeout(timer);
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
      settle({ ok, output, stdout });
    };
    child.on("error", (error) => {
      output += `${program}: ${error.message}\n`;
      end(false);
    });
    child.on("close", (code) => end(code === 0));
  });
}

/** @param {number | undefined} pid */
function endGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}
