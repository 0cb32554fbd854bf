/** @file The scanlines of a plane, read by threads where the built program is, else one after the other. */
import { existsSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { type Scanline, scanlines } from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import type { PlaneArguments, ReadPlane } from "./plane.ts";

/**
 * @param threads - how many read at the same time
 * @param onLine - called with the part that is done, from 0 to 1
 * @throws the signal's reason if it is aborted
 */
export async function readLines(
  plane: PlaneArguments,
  read: ReadPlane,
  threads: number,
  signal: AbortSignal | undefined,
  onLine: (done: number) => void,
): Promise<Scanline[]> {
  const lines: Scanline[] = [];
  const add = (line: Scanline): void => {
    lines.push(line);
    onLine(lines.length / plane.rows);
  };
  // beside the built program; from sources there is none
  const program = new URL("./slice-worker.js", import.meta.url);
  if (threads === 1 || !existsSync(program)) {
    for (const line of scanlines(read.model, { ...read.options, on: cpu64 })) {
      add(line);
      await setImmediate(undefined, { signal });
    }
    return lines;
  }
  const workers: Worker[] = [];
  const stop = new AbortController();
  try {
    await Promise.all(
      Array.from({ length: threads }, (_, k) => {
        const worker = new Worker(program, { workerData: { plane, part: [k, threads] } });
        workers.push(worker);
        return new Promise<void>((resolve, reject) => {
          worker.on("message", add);
          worker.once("error", reject);
          worker.once("exit", (code) =>
            code === 0 ? resolve() : reject(new Error(`slice: expected a thread to end with 0, got ${code}`)),
          );
          signal?.addEventListener("abort", () => reject(signal.reason), { once: true, signal: stop.signal });
        });
      }),
    );
  } finally {
    stop.abort();
    for (const worker of workers) void worker.terminate();
  }
  signal?.throwIfAborted();
  return lines;
}
