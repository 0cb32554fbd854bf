/**
 * @file One case of the op suite: an operation, its operands and attributes. Plain data, the same for every device.
 */
import {
  type Attributes,
  attention,
  cast,
  type Device,
  type Graph,
  linear,
  type Node,
  type OpName,
  type Ops,
  type RecordOptions,
  record,
  type Shaped,
  type Tensor,
} from "@splineformer/tensor";

/** An operation on given operands. */
export interface OpCase<K extends OpName = OpName> {
  readonly op: K;
  /** The operation and what is special here; unique in the suite. */
  readonly title: string;
  /** In float64, int32 or bool; an absent optional one is undefined. */
  readonly operands: readonly (Tensor | undefined)[];
  readonly attributes: Attributes[K];
}

/** How many operands there are with the optional ones, where there are optional ones. */
const arity: Partial<Record<OpName, number>> = { weigh: 2, linear: 3, attention: 5 };

/** Makes a case; the title is `op: what is special`. Optional operands at the end may be left out. */
export function opCase<K extends OpName>(
  op: K,
  special: string,
  operands: readonly (Tensor | undefined)[],
  attributes: Attributes[K],
): OpCase<K> {
  const all = Array.from({ length: arity[op] ?? operands.length }, (_, i) => operands.at(i));
  return { op, title: `${op}: ${special}`, operands: all, attributes };
}

/** Operations that move or select numbers and compute none: on these a device may not round at all. */
export const movesNumbers: ReadonlySet<OpName> = new Set(["splitHeads", "mergeHeads", "slice", "concat", "gather"]);

/** Calls the case's operation: a composite by its helper, so that a device without it uses the decomposition. */
export function call<T extends Shaped>(
  ops: Ops<T>,
  { op, attributes }: OpCase,
  operands: readonly (T | undefined)[],
): T {
  if (op === "linear") {
    const [x, weight, bias] = operands;
    return linear(ops, x as T, weight as T, bias, attributes as Attributes["linear"]);
  }
  if (op === "attention") {
    const [query, key, value, bias, visible] = operands;
    return attention(ops, query as T, key as T, value as T, bias, visible, attributes as Attributes["attention"]);
  }
  return (ops[op] as (...args: unknown[]) => T).call(ops, ...operands, attributes);
}

/** One head of attention by ReLU, nothing scaled, masked or divided: what most cases differ from by one attribute. */
export const oneHead = {
  activation: "relu",
  mask: "none",
  heads: 1,
  keyValueHeads: 1,
  scale: 1,
  divide: "none",
} as const satisfies Attributes["attention"];

/** The case's operation as a graph. Its operands are constants, since a mask or an index is no input of a network. */
export const recordCase = (given: OpCase, options?: RecordOptions): Graph =>
  record(
    (ops) =>
      call<Node>(
        ops,
        given,
        given.operands.map((x) => x && ops.constant(x)),
      ),
    {},
    options,
  );

/** The operands as a device of this dtype sees them: real numbers are rounded to it; indices and masks stay. */
export function operandsIn(dtype: Device<Shaped>["dtype"], operands: OpCase["operands"]): (Tensor | undefined)[] {
  return operands.map((x) => (x?.dtype === "float64" || x?.dtype === "float32" ? cast(x, dtype) : x));
}
