import { type LocalPolynomial, localPolynomial } from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import {
  forward,
  type Nested,
  type Network,
  type Ops,
  type Pointwise,
  random,
  reference32,
  type Shaped,
  type Tensor,
  tensor,
  toNested,
} from "@splineformer/tensor";
import { createEncoder } from "@splineformer/transformer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawn } from "./random-networks.ts";

const f64 = (values: Nested): Tensor<"float64"> => tensor(values, { dtype: "float64" });
const network = (n: number, run: <T extends Shaped>(ops: Ops<T>, x: T) => T): Network<"x"> => ({
  inputs: { x: [n] },
  config: {},
  parameters: {},
  run: (ops, _, { x }) => run(ops, x),
});
const gate = <T extends Shaped>(ops: Ops<T>, x: T, activation: Pointwise = "relu", order: 0 | 1 = 0): T =>
  ops.activate(x, { activation, order });
const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);
const dot = (a: Tensor, b: Tensor): number => sum(Float64Array.from(a.data, (v, i) => v * b.data[i]));
const plus = (x: Tensor, t: number, u: Tensor): Tensor<"float64"> => ({
  dtype: "float64",
  shape: x.shape,
  data: Float64Array.from(x.data, (v, i) => v + t * u.data[i]),
});
const largest = ({ data }: Tensor): number => Math.max(...Float64Array.from(data, Math.abs));
const difference = (a: Tensor, b: Tensor): number => largest(plus(a, -1, b));

describe("networks whose polynomial is known", () => {
  // ReLU(x₀ − 2x₁) · (x₀, x₁): at (3, 1) that is (x₀² − 2x₀x₁, x₀x₁ − 2x₁²), where x₀ > 2x₁
  const cone = network(2, (ops, x) => {
    const row = ops.add(x, ops.constant(f64([[0, 0]])));
    return ops.multiply(gate(ops, ops.matmul(row, ops.constant(f64([[1], [-2]])), {})), row);
  });
  const local = localPolynomial(cone, f64([3, 1]));

  it("it is a polynomial everywhere, also where the network is another one", () => {
    expect(toNested(local.evaluate(f64([3, 1])))).toEqual([[3, 1]]);
    expect(toNested(local.evaluate(f64([1, 1])))).toEqual([[-1, -1]]);
    expect(toNested(forward(cone, f64([1, 1])))).toEqual([[0, 0]]);
    expect(local.contains(f64([3, 1]))).toBe(true);
    expect(local.contains(f64([1, 1]))).toBe(false);
    expect(local.degree).toBe(2);
  });

  it("its monomials", () => {
    expect(local.terms().map(({ powers, coefficients }) => [toNested(powers), toNested(coefficients)])).toEqual([
      [[2, 0], [[1, 0]]],
      [[1, 1], [[-2, 1]]],
      [[0, 2], [[0, -2]]],
    ]);
  });

  it("its derivatives", () => {
    // ∂(x₀² − 2x₀x₁) = (2x₀ − 2x₁, −2x₀), ∂(x₀x₁ − 2x₁²) = (x₁, x₀ − 4x₁)
    expect(toNested(local.jacobian())).toEqual([
      [
        [4, -6],
        [1, -1],
      ],
    ]);
    expect(toNested(local.jacobian(f64([0, 1])))).toEqual([
      [
        [-2, 0],
        [1, -4],
      ],
    ]);
    expect(toNested(local.derivative([f64([1, 1])]))).toEqual([[-2, 0]]);
    expect(toNested(local.gradient(f64([[1, 10]])))).toEqual([14, -16]);
    // Hessians [[2, −2], [−2, 0]] and [[0, 1], [1, −4]]
    expect(toNested(local.hessianProduct(f64([[1, 10]]), f64([1, 1])))).toEqual([0 + 10, -2 - 30]);
    expect(toNested(local.derivative([f64([1, 0]), f64([0, 1])]))).toEqual([[-2, 1]]);
    expect(toNested(local.derivative([f64([1, 0]), f64([0, 1]), f64([1, 1])]))).toEqual([[0, 0]]);
    expect(toNested(local.derivative([]))).toEqual([[3, 1]]);
  });

  it("its region is one half-plane, x₀ − 2x₁ > 0 with value 1, at the distance 1/√5", () => {
    expect(local.region).toEqual([
      {
        op: "activate",
        scope: "",
        batch: [],
        token: 0,
        unit: 0,
        piece: 1,
        value: 1,
        lower: 0,
        upper: Number.POSITIVE_INFINITY,
      },
    ]);
    const radius = local.radius();
    expect(radius).toBeLessThan(1 / Math.sqrt(5));
    // what is lost: the bisection stops after 16 steps
    expect(radius).toBeGreaterThan((1 - 2 ** -14) / Math.sqrt(5));
    const nearest = local.nearestBoundary();
    expect(nearest.distance).toBeCloseTo(1 / Math.sqrt(5), 14);
    expect(nearest.causes).toMatchObject([{ op: "activate", unit: 0, before: 1, after: 0 }]);
  });

  it("the boundary along a direction, in lengths of the direction", () => {
    expect(local.boundaryAlong(f64([-1, 0])).at).toBeCloseTo(1, 14);
    expect(local.boundaryAlong(f64([0, 0.001])).at).toBeCloseTo(500, 10);
    expect(local.boundaryAlong(f64([0, 1000])).at).toBeCloseTo(0.0005, 17);
    expect(local.boundaryAlong(f64([1, 0]))).toEqual({ at: Number.POSITIVE_INFINITY, causes: [] });
    expect(local.boundaryAlong(f64([-1, 0]), { limit: 0.5 }).at).toBe(Number.POSITIVE_INFINITY);
    expect(local.boundaryAlong(f64([0, 0])).at).toBe(Number.POSITIVE_INFINITY);
  });

  it("a point on a boundary belongs to the piece on the left; its radius is 0, and some directions leave at once", () => {
    const edge = localPolynomial(cone, f64([2, 1]));
    expect(edge.region[0]).toMatchObject({ piece: 0, value: 0, upper: 0 });
    expect(edge.radius()).toBe(0);
    expect(edge.boundaryAlong(f64([1, 0]))).toMatchObject({ at: 0, causes: [{ before: 0, after: 1 }] });
    expect(edge.boundaryAlong(f64([-1, 0])).at).toBe(Number.POSITIVE_INFINITY);
    // the gate of x² at 0: no slope, and yet it opens at once
    const square = localPolynomial(
      network(1, (ops, x) => gate(ops, ops.multiply(x, x))),
      f64([0]),
    );
    expect(square.boundaryAlong(f64([1])).at).toBe(0);
  });

  it("ReLU attention of two tokens: MATH's vector, cubic, and the one score above zero", () => {
    // tokens are rows: X = [[1, 3], [−2, 0]], q = x₀ + x₁, k = x₀ − x₁ and 1 more for the second token
    const attend: Network<"x"> = {
      inputs: { x: [2, 2] },
      config: {},
      parameters: {},
      run(ops, _, { x }) {
        const q = ops.matmul(x, ops.constant(f64([[1], [1]])), {});
        const k = ops.add(ops.matmul(x, ops.constant(f64([[1], [-1]])), {}), ops.constant(f64([[0], [1]])));
        const scores = ops.matmul(q, k, { transposeB: true });
        const weights = ops.weigh(scores, undefined, { activation: "relu", mask: "none", order: 0, divide: "none" });
        return ops.matmul(weights, x, {});
      },
    };
    const at = f64([
      [1, 3],
      [-2, 0],
    ]);
    const local = localPolynomial(attend, at);
    // scores: q = (4, −2), k = (−2, −1): −8 −4 / 4 2; so row 1 is 4·x_row0 + 2·x_row1
    expect(toNested(local.evaluate(at))).toEqual([
      [0, 0],
      [0, 12],
    ]);
    expect(local.region.map(({ value, piece }) => [value, piece])).toEqual([
      [-8, 0],
      [-4, 0],
      [4, 1],
      [2, 1],
    ]);
    expect(local.degree).toBe(3);
    // (x₁₀ + x₁₁)(x₀₀ − x₀₁) x₀ + (x₁₀ + x₁₁)(x₁₀ − x₁₁ + 1) x₁: 8 + 8 products of three, some alike, and 3 of two
    expect(new Set(local.terms().map(({ powers }) => sum(powers.data)))).toEqual(new Set([2, 3]));
  });

  it("sparsemax: the support is kept, and the region says how far each score is from the threshold", () => {
    const attend = network(3, (ops, x) =>
      ops.weigh(ops.add(x, ops.constant(f64([[0, 0, 0]]))), undefined, {
        activation: "sparsemax",
        mask: "none",
        order: 0,
        divide: "none",
      }),
    );
    // support {0, 1}, τ = (3 + 2.5 − 1)/2
    const local = localPolynomial(attend, f64([3, 2.5, 0]));
    expect(local.region.map(({ value, piece }) => [value, piece])).toEqual([
      [0.75, 1],
      [0.25, 1],
      [-2.25, 0],
    ]);
    expect(toNested(local.jacobian())).toEqual([
      [
        [0.5, -0.5, 0],
        [-0.5, 0.5, 0],
        [0, 0, 0],
      ],
    ]);
    // (x₁ − x₀ + 1)/2 = 0 is 0.25·2/√2 away
    expect(local.radius()).toBeCloseTo(0.5 / Math.sqrt(2), 4);
    expect(local.radius()).toBeLessThan(0.5 / Math.sqrt(2));
  });

  it("a clamp has two sides; what is cut off is a constant there", () => {
    const clamp = network(2, (ops, x) => gate(ops, x, { name: "clamp", limit: 2 }));
    const local = localPolynomial(clamp, f64([0.5, 3]));
    expect(local.region.map(({ lower, upper }) => [lower, upper])).toEqual([
      [-2, 2],
      [2, Number.POSITIVE_INFINITY],
    ]);
    expect(toNested(local.evaluate(f64([7, 7])))).toEqual([7, 2]);
    expect(local.radius()).toBeCloseTo(1, 4);
    expect(local.radius()).toBeLessThan(1);
  });

  it("a step is a constant that still switches", () => {
    const step = localPolynomial(
      network(1, (ops, x) => gate(ops, gate(ops, x, "relu", 1))),
      f64([3]),
    );
    expect(step.degree).toBe(0);
    expect(toNested(step.evaluate(f64([-1])))).toEqual([1]);
    expect(toNested(step.jacobian())).toEqual([[0]]);
    expect(step.boundaryAlong(f64([-1])).at).toBeCloseTo(3, 14);
  });

  it("without gates the region is everything", () => {
    const square = localPolynomial(
      network(1, (ops, x) => ops.multiply(x, x)),
      f64([3]),
    );
    expect(square.region).toEqual([]);
    expect(square.radius()).toBe(Number.POSITIVE_INFINITY);
    expect(square.nearestBoundary()).toEqual({ distance: Number.POSITIVE_INFINITY, causes: [] });
    expect(square.contains(f64([-1e6]))).toBe(true);
  });

  it("several inputs come and go by name", () => {
    // a · ReLU(b)
    const product: Network<"a" | "b"> = {
      inputs: { a: [1], b: [1] },
      config: {},
      parameters: {},
      run: (ops, _, { a, b }) => ops.multiply(a, gate(ops, b)),
    };
    const local = localPolynomial(product, { a: f64([3]), b: f64([5]) });
    const { a, b } = local.jacobian();
    expect([toNested(a), toNested(b)]).toEqual([[[5]], [[3]]]);
    const hessian = local.hessianProduct(f64([2]), { a: f64([1]), b: f64([10]) });
    expect([toNested(hessian.a), toNested(hessian.b)]).toEqual([[20], [2]]);
    const [term] = local.terms();
    expect([toNested(term.powers.a), toNested(term.powers.b), toNested(term.coefficients)]).toEqual([[1], [1], [1]]);
    expect(local.boundaryAlong({ a: f64([1]), b: f64([-1]) }).at).toBeCloseTo(5, 14);
  });
});

describe("laws on random networks", () => {
  const draws = { numRuns: 60, seed: 11 } as const;
  const direction = (x: Tensor, seed: number): Tensor<"float64"> =>
    random(seed, { stream: 5 }).normal(x.shape, { dtype: "float64" }) as Tensor<"float64">;

  /** (4 D(h/2) − D(h))/3 of central differences: what is left is of order h⁴. */
  const slope = (f: (t: number) => Tensor): Tensor<"float64"> => {
    const h = 2 ** -10;
    const central = (s: number): Tensor => {
      const d = plus(f(s), -1, f(-s));
      return { ...d, data: Float64Array.from(d.data, (v) => v / (2 * s)) };
    };
    const d = plus(central(h), -4, central(h / 2));
    return { ...d, data: Float64Array.from(d.data, (v) => v / -3) };
  };
  /** h⁴ is 1e-12 and rounding over h as much; derivatives of degree 9 are up to thousands of times the values. */
  const fits = (got: Tensor, expected: Tensor, scale: number): void => {
    expect(difference(got, expected)).toBeLessThan(1e-8 * (1 + scale));
  };

  it("it is the network at x and everywhere in the certified ball, and no unit switches there", () => {
    fc.assert(
      fc.property(drawn, fc.nat(), ({ network, from }, seed) => {
        const local = localPolynomial(network, from, { on: cpu64 });
        const radius = local.radius();
        for (let k = 0; k < 2; k++) {
          const u = direction(from, seed + k);
          const y = plus(from, (0.999 * radius) / Math.sqrt(dot(u, u)), u);
          if (radius === Number.POSITIVE_INFINITY) continue;
          const expected = forward(network, y);
          // two ways to compute the same sums
          expect(difference(local.evaluate(y), expected)).toBeLessThan(1e-12 * (1 + largest(expected)));
          expect(local.contains(y)).toBe(true);
          const along = local.boundaryAlong(u).at * Math.sqrt(dot(u, u));
          expect(along).toBeGreaterThan(radius);
        }
        expect(local.radius({ order: 1 })).toBeLessThanOrEqual(1.001 * radius);
        expect(local.nearestBoundary().distance).toBeGreaterThanOrEqual(radius);
      }),
      { ...draws, numRuns: 12 },
    );
  });

  it("every derivative is the difference quotient of the one before", () => {
    fc.assert(
      fc.property(drawn, ({ network, from, to }) => {
        const local = localPolynomial(network, from, { on: cpu64 });
        const [u, v, w] = [1, 2, 3].map((seed) => direction(from, seed));
        const first = local.derivative([u]);
        const second = local.derivative([u, v]);
        const third = local.derivative([u, v, w]);
        const scale = largest(first) + largest(second) + largest(third) + largest(local.derivative([u, u, u, u]));
        fits(
          first,
          slope((t) => local.evaluate(plus(from, t, u))),
          scale,
        );
        fits(
          second,
          slope((t) => local.derivative([u], plus(from, t, v))),
          scale,
        );
        fits(
          third,
          slope((t) => local.derivative([u, v], plus(from, t, w))),
          scale,
        );
        // the products say the same: c·Ju = (J′c)·u, c·D²[u, v] = (H u)·v
        const c = direction(first, 4);
        const size = Math.sqrt(dot(c, c) * dot(u, u) * dot(v, v));
        expect(Math.abs(dot(local.gradient(c), u) - dot(c, first))).toBeLessThan(1e-12 * size * (1 + scale));
        expect(Math.abs(dot(local.hessianProduct(c, u), v) - dot(c, second))).toBeLessThan(1e-12 * size * (1 + scale));
        // elsewhere too
        const there = local.hessianProduct(c, u, to);
        const before = local.gradient(c, to);
        const large = largest(there) + largest(before);
        fits(
          there,
          slope((t) => local.gradient(c, plus(to, t, u))),
          100 * large,
        );
      }),
      draws,
    );
  });

  it("the Jacobian's columns are the derivatives along the axes", () => {
    fc.assert(
      fc.property(drawn, ({ network, from }) => {
        const local = localPolynomial(network, from);
        const jacobian = local.jacobian();
        const n = from.data.length;
        for (let j = 0; j < n; j++) {
          const axis = { ...from, data: Float64Array.from(from.data, (_, i) => Number(i === j)) } as Tensor<"float64">;
          const column = local.derivative([axis]);
          column.data.forEach((v, i) => {
            expect(Math.abs(jacobian.data[i * n + j] - v)).toBeLessThan(1e-12 * (1 + Math.abs(v)));
          });
        }
      }),
      draws,
    );
  });

  it("the monomials add up to the polynomial", () => {
    const model = createEncoder({ layers: 1, width: 2, heads: 1, hidden: 3, seed: 5, dtype: "float64" });
    const x = direction(
      f64([
        [0, 0],
        [0, 0],
        [0, 0],
      ]),
      1,
    );
    const local = localPolynomial(model, x);
    const terms = local.terms();
    for (let seed = 2; seed < 7; seed++) {
      const y = direction(x, seed);
      const sum = new Float64Array(x.data.length);
      for (const { powers, coefficients } of terms) {
        let monomial = 1;
        for (const [i, power] of powers.data.entries()) monomial *= y.data[i] ** power;
        for (const [i, c] of coefficients.data.entries()) sum[i] += monomial * c;
      }
      const expected = local.evaluate(y);
      for (const [i, v] of sum.entries()) expect(v).toBeCloseTo(expected.data[i], 12);
    }
    expect(terms.length).toBeGreaterThan(10);
    expect(() => local.terms({ limit: 10 })).toThrow("expected at most 10 monomials, got");
  });
});

describe("the certified radius", () => {
  it("is at least half of the way to the nearest boundary found, for four layers and more", () => {
    for (const [layers, seed] of [
      [4, 1],
      [4, 2],
      [4, 3],
      [5, 4],
    ]) {
      const model = createEncoder({ layers, width: 4, heads: 2, hidden: 7, seed, dtype: "float64" });
      const x = random(seed).normal([3, 4], { dtype: "float64" });
      const local = localPolynomial(model, x, { on: cpu64 });
      // measured: 0.96 and more; the slopes alone would give 0.2 and more
      const { distance, causes } = local.nearestBoundary();
      const radius = local.radius();
      expect(radius).toBeLessThan(distance);
      expect(radius / distance).toBeGreaterThan(0.5);
      expect(causes.length).toBeGreaterThan(0);
    }
  });

  it("knows what rounding can do: at a point that rounding can't tell from a boundary it is 0", () => {
    // 0.1 + 0.2 − 0.3 is 5.6e-17 and not 0
    const sum = network(1, (ops, x) => {
      const scaled = (factor: number) => ops.scale(x, { factor });
      return gate(ops, ops.add(ops.add(scaled(0.1), scaled(0.2)), scaled(-0.3)));
    });
    expect(localPolynomial(sum, f64([1])).radius()).toBe(0);
  });
});

describe("refusals", () => {
  const hinge = network(2, (ops, x) => gate(ops, x));
  const x = f64([1, 2]);
  const local: LocalPolynomial<Tensor> = localPolynomial(hinge, x);

  it("a smooth activation is refused by name and place", () => {
    const soft = createEncoder({ layers: 1, width: 4, heads: 2, attention: { activation: "softmax" } });
    expect(() => localPolynomial(soft, random(1).normal([3, 4]))).toThrow(
      "localPolynomial: expected a piecewise polynomial activation, got softmax at block 0/attention",
    );
  });

  it("wrong shapes, numbers, names, options and devices", () => {
    expect(() => localPolynomial(hinge, f64([1, 2, 3]))).toThrow("localPolynomial: expected input");
    expect(() => localPolynomial(hinge, f64([1, Number.NaN]))).toThrow("expected finite numbers for input");
    expect(() => localPolynomial(hinge, x, { onn: 1 } as never)).toThrow('expected options on, got "onn"');
    expect(() => localPolynomial(hinge, x, { on: reference32 })).toThrow("expected a float64 device");
    expect(() => localPolynomial(hinge, x, { on: 3 as never })).toThrow("expected on to be a device, got 3");
    expect(() => local.evaluate(f64([1]))).toThrow("localPolynomial.evaluate: expected x of shape [2], got [1]");
    expect(() => local.evaluate({ y: x } as never)).toThrow('expected inputs { x }, got "y"');
    expect(() => local.gradient(f64([1]))).toThrow("expected cotangent of shape [2], got [1]");
    expect(() => local.derivative([f64([1, Number.POSITIVE_INFINITY])])).toThrow("expected finite numbers for x");
    expect(() => local.derivative(x as never)).toThrow("expected a list of at most 10 directions");
    expect(() => local.terms({ limit: 0 })).toThrow("localPolynomial.terms: expected limit > 0, got 0");
    expect(() => local.radius({ order: 3 as never })).toThrow("localPolynomial.radius: expected order 1 or 2, got 3");
    expect(() => local.boundaryAlong(x, { limit: Number.NaN })).toThrow("expected limit > 0, got NaN");
    expect(() => local.nearestBoundary({ candidates: 0.5 })).toThrow("expected candidates to be a whole number > 0");
  });

  it("values that do not stay finite, naming the place", () => {
    const huge = network(1, (ops, x) => gate(ops, ops.multiply(x, x)));
    expect(() => localPolynomial(huge, f64([1e200]))).toThrow(
      "localPolynomial: expected values that stay finite, got Infinity at multiply",
    );
  });
});
