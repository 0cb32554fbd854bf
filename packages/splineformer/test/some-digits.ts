/** @file A folder of a few images of each digit, in the form of the mnist package's. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMnist } from "../src/digits/mnist.ts";

/** Writes the first `count` images of each digit, and returns the folder. */
export async function someDigits(folder: string, count: number): Promise<string> {
  const { images, labels } = await readMnist();
  mkdirSync(folder, { recursive: true });
  for (let digit = 0; digit < 10; digit++) {
    const first = labels.indexOf(digit) * 784;
    const data = [...images.data.subarray(first, first + count * 784)];
    writeFileSync(join(folder, `${digit}.json`), JSON.stringify({ data }));
  }
  return folder;
}
