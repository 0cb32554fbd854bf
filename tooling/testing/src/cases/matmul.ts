/**
 * @file Cases of matmul: four ways to store the operands, batch on either side, sizes that fill no tile.
 */
import { seeded } from "../data.ts";
import { type OpCase, opCase } from "../op-case.ts";

const data = seeded(3);

const stored = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) =>
    (
      [
        [3, 5, 7],
        [13, 19, 29],
      ] as const
    ).map(([m, k, n]) => {
      const name = `${transposeA ? "aᵀ" : "a"} ${transposeB ? "bᵀ" : "b"}`;
      const a = data.normal(transposeA ? [k, m] : [m, k]);
      const b = data.normal(transposeB ? [n, k] : [k, n]);
      return opCase("matmul", `${name}, ${m} × ${k} × ${n}`, [a, b], { transposeA, transposeB });
    }),
  ),
);

const batches: readonly (readonly [special: string, a: readonly number[], b: readonly number[]])[] = [
  ["batch on both sides", [2, 3, 5], [2, 5, 7]],
  ["batch on the left only", [2, 3, 5], [5, 7]],
  ["batch on the right only", [3, 5], [2, 5, 7]],
  ["batch axes that repeat on both sides", [2, 1, 3, 5], [11, 5, 7]],
  ["a row times a column", [1, 13], [13, 1]],
  ["a column times a row", [11, 1], [1, 7]],
  ["one number times one number", [1, 1], [1, 1]],
  ["one row, as in decoding", [1, 17], [17, 23]],
  ["one column", [17, 23], [23, 1]],
];

export const matmulCases: readonly OpCase[] = [
  ...stored,
  ...batches.map(([special, a, b]) => opCase("matmul", special, [data.normal(a), data.normal(b)], {})),
  opCase("matmul", "batch on both sides, bᵀ", [data.normal([2, 3, 5]), data.normal([2, 7, 5])], { transposeB: true }),
  opCase("matmul", "batch that repeats, aᵀ", [data.normal([2, 5, 3]), data.normal([1, 5, 7])], { transposeA: true }),
];
