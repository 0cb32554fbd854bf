/** @file Which digit a model takes an image for. */
import { cpu } from "@splineformer/cpu";
import { forward, type Network } from "@splineformer/tensor";
import { takeRows } from "@splineformer/training";
import type { Digits } from "./mnist.ts";

/** So many images at a time stay in the cache. */
const together = 50;

/**
 * The largest logit of every image, in float32.
 *
 * @param pause - called between batches
 */
export async function classify(
  model: Network<"x">,
  { images, labels }: Digits,
  pause: () => Promise<void> = async () => {},
): Promise<Uint8Array> {
  const found = new Uint8Array(labels.length);
  for (let from = 0; from < labels.length; from += together) {
    await pause();
    const count = Math.min(together, labels.length - from);
    const batch = takeRows(
      images,
      Array.from({ length: count }, (_, i) => from + i),
    );
    const { data, shape } = forward(model, batch, { on: cpu });
    const classes = shape.at(-1) as number;
    for (let i = 0; i < count; i++) {
      const logits = data.subarray(i * classes, (i + 1) * classes) as Float32Array;
      found[from + i] = logits.indexOf(Math.max(...logits));
    }
  }
  return found;
}

/** The part of the images that the model takes for what they show. */
export async function accuracy(model: Network<"x">, digits: Digits, pause?: () => Promise<void>): Promise<number> {
  const found = await classify(model, digits, pause);
  return found.filter((digit, i) => digit === digits.labels[i]).length / digits.labels.length;
}
