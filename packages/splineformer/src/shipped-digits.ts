/** @file The digits that come with the package: a trained model and twenty images that it was tested with. See `data/README.md`. */
import { readFile } from "node:fs/promises";
import type { Tensor } from "@splineformer/tensor";
import { type Encoder, loadSafetensors, readSafetensors } from "@splineformer/transformer";
import type { Digits } from "./digits/mnist.ts";

/** Two of each digit, in order, none of them trained on. */
export interface ShippedDigits extends Digits {
  /** Two ReLU layers without a norm: [.., 28, 28] ↦ ten logits, [.., 1, 10]; a spline of degree 9. */
  readonly model: Encoder;
  /** What the model takes each image for, as recorded when it was trained. */
  readonly found: Uint8Array;
}

export async function shippedDigits(): Promise<ShippedDigits> {
  // beside both `src` and `dist`
  const read = (name: string): Promise<Uint8Array> => readFile(new URL(`../data/${name}`, import.meta.url));
  const { tensors, metadata } = readSafetensors(await read("digits-images.safetensors"));
  const digits = (key: string): Uint8Array => Uint8Array.from(JSON.parse(metadata.get(key) as string));
  return {
    model: loadSafetensors(await read("digits-model.safetensors")) as Encoder,
    images: tensors.get("images") as Tensor,
    labels: digits("labels"),
    found: digits("found"),
  };
}
