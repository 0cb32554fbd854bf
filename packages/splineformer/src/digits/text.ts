/** @file What `train digits` prints for people. */
import type { Epoch } from "./checkpoint-file.ts";
import type { DigitsReport, TrainingNow } from "./train-digits.ts";

const percent = (part: number): string => `${(100 * part).toFixed(2)} %`;

export const epochText = ({ epoch, loss, accuracy }: Epoch): string =>
  `epoch ${String(epoch).padStart(3)}   loss ${loss.toFixed(4)}   test accuracy ${percent(accuracy)}\n`;

/** One line for a terminal: `epoch 3 of 25 ██████░░░░░░ 12 %, loss 0.312`. */
export function progressText({ epoch, epochs, progress, loss }: TrainingNow): string {
  const width = 24;
  const full = Math.round(progress * width);
  const bar = "█".repeat(full) + "░".repeat(width - full);
  return `epoch ${epoch} of ${epochs} ${bar} ${Math.floor(100 * progress)} %, loss ${loss.toFixed(3)}`;
}

export function reportText({ settings, images, parameters, degree, accuracy, file, end }: DigitsReport): string {
  const { attention, norm, layers } = settings;
  const kind = degree === undefined ? "" : `, a spline of degree ${degree}`;
  const model = `${layers === 1 ? "One layer" : `${layers} layers`}, ${attention} attention, norm ${norm}: ${parameters} parameters${kind}.`;
  if (end === "stopped") return `${model}\nStopped. The run is in ${file}; the same command with --resume goes on.\n`;
  return (
    `${model}\n` +
    `Trained on ${images.training} images; ${percent(accuracy ?? Number.NaN)} of ${images.test} others are recognised.\n` +
    `The model is in ${file}.\n`
  );
}
