/**
 * @file What the forward and the backward pass of fused attention are both told: sizes, operands by batch entry, and the
 * rows' terms. Letters as in `attention.ts`.
 */
import { type Attributes, broadcastOffsets, cast, inferShape, type Shape, type Tensor } from "@splineformer/tensor";
import type { Arena } from "./arena.ts";
import { weighingCode } from "./codes.ts";
import { broadcastMatrices, rowTerms, toBits, windowOf } from "./rows.ts";
import type { Pointer } from "./wasm/kernels.ts";

/** An operand [..batch, rows, columns] that broadcasts along the batch. */
export interface Batched {
  readonly shape: Shape;
  /** Which of its own matrices each batch entry uses. */
  readonly offsets: Int32Array;
  /** The numbers of one matrix. */
  readonly size: number;
  /** All of its matrices. */
  readonly data: Float32Array;
  at(batch: number): Float32Array;
}

export interface Problem {
  readonly attributes: Attributes["attention"];
  /** Of the result, [..batch, n, heads · e]. */
  readonly shape: Shape;
  readonly n: number;
  readonly m: number;
  readonly d: number;
  readonly e: number;
  readonly heads: number;
  readonly groups: number;
  readonly q: Batched;
  readonly k: Batched;
  readonly v: Batched;
  readonly biases: Matrices | undefined;
  readonly masks: Matrices | undefined;
  readonly code: number;
  readonly parameter: number;
  readonly scale: number;
  readonly window: number;
}
type Matrices = ReturnType<typeof broadcastMatrices>;

/** Checks the operands; undefined for an activation that the kernels lack. */
export function prepare(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  bias: Tensor | undefined,
  visible: Tensor | undefined,
  attributes: Attributes["attention"],
): Problem | undefined {
  const shape = inferShape("attention", attributes, query.shape, key.shape, value.shape, bias?.shape, visible?.shape);
  const { activation, heads, keyValueHeads: groups, scale, mask } = attributes;
  const found = weighingCode(activation);
  if (!found) return undefined;
  const batch = shape.slice(0, -2);
  const [n, outWidth] = shape.slice(-2);
  const m = key.shape.at(-2) as number;
  const batched = (x: Tensor): Batched => {
    const { data } = cast(x, "float32");
    const size = (x.shape.at(-2) as number) * (x.shape.at(-1) as number);
    const offsets = broadcastOffsets(x.shape.slice(0, -2), batch);
    return {
      shape: x.shape,
      offsets,
      size,
      data,
      at: (b) => data.subarray(offsets[b] * size, (offsets[b] + 1) * size),
    };
  };
  return {
    attributes,
    shape,
    n,
    m,
    d: (query.shape.at(-1) as number) / heads,
    e: outWidth / heads,
    heads,
    groups,
    q: batched(query),
    k: batched(key),
    v: batched(value),
    biases: bias && broadcastMatrices(cast(bias, "float32"), [...batch, heads], n, m),
    masks: visible && broadcastMatrices(toBits(visible), [...batch, heads], n, m),
    code: found.code,
    parameter: found.parameter,
    scale,
    window: windowOf(mask),
  };
}

/** Where a batch entry's matrix lies, which is `piece` after it has been copied there if it comes from elsewhere. */
export function matrixInArena(arena: Arena, x: Batched, batch: number, piece: Pointer): Pointer {
  const at = arena.at(x.data);
  if (at) return at + 4 * x.size * x.offsets[batch];
  arena.f32.set(x.at(batch), piece / 4);
  return piece;
}

/** Puts the bias, the visible keys and the rows' terms of a head into the arena, where they differ from the last one's. */
export function rowsInArena(
  { f32, u8 }: Arena,
  { n, m, attributes, biases, masks }: Problem,
  to: Readonly<Record<"pShift" | "pDivisor" | "pBias" | "pVisible", Pointer>>,
): { load(index: number): void; readonly bias: Pointer; readonly visible: Pointer } {
  const bits = masks && new Uint8Array(n * m);
  let last = -1;
  return {
    bias: biases ? to.pBias : 0,
    visible: masks ? to.pVisible : 0,
    load(index) {
      const changed = (x: Matrices | undefined): boolean => !!x && (last < 0 || x.offsets[index] !== x.offsets[last]);
      if (biases && changed(biases)) biases.read(index, f32.subarray(to.pBias / 4, to.pBias / 4 + n * m));
      if (masks && bits && changed(masks)) {
        masks.read(index, bits);
        u8.set(bits, to.pVisible);
      }
      if (last < 0 || changed(masks)) {
        const terms = rowTerms(n, m, attributes, bits);
        f32.set(terms.shift, to.pShift / 4);
        f32.set(terms.divisor, to.pDivisor / 4);
      }
      last = index;
    },
  };
}
