import {
  type Device,
  forward,
  type Network,
  reference,
  reference32,
  type Tensor,
  tensor,
  toNested,
  within,
  zeros,
} from "@splineformer/tensor";
import { naiveSoftmax, seeded } from "@splineformer/testing";
import { describe, expect, expectTypeOf, it } from "vitest";
import { createEncoder, createTransformer, intermediates } from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

const untyped = (value: unknown): never => value as never;
const model = createEncoder({
  layers: 2,
  width: 6,
  heads: 3,
  hidden: 7,
  layerScale: "none",
  dtype: "float64",
  output: 2,
});
const x = seeded(3).normal([5, 6]);

/** 2x, then its square, at places of its own. */
const square: Network<"x"> = {
  inputs: { x: [2] },
  config: {},
  parameters: {},
  run(ops, _, { x }) {
    const double = within(ops, "double").scale(x, { factor: 2 });
    return ops.multiply(double, double);
  },
};

describe("intermediates", () => {
  it("by hand: every result under its place and operation", () => {
    const found = intermediates(square, tensor([1, 3]));
    expect([...found].map(([name, value]) => [name, toNested(value)])).toEqual([
      ["double/scale", [2, 6]],
      ["multiply", [4, 36]],
    ]);
    expectTypeOf(found).toEqualTypeOf<ReadonlyMap<string, Tensor>>();
  });

  it("are those of the pass itself: the last is the output, and each sum is where the next block begins", () => {
    const found = intermediates(model, x);
    expect([...found.values()].at(-1)).toEqual(forward(model, x));
    expect([...found.keys()]).toEqual(
      [0, 1]
        .flatMap((i) => [
          ...["linear", "linear 2", "linear 3", "attention", "linear 4", "add"].map(
            (name) => `block ${i}/attention/${name}`,
          ),
          ...["linear", "linear 2", "add"].map((name) => `block ${i}/feedForward/${name}`),
        ])
        .concat("output/linear"),
    );
    // the rest of the network, from the first block's result on
    const rest = { ...model, parameters: { ...model.parameters, blocks: model.parameters.blocks.slice(1) } };
    expect(forward(rest, found.get("block 0/feedForward/add") as Tensor)).toEqual(forward(model, x));
  });

  it("opened show scores and weights: softmax of the one gives the other", () => {
    const soft = createEncoder({ ...model.config, attention: { activation: "softmax" } });
    const found = intermediates(soft, x, { open: true });
    const scores = found.get("block 1/attention/scale") as Tensor;
    const weights = found.get("block 1/attention/weigh") as Tensor;
    expect([scores.shape, weights.shape]).toEqual([
      [3, 5, 5],
      [3, 5, 5],
    ]);
    for (let row = 0; row < 15; row++) {
      const expected = naiveSoftmax([...scores.data.slice(5 * row, 5 * row + 5)]);
      // some roundings of an exponential and of a sum of 5
      for (const [k, p] of expected.entries())
        expect(Math.abs(weights.data[5 * row + k] - p)).toBeLessThan(16 * 2 ** -53);
    }
    expect([...found.values()].at(-1)).toEqual(forward(soft, x));
  });

  it("are computed on any device, for inputs by name, and only what is selected is kept", () => {
    const both = createTransformer({ layers: 1, width: 6, heads: 3 });
    const inputs = { source: x, target: seeded(4).normal([2, 7, 6]) };
    const found = intermediates(both, inputs, { on: reference32, select: (name) => name.endsWith("cross/attention") });
    expect([...found].map(([name, { shape, dtype }]) => [name, shape, dtype])).toEqual([
      ["decoder/block 0/cross/attention", [2, 7, 6], "float32"],
    ]);
    const released: Tensor[] = [];
    const on: Device<Tensor> = {
      ...reference,
      constant: (value) => ({ ...value }),
      release: (value) => void released.push(value),
    };
    const kept = intermediates(square, tensor([1, 3]), { on, select: (name) => name === "multiply" });
    // the input, and the double that was not asked for
    expect(released.map((value) => toNested(value)).sort()).toEqual([
      [1, 3],
      [2, 6],
    ]);
    expect(toNested(kept.get("multiply") as Tensor)).toEqual([4, 36]);
  });

  it("are refused for bad inputs and options, in their own name", () => {
    const of = (options: object) => refusalOf(() => intermediates(square, tensor([1, 3]), options));
    const start = "RangeError: intermediates: expected";
    expect(refusalOf(() => intermediates(square, zeros([3])))).toBe(
      'ShapeError: intermediates: expected input "x" of shape [.., 2], got [3]',
    );
    expect(refusalOf(() => intermediates(square, tensor([1, Number.NaN])))).toBe(
      `${start} finite numbers for input "x", got NaN at entry 1`,
    );
    expect(refusalOf(() => intermediates(untyped(undefined), x))).toBe(
      `${start} a network { inputs, config, parameters, run }, got undefined`,
    );
    expect(of({ only: "multiply" })).toBe(`${start} options on, open, select, got "only"`);
    expect(of({ on: "cpu" })).toBe(`${start} on to be a device or other operations, got "cpu"`);
    expect(of({ open: 1 })).toBe(`${start} open to be true or false, got 1`);
    expect(of({ select: "multiply" })).toBe(`${start} select to be a function of a name, got "multiply"`);
    expect(of({ select: () => false })).toBe(`${start} select to keep a value at least, got 0`);
  });
});
