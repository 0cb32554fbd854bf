/**
 * @file CPU milliseconds from importing the built package to the first attention, over a bare process: `pnpm --filter
 * @splineformer/cpu bench` after a build. Processes take turns, and medians are compared. Nothing here fails on time.
 */
import { spawnSync } from "node:child_process";
import { argv, execPath, stdout } from "node:process";
import { fileURLToPath } from "node:url";

if (argv[2] === "bare" || argv[2] === "attend") {
  if (argv[2] === "attend") {
    const { cpu } = await import("@splineformer/cpu");
    const x = { dtype: "float32", shape: [64, 64], data: new Float32Array(64 * 64).fill(0.1) };
    const options = { activation: "softmax", mask: "none", heads: 4, keyValueHeads: 4, scale: 0.25, divide: "none" };
    cpu.attention(x, x, x, undefined, undefined, options);
  }
  const { user, system } = process.cpuUsage();
  stdout.write(`${(user + system) / 1000}`);
} else {
  const times = { bare: [], attend: [] };
  for (let round = 0; round < 21; round++)
    for (const kind of ["bare", "attend"]) {
      const { status, stdout: text } = spawnSync(execPath, [fileURLToPath(import.meta.url), kind], {
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(`start: expected the ${kind} process to end well, got status ${status}`);
      times[kind].push(Number(text));
    }
  const [bare, attend] = [times.bare, times.attend].map((list) => list.sort((a, b) => a - b)[list.length >> 1]);
  stdout.write(`bare ${bare.toFixed(1)} ms, to the first attention ${(attend - bare).toFixed(1)} ms more\n`);
}
