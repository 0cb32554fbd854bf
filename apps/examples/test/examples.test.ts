import { describe, expect, it, vi } from "vitest";
import { digits } from "../src/digits.ts";
import { fineTune } from "../src/fine-tune.ts";
import { readImages } from "../src/images.ts";
import { resume } from "../src/resume.ts";
import { short } from "../src/settings.ts";
import { trigram, trigramBits } from "../src/trigram.ts";
import { words } from "../src/words.ts";

// seconds on a quiet machine; a limit only says that something hangs
vi.setConfig({ testTimeout: 600_000 });

/** What an example printed, beside what it found. */
async function run<S, F>(example: (settings: S, print: (line: string) => void) => Promise<F>, settings: S) {
  const lines: string[] = [];
  const fact = await example(settings, (line) => lines.push(line));
  return { fact, last: lines.at(-1) ?? "" };
}

describe("the examples, in their short form", () => {
  it("a run that was stopped and taken up again has the bits of one that was not", async () => {
    const { fact, last } = await run(resume, short.resume);
    expect(fact).toMatchObject({ steps: 50, different: 0 });
    expect(fact.parameters).toBeGreaterThan(1000);
    expect(last).toBe(`${fact.parameters} parameters after 50 steps, of which 0 differ from those of a run without a stop`); // biome-ignore format: one line
    await expect(resume({ ...short.resume, stopAt: 51 })).rejects.toThrow("resume: expected stopAt in [1, 50], got 51");
  });

  it("a spline learns digits", async () => {
    const { fact, last } = await run(digits, short.digits);
    expect(fact.degree).toBe(9);
    // a guess is right in a tenth; five epochs of 640 images make it right in half
    expect(fact.accuracy[0]).toBeLessThan(0.25);
    expect(fact.accuracy[1]).toBeGreaterThan(0.5);
    expect(last).toMatch(/^epoch 5: \d\d\.\d % of 300 test images$/);
  });

  it("a softmax model becomes a spline that classifies as well", async () => {
    const { fact, last } = await run(fineTune, short.fineTune);
    expect(fact.degrees).toEqual([undefined, 9, 9]);
    expect(fact.tuned).toBeGreaterThan(fact.swapped);
    // one test image is .3 %; the seed is fixed
    expect(fact.tuned).toBeGreaterThanOrEqual(fact.softmax);
    expect(last).toMatch(/^after 3 epochs more: \d\d\.\d %; a spline of degree 9$/);
  });

  it("a model of letters spells unseen words in fewer bits than counted triples, and makes up words", async () => {
    const { fact, last } = await run(words, short.words);
    expect(fact.bits).toBeLessThan(fact.trigramBits);
    expect(fact.made).toHaveLength(5);
    for (const word of fact.made) expect(word).toMatch(/^[a-z']{4,}$/);
    expect(last).toBe(`made up: ${fact.made.join(" ")}`);
  });
});

describe("their parts", () => {
  it("counted triples, by hand", () => {
    // one word "ab" of the ids 1 and 2, three symbols: after (0, 0) came 1, once
    const predict = trigram([[1, 2]], 3);
    // of all: each once in three, mixed half and half with 1/3; after 0 and after (0, 0) always 1, mixed half and half
    expect([...predict([0, 0])].map((p) => p.toFixed(4))).toEqual(["0.0833", "0.8333", "0.0833"]);
    // what was never before it counts for nothing: (2, 1) is like 1 alone
    expect([...predict([2, 1])].map((p) => p.toFixed(4))).toEqual(["0.1667", "0.1667", "0.6667"]);
    expect(trigramBits(predict, [[1, 2]])).toBeCloseTo(-Math.log2(5 / 6), 12);
    for (const before of [[0, 0], [1, 2], [2, 2]] as const) // biome-ignore format: three pairs
      expect(predict(before).reduce((a, b) => a + b)).toBeCloseTo(1, 14);
  });

  it("images are drawn without repetition, and the tested ones are others", () => {
    const { training, testing } = readImages(500, 300, 1);
    expect(training.inputs.shape).toEqual([500, 28, 28]);
    expect(testing.targets.shape).toEqual([300, 1]);
    const keys = [training, testing].flatMap(({ inputs }) =>
      Array.from({ length: inputs.shape[0] }, (_, i) => inputs.data.subarray(784 * i, 784 * (i + 1)).join()),
    );
    expect(new Set(keys).size).toBe(800);
    expect(new Set(training.targets.data).size).toBe(10);
  });
});
