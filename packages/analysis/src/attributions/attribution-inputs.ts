/**
 * @file What attributions of any kind do with inputs: baselines, gradients in the form of the input, and the way between two.
 */
import {
  evaluate,
  type Given,
  type Graph,
  isTensor,
  type SynchronousDevice,
  show,
  type Tensor,
  tensor,
  zeros,
} from "@splineformer/tensor";
import type { Inputs } from "../line-inputs.ts";

/** All zeros, of the input's shape. */
export function blank(where: string, input: Given<string>): Given<string> {
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

export const outputAt = (graph: Graph, device: SynchronousDevice, inputs: Inputs): Tensor =>
  evaluate(graph, device, { inputs }).output;

/** Gradients under the names and in the form of the inputs; zeros where an input does not move. */
export function named(gradients: Readonly<Record<string, Float64Array>>, like: Given<string>): Given<string> {
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
export function timesWay(gradient: Given<string>, from: Given<string>, to: Given<string>): Given<string> {
  const times = (g: Tensor, a: Tensor, b: Tensor): Tensor =>
    tensor(
      Float64Array.from(g.data, (v, k) => v * (b.data[k] - a.data[k])),
      g.shape,
    );
  if (isTensor(gradient)) return times(gradient, from as Tensor, to as Tensor);
  const [starts, stops] = [from, to] as Readonly<Record<string, Tensor>>[];
  return Object.fromEntries(Object.entries(gradient).map(([name, g]) => [name, times(g, starts[name], stops[name])]));
}
