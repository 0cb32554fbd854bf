/**
 * @file Training data: examples along the leading axis of tensors, or anything that makes a batch when asked, which is where
 * augmentation goes. Order and augmentation are drawn from the seed and the place in the run alone.
 */
import {
  allocate,
  checkOptions,
  type Given,
  isTensor,
  type Random,
  required,
  ShapeError,
  show,
  showShape,
  type Tensor,
} from "@splineformer/tensor";

/** Inputs and targets whose leading axis counts examples. */
export interface Examples<I extends string = string> {
  readonly inputs: Given<I>;
  readonly targets: Tensor;
}

/** Makes batches on demand. */
export interface Dataset<I extends string = string> {
  /** The number of examples. */
  readonly length: number;
  /**
   * The examples of these numbers, stacked along the leading axis.
   *
   * @param random - for augmentation: seeded by the run and the step, so that a resumed run draws the same
   */
  batch(indices: readonly number[], random: Random): Examples<I>;
}

/** Data as a dataset, checked. */
export function datasetOf<I extends string>(where: string, data: Examples<I> | Dataset<I>): Dataset<I> {
  if (typeof data !== "object" || data === null)
    throw new RangeError(`${where}: expected data { inputs, targets } or { length, batch }, got ${show(data)}`);
  if ("batch" in data) {
    required(typeof data.batch === "function", where, "data.batch to be a function", data.batch);
    checkLength(where, data.length);
    return data;
  }
  checkOptions(where, data, ["inputs", "targets"]);
  const { inputs, targets } = data;
  const named = isTensor(inputs) ? { inputs } : inputs;
  required(typeof named === "object" && named !== null, where, "data.inputs to be tensors", named);
  const parts: Record<string, Tensor> = { ...(named as Record<string, Tensor>), targets };
  for (const [name, x] of Object.entries(parts)) {
    required(isTensor(x), where, `data ${show(name)} to be a tensor`, x);
    if (x.shape.length === 0)
      throw new ShapeError(
        `${where}: expected a leading axis of examples for ${show(name)}, got ${showShape(x.shape)}`,
      );
  }
  const [length] = targets.shape;
  checkLength(where, length);
  for (const [name, x] of Object.entries(parts))
    if (x.shape[0] !== length)
      throw new ShapeError(
        `${where}: expected ${length} examples for ${show(name)}, as many as targets, got ${x.shape[0]}`,
      );
  return {
    length,
    batch(indices) {
      const taken = isTensor(inputs)
        ? takeRows(inputs, indices)
        : (Object.fromEntries(
            Object.entries<Tensor>(inputs).map(([name, x]) => [name, takeRows(x, indices)]),
          ) as Given<I>);
      return { inputs: taken, targets: takeRows(targets, indices) };
    },
  };
}

function checkLength(where: string, length: unknown): void {
  required(Number.isSafeInteger(length) && (length as number) > 0, where, "at least one example", length);
}

/**
 * The entries of the leading axis that `indices` name, in that order.
 *
 * @throws RangeError if an index is out of range
 * @example
 * ```ts
 * import { takeRows } from "@splineformer/training";
 * import { tensor, toNested } from "@splineformer/tensor";
 * toNested(takeRows(tensor([[1, 2], [3, 4], [5, 6]]), [2, 0])); // [[5, 6], [1, 2]]
 * ```
 */
export function takeRows(x: Tensor, indices: readonly number[]): Tensor {
  const [rows, ...rest] = x.shape;
  const size = rest.reduce((product, length) => product * length, 1);
  const data = allocate(x.dtype, indices.length * size);
  for (const [to, from] of indices.entries()) {
    required(Number.isInteger(from) && from >= 0 && from < rows, "takeRows", `indices in [0, ${rows})`, from);
    data.set(x.data.subarray(from * size, (from + 1) * size) as never, to * size);
  }
  return { dtype: x.dtype, shape: [indices.length, ...rest], data };
}
