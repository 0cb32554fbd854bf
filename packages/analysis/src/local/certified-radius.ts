/**
 * @file How far a frozen network's region reaches: a radius in which every unit provably keeps its piece, and the directions in
 * which the next boundaries seem to be. Letters: r a radius.
 */
import type { Tensor } from "@splineformer/tensor";
import type { FrozenGraph } from "./frozen-graph.ts";
import type { TaylorModel } from "./taylor-model.ts";

/** The unit directions along the slopes of the units that are nearest by them. */
export function towards(
  { graph, gates }: FrozenGraph,
  model: TaylorModel,
  values: Record<string, Tensor>,
  candidates: number,
): Float64Array[] {
  const found: { readonly distance: number; readonly direction: () => Float64Array }[] = [];
  for (const { name, lower, upper } of gates) {
    const slopes = model.slopes(graph.outputs[name]);
    if (!slopes) continue;
    const { data } = values[name];
    const size = data.length;
    const count = slopes.shape[0];
    for (let i = 0; i < size; i++)
      for (const [level, sign] of [
        [lower[i], -1],
        [upper[i], 1],
      ]) {
        if (!Number.isFinite(level)) continue;
        let norm = 0;
        for (let p = 0; p < count; p++) norm = Math.hypot(norm, slopes.data[p * size + i]);
        const distance = Math.abs(data[i] - level) / norm;
        if (!Number.isFinite(distance)) continue;
        const direction = (): Float64Array =>
          Float64Array.from({ length: count }, (_, p) => (sign * slopes.data[p * size + i]) / norm);
        found.push({ distance, direction });
      }
  }
  found.sort((a, b) => a.distance - b.distance);
  return found.slice(0, candidates).map(({ direction }) => direction());
}

/** The largest r, by bisection, at which every unit provably keeps its piece. */
export function certifiedRadius(
  { graph, gates }: FrozenGraph,
  model: TaylorModel,
  values: Record<string, Tensor>,
): number {
  const nodes = gates.map(({ name }) => graph.outputs[name]);
  const holds = (r: number): boolean => {
    const variation = model.variation(nodes, r);
    return gates.every(({ name, lower, upper }, g) => {
      const { data } = values[name];
      for (let i = 0; i < data.length; i++) {
        // rounded towards no
        const reach = variation[g][i];
        // nothing that moves leads here
        if (reach === 0) continue;
        const slack = Math.min(data[i] - lower[i], upper[i] - data[i]) * (1 - 2 ** -50);
        if (!(slack > reach)) return false;
      }
      return true;
    });
  };
  if (gates.length === 0) return Number.POSITIVE_INFINITY;
  let [lo, hi] = [0, 1];
  if (holds(hi)) {
    while (holds(hi)) {
      if (hi > 2 ** 60) return hi;
      [lo, hi] = [hi, 2 * hi];
    }
  } else
    for (lo = hi / 2; !holds(lo); ) {
      if (lo < 2 ** -60) return 0;
      [lo, hi] = [lo / 2, lo];
    }
  // three digits more than anybody reads
  for (let k = 0; k < 16; k++) {
    const middle = 0.5 * (lo + hi);
    if (holds(middle)) lo = middle;
    else hi = middle;
  }
  return lo;
}
