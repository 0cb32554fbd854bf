/**
 * @file The cases of the op suite: every operation, attribute and kind of operand, the same for every device. Lengths are
 * pairwise different primes where the operation allows it, so that a swapped axis cannot pass.
 */
import { activateCases } from "./cases/activate.ts";
import { compositeCases } from "./cases/composites.ts";
import { elementwiseCases } from "./cases/elementwise.ts";
import { matmulCases } from "./cases/matmul.ts";
import { movementCases } from "./cases/movement.ts";
import { rowCases } from "./cases/rows.ts";
import { weighCases } from "./cases/weigh.ts";
import type { OpCase } from "./op-case.ts";

/** Every case. A new operation or attribute adds its own here, and every device is tested with it. */
export const opCases: readonly OpCase[] = [
  ...elementwiseCases,
  ...matmulCases,
  ...movementCases,
  ...activateCases,
  ...weighCases,
  ...rowCases,
  ...compositeCases,
];
