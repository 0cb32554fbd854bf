/**
 * @file Integrated gradients by a sum of a number of steps, the usual way, to compare with the exact ones. Letters: F the chosen
 * output, x the input, b the baseline, t_k and w_k places and weights on [0, 1].
 */
import {
  checkOptions,
  type Given,
  type Graph,
  isTensor,
  type Network,
  pullback,
  reference,
  show,
  sizeOf,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import { type Inputs, lineInputs } from "../line-inputs.ts";
import { columnOfEntry } from "../output-rows.ts";
import { blank, named, outputAt, timesWay } from "./attribution-inputs.ts";
import { gaussLegendre } from "./gauss-legendre.ts";
import type { AverageGradientOptions } from "./integrated-gradients.ts";

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
