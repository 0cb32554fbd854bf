/**
 * @file Every operation of the vocabulary: its shape is inferred and its kernels are chosen at the call, and the work is
 * enqueued.
 */
import { type Attributes, inferShape, type Ops, type Shape, show, sizeOf, type TensorData } from "@splineformer/tensor";
import { checkActivation } from "./activations.ts";
import { attend, scoreShape } from "./attention.ts";
import type { Value } from "./backend.ts";
import type { Engine, Work } from "./engine.ts";
import type { Handle } from "./handle.ts";
import * as elementwise from "./kernels/elementwise.ts";
import * as joining from "./kernels/joining.ts";
import type { Kernel } from "./kernels/kernel.ts";
import * as products from "./kernels/products.ts";
import * as rowKernels from "./kernels/rows.ts";
import { runningAverage } from "./scan.ts";
import { groupAxes, padGroups } from "./strides.ts";
import { expand, look, mergeHeads, splitHeads, walk } from "./views.ts";
import { rowsOf, weigh } from "./weigh.ts";

export function createOperations(engine: Engine): Ops<Handle> {
  const { schedule, shape: shapeOf } = engine;

  const binary = (where: "add" | "multiply", kernel: Kernel, a: Handle, b: Handle): Handle => {
    const shape = inferShape(where, {}, shapeOf(where, a), shapeOf(where, b));
    return schedule(where, shape, [a, b], async (work, [x, y]) => {
      const { values, groups } = await walk(work, shape, [at(x, a), at(y, b)], 4);
      const lengths = groups.slice(1).map(({ length }) => length);
      const strides = [0, 1].flatMap((operand) => groups.map((group) => group.strides[operand]));
      return work.run(kernel, sizeOf(shape), ...values, ...lengths, ...strides);
    });
  };
  const entries = (where: string, shape: Shape, x: Handle, kernel: Kernel, ...scalars: readonly number[]): Handle =>
    schedule(where, shape, [x], (work, [value]) => work.run(kernel, sizeOf(shape), value, ...scalars));

  return {
    constant: (value) => engine.lift("constant", value),
    parameter: (_name, value) => engine.lift("parameter", value),

    add: (a, b) => binary("add", elementwise.add, a, b),
    multiply: (a, b) => binary("multiply", elementwise.multiply, a, b),
    scale: (x, attributes) =>
      entries("scale", inferShape("scale", attributes, shapeOf("scale", x)), x, elementwise.scale, attributes.factor),
    activate(x, attributes) {
      const shape = inferShape("activate", attributes, shapeOf("activate", x));
      checkActivation("activate", attributes.activation);
      return entries("activate", shape, x, elementwise.activate(attributes.activation, attributes.order));
    },

    matmul(a, b, attributes) {
      const shape = inferShape("matmul", attributes, shapeOf("matmul", a), shapeOf("matmul", b));
      return schedule("matmul", shape, [a, b], (work, [x, y]) => product(work, at(x, a), at(y, b), shape, attributes));
    },
    splitHeads(x, attributes) {
      const shape = inferShape("splitHeads", attributes, shapeOf("splitHeads", x));
      return schedule("splitHeads", shape, [x], (work, [value]) => splitHeads(work, value, shape));
    },
    mergeHeads(x) {
      const shape = inferShape("mergeHeads", {}, shapeOf("mergeHeads", x));
      return schedule("mergeHeads", shape, [x], (work, [value]) => mergeHeads(work, value, x.shape));
    },

    weigh(scores, visible, attributes) {
      const shape = inferShape("weigh", attributes, shapeOf("weigh", scores), visible && shapeOf("weigh", visible));
      checkActivation("weigh", attributes.activation);
      return schedule("weigh", shape, [scores, visible], async (work, [value, seen]) =>
        weigh(work, value, await rowsOf(work, shape, attributes.mask, visible && at(seen, visible)), attributes),
      );
    },

    normalize(x, attributes) {
      const shape = inferShape("normalize", attributes, shapeOf("normalize", x));
      const d = shape.at(-1) as number;
      const rows = sizeOf(shape.slice(0, -1));
      const centred = attributes.kind === "layer";
      return schedule("normalize", shape, [x], async (work, [value]) => {
        const means = centred ? [await work.run(rowKernels.mean, rows, value, d)] : [];
        const deviations = await work.run(rowKernels.deviation(centred), rows, value, ...means, d, attributes.epsilon);
        return work.run(rowKernels.normalize(centred), sizeOf(shape), value, ...means, deviations, d);
      });
    },

    sum(x, attributes) {
      const shape = inferShape("sum", attributes, shapeOf("sum", x));
      return schedule("sum", shape, [x], (work, [value]) => sumAxes(work, value, x.shape, attributes.axes));
    },

    slice(x, attributes) {
      const shape = inferShape("slice", attributes, shapeOf("slice", x));
      const inner = attributes.axis === -1 ? 1 : (shape.at(-1) as number);
      const cut = (attributes.to - attributes.from) * inner;
      const stride = (x.shape.at(attributes.axis) as number) * inner;
      return schedule("slice", shape, [x], (work, [value]) =>
        look(
          work,
          value,
          [
            { length: sizeOf(shape) / Math.max(cut, 1), strides: [stride] },
            { length: cut, strides: [1] },
          ],
          attributes.from * inner,
        ),
      );
    },

    concat(a, b, attributes) {
      const shape = inferShape("concat", attributes, shapeOf("concat", a), shapeOf("concat", b));
      const { axis } = attributes;
      const inner = axis === -1 ? 1 : (shape.at(-1) as number);
      return schedule("concat", shape, [a, b], async (work, values) => {
        const parts: Value[] = [];
        const lengths: number[] = [];
        for (const [i, part] of [a, b].entries()) {
          const own = part.shape.at(axis) as number;
          const whole = shape.map((n, j) => (j === shape.length + axis ? own : n));
          parts.push(await expand(work, values[i], part.shape, whole));
          lengths.push(own * inner);
        }
        return work.run(joining.concat, sizeOf(shape), ...parts, ...lengths);
      });
    },

    gather(table, indices) {
      const shape = inferShape("gather", {}, shapeOf("gather", table), shapeOf("gather", indices));
      const rows = table.shape.at(-2) as number;
      const known = engine.known("gather", indices);
      if (known) checkIndices(known.data, sizeOf(known.shape), rows);
      return schedule("gather", shape, [table, indices], async (work, [x, list]) => {
        // computed indices are rare, and a GPU has no errors: look at them here
        if (!known) checkIndices(await work.read(list), sizeOf(indices.shape), rows);
        return gatherRows(work, at(x, table), at(list, indices), shape);
      });
    },

    scan(scores, values, attributes) {
      const shape = inferShape("scan", attributes, shapeOf("scan", scores), shapeOf("scan", values));
      return schedule("scan", shape, [scores, values], async (work, [s, v]) => {
        const [n, d] = shape.slice(-2);
        const batch = shape.slice(0, -2);
        const whole = await expand(work, s, scores.shape, [...batch, n, 1]);
        return runningAverage(work, whole, await expand(work, v, values.shape, shape), n, d);
      });
    },

    linear(x, weight, bias, attributes) {
      const shape = inferShape(
        "linear",
        attributes,
        shapeOf("linear", x),
        shapeOf("linear", weight),
        bias && shapeOf("linear", bias),
      );
      checkActivation("linear", attributes.activation);
      const kernel = products.linear(attributes.activation, bias !== undefined);
      const [k, n] = weight.shape;
      return schedule("linear", shape, [x, weight, bias], (work, values) =>
        work.run(kernel, sizeOf(shape), ...values, n, k),
      );
    },

    attention(query, key, value, bias, visible, attributes) {
      const shapes = [query, key, value].map((x) => shapeOf("attention", x)) as [Shape, Shape, Shape];
      const shape = inferShape(
        "attention",
        attributes,
        ...shapes,
        bias && shapeOf("attention", bias),
        visible && shapeOf("attention", visible),
      );
      engine.checkSize("attention", "scores", scoreShape(...shapes, attributes));
      checkActivation("attention", attributes.activation);
      return schedule("attention", shape, [query, key, value, bias, visible], (work, [q, k, v, ...rest]) => {
        const optional = [...rest];
        return attend(
          work,
          {
            query: at(q, query),
            key: at(k, key),
            value: at(v, value),
            bias: bias && at(optional.shift() as Value, bias),
            visible: visible && at(optional.shift() as Value, visible),
          },
          attributes,
        );
      });
    },
  };
}

const at = (value: Value, { shape }: Handle): { readonly value: Value; readonly shape: Shape } => ({ value, shape });

async function product(
  work: Work,
  a: { readonly value: Value; readonly shape: Shape },
  b: { readonly value: Value; readonly shape: Shape },
  shape: Shape,
  { transposeA = false, transposeB = false }: Attributes["matmul"],
): Promise<Value> {
  const [m, n] = shape.slice(-2);
  const k = a.shape.at(transposeA ? -2 : -1) as number;
  const batch = shape.slice(0, -2);
  const { values, strides, innerLength } = await batched(work, batch, [a, b]);
  const [aRow, aInner] = transposeA ? [1, m] : [k, 1];
  const [bInner, bColumn] = transposeB ? [1, k] : [n, 1];
  const [aBatch, bBatch] = strides;
  const scalars = [m, n, k, innerLength, ...aBatch, aRow, aInner, ...bBatch, bInner, bColumn];
  return work.run(products.matmul, sizeOf(shape), ...values, ...scalars);
}

/** Operands whose leading axes broadcast to `batch`, as two indices; strides count entries. */
async function batched(
  work: Work,
  batch: Shape,
  operands: readonly { readonly value: Value; readonly shape: Shape }[],
  trailing: readonly number[] = operands.map(() => 2),
): Promise<{
  readonly values: readonly Value[];
  readonly strides: readonly (readonly number[])[];
  readonly innerLength: number;
}> {
  const leading = operands.map(({ shape }, i) => shape.slice(0, shape.length - trailing[i]));
  const groups = groupAxes(batch, leading);
  if (groups.length > 2) {
    const whole: { value: Value; shape: Shape }[] = [];
    for (const [i, { value, shape }] of operands.entries()) {
      const full = [...batch, ...shape.slice(shape.length - trailing[i])];
      whole.push({ value: await expand(work, value, shape, full), shape: full });
    }
    return batched(work, batch, whole, trailing);
  }
  const two = padGroups(groups, 2, operands.length);
  return {
    values: operands.map(({ value }) => value),
    strides: operands.map(({ shape }, i) => {
      const size = sizeOf(shape.slice(shape.length - trailing[i]));
      return two.map((group) => group.strides[i] * size);
    }),
    innerLength: two[1].length,
  };
}

/** Sums over negative axes: each run of neighbours at once, from the inside. */
async function sumAxes(work: Work, x: Value, shape: Shape, axes: readonly number[]): Promise<Value> {
  const summed = shape.map((_, i) => axes.includes(i - shape.length));
  const lengths = [...shape];
  let value = x;
  for (let end = summed.lastIndexOf(true); end >= 0; end = summed.lastIndexOf(true)) {
    let start = end;
    while (start > 0 && summed[start - 1]) start--;
    const outer = sizeOf(lengths.slice(0, start));
    const inner = sizeOf(lengths.slice(end + 1));
    let length = sizeOf(lengths.slice(start, end + 1));
    do {
      const parts = Math.ceil(length / chunk) || 1;
      value = await work.run(rowKernels.sum, outer * parts * inner, value, length, inner, parts, chunk);
      length = parts;
    } while (length > 1);
    for (let axis = start; axis <= end; axis++) {
      lengths[axis] = 1;
      summed[axis] = false;
    }
  }
  return value;
}

/** Entries that one thread adds. */
const chunk = 256;

function checkIndices(indices: TensorData, count: number, rows: number): void {
  for (let i = 0; i < count; i++) {
    const row = indices[i];
    if (!(Number.isInteger(row) && row >= 0 && row < rows))
      throw new RangeError(`gather: expected whole indices 0 ≤ i < ${rows}, got ${show(row)}`);
  }
}

async function gatherRows(
  work: Work,
  table: { readonly value: Value; readonly shape: Shape },
  indices: { readonly value: Value; readonly shape: Shape },
  shape: Shape,
): Promise<Value> {
  const [n, d] = shape.slice(-2);
  const { values, strides, innerLength } = await batched(work, shape.slice(0, -2), [table, indices], [2, 1]);
  return work.run(joining.gather, sizeOf(shape), ...values, n, d, innerLength, ...strides.flat());
}
