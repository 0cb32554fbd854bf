import { extrema, integral, lipschitz, restrictToLine, totalVariation } from "@splineformer/analysis";
import { type Nested, type Network, type Ops, type Shaped, type Tensor, tensor } from "@splineformer/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { directly, drawn, draws } from "./random-networks.ts";

const f64 = (values: Nested): Tensor => tensor(values, { dtype: "float64" });
const network = (n: number, run: <T extends Shaped>(ops: Ops<T>, x: T) => T): Network<"x"> => ({
  inputs: { x: [n] },
  config: {},
  parameters: {},
  run: (ops, _, { x }) => run(ops, x),
});

describe("measures of networks that are known", () => {
  // (t − 1/4)(t − 3/4) on [0, 1], then the same through a ReLU: zero between 1/4 and 3/4
  const product = <T extends Shaped>(ops: Ops<T>, x: T): T =>
    ops.multiply(ops.add(x, ops.constant(f64([-0.25]))), ops.add(x, ops.constant(f64([-0.75]))));
  const parabola = restrictToLine(network(1, product), f64([0]), f64([1]));
  const hinge = restrictToLine(
    network(1, (ops, x) => ops.activate(product(ops, x), { activation: "relu", order: 0 })),
    f64([0]),
    f64([1]),
  );
  const output = 0;

  it("a parabola: minimum −1/16 at 1/2, maximum 3/16 at 0, integral 1/48, variation 1/2, slope 1", () => {
    const found = extrema(parabola, { output });
    // read from coefficients: a rounding or two
    expect(found.minimum.at).toBeCloseTo(0.5, 15);
    expect(found.minimum.value).toBeCloseTo(-1 / 16, 15);
    expect(found.maximum).toEqual({ at: 0, value: 3 / 16 });
    expect(found.local.map(({ kind }) => kind)).toEqual(["minimum"]);
    expect(integral(parabola, { output })).toBeCloseTo(1 / 48, 15);
    expect(totalVariation(parabola, { output })).toBeCloseTo(0.5, 15);
    expect(lipschitz(parabola, { output }).value).toBeCloseTo(1, 14);
    expect(lipschitz(parabola, { output, length: 2 }).value).toBeCloseTo(0.5, 14);
  });

  it("its positive part: zero in between, integral 1/24, variation 3/8, slope 1 at both ends, 1/2 at the bend", () => {
    const found = extrema(hinge, { output });
    expect([...hinge.breakpoints]).toEqual([0, 0.25, 0.75, 1]);
    expect(found.minimum.value).toBeCloseTo(0, 15);
    expect(found.minimum.at).toBeCloseTo(0.25, 15);
    // down, flat, up: one turn
    expect(found.local).toHaveLength(1);
    expect(found.local[0].kind).toBe("minimum");
    // 2 ∫_0^{1/4} (t − 1/4)(t − 3/4) dt = 2 (1/192 − 1/32 + 3/64)
    expect(integral(hinge, { output })).toBeCloseTo(1 / 24, 15);
    expect(totalVariation(hinge, { output })).toBeCloseTo(3 / 8, 15);
    expect(lipschitz(hinge, { output }).value).toBeCloseTo(1, 14);
  });

  it("the norm of (3t, 4t) is 5t, and its square's turning point is the end", () => {
    const line = restrictToLine(
      network(2, (ops, x) => ops.scale(x, { factor: 1 })),
      f64([-3, -4]),
      f64([3, 4]),
    );
    expect(extrema(line, { output: "norm" }).minimum.at).toBeCloseTo(0.5, 15);
    expect(extrema(line, { output: "norm" }).minimum.value).toBeCloseTo(0, 7);
    expect(extrema(line, { output: "norm" }).maximum.value).toBeCloseTo(5, 14);
    expect(totalVariation(line, { output: "norm" })).toBeCloseTo(10, 6);
    expect(lipschitz(line, { output: "norm" }).value).toBeCloseTo(10, 14);
    expect(() => integral(line, { output: "norm" })).toThrow(
      'integral: expected output to name an entry, since a norm is no polynomial, got "norm"',
    );
  });

  it("a constant has no turning point, no variation and slope 0", () => {
    const still = restrictToLine(
      network(1, (ops, x) => ops.scale(x, { factor: 1 })),
      f64([7]),
      f64([7]),
    );
    expect(extrema(still, { output })).toEqual({
      minimum: { at: 0, value: 7 },
      maximum: { at: 0, value: 7 },
      local: [],
    });
    expect(totalVariation(still, { output })).toBe(0);
    expect(lipschitz(still, { output })).toEqual({ at: 0, value: 0 });
    expect(integral(still, { output })).toBe(7);
  });

  it("scale does not matter, even where squares are no numbers", () => {
    for (const size of [1e-200, 1e200]) {
      const line = restrictToLine(
        network(2, (ops, x) => ops.multiply(x, ops.constant(f64([size, size])))),
        f64([-3, -4]),
        f64([3, 4]),
      );
      expect(extrema(line, { output: "norm" }).maximum.value / size).toBeCloseTo(5, 13);
      expect(lipschitz(line, { output: "norm" }).value / size).toBeCloseTo(10, 13);
    }
  });

  it("refuses an output that is not there", () => {
    expect(() => extrema(parabola, { output: 1 })).toThrow(
      "extrema: expected output to name an entry of an output of shape [1], got 1",
    );
    // @ts-expect-error output is needed
    expect(() => totalVariation(parabola, {})).toThrow("totalVariation: expected output to name an entry");
    // @ts-expect-error no such option
    expect(() => integral(parabola, { output, from: 0 })).toThrow("integral: expected options");
    expect(() => lipschitz(parabola, { output, length: 0 })).toThrow("lipschitz: expected length > 0, got 0");
  });
});

describe("measures of random networks", () => {
  it("agree with dense samples of the network itself", () => {
    const places = Array.from({ length: 401 }, (_, k) => k / 400);
    fc.assert(
      fc.property(drawn, (example) => {
        const path = restrictToLine(example.network, example.from, example.to);
        const samples = directly(example, places).map((y) => y[1]);
        const size = Math.max(...samples.map(Math.abs), Number.MIN_VALUE);
        const { minimum, maximum, local } = extrema(path, { output: 1 });
        const lipschitzBound = lipschitz(path, { output: 1 }).value;
        // no sample is beyond, and the place itself is attained: rounding of the network
        expect(Math.min(...samples)).toBeGreaterThanOrEqual(minimum.value - 1e-12 * size);
        expect(Math.max(...samples)).toBeLessThanOrEqual(maximum.value + 1e-12 * size);
        const [low, high] = directly(example, [minimum.at, maximum.at]);
        expect(Math.abs(low[1] - minimum.value)).toBeLessThanOrEqual(1e-12 * size);
        expect(Math.abs(high[1] - maximum.value)).toBeLessThanOrEqual(1e-12 * size);
        // differences of samples: below the constant, and their sum below the variation, which they reach up to turns
        const rises = samples.slice(1).map((y, k) => Math.abs(y - samples[k]));
        expect(Math.max(...rises) * 400).toBeLessThanOrEqual(lipschitzBound * (1 + 1e-9) + 1e-9 * size);
        const sampled = rises.reduce((sum, rise) => sum + rise, 0);
        const variation = totalVariation(path, { output: 1 });
        expect(sampled).toBeLessThanOrEqual(variation + 1e-11 * size);
        expect(variation - sampled).toBeLessThanOrEqual(((local.length + 1) * 2 * lipschitzBound) / 400 + 1e-11 * size);
        // the trapezoid rule errs by less than h·variation of the function over a step
        const trapezoid = samples.slice(1).reduce((sum, y, k) => sum + (y + samples[k]) / 800, 0);
        expect(Math.abs(integral(path, { output: 1 }) - trapezoid)).toBeLessThanOrEqual(variation / 400 + 1e-12 * size);
        expect(integral(path, { output: 1 })).toBeCloseTo(path.coordinate(0, 1).integrate(0, 1), 10);
      }),
      draws,
    );
  });
});
