/** @file What a terminal shows while a command works; on anything but a terminal, nothing. */
import type { Output } from "./terminal.ts";

export interface Progress {
  /** Says what is being done now. */
  readonly step: (text: string) => void;
  /** Clears the line for what `write` writes, and shows it again. */
  readonly print: (write: () => void) => void;
  /** Clears the line. */
  readonly stop: () => void;
}

export async function progressOn(stream: Output): Promise<Progress> {
  if (stream.isTTY !== true) return { step: () => {}, print: (write) => write(), stop: () => {} };
  const { default: createSpinner } = await import("yocto-spinner");
  // signals are the command's own business: it has files to clear away
  const spinner = createSpinner({ stream: stream as NodeJS.WriteStream, handleSignals: false }).start();
  return {
    step: (text) => {
      spinner.text = text;
    },
    print: (write) => {
      spinner.clear();
      write();
    },
    stop: () => {
      spinner.stop();
    },
  };
}
