/**
 * @file What is to be certified: breakpoints, each with a window around it, and the pieces between the windows. Letters: r the
 * radius of a window, a power of two, so that at ± r are numbers that can be told exactly.
 */

export interface Claims {
  /** 0 = t₀ < … < t_K = end. */
  readonly places: readonly number[];
  /** One for each place; 0 at both ends of the line, not where a path that is not done breaks off. */
  readonly radii: readonly number[];
}

/** Windows as wide as asked for, or as the neighbours leave room for. */
export function claimsOf(places: ArrayLike<number>, radius: number): Claims {
  const own = Array.from(places);
  const radii = own.map((at, i) => {
    if (at === 0 || at === 1) return 0;
    const room = Math.min(at - own[i - 1], (own[i + 1] ?? 1) - at) / 3;
    return powerBelow(Math.min(radius, room));
  });
  return { places: own, radii };
}

/** The largest power of two that is no larger. */
function powerBelow(x: number): number {
  const power = 2 ** Math.floor(Math.log2(x));
  return power > x ? power / 2 : power;
}
