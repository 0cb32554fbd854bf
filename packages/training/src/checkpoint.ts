/**
 * @file Where a run stands, as plain data: with it a run is taken up again and gives the numbers of one that was never
 * interrupted. It survives `structuredClone`; `checkpointTensors` and `checkpointFromTensors` take it apart for files.
 */
import { isTensor, required, ShapeError, sameShape, show, showShape, type Tensor } from "@splineformer/tensor";
import type { Named, OptimizerState } from "./optimizers.ts";

/** What must be the same when a run is taken up again: else other numbers would come out, silently. */
export interface Run {
  readonly seed: number;
  readonly batch: number;
  readonly accumulate: number;
  readonly epochs: number;
  /** The number of examples. */
  readonly examples: number;
  readonly optimizer: string;
}

export interface Checkpoint {
  /** Optimiser steps done. */
  readonly step: number;
  readonly run: Run;
  readonly parameters: Named;
  readonly state: OptimizerState;
}

/**
 * A checkpoint's tensors under one level of names, and the rest as plain JSON data: what a safetensors file holds.
 *
 * @example
 * ```ts
 * import { checkpointFromTensors, checkpointTensors } from "@splineformer/training";
 * import { tensor } from "@splineformer/tensor";
 * const run = { seed: 1, batch: 32, accumulate: 1, epochs: 3, examples: 100, optimizer: "sgd" };
 * const parameters = { w: tensor([1]) };
 * const parts = checkpointTensors({ step: 5, run, parameters, state: { momentum: { w: tensor([2]) } } });
 * Object.keys(parts.tensors); // ["parameters/w", "state/momentum/w"]
 * checkpointFromTensors(parts).step; // 5
 * ```
 */
export function checkpointTensors({ step, run, parameters, state }: Checkpoint): {
  readonly tensors: Record<string, Tensor>;
  readonly progress: { readonly step: number; readonly run: Run };
} {
  const tensors: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(parameters)) tensors[`parameters/${name}`] = value;
  for (const [average, named] of Object.entries(state))
    for (const [name, value] of Object.entries(named)) tensors[`state/${average}/${name}`] = value;
  return { tensors, progress: { step, run } };
}

/**
 * The way back from {@link checkpointTensors}.
 *
 * @throws RangeError if a name or the progress is none of a checkpoint's
 */
export function checkpointFromTensors(parts: {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly progress: unknown;
}): Checkpoint {
  const where = "checkpointFromTensors";
  const { step, run } = (parts.progress ?? {}) as Partial<Checkpoint>;
  const parameters: Record<string, Tensor> = {};
  const state: Record<string, Record<string, Tensor>> = {};
  for (const [name, value] of Object.entries(parts.tensors)) {
    const [kind, second, ...rest] = name.split("/");
    if (kind === "parameters" && second) parameters[[second, ...rest].join("/")] = value;
    else if (kind === "state" && second && rest.length > 0)
      state[second] = { ...state[second], [rest.join("/")]: value };
    else throw new RangeError(`${where}: expected names parameters/… and state/…/…, got ${show(name)}`);
  }
  const checkpoint = { step, run, parameters, state } as Checkpoint;
  checkForm(where, checkpoint);
  return checkpoint;
}

/** Refuses what is no checkpoint. */
function checkForm(where: string, { step, run, parameters, state }: Checkpoint): void {
  required(Number.isSafeInteger(step) && step >= 0, where, "a checkpoint with a whole number of steps", step);
  required(typeof run === "object" && run !== null, where, "a checkpoint with the run it belongs to", run);
  for (const named of [parameters, ...Object.values(state ?? {})])
    required(
      typeof named === "object" && named !== null && Object.values(named).every(isTensor),
      where,
      "a checkpoint with tensors by name",
      named,
    );
}

/** Refuses a checkpoint of another run, model or optimiser. */
export function checkResumable(
  where: string,
  checkpoint: Checkpoint,
  run: Run,
  parameters: Named,
  averages: readonly string[],
): void {
  if (typeof checkpoint !== "object" || checkpoint === null)
    throw new RangeError(`${where}: expected resume to be a checkpoint, got ${show(checkpoint)}`);
  checkForm(where, checkpoint);
  for (const key of Object.keys(run) as (keyof Run)[])
    if (checkpoint.run[key] !== run[key])
      throw new RangeError(
        `${where}: expected a checkpoint of a run with ${key} ${show(run[key])}, got one with ${show(checkpoint.run[key])}`,
      );
  const parts: Record<string, Named> = { parameters: checkpoint.parameters };
  if (checkpoint.step > 0) for (const average of averages) parts[average] = checkpoint.state[average] ?? {};
  for (const [part, named] of Object.entries(parts))
    for (const [name, { shape, dtype }] of Object.entries(parameters)) {
      const value = Object.hasOwn(named, name) ? named[name] : undefined;
      if (!value || value.dtype !== dtype || !sameShape(value.shape, shape))
        throw new ShapeError(
          `${where}: expected a checkpoint with ${part} ${show(name)} of shape ${showShape(shape)} in ${dtype}, got ${value ? `${showShape(value.shape)} in ${value.dtype}` : "none"}`,
        );
    }
}
