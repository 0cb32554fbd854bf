import {
  type Attributes,
  attention,
  degreesOf,
  graphDegree,
  type Node,
  type Ops,
  open,
  record,
  tensor,
  UnsupportedError,
  within,
  zeros,
} from "@splineformer/tensor";
import { oneHead } from "@splineformer/testing";
import { describe, expect, it } from "vitest";

const weigh: Attributes["weigh"] = { activation: "relu", mask: "none", order: 0, divide: "none" };

/** Attention of X on the key and value side and Y on the query side. */
const cross = (ops: Ops<Node>, x: Node, y: Node, attributes: Attributes["attention"] = oneHead): Node =>
  attention(ops, y, x, x, undefined, undefined, attributes);
const relu = (ops: Ops<Node>, x: Node): Node => ops.activate(x, { activation: "relu", order: 0 });
const degree = (f: (ops: Ops<Node>, inputs: { x: Node; y: Node }) => Node) =>
  graphDegree(record(f, { x: [5, 3], y: [5, 3] }));

describe("degrees", () => {
  it("of sums are the larger, of products the sum", () => {
    expect(degree((ops, { x, y }) => ops.multiply(ops.multiply(x, x), y))).toEqual({ x: 2, y: 1, total: 3 });
    expect(degree((ops, { x, y }) => ops.add(ops.multiply(x, x), y))).toEqual({ x: 2, y: 1, total: 2 });
    expect(degree((ops, { x, y }) => ops.concat(x, ops.multiply(y, y), { axis: -1 }))).toEqual({
      x: 1,
      y: 2,
      total: 2,
    });
    expect(degree((ops, { x, y }) => ops.matmul(x, y, { transposeB: true }))).toEqual({ x: 1, y: 1, total: 2 });
  });

  it("do not change where numbers are moved, scaled or summed", () => {
    const moved = degree((ops, { x }) => {
      const heads = ops.mergeHeads(ops.splitHeads(ops.multiply(x, x), { heads: 3 }));
      const part = ops.slice(heads, { axis: -2, from: 1, to: 3 });
      const rows = ops.gather(part, ops.constant(tensor([0, 1, 0])));
      return ops.sum(ops.scale(rows, { factor: 2 }), { axes: [-1], keep: false });
    });
    expect(moved).toEqual({ x: 2, y: 0, total: 2 });
  });

  it("are multiplied by those of activations", () => {
    const squared = degree((ops, { x }) => ops.activate(ops.multiply(x, x), { activation: "squaredRelu", order: 0 }));
    expect(squared.total).toBe(4);
    const slope = degree((ops, { x }) => ops.activate(ops.multiply(x, x), { activation: "squaredRelu", order: 1 }));
    expect(slope.total).toBe(2);
    expect(degree((ops, { x }) => ops.activate(x, { activation: "relu", order: 1 })).total).toBe(0);
  });

  // the table of degrees of arXiv 2408.09624
  it("of attention and of masked attention are 3", () => {
    expect(degree((ops, { x }) => cross(ops, x, x)).total).toBe(3);
    expect(degree((ops, { x }) => cross(ops, x, x, { ...oneHead, mask: "causal" })).total).toBe(3);
  });

  it("of encoder–decoder attention are 2 in the keys' side and 1 in the queries', 3 in both", () => {
    expect(degree((ops, { x, y }) => cross(ops, x, y))).toEqual({ x: 2, y: 1, total: 3 });
  });

  it("of t encoder blocks are 3^t: 3, 9, 27, 81", () => {
    for (const layers of [1, 2, 3, 4]) {
      const total = degree((ops, { x }) => {
        let h = x;
        for (let t = 0; t < layers; t++) h = relu(ops, cross(ops, h, h));
        return h;
      }).total;
      expect(total).toBe(3 ** layers);
    }
  });

  it("of t decoder blocks, with X fed to each, are 3^t − 1 in X, 3^t in Y, 2 · 3^t − 1 in both", () => {
    for (const layers of [1, 2, 3]) {
      const found = degree((ops, { x, y }) => {
        let h = y;
        for (let t = 0; t < layers; t++) h = relu(ops, cross(ops, x, cross(ops, h, h)));
        return h;
      });
      expect(found).toEqual({ x: 3 ** layers - 1, y: 3 ** layers, total: 2 * 3 ** layers - 1 });
    }
  });

  it("are exact below 2^53, and refused with their place from there on", () => {
    const power = (levels: number) =>
      degree((ops, { x }) => {
        let h = x;
        for (let t = 0; t < levels; t++) h = within(ops, `level ${t}`).multiply(h, h);
        return h;
      });
    expect(power(52).total).toBe(2 ** 52);
    expect(() => power(53)).toThrow(
      new RangeError("degree: expected a degree below 2^53, got 9007199254740992 at level 52"),
    );
  });

  it("of squared ReLU attention are 5, of sparsemax attention 3, of a fixed query 2", () => {
    expect(degree((ops, { x }) => cross(ops, x, x, { ...oneHead, activation: "squaredRelu" })).total).toBe(5);
    expect(degree((ops, { x }) => cross(ops, x, x, { ...oneHead, activation: "sparsemax" })).total).toBe(3);
    expect(degree((ops, { x }) => cross(ops, x, ops.constant(zeros([1, 3])))).total).toBe(2);
  });

  it("of what depends on no input are 0, smooth or not", () => {
    const fixed = degree((ops, { x }) => {
      const scores = ops.weigh(ops.constant(zeros([5, 5])), undefined, { ...weigh, activation: "softmax" });
      const normal = ops.normalize(ops.constant(tensor([1, 2, 3])), { kind: "layer", epsilon: 0 });
      const mean = ops.scan(ops.constant(zeros([5, 1])), x, { kind: "softmax" });
      return ops.add(ops.matmul(scores, mean, {}), normal);
    });
    expect(fixed).toEqual({ x: 1, y: 0, total: 1 });
  });

  it("of several outputs are the largest of each", () => {
    const graph = record((ops, { x, y }) => ({ a: ops.multiply(x, x), b: y }), { x: [2], y: [2] });
    expect(graphDegree(graph)).toEqual({ x: 2, y: 1, total: 2 });
  });

  it("are known at every node of an opened graph", () => {
    const graph = record((ops, { x }) => cross(ops, x, x), { x: [5, 3] });
    const opened = open(graph);
    const totals = degreesOf(opened).map(({ total }, i) => `${opened.nodes[i].op} ${total}`);
    expect(totals.filter((line) => !line.startsWith("splitHeads"))).toEqual([
      "input 1",
      "matmul 2",
      "weigh 2",
      "matmul 3",
      "mergeHeads 3",
    ]);
  });
});

describe("a degree is refused", () => {
  const refused =
    (f: (ops: Ops<Node>, inputs: { x: Node; y: Node }) => Node): (() => unknown) =>
    () =>
      degree(f);

  it("where an operation is smooth, naming the activation and the place", () => {
    expect(refused((ops, { x }) => ops.activate(x, { activation: "gelu", order: 0 }))).toThrow(
      new UnsupportedError("degree: expected a piecewise polynomial activation, got gelu at the top of the network"),
    );
    expect(refused((ops, { x }) => cross(within(ops, "block 0"), x, x, { ...oneHead, activation: "softmax" }))).toThrow(
      "degree: expected a piecewise polynomial activation, got softmax at block 0",
    );
    const sigmoid = { ...oneHead, activation: { name: "sigmoid", bias: -1 } } as const;
    expect(refused((ops, { x }) => cross(ops, x, x, sigmoid))).toThrow(
      "got sigmoid(bias -1) at the top of the network",
    );
  });

  it("where a row is divided by its own length", () => {
    const norm = (ops: Ops<Node>, { x }: { x: Node }) =>
      within(within(ops, "block 0"), "norm").normalize(x, { kind: "layer", epsilon: 1e-5 });
    expect(refused(norm)).toThrow("degree: expected a piecewise polynomial operation, got normalize at block 0/norm");
    expect(
      refused((ops, { x }) => ops.scan(ops.slice(x, { axis: -1, from: 0, to: 1 }), x, { kind: "softmax" })),
    ).toThrow("degree: expected a piecewise polynomial operation, got scan(softmax)");
  });

  it("where a mask or an index is computed from an input", () => {
    expect(refused((ops, { x }) => ops.weigh(x, x, weigh))).toThrow(
      "degree: expected a mask that does not depend on an input",
    );
    expect(refused((ops, { x, y }) => ops.gather(x, ops.sum(y, { axes: [-1], keep: false })))).toThrow(
      "degree: expected indices that do not depend on an input",
    );
  });

  it("of an input called total, whose degree would have no name", () => {
    const graph = record((_, { total }) => total, { total: [3] });
    expect(() => graphDegree(graph)).toThrow('degree: expected inputs of another name than "total"');
  });

  it("of a graph that was not opened", () => {
    const graph = record((ops, { x }) => cross(ops, x, x), { x: [5, 3] });
    expect(() => degreesOf(graph)).toThrow("degree: expected an opened graph, got attention");
  });
});
