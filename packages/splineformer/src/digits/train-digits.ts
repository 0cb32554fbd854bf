/**
 * @file `splineformer train digits`: a small transformer learns handwritten digits. What it finds is a `DigitsReport`; the model
 * appears when it is done. A run that is stopped leaves a checkpoint, and goes on from it with the numbers of one that was not.
 */
import { rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { cpu } from "@splineformer/cpu";
import { parametersOf, required, show, type Tensor, UnsupportedError } from "@splineformer/tensor";
import { crossEntropy, fit, takeRows } from "@splineformer/training";
import {
  type BatchNormalized,
  batchNormalized,
  batchStatistics,
  checkResidual,
  degree,
  type Encoder,
  foldBatchNorm,
  saveSafetensors,
} from "@splineformer/transformer";
import { writeTogether } from "../staging.ts";
import { type Epoch, readSavedRun, type SavedRun, savedRunToBytes } from "./checkpoint-file.ts";
import { accuracy } from "./classify.ts";
import { type Digits, readMnist } from "./mnist.ts";
import { checkSettings, type DigitsSettings, defaultSettings, runOptions, untrainedModel } from "./settings.ts";
import { shiftedDigits, splitDigits } from "./split.ts";

export interface TrainDigitsOptions extends Partial<DigitsSettings> {
  /** The file that the model is written to; the checkpoint is beside it, `<out>.checkpoint`. */
  readonly out: string;
  /** The folder of `0.json` … `9.json`; default: that of the mnist package. */
  readonly images?: string;
  /** Goes on with the run whose checkpoint is there; settings that are given must be its own. */
  readonly resume?: boolean;
  /** Stops before the next step, and leaves a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: (now: TrainingNow) => void;
  readonly onEpoch?: (epoch: Epoch) => void;
}

/** What a progress bar shows. */
export interface TrainingNow {
  readonly epoch: number;
  readonly epochs: number;
  /** From 0 to 1. */
  readonly progress: number;
  readonly loss: number;
}

export interface DigitsReport {
  readonly settings: DigitsSettings;
  /** How many images there are. */
  readonly images: { readonly training: number; readonly test: number };
  readonly parameters: number;
  /** As a spline; undefined for a smooth model. */
  readonly degree: number | undefined;
  readonly epochs: readonly Epoch[];
  /** Of the test images, after the last epoch. */
  readonly accuracy: number | undefined;
  /** What was written: the model, or where the run was stopped, its checkpoint. */
  readonly file: string;
  readonly end: "done" | "stopped";
}

/**
 * Trains, tests after every epoch, and writes the model.
 *
 * @throws RangeError if a setting, the images or the checkpoint cannot be used, or the loss does not stay finite
 */
export async function trainDigits(options: TrainDigitsOptions): Promise<DigitsReport> {
  const { out, images, resume = false, signal, onStep, onEpoch } = options;
  required(out !== "", "train digits", "a file to write the model to", out);
  const isFolder = await stat(out).then((found) => found.isDirectory(), () => false); // biome-ignore format: one question
  if (isFolder)
    throw new RangeError(`train digits: expected a file to write the model to, got the folder ${show(out)}`);
  const checkpointFile = `${out}.checkpoint`;
  let run: SavedRun | undefined = resume ? await readSavedRun(checkpointFile) : undefined;
  const settings = settingsOf(options, run?.settings);
  const { training, test } = splitDigits(await readMnist(images), settings.seed);
  const untrained = untrainedModel(settings);
  const epochs = [...(run?.epochs ?? [])];
  let lossSum = run?.lossSum ?? 0;
  checkResidual(untrained, firstOf(training, 16), { on: cpu });
  let trained: Encoder = untrained;
  const pause = (): Promise<void> => setImmediate();
  const report = (end: DigitsReport["end"], file: string): DigitsReport => ({
    settings,
    images: { training: training.labels.length, test: test.labels.length },
    parameters: Object.values(parametersOf(untrained)).reduce((sum, { data }) => sum + data.length, 0),
    degree: degreeOf(untrained),
    epochs,
    accuracy: epochs.at(-1)?.accuracy,
    file: resolve(file),
    end,
  });

  // batch norms learn from the statistics of each batch, and are folded with those of many images
  const network = settings.norm === "affine" ? batchNormalized(untrained) : untrained;
  const encoderOf = (model: Encoder | BatchNormalized): Encoder => {
    if (!isBatchNormalized(model)) return model;
    return foldBatchNorm(model, batchStatistics(model, firstOf(training, 1000), { on: cpu }));
  };
  const steps = fit<Encoder | BatchNormalized>(network, shiftedDigits(training), {
    ...runOptions(settings),
    loss: crossEntropy,
    on: cpu,
    ...(signal && { signal }),
    ...(run && { resume: run.checkpoint }),
  });
  try {
    for await (const { step, steps: all, epoch, progress, loss, model, checkpoint } of steps) {
      lossSum += loss;
      const perEpoch = all / settings.epochs;
      if (step % perEpoch === 0) {
        trained = encoderOf(model);
        const done: Epoch = {
          epoch: epoch + 1,
          loss: lossSum / perEpoch,
          accuracy: await accuracy(trained, test, pause),
        };
        epochs.push(done);
        lossSum = 0;
        onEpoch?.(done);
      }
      run = { settings, checkpoint: checkpoint(), epochs: [...epochs], lossSum };
      if (step % perEpoch === 0 && step < all) await writeWhole(checkpointFile, savedRunToBytes(run));
      onStep?.({ epoch: epoch + 1, epochs: settings.epochs, progress, loss });
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
    // before the first step there is nothing to go on from
    if (run === undefined) throw error;
    await writeWhole(checkpointFile, savedRunToBytes(run));
    return report("stopped", checkpointFile);
  }
  await writeWhole(out, saveSafetensors(trained));
  await rm(checkpointFile, { force: true });
  return report("done", out);
}

/** Those of a run that goes on, else those that are given, else the defaults. */
function settingsOf(given: Partial<DigitsSettings>, saved: DigitsSettings | undefined): DigitsSettings {
  const settings: Record<string, unknown> = { ...(saved ?? defaultSettings) };
  for (const key of Object.keys(defaultSettings) as (keyof DigitsSettings)[]) {
    const { [key]: value } = given;
    if (value === undefined) continue;
    if (saved && value !== saved[key])
      throw new RangeError(
        `train digits: expected ${key} ${show(saved[key])}, that of the run which goes on, got ${show(value)}`,
      );
    settings[key] = value;
  }
  const complete = settings as unknown as DigitsSettings;
  checkSettings(complete);
  return complete;
}

function degreeOf(model: Encoder): number | undefined {
  try {
    return degree(model).total;
  } catch (error) {
    if (error instanceof UnsupportedError || error instanceof RangeError) return undefined;
    throw error;
  }
}

const isBatchNormalized = (model: Encoder | BatchNormalized): model is BatchNormalized =>
  model.config.kind === "batch normalized";

const firstOf = ({ images, labels }: Digits, count: number): Tensor =>
  takeRows(
    images,
    Array.from({ length: Math.min(count, labels.length) }, (_, i) => i),
  );

/** A file that is replaced whole or not at all. */
const writeWhole = (file: string, bytes: Uint8Array): Promise<void> =>
  writeTogether("train digits", dirname(file), (staging) => writeFile(join(staging, basename(file)), bytes));
