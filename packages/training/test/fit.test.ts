import { cpu } from "@splineformer/cpu";
import { type Network, parametersOf, random, reference, reshape, type Tensor, tensor } from "@splineformer/tensor";
import { createEncoder } from "@splineformer/transformer";
import { describe, expect, test } from "vitest";
import { adamW, checkpointFromTensors, checkpointTensors, cosine, type Dataset, type FitOptions, fit, meanSquared, type Step, sgd } from "../src/index.ts"; // biome-ignore format: one list

const line: Network<"x", object, { slope: Tensor }> = {
  inputs: { x: [1] },
  config: {},
  parameters: { slope: tensor([0], { dtype: "float64" }) },
  run: (ops, { slope }, { x }) => ops.multiply(slope, x),
};
const points = { inputs: tensor([[1], [2], [3]]), targets: tensor([[2], [4], [6]]) };

async function all<N>(steps: AsyncIterable<Step<N>>, upTo = Number.POSITIVE_INFINITY): Promise<Step<N>[]> {
  const found: Step<N>[] = [];
  for await (const step of steps) {
    found.push(step);
    if (step.step >= upTo) break;
  }
  return found;
}

const numbers = (network: Parameters<typeof parametersOf>[0]): number[][] =>
  Object.values(parametersOf(network)).map((x) => [...x.data]);

describe("fit", () => {
  test("by hand: one step of gradient descent on three points at once", async () => {
    const [step] = await all(fit(line, points, { loss: meanSquared, optimizer: sgd({ learningRate: 0.01 }) }));
    // mean of 2 (0 − 2x) x = −4 · 14/3, so the slope becomes 0.01 · 56/3
    expect(step.model.parameters.slope.data[0]).toBeCloseTo(0.56 / 3, 15);
    expect(step).toMatchObject({ step: 1, steps: 1, epoch: 0, progress: 1, learningRate: 0.01 });
    expect(step.loss).toBeCloseTo(56 / 3, 13);
    expect(step.gradientNorm).toBeCloseTo(56 / 3, 13);
    expect(line.parameters.slope.data[0]).toBe(0);
  });

  test("clip limits the norm, and accumulation is one step with the gradient of the whole batch", async () => {
    const options = { loss: meanSquared, optimizer: sgd({ learningRate: 0.01 }) };
    const [clipped] = await all(fit(line, points, { ...options, clip: 0.5 }));
    expect(clipped.model.parameters.slope.data[0]).toBeCloseTo(0.005, 15);
    const [whole] = await all(fit(line, points, options));
    const parts = await all(fit(line, points, { ...options, batch: 2, accumulate: 2 }));
    expect(parts.length).toBe(1);
    expect(parts[0].model.parameters.slope.data[0]).toBeCloseTo(whole.model.parameters.slope.data[0], 15);
    expect(parts[0].loss).toBeCloseTo(whole.loss, 13);
  });

  const encoder = createEncoder({ layers: 1, width: 4, heads: 2, hidden: 5, input: 3, output: 1, seed: 1 });
  /** Targets are the sums of the inputs; augmentation adds noise. */
  const dataset: Dataset<"x"> = {
    length: 23,
    batch(indices, random) {
      const x = random.normal([indices.length, 5, 3]);
      for (const [row, index] of indices.entries()) x.data[row * 15] = index / 23;
      return { inputs: x, targets: reshape(reference.sum(x, { axes: [-1], keep: true }), [indices.length, 5, 1]) };
    },
  };
  const options = {
    loss: meanSquared,
    optimizer: adamW({ learningRate: 0.01, weightDecay: 0.1 }),
    schedule: cosine({ warmUp: 0.2 }),
    epochs: 3,
    batch: 4,
    accumulate: 2,
    clip: 1,
    seed: 7,
    on: cpu,
  } satisfies FitOptions;

  test("lowers the loss, and gives the same numbers for the same seed and others for another", async () => {
    const first = await all(fit(encoder, dataset, { ...options, epochs: 20 }));
    expect(first.length).toBe(60);
    const mean = (steps: typeof first): number => steps.reduce((sum, { loss }) => sum + loss / steps.length, 0);
    expect(mean(first.slice(-6))).toBeLessThan(0.3 * mean(first.slice(0, 6)));
    const again = await all(fit(encoder, dataset, options));
    const same = await all(fit(encoder, dataset, options));
    expect(same.map(({ loss }) => loss)).toEqual(again.map(({ loss }) => loss));
    expect(numbers(same[8].model)).toEqual(numbers(again[8].model));
    const other = await all(fit(encoder, dataset, { ...options, seed: 8 }));
    expect(other[0].loss).not.toBe(again[0].loss);
  });

  test("a run that was stopped anywhere and taken up again gives the numbers of one that was not", async () => {
    const whole = await all(fit(encoder, dataset, options));
    for (const stop of [1, 3, 4, 8]) {
      const last = (await all(fit(encoder, dataset, options), stop)).at(-1) as Step<typeof encoder>;
      const { tensors, progress } = checkpointTensors(structuredClone(last.checkpoint()));
      const resume = checkpointFromTensors({ tensors, progress: JSON.parse(JSON.stringify(progress)) });
      const rest = await all(fit(encoder, dataset, { ...options, resume }));
      expect(rest.map(({ step }) => step)).toEqual(whole.slice(stop).map(({ step }) => step));
      expect(rest.map(({ loss }) => loss)).toEqual(whole.slice(stop).map(({ loss }) => loss));
      expect(numbers((rest.at(-1) ?? last).model)).toEqual(numbers(whole[8].model));
    }
  });

  test("what a step gave stays as it was when later steps are taken", async () => {
    const steps = fit(encoder, dataset, options);
    const first = (await steps.next()).value as Step<typeof encoder>;
    const [before, state] = [numbers(first.model), structuredClone(first.checkpoint())];
    await steps.next();
    expect(numbers(first.model)).toEqual(before);
    expect(first.checkpoint()).toEqual(state);
    await steps.return();
  });

  test("aborts with the signal's reason, also when it was aborted before", async () => {
    const controller = new AbortController();
    const reached: number[] = [];
    const run = async (): Promise<void> => {
      for await (const { step } of fit(encoder, dataset, { ...options, signal: controller.signal })) {
        reached.push(step);
        if (step === 2) controller.abort(new Error("enough"));
      }
    };
    await expect(run()).rejects.toThrow("enough");
    expect(reached).toEqual([1, 2]);
    await expect(run()).rejects.toThrow("enough");
    expect(reached).toEqual([1, 2]);
  });

  test("lets the event loop turn while it runs", async () => {
    let turns = 0;
    let running = true;
    const turn = (): void => {
      turns++;
      if (running) setTimeout(turn);
    };
    setTimeout(turn);
    await all(fit(encoder, dataset, { ...options, epochs: 30 }));
    running = false;
    expect(turns).toBeGreaterThan(1);
  });

  test("a loss that is no longer finite ends the run with the step's number, not with a broken model", async () => {
    const reached: number[] = [];
    const run = async (): Promise<void> => {
      for await (const step of fit(line, points, {
        loss: meanSquared,
        optimizer: sgd({ learningRate: 1e200 }),
        epochs: 9,
      })) {
        reached.push(step.step);
        for (const parameter of numbers(step.model)) for (const x of parameter) expect(Number.isFinite(x)).toBe(true);
      }
    };
    await expect(run()).rejects.toThrow(/^fit: expected a loss that stays finite, got Infinity at step 2/);
    expect(reached).toEqual([1]);
  });

  test("and with the first place that is not finite; a gradient without end is no step either", async () => {
    const deep = createEncoder({ layers: 12, width: 4, heads: 2, layerScale: 2, clamp: "none", seed: 1 });
    const x = random(1).normal([3, 5, 4]);
    const data = { inputs: x, targets: x };
    await expect(
      all(fit(deep, data, { loss: meanSquared, optimizer: sgd({ learningRate: 1 }), on: cpu })),
    ).rejects.toThrow(
      /^fit: expected a loss that stays finite, got (NaN|Infinity) at step 1: first -?Infinity at block \d+\/(attention|feedForward)\/\w+; a lower/,
    );
    // the loss is (1e-300 · 1e300)² = 1, the gradient 2e300, and its square no number
    const tiny = { ...line, parameters: { slope: tensor([1e-300], { dtype: "float64" }) } };
    const far = { inputs: tensor([[1e300]], { dtype: "float64" }), targets: tensor([[0]]) };
    await expect(all(fit(tiny, far, { loss: meanSquared, optimizer: sgd({ learningRate: 1 }) }))).rejects.toThrow(
      /^fit: expected a gradient that stays finite, got one of length Infinity at step 1; a lower/,
    );
  });

  test("refuses options, data and checkpoints that do not fit, before the first step", async () => {
    const good = { loss: meanSquared, optimizer: sgd({ learningRate: 1 }) };
    const refused = (changed: object, message: string, given: object = points): void =>
      expect(() => fit(line, given as typeof points, { ...good, ...changed })).toThrow(message);
    refused({ epoch: 3 }, "fit: expected options loss, optimizer, epochs, batch,");
    refused({ epochs: 0 }, "fit: expected epochs to be a whole number > 0, got 0");
    refused({ batch: 1.5 }, "fit: expected batch to be a whole number > 0, got 1.5");
    refused({ clip: -1 }, "fit: expected clip > 0, got -1");
    refused({ loss: "mse" }, "fit: expected loss to be a function of operations, a prediction and a target, got");
    refused({ optimizer: {} }, "fit: expected an optimizer (sgd, adam, adamW), got");
    refused({ seed: -1 }, "random: expected seed to be a whole number in [0, 2^53), got -1");
    refused({}, 'fit: expected 3 examples for "inputs", as many as targets, got 2', { ...points, inputs: tensor([[1], [2]]) }); // biome-ignore format: one call
    refused({}, "fit: expected at least one example, got 0", { length: 0, batch() {} });
    const [{ checkpoint }] = await all(fit(line, points, good));
    refused({ resume: checkpoint(), seed: 3 }, "fit: expected a checkpoint of a run with seed 3, got one with 0");
    refused({ resume: { ...checkpoint(), parameters: {} } }, 'fit: expected a checkpoint with parameters "slope" of shape [1] in float64, got none'); // biome-ignore format: one call
    refused({ resume: 5 }, "fit: expected resume to be a checkpoint, got 5");
    expect(() => checkpointFromTensors({ tensors: { w: tensor([1]) }, progress: {} })).toThrow(
      'checkpointFromTensors: expected names parameters/… and state/…/…, got "w"',
    );
  });
});
