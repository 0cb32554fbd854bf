import { restrictToLine } from "@splineformer/analysis";
import {
  type Graph,
  graphOf,
  type Nested,
  type Network,
  type Ops,
  record,
  reference32,
  type Shaped,
  ShapeError,
  type Tensor,
  tensor,
  UnsupportedError,
  zeros,
} from "@splineformer/tensor";
import { createEncoder, createTransformer } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";

const f64 = (values: Nested): Tensor => tensor(values, { dtype: "float64" });
const network = (n: number, run: <T extends Shaped>(ops: Ops<T>, x: T) => T): Network<"x"> => ({
  inputs: { x: [n] },
  config: {},
  parameters: {},
  run: (ops, _, { x }) => run(ops, x),
});
const hinge = network(1, (ops, x) => ops.activate(x, { activation: "relu", order: 0 }));
const ends = [f64([0]), f64([1])] as const;
const small = { layers: 1, width: 4, heads: 2, hidden: 5, dtype: "float64", seed: 1 } as const;
// biome-ignore lint/suspicious/noExplicitAny: bad input is what the types forbid
const anything = (value: unknown): any => value;

describe("ends of the line", () => {
  it("are numbers that are finite", () => {
    expect(() => restrictToLine(hinge, f64([Number.NaN]), f64([1]))).toThrow(
      /^restrictToLine: expected .*finite.* got NaN/,
    );
    expect(() => restrictToLine(hinge, f64([0]), f64([Number.POSITIVE_INFINITY]))).toThrow(
      /^restrictToLine: expected .*finite.* got Infinity/,
    );
  });
  it("have one shape, which fits the network", () => {
    expect(() => restrictToLine(hinge, f64([[0], [1]]), f64([1]))).toThrow(
      'restrictToLine: expected from and to of one shape for "x", got [2, 1] and [1]',
    );
    expect(() => restrictToLine(hinge, f64([0, 1]), f64([1]))).toThrow(
      'restrictToLine: expected input "x" of shape [.., 1], got [2]',
    );
  });
  it("are tensors, by the names of the network's inputs", () => {
    expect(() => restrictToLine(hinge, anything({ y: f64([0]) }), f64([1]))).toThrow(
      'restrictToLine: expected inputs { x }, got "y"',
    );
    for (const bad of [null, undefined, 3, [0], new Float64Array(1), { x: [0] }]) {
      expect(() => restrictToLine(hinge, anything(bad), f64([1]))).toThrow(/^restrictToLine: expected .*, got /);
      expect(() => restrictToLine(hinge, f64([1]), anything(bad))).toThrow(/^restrictToLine: expected .*, got /);
    }
  });
  it("fit a graph's inputs as they fit a network's", () => {
    const graph = record((ops, { x, y }) => ops.multiply(x, y), { x: [2], y: [2] });
    const both = { x: f64([1, 2]), y: f64([3, 4]) };
    expect(restrictToLine(graph, both, { ...both, x: f64([0, 0]) }).degree).toBe(1);
    for (const bad of [
      null,
      undefined,
      3,
      f64([1, 2]),
      { x: f64([1, 2]) },
      { ...both, z: f64([1]) },
      { ...both, y: 3 },
    ])
      expect(() => restrictToLine(graph, anything(bad), both)).toThrow(/^restrictToLine: expected .*, got /);
    expect(() => restrictToLine(graph, { ...both, x: f64([1]) }, both)).toThrow(
      new ShapeError('restrictToLine: expected input "x" of shape [2], got [1]'),
    );
  });
  it("may have no token where others give an output", () => {
    const model = createTransformer(small);
    const target = f64([[1, 0, -1, 2]]);
    const path = restrictToLine(
      model,
      { source: zeros([0, 4]), target },
      { source: zeros([0, 4]), target: f64([[0, 1, 3, 1]]) },
    );
    expect(path.evaluate(0.5).shape).toEqual([1, 4]);
  });
  it("have an output with entries", () => {
    const model = createEncoder(small);
    expect(() => restrictToLine(model, zeros([0, 4]), zeros([0, 4]))).toThrow(
      new ShapeError("restrictToLine: expected inputs that give an output with entries, got one of shape [0, 4]"),
    );
    expect(() => restrictToLine(model, zeros([2, 0, 4]), zeros([2, 0, 4]))).toThrow(ShapeError);
    expect(() => restrictToLine(model, zeros([0, 3, 4]), zeros([0, 3, 4]))).toThrow(ShapeError);
  });
});

describe("networks", () => {
  it("are networks or graphs", () => {
    for (const bad of [null, undefined, 3, "encoder", {}, { nodes: [] }, { outputs: {} }, []])
      expect(() => restrictToLine(anything(bad), ...ends)).toThrow(
        /^restrictToLine: expected a network or a graph, got /,
      );
  });
  it("have one output", () => {
    const two = record((ops, { x }) => ({ a: x, b: ops.add(x, x) }), { x: [1] });
    expect(() => restrictToLine(two, ...ends)).toThrow(
      new UnsupportedError('restrictToLine: expected a graph with one output, got ["a", "b"]'),
    );
  });
  it("without gates are one piece", () => {
    const cube = network(1, (ops, x) => ops.multiply(ops.multiply(x, x), x));
    const path = restrictToLine(cube, f64([-1]), f64([3]));
    expect([...path.breakpoints]).toEqual([0, 1]);
    expect(path.pieces[0].degree).toBe(3);
    expect(path.evaluate(0.75).data[0]).toBe(8);
    expect(path.causes).toEqual([[], []]);
  });
  it("that give their input back are the line itself", () => {
    const path = restrictToLine(
      network(2, (_, x) => x),
      f64([1, 2]),
      f64([3, -2]),
    );
    expect([...path.evaluate(0.5).data]).toEqual([2, 0]);
    expect(path.degree).toBe(1);
  });
  it("that do not look at their input are constant", () => {
    const path = restrictToLine(
      network(1, (ops) => ops.constant(f64([7, 8]))),
      ...ends,
    );
    expect([...path.breakpoints]).toEqual([0, 1]);
    expect([path.degree, path.pieces[0].degree, path.noise]).toEqual([0, 0, 0]);
    expect([...path.evaluate(1).data]).toEqual([7, 8]);
    expect([...path.derivative(0.5).data]).toEqual([0, 0]);
  });
  it("between equal ends are constant, gates and all", () => {
    const model = createEncoder(small);
    const x = f64([[1, 2, -1, 0]]);
    const path = restrictToLine(model, x, x);
    expect([...path.breakpoints]).toEqual([0, 1]);
    expect(path.degree).toBe(0);
  });
  it("whose output is a single number are read by an empty index", () => {
    const total: Graph = record((ops, { x }) => ops.sum(x, { axes: [-1], keep: false }), { x: [2] });
    const path = restrictToLine(total, f64([1, 2]), f64([3, 4]));
    expect(path.coordinate().evaluate(0.5)).toBe(5);
  });
  it("with several batch axes name them all in a cause", () => {
    const model = createEncoder(small);
    const graph = graphOf(model, { x: [2, 3, 1, 4] });
    const from = tensor(
      Float64Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      [2, 3, 1, 4],
    );
    const to = tensor(
      Float64Array.from({ length: 24 }, (_, i) => Math.cos(3 * i)),
      [2, 3, 1, 4],
    );
    const path = restrictToLine(graph, from, to);
    expect(path.causes.flat().length).toBeGreaterThan(0);
    for (const cause of path.causes.flat()) expect(cause.batch).toHaveLength(2);
    expect(path.evaluate(0.5).shape).toEqual([2, 3, 1, 4]);
  });
});

describe("options", () => {
  it.each([
    [
      "another name",
      { methode: "auto" },
      'expected options method, on, onPiece, signal, budgetMs, resume, got "methode"',
    ],
    ["no object", 7, "expected an object of options, got 7"],
    ["null", null, "expected an object of options, got null"],
    ["another method", { method: "sample" }, 'expected method "auto", "descend" or "march", got "sample"'],
    ["no device", { on: "cpu" }, 'expected on to be a device, got "cpu"'],
    ["no device at all", { on: null }, "expected on to be a device, got null"],
    ["no function", { onPiece: 3 }, "expected onPiece to be a function, got 3"],
    ["no signal", { signal: true }, "expected signal to be an AbortSignal, got true"],
    ["no signal at all", { signal: null }, "expected signal to be an AbortSignal, got null"],
    ["time that is no number", { budgetMs: Number.NaN }, "expected budgetMs ≥ 0, got NaN"],
    ["time before now", { budgetMs: -1 }, "expected budgetMs ≥ 0, got -1"],
    ["time in words", { budgetMs: "1s" }, 'expected budgetMs ≥ 0, got "1s"'],
    ["no path", { resume: 0.5 }, "expected resume to be a path of restrictToLine, got 0.5"],
    ["null for a path", { resume: null }, "expected resume to be a path of restrictToLine, got null"],
  ])("refuse %s", (_, options, message) => {
    expect(() => restrictToLine(hinge, ...ends, anything(options))).toThrow(
      new RangeError(`restrictToLine: ${message}`),
    );
  });
  it("refuse a device of another precision", () => {
    expect(() => restrictToLine(hinge, ...ends, { on: reference32 })).toThrow(
      new UnsupportedError('restrictToLine: expected a float64 device, got "reference32" ("float32")'),
    );
  });
  it("refuse a signal that was aborted, with its reason", () => {
    const signal = AbortSignal.abort(new Error("enough"));
    expect(() => restrictToLine(hinge, ...ends, { signal })).toThrow("enough");
  });
});

describe("a path", () => {
  const path = restrictToLine(hinge, ...ends);
  it("is read in [0, 1]", () => {
    for (const t of [1.5, -0.1, Number.NaN, Number.POSITIVE_INFINITY, "0.5", undefined, null])
      expect(() => path.evaluate(anything(t))).toThrow(/^path\.evaluate: expected t in \[0, 1\], got /);
    expect(() => path.derivative(2)).toThrow(new RangeError("path.derivative: expected t in [0, 1], got 2"));
  });
  it("has a derivative on two sides", () => {
    expect(() => path.derivative(0.5, anything({ side: "middle" }))).toThrow(
      'path.derivative: expected side "left" or "right", got "middle"',
    );
    expect(() => path.derivative(0.5, anything({ sides: "left" }))).toThrow(
      'path.derivative: expected options side, got "sides"',
    );
    expect(() => path.derivative(0.5, anything(null))).toThrow(
      "path.derivative: expected an object of options, got null",
    );
    // at the ends there is one side only
    expect(path.derivative(0, { side: "left" }).data[0]).toBe(1);
    expect(path.derivative(1, { side: "right" }).data[0]).toBe(1);
  });
  it("refuses a derivative that is no number", () => {
    // from −1e304 to 1e304 within a millionth
    const steep = network(1, (ops, x) =>
      ops.scale(ops.activate(ops.scale(x, { factor: 1e6 }), { activation: { name: "clamp", limit: 1 }, order: 0 }), {
        factor: 1e304,
      }),
    );
    const short = restrictToLine(steep, f64([-1]), f64([1]));
    expect(short.derivative(0.1).data[0]).toBe(0);
    expect(() => short.derivative(0.5)).toThrow(
      new RangeError("path.derivative: expected a derivative that is a finite number, got Infinity at t = 0.5"),
    );
  });
  it("has the entries of its output", () => {
    for (const index of [[1], [-1], [0.5], [], [0, 0], [Number.NaN], ["0"]])
      expect(() => path.coordinate(...(index as number[]))).toThrow(
        /^path\.coordinate: expected an index of an output of shape \[1\], got /,
      );
  });
});
