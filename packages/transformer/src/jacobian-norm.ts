/**
 * @file The spectral norm of a network's Jacobian, measured: power iteration with products only, so that no Jacobian is ever
 * written down. Letters: J the Jacobian of the output by all inputs, v a change of the inputs, u one of the output.
 */
import {
  evaluate,
  graphOf,
  type Network,
  pullback,
  random,
  reference,
  type Shape,
  type Tensor,
} from "@splineformer/tensor";

type Named = Readonly<Record<string, Tensor>>;

/** Rounds at most; a gap between the two largest singular values of one part in a hundred needs some hundred. */
const rounds = 200;
/** Growth in a round that ends it. */
const least = 2 ** -30;
/** The step of differences, relative to 1 and the inputs: their errors by the step's square and by rounding are alike then. */
const relativeStep = 2 ** -17;

/**
 * `‖J‖₂` at these inputs, from below: the largest `‖Jᵀ u‖/‖u‖` of a sequence that turns towards it, until it hardly grows.
 *
 * `Jᵀ u` is an exact pass back. The next u is `J v` for `v = Jᵀ u`, by a central difference: that only has to point the way.
 */
export function jacobianNorm(network: Network<string>, inputs: Named): number {
  const names = Object.keys(inputs);
  const shapes: Record<string, Shape> = Object.fromEntries(names.map((name) => [name, inputs[name].shape]));
  const graph = graphOf(network, shapes);
  const at: Named = Object.fromEntries(names.map((name) => [name, reference.constant(inputs[name])]));
  const step = relativeStep * Math.max(1, ...names.map((name) => largest(at[name])));
  const moved = (v: Named, by: number): Tensor => {
    const there = names.map((name) => [name, reference.add(at[name], reference.scale(v[name], { factor: by }))]);
    return evaluate(graph, reference, { inputs: Object.fromEntries(there) }).output;
  };
  let u: Tensor = random(1).normal(graph.outputs.output.shape, { dtype: "float64" });
  let found = 0;
  for (let k = 0; k < rounds; k++) {
    const size = lengthOf([u]);
    if (size === 0) break;
    u = reference.scale(u, { factor: 1 / size });
    const v = pullback(graph, reference, { inputs: at }, { output: u }, { wanted: ({ op }) => op === "input" }).inputs;
    const norm = lengthOf(Object.values(v));
    if (!(norm > found * (1 + least))) break;
    found = norm;
    u = reference.add(moved(v, step / norm), reference.scale(moved(v, -step / norm), { factor: -1 }));
  }
  return found;
}

/** The Euclidean length of all entries together. */
function lengthOf(parts: readonly Tensor[]): number {
  let sum = 0;
  for (const { data } of parts) for (let i = 0; i < data.length; i++) sum += data[i] * data[i];
  return Math.sqrt(sum);
}

function largest({ data }: Tensor): number {
  let top = 0;
  for (let i = 0; i < data.length; i++) top = Math.max(top, Math.abs(data[i]));
  return top;
}
