/**
 * @file The vocabulary: `Operands` and `Attributes` are the one table of operations, `Ops<T>` is how they are called,
 * a `Device<T>` is who computes them. T is a tensor, a handle on a GPU, or a node of a graph.
 *
 * Law 1, batch transparency: an operation looks only at trailing axes, counted from the end; every leading axis is
 * batch. So op(stack of xs) = stack of op(x), and a polynomial on an interval is a tensor with one more leading axis.
 * Law 2: operands first (an optional one that is absent is `undefined`), then at most one attributes object of plain data.
 */
import type { Pointwise } from "./pointwise.ts";
import type { Shaped } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import type { Workspace } from "./workspace.ts";

/**
 * How scores become weights. Pointwise activations act entry by entry; `softmax`, `sparsemax` and `entmax` on rows.
 * The plain name `sigmoid` means bias −log(visible keys), arXiv 2409.04431.
 */
export type Weighing =
  | Pointwise
  | "softmax"
  | "sparsemax"
  /** 1 ≤ alpha ≤ 2: softmax at 1, sparsemax at 2, arXiv 1905.05702. */
  | { readonly name: "entmax"; readonly alpha: number }
  | { readonly name: "sigmoid"; readonly bias: number | "-log length" };

/**
 * Which keys a query sees, beside a boolean operand. On a rectangle both start at the top left:
 *
 * ```text
 * causal      { window: 2 }     (rows: queries, columns: keys)
 * 1 0 0 0     1 0 0 0
 * 1 1 0 0     1 1 0 0
 * 1 1 1 0     0 1 1 0
 * ```
 */
export type Mask = "none" | "causal" | { readonly window: number };

/** What a row of weights is divided by: nothing, the number of visible keys, or a power of it. */
export type Divide = "none" | "length" | { readonly lengthPower: number };

type None = Readonly<Record<never, never>>;

/** What each operation is told beside its operands. Plain data. */
export interface Attributes {
  add: None;
  multiply: None;
  scale: { readonly factor: number };
  matmul: { readonly transposeA?: boolean; readonly transposeB?: boolean };
  splitHeads: { readonly heads: number };
  mergeHeads: None;
  /** order 1 asks for the derivative, so that the set is closed under differentiation. */
  activate: { readonly activation: Pointwise; readonly order: 0 | 1 };
  /**
   * order 1: the derivative by the score, for pointwise activations. For sparsemax 1 on the support, else 0; for entmax
   * the p^(2 − α) of the weights p on the support, else 0: with it, dz = g (dp − Σ g dp / Σ g).
   */
  weigh: { readonly activation: Weighing; readonly mask: Mask; readonly order: 0 | 1; readonly divide: Divide };
  normalize: { readonly kind: "layer" | "rms"; readonly epsilon: number };
  sum: { readonly axes: readonly number[]; readonly keep: boolean };
  slice: { readonly axis: -1 | -2; readonly from: number; readonly to: number };
  concat: { readonly axis: -1 | -2 };
  gather: None;
  scan: { readonly kind: "softmax" };
  linear: { readonly activation: Pointwise };
  attention: {
    readonly activation: Weighing;
    readonly mask: Mask;
    readonly heads: number;
    readonly keyValueHeads: number;
    readonly scale: number;
    readonly divide: Divide;
  };
}

/** What each operation works on, with the trailing axes it looks at. */
export interface Operands<T> {
  /** a + b, broadcast. */
  add: [a: T, b: T];
  /** a · b entry by entry, broadcast. */
  multiply: [a: T, b: T];
  /** factor · x. */
  scale: [x: T];
  /** a[.., m, k] b[.., k, n] → [.., m, n]; either may be stored transposed; leading axes broadcast. */
  matmul: [a: T, b: T];
  /** [.., n, h·d] → [.., h, n, d]. */
  splitHeads: [x: T];
  /** [.., h, n, d] → [.., n, h·d]. */
  mergeHeads: [x: T];
  /** f(x) or f′(x), entry by entry. */
  activate: [x: T];
  /** scores [.., queries, keys] and what is visible (0 or 1, broadcast) → weights; a hidden key gets weight 0. */
  weigh: [scores: T, visible: T | undefined];
  /** Each row [.., d] to mean 0 and variance 1 (layer), or to mean square 1 (rms), with epsilon under the root. */
  normalize: [x: T];
  /** Sum over negative axes, kept as length 1 or dropped. */
  sum: [x: T];
  /** Entries from ≤ i < to of the last or the last but one axis. */
  slice: [x: T];
  /** Joined along the last or the last but one axis; the other axes broadcast. */
  concat: [first: T, second: T];
  /** table [.., rows, d], indices [.., n] → [.., n, d]. */
  gather: [table: T, indices: T];
  /** scores [.., n, 1], values [.., n, d] → [.., n, d]: row k is the softmax average of rows 1..k. */
  scan: [scores: T, values: T];
  /** Composite: f(x W + b), x [.., n, k], W [k, m], b [m]. */
  linear: [x: T, weight: T, bias: T | undefined];
  /**
   * Composite: query [.., n, h·d], key [.., m, g·d], value [.., m, g·e] → [.., n, h·e]; bias is added to the scaled
   * scores, visible hides keys; both broadcast to [.., h, n, m].
   */
  attention: [query: T, key: T, value: T, bias: T | undefined, visible: T | undefined];
}

export type OpName = keyof Attributes;
export type CompositeName = "linear" | "attention";
export type PrimitiveName = Exclude<OpName, CompositeName>;

/** Operands, then attributes if the operation has any. */
export type Arguments<T, K extends OpName> = [keyof Attributes[K]] extends [never]
  ? Operands<T>[K]
  : [...Operands<T>[K], Attributes[K]];

/** What every device implements: after this it is correct. */
export type Primitives<T> = {
  [K in PrimitiveName]: (...args: Arguments<T, K>) => T;
} & {
  constant(value: Tensor): T;
  parameter(name: string, value: Tensor): T;
};

/** What a device may fuse: after this it is fast. Without it the decomposition is used. */
export type Composites<T> = { [K in CompositeName]: (...args: Arguments<T, K>) => T };

/** How a network is written: once, for every reading. */
export type Ops<T extends Shaped> = Primitives<T> &
  Partial<Composites<T>> & {
    /** The same operations, remembering that we are inside this part. Readings of numbers may leave it out. */
    within?(name: string): Ops<T>;
    /** Attention with its way back, where a device fuses it; undefined for a variant that it does not. */
    differentiateAttention?(...args: Arguments<T, "attention">): DifferentiatedAttention<T> | undefined;
  };

/** Attention's result, and from the gradient of the result those of three operands. */
export interface DifferentiatedAttention<T> {
  readonly output: T;
  pullback(gradient: T): { readonly query: T; readonly key: T; readonly value: T };
}

/** A reading of numbers. */
export type Device<T extends Shaped> = Ops<T> & {
  readonly name: string;
  /** What it computes in; results have it. */
  readonly dtype: "float32" | "float64";
  read(x: T): Tensor | Promise<Tensor>;
  /**
   * Gives back what a value holds. Callers do it where a graph says the value is used no more, so an operation must
   * return a value of its own, never an operand.
   */
  release?(x: T): void;
};

/**
 * The operations of a device for one computation: results lie in memory that is kept for the next one, so between two
 * operations nothing is allocated and nothing copied.
 */
export interface Scratch<T extends Shaped> {
  /** A result may be used up to its `release`, or up to `close`. */
  readonly ops: Ops<T> & { release(x: T): void };
  /** A value that outlives the scratch: a copy, if it lies in it. */
  keep(x: T): T;
  /** Gives back what was not kept. */
  close(): void;
}

/** A device whose values are tensors, at once. */
export type SynchronousDevice = Ops<Tensor> & {
  readonly name: string;
  readonly dtype: "float32" | "float64";
  read(x: Tensor): Tensor;
  /** Where a device has it, and nobody uses it: itself, with results that are given back. */
  scratch?(): Scratch<Tensor> | undefined;
  /** In float64, where a device has it: memory for a long computation whose products copy nothing. */
  workspace?(): Workspace | undefined;
};

/**
 * `ops` inside a part of the network, for names and errors.
 *
 * @example
 * ```ts
 * import { record, within } from "@splineformer/tensor";
 * const graph = record((ops, { x }) => within(ops, "block 0").add(x, x), { x: [2] });
 * graph.outputs.output.scope; // "block 0"
 * ```
 */
export const within = <T extends Shaped>(ops: Ops<T>, name: string): Ops<T> => ops.within?.(name) ?? ops;

/**
 * The composites, by name.
 *
 * @example
 * ```ts
 * import { compositeNames } from "@splineformer/tensor";
 * compositeNames; // ["linear", "attention"]
 * ```
 */
export const compositeNames = ["linear", "attention"] as const satisfies readonly CompositeName[];
/**
 * Whether an operation is a composite: it has a decomposition, which serves where a device lacks it.
 *
 * @example
 * ```ts
 * import { isComposite } from "@splineformer/tensor";
 * isComposite("linear"); // true
 * isComposite("matmul"); // false
 * ```
 */
export const isComposite = (op: string): op is CompositeName => op === "linear" || op === "attention";
