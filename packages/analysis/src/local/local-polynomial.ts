/**
 * @file `localPolynomial`: the polynomial that a network is around an input, with its derivatives, its monomials, the region
 * where it is the network, and how far that region reaches. Letters: P the polynomial, x the input, N its entries.
 */
import {
  checkOptions,
  evaluate,
  type Given,
  type Graph,
  graphDegree,
  isTensor,
  type Network,
  pullback,
  record,
  ShapeError,
  type SynchronousDevice,
  sameShape,
  show,
  showShape,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";
import { type Unit, unitOf } from "../causes.ts";
import { checkedDevice } from "../engine/options.ts";
import { type Inputs, pointInputs } from "../line-inputs.ts";
import { jetSymbols, operationsOn, type SymbolSum } from "./algebra.ts";
import { type Boundary, type BoundaryOptions, boundaryAlong } from "./boundary-along.ts";
import { certifiedRadius, towards } from "./certified-radius.ts";
import { type FrozenGraph, freezeAt } from "./frozen-graph.ts";
import { full, split, termsOf } from "./monomials.ts";
import { entriesOf, type TaylorModel, taylorModel } from "./taylor-model.ts";

/** In the form of the question: a tensor, or tensors by input name. */
export type Like<X> = X extends { readonly dtype: unknown }
  ? Tensor<"float64">
  : { readonly [K in keyof X]: Tensor<"float64"> };

/** One inequality of the region: the unit keeps its piece where `lower < s ≤ upper`. */
export type RegionUnit = Unit & {
  /** Which piece holds: for ReLU 0 is off and 1 is on. */
  readonly piece: number;
  /** s at x: the pre-activation; for sparsemax the score less the threshold. */
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
};

/** A unit, and how far the boundary where it switches is from x. */
export interface NearestBoundary {
  /** The Euclidean distance, over all entries of the input: there is a boundary so near, and perhaps a nearer one. */
  readonly distance: number;
  /** Every unit that switches there. */
  readonly causes: Boundary["causes"];
}

/** One term `coefficients · Π entry^power`. */
export interface Term<X> {
  /** The power of each entry of the input, at the entry's place. */
  readonly powers: Like<X>;
  /** Of the output's shape. */
  readonly coefficients: Tensor<"float64">;
}

export interface LocalPolynomial<X> {
  /** The degree by the rules of composition; the polynomial may have less. */
  readonly degree: number;
  /** The inequalities that hold where P is the network: one for every unit that depends on the input. */
  readonly region: readonly RegionUnit[];
  /** P(y), whether or not y lies in the region. */
  evaluate(y: X): Tensor<"float64">;
  /** Whether every unit is in the same piece at y as at x, as far as float64 numbers tell. */
  contains(y: X): boolean;
  /**
   * The k-th derivative `DᵏP(at)[u₁, …, u_k]`, of the output's shape: with one direction the Jacobian–vector product, with
   * three the contraction of the third derivatives.
   *
   * @param at - where; default x
   */
  derivative(directions: readonly X[], at?: X): Tensor<"float64">;
  /** `∂P_i/∂x_j` at x or elsewhere: [..output, ..input]. */
  jacobian(at?: X): Like<X>;
  /** The vector–Jacobian product `Σ_i w_i ∂P_i/∂x`: the gradient of `w·P`. */
  gradient(cotangent: Tensor, at?: X): Like<X>;
  /** `Σ_i w_i ∂²P_i/∂x² u`: the Hessian of `w·P` times a direction. */
  hessianProduct(cotangent: Tensor, direction: X, at?: X): Like<X>;
  /**
   * The monomials of P with coefficients that are not 0, by ascending degree.
   *
   * @throws RangeError if there are more than `limit`, default 10,000
   */
  terms(options?: { readonly limit?: number }): readonly Term<X>[];
  /** The first boundary on the ray `x + t·direction`, t > 0: where it is, and which units switch there. */
  boundaryAlong(direction: X, options?: BoundaryOptions): Boundary;
  /**
   * A radius of a Euclidean ball around x in which no unit switches: certified, all rounding included. 0 where x lies on a
   * boundary. With order 2, the default, N² numbers are kept for every unit; with order 1 N, and the radius is smaller.
   */
  radius(options?: { readonly order?: 1 | 2 }): number;
  /**
   * A near boundary, by name: the units that seem nearest by slopes are sought along their gradients. The true distance
   * lies between `radius()` and this.
   */
  nearestBoundary(options?: { readonly candidates?: number }): NearestBoundary;
}

export interface LocalOptions {
  /** A synchronous float64 device. Default `reference`. */
  readonly on?: SynchronousDevice;
}

/**
 * The polynomial that the network is around x: every unit stays in the piece in which it is at x.
 *
 * Tells what the network computes there and why: derivatives of any order, monomials, and the region in which this
 * polynomial is the network, with a certified radius. A unit that is exactly at a knot counts to the piece on its left.
 * Works for any network whose gates are piecewise polynomial. What does not depend on the input counts as computed.
 *
 * @param network - a network, or a graph with one output
 * @param x - the input, or inputs by name; answers about inputs have the same form
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws ShapeError if the shapes do not fit
 * @throws RangeError if a number is not finite or does not stay so, or an option is unknown
 * @example
 * ```ts
 * import { localPolynomial } from "@splineformer/analysis";
 * import { type Network, tensor, toNested } from "@splineformer/tensor";
 * const hinge: Network<"x"> = {
 *   inputs: { x: [2] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.multiply(x, ops.activate(x, { activation: "relu", order: 0 })),
 * };
 * const local = localPolynomial(hinge, tensor([3, -4])); // x ↦ (x₀², 0)
 * toNested(local.evaluate(tensor([5, 7]))); // [25, 0]
 * toNested(local.jacobian()); // [[6, 0], [0, 0]]
 * local.terms().map((term) => toNested(term.powers)); // [[2, 0]]
 * local.radius() > 2.999; // true
 * local.boundaryAlong(tensor([0, 1])).at; // 4
 * ```
 */
export function localPolynomial<I extends string, C, P, X extends Given<I>>(
  network: Network<I, C, P>,
  x: X,
  options?: LocalOptions,
): LocalPolynomial<X>;
export function localPolynomial<X extends Given<string>>(
  graph: Graph,
  x: X,
  options?: LocalOptions,
): LocalPolynomial<X>;
export function localPolynomial<X extends Given<string>>(
  source: Network | Graph,
  x: X,
  options: LocalOptions = {},
): LocalPolynomial<X> {
  const where = "localPolynomial";
  checkOptions(where, options, ["on"]);
  const device = checkedDevice(where, options.on);
  const { graph, x: point } = pointInputs(where, source, x);
  const frozen = freezeAt(where, graph, point, device);
  return answers(source, graph, frozen, point, isTensor(x), device);
}

function answers<X extends Given<string>>(
  source: Network | Graph,
  graph: Graph,
  frozen: FrozenGraph,
  point: Inputs,
  alone: boolean,
  device: SynchronousDevice,
): LocalPolynomial<X> {
  const names = Object.keys(point);
  const { shape } = graph.outputs.output;
  const shapes = Object.fromEntries(names.map((name) => [name, point[name].shape]));
  // without the units' own values
  const own = record((ops, inputs) => evaluate(frozen.graph, ops, { inputs }).output, shapes, { keep: [] });
  const like = (tensors: Record<string, Tensor>): Like<X> => (alone ? tensors[names[0]] : tensors) as Like<X>;
  const given = (where: string, y: Given<string>): Inputs => inputsLike(`localPolynomial.${where}`, point, y);
  const values = evaluate(frozen.graph, device, { inputs: point });
  const region = regionOf(frozen, values);

  let degree: number | undefined;
  const models: (TaylorModel | undefined)[] = [];
  const switches = frozen.gates.map(({ name }) => frozen.graph.outputs[name]);
  const model = (order: 1 | 2): TaylorModel => {
    models[order] ??= taylorModel(frozen.graph, point, device, order, new Set(switches));
    return models[order];
  };

  return {
    get degree() {
      degree ??= graphDegree(own).total;
      return degree;
    },
    region,
    evaluate(y) {
      return full(evaluate(own, device, { inputs: given("evaluate", y) }).output, shape);
    },
    contains(y) {
      const at = evaluate(frozen.graph, device, { inputs: given("contains", y) });
      return frozen.gates.every(({ name, lower, upper }) =>
        at[name].data.every((s, i) => !(s <= lower[i]) && s <= upper[i]),
      );
    },
    derivative(directions, at) {
      const where = "derivative";
      if (!Array.isArray(directions) || directions.length > 10)
        throw new RangeError(
          `localPolynomial.${where}: expected a list of at most 10 directions, got ${show(directions)}`,
        );
      const base = at === undefined ? point : given(where, at);
      const inputs = jets(
        base,
        directions.map((u) => given(where, u)),
      );
      const { parts } = evaluate(own, operationsOn(device, jetSymbols), { inputs }).output;
      return full(parts.get(2 ** directions.length - 1), shape);
    },
    jacobian(at) {
      const base = at === undefined ? point : given("jacobian", at);
      const { output } = own.outputs;
      return like(transposed(own, taylorModel(own, base, device, 1, new Set([output])).slopes(output), shape));
    },
    gradient(cotangent, at) {
      const w = outputLike("gradient", shape, cotangent);
      const base = at === undefined ? point : given("gradient", at);
      const { inputs } = pullback(
        own,
        device,
        { inputs: base },
        { output: w },
        { wanted: (leaf) => leaf.op === "input" },
      );
      return like(Object.fromEntries(names.map((name) => [name, full(inputs[name], point[name].shape)])));
    },
    hessianProduct(cotangent, direction, at) {
      const where = "hessianProduct";
      const w = outputLike(where, shape, cotangent);
      const base = at === undefined ? point : given(where, at);
      const inputs = jets(base, [given(where, direction)]);
      const ops = operationsOn(device, jetSymbols);
      const found = pullback<SymbolSum<number>>(
        own,
        ops,
        { inputs },
        { output: ops.constant(w) },
        { wanted: (leaf) => leaf.op === "input" },
      );
      return like(
        Object.fromEntries(names.map((name) => [name, full(found.inputs[name].parts.get(1), point[name].shape)])),
      );
    },
    terms(options = {}) {
      const where = "localPolynomial.terms";
      checkOptions(where, options, ["limit"]);
      const { limit = 10_000 } = options;
      if (!(typeof limit === "number" && limit > 0))
        throw new RangeError(`${where}: expected limit > 0, got ${show(limit)}`);
      return termsOf(own, point, device, limit).map(({ powers, coefficients }) => ({
        powers: like(powers),
        coefficients,
      }));
    },
    boundaryAlong(direction, options = {}) {
      return boundaryAlong(source, frozen, point, given("boundaryAlong", direction), device, options);
    },
    radius(options = {}) {
      const where = "localPolynomial.radius";
      checkOptions(where, options, ["order"]);
      const { order = 2 } = options;
      if (order !== 1 && order !== 2) throw new RangeError(`${where}: expected order 1 or 2, got ${show(order)}`);
      return certifiedRadius(frozen, model(order), values);
    },
    nearestBoundary(options = {}) {
      const where = "localPolynomial.nearestBoundary";
      checkOptions(where, options, ["candidates"]);
      const { candidates = 8 } = options;
      if (!(Number.isInteger(candidates) && candidates > 0))
        throw new RangeError(`${where}: expected candidates to be a whole number > 0, got ${show(candidates)}`);
      let nearest: NearestBoundary = { distance: Number.POSITIVE_INFINITY, causes: [] };
      for (const direction of towards(frozen, models[2] ?? model(1), values, candidates)) {
        const limit = Math.min(nearest.distance, 2 ** 10);
        const found = boundaryAlong(source, frozen, point, split(frozen.graph, direction), device, { limit });
        if (found.at < nearest.distance) nearest = { distance: found.at, causes: found.causes };
      }
      return nearest;
    },
  };
}

function regionOf({ gates }: FrozenGraph, values: Record<string, Tensor>): RegionUnit[] {
  const region: RegionUnit[] = [];
  for (const { node, name, pattern, lower, upper } of gates)
    for (let entry = 0; entry < pattern.length; entry++)
      if (Number.isFinite(lower[entry]) || Number.isFinite(upper[entry]))
        region.push({
          ...unitOf(node, entry),
          piece: pattern[entry],
          value: values[name].data[entry],
          lower: lower[entry],
          upper: upper[entry],
        });
  return region;
}

/** x + Σ ε_i u_i. */
function jets(x: Inputs, directions: readonly Inputs[]): Record<string, SymbolSum<number>> {
  return Object.fromEntries(
    Object.entries(x).map(([name, value]) => [
      name,
      {
        shape: value.shape,
        parts: new Map([[0, value], ...directions.map((u, i): [number, Tensor] => [2 ** i, u[name]])]),
      },
    ]),
  );
}

/** [N, ..output] → [..output, ..input] for every input. */
function transposed(graph: Graph, slopes: Tensor | undefined, shape: readonly number[]): Record<string, Tensor> {
  const size = sizeOf(shape);
  const starts = entriesOf(graph);
  const out: Record<string, Tensor> = {};
  for (const node of graph.nodes) {
    if (node.op !== "input") continue;
    const { from, to } = starts.get(node.attributes.name) as { from: number; to: number };
    const data = new Float64Array(size * (to - from));
    if (slopes)
      for (let j = from; j < to; j++)
        for (let i = 0; i < size; i++) data[i * (to - from) + j - from] = slopes.data[j * size + i] + 0;
    out[node.attributes.name] = { dtype: "float64", shape: [...shape, ...node.shape], data };
  }
  return out;
}

/** Tensors for every input, of the shapes of x, with finite numbers. */
function inputsLike(where: string, x: Inputs, y: Given<string>): Inputs {
  const names = Object.keys(x);
  const given = isTensor(y) && names.length === 1 ? { [names[0]]: y } : y;
  if (typeof given !== "object" || given === null || isTensor(given))
    throw new RangeError(
      `${where}: expected inputs { ${names.join(", ")} }, got ${show(isTensor(y) ? "one tensor" : y)}`,
    );
  for (const name of Object.keys(given))
    if (!names.includes(name))
      throw new RangeError(`${where}: expected inputs { ${names.join(", ")} }, got ${show(name)}`);
  return Object.fromEntries(names.map((name) => [name, checked(where, name, x[name].shape, given[name])]));
}

const outputLike = (where: string, shape: readonly number[], w: Tensor): Tensor =>
  checked(`localPolynomial.${where}`, "cotangent", shape, w);

function checked(where: string, name: string, shape: readonly number[], value: Tensor | undefined): Tensor {
  if (!isTensor(value)) throw new RangeError(`${where}: expected ${name} to be a tensor, got ${show(value)}`);
  if (!sameShape(value.shape, shape))
    throw new ShapeError(`${where}: expected ${name} of shape ${showShape(shape)}, got ${showShape(value.shape)}`);
  const bad = value.data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0)
    throw new RangeError(`${where}: expected finite numbers for ${name}, got ${value.data[bad]} at entry ${bad}`);
  return { dtype: "float64", shape, data: Float64Array.from(value.data) };
}
