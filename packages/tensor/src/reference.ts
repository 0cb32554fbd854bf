/**
 * @file The reference devices: plain loops over float64 numbers. `reference` is the definition of every operation;
 * `reference32` is the same formulas with every operation's result rounded to float32, the yardstick of float32 devices.
 * Fast code does not belong here.
 */
import { pointwiseFunction } from "./activations.ts";
import { show } from "./errors.ts";
import { opNames } from "./graph.ts";
import { checkTensors, inferShape } from "./infer-shape.ts";
import { broadcastOffsets, type Shape, sameShape, sizeOf } from "./shape.ts";
import { allocate, cast, reshape, type Tensor } from "./tensor.ts";
import type { SynchronousDevice } from "./vocabulary.ts";
import { visibleKeys, weighRow } from "./weigh.ts";

/**
 * The definition of every operation: float64 numbers, plain loops.
 *
 * @example
 * ```ts
 * import { reference, tensor, toNested } from "@splineformer/tensor";
 * toNested(reference.matmul(tensor([[1, 2]]), tensor([[3], [4]]), {})); // [[11]]
 * ```
 */
export const reference: SynchronousDevice = createReference("float64");

/**
 * The same formulas with every operation, each product and each partial sum too, rounded to float32.
 *
 * A float32 device may err at most twice as much.
 *
 * @example
 * ```ts
 * import { reference32, tensor } from "@splineformer/tensor";
 * reference32.add(tensor([0.1]), tensor([0.2])).dtype; // "float32"
 * ```
 */
export const reference32: SynchronousDevice = createReference("float32");

/** Rounds a number to what the device stores. */
type Round = (x: number) => number;

function createReference(dtype: "float32" | "float64"): SynchronousDevice {
  const r: Round = dtype === "float32" ? Math.fround : (x) => x;
  const read = (x: Tensor): Tensor => cast(x, dtype);
  const make = (shape: Shape): Tensor<"float32" | "float64"> => ({
    dtype,
    shape,
    data: allocate(dtype, sizeOf(shape)),
  });

  const map = (x: Tensor, f: (z: number) => number): Tensor => {
    const out = make(x.shape);
    const from = read(x).data;
    for (let i = 0; i < from.length; i++) out.data[i] = f(from[i]);
    return out;
  };
  const binary = (shape: Shape, a: Tensor, b: Tensor, f: (x: number, y: number) => number): Tensor => {
    const out = make(shape);
    const x = read(a).data;
    const y = read(b).data;
    if (sameShape(a.shape, shape) && sameShape(b.shape, shape)) {
      for (let i = 0; i < x.length; i++) out.data[i] = f(x[i], y[i]);
    } else if (sameShape(a.shape, shape) && b.shape.length === 1 && y.length === shape.at(-1)) {
      for (let i = 0, j = 0; i < x.length; i++, j = j + 1 === y.length ? 0 : j + 1) out.data[i] = f(x[i], y[j]);
    } else {
      const from = broadcastOffsets(a.shape, shape);
      const other = broadcastOffsets(b.shape, shape);
      for (let i = 0; i < out.data.length; i++) out.data[i] = f(x[from[i]], y[other[i]]);
    }
    return out;
  };

  return guarded({
    name: dtype === "float64" ? "reference" : "reference32",
    dtype,
    read,
    constant: read,
    parameter: (_name, value) => read(value),

    add: (a, b) => binary(inferShape("add", {}, a.shape, b.shape), a, b, (x, y) => x + y),
    multiply: (a, b) => binary(inferShape("multiply", {}, a.shape, b.shape), a, b, (x, y) => x * y),
    scale(x, attributes) {
      inferShape("scale", attributes, x.shape);
      const factor = r(attributes.factor);
      return map(x, (z) => z * factor);
    },

    matmul(a, b, attributes) {
      const out = make(inferShape("matmul", attributes, a.shape, b.shape));
      const { transposeA = false, transposeB = false } = attributes;
      const [m, n] = out.shape.slice(-2);
      const k = a.shape.at(transposeA ? -2 : -1) as number;
      const [aRow, aInner] = transposeA ? [1, m] : [k, 1];
      const [bInner, bColumn] = transposeB ? [1, k] : [n, 1];
      const batch = out.shape.slice(0, -2);
      const aBatch = broadcastOffsets(a.shape.slice(0, -2), batch);
      const bBatch = broadcastOffsets(b.shape.slice(0, -2), batch);
      const x = read(a).data;
      const y = read(b).data;
      for (let c = 0; c < aBatch.length; c++)
        for (let i = 0; i < m; i++) {
          const row = aBatch[c] * m * k + i * aRow;
          for (let j = 0; j < n; j++) {
            const column = bBatch[c] * k * n + j * bColumn;
            let sum = 0;
            for (let l = 0; l < k; l++) sum = r(sum + r(x[row + l * aInner] * y[column + l * bInner]));
            out.data[(c * m + i) * n + j] = sum;
          }
        }
      return out;
    },

    splitHeads(x, attributes) {
      const shape = inferShape("splitHeads", attributes, x.shape);
      const [heads, n, d] = shape.slice(-3);
      return swapAxes(read(x), shape, n, heads, d);
    },
    mergeHeads(x) {
      const [heads, n, d] = x.shape.slice(-3);
      return swapAxes(read(x), inferShape("mergeHeads", {}, x.shape), heads, n, d);
    },

    activate(x, attributes) {
      inferShape("activate", attributes, x.shape);
      return map(x, pointwiseFunction(attributes.activation, attributes.order));
    },

    weigh(scores, visible, attributes) {
      const out = make(inferShape("weigh", attributes, scores.shape, visible?.shape));
      const [queries, keys] = out.shape.slice(-2);
      const z = read(scores).data;
      const shown = visible && broadcastOffsets(visible.shape, out.shape);
      const weigh = weighRow(attributes, r);
      for (let row = 0; row * keys < z.length; row++) {
        const seen = visibleKeys(attributes.mask, row % queries, keys).filter(
          (key) => !(visible && shown) || visible.data[shown[row * keys + key]] !== 0,
        );
        const weights = weigh(seen.map((key) => z[row * keys + key]));
        for (let i = 0; i < seen.length; i++) out.data[row * keys + seen[i]] = weights[i];
      }
      return out;
    },

    normalize(x, attributes) {
      const out = make(inferShape("normalize", attributes, x.shape));
      const d = x.shape.at(-1) as number;
      const from = read(x).data;
      for (let at = 0; at < from.length; at += d) {
        // two passes: one pass loses everything to cancellation where the mean is large
        let mean = 0;
        if (attributes.kind === "layer") {
          for (let i = 0; i < d; i++) mean = r(mean + from[at + i]);
          mean = r(mean / d);
        }
        let square = 0;
        for (let i = 0; i < d; i++) {
          const centred = r(from[at + i] - mean);
          square = r(square + r(centred * centred));
        }
        const deviation = r(Math.sqrt(r(r(square / d) + r(attributes.epsilon))));
        for (let i = 0; i < d; i++) out.data[at + i] = r(from[at + i] - mean) / deviation;
      }
      return out;
    },

    sum(x, attributes) {
      const out = make(inferShape("sum", { ...attributes, keep: true }, x.shape));
      const to = broadcastOffsets(out.shape, x.shape);
      const from = read(x).data;
      for (let i = 0; i < from.length; i++) out.data[to[i]] += from[i];
      return reshape(out, inferShape("sum", attributes, x.shape));
    },

    slice(x, attributes) {
      const out = make(inferShape("slice", attributes, x.shape));
      const inner = attributes.axis === -1 ? 1 : (x.shape.at(-1) as number);
      const before = (x.shape.at(attributes.axis) as number) * inner;
      const width = (attributes.to - attributes.from) * inner;
      const from = read(x).data;
      for (let i = 0; i * width < out.data.length; i++) {
        const start = i * before + attributes.from * inner;
        copyRun(from, start, width, out.data, i * width);
      }
      return out;
    },

    concat(a, b, attributes) {
      const out = make(inferShape("concat", attributes, a.shape, b.shape));
      const { axis } = attributes;
      const whole = (part: Tensor): Tensor => {
        const shape = out.shape.map((n, i) => (i === out.shape.length + axis ? (part.shape.at(axis) as number) : n));
        if (sameShape(part.shape, shape)) return read(part);
        const at = broadcastOffsets(part.shape, shape);
        return { dtype, shape, data: gatherFlat(read(part), at) };
      };
      const parts = [whole(a), whole(b)];
      const inner = axis === -1 ? 1 : (out.shape.at(-1) as number);
      const width = (out.shape.at(axis) as number) * inner;
      let start = 0;
      for (const part of parts) {
        const own = (part.shape.at(axis) as number) * inner;
        for (let i = 0; i * own < part.data.length; i++) copyRun(part.data, i * own, own, out.data, i * width + start);
        start += own;
      }
      return out;
    },

    gather(table, indices) {
      const out = make(inferShape("gather", {}, table.shape, indices.shape));
      const [n, d] = out.shape.slice(-2);
      const rows = table.shape.at(-2) as number;
      const batch = out.shape.slice(0, -2);
      const tables = broadcastOffsets(table.shape.slice(0, -2), batch);
      const lists = broadcastOffsets(indices.shape.slice(0, -1), batch);
      const from = read(table).data;
      for (let c = 0; c < tables.length; c++)
        for (let i = 0; i < n; i++) {
          const row = indices.data[lists[c] * n + i];
          if (!(Number.isInteger(row) && row >= 0 && row < rows))
            throw new RangeError(`gather: expected whole indices 0 ≤ i < ${rows}, got ${show(row)}`);
          const start = (tables[c] * rows + row) * d;
          out.data.set(from.subarray(start, start + d), (c * n + i) * d);
        }
      return out;
    },

    scan(scores, values, attributes) {
      const out = make(inferShape("scan", attributes, scores.shape, values.shape));
      const [n, d] = out.shape.slice(-2);
      const batch = out.shape.slice(0, -2);
      const scoreBatch = broadcastOffsets(scores.shape.slice(0, -2), batch);
      const valueBatch = broadcastOffsets(values.shape.slice(0, -2), batch);
      const s = read(scores).data;
      const v = read(values).data;
      const average = new Float64Array(d);
      for (let c = 0; c < scoreBatch.length; c++) {
        // the running maximum keeps every exponential at most 1
        let maximum = Number.NEGATIVE_INFINITY;
        let total = 0;
        average.fill(0);
        for (let k = 0; k < n; k++) {
          const score = s[scoreBatch[c] * n + k];
          const next = Math.max(maximum, score);
          const keep = r(Math.exp(r(maximum - next)));
          const weight = r(Math.exp(r(score - next)));
          total = r(r(total * keep) + weight);
          for (let i = 0; i < d; i++) {
            average[i] = r(r(average[i] * keep) + r(weight * v[(valueBatch[c] * n + k) * d + i]));
            out.data[(c * n + k) * d + i] = average[i] / total;
          }
          maximum = next;
        }
      }
      return out;
    },
  });
}

/** The device with every operation asking for tensors first: at run time types do not hold. */
function guarded(device: SynchronousDevice): SynchronousDevice {
  const operations = device as unknown as Record<string, (...args: unknown[]) => Tensor>;
  const checked: Record<string, (...args: unknown[]) => Tensor> = {};
  for (const op of opNames)
    if (operations[op])
      checked[op] = (...args) => {
        checkTensors(op, args);
        try {
          return operations[op](...args);
        } catch (error) {
          // memory is asked for in one place that does not know the call
          if (error instanceof RangeError) error.message = error.message.replace(/^allocate:/, `${op}:`);
          throw error;
        }
      };
  return { ...device, ...checked };
}

function gatherFlat(x: Tensor, at: Int32Array): Tensor["data"] {
  const data = allocate(x.dtype, at.length);
  for (let i = 0; i < at.length; i++) data[i] = x.data[at[i]];
  return data;
}

/** Copies neighbours. A view costs as much as copying a few dozen numbers one by one. */
function copyRun(from: Tensor["data"], start: number, length: number, to: Tensor["data"], at: number): void {
  if (length > 32) to.set(from.subarray(start, start + length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i];
}

/** [.., p, q, d] → [.., q, p, d], under the name `shape`. */
function swapAxes(x: Tensor, shape: Shape, p: number, q: number, d: number): Tensor {
  const data = allocate(x.dtype, x.data.length);
  for (let row = 0; row * d < x.data.length; row++) {
    const batch = Math.floor(row / (p * q));
    const i = Math.floor(row / q) % p;
    const j = row % q;
    copyRun(x.data, row * d, d, data, ((batch * q + j) * p + i) * d);
  }
  return { dtype: x.dtype, shape, data };
}
