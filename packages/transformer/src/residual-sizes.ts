/** @file How large the residual stream is from block to block: whether a model can be trained from where it starts. */
import {
  checkOptions,
  type Given,
  type Network,
  namedInputs,
  required,
  type SynchronousDevice,
  type Tensor,
} from "@splineformer/tensor";
import { intermediates } from "./intermediates.ts";

/** Growth from the first block's input to a block's output that no training was seen to survive. */
export const mostGrowth = 100;

/** What helps. */
export const keeps = "clamp: 3, a smaller layerScale or a norm keeps it";

/**
 * Root mean squares of what enters the first block, under `"input"`, and of what leaves each block.
 *
 * Without a norm, ReLU attention takes a residual of size r to about r + c·r³, so a deep stack may go from .76 by way of 1, 1.5
 * and 4.2 to 1e3 and beyond.
 *
 * @param x - a typical input, or inputs by name; leading axes are batch
 * @param options - `on`: the device; default `reference`
 * @throws RangeError if the network has no blocks
 * @example
 * ```ts
 * import { random } from "@splineformer/tensor";
 * import { createEncoder, residualSizes } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 3, width: 6, heads: 3, seed: 1 });
 * Object.keys(residualSizes(model, random(2).normal([5, 6]))); // ["input", "block 0", "block 1", "block 2"]
 * ```
 */
export function residualSizes<I extends string, C, P>(
  model: Network<I, C, P>,
  x: Given<I>,
  options: { readonly on?: SynchronousDevice } = {},
): Readonly<Record<string, number>> {
  return sizes("residualSizes", model, x, options);
}

/**
 * Refuses a model whose residual stream explodes on x, before its weights are trained in vain.
 *
 * @param x - a typical input, or inputs by name; leading axes are batch
 * @param options - `on`: the device; default `reference`
 * @throws RangeError naming the first block after which the stream is more than 100 times as large as before the first, or not
 * finite, and what helps
 * @example
 * ```ts
 * import { random } from "@splineformer/tensor";
 * import { checkResidual, createEncoder } from "@splineformer/transformer";
 * const x = random(2).normal([16, 32]);
 * const deep = { layers: 12, width: 32, heads: 4, seed: 1 } as const;
 * checkResidual(createEncoder(deep), x); // undefined: the defaults keep it
 * checkResidual(createEncoder({ ...deep, layerScale: 1, clamp: "none" }), x); // throws RangeError
 * ```
 */
export function checkResidual<I extends string, C, P>(
  model: Network<I, C, P>,
  x: Given<I>,
  options: { readonly on?: SynchronousDevice } = {},
): void {
  const found = Object.entries(sizes("checkResidual", model, x, options));
  const [[, first]] = found;
  const bad = found.findIndex(([, size]) => !(size <= mostGrowth * first));
  if (bad < 0) return;
  const list = found.slice(0, bad + 1).map(([, size]) => size.toPrecision(2));
  throw new RangeError(
    `checkResidual: expected a residual stream that keeps its size, got ${list.join(", ")} up to ${found[bad][0]}; ${keeps}`,
  );
}

function sizes<I extends string, C, P>(
  where: string,
  model: Network<I, C, P>,
  x: Given<I>,
  options: { readonly on?: SynchronousDevice },
): Record<string, number> {
  checkOptions(where, options, ["on"]);
  const [given] = Object.values<Tensor>(namedInputs(where, model, x));
  const found: Record<string, number> = {};
  let before = given;
  for (const [name, value] of intermediates(model, x, options as { readonly on: SynchronousDevice })) {
    const block = /^(.*?\bblock \d+)\//.exec(name)?.[1];
    // what is computed last in a block is what leaves it
    if (block !== undefined) {
      if (!("input" in found)) found.input = rootMeanSquare(before);
      found[block] = rootMeanSquare(value);
    }
    before = value;
  }
  required(Object.keys(found).length > 0, where, "a network with blocks", Object.keys(found).length);
  return found;
}

export function rootMeanSquare({ data }: Tensor): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] * data[i];
  return Math.sqrt(sum / data.length);
}
