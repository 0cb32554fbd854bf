import { restrictToLine } from "@splineformer/analysis";
import {
  type Nested,
  type Network,
  type Ops,
  type Pointwise,
  type Shaped,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import { describe, expect, it } from "vitest";

const f64 = (values: Nested): Tensor => tensor(values, { dtype: "float64" });

/** A network of one input x [n], written by hand. */
const network = (n: number, run: <T extends Shaped>(ops: Ops<T>, x: T) => T): Network<"x"> => ({
  inputs: { x: [n] },
  config: {},
  parameters: {},
  run: (ops, _, { x }) => run(ops, x),
});
const gate = <T extends Shaped>(ops: Ops<T>, x: T, activation: Pointwise = "relu"): T =>
  ops.activate(x, { activation, order: 0 });
const plus = <T extends Shaped>(ops: Ops<T>, x: T, constant: number): T => ops.add(x, ops.constant(f64([constant])));
/** The line on which x is t itself. */
const ends = [f64([0]), f64([1])] as const;

describe("networks whose pieces are known", () => {
  it("a tangential touch is no breakpoint, and is reported as undecided where it is", () => {
    // z = (t − ½)² touches zero: ReLU(z) = z
    const touch = network(1, (ops, x) => gate(ops, ops.multiply(plus(ops, x, -0.5), plus(ops, x, -0.5))));
    const path = restrictToLine(touch, ...ends);
    expect([...path.breakpoints]).toEqual([0, 1]);
    expect(path.pieces[0].degree).toBe(2);
    expect(path.flat).toHaveLength(1);
    expect(path.flat[0]).toMatchObject({ op: "activate", unit: 0 });
    expect(path.flat[0].from).toBeLessThanOrEqual(0.5);
    expect(path.flat[0].to).toBeGreaterThanOrEqual(0.5);
    // a double root is known to about √u
    expect(path.flat[0].to - path.flat[0].from).toBeLessThan(1e-6);
    // read between nodes: a rounding or two
    expect(path.evaluate(0.25).data[0]).toBeCloseTo(0.0625, 15);
  });

  it("a touch from below leaves the unit off", () => {
    const below = network(1, (ops, x) =>
      gate(ops, ops.scale(ops.multiply(plus(ops, x, -0.5), plus(ops, x, -0.5)), { factor: -1 })),
    );
    const path = restrictToLine(below, ...ends);
    expect([...path.breakpoints]).toEqual([0, 1]);
    expect(path.pieces[0].degree).toBe(0);
    expect(path.flat).toHaveLength(1);
  });

  it("a triple root is one breakpoint, which stays of its own smoothness", () => {
    // z = (t − ½)³: ReLU(z) is C²
    const cube = network(1, (ops, x) => {
      const y = plus(ops, x, -0.5);
      return gate(ops, ops.multiply(ops.multiply(y, y), y));
    });
    const path = restrictToLine(cube, ...ends);
    expect(path.breakpoints).toHaveLength(3);
    // a triple root is known to about the cube root of the rounding unit
    expect(Math.abs(path.breakpoints[1] - 0.5)).toBeLessThan(1e-5);
    expect(path.pieces.map((piece) => piece.degree)).toEqual([0, 3]);
  });

  it("two units that switch at once are one breakpoint with two causes, even where they cancel", () => {
    // ReLU(t − ¼) − ReLU(t − ¼) = 0
    const cancel = network(1, (ops, x) => {
      const both = gate(ops, ops.add(x, ops.constant(f64([-0.25, -0.25]))));
      return ops.matmul(ops.concat(both, both, { axis: -1 }), ops.constant(f64([[1], [-1], [0], [0]])), {});
    });
    const wide: Network<"x"> = { ...cancel, inputs: { x: [1, 1] } };
    const path = restrictToLine(wide, f64([[0]]), f64([[1]]));
    expect([...path.breakpoints]).toEqual([0, 0.25, 1]);
    expect(path.causes[1].map((cause) => cause.op === "activate" && cause.unit)).toEqual([0, 1]);
    expect(path.causes[1].every((cause) => cause.before === 0 && cause.after === 1)).toBe(true);
    expect(path.coordinate(0, 0).smoothness()).toEqual([Number.POSITIVE_INFINITY]);
    expect(path.evaluate(0.75).data[0]).toBe(0);
  });

  it("units that switch one after the other at the same place make one breakpoint", () => {
    // the second unit's input is zero on a whole piece and leaves zero where the first one switches
    const chain = network(1, (ops, x) => gate(ops, ops.scale(gate(ops, plus(ops, x, -0.25)), { factor: 3 })));
    const path = restrictToLine(chain, ...ends);
    expect([...path.breakpoints]).toEqual([0, 0.25, 1]);
    expect(path.causes[1]).toHaveLength(2);
    expect(path.flat).toEqual([]);
    expect(path.evaluate(0.75).data[0]).toBeCloseTo(1.5, 15);
  });

  it("a unit that is zero on the whole line is off and leaves no doubt", () => {
    const dead = network(1, (ops, x) => gate(ops, ops.scale(x, { factor: 0 })));
    const path = restrictToLine(dead, ...ends);
    expect([...path.breakpoints]).toEqual([0, 1]);
    expect(path.flat).toEqual([]);
  });

  it("a unit that is zero but for rounding is reported, not guessed", () => {
    // 0.1 t + 0.2 t − 0.3 t is not exactly zero in floating point
    const noise = network(1, (ops, x) =>
      gate(
        ops,
        ops.add(ops.add(ops.scale(x, { factor: 0.1 }), ops.scale(x, { factor: 0.2 })), ops.scale(x, { factor: -0.3 })),
      ),
    );
    const path = restrictToLine(noise, ...ends);
    expect([...path.breakpoints]).toEqual([0, 1]);
    expect(path.flat).toEqual([{ op: "activate", scope: "", batch: [], token: 0, unit: 0, from: 0, to: 1 }]);
  });

  it("a breakpoint at an end of the line is the end", () => {
    const start = restrictToLine(
      network(1, (ops, x) => gate(ops, x)),
      ...ends,
    );
    expect([...start.breakpoints]).toEqual([0, 1]);
    expect(start.evaluate(0.5).data[0]).toBe(0.5);
    const stop = restrictToLine(
      network(1, (ops, x) => gate(ops, plus(ops, x, -1))),
      ...ends,
    );
    expect([...stop.breakpoints]).toEqual([0, 1]);
    expect(stop.evaluate(1).data[0]).toBe(0);
  });

  it("a head of width 1 factorises its score, so two of its scores vanish where its query does", () => {
    // q = t − ½ for the one query, k = (1, −2): scores t − ½ and −2t + 1 switch together
    const factor: Network<"x"> = {
      ...network(1, (ops, x) => {
        const query = ops.add(x, ops.constant(f64([[-0.5]])));
        const scores = ops.matmul(query, ops.constant(f64([[1], [-2]])), { transposeB: true });
        const weights = ops.weigh(scores, undefined, { activation: "relu", mask: "none", order: 0, divide: "none" });
        return ops.matmul(weights, ops.constant(f64([[3], [5]])), {});
      }),
      inputs: { x: [1, 1] },
    };
    const path = restrictToLine(factor, f64([[0]]), f64([[1]]));
    expect([...path.breakpoints]).toEqual([0, 0.5, 1]);
    expect(path.causes[1].map((c) => [c.op === "weigh" && c.key, c.before, c.after])).toEqual([
      [0, 0, 1],
      [1, 1, 0],
    ]);
    // left: −2t + 1 on value 5; right: t − ½ on value 3
    expect(path.evaluate(0.25).data[0]).toBe(2.5);
    expect(path.evaluate(0.75).data[0]).toBe(0.75);
    expect(path.derivative(0.5).data[0]).toBeCloseTo(3, 14);
    expect(path.derivative(0.5, { side: "left" }).data[0]).toBeCloseTo(-10, 13);
  });

  it("every piecewise polynomial activation is cut at all of its knots", () => {
    const line = [f64([-4]), f64([4])] as const;
    const cuts = (activation: Pointwise) =>
      [
        ...restrictToLine(
          network(1, (ops, x) => gate(ops, x, activation)),
          ...line,
        ).breakpoints,
      ].slice(1, -1);
    expect(cuts("identity")).toEqual([]);
    expect(cuts("relu")).toEqual([0.5]);
    expect(cuts("squaredRelu")).toEqual([0.5]);
    expect(cuts("leakyRelu")).toEqual([0.5]);
    expect(cuts("absolute")).toEqual([0.5]);
    expect(cuts({ name: "clamp", limit: 2 })).toEqual([0.25, 0.75]);
    expect(cuts("hardSigmoid")).toEqual([0.125, 0.875]);
  });

  it("a clamp names the piece it comes from and the one it goes to", () => {
    const path = restrictToLine(
      network(1, (ops, x) => gate(ops, x, { name: "clamp", limit: 2 })),
      f64([-4]),
      f64([4]),
    );
    expect(path.causes.map((list) => list.map(({ before, after }) => [before, after]))).toEqual([
      [],
      [[0, 1]],
      [[1, 2]],
      [],
    ]);
  });

  it("the derivative of ReLU has degree 0 and still jumps", () => {
    const step = network(1, (ops, x) => ops.activate(plus(ops, x, -0.25), { activation: "relu", order: 1 }));
    const path = restrictToLine(step, ...ends);
    expect([...path.breakpoints]).toEqual([0, 0.25, 1]);
    expect(path.degree).toBe(0);
    expect([path.evaluate(0.125).data[0], path.evaluate(0.5).data[0]]).toEqual([0, 1]);
    expect(path.coordinate(0).smoothness()).toEqual([-1]);
  });

  it("sparsemax splits where its support changes", () => {
    // scores (0, 4t): both visible while 4t < 1, then only the second: weights ((1 − 4t)/2, (1 + 4t)/2)
    const pair: Network<"x"> = {
      ...network(1, (ops, x) => {
        const scores = ops.matmul(x, ops.constant(f64([[0, 4]])), {});
        return ops.weigh(scores, undefined, { activation: "sparsemax", mask: "none", order: 0, divide: "none" });
      }),
      inputs: { x: [1, 1] },
    };
    const path = restrictToLine(pair, f64([[0]]), f64([[1]]));
    expect([...path.breakpoints]).toEqual([0, 0.25, 1]);
    expect([...path.evaluate(0.125).data]).toEqual([0.25, 0.75]);
    expect([...path.evaluate(0.75).data]).toEqual([0, 1]);
    expect(path.causes[1]).toEqual([
      { op: "weigh", scope: "", batch: [], head: 0, query: 0, key: 0, before: 1, after: 0 },
    ]);
  });

  it("keys that a mask hides are no units", () => {
    const hidden: Network<"x"> = {
      ...network(1, (ops, x) => {
        const scores = ops.matmul(x, ops.constant(f64([[1, -3, 2]])), {});
        const moved = ops.add(scores, ops.constant(f64([[-0.25, 1.5, -1]])));
        const visible = ops.constant(tensor([[true, false, true]]));
        return ops.weigh(moved, visible, { activation: "relu", mask: "none", order: 0, divide: "length" });
      }),
      inputs: { x: [1, 1] },
    };
    const path = restrictToLine(hidden, f64([[0]]), f64([[1]]));
    expect([...path.breakpoints]).toEqual([0, 0.25, 0.5, 1]);
    expect([...path.evaluate(0.75).data]).toEqual([0.25, 0, 0.25]);
  });

  it("an input that does not move is a constant, and may pass through what is no spline", () => {
    const mixed: Network<"x" | "y"> = {
      inputs: { x: [1], y: [1] },
      config: {},
      parameters: {},
      run: (ops, _, { x, y }) => ops.multiply(gate(ops, x), gate(ops, y, "softplus")),
    };
    const y = f64([0]);
    const path = restrictToLine(mixed, { x: f64([-1]), y }, { x: f64([1]), y });
    expect([...path.breakpoints]).toEqual([0, 0.5, 1]);
    expect(path.evaluate(1).data[0]).toBe(Math.log(2));
    expect(() => restrictToLine(mixed, { x: f64([-1]), y }, { x: f64([1]), y: f64([1]) })).toThrow(
      "restrictToLine: expected a piecewise polynomial activation, got softplus at the top of the network",
    );
  });

  it("nothing that moves is one piece of degree 0", () => {
    const path = restrictToLine(
      network(1, (ops, x) => gate(ops, x)),
      f64([2]),
      f64([2]),
    );
    expect([...path.breakpoints]).toEqual([0, 1]);
    expect(path.degree).toBe(0);
    expect(path.evaluate(0.5).data[0]).toBe(2);
  });

  it("numbers of very different sizes are judged each on its own scale", () => {
    // one unit of size 1e-30 beside one of size 1e30
    const scales = network(1, (ops, x) =>
      gate(ops, ops.multiply(ops.add(x, ops.constant(f64([-0.25, -0.75]))), ops.constant(f64([1e-30, 1e30])))),
    );
    const path = restrictToLine(scales, ...ends);
    expect([...path.breakpoints]).toEqual([0, 0.25, 0.75, 1]);
  });
});
