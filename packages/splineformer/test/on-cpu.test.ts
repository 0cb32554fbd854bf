import { forward as plain } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import {
  adam,
  cpu,
  cpu64,
  createCache,
  createEncoder,
  createLanguageModel,
  encoderFromSpline,
  fit,
  forward,
  forwardNext,
  generate,
  gradient,
  graphOf,
  interpolateCubic,
  meanSquared,
  type Ops,
  random,
  reference,
  restrictToLine,
  type Shaped,
  tensor,
  UnsupportedError,
} from "../src/index.ts";

const model = encoderFromSpline(interpolateCubic([0, 1, 2, 4, 7], [3, -1, 4, 1, -5]));
const x = tensor([[0.5], [1.3], [-2], [6.1], [11], [3.7], [0]]);
const at = (place: number) => tensor([[place]], { dtype: "float64" });

describe("forward of the umbrella", () => {
  it("computes on cpu, in float32, where no device is named", () => {
    const y = forward(model, x);
    expect(y).toEqual(plain(model, x, { on: cpu }));
    expect(y.dtype).toBe("float32");
    expect(y).not.toEqual(plain(model, x));
  });

  it("computes on the device that is named", () => {
    for (const on of [cpu64, reference]) expect(forward(model, x, { on })).toEqual(plain(model, x, { on }));
  });

  it("refuses as the plain one does", () => {
    expect(() => forward(model, tensor([1, 2]))).toThrow(/^forward: expected input "x" of shape/);
    expect(() => forward(model, x, { device: cpu } as never)).toThrow('forward: expected options on, got "device"');
    expect(() => forward(model, x, undefined as never)).not.toThrow();
  });
});

describe("restrictToLine of the umbrella", () => {
  it("reads on cpu64 where no device is named", () => {
    const path = restrictToLine(model, at(-1), at(9));
    // a path goes on only on the device it began on
    const first = restrictToLine(model, at(-1), at(9), { budgetMs: 0 });
    expect(restrictToLine(model, at(-1), at(9), { resume: first, on: cpu64 }).breakpoints).toEqual(path.breakpoints);
    expect(restrictToLine(model, at(-1), at(9), { resume: first, on: undefined } as never).end).toBe(1);
    expect(() => restrictToLine(model, at(-1), at(9), { resume: first, on: reference })).toThrow("the same device");
  });

  it("finds what the reference finds, to a few roundings of the line's length", () => {
    const [fast, slow] = [undefined, reference].map((on) =>
      restrictToLine(model, at(-1), at(9), { ...(on && { on }) }),
    );
    expect(fast.breakpoints).toHaveLength(slow.breakpoints.length);
    // 10 long: a root is a handful of roundings away from its weights
    const apart = fast.breakpoints.map((t, i) => Math.abs(t - slow.breakpoints[i]));
    expect(Math.max(...apart)).toBeLessThanOrEqual(16 * Number.EPSILON);
    expect(fast.causes).toEqual(slow.causes);
  });

  it("takes a graph, and refuses as the plain one does", () => {
    const graph = graphOf(model, { x: [1, 1] });
    expect(restrictToLine(graph, at(-1), at(9)).pieces.map(({ degree }) => degree)).toEqual([1, 3, 3, 3, 3, 1]);
    expect(() => restrictToLine(model, at(-1), at(9), { on: cpu })).toThrow(UnsupportedError);
    expect(() => restrictToLine(model, at(-1), at(9), null as never)).toThrow(/^restrictToLine: /);
  });
});

describe("training with the umbrella", () => {
  const encoder = createEncoder({ layers: 1, width: 4, heads: 2, hidden: 5, output: 3, seed: 1 });
  const inputs = random(2).normal([11, 7, 4]);
  const targets = random(3).normal([11, 7, 3]);
  const options = { loss: meanSquared, optimizer: adam(), batch: 11 } as const;

  it("computes on cpu where no device is named, and else on that one", async () => {
    const lossesOn = async (on?: typeof cpu) => {
      const losses: number[] = [];
      for await (const { loss } of fit(encoder, { inputs, targets }, { ...options, ...(on && { on }) }))
        losses.push(loss);
      return losses;
    };
    expect(await lossesOn()).toEqual(await lossesOn(cpu));
    expect(await lossesOn()).not.toEqual(await lossesOn(cpu64));
    expect(() => fit(encoder, { inputs, targets }, null as never)).toThrow(/^fit: expected/);
  });

  it("gradients, too", () => {
    const loss = <T extends Shaped>(ops: Ops<T>, y: T): T => meanSquared(ops, y, ops.constant(targets));
    expect(gradient(encoder, inputs, loss)).toEqual(gradient(encoder, inputs, loss, { on: cpu }));
    expect(gradient(encoder, inputs, loss).gradients["output.bias"].dtype).toBe("float32");
    expect(gradient(encoder, inputs, loss, { on: cpu64 }).gradients["output.bias"].dtype).toBe("float64");
    expect(() => gradient(encoder, inputs, loss, { device: cpu } as never)).toThrow(/^gradient: expected/);
  });
});

describe("text with the umbrella", () => {
  const model = createLanguageModel({
    vocabulary: 29,
    layers: 2,
    width: 6,
    heads: 3,
    positions: "sinusoidal",
    seed: 1,
  });

  it("is read on cpu where no device is named, and else on that one", () => {
    const ids = tensor([7, 0, 23], { dtype: "int32" });
    const { output, cache } = forwardNext(model, ids, createCache(model));
    expect(output).toEqual(forwardNext(model, ids, createCache(model, { on: cpu }), { on: cpu }).output);
    expect([output.dtype, cache.length]).toEqual(["float32", 3]);
    expect(forwardNext(model, ids, createCache(model), { on: cpu64 }).output.dtype).toBe("float64");
    expect(() => forwardNext(model, ids, createCache(model), null as never)).toThrow(/^forwardNext: expected/);
    expect(() => createCache(model, null as never)).toThrow(/^createCache: expected/);
  });

  it("is continued on cpu, by the ids that the model's own logits name", async () => {
    const text: number[] = [];
    for await (const id of generate(model, [7, 0], { maximum: 5 })) text.push(id);
    const expected: number[] = [];
    for (let k = 0; k < 5; k++) {
      const logits = forward(model, tensor([7, 0, ...expected], { dtype: "int32" })).data.slice(-29);
      expected.push(logits.indexOf(Math.max(...logits)));
    }
    expect(text).toEqual(expected);
    expect(() => generate(model, [7], null as never)).toThrow(/^generate: expected/);
  });
});
