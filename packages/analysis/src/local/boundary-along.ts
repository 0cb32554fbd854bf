/**
 * @file The first boundary on a ray, by the exact engine: the line from x on is walked up to its first breakpoint.
 */
import {
  checkOptions,
  evaluate,
  type Graph,
  type Network,
  type SynchronousDevice,
  show,
  type Tensor,
} from "@splineformer/tensor";
import { type Cause, unitOf } from "../causes.ts";
import type { Inputs } from "../line-inputs.ts";
import { restrictToLine } from "../restrict-to-line.ts";
import type { FrozenGraph } from "./frozen-graph.ts";

export interface BoundaryOptions {
  /** How far to look, in lengths of the direction. Default 1024. */
  readonly limit?: number;
}

/** Where a ray meets the boundary of a region. */
export interface Boundary {
  /** The t of x + t·direction; `Infinity` if there is none up to the limit. */
  readonly at: number;
  /** Every unit that switches there, from which piece to which. */
  readonly causes: readonly Cause[];
}

export function boundaryAlong(
  source: Network | Graph,
  frozen: FrozenGraph,
  x: Inputs,
  direction: Inputs,
  on: SynchronousDevice,
  options: BoundaryOptions,
): Boundary {
  const where = "localPolynomial.boundaryAlong";
  checkOptions(where, options, ["limit"]);
  const { limit = 1024 } = options;
  if (!(typeof limit === "number" && limit > 0 && limit < Number.POSITIVE_INFINITY))
    throw new RangeError(`${where}: expected limit > 0, got ${show(limit)}`);
  const nowhere: Boundary = { at: Number.POSITIVE_INFINITY, causes: [] };
  if (Object.values(direction).every(({ data }) => data.every((v) => v === 0))) return nowhere;
  const to = (t: number): Inputs =>
    Object.fromEntries(Object.entries(x).map(([name, value]) => [name, along(value, direction[name], t)]));
  const walk = (length: number) => {
    const line = [x, to(length)] as const;
    // with no time left, one piece more each time
    const one = restrictToLine(source as Graph, ...line, { on, budgetMs: 0 });
    return one.end === 1 ? one : restrictToLine(source as Graph, ...line, { on, budgetMs: 0, resume: one });
  };
  let length = Math.min(limit, 1);
  let path = walk(length);
  const early = atOnce(frozen, on, to(0.5 * path.breakpoints[1] * length));
  if (early.length > 0) return { at: 0, causes: early };
  while (path.breakpoints.length === 2 && length < limit) {
    length = Math.min(limit, 4 * length);
    path = walk(length);
  }
  if (path.breakpoints.length === 2) return nowhere;
  // places are known to a part of the line: the shorter it is, the better
  for (let again = 0; again < 4 && path.breakpoints[1] < 2 ** -4; again++) {
    const shorter = 2 * path.breakpoints[1] * length;
    const next = walk(shorter);
    if (next.breakpoints.length === 2) break;
    [length, path] = [shorter, next];
  }
  return { at: path.breakpoints[1] * length, causes: path.causes[1] };
}

const along = (x: Tensor, u: Tensor, t: number): Tensor => ({
  dtype: "float64",
  shape: x.shape,
  data: Float64Array.from(x.data, (v, i) => v + t * u.data[i]),
});

/** The units that have left their piece already between x and the first breakpoint: x lies on their boundary. */
function atOnce({ graph, gates }: FrozenGraph, on: SynchronousDevice, inputs: Inputs): Cause[] {
  const at = evaluate(graph, on, { inputs });
  return gates.flatMap(({ node, name, pattern, lower, upper }) =>
    [...pattern].flatMap((before, entry) => {
      const s = at[name].data[entry];
      if (s <= lower[entry]) return [{ ...unitOf(node, entry), before, after: before - 1 }];
      if (s > upper[entry]) return [{ ...unitOf(node, entry), before, after: before + 1 }];
      return [];
    }),
  );
}
