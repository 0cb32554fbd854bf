/**
 * @file A network's parameters: a plain tree of records and arrays with tensors for leaves. A parameter's name is its
 * dotted path, `blocks.0.attention.query.weight`.
 */
import { checkOperations, checkRecord } from "./check.ts";
import { ShapeError, show } from "./errors.ts";
import { type Shaped, sameShape, showShape } from "./shape.ts";
import { isTensor, type Tensor } from "./tensor.ts";
import type { Ops } from "./vocabulary.ts";

/** A network, as far as its parameters go. */
interface Parametrised {
  readonly parameters: unknown;
}

/** A tree of parameters with its tensors read as T. */
export type Lifted<P, T> = P extends Tensor ? T : P extends object ? { readonly [K in keyof P]: Lifted<P[K], T> } : P;

/**
 * A tree of parameters with every tensor lifted into `ops`, under its dotted name.
 *
 * @example
 * ```ts
 * import { lift, reference, tensor } from "@splineformer/tensor";
 * lift(reference, { layers: [{ weight: tensor([1]) }] }).layers[0].weight.dtype; // "float64"
 * ```
 */
export function lift<P, T extends Shaped>(ops: Ops<T>, parameters: P): Lifted<P, T> {
  checkOperations("lift", "ops", ops);
  return mapTensors(parameters, (value, name) => ops.parameter(name, value)) as Lifted<P, T>;
}

/** A tree with every tensor replaced by what `f` gives for it and its dotted name. */
function mapTensors(tree: unknown, f: (value: Tensor, name: string) => unknown): unknown {
  const visit = (part: unknown, name: string, depth: number): unknown => {
    if (isTensor(part)) return f(part, name);
    if (typeof part === "object" && part !== null && depth === maximumDepth)
      throw new RangeError(
        `parameters: expected a tree at most ${maximumDepth} deep, got more at ${show(name)} (does it hold itself?)`,
      );
    const inner = (key: string | number): string => (name ? `${name}.${key}` : String(key));
    if (Array.isArray(part)) return part.map((p, i) => visit(p, inner(i), depth + 1));
    if (typeof part === "object" && part !== null)
      return Object.fromEntries(Object.entries(part).map(([key, p]) => [key, visit(p, inner(key), depth + 1)]));
    return part;
  };
  return visit(tree, "", 0);
}

/** Far more than any network nests; a tree that holds itself has no end. */
const maximumDepth = 100;

/**
 * Every parameter by its dotted name.
 *
 * @example
 * ```ts
 * import { parametersOf, tensor } from "@splineformer/tensor";
 * const network = { inputs: {}, config: {}, parameters: { layers: [{ weight: tensor([1]) }] }, run: () => { throw 0; } };
 * Object.keys(parametersOf(network)); // ["layers.0.weight"]
 * ```
 */
export function parametersOf(network: Parametrised): Record<string, Tensor> {
  checkRecord("parametersOf", "a network", network);
  const found: Record<string, Tensor> = {};
  mapTensors(network.parameters, (value, name) => {
    found[name] = value;
  });
  return found;
}

/**
 * The same network with other numbers.
 *
 * @param named - a tensor for every parameter, or for some of them, by dotted name
 * @throws RangeError if a name is unknown
 * @throws ShapeError if a tensor has another shape than the parameter
 * @example
 * ```ts
 * import { forward, type Network, tensor, type Tensor, toNested, withParameters } from "@splineformer/tensor";
 * const shift: Network<"x", {}, { by: Tensor }> = {
 *   inputs: { x: [2] },
 *   config: {},
 *   parameters: { by: tensor([1, 0]) },
 *   run: (ops, { by }, { x }) => ops.add(x, by),
 * };
 * toNested(forward(withParameters(shift, { by: tensor([0, 5]) }), tensor([3, 4]))); // [3, 9]
 * ```
 */
export function withParameters<N extends Parametrised>(network: N, named: Readonly<Record<string, Tensor>>): N {
  checkRecord("withParameters", "a network", network);
  checkRecord("withParameters", "tensors by parameter name", named);
  const known = parametersOf(network);
  for (const [name, value] of Object.entries(named)) {
    if (!Object.hasOwn(known, name))
      throw new RangeError(`withParameters: expected a parameter's name, got ${show(name)}`);
    if (!isTensor(value))
      throw new RangeError(`withParameters: expected ${show(name)} to be a tensor, got ${show(value)}`);
    if (!sameShape(value.shape, known[name].shape))
      throw new ShapeError(
        `withParameters: expected ${show(name)} of shape ${showShape(known[name].shape)}, got ${showShape(value.shape)}`,
      );
  }
  const parameters = mapTensors(network.parameters, (value, name) =>
    Object.hasOwn(named, name) ? named[name] : value,
  );
  return { ...network, parameters };
}
