/**
 * @file The batch law, op(stack) = stack(op): how a case is repeated with other numbers and stacked along one more
 * leading axis. Letters: s the number of stacked cases.
 */
import { type OpName, type Shape, type Tensor, tensor } from "@splineformer/tensor";
import { seeded } from "./data.ts";
import type { OpCase } from "./op-case.ts";

/** A case, some of whose operands have a leading axis, and the cases it must equal one by one. */
export interface Stacked {
  readonly title: string;
  readonly stack: OpCase;
  readonly parts: readonly OpCase[];
}

/** How many trailing axes an operand is read by; `fixed` operands have no batch axes; attributes may decide. */
function trailingAxes({ op, attributes }: OpCase): readonly (number | "fixed")[] {
  const ranks: { readonly [K in OpName]: readonly (number | "fixed")[] } = {
    add: [0, 0],
    multiply: [0, 0],
    scale: [0],
    matmul: [2, 2],
    splitHeads: [2],
    mergeHeads: [3],
    activate: [0],
    weigh: [2, 2],
    normalize: [1],
    sum: [0],
    slice: [2],
    concat: [2, 2],
    gather: [2, 1],
    scan: [2, 2],
    linear: [2, "fixed", "fixed"],
    attention: [2, 2, 2, 3, 3],
  };
  if (op === "slice" || op === "concat") {
    const rank = -(attributes as { readonly axis: number }).axis;
    return ranks[op].map(() => rank);
  }
  return ranks[op];
}

/** Operands that may have batch axes of their own; the others only follow. */
const leading: { readonly [K in OpName]: readonly number[] } = {
  add: [0, 1],
  multiply: [0, 1],
  scale: [0],
  matmul: [0, 1],
  splitHeads: [0],
  mergeHeads: [0],
  activate: [0],
  weigh: [0],
  normalize: [0],
  sum: [0],
  slice: [0],
  concat: [0, 1],
  gather: [0, 1],
  scan: [0, 1],
  linear: [0],
  attention: [0, 1, 2],
};

/**
 * The ways to stack a case: every operand that can be stacked, and each leading operand alone while the others serve the
 * whole batch. The further members of the stack have the same entries in another order.
 *
 * @param size - s, how many cases are stacked
 */
export function stackings(given: OpCase, size = 3): readonly Stacked[] {
  const ranks = trailingAxes(given);
  const aligned = { ...given, operands: align(given.operands, ranks) };
  const all = given.operands.flatMap((x, i) => (x && ranks[i] !== "fixed" ? [i] : []));
  const alone = leading[given.op].filter((i) => all.length > 1 && all.includes(i)).map((i) => [i]);
  return [all, ...alone].map((stacked, way) => {
    const parts = variants(aligned, stacked, size);
    const operands = aligned.operands.map((x, i) =>
      x && stacked.includes(i) ? stackTensors(parts.map((part) => part.operands[i] as Tensor)) : x,
    );
    const which = way === 0 ? "stacked" : `only operand ${stacked[0] + 1} stacked`;
    return { title: `${given.title}, ${which}`, stack: { ...aligned, operands }, parts };
  });
}

/** Operands with as many batch axes each, by axes of length 1, so that one more axis in front is the same for all. */
function align(operands: OpCase["operands"], ranks: readonly (number | "fixed")[]): readonly (Tensor | undefined)[] {
  const batch = operands.map((x, i) => (x && ranks[i] !== "fixed" ? x.shape.length - ranks[i] : 0));
  const most = Math.max(0, ...batch);
  return operands.map((x, i) => {
    const rank = ranks[i];
    if (!x || rank === "fixed") return x;
    const missing = most + rank - x.shape.length;
    return missing > 0 ? { ...x, shape: [...new Array<number>(missing).fill(1), ...x.shape] } : x;
  });
}

function variants(given: OpCase, stacked: readonly number[], size: number): OpCase[] {
  const data = seeded(19);
  return Array.from({ length: size }, (_, part) => ({
    ...given,
    title: `${given.title}, part ${part}`,
    operands: given.operands.map((x, i) => (x && part > 0 && stacked.includes(i) ? data.shuffled(x) : x)),
  }));
}

/**
 * Tensors of one shape along a new leading axis.
 *
 * @example
 * ```ts
 * import { tensor, toNested } from "@splineformer/tensor";
 * import { stackTensors } from "@splineformer/testing";
 * toNested(stackTensors([tensor([1, 2]), tensor([3, 4])])); // [[1, 2], [3, 4]]
 * ```
 */
export function stackTensors(parts: readonly Tensor[]): Tensor {
  const [{ shape, data }] = parts;
  const joined = data.slice();
  const whole = new (joined.constructor as Float64ArrayConstructor)(parts.length * data.length);
  for (const [i, part] of parts.entries()) whole.set(part.data, i * data.length);
  const stacked: Shape = [parts.length, ...shape];
  return tensor(whole, stacked);
}
