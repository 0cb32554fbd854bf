/**
 * @file What a language model has to beat: letters predicted by the two before them, by counting. Where a pair of letters was
 * seen seldom, the last letter alone counts for more, and so on down to all letters alike (interpolation after Witten and Bell).
 */

/**
 * A function from the two ids before to the probabilities of the next.
 *
 * @param words - each a list of ids in [1, symbols); 0 stands before a word, twice, and ends it
 * @source I. H. Witten, T. C. Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37 (1991)
 */
export function trigram(
  words: readonly (readonly number[])[],
  symbols: number,
): (before: readonly [number, number]) => Float64Array {
  const counts = [0, 1, 2].map((order) => new Float64Array(symbols ** (order + 1)));
  for (const word of words) {
    let [a, b] = [0, 0];
    for (const c of [...word, 0]) {
      counts[0][c]++;
      counts[1][b * symbols + c]++;
      counts[2][(a * symbols + b) * symbols + c]++;
      [a, b] = [b, c];
    }
  }
  return ([a, b]) => {
    let p = new Float64Array(symbols).fill(1 / symbols);
    for (const [order, context] of [0, b, a * symbols + b].entries()) {
      const row = counts[order].subarray(context * symbols, (context + 1) * symbols);
      const total = row.reduce((x, y) => x + y, 0);
      const kinds = row.filter((count) => count > 0).length;
      if (total > 0) p = p.map((lower, c) => (row[c] + kinds * lower) / (total + kinds));
    }
    return p;
  };
}

/** Mean bits for each letter and each end of a word. */
export function trigramBits(predict: ReturnType<typeof trigram>, words: readonly (readonly number[])[]): number {
  let bits = 0;
  let count = 0;
  for (const word of words) {
    let before: readonly [number, number] = [0, 0];
    for (const c of [...word, 0]) {
      bits -= Math.log2(predict(before)[c]);
      count++;
      before = [before[1], c];
    }
  }
  return bits / count;
}
