/**
 * @file Nested arrays of numbers, and what batch axes and broadcasting mean on them: plain recursion over the outermost
 * axis, sharing no code with the devices.
 */

/** A number, or arrays of arrays of numbers. */
export type Numbers = number | Numbers[];
export type Row = number[];
export type Matrix = number[][];

export const rankOf = (x: Numbers): number => (typeof x === "number" ? 0 : 1 + rankOf(x[0] ?? 0));

/**
 * Applies f to every combination of entries of the batch axes, the operands' axes before their last `ranks[i]`.
 * An operand that lacks a batch axis, or has it with length 1, is repeated.
 */
export function overBatch(
  operands: readonly Numbers[],
  ranks: readonly number[],
  f: (...parts: Numbers[]) => Numbers,
): Numbers {
  const extra = operands.map((x, i) => rankOf(x) - ranks[i]);
  const depth = Math.max(...extra);
  if (depth <= 0) return f(...operands);
  const outermost = operands.map((x, i) => (extra[i] === depth ? (x as Numbers[]) : undefined));
  const length = outermost.reduce((n, x) => (x && x.length !== 1 ? x.length : n), 1);
  return Array.from({ length }, (_, b) =>
    overBatch(
      operands.map((x, i) => {
        const parts = outermost[i];
        return parts ? parts[parts.length === 1 ? 0 : b] : x;
      }),
      ranks,
      f,
    ),
  );
}

/** f of every entry. */
export const everyEntry = (x: Numbers, f: (z: number) => number): Numbers => overBatch([x], [0], (z) => f(z as number));
