/** @file Lets the event loop turn now and then, so that a page repaints and a Ctrl-C is heard during a long run. */

// every platform has these, and no library of types for them is needed here
declare const performance: { now(): number };
declare function setTimeout(run: () => void): unknown;

/** Milliseconds of work between two turns: under one frame of a 60 Hz screen. */
const share = 12;

/**
 * A function to await often in a long run: it lets the event loop turn if the last turn was 12 ms ago or more, and else gives undefined.
 *
 * @param now - the clock, in milliseconds
 * @example
 * ```ts
 * import { createPause } from "@splineformer/tensor";
 * const pause = createPause();
 * for (let k = 0; k < 3; k++) await pause();
 * ```
 */
export function createPause(now: () => number = () => performance.now()): () => Promise<void> | undefined {
  let last = now();
  return () => {
    if (now() - last < share) return undefined;
    return new Promise((resolve) =>
      setTimeout(() => {
        last = now();
        resolve();
      }),
    );
  };
}
