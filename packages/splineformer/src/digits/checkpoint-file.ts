/** @file A run of `train digits` as a file, from which it goes on: a safetensors file of parameters and averages. */
import { readFile } from "node:fs/promises";
import { show } from "@splineformer/tensor";
import { type Checkpoint, checkpointFromTensors, checkpointTensors } from "@splineformer/training";
import { readSafetensors, SafetensorsError, writeSafetensors } from "@splineformer/transformer";
import type { DigitsSettings } from "./settings.ts";

/** One time through the data. */
export interface Epoch {
  /** From 1. */
  readonly epoch: number;
  /** The mean over its steps. */
  readonly loss: number;
  /** On the test images, after it. */
  readonly accuracy: number;
}

/** Where a run stands. */
export interface SavedRun {
  readonly settings: DigitsSettings;
  readonly checkpoint: Checkpoint;
  /** What is done. */
  readonly epochs: readonly Epoch[];
  /** Losses of the epoch under way, added up. */
  readonly lossSum: number;
}

/** What wrote the file. */
const format = "splineformer train digits";

export function savedRunToBytes({ settings, checkpoint, epochs, lossSum }: SavedRun): Uint8Array {
  const { tensors, progress } = checkpointTensors(checkpoint);
  const run = JSON.stringify({ settings, epochs, lossSum, progress });
  return writeSafetensors(Object.entries(tensors), { metadata: Object.entries({ format, run }) });
}

/** @throws RangeError if there is no such file, or it is no run's */
export async function readSavedRun(file: string): Promise<SavedRun> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new RangeError(`train digits: expected a run to resume at ${file}, got ${error.code}`);
  });
  try {
    const { tensors, metadata } = readSafetensors(bytes);
    if (metadata.get("format") !== format) throw new RangeError(`a file of format ${show(metadata.get("format"))}`);
    const { settings, epochs, lossSum, progress } = JSON.parse(metadata.get("run") ?? "");
    return {
      settings,
      epochs,
      lossSum,
      checkpoint: checkpointFromTensors({ tensors: Object.fromEntries(tensors), progress }),
    };
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof SyntaxError || error instanceof SafetensorsError))
      throw error;
    throw new RangeError(`train digits: expected a run to resume in ${file}, got ${error.message}`, { cause: error });
  }
}
