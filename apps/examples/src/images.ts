/** @file Handwritten digits of the `mnist` package: 28 × 28 pixels from 0 to 1, ten files, one for each digit. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  createEncoder,
  type Encoder,
  forward,
  type Network,
  random,
  type Tensor,
  takeRows,
  tensor,
} from "splineformer";

export interface Images {
  /** [count, 28, 28] */
  readonly inputs: Tensor;
  /** [count, 1], 0 to 9: a class for the one token that a model with a pool gives. */
  readonly targets: Tensor;
}

/** So many images drawn to train on, and others to test with. */
export function readImages(training: number, testing: number, seed: number): { training: Images; testing: Images } {
  const folder = join(dirname(createRequire(import.meta.url).resolve("mnist/package.json")), "src/digits");
  const parts = Array.from({ length: 10 }, (_, digit): number[] => JSON.parse(readFileSync(join(folder, `${digit}.json`), "utf8")).data); // biome-ignore format: one call
  const labels = parts.flatMap((pixels, digit) => new Array<number>(pixels.length / 784).fill(digit));
  const pixels = new Float32Array(labels.length * 784);
  let at = 0;
  for (const part of parts) {
    pixels.set(part, at);
    at += part.length;
  }
  const all = tensor(pixels, [labels.length, 28, 28]);
  const classes = tensor(Int32Array.from(labels), [labels.length, 1]);
  const order = random(seed).permutation(labels.length);
  const some = (from: number, to: number): Images => ({
    inputs: takeRows(all, order.slice(from, to)),
    targets: takeRows(classes, order.slice(from, to)),
  });
  return { training: some(0, training), testing: some(training, training + testing) };
}

/** The untrained model of the digits: 16 patches, two layers of width 32. */
export const digitModel = (activation: "relu" | "softmax"): Encoder =>
  createEncoder({
    layers: 2,
    width: 32,
    heads: 4,
    patches: { height: 28, width: 28, size: 7 },
    positions: { learned: 16 },
    pool: "mean",
    output: 10,
    attention: { activation },
    seed: 1,
  });

export const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;

/** The share of images whose largest logit is their digit's. */
export function accuracy(model: Network<"x">, { inputs, targets }: Images): number {
  const { data } = forward(model, inputs);
  const right = Array.from(targets.data).filter((label, i) => {
    const logits = data.subarray(10 * i, 10 * i + 10);
    return logits.indexOf(Math.max(...logits) as never) === label;
  });
  return right.length / targets.data.length;
}
