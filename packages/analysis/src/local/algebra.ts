/**
 * @file Operations on finite sums Σ e_k ⊗ A_k: tensors A_k with symbols e_k in front, which multiply by a table. With one
 * table the sums are jets, whose coefficients are derivatives, with another polynomials in the entries of the input.
 * A network without gates is read with them like with any other numbers. Letters: k a symbol.
 */
import {
  type Attributes,
  inferShape,
  type Operands,
  type OpName,
  type Ops,
  type Shape,
  type SynchronousDevice,
  sameShape,
  type Tensor,
  UnsupportedError,
  zeros,
} from "@splineformer/tensor";

/** Σ e_k ⊗ A_k; a symbol that is not there has coefficient 0. */
export interface SymbolSum<K> {
  readonly shape: Shape;
  readonly parts: ReadonlyMap<K, Tensor>;
}

/** How symbols multiply. */
export interface Symbols<K> {
  /** The symbol of numbers. */
  readonly one: K;
  /** e_a · e_b; undefined: 0. */
  multiply(a: K, b: K): K | undefined;
  /** Called with the number of symbols of every product; may throw. */
  check?(count: number): void;
}

/** The device's operations, on sums. */
export function operationsOn<K>(device: SynchronousDevice, symbols: Symbols<K>): Ops<SymbolSum<K>> {
  type T = SymbolSum<K>;
  const infer = inferShape as (op: OpName, attributes: unknown, ...shapes: (Shape | undefined)[]) => Shape;
  const number = (value: Tensor): T => ({ shape: value.shape, parts: new Map([[symbols.one, value]]) });

  /** An operation that is linear in its first operand; `others` are numbers. */
  const linear =
    <Op extends "scale" | "splitHeads" | "mergeHeads" | "sum" | "slice" | "gather">(op: Op) =>
    (...args: unknown[]): T => {
      const [x, ...rest] = args as [T, ...unknown[]];
      const others = rest.map((arg) => (isSum<K>(arg) ? (arg.parts.get(symbols.one) as Tensor) : arg));
      const attributes = op === "gather" ? {} : others.at(-1);
      const shapes = op === "gather" ? [x.shape, (others[0] as Tensor).shape] : [x.shape];
      const parts = new Map<K, Tensor>();
      for (const [k, value] of x.parts) parts.set(k, (device[op] as (...args: unknown[]) => Tensor)(value, ...others));
      return { shape: infer(op, attributes ?? {}, ...shapes), parts };
    };
  const product =
    <Op extends "multiply" | "matmul">(op: Op) =>
    (a: T, b: T, attributes: Attributes[Op] = {}): T => {
      const parts = new Map<K, Tensor>();
      for (const [i, left] of a.parts)
        for (const [j, right] of b.parts) {
          const k = symbols.multiply(i, j);
          if (k === undefined) continue;
          const term = (device[op] as (...args: unknown[]) => Tensor)(left, right, attributes);
          const before = parts.get(k);
          parts.set(k, before ? device.add(before, term) : term);
        }
      symbols.check?.(parts.size);
      return { shape: infer(op, attributes, a.shape, b.shape), parts };
    };
  /** An operation that is linear in its two operands together. */
  const together = (shape: Shape, a: T, b: T, join: (a: Tensor, b: Tensor) => Tensor): T => {
    const parts = new Map<K, Tensor>();
    for (const k of new Set([...a.parts.keys(), ...b.parts.keys()]))
      parts.set(k, join(a.parts.get(k) ?? zeros(a.shape), b.parts.get(k) ?? zeros(b.shape)));
    return { shape, parts };
  };
  const refuse = (op: OpName) => (): never => {
    throw new UnsupportedError(`operationsOn: expected a polynomial operation, got ${op}`);
  };

  return {
    constant: (value: Tensor) => number(device.constant(value)),
    parameter: (name: string, value: Tensor) => number(device.parameter(name, value)),
    add(a: T, b: T) {
      const shape = infer("add", {}, a.shape, b.shape);
      if (sameShape(a.shape, shape) && b.parts.size === 0) return a;
      return together(shape, a, b, (x, y) => device.add(x, y));
    },
    concat(a: T, b: T, attributes: Attributes["concat"]) {
      return together(infer("concat", attributes, a.shape, b.shape), a, b, (x, y) => device.concat(x, y, attributes));
    },
    multiply: product("multiply") as (...args: Operands<T>["multiply"]) => T,
    matmul: product("matmul"),
    scale: linear("scale"),
    splitHeads: linear("splitHeads"),
    mergeHeads: linear("mergeHeads"),
    sum: linear("sum"),
    slice: linear("slice"),
    gather: linear("gather"),
    activate: refuse("activate"),
    weigh: refuse("weigh"),
    normalize: refuse("normalize"),
    scan: refuse("scan"),
  };
}

const isSum = <K>(value: unknown): value is SymbolSum<K> =>
  typeof value === "object" && value !== null && "parts" in value;

/** Jets: symbols are sets of directions, as bits; a direction's square is 0, so each appears once in a derivative. */
export const jetSymbols: Symbols<number> = { one: 0, multiply: (a, b) => (a & b ? undefined : a | b) };

/** Monomials: the indices of the factors in ascending order, joined by commas; 1 is the empty string. */
export const monomialSymbols = (check: (count: number) => void): Symbols<string> => ({
  one: "",
  multiply: (a, b) => (a === "" ? b : b === "" ? a : merged(a.split(","), b.split(",")).join()),
  check,
});

const merged = (a: readonly string[], b: readonly string[]): string[] =>
  [...a, ...b].sort((i, j) => Number(i) - Number(j));
