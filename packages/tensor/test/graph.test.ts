import {
  evaluate,
  fold,
  isLeaf,
  linear,
  type Node,
  type Ops,
  open,
  operandsOf,
  opNames,
  type Rules,
  record,
  reference,
  ShapeError,
  type Tensor,
  tensor,
  toNested,
  UnsupportedError,
  unsupported,
  within,
  zeros,
} from "@splineformer/tensor";
import { call, largestDifference, opCases, recordCase } from "@splineformer/testing";
import { describe, expect, it } from "vitest";

const untyped = (value: unknown): never => value as never;
const names = (nodes: readonly Node[]): string[] => nodes.map(({ op }) => op);
const relu = { activation: "relu" } as const;

describe("record", () => {
  it("makes a node of every operation, operands first", () => {
    const graph = record((ops, { x }) => ops.scale(ops.add(x, x), { factor: 3 }), { x: [2] });
    expect(names(graph.nodes)).toEqual(["input", "add", "scale"]);
    expect(graph.nodes.map(({ id }) => id)).toEqual([0, 1, 2]);
    expect(graph.outputs.output).toBe(graph.nodes[2]);
    expect(graph.nodes[2]).toMatchObject({ attributes: { factor: 3 }, shape: [2], scope: "" });
  });

  it("leaves out what no output needs, but keeps every input", () => {
    const graph = record(
      (ops, { x }) => {
        ops.add(x, ops.constant(tensor([7])));
        return ops.scale(x, { factor: 2 });
      },
      { unused: [3], x: [2] },
    );
    expect(names(graph.nodes)).toEqual(["input", "input", "scale"]);
    expect(graph.nodes.map(({ id }) => id)).toEqual([0, 1, 2]);
    expect(operandsOf(graph.outputs.output)).toEqual([graph.nodes[1]]);
  });

  it("gives several outputs their names", () => {
    const graph = record((ops, { x }) => ({ double: ops.add(x, x), same: x }), { x: [2] });
    const { double, same } = evaluate(graph, reference, { inputs: { x: tensor([1, 2]) } });
    expect([toNested(double), toNested(same)]).toEqual([
      [2, 4],
      [1, 2],
    ]);
  });

  it("reads a parameter that is used twice once", () => {
    const w = tensor([1, 2]);
    const graph = record((ops, { x }) => ops.add(ops.parameter("w", w), ops.multiply(x, ops.parameter("w", w))), {
      x: [2],
    });
    expect(names(graph.nodes)).toEqual(["input", "parameter", "multiply", "add"]);
  });

  it("remembers where the code was", () => {
    const graph = record(
      (ops, { x }) => {
        const block = within(ops, "block 0");
        return within(block, "norm").normalize(within(block, "attention").add(x, x), { kind: "rms", epsilon: 0 });
      },
      { x: [2, 3] },
    );
    expect(graph.nodes.map(({ scope }) => scope)).toEqual(["", "block 0/attention", "block 0/norm"]);
  });

  it("gives the operations of a scope once", () => {
    record(
      (ops, { x }) => {
        expect(within(ops, "a")).toBe(within(ops, "a"));
        return x;
      },
      { x: [2] },
    );
  });

  it("keeps the composites that it is told to keep, and writes out the others", () => {
    const f = (ops: Ops<Node>, { x }: { x: Node }) =>
      linear(ops, x, ops.constant(zeros([3, 5])), ops.constant(zeros([5])), relu);
    expect(names(record(f, { x: [2, 3] }).nodes)).toEqual(["input", "constant", "constant", "linear"]);
    const opened = names(record(f, { x: [2, 3] }, { keep: ["attention"] }).nodes);
    expect(opened).toEqual(["input", "constant", "constant", "matmul", "add", "activate"]);
  });

  it("records every operation: the graph computes what the operation computes", () => {
    for (const given of opCases) {
      const graph = recordCase(given);
      const expected = call<Tensor>(reference, given, given.operands);
      expect(graph.outputs.output.shape).toEqual(expected.shape);
      expect(graph.outputs.output.op).toBe(given.op);
      expect(largestDifference(evaluate(graph, reference, { inputs: {} }).output, expected), given.title).toBe(0);
    }
  }, 60_000);

  it("may be nested: a graph is evaluated inside another recording", () => {
    const inner = record((ops, { x }) => ops.add(x, ops.parameter("w", tensor([1, 2]))), { x: [2] });
    const outer = record(
      (ops, { y }) => {
        const { output } = evaluate(inner, within(ops, "inner"), { inputs: { x: ops.scale(y, { factor: 3 }) } });
        return output;
      },
      { y: [2] },
    );
    expect(outer.nodes.map(({ op, scope }) => [op, scope])).toEqual([
      ["input", ""],
      ["scale", ""],
      ["parameter", "inner"],
      ["add", "inner"],
    ]);
    expect(toNested(evaluate(outer, reference, { inputs: { y: tensor([10, 20]) } }).output)).toEqual([31, 62]);
  });
});

describe("a refusal of record", () => {
  it("says in which part of the network", () => {
    const block = (ops: Ops<Node>, { x }: { x: Node }) =>
      linear(within(ops, "block 0"), x, ops.constant(zeros([7, 5])), undefined, relu);
    const message = "linear: expected x [.., n, k], weight [k, m] and bias [m], got [2, 3], [7, 5] at block 0";
    expect(() => record(block, { x: [2, 3] })).toThrow(new ShapeError(message));
    expect(() => record(block, { x: [2, 3] }, { keep: [] })).toThrow(new ShapeError(message));
    const deep = (ops: Ops<Node>, { x }: { x: Node }) => within(within(ops, "block 1"), "attention").matmul(x, x, {});
    expect(() => record(deep, { x: [2, 3] })).toThrow(
      new ShapeError("matmul: expected equal inner lengths, got [2, 3] · [2, 3] at block 1/attention"),
    );
  });

  it("names a tensor that was not lifted, and a node of another recording", () => {
    const w = tensor([[1], [2]]);
    expect(() => record((ops, { x }) => ops.matmul(x, untyped(w), {}), { x: [3, 2] })).toThrow(
      new RangeError(
        "matmul: expected operand 2 to be a node of this recording, got a tensor [2, 1] (see ops.constant)",
      ),
    );
    let foreign: Node | undefined;
    record(
      (_, { x }) => {
        foreign = x;
        return x;
      },
      { x: [2] },
    );
    expect(() => record((ops, { x }) => ops.add(x, foreign as Node), { x: [2] })).toThrow(
      new RangeError("add: expected operand 2 to be a node of this recording, got input [2] of another one"),
    );
    expect(() => record(() => foreign as Node, { x: [2] })).toThrow(
      'record: expected output "output" to be a node of this recording, got input [2] of another one',
    );
  });

  it("names an output that is none", () => {
    expect(() => record(() => untyped(undefined), { x: [2] })).toThrow(
      "record: expected a node, or nodes by name, got undefined",
    );
    expect(() => record(() => ({ y: untyped(3) }), { x: [2] })).toThrow(
      'record: expected output "y" to be a node of this recording, got 3',
    );
    expect(() => record(() => untyped(tensor([1])), {})).toThrow('record: expected output "dtype" to be a node');
  });

  it("names a constant or a parameter that is no tensor, and two parameters of one name", () => {
    expect(() => record((ops) => ops.constant(untyped(5)), {})).toThrow("constant: expected a tensor, got 5");
    expect(() => record((ops) => ops.parameter("w", untyped([1])), {})).toThrow(
      'parameter "w": expected a tensor, got [1]',
    );
    expect(() =>
      record((ops) => ops.add(ops.parameter("w", tensor([1])), within(ops, "b").parameter("w", tensor([1]))), {}),
    ).toThrow(
      new RangeError('parameter: expected one tensor for every name, which is how it is rebound, got "w" at b'),
    );
  });

  it("names unknown options and shapes that are none", () => {
    const f = (_: Ops<Node>, { x }: { x: Node }) => x;
    expect(() => record(f, { x: [2] }, untyped({ keeep: [] }))).toThrow('record: expected options keep, got "keeep"');
    expect(() => record(f, { x: [2] }, { keep: [untyped("matmul")] })).toThrow(
      'record: expected keep to name composites (linear, attention), got "matmul"',
    );
    expect(() => record(f, { x: untyped("2") })).toThrow(
      'record: input "x": expected a shape (an array of lengths), got "2"',
    );
    const late = async (ops: Ops<Node>, { x }: { x: Node }) => ops.add(x, x);
    expect(() => record(untyped(late), { x: [2] })).toThrow(
      new RangeError("record: expected a node, or nodes by name, got a promise"),
    );
    expect(() => record(() => ({}), { x: [2] })).toThrow("a node, or nodes by name, got {}");
    expect(() =>
      record(
        untyped((_: unknown, { x }: { x: Node }) => [x]),
        { x: [2] },
      ),
    ).toThrow("a node, or nodes by name, got [{ id: 0");
    expect(() => record(untyped(7), { x: [2] })).toThrow("record: expected a function of operations and inputs, got 7");
    expect(() => record(f, { x: [-2] })).toThrow('record: input "x": expected a shape of whole numbers ≥ 0, got [-2]');
  });
});

describe("open", () => {
  it("writes every composite out, and changes no result", () => {
    for (const given of opCases.filter(({ op }) => op === "linear" || op === "attention")) {
      const graph = recordCase(given);
      const opened = open(graph);
      expect(names(opened.nodes)).not.toContain(given.op);
      const [a, b] = [graph, opened].map((one) => evaluate(one, reference, { inputs: {} }).output);
      expect(largestDifference(a, b), given.title).toBe(0);
    }
  }, 60_000);

  it("keeps inputs, outputs, parameters and places", () => {
    const w = zeros([3, 5]);
    const graph = record(
      (ops, { x }) => ({ a: linear(within(ops, "layer"), x, ops.parameter("w", w), undefined, relu), b: x }),
      { x: [2, 3], idle: [7] },
    );
    const opened = open(graph);
    expect(opened.nodes.map(({ op, scope }) => [op, scope])).toEqual([
      ["input", ""],
      ["input", ""],
      ["parameter", ""],
      ["matmul", "layer"],
      ["activate", "layer"],
    ]);
    expect(Object.keys(opened.outputs)).toEqual(["a", "b"]);
    expect(opened.nodes[2].attributes).toEqual({ name: "w", value: w });
    expect(open(opened)).toEqual(opened);
  });

  it("shares the columns of a group among its heads", () => {
    const grouped = opCases.find(({ title }) => title.includes("share 2 groups"));
    expect(grouped).toBeDefined();
    if (!grouped) return;
    expect(names(open(recordCase(grouped)).nodes).filter((op) => op === "splitHeads").length).toBe(3);
  });
});

describe("fold", () => {
  it("reads every node after its operands, and passes an absent operand as undefined", () => {
    const lines: Partial<Rules<string>> = {
      input: (node) => node.attributes.name,
      weigh: (node, scores, visible) => `${node.attributes.activation}(${scores}, ${visible})`,
      add: (_, a, b) => `(${a} + ${b})`,
    };
    const weigh = { activation: "relu", mask: "none", order: 0, divide: "none" } as const;
    const graph = record((ops, { x, y }) => ops.weigh(ops.add(x, y), undefined, weigh), { x: [2, 3], y: [3] });
    expect(fold(graph, lines as Rules<string>)).toEqual(["x", "y", "(x + y)", "relu((x + y), undefined)"]);
  });
});

describe("nodes", () => {
  it("are leaves or operations, of which there are sixteen", () => {
    const graph = record((ops, { x }) => ops.add(x, ops.constant(tensor([1]))), { x: [2] });
    expect(graph.nodes.map(isLeaf)).toEqual([true, true, false]);
    expect(opNames.length).toBe(16);
  });

  it("are named in a refusal with their place", () => {
    const graph = record((ops, { x }) => within(ops, "norm").add(x, x), { x: [2] });
    expect(unsupported("degree", "a polynomial", graph.outputs.output)).toEqual(
      new UnsupportedError("degree: expected a polynomial, got add at norm"),
    );
    expect(unsupported("degree", "a polynomial", graph.nodes[0], "a wish").message).toBe(
      "degree: expected a polynomial, got a wish at the top of the network",
    );
  });
});
