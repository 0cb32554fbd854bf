/**
 * @file The monomials of a polynomial graph, with their coefficients, and numbers of all entries of the input laid out by input.
 */
import { evaluate, type Graph, type SynchronousDevice, sizeOf, type Tensor } from "@splineformer/tensor";
import type { Inputs } from "../line-inputs.ts";
import { monomialSymbols, operationsOn, type SymbolSum } from "./algebra.ts";
import { entriesOf } from "./taylor-model.ts";

/** The monomials of the output with coefficients that are not all 0. */
export function termsOf(
  graph: Graph,
  x: Inputs,
  device: SynchronousDevice,
  limit: number,
): { readonly powers: Record<string, Tensor>; readonly coefficients: Tensor<"float64"> }[] {
  const starts = entriesOf(graph);
  const inputs: Record<string, SymbolSum<string>> = {};
  for (const [name, { shape }] of Object.entries(x)) {
    const from = starts.get(name)?.from ?? 0;
    const parts = new Map<string, Tensor>();
    for (let i = 0; i < sizeOf(shape); i++) {
      const one = new Float64Array(sizeOf(shape));
      one[i] = 1;
      parts.set(String(from + i), { dtype: "float64", shape, data: one });
    }
    inputs[name] = { shape, parts };
  }
  const symbols = monomialSymbols((count) => {
    if (count > limit)
      throw new RangeError(`localPolynomial.terms: expected at most ${limit} monomials, got ${count} on the way`);
  });
  const { shape, parts } = evaluate(graph, operationsOn(device, symbols), { inputs }).output;
  return [...parts]
    .filter(([, { data }]) => data.some((c) => c !== 0))
    .map(([key, coefficients]) => ({ factors: key === "" ? [] : key.split(",").map(Number), coefficients }))
    .sort((a, b) => a.factors.length - b.factors.length || compare(a.factors, b.factors))
    .map(({ factors, coefficients }) => {
      const powers = new Float64Array([...starts.values()].reduce((most, { to }) => Math.max(most, to), 0));
      for (const i of factors) powers[i]++;
      return { powers: split(graph, powers), coefficients: full(coefficients, shape) };
    });
}

/** Lexicographic. */
function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}

/** Numbers for all entries of the input, by input. */
export function split(graph: Graph, numbers: Float64Array): Record<string, Tensor> {
  const out: Record<string, Tensor> = {};
  const starts = entriesOf(graph);
  for (const node of graph.nodes)
    if (node.op === "input") {
      const { from, to } = starts.get(node.attributes.name) as { from: number; to: number };
      out[node.attributes.name] = { dtype: "float64", shape: node.shape, data: numbers.slice(from, to) };
    }
  return out;
}

/** A tensor of its own, zeros where there is none. */
export const full = (t: Tensor | undefined, shape: readonly number[]): Tensor<"float64"> => ({
  dtype: "float64",
  shape,
  // no −0
  data: t ? Float64Array.from(t.data, (v) => v + 0) : new Float64Array(sizeOf(shape)),
});
