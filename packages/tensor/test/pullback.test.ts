import { dot, moved, oneHead, pointwiseActivations, seeded, slopeAt0, weighings } from "@splineformer/testing";
import { describe, expect, test } from "vitest";
import {
  type Attributes,
  attention,
  evaluate,
  graphOf,
  linear,
  type Network,
  type Node,
  type Ops,
  pullback,
  record,
  reference,
  type Shape,
  type Tensor,
  tensor,
  toNested,
} from "../src/index.ts";

const data = seeded(41);
type Function = (ops: Ops<Node>, x: Readonly<Record<string, Node>>) => Node;

const size = (x: Tensor): number => Math.hypot(...x.data);

/**
 * Compares `gᵀ J v` by the pullback with a difference quotient along v. The quotient is central, extrapolated once: it errs by
 * O(h⁴) and by the rounding of f over h, some 2⁻⁵² · 2¹⁴ of the size of f for each of a few roundings.
 */
function expectSlopes(f: Function, inputs: Readonly<Record<string, Tensor>>): void {
  const shapes = Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));
  const graph = record(f, shapes);
  const g = data.normal(graph.outputs.output.shape);
  const wanted = ({ attributes: { name } }: { attributes: { name: string } }) => inputs[name].dtype === "float64";
  const found = pullback(graph, reference, { inputs }, { output: g }, { wanted }).inputs;
  expect(Object.keys(found)).toEqual(Object.keys(inputs).filter((name) => inputs[name].dtype === "float64"));
  for (const [name, gradient] of Object.entries(found)) {
    expect(gradient.shape).toEqual(inputs[name].shape);
    const v = data.normal(inputs[name].shape);
    const slope = slopeAt0((by) => {
      const others = { ...inputs, [name]: moved(inputs[name], v, by) };
      return dot(evaluate(graph, reference, { inputs: others }).output, g);
    });
    const scale = size(gradient) * size(v) + size(evaluate(graph, reference, { inputs }).output) * size(g);
    expect(Math.abs(dot(gradient, v) - slope)).toBeLessThan(2 ** -32 * scale);
  }
}

describe("pullback", () => {
  test("by hand: x · x pulls g back to 2 x g, and both uses add up", () => {
    const graph = record((ops, { x }) => ops.multiply(x, x), { x: [2] });
    const { inputs, outputs } = pullback(
      graph,
      reference,
      { inputs: { x: tensor([3, 5]) } },
      { output: tensor([1, 10]) },
    );
    expect(toNested(outputs.output)).toEqual([9, 25]);
    expect(toNested(inputs.x)).toEqual([6, 100]);
  });

  test("at a kink the derivative is the one on the left", () => {
    const graph = record((ops, { x }) => ops.activate(x, { activation: "relu", order: 0 }), { x: [3] });
    const x = tensor([-1, 0, 1]);
    expect(toNested(pullback(graph, reference, { inputs: { x } }, { output: tensor([1, 1, 1]) }).inputs.x)).toEqual([
      0, 0, 1,
    ]);
  });

  const [a, b] = [data.normal([2, 3, 5]), data.normal([3, 1])];
  const cases: [string, Function, Record<string, Tensor>][] = [
    ["add, broadcast", (ops, { a, b }) => ops.add(a, b), { a, b }],
    ["multiply, broadcast both ways", (ops, { a, b }) => ops.multiply(a, b), { a: data.normal([2, 1, 5]), b }],
    ["scale", (ops, { a }) => ops.scale(a, { factor: -0.7 }), { a }],
    ["splitHeads", (ops, { a }) => ops.splitHeads(a, { heads: 5 }), { a }],
    ["mergeHeads", (ops, { a }) => ops.mergeHeads(a), { a }],
    ["slice of columns", (ops, { a }) => ops.slice(a, { axis: -1, from: 1, to: 3 }), { a }],
    ["slice to the last row", (ops, { a }) => ops.slice(a, { axis: -2, from: 1, to: 3 }), { a }],
    ["concat, broadcast", (ops, { a, c }) => ops.concat(a, c, { axis: -2 }), { a, c: data.normal([7, 5]) }],
    ["sum of all", (ops, { a }) => ops.sum(a, { axes: [-1, -2, -3], keep: false }), { a }],
    ["sum of the last axis, kept", (ops, { a }) => ops.sum(a, { axes: [-1], keep: true }), { a }],
    ["sum of a middle axis, dropped", (ops, { a }) => ops.sum(a, { axes: [-2], keep: false }), { a }],
    ["normalize", (ops, { a }) => ops.normalize(a, { kind: "layer", epsilon: 0.1 }), { a }],
    ["normalize by the mean square", (ops, { a }) => ops.normalize(a, { kind: "rms", epsilon: 0.1 }), { a }],
    ["scan", (ops, { s, v }) => ops.scan(s, v, { kind: "softmax" }), { s: data.normal([2, 7, 1]), v: data.normal([2, 7, 3]) }],
    [
      "gather with rows that repeat",
      (ops, { table, i }) => ops.gather(table, i),
      { table: data.normal([3, 5]), i: data.indices([2, 7], 3) },
    ],
    [
      "gather from a table for every batch",
      (ops, { table, i }) => ops.gather(table, i),
      { table: data.normal([2, 3, 5]), i: data.indices([7], 3) },
    ],
  ]; // biome-ignore format: one list
  for (const transposeA of [false, true])
    for (const transposeB of [false, true])
      cases.push([
        `matmul, transposed ${transposeA}, ${transposeB}, broadcast`,
        (ops, { p, q }) => ops.matmul(p, q, { transposeA, transposeB }),
        {
          p: data.normal(transposeA ? [2, 5, 3] : [2, 3, 5]),
          q: data.normal([11, 1, ...(transposeB ? [7, 5] : [5, 7])]),
        },
      ]);
  for (const activation of pointwiseActivations) {
    cases.push([
      `activate ${JSON.stringify(activation)}`,
      (ops, { a }) => ops.activate(a, { activation, order: 0 }),
      { a },
    ]);
    cases.push([
      `linear ${JSON.stringify(activation)}`,
      (ops, { a, w, bias }) => linear(ops, a, w, bias, { activation }),
      { a, w: data.normal([5, 7]), bias: data.normal([7]) },
    ]);
  }
  for (const activation of weighings)
    for (const divide of ["none", "length"] as const) {
      const attributes: Attributes["weigh"] = { activation, mask: "causal", order: 0, divide };
      cases.push([
        `weigh ${JSON.stringify(activation)}, divide ${divide}`,
        (ops, { z, visible }) => ops.weigh(z, visible, attributes),
        { z: data.normal([2, 5, 7]), visible: data.mask([5, 7]) },
      ]);
    }
  for (const [title, f, inputs] of cases)
    test(`${title}: the slope of a difference quotient`, () => expectSlopes(f, inputs));

  test("attention with a bias, grouped heads and a mask: the slope of a difference quotient", () => {
    const attributes = { activation: "softmax", mask: { window: 3 }, heads: 6, keyValueHeads: 2, scale: 0.3, divide: "none" } as const; // biome-ignore format: one record
    expectSlopes((ops, { q, k, v, bias }) => attention(ops, q, k, v, bias, undefined, attributes), {
      q: data.normal([2, 5, 6 * 3]),
      k: data.normal([7, 2 * 3]),
      v: data.normal([2, 7, 2 * 11]),
      bias: data.normal([5, 7]),
    });
  });

  const network: Network<"x", Record<never, never>, { w: Tensor; b: Tensor; unused: Tensor }> = {
    inputs: { x: ["tokens", 3] },
    config: {},
    parameters: { w: data.normal([3, 3]), b: data.normal([3]), unused: data.normal([2]) },
    run(ops, { w, b }, { x }) {
      const self = { ...oneHead, divide: "length" } as const;
      const y = linear(ops, x, w, b, { activation: "squaredRelu" });
      return ops.add(attention(ops, y, x, y, undefined, undefined, self), x);
    },
  };

  test("a recorded pullback, evaluated, gives the numbers of the pullback", () => {
    const x = data.normal([5, 3]);
    const graph = graphOf(network, { x: x.shape });
    const g = data.normal([5, 3]);
    const at = pullback(graph, reference, { inputs: { x } }, { output: g });
    const recorded = record(
      (ops, nodes) => pullback(graph, ops, { inputs: { x: nodes.x } }, { output: nodes.g }).inputs,
      {
        x: x.shape,
        g: g.shape,
      },
    );
    // sums over a batch are in another order there
    const again = evaluate(recorded, reference, { inputs: { x, g } }).x;
    for (const [i, expected] of at.inputs.x.data.entries()) expect(again.data[i]).toBeCloseTo(expected, 12);
  });

  test("is asked for some leaves only, and leaves out a parameter that nothing uses", () => {
    const graph = graphOf(network, { x: [5, 3] });
    const one = tensor(new Float64Array(15).fill(1), [5, 3]);
    const found = pullback(
      graph,
      reference,
      { inputs: { x: one } },
      { output: one },
      { wanted: ({ op }) => op === "parameter" },
    );
    expect(Object.keys(found.inputs)).toEqual([]);
    expect(Object.keys(found.parameters).toSorted()).toEqual(["b", "w"]);
  });

  test("takes a fused way back where the device has one, and the primitives where it declines", () => {
    const called: string[] = [];
    const fused: typeof reference = {
      ...reference,
      differentiateAttention(query, key, value, bias, visible, attributes) {
        called.push(String(attributes.activation));
        if (attributes.activation === "sparsemax") return undefined;
        const output = attention(reference, query, key, value, bias, visible, attributes);
        return { output, pullback: () => ({ query, key, value }) };
      },
    };
    const x = data.normal([5, 3]);
    for (const activation of ["relu", "sparsemax"] as const) {
      const attributes = { ...oneHead, activation };
      const graph = record((ops, { q, k, v }) => attention(ops, q, k, v, undefined, undefined, attributes), {
        q: [5, 3],
        k: [5, 3],
        v: [5, 3],
      });
      const found = pullback(graph, fused, { inputs: { q: x, k: x, v: x } }, { output: x });
      expect(found.inputs.q === x).toBe(activation === "relu");
    }
    expect(called).toEqual(["relu", "sparsemax"]);
  });

  test("gives back everything that it made and does not return", () => {
    const live = new Set<Tensor>();
    const counting = new Proxy(reference, {
      get(target, name) {
        if (name === "release") return (x: Tensor) => expect(live.delete(x)).toBe(true);
        const method = Reflect.get(target, name);
        if (typeof method !== "function" || name === "constant" || name === "parameter") return method;
        return (...args: unknown[]) => {
          const made = method(...args);
          live.add(made);
          return made;
        };
      },
    });
    const x = data.normal([5, 3]);
    const found = pullback(graphOf(network, { x: x.shape }), counting, { inputs: { x } }, { output: x });
    const kept = [found.outputs.output, found.inputs.x, found.parameters.w, found.parameters.b];
    expect(live.size).toBe(4);
    for (const value of kept) expect(live.has(value)).toBe(true);
  });

  test("refuses cotangents of no output or of another shape, and what has no derivative, naming the place", () => {
    const graph = record((ops, { x }) => ops.scale(x, { factor: 2 }), { x: [2] });
    const bindings = { inputs: { x: tensor([1, 2]) } };
    expect(() => pullback(graph, reference, bindings, { y: tensor([1, 1]) })).toThrow(
      'pullback: expected cotangents of outputs "output", got "y"',
    );
    expect(() => pullback(graph, reference, bindings, { output: tensor([1]) })).toThrow(
      'pullback: expected a cotangent of "output" of shape [2], got [1]',
    );
    const bent = (shape: Shape) =>
      record((ops, { x }) => (ops.within?.("head") ?? ops).activate(x, { activation: "gelu", order: 1 }), { x: shape });
    expect(() => pullback(bent([2]), reference, bindings, { output: tensor([1, 1]) })).toThrow(
      "pullback: expected an operation whose derivative is in the vocabulary, got activate of order 1 at head",
    );
    const kink = record((ops, { x }) => ops.activate(x, { activation: "relu", order: 1 }), { x: [2] });
    expect(toNested(pullback(kink, reference, bindings, { output: tensor([1, 1]) }).inputs.x)).toEqual([0, 0]);
  });
});
