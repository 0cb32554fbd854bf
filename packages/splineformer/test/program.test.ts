import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./running.ts";

const folder = temporaryFolder();
const root = join(import.meta.dirname, "..");
const require = createRequire(import.meta.url);

/** Starts the program from its sources. */
function start(args: readonly string[]): ChildProcess {
  const loading = ["--conditions=@splineformer/source", "--import", pathToFileURL(require.resolve("tsx")).href];
  return spawn(process.execPath, [...loading, join(root, "src/cli.ts"), ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function ended(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk) => (stdout += chunk));
  child.stderr?.setEncoding("utf8").on("data", (chunk) => (stderr += chunk));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

// a process of its own takes seconds on a busy machine
describe("the program splineformer", { timeout: 120_000 }, () => {
  it("runs the demo, and writes nothing but its findings where no terminal is attached", async () => {
    const { code, stdout, stderr } = await ended(start(["demo", "--knots", "5", "--out", join(folder, "out")]));
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("All 11 claims hold.");
    expect(stdout).not.toContain("\u001B");
    expect(readdirSync(join(folder, "out")).sort()).toEqual(["spline.html", "spline.safetensors"]);
  });

  it("ends with 2 for an unknown command", async () => {
    const { code, stdout, stderr } = await ended(start(["dance"]));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("unknown command 'dance'");
  });

  it("stopped by Ctrl-C ends with 130 and leaves no file", async () => {
    const out = join(folder, "stopped");
    const child = start(["demo", "--knots", "50", "--out", out]);
    const end = ended(child);
    // its hidden folder is there: it has begun to write, and five steps are still to come
    while (child.exitCode === null && !(existsSync(out) && readdirSync(out).length > 0)) await setTimeout(5);
    child.kill("SIGINT");
    const { code, stdout, stderr } = await end;
    expect([code, stdout, stderr]).toEqual([130, "", "splineformer: stopped, nothing was written\n"]);
    expect(existsSync(out)).toBe(false);
  });

  it("stopped by a second Ctrl-C ends at once, and leaves no file either", async () => {
    const out = join(folder, "stopped twice");
    const child = start(["demo", "--knots", "50", "--out", join(out, "a/b")]);
    const end = ended(child);
    while (child.exitCode === null && !existsSync(join(out, "a/b"))) await setTimeout(5);
    child.kill("SIGINT");
    child.kill("SIGTERM");
    expect((await end).code).toBe(130);
    expect(existsSync(out)).toBe(false);
  });

  it.runIf(existsSync("/proc/version"))("ends with 2 where no folder can be made", async () => {
    const { code, stdout, stderr } = await ended(start(["demo", "--knots", "5", "--out", "/proc/nowhere/at/all"]));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("/proc/nowhere");
  });
});
