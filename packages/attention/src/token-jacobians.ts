/**
 * @file Maps that read every token alone, and how each changes with its own token. A layer's queries and keys are such maps:
 * with a norm of heads each token has a matrix of its own, with rotary embeddings each position. So is everything in a model but
 * attention. Letters: n tokens, W the map.
 */
import {
  type Graph,
  isLeaf,
  type Lifted,
  lift,
  type Ops,
  pullback,
  record,
  reference,
  type Shaped,
  type Tensor,
  zeros,
} from "@splineformer/tensor";
import { type AttentionConfig, type AttentionParameters, keyOf, queryOf } from "./attend.ts";
import { frobenius, spectralNorm } from "./spectral-norm.ts";

/**
 * `max_i ‖∂f(x)_i/∂x_i‖₂`, from above: the norm of the Jacobian of a map f that reads every token alone.
 *
 * That Jacobian is a block for each token, so nothing is lost but a few parts in 10⁴: a norm, a clamp, a feed-forward are as
 * steep as at these tokens, not as somewhere. At a knot the derivative is the one on the left. One pass back for each channel.
 *
 * @param f - from [n, width] to [n, any width], where row i of the result depends on row i alone; not checked
 * @param x - [n, width]
 * @param parameters - what f reads; default none
 * @example
 * ```ts
 * import { tokenwiseNorm } from "@splineformer/attention";
 * import { tensor } from "@splineformer/tensor";
 * // x² has slopes 2 and −6
 * tokenwiseNorm((ops, x) => ops.multiply(x, x), tensor([[1], [-3]])).toFixed(3); // "6.000"
 * ```
 */
export function tokenwiseNorm<P = undefined>(f: Tokenwise<P>, x: Tensor, parameters?: P): number {
  const graph = recorded(f, x, parameters as P);
  // a map that does nothing
  if (isLeaf(graph.outputs.output)) return 1;
  let top = 0;
  // no matrix is larger than its entries together
  for (const jacobian of jacobiansOf(graph, x))
    if (frobenius(jacobian.data) > top) top = Math.max(top, spectralNorm(jacobian));
  return top;
}

type Tokenwise<P> = <T extends Shaped>(ops: Ops<T>, x: T, parameters: Lifted<P, T>) => T;

const recorded = <P>(f: Tokenwise<P>, { shape }: Tensor, parameters: P): Graph =>
  record((ops, inputs) => f(ops, inputs.x, lift(ops, parameters)), { x: shape });

/** `∂f(x)_i/∂x_i` for every token i, [width, width of f], of the graph of f. */
function jacobiansOf(graph: Graph, x: Tensor): readonly Tensor[] {
  const [n, width] = x.shape;
  const columns = graph.outputs.output.shape.at(-1) as number;
  const jacobians = Array.from({ length: n }, () => zeros([width, columns], { dtype: "float64" }));
  const bindings = { inputs: { x: reference.constant(x) } };
  for (let c = 0; c < columns; c++) {
    const column = zeros([n, columns], { dtype: "float64" });
    for (let i = 0; i < n; i++) column.data[i * columns + c] = 1;
    const { data } = pullback(graph, reference, bindings, { output: column }, { wanted: ({ op }) => op === "input" })
      .inputs.x;
    for (const [i, jacobian] of jacobians.entries())
      for (let a = 0; a < width; a++) jacobian.data[a * columns + c] = data[i * width + a];
  }
  return jacobians;
}

/**
 * `∂q_i/∂x_i` or `∂k_i/∂x_i`, for every token i: W itself where queries and keys are affine maps of tokens.
 *
 * @param x - [n, width]
 * @returns n matrices [width, heads · head width]
 */
export function tokenJacobians(
  side: "query" | "key",
  config: AttentionConfig,
  parameters: AttentionParameters<Tensor>,
  x: Tensor,
): readonly Tensor[] {
  const { qkNorm = "none", rotary = "none" } = config;
  if (qkNorm === "none" && rotary === "none") return new Array<Tensor>(x.shape[0]).fill(parameters[side].weight);
  const of = side === "query" ? queryOf : keyOf;
  return jacobiansOf(
    recorded((ops, tokens, own) => of(ops, config, own, tokens), x, parameters),
    x,
  );
}
