/**
 * @file Integrated gradients without an error. On a line the network is a polynomial piece by piece, so the integral of its
 * gradient is a finite sum. The usual sums, with their error, are in `sum-gradients.ts`. Letters: F the chosen output, x the input, b the baseline,
 * x(t) = b + t(x − b).
 */
import { checkOptions, type Given, type Graph, type Network, reference, show } from "@splineformer/tensor";
import { lineInputs } from "../line-inputs.ts";
import { checkPath, columnOfEntry, type EntryIndex } from "../output-rows.ts";
import type { Path } from "../path.ts";
import { type LineOptions, restrictToLine } from "../restrict-to-line.ts";
import { blank, named, outputAt, timesWay } from "./attribution-inputs.ts";
import { averagedGradient } from "./average-gradient.ts";

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
