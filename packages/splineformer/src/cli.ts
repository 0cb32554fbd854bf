#!/usr/bin/env node
/** @file The program `splineformer`: the command line, bound to this process. */
import { commandLine } from "./command-line.ts";

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    // the first asks to stop between two steps, a second does not wait
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  });
// `splineformer … | head` closes the pipe early, which is no error
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`splineformer: expected stdout to take the findings, got ${error.code ?? error.message}\n`);
  process.exit(2);
});

process.exitCode = await commandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupted.signal,
});
