import { restrictToLine } from "@splineformer/analysis";
import { type Nested, type Network, type Ops, random, type Shaped, type Tensor, tensor } from "@splineformer/tensor";
import { createEncoder } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";

const f64 = (values: Nested): Tensor => tensor(values, { dtype: "float64" });
const network = (n: number, run: <T extends Shaped>(ops: Ops<T>, x: T) => T): Network<"x"> => ({
  inputs: { x: [n] },
  config: {},
  parameters: {},
  run: (ops, _, { x }) => run(ops, x),
});
const relu = network(1, (ops, x) => ops.activate(x, { activation: "relu", order: 0 }));
const squared = network(1, (ops, x) => ops.activate(x, { activation: "squaredRelu", order: 0 }));

/** The spacing of numbers next to x. */
const spacing = (x: number): number => Math.max(2 ** (Math.floor(Math.log2(x)) - 52), Number.MIN_VALUE);

describe("numbers of any size", () => {
  it.each([1e171, 1e300, 1e-171, 1e-200, 1e-300])("ReLU from −%d to three times it has its breakpoint at ¼", (size) => {
    const path = restrictToLine(relu, f64([-size]), f64([3 * size]));
    // 3 · size is rounded, and so is ¼
    expect(path.breakpoints).toHaveLength(3);
    expect(path.breakpoints[1]).toBeCloseTo(0.25, 15);
    expect(path.evaluate(1).data[0]).toBe(3 * size);
    expect(path.pieces.map((piece) => piece.degree)).toEqual([0, 1]);
    // eight standard deviations of half a spacing, and no more than a few of them
    expect(path.noise).toBeGreaterThanOrEqual(spacing(3 * size));
    expect(path.noise).toBeLessThan(16 * spacing(3 * size));
  });

  it("squared ReLU of 1e100 is 1e200", () => {
    const path = restrictToLine(squared, f64([-1e100]), f64([1e100]));
    expect([...path.breakpoints]).toEqual([0, 0.5, 1]);
    expect(path.evaluate(1).data[0]).toBe(1e100 * 1e100);
    expect(path.noise).toBeGreaterThan(spacing(1e200));
    expect(path.noise).toBeLessThan(1e-13 * 1e200);
  });

  it("what underflows has the noise of subnormal numbers, not none", () => {
    // (1e-160)² = 1e-320 keeps four digits, (1e-170)² none
    for (const size of [1e-160, 1e-170]) {
      const path = restrictToLine(squared, f64([-size]), f64([size]));
      expect([...path.breakpoints]).toEqual([0, 0.5, 1]);
      expect(path.evaluate(1).data[0]).toBe(size * size);
      expect(path.noise).toBeGreaterThanOrEqual(Number.MIN_VALUE);
    }
  });

  it("subnormal inputs are read as what they are", () => {
    const path = restrictToLine(relu, f64([-1e-320]), f64([3e-320]));
    expect(path.breakpoints).toHaveLength(3);
    // 2,024 spacings below zero: the place is known to about one in so many
    expect(Math.abs(path.breakpoints[1] - 0.25)).toBeLessThan(1e-3);
    expect(path.noise).toBeGreaterThanOrEqual(Number.MIN_VALUE);
  });

  it("a matrix product whose terms differ by more than squares can hold keeps the noise of the small ones", () => {
    // row [1e200 t, t − ¼] times columns that see one of the two each
    const product: Network<"x"> = {
      ...relu,
      inputs: { x: [1, 2] },
      run: (ops, _, { x }) =>
        ops.activate(
          ops.matmul(
            x,
            ops.constant(
              f64([
                [1e-30, 0],
                [0, 1],
              ]),
            ),
            {},
          ),
          { activation: "relu", order: 0 },
        ),
    };
    const path = restrictToLine(product, f64([[0, -0.25]]), f64([[1e200, 0.75]]));
    expect([...path.breakpoints]).toEqual([0, 0.25, 1]);
    const [large, small] = path.pieces[1].noise;
    expect(large).toBeGreaterThan(spacing(1e170));
    expect(large).toBeLessThan(1e-13 * 1e170);
    expect(small).toBeGreaterThan(spacing(0.5));
    expect(small).toBeLessThan(1e-13);
  });

  it.each([600, -600])(
    "a line and biases times 2^%d have values and noise times that, and the same breakpoints",
    (power) => {
      // two layers of ReLU: homogeneous in x and the biases together
      const numbers = random(5);
      const draw = (shape: number[]) => numbers.normal(shape, { dtype: "float64" });
      const [w, b, v, c] = [draw([3, 7]), draw([7]), draw([7, 5]), draw([5])];
      const [from, to] = [draw([2, 3]), draw([2, 3])];
      const scaled = (x: Tensor, factor: number) =>
        tensor(
          Float64Array.from(x.data, (e) => e * factor),
          x.shape,
        );
      const at = (factor: number) => {
        const layer = <T extends Shaped>(ops: Ops<T>, x: T, weight: Tensor, bias: Tensor): T =>
          ops.activate(ops.add(ops.matmul(x, ops.constant(weight), {}), ops.constant(scaled(bias, factor))), {
            activation: "relu",
            order: 0,
          });
        const net: Network<"x"> = {
          ...relu,
          inputs: { x: ["tokens", 3] },
          run: (ops, _, { x }) => layer(ops, layer(ops, x, w, b), v, c),
        };
        return restrictToLine(net, scaled(from, factor), scaled(to, factor));
      };
      const factor = 2 ** power;
      const one = at(1);
      const other = at(factor);
      expect(one.breakpoints.length).toBeGreaterThan(10);
      expect(other.breakpoints).toEqual(one.breakpoints);
      expect(other.causes).toEqual(one.causes);
      other.pieces.forEach((piece, i) => {
        expect(piece.values.data).toEqual(one.pieces[i].values.data.map((x) => x * factor));
        expect(piece.noise).toEqual(one.pieces[i].noise.map((x) => x * factor));
        expect(piece.degree).toBe(one.pieces[i].degree);
      });
    },
  );

  it.each([300, -300])("products of three factors times 2^%d scale by its cube", (power) => {
    const numbers = random(6);
    const draw = (shape: number[]) => numbers.normal(shape, { dtype: "float64" });
    // attention without weights: scores x xᵀ, weights ReLU of them, values x
    const cubic: Network<"x"> = {
      ...relu,
      inputs: { x: ["tokens", 3] },
      run: (ops, _, { x }) => {
        const scores = ops.matmul(x, x, { transposeB: true });
        const weights = ops.weigh(scores, undefined, { activation: "relu", mask: "none", order: 0, divide: "length" });
        return ops.matmul(weights, ops.multiply(x, ops.constant(f64([2, 0.5, -1]))), {});
      },
    };
    const [from, to] = [draw([5, 3]), draw([5, 3])];
    const factor = 2 ** power;
    const scaled = (x: Tensor) =>
      tensor(
        Float64Array.from(x.data, (e) => e * factor),
        x.shape,
      );
    const one = restrictToLine(cubic, from, to);
    const other = restrictToLine(cubic, scaled(from), scaled(to));
    expect(one.breakpoints.length).toBeGreaterThan(5);
    expect(other.breakpoints).toEqual(one.breakpoints);
    const cube = factor ** 3;
    other.pieces.forEach((piece, i) => {
      expect(piece.values.data).toEqual(one.pieces[i].values.data.map((x) => x * cube));
      expect(piece.noise).toEqual(one.pieces[i].noise.map((x) => x * cube));
    });
  });

  it("sparsemax of huge scores attends to the largest, and its supports are still certified", () => {
    const pair: Network<"x"> = {
      ...relu,
      inputs: { x: [1, 1] },
      run: (ops, _, { x }) => {
        const scores = ops.add(ops.matmul(x, ops.constant(f64([[1, -3, 2]])), {}), ops.constant(f64([[0, 1e300, 0]])));
        return ops.weigh(scores, undefined, { activation: "sparsemax", mask: "none", order: 0, divide: "none" });
      },
    };
    const path = restrictToLine(pair, f64([[0]]), f64([[1e300]]));
    // −3t + 1 meets 2t at 1/5; where both are within 1 of each other is no two numbers
    expect([...path.breakpoints].map((t) => Math.round(t * 1e12) / 1e12)).toEqual([0, 0.2, 1]);
    expect([...path.evaluate(0.1).data]).toEqual([0, 1, 0]);
    expect([...path.evaluate(0.9).data]).toEqual([0, 0, 1]);
  });
});

describe("numbers that do not stay finite", () => {
  it("are refused at the operation where it happens", () => {
    expect(() => restrictToLine(squared, f64([-1e171]), f64([3e171]))).toThrow(
      new RangeError("restrictToLine: expected values that stay finite, got Infinity at activate"),
    );
    expect(() => restrictToLine(relu, f64([-1e308]), f64([1.7e308]))).toThrow(
      new RangeError("restrictToLine: expected values that stay below 2^1019, got -1e+308 at x"),
    );
  });
  it("are refused with the part of the network", () => {
    const model = createEncoder({ layers: 1, width: 4, heads: 2, hidden: 5, dtype: "float64", seed: 1 });
    const numbers = random(2);
    const large = () => {
      const x = numbers.normal([3, 4], { dtype: "float64" });
      return tensor(
        x.data.map((v) => v * 1e160),
        x.shape,
      );
    };
    expect(() => restrictToLine(model, large(), large())).toThrow(
      /^restrictToLine: expected values that stay finite, got -?Infinity at block 0\/attention$/,
    );
  });
  it("are refused where a parameter is one", () => {
    const model: Network<"x", object, { w: Tensor }> = {
      inputs: { x: [2] },
      config: {},
      parameters: { w: f64([1, Number.NaN]) },
      run: (ops, { w }, { x }) => ops.multiply(x, w),
    };
    expect(() => restrictToLine(model, f64([0, 0]), f64([1, 1]))).toThrow(
      new RangeError("restrictToLine: expected values that stay finite, got NaN at w"),
    );
  });
});
