import { type Path, restrictToLine } from "@splineformer/analysis";
import { forward, type Nested, type Network, random, type Tensor, tensor } from "@splineformer/tensor";
import { createEncoder, createTransformer, type EncoderOptions } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";

const base = { width: 6, heads: 2, headWidth: 3, hidden: 7, dtype: "float64" } as const;
const encoder = (seed: number, options: Partial<EncoderOptions>): Network =>
  createEncoder({ ...base, layers: 2, seed, ...options });
const f64 = (values: Nested): Tensor => tensor(values, { dtype: "float64" });

type Inputs = Record<string, Tensor>;
const shapes: Readonly<Record<string, readonly number[]>> = { x: [3, 6], source: [3, 6], target: [2, 6] };
const draw = (network: Network, seed: number): Inputs => {
  const numbers = random(seed, { stream: 1 });
  const names = Object.keys(network.inputs);
  return Object.fromEntries(names.map((name) => [name, numbers.normal(shapes[name], { dtype: "float64" })]));
};
const between = (from: Inputs, to: Inputs, t: number): Inputs =>
  Object.fromEntries(
    Object.entries(from).map(([name, a]) => {
      const b = to[name].data;
      return [
        name,
        tensor(
          Float64Array.from(a.data, (v, i) => (1 - t) * v + t * b[i]),
          a.shape,
        ),
      ];
    }),
  );

/** The largest difference from direct evaluation, relative to the largest output there. */
function worstError(network: Network, from: Inputs, to: Inputs, path: Path): number {
  const numbers = random(3);
  let worst = 0;
  for (let i = 0; i < 60; i++) {
    const t = numbers.number();
    const expected = forward(network, between(from, to, t)).data;
    const got = path.evaluate(t).data;
    let size = 0;
    for (const v of expected) size = Math.max(size, Math.abs(v));
    expected.forEach((v, k) => {
      worst = Math.max(worst, Math.abs(v - got[k]) / size);
    });
  }
  return worst;
}

describe("march", () => {
  it.each([
    ["two blocks", (seed: number) => encoder(seed, {})],
    ["three blocks", (seed: number) => encoder(seed, { layers: 3 })],
    ["two causal blocks", (seed: number) => encoder(seed, { attention: { mask: "causal" } })],
    ["two blocks of sparsemax", (seed: number) => encoder(seed, { attention: { activation: "sparsemax" } })],
    ["an encoder–decoder", (seed: number) => createTransformer({ ...base, layers: 1, seed })],
  ] as const)("finds the breakpoints and causes that descend finds: %s", (_, make) => {
    for (const seed of [1, 2, 3]) {
      const network: Network = make(seed);
      const [from, to] = [draw(network, seed), draw(network, 100 + seed)];
      const one = restrictToLine(network, from, to, { method: "descend" });
      const other = restrictToLine(network, from, to, { method: "march" });
      expect(other.causes).toEqual(one.causes);
      // the same roots from other intervals: rounding of the polynomials over their slope
      other.breakpoints.forEach((t, i) => {
        expect(Math.abs(t - one.breakpoints[i])).toBeLessThan(1e-10);
      });
      expect(other.degree).toBe(one.degree);
      expect(worstError(network, from, to, other)).toBeLessThan(1e-12);
    }
  });

  it.each([4, 5, 6])(
    "agrees with direct evaluation at %i layers, where the formal degree is out of reach",
    (layers) => {
      const network = encoder(layers, { layers });
      const [from, to] = [draw(network, 1), draw(network, 2)];
      const path = restrictToLine(network, from, to);
      expect(path.degree).toBe(3 ** layers);
      expect(path.end).toBe(1);
      expect(path.breakpoints.length).toBeGreaterThan(50);
      expect(worstError(network, from, to, path)).toBeLessThan(1e-12);
      // few nodes, and one cause for each breakpoint of a generic line
      for (const piece of path.pieces) expect(piece.values.shape[0]).toBeLessThan(41);
      for (const causes of path.causes.slice(1, -1)) expect(causes).toHaveLength(1);
    },
  );

  it("goes on where it stopped, number for number", () => {
    const network = encoder(7, { layers: 3 });
    const line = [draw(network, 3), draw(network, 4)] as const;
    const whole = restrictToLine(network, ...line, { method: "march" });
    let path = restrictToLine(network, ...line, { method: "march", budgetMs: 0 });
    let calls = 1;
    for (; path.end < 1; calls++)
      path = restrictToLine(network, ...line, { method: "march", budgetMs: 0, resume: path });
    expect(calls).toBe(whole.pieces.length);
    expect(path.breakpoints).toEqual(whole.breakpoints);
    expect(path.pieces).toEqual(whole.pieces);
    expect(path.causes).toEqual(whole.causes);
    const [part] = [restrictToLine(network, ...line, { method: "march", budgetMs: 0 })];
    expect(() => restrictToLine(network, ...line, { method: "descend", resume: part })).toThrow(
      new RangeError("restrictToLine: expected resume to be a path of the same method, got one of another"),
    );
  });

  it("crosses units that switch at the same place once, and names them all", () => {
    // ReLU(t − ¼) twice, and a unit behind them that wakes up there too
    const chain: Network<"x"> = {
      inputs: { x: [1, 1] },
      config: {},
      parameters: {},
      run(ops, _, { x }) {
        const gate = { activation: "relu", order: 0 } as const;
        const both = ops.activate(ops.add(x, ops.constant(f64([[-0.25, -0.25]]))), gate);
        return ops.activate(ops.matmul(both, ops.constant(f64([[3], [2]])), {}), gate);
      },
    };
    const path = restrictToLine(chain, f64([[0]]), f64([[1]]), { method: "march" });
    expect(path.breakpoints).toHaveLength(3);
    expect(path.breakpoints[1]).toBeCloseTo(0.25, 15);
    expect(path.causes[1]).toHaveLength(3);
    expect(path.evaluate(0.75).data[0]).toBeCloseTo(2.5, 14);
  });

  it("walks a line without breakpoints in one piece, and a touch is no breakpoint", () => {
    const square: Network<"x"> = {
      inputs: { x: [1] },
      config: {},
      parameters: {},
      run(ops, _, { x }) {
        const y = ops.add(x, ops.constant(f64([-0.5])));
        return ops.activate(ops.multiply(y, y), { activation: "relu", order: 0 });
      },
    };
    const path = restrictToLine(square, f64([0]), f64([1]), { method: "march" });
    expect([...path.breakpoints]).toEqual([0, 1]);
    expect(path.evaluate(0.25).data[0]).toBeCloseTo(0.0625, 15);
    expect(path.flat).toHaveLength(1);
    expect(path.flat[0].from).toBeLessThanOrEqual(0.5);
    expect(path.flat[0].to).toBeGreaterThanOrEqual(0.5);
  });

  it("uses more nodes on a long piece of high degree, up to what it needs", () => {
    // T₃ five times over: T₂₄₃ on one piece, 243 half-waves between −1 and 1
    const waves: Network<"x"> = {
      inputs: { x: [1] },
      config: {},
      parameters: {},
      run(ops, _, { x }) {
        let y = x;
        for (let i = 0; i < 5; i++) {
          const square = ops.multiply(y, y);
          y = ops.multiply(y, ops.add(ops.scale(square, { factor: 4 }), ops.constant(f64([-3]))));
        }
        return ops.activate(ops.add(y, ops.constant(f64([2]))), { activation: "relu", order: 0 });
      },
    };
    const path = restrictToLine(waves, f64([-1]), f64([1]), { method: "march" });
    expect([...path.breakpoints]).toEqual([0, 1]);
    expect(path.degree).toBe(243);
    for (const t of [0.1, 0.37, 0.5, 0.92]) {
      const expected = 2 + Math.cos(243 * Math.acos(2 * t - 1));
      // cos of an angle near 243π, whose own rounding is 1e-13
      expect(Math.abs(path.evaluate(t).data[0] - expected)).toBeLessThan(1e-11);
    }
  });
});
