/**
 * @file A run that is stopped by Ctrl-C, and taken up again from a file, ends with the very bits of one that was left alone.
 */
import {
  adam,
  checkpointFromTensors,
  checkpointTensors,
  cosine,
  createEncoder,
  type Encoder,
  type FitOptions,
  fit,
  meanSquared,
  parametersOf,
  random,
  readSafetensors,
  type Step,
  tensor,
  writeSafetensors,
} from "splineformer";

export interface ResumeSettings {
  readonly epochs: number;
  /** The step after which the run is stopped. */
  readonly stopAt: number;
}

export interface ResumeFact {
  readonly steps: number;
  readonly parameters: number;
  /** Parameters that differ in a bit. */
  readonly different: number;
  readonly bytes: number;
  readonly loss: number;
}

/** The task: the largest of five numbers. */
function task(): { readonly inputs: ReturnType<typeof tensor>; readonly targets: ReturnType<typeof tensor> } {
  const numbers = random(1).normal([320, 5, 1]);
  const largest = Array.from({ length: 320 }, (_, i) => Math.max(...numbers.data.subarray(5 * i, 5 * i + 5)));
  return { inputs: numbers, targets: tensor(Float32Array.from(largest), [320, 1, 1]) };
}

export async function resume(
  { epochs, stopAt }: ResumeSettings,
  print: (line: string) => void = () => {},
): Promise<ResumeFact> {
  const model = createEncoder({ layers: 2, width: 12, heads: 3, input: 1, output: 1, pool: "mean", seed: 1 });
  const data = task();
  const options = { loss: meanSquared, optimizer: adam({ learningRate: 5e-3 }), schedule: cosine(), epochs, seed: 1 };

  const whole = await train(model, data, options);

  const controller = new AbortController();
  let file: Uint8Array | undefined;
  try {
    await train(model, data, { ...options, signal: controller.signal }, ({ step, checkpoint }) => {
      if (step !== stopAt) return;
      const { tensors, progress } = checkpointTensors(checkpoint());
      file = writeSafetensors(Object.entries(tensors), { metadata: [["progress", JSON.stringify(progress)]] });
      // what a handler of SIGINT would do
      controller.abort(new Error("stopped"));
    });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    print(`step ${stopAt} of ${whole.steps}: ${(error as Error).message}, ${file?.length} bytes written`);
  }
  if (!file) throw new RangeError(`resume: expected stopAt in [1, ${whole.steps}], got ${stopAt}`);

  const read = readSafetensors(file);
  const checkpoint = checkpointFromTensors({
    tensors: Object.fromEntries(read.tensors),
    progress: JSON.parse(read.metadata.get("progress") as string),
  });
  const again = await train(model, data, { ...options, resume: checkpoint });

  const [left, right] = [whole, again].map((step) => bitsOf(step.model));
  const different = left.filter((bits, i) => bits !== right[i]).length;
  print(`${left.length} parameters after ${again.step} steps, of which ${different} differ from those of a run without a stop`); // biome-ignore format: one line
  return { steps: again.step, parameters: left.length, different, bytes: file.length, loss: again.loss };
}

/** The last step. */
async function train(
  model: Encoder,
  data: ReturnType<typeof task>,
  options: FitOptions,
  each: (step: Step<Encoder>) => void = () => {},
): Promise<Step<Encoder>> {
  let last: Step<Encoder> | undefined;
  for await (const step of fit(model, data, options)) {
    each(step);
    last = step;
  }
  return last as Step<Encoder>;
}

const bitsOf = (model: Encoder): number[] =>
  Object.values(parametersOf(model)).flatMap(({ data }) => [...new Uint32Array(data.slice().buffer)]);
