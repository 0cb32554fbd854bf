/**
 * @file `Tensor`: a shape and numbers in row-major order, as plain data that survives `structuredClone`.
 * It has no methods: what is computed with tensors is computed by a device.
 */
import { checkOptions, required } from "./check.ts";
import { ShapeError, show } from "./errors.ts";
import { areLengths, checkShape, type Shape, showShape, sizeOf } from "./shape.ts";

/** How entries are stored. Devices compute in float32 or float64; `int32` holds indices and `bool` masks. */
export type DType = "float32" | "float64" | "int32" | "bool";

/** The array that stores each dtype; `bool` is a byte, 0 or 1. */
export interface Storage {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int32: Int32Array;
  readonly bool: Uint8Array;
}
export type TensorData = Storage[DType];

/** Numbers in row-major order under a shape. Plain data; treat it as read-only. */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: Storage[D];
}

/** Nested arrays of equal lengths, or one number. */
export type Nested = number | boolean | readonly Nested[];

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array } as const;
const isDType = (dtype: unknown): dtype is DType => typeof dtype === "string" && Object.hasOwn(arrays, dtype);
const checkDType = (where: string, dtype: unknown): void =>
  void required(isDType(dtype), where, `dtype to be one of ${Object.keys(arrays).join(", ")}`, dtype);

function dtypeOf(data: TensorData): DType {
  for (const dtype of Object.keys(arrays) as DType[]) if (data instanceof arrays[dtype]) return dtype;
  throw new RangeError(`tensor: expected a Float32Array, Float64Array, Int32Array or Uint8Array, got ${show(data)}`);
}

/**
 * Fresh storage, all zeros.
 *
 * @throws RangeError if there is no memory for it
 * @example
 * ```ts
 * import { allocate } from "@splineformer/tensor";
 * allocate("float64", 3).length; // 3
 * ```
 */
export function allocate<D extends DType>(dtype: D, length: number): Storage[D] {
  checkDType("allocate", dtype);
  required(Number.isSafeInteger(length) && length >= 0, "allocate", "a whole number of entries ≥ 0", length);
  const data = tryAllocate(dtype, length);
  if (data) return data;
  throw new RangeError(`allocate: expected memory for ${length} ${dtype} entries, got none`);
}

/** Undefined where there is no memory: the engine's own message names nothing. */
function tryAllocate<D extends DType>(dtype: D, length: number): Storage[D] | undefined {
  try {
    return new arrays[dtype](length) as Storage[D];
  } catch {
    return undefined;
  }
}

/**
 * A tensor from nested arrays, or from a typed array and a shape (which it then shares).
 *
 * Nested numbers become float32 unless `dtype` says otherwise, nested booleans `bool`; a typed array keeps its own type.
 *
 * @param values - nested arrays of equal lengths, a number, or a typed array
 * @throws ShapeError if the nesting is ragged or deeper than 32, or the shape asks for another number of entries
 * @throws RangeError if an entry is no number, an `int32` entry is not whole, or a byte of a `bool` is not 0 or 1
 * @example
 * ```ts
 * import { tensor } from "@splineformer/tensor";
 * tensor([[1, -2], [3, 0]]).shape; // [2, 2]
 * tensor([1, 2], { dtype: "float64" }).dtype; // "float64"
 * tensor(new Float64Array(6), [2, 3]).dtype; // "float64"
 * ```
 */
export function tensor(values: Nested, options?: { readonly dtype?: undefined }): Tensor<"float32" | "bool">;
export function tensor<D extends DType>(values: Nested, options: { readonly dtype: D }): Tensor<D>;
export function tensor(data: Float32Array, shape: Shape): Tensor<"float32">;
export function tensor(data: Float64Array, shape: Shape): Tensor<"float64">;
export function tensor(data: Int32Array, shape: Shape): Tensor<"int32">;
export function tensor(data: Uint8Array, shape: Shape): Tensor<"bool">;
export function tensor(data: TensorData, shape: Shape): Tensor;
export function tensor(values: Nested | TensorData, second?: Shape | { readonly dtype?: DType }): Tensor {
  if (ArrayBuffer.isView(values)) return fromTypedArray(values as TensorData, second as Shape);
  if (Array.isArray(second)) throw new ShapeError("tensor: expected a typed array beside a shape, got nested arrays");
  const options = (second ?? {}) as { readonly dtype?: DType };
  checkOptions("tensor", options, ["dtype"]);
  if (options.dtype !== undefined) checkDType("tensor", options.dtype);
  return fromNested(values as Nested, options.dtype);
}

function fromTypedArray(data: TensorData, shape: Shape): Tensor {
  checkShape("tensor", shape);
  const dtype = dtypeOf(data);
  if (sizeOf(shape) !== data.length)
    throw new ShapeError(`tensor: expected ${sizeOf(shape)} entries for shape ${showShape(shape)}, got ${data.length}`);
  if (dtype === "bool") {
    const other = data.find((v) => v > 1);
    if (other !== undefined) throw new RangeError(`tensor: expected 0 or 1 for bool, got ${other}`);
  }
  return { dtype, shape: [...shape], data };
}

/** Nobody has so many axes; an array that holds itself has no end of them. */
const maximumDepth = 32;

function fromNested(values: Nested, asked?: DType): Tensor {
  const shape: number[] = [];
  for (let v: Nested = values; Array.isArray(v); v = v[0]) {
    if (shape.length === maximumDepth)
      throw new ShapeError(`tensor: expected arrays nested at most ${maximumDepth} deep, got ${show(values)}`);
    shape.push(v.length);
    if (v.length === 0) break;
  }
  const entries: (number | boolean)[] = [];
  const visit = (v: Nested, depth: number): void => {
    if (Array.isArray(v) && depth < shape.length) {
      if (v.length !== shape[depth])
        throw new ShapeError(
          `tensor: expected nested arrays of equal lengths ${showShape(shape)}, got ${show(v)} at depth ${depth}`,
        );
      for (const inner of v) visit(inner, depth + 1);
    } else if (depth !== shape.length || (typeof v !== "number" && typeof v !== "boolean")) {
      throw new (depth === shape.length ? RangeError : ShapeError)(
        `tensor: expected numbers at depth ${shape.length}, got ${show(v)} at depth ${depth}`,
      );
    } else entries.push(v as number | boolean);
  };
  visit(values, 0);
  const dtype = asked ?? (entries.length > 0 && entries.every((v) => typeof v === "boolean") ? "bool" : "float32");
  const data = allocate(dtype, entries.length);
  if (dtype === "int32") checkWhole("tensor", entries.map(Number));
  for (const [i, v] of entries.entries()) data[i] = dtype === "bool" ? Number(Number(v) !== 0) : Number(v);
  return { dtype, shape, data };
}

/** Refuses what int32 does not hold: storing it would silently give another number. */
function checkWhole(where: string, values: Iterable<number>): void {
  for (const v of values)
    if ((v | 0) !== v) throw new RangeError(`${where}: expected whole 32-bit numbers for int32, got ${show(v)}`);
}

/**
 * A tensor of zeros.
 *
 * @throws ShapeError if the shape is none
 * @throws RangeError if there is no memory for it
 * @example
 * ```ts
 * import { zeros } from "@splineformer/tensor";
 * zeros([2, 3]).data.length; // 6
 * ```
 */
export function zeros<D extends DType = "float32">(shape: Shape, options: { readonly dtype?: D } = {}): Tensor<D> {
  checkShape("zeros", shape);
  checkOptions("zeros", options, ["dtype"]);
  const dtype = options.dtype ?? ("float32" as D);
  checkDType("zeros", dtype);
  const size = sizeOf(shape);
  const data = tryAllocate(dtype, size);
  if (!data)
    throw new RangeError(
      `zeros: expected a shape whose ${size} ${dtype} entries fit in memory, got ${showShape(shape)}`,
    );
  return { dtype, shape: [...shape], data };
}

/**
 * Whether a value is a tensor (also one that came through `structuredClone`).
 *
 * @example
 * ```ts
 * import { isTensor, tensor } from "@splineformer/tensor";
 * isTensor({ ...tensor([1, 2]) }); // true
 * isTensor([1, 2]); // false
 * ```
 */
export function isTensor(value: unknown): value is Tensor {
  if (typeof value !== "object" || value === null) return false;
  const { dtype, shape, data } = value as Partial<Tensor>;
  return (
    isDType(dtype) &&
    Array.isArray(shape) &&
    areLengths(shape) &&
    data instanceof arrays[dtype] &&
    sizeOf(shape) === data.length
  );
}

const checkTensor = (where: string, x: unknown): void => void required(isTensor(x), where, "a tensor", x);

/**
 * The place of the first NaN or infinity in a tensor's data; −1 if there is none.
 *
 * @example
 * ```ts
 * import { findNonFinite, tensor } from "@splineformer/tensor";
 * findNonFinite(tensor([[1, 2], [Number.NaN, 4]])); // 2
 * findNonFinite(tensor([1, 2])); // -1
 * ```
 */
export function findNonFinite(x: Tensor): number {
  checkTensor("findNonFinite", x);
  const { dtype, data } = x;
  if (dtype === "int32" || dtype === "bool") return -1;
  // a plain loop: `findIndex` takes seven times as long
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

/**
 * The same numbers stored as another dtype; the tensor itself if nothing changes.
 *
 * float32 rounds; `bool` is whether an entry is not 0; `int32` takes whole numbers only.
 *
 * @throws RangeError if `int32` does not hold an entry
 * @example
 * ```ts
 * import { cast, tensor } from "@splineformer/tensor";
 * cast(tensor([0.1], { dtype: "float64" }), "float32").data[0] === Math.fround(0.1); // true
 * ```
 */
export function cast<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  checkTensor("cast", x);
  checkDType("cast", dtype);
  if ((x.dtype as DType) === dtype) return x as Tensor<D>;
  if (dtype === "int32") checkWhole("cast", x.data);
  const data = allocate(dtype, x.data.length);
  if (dtype === "bool") for (let i = 0; i < data.length; i++) data[i] = Number(x.data[i] !== 0);
  else data.set(x.data);
  return { dtype, shape: x.shape, data };
}

/**
 * The same numbers under another shape of the same size; storage is shared.
 *
 * @throws ShapeError if the sizes differ
 * @example
 * ```ts
 * import { reshape, tensor, toNested } from "@splineformer/tensor";
 * toNested(reshape(tensor([1, 2, 3, 4]), [2, 2])); // [[1, 2], [3, 4]]
 * ```
 */
export function reshape<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  checkTensor("reshape", x);
  checkShape("reshape", shape);
  if (sizeOf(shape) !== x.data.length)
    throw new ShapeError(`reshape: expected a shape of ${x.data.length} entries, got ${showShape(shape)}`);
  return { dtype: x.dtype, shape: [...shape], data: x.data };
}

/**
 * Back to nested arrays.
 *
 * @example
 * ```ts
 * import { tensor, toNested } from "@splineformer/tensor";
 * toNested(tensor([[1, 2], [3, 4]])); // [[1, 2], [3, 4]]
 * ```
 */
export function toNested(x: Tensor): Nested {
  checkTensor("toNested", x);
  let at = 0;
  const read = (): number | boolean => {
    const value = x.data[at++];
    return x.dtype === "bool" ? value !== 0 : value;
  };
  const build = (axis: number): Nested =>
    axis === x.shape.length ? read() : Array.from({ length: x.shape[axis] }, () => build(axis + 1));
  return build(0);
}
