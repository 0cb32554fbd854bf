/** @file Where a command writes, and how it is stopped. */

/** A stream of text: `process.stdout`, or a collector in a test. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Stops a command between two steps. */
  readonly signal?: AbortSignal;
}
