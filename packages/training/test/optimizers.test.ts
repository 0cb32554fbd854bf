import { type Tensor, tensor } from "@splineformer/tensor";
import { describe, expect, test } from "vitest";
import { adam, adamW, cosine, type Optimizer, type OptimizerState, sgd } from "../src/index.ts";

/** Numbers of one parameter after each of the gradients. */
function run(optimizer: Optimizer, start: Tensor, gradients: readonly number[][]): number[][] {
  let parameters: Readonly<Record<string, Tensor>> = { w: start };
  let state: OptimizerState = {};
  return gradients.map((g, i) => {
    const given = { w: tensor(Float64Array.from(g), start.shape) };
    ({ parameters, state } = optimizer.update({
      parameters,
      gradients: given,
      state,
      step: i + 1,
      learningRate: optimizer.learningRate,
    }));
    return [...parameters.w.data];
  });
}

const start = tensor([1, -2], { dtype: "float64" });

describe("optimisers", () => {
  test("sgd by hand, with momentum", () => {
    expect(run(sgd({ learningRate: 0.5 }), start, [[2, 4]])).toEqual([[0, -4]]);
    // m: 2, 1 + 2 = 3
    expect(run(sgd({ learningRate: 0.5, momentum: 0.5 }), start, [[2, 0], [2, 0]])).toEqual([[0, -2], [-1.5, -2]]); // biome-ignore format: steps
  });

  test("adam's steps are those of the paper's algorithm, written out", () => {
    const [eta, b1, b2, epsilon] = [0.1, 0.8, 0.9, 1e-3];
    const gradients = [[3, -1], [-5, 2], [0.5, 0]]; // biome-ignore format: steps
    const found = run(adam({ learningRate: eta, beta1: b1, beta2: b2, epsilon }), start, gradients);
    for (let k = 0; k < 2; k++) {
      let [theta, m, v] = [start.data[k], 0, 0];
      for (const [i, g] of gradients.entries()) {
        m = b1 * m + (1 - b1) * g[k];
        v = b2 * v + (1 - b2) * g[k] ** 2;
        theta -= (eta * (m / (1 - b1 ** (i + 1)))) / (Math.sqrt(v / (1 - b2 ** (i + 1))) + epsilon);
        expect(found[i][k]).toBeCloseTo(theta, 13);
      }
    }
  });

  test("adam does not feel the scale of the gradient", () => {
    const gradients = [[3, -1], [-5, 2], [0.5, 7]]; // biome-ignore format: steps
    const options = { learningRate: 0.1, epsilon: 1e-300 };
    const scaled = gradients.map((g) => g.map((x) => x * 2 ** 40));
    expect(run(adam(options), start, scaled)).toEqual(run(adam(options), start, gradients));
  });

  test("adamW shrinks what decays, by default what has two axes, and is adam for the rest", () => {
    const [gradients, options] = [[[3, -1], [2, 2]], { learningRate: 0.1 }]; // biome-ignore format: two
    expect(run(adamW({ ...options, weightDecay: 0.5 }), start, gradients)).toEqual(
      run(adam(options), start, gradients),
    );
    const matrix = { ...start, shape: [1, 2] };
    const [first] = run(adamW({ ...options, weightDecay: 0.5 }), matrix, gradients);
    const [plain] = run(adam(options), start, gradients);
    for (let k = 0; k < 2; k++) expect(first[k]).toBeCloseTo(plain[k] - 0.1 * 0.5 * start.data[k], 15);
    const none = adamW({ ...options, weightDecay: 0.5, decays: () => false });
    expect(run(none, matrix, gradients)).toEqual(run(adam(options), start, gradients));
  });

  test("an update changes none of the tensors that it was given", () => {
    const before = [...start.data];
    const gradients = { w: tensor([1, 1]) };
    const state = { first: { w: tensor([0.5, 0.5]) }, second: { w: tensor([0.5, 0.5]) } };
    adam().update({ parameters: { w: start }, gradients, state, step: 2, learningRate: 1 });
    expect([...start.data]).toEqual(before);
    expect([...state.first.w.data]).toEqual([0.5, 0.5]);
  });

  test("cosine climbs to 1, falls to the floor, and never rises afterwards", () => {
    const schedule = cosine({ warmUp: 0.25, floor: 0.1 });
    expect([schedule(0), schedule(0.125), schedule(0.25)]).toEqual([0, 0.5, 1]);
    expect(schedule(1)).toBeCloseTo(0.1, 15);
    for (let i = 25; i < 99; i++) expect(schedule((i + 1) / 100)).toBeLessThan(schedule(i / 100));
  });

  test("refuse options that are unknown or out of range, by name", () => {
    expect(() => sgd({ learningRate: 0 })).toThrow("sgd: expected learningRate > 0, got 0");
    expect(() => sgd({ learningRate: 1, momentum: 1 })).toThrow("sgd: expected momentum in [0, 1), got 1");
    expect(() => adam({ learningrate: 1 } as object)).toThrow(
      'adam: expected options learningRate, beta1, beta2, epsilon, got "learningrate"',
    );
    expect(() => adamW({ weightDecay: -1 })).toThrow("adamW: expected weightDecay ≥ 0, got -1");
    expect(() => cosine({ warmUp: 1 })).toThrow("cosine: expected warmUp in [0, 1), got 1");
  });
});
