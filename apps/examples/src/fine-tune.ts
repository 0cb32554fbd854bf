/**
 * @file A model that was trained with softmax becomes a spline: its activation is swapped for ReLU, and a few epochs mend what
 * that broke. Parameters have the same names and shapes in both.
 */
import { crossEntropy, degree, type Encoder, encoderFromParameters, fit, recipe, UnsupportedError } from "splineformer";
import { accuracy, digitModel, type Images, percent, readImages } from "./images.ts";

export interface FineTuneSettings {
  readonly training: number;
  readonly testing: number;
  /** Of softmax, and of ReLU after it. */
  readonly epochs: number;
  readonly tuning: number;
}

export interface FineTuneFact {
  readonly softmax: number;
  /** With ReLU, before any further step. */
  readonly swapped: number;
  readonly tuned: number;
  /** Undefined where the model is no spline. */
  readonly degrees: readonly (number | undefined)[];
}

export async function fineTune(
  { training, testing, epochs, tuning }: FineTuneSettings,
  print: (line: string) => void = () => {},
): Promise<FineTuneFact> {
  const images = readImages(training, testing, 1);
  const softmax = await trained(digitModel("softmax"), images.training, epochs);
  const { config, parameters } = softmax;
  // ReLU weights are divided by the number of keys, which softmax does by itself
  const attention = { ...config.attention, activation: "relu", divide: "length" } as const;
  const swapped = encoderFromParameters({ ...config, attention }, parameters);
  const tuned = await trained(swapped, images.training, tuning);
  const tested = (model: Encoder): number => accuracy(model, images.testing);
  const fact = {
    softmax: tested(softmax),
    swapped: tested(swapped),
    tuned: tested(tuned),
    degrees: [softmax, swapped, tuned].map(degreeOf),
  };
  print(`softmax, ${epochs} epochs: ${percent(fact.softmax)} of ${testing} test images; no spline`);
  print(`the same numbers with ReLU: ${percent(fact.swapped)}; a spline of degree ${fact.degrees[1]}`);
  print(`after ${tuning} epochs more: ${percent(fact.tuned)}; a spline of degree ${fact.degrees[2]}`);
  return fact;
}

async function trained(model: Encoder, images: Images, epochs: number): Promise<Encoder> {
  let last = model;
  const options = { ...recipe({ epochs, learningRate: 8e-3 }), loss: crossEntropy, seed: 1 };
  for await (const step of fit(model, images, options)) last = step.model;
  return last;
}

function degreeOf(model: Encoder): number | undefined {
  try {
    return degree(model).total;
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}
