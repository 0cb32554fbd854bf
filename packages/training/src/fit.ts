/**
 * @file `fit`: a training run as an async iterable of steps. Everything that is random comes from the seed and the place in the
 * run, so a run that is taken up at step k goes on with the numbers of one that was never interrupted.
 */
import {
  checkOptions,
  createPause,
  type Device,
  type Graph,
  type Network,
  type Node,
  namedInputs,
  type Ops,
  parametersOf,
  pullback,
  random,
  reference,
  required,
  type Shape,
  type Shaped,
  show,
  type Tensor,
  tensor,
  withParameters,
} from "@splineformer/tensor";
import { type Checkpoint, checkResumable, type Run } from "./checkpoint.ts";
import { type Dataset, datasetOf, type Examples } from "./data.ts";
import { everyOne, lossGraph, recorded } from "./gradient.ts";
import type { Loss } from "./losses.ts";
import { firstNonFinite } from "./non-finite.ts";
import type { Named, Optimizer, OptimizerState } from "./optimizers.ts";
import { constantRate, type Schedule } from "./schedules.ts";

/** The names of a network's inputs. */
export type InputName<N> = N extends { readonly inputs: infer I } ? keyof I & string : never;

export interface FitOptions {
  /** What is made small: `meanSquared`, `crossEntropy`, `huber()`, or a function of operations, prediction and target. */
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Times the data is gone through; default 1. */
  readonly epochs?: number;
  /** Examples for one gradient; default 32. The last batch of an epoch may be smaller. */
  readonly batch?: number;
  /** Batches whose gradients are averaged for one step; default 1. */
  readonly accumulate?: number;
  /** The largest norm of the gradient, all parameters together; longer ones are scaled down. Default: none. */
  readonly clip?: number;
  /** A factor of the learning rate by the fraction of the run; default constant. */
  readonly schedule?: Schedule;
  /** Order and augmentation; default 0. */
  readonly seed?: number;
  /** The device; default `reference`. */
  // biome-ignore lint/suspicious/noExplicitAny: a device of any values
  readonly on?: Device<any>;
  /** Aborts before the next step, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Goes on after a checkpoint of the same run. */
  readonly resume?: Checkpoint;
}

/** One optimiser step, done. */
export interface Step<N> {
  /** From 1. */
  readonly step: number;
  /** How many there will be. */
  readonly steps: number;
  /** From 0. */
  readonly epoch: number;
  /** In (0, 1]. */
  readonly progress: number;
  /** The mean loss of the step's batches, before the step. */
  readonly loss: number;
  readonly learningRate: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** The network after the step; later steps leave it alone. */
  readonly model: N;
  /** Where the run stands. */
  checkpoint(): Checkpoint;
}

/**
 * Trains a network: an async iterable of steps. Break out of the loop to stop early; what a step gave stays valid.
 *
 * Deterministic for a seed on a device. Between steps it lets the event loop turn, so that a page stays alive.
 *
 * @param model - is not changed; `step.model` is the trained one
 * @param data - `{ inputs, targets }` with examples along the leading axis, or `{ length, batch }`
 * @returns the steps; the options are checked at once, before the first step is asked for
 * @throws RangeError if an option is unknown or out of range, the checkpoint is of another run, or the loss becomes NaN or
 * infinite (then no step is given)
 * @throws the reason of `signal`, if it is aborted
 * @example
 * ```ts
 * import { fit, meanSquared, sgd } from "@splineformer/training";
 * import { type Network, tensor, type Tensor } from "@splineformer/tensor";
 * const line: Network<"x", {}, { slope: Tensor }> = {
 *   inputs: { x: [1] },
 *   config: {},
 *   parameters: { slope: tensor([0]) },
 *   run: (ops, { slope }, { x }) => ops.multiply(slope, x),
 * };
 * const data = { inputs: tensor([[1], [2], [3]]), targets: tensor([[2], [4], [6]]) };
 * let slope = 0;
 * for await (const { model } of fit(line, data, { loss: meanSquared, optimizer: sgd({ learningRate: 0.1 }), epochs: 30 }))
 *   slope = model.parameters.slope.data[0];
 * slope.toFixed(4); // "2.0000"
 * ```
 */
export function fit<N extends Network<never>>(
  model: N,
  data: Examples<InputName<N>> | Dataset<InputName<N>>,
  options: FitOptions,
): AsyncGenerator<Step<N>, void, void> {
  const plan = planOf(model as unknown as Network, data as Examples | Dataset, options);
  return steps(model, plan);
}

interface Plan extends Run {
  readonly network: Network;
  readonly dataset: Dataset;
  readonly options: FitOptions;
  readonly device: Device<Shaped>;
  readonly schedule: Schedule;
}

function planOf(network: Network, data: Examples | Dataset, options: FitOptions): Plan {
  const where = "fit";
  checkOptions(where, options, ["loss", "optimizer", "epochs", "batch", "accumulate", "clip", "schedule", "seed", "on", "signal", "resume"]); // biome-ignore format: one list
  const { loss, optimizer, epochs = 1, batch = 32, accumulate = 1, clip, schedule = constantRate, seed = 0 } = options;
  const device = (options.on ?? reference) as unknown as Device<Shaped>;
  required(typeof loss === "function", where, "loss to be a function of operations, a prediction and a target", loss);
  required(typeof optimizer?.update === "function", where, "an optimizer (sgd, adam, adamW)", optimizer);
  required(typeof schedule === "function", where, "schedule to be a function of a fraction", schedule);
  required(typeof device?.read === "function", where, "on to be a device", device);
  for (const [name, count] of Object.entries({ epochs, batch, accumulate }))
    required(Number.isSafeInteger(count) && count > 0, where, `${name} to be a whole number > 0`, count);
  if (clip !== undefined) required(clip > 0, where, "clip > 0", clip);
  // random refuses a seed that is none
  random(seed);
  const dataset = datasetOf(where, data);
  const run: Run = { seed, batch, accumulate, epochs, examples: dataset.length, optimizer: optimizer.name };
  const parameters = parametersOf(network);
  for (const [name, { dtype }] of Object.entries(parameters))
    required(
      dtype === "float32" || dtype === "float64",
      where,
      `parameter ${show(name)} to be of a float dtype`,
      dtype,
    );
  if (options.resume !== undefined) checkResumable(where, options.resume, run, parameters, optimizer.averages);
  return { ...run, network, dataset, options, device, schedule };
}

async function* steps<N extends Network<never>>(model: N, plan: Plan): AsyncGenerator<Step<N>, void, void> {
  const { network, dataset, options, device, seed, batch, accumulate, epochs, examples, schedule } = plan;
  const { optimizer, clip = Number.POSITIVE_INFINITY, signal, resume } = options;
  const pause = createPause();
  const draw = graphMaker(network, options.loss);
  const batches = Math.ceil(examples / batch);
  const perEpoch = Math.ceil(batches / accumulate);
  const total = perEpoch * epochs;
  let parameters: Named = resume ? resume.parameters : parametersOf(network);
  let state: OptimizerState = resume ? resume.state : {};
  let order: readonly number[] = [];
  let orderOf = -1;
  for (let step = (resume?.step ?? 0) + 1; step <= total; step++) {
    await pause();
    signal?.throwIfAborted();
    const epoch = Math.floor((step - 1) / perEpoch);
    // even streams order an epoch, odd ones augment a step: neither depends on what came before
    if (orderOf !== epoch) [order, orderOf] = [random(seed, { stream: 2 * epoch }).permutation(examples), epoch];
    const augmentation = random(seed, { stream: 2 * step - 1 });
    const first = ((step - 1) % perEpoch) * accumulate * batch;
    const sums = new Map<string, Float64Array>();
    let count = 0;
    let loss = 0;
    for (let part = 0; part < accumulate; part++) {
      const indices = order.slice(first + part * batch, first + (part + 1) * batch);
      if (indices.length === 0) break;
      const found = await lossAndGradients(network, draw, device, dataset.batch(indices, augmentation), parameters);
      loss += found.loss * indices.length;
      count += indices.length;
      if (!Number.isFinite(found.loss))
        throw new RangeError(
          `fit: expected a loss that stays finite, got ${found.loss} at step ${step}${found.place}; a lower learning rate, clip or layerScale may help`,
        );
      for (const [name, g] of Object.entries(found.gradients)) addTo(sums, name, g, indices.length);
    }
    const gradientNorm = normOf(sums) / count;
    if (!Number.isFinite(gradientNorm))
      throw new RangeError(
        `fit: expected a gradient that stays finite, got one of length ${gradientNorm} at step ${step}; a lower learning rate or layerScale may help`,
      );
    const scale = Math.min(1, clip / gradientNorm) / count;
    const learningRate = optimizer.learningRate * schedule((step - 0.5) / total);
    const gradients = scaled(parameters, sums, scale);
    ({ parameters, state } = optimizer.update({ parameters, gradients, state, step, learningRate }));
    const now: Checkpoint = { step, run: { seed, batch, accumulate, epochs, examples, optimizer: optimizer.name }, parameters, state }; // biome-ignore format: one record
    yield {
      step,
      steps: total,
      epoch,
      progress: step / total,
      loss: loss / count,
      learningRate,
      gradientNorm,
      model: withParameters(model, parameters),
      checkpoint: () => now,
    };
  }
}

/** The graph of the loss for a batch's shapes; drawn once for every shape. */
function graphMaker(network: Network, loss: Loss): (shapes: Readonly<Record<string, Shape>>, target: Shape) => Graph {
  const known = new Map<string, Graph>();
  return (shapes, target) => {
    const key = JSON.stringify([shapes, target]);
    const graph =
      known.get(key) ??
      lossGraph("fit", network, shapes, (ops: Ops<Node>, y, extra) => loss(ops, y, extra[targetName]), { [targetName]: target }); // biome-ignore format: one call
    known.set(key, graph);
    return graph;
  };
}

/** No input of a network is called so. */
const targetName = "(target)";

async function lossAndGradients(
  network: Network,
  draw: ReturnType<typeof graphMaker>,
  device: Device<Shaped>,
  { inputs, targets }: Examples,
  parameters: Named,
): Promise<{ loss: number; gradients: Named; place: string }> {
  const given = namedInputs("fit", network, inputs);
  const shapes = Object.fromEntries(Object.entries(given).map(([name, { shape }]) => [name, shape]));
  const graph = draw(shapes, targets.shape);
  const lifted = Object.fromEntries(Object.entries(given).map(([name, x]) => [name, device.constant(x)]));
  const bound = recorded(graph, parameters);
  const one = device.constant(tensor(1));
  const all = { ...lifted, [targetName]: device.constant(targets) };
  const pulled = pullback(graph, device, { inputs: all, parameters: bound }, { output: one }, { wanted: ({ op }) => op === "parameter" }); // biome-ignore format: one call
  const gradients: Record<string, Tensor> = {};
  for (const [name, g] of Object.entries(pulled.parameters)) gradients[name] = await device.read(g);
  const loss = (await device.read(pulled.outputs.output)).data[0];
  const place = Number.isFinite(loss) ? "" : await firstNonFinite(graph, device, { inputs: all, parameters: bound });
  if (device.release) {
    const values = [...Object.values(pulled.parameters), pulled.outputs.output, ...Object.values(all), one];
    // parameters are new tensors after the step: what the device holds of the old ones goes, too
    for (const [name, value] of Object.entries(bound)) values.push(device.parameter(name, value));
    for (const value of new Set(values)) device.release(value);
  }
  return { loss, gradients: everyOne(parameters, gradients), place };
}

function addTo(sums: Map<string, Float64Array>, name: string, { data }: Tensor, weight: number): void {
  const sum = sums.get(name) ?? new Float64Array(data.length);
  sums.set(name, sum);
  for (let i = 0; i < sum.length; i++) sum[i] += weight * data[i];
}

function normOf(sums: ReadonlyMap<string, Float64Array>): number {
  let square = 0;
  for (const sum of sums.values()) for (let i = 0; i < sum.length; i++) square += sum[i] * sum[i];
  return Math.sqrt(square);
}

function scaled(parameters: Named, sums: ReadonlyMap<string, Float64Array>, factor: number): Named {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => {
      const data = (sums.get(name) as Float64Array).map((g) => factor * g);
      return [name, { dtype: "float64", shape, data }];
    }),
  );
}
