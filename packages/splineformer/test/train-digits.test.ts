import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parametersOf } from "@splineformer/tensor";
import { type Encoder, loadSafetensors } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";
import { accuracy } from "../src/digits/classify.ts";
import { readMnist } from "../src/digits/mnist.ts";
import { splitDigits } from "../src/digits/split.ts";
import { type DigitsReport, trainDigits } from "../src/digits/train-digits.ts";
import { run, temporaryFolder } from "./running.ts";
import { someDigits } from "./some-digits.ts";

const folder = temporaryFolder();
// 160 to train on: three steps an epoch
const images = await someDigits(join(folder, "images"), 20);
const file = (name: string): string => join(folder, name);

// a step takes a fraction of a second on a busy machine
describe("train digits", { timeout: 120_000 }, () => {
  it("prints each epoch and what was found, and writes a model that can be loaded", async () => {
    const out = file("a.safetensors");
    const { code, stdout, stderr } = await run(["train", "digits", "--images", images, "--epochs", "2", "-o", out]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^epoch {3}1 {3}loss \d\.\d{4} {3}test accuracy \d+\.\d\d %\nepoch {3}2 .*\n/);
    expect(stdout).toContain("2 layers, relu attention, norm none: 19402 parameters, a spline of degree 9.\n");
    expect(stdout).toContain("Trained on 160 images;");
    expect(stdout).toContain(`The model is in ${out}.\n`);
    const model = loadSafetensors(readFileSync(out));
    expect(model.config).toMatchObject({ kind: "encoder", layers: 2, width: 32, heads: 4, norm: "none", seed: 1 });
    // twice through 160 images is six steps: the model is not the untrained one
    expect(Object.values(parametersOf(model)).every(({ data }) => data.every(Number.isFinite))).toBe(true);
  });

  it("a run that is stopped and resumed ends with the model of one that was not, bit for bit", async () => {
    const common = { images, epochs: 3, seed: 5 };
    const whole = await trainDigits({ ...common, out: file("whole.safetensors") });
    const controller = new AbortController();
    let steps = 0;
    const stopped = await trainDigits({
      ...common,
      out: file("parts.safetensors"),
      signal: controller.signal,
      // in the middle of the second epoch
      onStep: () => ++steps === 5 && controller.abort(),
    });
    expect(stopped).toMatchObject({ end: "stopped", file: file("parts.safetensors.checkpoint") });
    expect(stopped.epochs).toEqual(whole.epochs.slice(0, 1));
    expect(existsSync(file("parts.safetensors"))).toBe(false);
    const rest = await trainDigits({ images, out: file("parts.safetensors"), resume: true });
    expect(rest).toEqual({ ...whole, file: file("parts.safetensors") });
    expect(readFileSync(file("parts.safetensors"))).toEqual(readFileSync(file("whole.safetensors")));
    expect(existsSync(file("parts.safetensors.checkpoint"))).toBe(false);
  });

  it("JSON says the settings, every epoch and the accuracy; a signal ends it with 130 and a checkpoint", async () => {
    const args = ["train", "digits", "--images", images, "--json", "--epochs", "1", "-o", file("b.safetensors")];
    const { code, stdout } = await run([...args, "--attention", "softmax", "--norm", "layer", "--layers", "1"]);
    const report: DigitsReport = JSON.parse(stdout);
    expect([code, report.end, report.images]).toEqual([0, "done", { training: 160, test: 40 }]);
    expect(report.settings).toEqual({ seed: 1, epochs: 1, layers: 1, attention: "softmax", norm: "layer" });
    expect(report.degree).toBe(undefined);
    expect(report.accuracy).toBe(report.epochs[0].accuracy);
    const stopped = await run(args, { signal: AbortSignal.abort() });
    expect(stopped).toMatchObject({ code: 130, stdout: "" });
  });

  it("batch norms are folded: what is written is a spline with affine norms, and does what was tested", async () => {
    const report = await trainDigits({ images, norm: "affine", layers: 1, epochs: 2, out: file("affine.safetensors") });
    expect([report.degree, report.end]).toEqual([3, "done"]);
    const model = loadSafetensors(readFileSync(report.file)) as Encoder;
    expect(model.config).toMatchObject({ kind: "encoder", norm: "affine" });
    const { test } = splitDigits(await readMnist(images), 1);
    expect(await accuracy(model, test)).toBe(report.accuracy);
    // two epochs move the shifts of the norms away from 0, and the statistics do more
    expect(Math.max(...parametersOf(model)["norm.bias"].data.map(Math.abs))).toBeGreaterThan(0.1);
  });

  it.each([6, 12])("%i ReLU layers without a norm train without NaN", async (layers) => {
    const { epochs } = await trainDigits({ images, layers, epochs: 2, out: file(`${layers}.safetensors`) });
    expect(epochs.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    expect(epochs[1].loss).toBeLessThan(epochs[0].loss);
  });

  it("refuses what can't be used, with 2, before anything is trained", async () => {
    const refusal = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(["train", "digits", "--images", images, ...args]);
      expect([code, stdout]).toEqual([2, ""]);
      return stderr;
    };
    mkdirSync(file("folder"));
    writeFileSync(file("none.safetensors.checkpoint"), "no run");
    expect(await refusal("-o", "")).toBe('splineformer: train digits: expected a file to write the model to, got ""\n');
    expect(await refusal("-o", file("folder"))).toContain("got the folder");
    expect(await refusal("--epochs", "0")).toContain("expected 1 to 10000 epochs, got 0");
    expect(await refusal("--layers", "101")).toContain("expected 1 to 100 layers, got 101");
    expect(await refusal("--attention", "hard")).toContain("Allowed choices are relu, softmax");
    expect(await refusal("--resume", "-o", file("missing"))).toContain("missing.checkpoint, got ENOENT");
    expect(await refusal("--resume", "-o", file("none.safetensors"))).toContain("expected a run to resume in");
    expect(await refusal("--images", file("nowhere"))).toContain("0.json, got ENOENT");
    expect(readdirSync(file("folder"))).toEqual([]);
  });

  it("a run goes on with its own settings, and others are refused", async () => {
    const controller = new AbortController();
    const out = file("c.safetensors");
    await trainDigits({ images, epochs: 2, seed: 7, out, signal: controller.signal, onStep: () => controller.abort() });
    const { code, stderr } = await run(["train", "digits", "--images", images, "--resume", "--seed", "8", "-o", out]);
    expect(code).toBe(2);
    expect(stderr).toBe("splineformer: train digits: expected seed 7, that of the run which goes on, got 8\n");
  });
});
