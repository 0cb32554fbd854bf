import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { random } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import { readMnist } from "../src/digits/mnist.ts";
import { shiftedDigits, splitDigits } from "../src/digits/split.ts";
import { temporaryFolder } from "./running.ts";

const folder = temporaryFolder();

/** Ten files of one black image each, and one of them as told. */
function filesWith(name: string, digit: number, text: string): string {
  const own = join(folder, name);
  mkdirSync(own);
  for (let d = 0; d < 10; d++)
    writeFileSync(join(own, `${d}.json`), JSON.stringify({ data: new Array(784).fill(d / 10) }));
  writeFileSync(join(own, `${digit}.json`), text);
  return own;
}

describe("readMnist", () => {
  it("reads 10,000 images of 28 × 28 pixels, ordered by digit", async () => {
    const { images, labels } = await readMnist();
    expect(images.shape).toEqual([10_000, 28, 28]);
    expect([0, 1001, 2128, 9999].map((i) => labels[i])).toEqual([0, 1, 2, 9]);
    expect(images.data.every((pixel) => pixel >= 0 && pixel <= 1)).toBe(true);
  });

  it("reads a folder of such files", async () => {
    const own = filesWith("two nines", 9, JSON.stringify({ data: new Array(2 * 784).fill(1) }));
    const { images, labels } = await readMnist(own);
    expect([...labels]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]);
    expect([images.data[783], images.data[784], images.data[images.data.length - 1]]).toEqual([0, Math.fround(0.1), 1]);
  });

  it.each([
    ["no JSON", "{ data", /^readMnist: expected JSON in .*3\.json, got /],
    ["null", "null", /^readMnist: expected a list of pixels under "data" in .*3\.json, got undefined$/],
    ["no list", '{"data":5}', /^readMnist: expected a list of pixels under "data" in .*3\.json, got 5$/],
    ["no image", '{"data":[]}', /^readMnist: expected 28 × 28 pixels for every image in .*3\.json, got 0 pixels$/],
    ["a pixel short", JSON.stringify({ data: new Array(783).fill(0) }), /got 783 pixels$/],
    [
      "a pixel too bright",
      JSON.stringify({ data: [...new Array(783).fill(0), 255] }),
      /^readMnist: expected pixels from 0 to 1 in .*3\.json, got 255 at entry 783$/,
    ],
    ["a pixel that is text", JSON.stringify({ data: [...new Array(783).fill(0), "1"] }), /got "1" at entry 783$/],
  ])("refuses a file with %s", async (name, text, message) => {
    const own = filesWith(name, 3, text);
    await expect(readMnist(own)).rejects.toThrow(RangeError);
    await expect(readMnist(own)).rejects.toThrow(message);
  });

  it("refuses a folder where a file is missing, by its name", async () => {
    const own = join(folder, "only a zero");
    mkdirSync(own);
    copyFileSync(join(folder, "two nines/0.json"), join(own, "0.json"));
    await expect(readMnist(own)).rejects.toThrow(/^readMnist: expected a file of images .*1\.json, got ENOENT$/);
  });
});

describe("the split", () => {
  it("tests with a fifth, by the seed, and trains on the rest", async () => {
    const all = await readMnist();
    const { training, test } = splitDigits(all, 1);
    expect([training.labels.length, test.labels.length]).toEqual([8000, 2000]);
    const counts = (labels: Uint8Array) => Array.from({ length: 10 }, (_, d) => labels.filter((l) => l === d).length);
    const [a, b, whole] = [training, test, all].map(({ labels }) => counts(labels));
    expect(a.map((n, d) => n + b[d])).toEqual(whole);
    expect(splitDigits(all, 1).test.labels).toEqual(test.labels);
    expect(splitDigits(all, 2).test.labels).not.toEqual(test.labels);
  });
});

describe("shifts", () => {
  it("move an image by up to two pixels each way, and lose what leaves it", () => {
    // one bright pixel in the corner of each of 97 images, and one in the middle
    const data = new Float32Array(97 * 784);
    for (let i = 0; i < 97; i++) [data[i * 784], data[i * 784 + 14 * 28 + 14]] = [0.5, 1];
    const digits = {
      images: { dtype: "float32", shape: [97, 28, 28], data },
      labels: new Uint8Array(97).fill(7),
    } as const;
    const { inputs, targets } = shiftedDigits(digits).batch([...Array(97).keys()], random(1));
    expect(targets.shape).toEqual([97, 1]);
    expect([...targets.data].every((label) => label === 7)).toBe(true);
    const places = new Set<string>();
    const pixels = (inputs as typeof digits.images).data;
    for (let i = 0; i < 97; i++) {
      const image = pixels.subarray(i * 784, (i + 1) * 784);
      const middle = image.indexOf(1);
      const [dx, dy] = [(middle % 28) - 14, Math.floor(middle / 28) - 14];
      places.add(`${dx} ${dy}`);
      expect(Math.max(Math.abs(dx), Math.abs(dy))).toBeLessThanOrEqual(2);
      expect(image.indexOf(0.5)).toBe(dx >= 0 && dy >= 0 ? dy * 28 + dx : -1);
      expect(image.filter((pixel) => pixel > 0).length).toBe(dx >= 0 && dy >= 0 ? 2 : 1);
    }
    // of the 25 shifts, 97 draws miss one with probability .02 each
    expect(places.size).toBeGreaterThan(20);
  });
});
