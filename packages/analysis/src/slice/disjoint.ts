/** @file Disjoint sets of numbers: which of them belong together, told pair by pair. */

/** Disjoint sets of the numbers below a count. */
export function disjoint(count: number) {
  const parents = Uint32Array.from({ length: count }, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]];
      at = parents[at];
    }
    return at;
  };
  return {
    join(i: number, j: number): void {
      const [p, q] = [root(i), root(j)];
      parents[Math.max(p, q)] = Math.min(p, q);
    },
    /** The sets numbered in the order of their first members. */
    named(): { readonly names: Uint32Array; readonly count: number } {
      const names = new Uint32Array(count);
      let known = 0;
      for (let i = 0; i < count; i++) names[i] = root(i) === i ? known++ : names[root(i)];
      return { names, count: known };
    },
  };
}
