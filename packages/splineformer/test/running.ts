/** @file Runs the command line in this process and collects what it writes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { commandLine } from "../src/command-line.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(args: readonly string[], options: { readonly signal?: AbortSignal } = {}): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  const code = await commandLine(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    ...options,
  });
  return { code, stdout, stderr };
}

/** A folder for the tests of one file, removed after the last of them. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "splineformer-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}
