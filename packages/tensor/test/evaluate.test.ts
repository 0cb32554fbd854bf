import {
  type Applied,
  apply,
  attention,
  type Device,
  evaluate,
  evaluateAll,
  type Graph,
  type Leaf,
  linear,
  type Node,
  readLeaf,
  record,
  reference,
  type Shape,
  ShapeError,
  type Tensor,
  tensor,
  toNested,
  within,
  zeros,
} from "@splineformer/tensor";
import { oneHead } from "@splineformer/testing";
import { describe, expect, it } from "vitest";

/** A handle on a value that lives elsewhere. */
interface Handle {
  readonly shape: Shape;
  readonly value: Tensor;
}

/** A device of handles that counts what is held, and refuses to read what was given back. */
function counting(failsAt = Number.POSITIVE_INFINITY) {
  const held = new Set<Handle>();
  let peak = 0;
  let calls = 0;
  const read = (x: unknown): unknown => {
    const handle = x as Partial<Handle> | undefined;
    if (handle?.value === undefined) return x;
    if (!held.has(handle as Handle))
      throw new Error("counting: expected a handle that is held, got one that was released");
    return handle.value;
  };
  const hold = (value: Tensor): Handle => {
    const handle = { shape: value.shape, value };
    held.add(handle);
    peak = Math.max(peak, held.size);
    return handle;
  };
  const operations = Object.fromEntries(
    Object.entries(reference).map(([name, f]) => [
      name,
      typeof f !== "function"
        ? f
        : (...args: unknown[]) => {
            if (!["constant", "parameter"].includes(name) && ++calls > failsAt) throw new Error("out of memory");
            return hold((f as (...args: unknown[]) => Tensor)(...args.map(read)));
          },
    ]),
  );
  const device = {
    ...operations,
    name: "counting",
    read: (x: Handle) => read(x) as Tensor,
    release: (x: Handle) => {
      if (!held.delete(x)) throw new Error("counting: expected a handle that is held, got one that was released");
    },
  } as unknown as Device<Handle>;
  return { device, held, peak: () => peak };
}

const chain = (length: number): Graph =>
  record(
    (ops, { x }) => {
      let y: Node = x;
      for (let i = 0; i < length; i++) y = ops.scale(y, { factor: 2 });
      return y;
    },
    { x: [2] },
  );

describe("evaluate", () => {
  it("computes the outputs, by name", () => {
    const graph = record((ops, { x }) => ops.add(x, ops.constant(tensor([1]))), { x: [2] });
    expect(toNested(evaluate(graph, reference, { inputs: { x: tensor([1, 2]) } }).output)).toEqual([2, 3]);
  });

  it("gives an output that is an input as it came", () => {
    const x = tensor([1, 2]);
    expect(
      evaluate(
        record((_, nodes) => nodes.x, { x: [2] }),
        reference,
        { inputs: { x } },
      ).output,
    ).toBe(x);
  });

  it("binds parameters by name, and takes the recorded ones for the rest", () => {
    const graph = record(
      (ops, { x }) => ops.add(ops.multiply(x, ops.parameter("a", tensor([2]))), ops.parameter("b", tensor([3]))),
      { x: [1] },
    );
    const at = (parameters?: Record<string, Tensor>) =>
      toNested(evaluate(graph, reference, { inputs: { x: tensor([10]) }, parameters }).output);
    expect(at()).toEqual([23]);
    expect(at({ a: tensor([5]) })).toEqual([53]);
    expect(at({ b: tensor([1]), unused: tensor([7, 7]) })).toEqual([21]);
  });

  it("does not mistake what every object has for a parameter", () => {
    const graph = record((ops) => ops.parameter("constructor", tensor([3])), {});
    expect(toNested(evaluate(graph, reference, { inputs: {}, parameters: {} }).output)).toEqual([3]);
  });

  it("calls a fused composite where the device has one, inside the scope of the node", () => {
    const graph = record(
      (ops, { x }) => linear(within(ops, "layer"), x, ops.constant(zeros([3, 5])), undefined, { activation: "relu" }),
      { x: [2, 3] },
    );
    const seen: string[] = [];
    const fused = {
      ...reference,
      within: (name: string) => ({
        ...reference,
        linear: (): Tensor => {
          seen.push(name);
          return zeros([2, 5], { dtype: "float64" });
        },
      }),
    };
    evaluate(graph, fused, { inputs: { x: zeros([2, 3]) } });
    expect(seen).toEqual(["layer"]);
    expect(evaluate(graph, reference, { inputs: { x: zeros([2, 3]) } }).output.shape).toEqual([2, 5]);
  });

  it("gives every value of the graph where a walk asks for them", () => {
    const graph = record((ops, { x }) => ops.scale(ops.add(x, x), { factor: 3 }), { x: [2] });
    const values = evaluateAll(graph, reference, { inputs: { x: tensor([1, 2]) } });
    expect(values.map(toNested)).toEqual([
      [1, 2],
      [2, 4],
      [6, 12],
    ]);
    expect(toNested(apply(reference, graph.nodes[2] as Applied, [tensor([5, 5])]))).toEqual([15, 15]);
  });
});

describe("memory", () => {
  it("is given back after the last use: a chain of any length holds two values beside its input", () => {
    for (const length of [1, 2, 13, 101]) {
      const { device, held, peak } = counting();
      const x = device.constant(tensor([1, 1]));
      const { output } = evaluate(chain(length), device, { inputs: { x } });
      expect(peak()).toBe(Math.min(3, length + 1));
      expect([...held]).toEqual([x, output]);
      expect(output.value.data[0]).toBe(2 ** length);
    }
  });

  it("holds a value until its last use, not its first", () => {
    const graph = record(
      (ops, { x }) => {
        const kept = ops.scale(x, { factor: 3 });
        let y = ops.add(kept, x);
        for (let i = 0; i < 5; i++) y = ops.scale(y, { factor: 1 });
        return ops.add(y, kept);
      },
      { x: [1] },
    );
    const { device, held } = counting();
    const x = device.constant(tensor([1]));
    const { output } = evaluate(graph, device, { inputs: { x } });
    expect(output.value.data[0]).toBe(7);
    expect([...held]).toEqual([x, output]);
  });

  it("leaves outputs that are used further on, inputs and constants to the caller", () => {
    const graph = record(
      (ops, { x }) => {
        const first = ops.add(x, ops.constant(tensor([1])));
        return { first, second: ops.scale(first, { factor: 2 }), x };
      },
      { x: [1] },
    );
    const { device, held } = counting();
    const x = device.constant(tensor([1]));
    const outputs = evaluate(graph, device, { inputs: { x } });
    // one more than the outputs: the constant, which the device may keep for the next time
    expect(held.size).toBe(4);
    expect(outputs.x).toBe(x);
    expect([outputs.first, outputs.second].map(({ value }) => value.data[0])).toEqual([2, 4]);
    for (const handle of Object.values(outputs)) expect(held.has(handle)).toBe(true);
  });

  it("is given back once where one operation reads a value twice", () => {
    const graph = record((ops, { x }) => ops.add(ops.scale(x, { factor: 2 }), ops.scale(x, { factor: 2 })), { x: [1] });
    const twice = record(
      (ops, { x }) => {
        const y = ops.scale(x, { factor: 2 });
        return ops.multiply(y, y);
      },
      { x: [1] },
    );
    for (const one of [graph, twice]) {
      const { device, held } = counting();
      const { output } = evaluate(one, device, { inputs: { x: device.constant(tensor([1])) } });
      expect(held.size).toBe(2);
      expect(output.value.data[0]).toBe(4);
    }
  });

  it("is given back when an operation fails, and nothing stays half done", () => {
    const { device, held } = counting(5);
    const x = device.constant(tensor([1, 1]));
    expect(() => evaluate(chain(13), device, { inputs: { x } })).toThrow("out of memory");
    expect([...held]).toEqual([x]);
  });
});

describe("refusals", () => {
  const graph = record((ops, { x, y }) => ops.add(ops.add(x, y), ops.parameter("w", tensor([1]))), { x: [2], y: [2] });
  const [x, y] = [tensor([1, 2]), tensor([3, 4])];

  it("an input that is missing, unknown, or of another shape", () => {
    expect(() => evaluate(graph, reference, { inputs: { x } })).toThrow(
      new RangeError('evaluate: expected an input "y", got ["x"]'),
    );
    expect(() => evaluate(graph, reference, { inputs: { x, y, z: x } })).toThrow(
      new RangeError('evaluate: expected inputs "x", "y", got "z"'),
    );
    expect(() => evaluate(graph, reference, { inputs: { x, y: tensor([1]) } })).toThrow(
      new ShapeError('evaluate: expected input "y" of shape [2], got [1]'),
    );
    expect(() => evaluateAll(graph, reference, { inputs: { x } })).toThrow('evaluate: expected an input "y"');
  });

  it("a parameter of another shape, or none", () => {
    expect(() => evaluate(graph, reference, { inputs: { x, y }, parameters: { w: x } })).toThrow(
      new ShapeError('evaluate: expected parameter "w" of shape [1], got [2]'),
    );
    const none = { w: [1] as unknown as Tensor };
    expect(() => evaluate(graph, reference, { inputs: { x, y }, parameters: none })).toThrow(
      'evaluate: expected parameter "w" to be a tensor, got [1]',
    );
  });

  it("a leaf without its input", () => {
    expect(() => readLeaf(reference, graph.nodes[0] as Leaf, { inputs: {} })).toThrow(
      'evaluate: expected an input "x", got []',
    );
  });
});

describe("composites outside a graph", () => {
  const attributes = { ...oneHead, activation: "softmax", heads: 2, keyValueHeads: 2 } as const;

  it("are fused where the device can, else written out", () => {
    const marked = { ...reference, linear: () => tensor([[42]]), attention: () => tensor([[43]]) };
    const x = tensor([[1, 2]]);
    expect(toNested(linear(marked, x, tensor([[1], [1]]), undefined))).toEqual([[42]]);
    expect(toNested(linear(reference, x, tensor([[1], [1]]), undefined))).toEqual([[3]]);
    expect(toNested(attention(marked, x, x, x, undefined, undefined, attributes))).toEqual([[43]]);
    // one key: its value, whatever the scores
    expect(toNested(attention(reference, x, x, x, undefined, undefined, attributes))).toEqual([[1, 2]]);
  });

  it("name themselves in a refusal, not an operation that they are made of", () => {
    const x = zeros([3, 5]);
    expect(() => linear(reference, x, zeros([7, 2]), undefined)).toThrow(
      new ShapeError("linear: expected x [.., n, k], weight [k, m] and bias [m], got [3, 5], [7, 2]"),
    );
    expect(() => attention(reference, x, x, x, undefined, undefined, attributes)).toThrow(
      "attention: expected widths divisible",
    );
  });
});
