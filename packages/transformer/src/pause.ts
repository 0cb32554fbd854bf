/** @file Lets the event loop turn now and then, so that a page repaints and a Ctrl-C is heard while a text grows. */

/** Milliseconds of work between two turns: under one frame of a 60 Hz screen. */
const share = 12;

/** A function that yields if the last turn of the event loop was a while ago, and else does nothing. */
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
