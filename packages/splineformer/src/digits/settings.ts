/** @file What `train digits` can be told, and the model and the run that follow from it. */
import { required } from "@splineformer/tensor";
import { recipe } from "@splineformer/training";
import { createEncoder, type Encoder } from "@splineformer/transformer";
import { side } from "./mnist.ts";

/** Everything that the result depends on beside the images: plain data, kept in checkpoints. */
export interface DigitsSettings {
  /** Of the split, the weights, the order and the shifts. */
  readonly seed: number;
  readonly epochs: number;
  readonly layers: number;
  readonly attention: (typeof attentions)[number];
  readonly norm: (typeof norms)[number];
}

export const attentions = ["relu", "softmax", "squaredRelu", "softplus", "sigmoid", "sparsemax"] as const;
export const norms = ["none", "affine", "layer", "rms"] as const;

export const defaultSettings: DigitsSettings = { seed: 1, epochs: 25, layers: 2, attention: "relu", norm: "none" };

/** @throws RangeError naming the first setting that is out of range */
export function checkSettings({ seed, epochs, layers, attention, norm }: DigitsSettings): void {
  const where = "train digits";
  required(Number.isSafeInteger(seed) && seed >= 0, where, "a seed that is a whole number ≥ 0", seed);
  required(Number.isSafeInteger(epochs) && epochs >= 1 && epochs <= 10_000, where, "1 to 10000 epochs", epochs);
  required(Number.isSafeInteger(layers) && layers >= 1 && layers <= 100, where, "1 to 100 layers", layers);
  required(attentions.includes(attention), where, `attention ${attentions.join(", ")}`, attention);
  required(norms.includes(norm), where, `norm ${norms.join(", ")}`, norm);
}

/** Sixteen patches of 7 × 7 pixels, width 32, four heads; the mean of the tokens is read out. Everything else is a default. */
export const untrainedModel = ({ seed, layers, attention, norm }: DigitsSettings): Encoder =>
  createEncoder({
    layers,
    width: 32,
    heads: 4,
    hidden: 64,
    patches: { height: side, width: side, size: 7 },
    positions: { learned: 16 },
    attention: { activation: attention },
    norm,
    pool: "mean",
    output: 10,
    seed,
  });

/** Options of `fit`; deep stacks want smaller steps. Batches of 32 do better here than the recipe's 64. */
export const runOptions = ({ seed, epochs, layers }: DigitsSettings) => ({
  ...recipe({ epochs, learningRate: layers <= 2 ? 1e-2 : 6e-3, batch: 32 }),
  seed,
});
