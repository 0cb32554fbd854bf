/**
 * @file Which id comes next: the largest logit, or one drawn from the distribution that logits stand for.
 * Letters: z logits, T temperature, p probabilities.
 */
import { required, show } from "@splineformer/tensor";

export interface SamplingOptions {
  /** T ≥ 0. With 0, the default, the largest logit is taken, the lower id of two equal ones; else p ∝ e^(z/T). */
  readonly temperature?: number;
  /** Only so many ids of the largest logits may come. Default all; with temperature 0 it means nothing. */
  readonly topK?: number;
  /**
   * Only the most probable ids may come, as few as make up this probability (arXiv 1904.09751); in (0, 1], after temperature and
   * topK. Default 1; with temperature 0 it means nothing.
   */
  readonly topP?: number;
}

/**
 * A function from logits to an id.
 *
 * @param options - checked at once
 * @returns `choose(z, u)`, u uniform on [0, 1)
 * @throws RangeError if an option is out of range; `choose` throws it if a logit is NaN or infinite
 */
export function sampler(
  where: string,
  { temperature = 0, topK, topP = 1 }: SamplingOptions,
): (z: ArrayLike<number>, u: () => number) => number {
  required(Number.isFinite(temperature) && temperature >= 0, where, "a finite temperature ≥ 0", temperature);
  if (topK !== undefined)
    required(Number.isSafeInteger(topK) && topK > 0, where, "topK to be a whole number ≥ 1", topK);
  required(topP > 0 && topP <= 1, where, "topP in (0, 1]", topP);
  return (z, u) => {
    const best = largest(where, z);
    if (temperature === 0) return best;
    const p = Float64Array.from({ length: z.length }, (_, id) => Math.exp((z[id] - z[best]) / temperature));
    const ids = Array.from(p, (_, id) => id);
    // by logit: probabilities of 0 keep their order
    if (topK !== undefined || topP < 1) ids.sort((a, b) => z[b] - z[a] || a - b);
    return drawn(p, nucleus(p, ids.slice(0, topK), topP), u());
  };
}

/** The first id of the largest logit. */
function largest(where: string, z: ArrayLike<number>): number {
  let best = 0;
  for (let id = 0; id < z.length; id++) {
    if (!Number.isFinite(z[id]))
      throw new RangeError(`${where}: expected logits to be finite, got ${show(z[id])} for id ${id}`);
    if (z[id] > z[best]) best = id;
  }
  return best;
}

/** The first ids, as few as make up `part` of the probability of all. */
function nucleus(p: Float64Array, ids: readonly number[], part: number): readonly number[] {
  if (part === 1) return ids;
  const enough = part * massOf(p, ids);
  let sum = 0;
  const last = ids.findIndex((id) => {
    sum += p[id];
    return sum >= enough;
  });
  return ids.slice(0, last + 1);
}

/** One of the ids, with probability in proportion to p. */
function drawn(p: Float64Array, ids: readonly number[], u: number): number {
  let rest = u * massOf(p, ids);
  let chosen = ids[0];
  for (const id of ids) {
    // sums round, so the last id that can come is kept for the end
    if (p[id] > 0) chosen = id;
    rest -= p[id];
    if (rest < 0) break;
  }
  return chosen;
}

const massOf = (p: Float64Array, ids: readonly number[]): number => ids.reduce((sum, id) => sum + p[id], 0);
