/**
 * @file The degree of a network as a spline: a rule over its graph, so it knows no layer types.
 */
import {
  checkOptions,
  graphDegree,
  graphOf,
  type InputShape,
  type Network,
  required,
  type Shape,
} from "@splineformer/tensor";

export interface DegreeOptions {
  /** Free lengths by name, such as `{ tokens: 5 }`. Default 2 each: the rules do not depend on it. */
  readonly lengths?: Readonly<Record<string, number>>;
}

/**
 * The degree of a network's output in each input, and in all of them together, on any one of its pieces.
 *
 * It follows from the rules of composition (sums take the larger, products add, an activation multiplies), so it is a
 * bound that almost all weights attain: 3^t for t ReLU encoder blocks, 3^s(3^t − 1) in the source and 3^t in the target
 * for s encoder and t decoder blocks.
 *
 * @throws UnsupportedError naming the first operation that is no piecewise polynomial, and its place
 * @throws RangeError if the degree is 2^53 or more, as that of 34 blocks: it could not be told exactly
 * @source arXiv 2408.09624
 * @example
 * ```ts
 * import { createTransformer, degree } from "@splineformer/transformer";
 * degree(createTransformer({ layers: 1, width: 2, heads: 1 })); // { source: 6, target: 3, total: 9 }
 * ```
 */
export function degree<I extends string, C, P>(
  network: Network<I, C, P>,
  options: DegreeOptions = {},
): Readonly<Record<I | "total", number>> {
  const shapes = freeShapes("degree", network, options);
  return graphDegree(graphOf(network, shapes)) as Readonly<Record<I | "total", number>>;
}

/** The shapes of a network's inputs with its free lengths set, in the name of `where`. */
export function freeShapes<I extends string, C, P>(
  where: string,
  network: Network<I, C, P>,
  options: DegreeOptions,
): Record<I, Shape> {
  const fits = typeof network === "object" && network !== null && typeof network.run === "function";
  required(fits, where, "a network { inputs, config, parameters, run }", network);
  checkOptions(where, options, ["lengths"]);
  const { lengths = {} } = options;
  const free = Object.values<InputShape>(network.inputs)
    .flat()
    .filter((length) => typeof length === "string");
  checkOptions(`${where}: lengths`, lengths, free);
  const shapes = {} as Record<I, Shape>;
  for (const name of Object.keys(network.inputs) as I[])
    shapes[name] = network.inputs[name].map((length) => {
      if (typeof length === "number") return length;
      const { [length]: given = 2 } = lengths;
      return required(Number.isInteger(given) && given > 0, where, `length ${length} to be a whole number > 0`, given);
    });
  return shapes;
}
