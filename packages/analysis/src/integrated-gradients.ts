/**
 * @file Integrated gradients without an error, and the usual sums with theirs. On a line the network is a polynomial piece by
 * piece, so the integral of its gradient is a finite sum. Letters: F the chosen output, x the input, b the baseline,
 * x(t) = b + t(x − b).
 */
import {
  checkOptions,
  evaluate,
  type Given,
  type Graph,
  isTensor,
  type Network,
  pullback,
  reference,
  type SynchronousDevice,
  show,
  sizeOf,
  type Tensor,
  tensor,
  zeros,
} from "@splineformer/tensor";
import { averagedGradient } from "./average-gradient.ts";
import { gaussLegendre } from "./gauss-legendre.ts";
import { type Inputs, lineInputs } from "./line-inputs.ts";
import { checkPath, columnOfEntry, type EntryIndex } from "./output-rows.ts";
import type { Path } from "./path.ts";
import { type LineOptions, restrictToLine } from "./restrict-to-line.ts";

export interface AverageGradientOptions extends Pick<LineOptions, "method" | "on" | "signal"> {
  /** Which number of the output is explained: its index, a number alone where there is only one row. */
  readonly output: EntryIndex;
  /** The path from the baseline to the input, if it is known already. Default: it is computed. */
  readonly path?: Path;
  /**
   * How many quadrature nodes a piece of degree D gets. "all": ⌈D/2⌉, with which Gauss–Legendre is exact whatever the
   * polynomial. "needed", the default: fewer where the measured Legendre coefficients of the gradient, and the degree
   * measured at the output, say that the rest is below rounding; never more than ⌈D/2⌉.
   */
  readonly nodes?: "needed" | "all";
  /** Called now and then with the part of the gradients that is done, from 0 to 1. */
  readonly onProgress?: (done: number) => void;
}

export interface AttributionOptions extends AverageGradientOptions {
  /** Where the line starts: an input that means nothing. Default: all zeros. */
  readonly baseline?: Given<string>;
}

/** An average gradient, and what it came from. */
export interface AverageGradient<X> {
  /** `∫₀¹ ∇F(x(t)) dt`, of the shape of the input; zeros for an input that does not move. */
  readonly gradient: X;
  /** `F(x) − F(b)`. */
  readonly difference: number;
  /** `Σ (x − b)·gradient − difference`: zero but for rounding. */
  readonly residual: number;
  readonly path: Path;
  /** How many gradients were computed. */
  readonly nodes: number;
}

/** Attributions, and what they came from. */
export interface Attributions<X> extends Omit<AverageGradient<X>, "gradient"> {
  /** `(x − b) · ∫₀¹ ∇F(x(t)) dt`, entry by entry; they sum to `difference`. */
  readonly attributions: X;
}

/**
 * `(x − b) · ∫₀¹ ∂F/∂x (b + t(x − b)) dt` entry by entry, exact up to rounding: every piece of the line is found, and
 * Gauss–Legendre quadrature is exact on each.
 *
 * Exactness is a guarantee, not a different picture: sums of 50 to 300 steps mostly show the same, and their small
 * completeness residual does not say how far single attributions are off (`sumGradients` shows both). Here there is
 * nothing to choose, and no error to wonder about.
 *
 * On a piece the network is frozen, every gate in the piece of its activation that it has there, so that no gradient is taken
 * at a kink. A unit that stays within rounding of its kink counts as off.
 *
 * @param network - a network, or a graph with one output, whose gates are piecewise polynomial
 * @param input - x, or inputs by name
 * @throws what `restrictToLine` throws; RangeError if the output has no such entry
 * @source Sundararajan, Taly, Yan, Axiomatic Attribution for Deep Networks, https://arxiv.org/abs/1703.01365
 * @example
 * ```ts
 * import { integratedGradients } from "@splineformer/analysis";
 * import { type Network, tensor, toNested } from "@splineformer/tensor";
 * // ReLU(x₁ + x₂ − 1)
 * const hinge: Network<"x"> = {
 *   inputs: { x: [1, 2] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) =>
 *     ops.activate(ops.add(ops.matmul(x, ops.constant(tensor([[1], [1]])), {}), ops.constant(tensor([[-1]]))), { activation: "relu", order: 0 }),
 * };
 * const found = integratedGradients(hinge, tensor([[3, 1]]), { output: 0 });
 * // the unit is on from t = 1/4: 3 · 3/4 and 1 · 3/4
 * toNested(found.attributions); // [[2.25, 0.75]]
 * found.difference; // 3
 * ```
 */
export function integratedGradients<I extends string, C, P, X extends Given<I>>(
  network: Network<I, C, P>,
  input: X,
  options: AttributionOptions,
): Attributions<X>;
export function integratedGradients<X extends Given<string>>(
  graph: Graph,
  input: X,
  options: AttributionOptions,
): Attributions<X>;
export function integratedGradients(
  source: Network | Graph,
  input: Given<string>,
  options: AttributionOptions,
): Attributions<Given<string>> {
  return finished(attributing("integratedGradients", source, input, options));
}

/**
 * `integratedGradients` in steps, for a page or a program that has other things to do meanwhile: each step yields the part that
 * is done, from 0 to 1, and the last one returns the attributions. The path itself is one step, unless it is given.
 *
 * @param network - a network, or a graph with one output, whose gates are piecewise polynomial
 * @param input - x, or inputs by name
 * @throws what `integratedGradients` throws, at the first step
 * @example
 * ```ts
 * import { integratedGradientsInSteps } from "@splineformer/analysis";
 * import { type Network, tensor, toNested } from "@splineformer/tensor";
 * const square: Network<"x"> = { inputs: { x: [1] }, config: {}, parameters: {}, run: (ops, _, { x }) => ops.multiply(x, x) };
 * const steps = integratedGradientsInSteps(square, tensor([3]), { output: 0 });
 * let step = steps.next();
 * while (!step.done) step = steps.next(); // step.value is what is done
 * toNested(step.value.attributions); // [9]
 * ```
 */
export function integratedGradientsInSteps<I extends string, C, P, X extends Given<I>>(
  network: Network<I, C, P>,
  input: X,
  options: AttributionOptions,
): Generator<number, Attributions<X>>;
export function integratedGradientsInSteps<X extends Given<string>>(
  graph: Graph,
  input: X,
  options: AttributionOptions,
): Generator<number, Attributions<X>>;
export function integratedGradientsInSteps(
  source: Network | Graph,
  input: Given<string>,
  options: AttributionOptions,
): Generator<number, Attributions<Given<string>>> {
  return attributing("integratedGradientsInSteps", source, input, options);
}

function* attributing(
  where: string,
  source: Network | Graph,
  input: Given<string>,
  options: AttributionOptions,
): Generator<number, Attributions<Given<string>>> {
  checkOptions(where, options, ["baseline", ...gradientOptions]);
  const { baseline = blank(where, input), ...rest } = options;
  const { gradient, ...found } = yield* average(where, source, baseline, input, rest);
  return { attributions: timesWay(gradient, baseline, input), ...found };
}

function finished<R>(steps: Generator<number, R>): R {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/**
 * `∫₀¹ ∇F(x(t)) dt` on the line between two inputs, exact up to rounding: what a change costs on average on the way from one
 * real input to another. Its product with the way is the difference of the outputs.
 *
 * @param network - a network, or a graph with one output, whose gates are piecewise polynomial
 * @param from - the input at t = 0, or inputs by name
 * @param to - the input at t = 1
 * @throws what `restrictToLine` throws; RangeError if the output has no such entry
 * @example
 * ```ts
 * import { averageGradient } from "@splineformer/analysis";
 * import { type Network, tensor, toNested } from "@splineformer/tensor";
 * // x₁ x₂, whose gradient is (x₂, x₁)
 * const product: Network<"x"> = {
 *   inputs: { x: [1, 2] },
 *   config: {},
 *   parameters: {},
 *   run: (ops, _, { x }) => ops.multiply(ops.slice(x, { axis: -1, from: 0, to: 1 }), ops.slice(x, { axis: -1, from: 1, to: 2 })),
 * };
 * toNested(averageGradient(product, tensor([[1, 2]]), tensor([[3, 6]]), { output: 0 }).gradient); // [[4, 2]]
 * ```
 */
export function averageGradient<I extends string, C, P, X extends Given<I>>(
  network: Network<I, C, P>,
  from: X,
  to: NoInfer<X>,
  options: AverageGradientOptions,
): AverageGradient<X>;
export function averageGradient<X extends Given<string>>(
  graph: Graph,
  from: X,
  to: NoInfer<X>,
  options: AverageGradientOptions,
): AverageGradient<X>;
export function averageGradient(
  source: Network | Graph,
  from: Given<string>,
  to: Given<string>,
  options: AverageGradientOptions,
): AverageGradient<Given<string>> {
  const where = "averageGradient";
  checkOptions(where, options, gradientOptions);
  return finished(average(where, source, from, to, options));
}

const gradientOptions = ["output", "path", "nodes", "method", "on", "signal", "onProgress"];

function* average(
  where: string,
  source: Network | Graph,
  from: Given<string>,
  to: Given<string>,
  options: AverageGradientOptions,
): Generator<number, AverageGradient<Given<string>>> {
  const { output, path: known, nodes = "needed", onProgress, on: device = reference, signal, method } = options;
  if (nodes !== "needed" && nodes !== "all")
    throw new RangeError(`${where}: expected nodes "needed" or "all", got ${show(nodes)}`);
  if (onProgress !== undefined && typeof onProgress !== "function")
    throw new RangeError(`${where}: expected onProgress to be a function, got ${show(onProgress)}`);
  const line = lineInputs(where, source, from, to);
  const column = columnOfEntry(where, line.graph.outputs.output.shape, output);
  const path =
    known ??
    restrictToLine(source as Network, from, to, { on: device, ...(method && { method }), ...(signal && { signal }) });
  const ends = [line.from, line.to].map((at) => outputAt(line.graph, device, at).data[column]);
  if (known) checkSame(where, known, ends, column);
  const steps = averagedGradient({ ...line, device, path, column, nodes });
  let step = steps.next();
  for (; !step.done; step = steps.next()) {
    signal?.throwIfAborted();
    onProgress?.(step.value);
    yield step.value;
  }
  const { gradients, nodes: count } = step.value;
  const difference = ends[1] - ends[0];
  let sum = 0;
  for (const [name, data] of Object.entries(gradients))
    data.forEach((g, k) => {
      sum += g * (line.to[name].data[k] - line.from[name].data[k]);
    });
  return { gradient: named(gradients, from), difference, residual: sum - difference, path, nodes: count };
}

/** How a sum places its steps on [0, 1]: at their right ends, in their middles, or at the nodes of one Gauss–Legendre rule. */
export type SumRule = "right" | "midpoint" | "gauss-legendre";

export interface SumOptions extends Omit<AverageGradientOptions, "path" | "nodes" | "method"> {
  /** Where the line starts. Default: all zeros. */
  readonly baseline?: Given<string>;
  /** How many gradients are summed, at least 1. */
  readonly steps: number;
  /** Default "midpoint". */
  readonly rule?: SumRule;
}

/** Attributions by a sum. */
export interface SummedGradients<X> {
  readonly attributions: X;
  /** `F(x) − F(b)`. */
  readonly difference: number;
  /** `Σ attributions − difference`: how far the sum is from complete. It does not say how far single attributions are off. */
  readonly residual: number;
}

/**
 * `(x − b) · Σ_k w_k ∂F/∂x (b + t_k(x − b))`: integrated gradients by a sum of a given number of steps, the usual way; to
 * compare with the exact ones. Any network that has a gradient.
 *
 * @param network - a network, or a graph with one output
 * @param input - x, or inputs by name
 * @throws RangeError if steps is no integer ≥ 1, or the output has no such entry
 * @example
 * ```ts
 * import { sumGradients } from "@splineformer/analysis";
 * import { type Network, tensor, toNested } from "@splineformer/tensor";
 * const square: Network<"x"> = { inputs: { x: [1] }, config: {}, parameters: {}, run: (ops, _, { x }) => ops.multiply(x, x) };
 * // 3 · (6·1/2 + 6·1)/2, where the integral is 9
 * toNested(sumGradients(square, tensor([3]), { output: 0, steps: 2, rule: "right" }).attributions); // [13.5]
 * ```
 */
export function sumGradients<I extends string, C, P, X extends Given<I>>(
  network: Network<I, C, P>,
  input: X,
  options: SumOptions,
): SummedGradients<X>;
export function sumGradients<X extends Given<string>>(graph: Graph, input: X, options: SumOptions): SummedGradients<X>;
export function sumGradients(
  source: Network | Graph,
  input: Given<string>,
  options: SumOptions,
): SummedGradients<Given<string>> {
  const where = "sumGradients";
  checkOptions(where, options, ["output", "baseline", "steps", "rule", "on", "signal", "onProgress"]);
  const { output, baseline = blank(where, input), steps, rule = "midpoint", on = reference, signal } = options;
  const { onProgress } = options;
  if (!(Number.isInteger(steps) && steps >= 1))
    throw new RangeError(`${where}: expected steps an integer ≥ 1, got ${show(steps)}`);
  if (rule !== "right" && rule !== "midpoint" && rule !== "gauss-legendre")
    throw new RangeError(`${where}: expected rule "right", "midpoint" or "gauss-legendre", got ${show(rule)}`);
  const line = lineInputs(where, source, baseline, input);
  const { shape } = line.graph.outputs.output;
  const column = columnOfEntry(where, shape, output);
  // a network takes many points in a batch
  const group = "run" in source ? Math.min(steps, 50) : 1;
  const many = (x: Inputs): Inputs =>
    group === 1 ? x : Object.fromEntries(Object.entries(x).map(([name, v]) => [name, repeated(v, group)]));
  const graph =
    group === 1
      ? line.graph
      : lineInputs(where, source, many(everyInput(source, baseline)), many(everyInput(source, input))).graph;
  const { places, weights } = stepsOf(rule, steps);
  const sums = Object.fromEntries(
    Object.entries(line.from).map(([name, v]) => [name, new Float64Array(v.data.length)]),
  );
  const width = sizeOf(shape);
  const cotangent = new Float64Array(group * width);
  for (let q = 0; q < group; q++) cotangent[q * width + column] = 1;
  for (let first = 0; first < steps; first += group) {
    signal?.throwIfAborted();
    const at = Array.from({ length: group }, (_, q) => places[Math.min(first + q, steps - 1)]);
    const inputs = Object.fromEntries(
      Object.keys(sums).map((name) => [
        name,
        tensor(
          Float64Array.from(at.flatMap((t) => Array.from(between(line.from[name], line.to[name], t)))),
          group === 1 ? line.from[name].shape : [group, ...line.from[name].shape],
        ),
      ]),
    );
    const found = pullback(
      graph,
      on,
      { inputs },
      { output: tensor(cotangent, group === 1 ? shape : [group, ...shape]) },
    );
    for (const [name, sum] of Object.entries(sums))
      for (let q = 0; q < Math.min(group, steps - first); q++)
        for (let k = 0; k < sum.length; k++) sum[k] += weights[first + q] * found.inputs[name].data[q * sum.length + k];
    onProgress?.(Math.min(1, (first + group) / steps));
  }
  const difference = outputAt(line.graph, on, line.to).data[column] - outputAt(line.graph, on, line.from).data[column];
  const attributions = timesWay(named(sums, baseline), baseline, input);
  let total = 0;
  for (const { data } of tensorsOf(attributions)) for (const v of data) total += v;
  return { attributions, difference, residual: total - difference };
}

function stepsOf(rule: SumRule, steps: number): { places: Float64Array; weights: Float64Array } {
  if (rule === "gauss-legendre") {
    const { nodes, weights } = gaussLegendre(steps);
    return { places: nodes.map((u) => 0.5 * (1 + u)), weights: weights.map((w) => 0.5 * w) };
  }
  const shift = rule === "right" ? 1 : 0.5;
  return {
    places: Float64Array.from({ length: steps }, (_, k) => (k + shift) / steps),
    weights: new Float64Array(steps).fill(1 / steps),
  };
}

/** All zeros, of the input's shape. */
function blank(where: string, input: Given<string>): Given<string> {
  if (typeof input !== "object" || input === null)
    throw new RangeError(`${where}: expected a tensor, or tensors by input name, got ${show(input)}`);
  if (isTensor(input)) return zeros(input.shape, { dtype: "float64" });
  return Object.fromEntries(
    Object.entries(input).map(([name, x]) => {
      if (!isTensor(x)) throw new RangeError(`${where}: expected input ${show(name)} to be a tensor, got ${show(x)}`);
      return [name, zeros(x.shape, { dtype: "float64" })];
    }),
  );
}

const outputAt = (graph: Graph, device: SynchronousDevice, inputs: Inputs): Tensor =>
  evaluate(graph, device, { inputs }).output;

/** A path that was given must be the path of this question. */
function checkSame(where: string, path: Path, ends: readonly number[], column: number): void {
  checkPath(where, path);
  if (path.end !== 1) throw new RangeError(`${where}: expected a path that is done, got one that ends at ${path.end}`);
  ends.forEach((expected, t) => {
    const got = path.evaluate(t).data[column];
    if (!(Math.abs(got - expected) <= 4 * path.noise + 1e-9 * Math.abs(expected)))
      throw new RangeError(
        `${where}: expected the path of this network from baseline to input, got one with output ${got} at t = ${t}, where it is ${expected}`,
      );
  });
}

/** Gradients under the names and in the form of the inputs; zeros where an input does not move. */
function named(gradients: Readonly<Record<string, Float64Array>>, like: Given<string>): Given<string> {
  if (isTensor(like)) {
    const [data] = Object.values(gradients);
    return data ? tensor(data, like.shape) : zeros(like.shape, { dtype: "float64" });
  }
  return Object.fromEntries(
    Object.entries(like).map(([name, x]) => [
      name,
      gradients[name] ? tensor(gradients[name], x.shape) : zeros(x.shape, { dtype: "float64" }),
    ]),
  );
}

/** (x − b) · g, entry by entry. */
function timesWay(gradient: Given<string>, from: Given<string>, to: Given<string>): Given<string> {
  const times = (g: Tensor, a: Tensor, b: Tensor): Tensor =>
    tensor(
      Float64Array.from(g.data, (v, k) => v * (b.data[k] - a.data[k])),
      g.shape,
    );
  if (isTensor(gradient)) return times(gradient, from as Tensor, to as Tensor);
  const [starts, stops] = [from, to] as Readonly<Record<string, Tensor>>[];
  return Object.fromEntries(Object.entries(gradient).map(([name, g]) => [name, times(g, starts[name], stops[name])]));
}

const between = (a: Tensor, b: Tensor, t: number): Float64Array =>
  Float64Array.from(a.data, (v, k) => (1 - t) * v + t * b.data[k]);

const repeated = (x: Tensor, count: number): Tensor => {
  const data = new Float64Array(count * x.data.length);
  for (let q = 0; q < count; q++) data.set(x.data, q * x.data.length);
  return tensor(data, [count, ...x.shape]);
};

const everyInput = (source: Network | Graph, x: Given<string>): Inputs =>
  isTensor(x) ? { [Object.keys((source as Network).inputs)[0]]: x } : x;

const tensorsOf = (x: Given<string>): readonly Tensor[] => (isTensor(x) ? [x] : Object.values(x));
