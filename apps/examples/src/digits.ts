/**
 * @file Handwritten digits with a model that is a spline: no softmax, no norm. What `splineformer train digits` does, written
 * out, without its shifts of the images.
 */
import { crossEntropy, degree, fit, recipe } from "splineformer";
import { accuracy, digitModel, percent, readImages } from "./images.ts";

export interface DigitsSettings {
  readonly training: number;
  readonly testing: number;
  readonly epochs: number;
}

export interface DigitsFact {
  readonly degree: number;
  /** Before and after. */
  readonly accuracy: readonly [before: number, after: number];
  readonly loss: number;
}

export async function digits(
  { training, testing, epochs }: DigitsSettings,
  print: (line: string) => void = () => {},
): Promise<DigitsFact> {
  const images = readImages(training, testing, 1);
  const untrained = digitModel("relu");
  const { total } = degree(untrained);
  print(`a spline of degree ${total}; ${training} images, ${epochs} epochs`);
  let model = untrained;
  let loss = Number.NaN;
  const options = { ...recipe({ epochs, learningRate: 1e-2 }), loss: crossEntropy, seed: 1 };
  for await (const step of fit(untrained, images.training, options)) {
    ({ model, loss } = step);
    if ((step.step * epochs) % step.steps === 0)
      print(`epoch ${step.epoch + 1}: ${percent(accuracy(model, images.testing))} of ${testing} test images`);
  }
  return { degree: total, accuracy: [accuracy(untrained, images.testing), accuracy(model, images.testing)], loss };
}
