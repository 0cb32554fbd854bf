/**
 * @file How the gradient of an operation's result becomes the gradients of its operands: one rule for every primitive and
 * for `linear`, written over `Ops`, so that it runs wherever the network runs and can itself be recorded. Where the
 * vocabulary has no operation for it (scattering rows, 1/σ of a norm), tensors are served by loops and others refused.
 * Letters: g the gradient of the result, x, a, b, z operands, y or w the result.
 */
import { activationDegree } from "./activations.ts";
import { linear } from "./composites.ts";
import { type Applied, unsupported } from "./graph.ts";
import type { Pointwise } from "./pointwise.ts";
import { broadcastOffsets, type Shape, type Shaped, sizeOf } from "./shape.ts";
import { allocate, isTensor, reshape, type Tensor, tensor, zeros } from "./tensor.ts";
import type { Attributes, Operands, Ops, PrimitiveName } from "./vocabulary.ts";
import { rowAlpha, showWeighing } from "./weighing.ts";

/** The operations that have a rule of their own; attention is opened, or fused by the device. */
export type Ruled = PrimitiveName | "linear";

/** What a rule sees. */
interface Site<T extends Shaped, K extends Ruled> {
  readonly ops: Ops<T>;
  readonly node: Extract<Applied, { op: K }>;
  readonly inputs: Operands<T>[K];
  readonly output: T;
  readonly g: T;
  /** Whether anybody asks for the gradient of operand i. */
  readonly wanted: (i: number) => boolean;
}

/** The gradient of every operand that is wanted, of the shape that the operand was broadcast to. */
type Rule<K extends Ruled> = <T extends Shaped>(site: Site<T, K>) => readonly (T | undefined)[];

export const pullbackRules: { readonly [K in Ruled]: Rule<K> } = {
  add: ({ g }) => [g, g],
  multiply: ({ ops, inputs: [a, b], g, wanted }) => [
    wanted(0) ? ops.multiply(g, b) : undefined,
    wanted(1) ? ops.multiply(g, a) : undefined,
  ],
  scale: ({ ops, node, g }) => [ops.scale(g, node.attributes)],
  matmul({ ops, node, inputs: [a, b], g, wanted }) {
    const { transposeA = false, transposeB = false } = node.attributes;
    const left = (): typeof g =>
      transposeA
        ? ops.matmul(b, g, { transposeA: transposeB, transposeB: true })
        : ops.matmul(g, b, { transposeB: !transposeB });
    const right = (): typeof g =>
      transposeB
        ? ops.matmul(g, a, { transposeA: true, transposeB: transposeA })
        : ops.matmul(a, g, { transposeA: !transposeA });
    return [wanted(0) ? left() : undefined, wanted(1) ? right() : undefined];
  },
  splitHeads: ({ ops, g }) => [ops.mergeHeads(g)],
  mergeHeads: ({ ops, node, g }) => [ops.splitHeads(g, { heads: node.inputs[0].shape.at(-3) as number })],
  activate({ ops, node, inputs: [z], g }) {
    const { activation, order } = node.attributes;
    if (order === 0) return [ops.multiply(g, ops.activate(z, { activation, order: 1 }))];
    const second = secondDerivative(ops, activation, z);
    if (second === undefined)
      throw unsupported("pullback", "an operation whose derivative is in the vocabulary", node, "activate of order 1");
    return [second === "zero" ? zerosOf(ops, node.inputs[0].shape) : ops.multiply(g, second)];
  },
  weigh({ ops, node, inputs: [z, visible], output: w, g }) {
    const { activation, divide, order } = node.attributes;
    if (order !== 0)
      throw unsupported("pullback", "an operation whose derivative is in the vocabulary", node, "weigh of order 1");
    const average = (weights: typeof g): typeof g =>
      ops.scale(ops.sum(ops.multiply(g, weights), { axes: [-1], keep: true }), { factor: -1 });
    const alpha = rowAlpha(activation);
    if (alpha === 1) {
      // weights that sum to 1 average g, whatever the row is divided by afterwards
      const p = divide === "none" ? w : ops.weigh(z, visible, { ...node.attributes, divide: "none" });
      return [ops.multiply(w, ops.add(g, average(p)))];
    }
    const slope = ops.weigh(z, visible, { ...node.attributes, order: 1 });
    if (alpha === undefined) return [ops.multiply(g, slope)];
    if (alpha !== 2) {
      if (!isTensor(slope)) throw unsupported("pullback", "values that are tensors", node, showWeighing(activation));
      return [ops.multiply(slope, ops.add(g, average(shares(slope) as unknown as typeof g)))];
    }
    // on its support sparsemax subtracts the mean over the support; softmax of equal scores is that mean's weights
    const support = ops.weigh(z, visible, { ...node.attributes, order: 1, divide: "none" });
    const even = { activation: "softmax", mask: "none", order: 0, divide: "none" } as const;
    const uniform = ops.weigh(zerosOf(ops, node.shape), support, even);
    return [ops.multiply(slope, ops.add(g, average(uniform)))];
  },
  normalize({ node, output, inputs: [x], g }) {
    if (isTensor(x) && isTensor(output) && isTensor(g))
      return [normalizePullback(x, output, g, node.attributes) as unknown as typeof g];
    throw unsupported("pullback", "values that are tensors", node);
  },
  sum({ ops, node, g }) {
    const { axes, keep } = node.attributes;
    const { shape } = node.inputs[0];
    // what is summed away in front comes back by broadcasting
    const front = axes.length === 0 || Math.max(...axes) < -(shape.length - axes.length);
    const kept = shape.map((length, i) => (axes.includes(i - shape.length) ? 1 : length));
    if (isTensor(g)) return [repeated(g, kept, shape) as unknown as typeof g];
    if (!keep && !front) throw unsupported("pullback", "sum to keep its axes where values are no tensors", node);
    return [ops.add(g, zerosOf(ops, shape))];
  },
  slice({ ops, node, g }) {
    const { axis, from, to } = node.attributes;
    const { shape } = node.inputs[0];
    const pad = (length: number): typeof g =>
      zerosOf(
        ops,
        shape.map((n, i) => (i - shape.length === axis ? length : n)),
      );
    const left = from === 0 ? g : ops.concat(pad(from), g, { axis });
    const rest = (shape.at(axis) as number) - to;
    return [rest === 0 ? left : ops.concat(left, pad(rest), { axis })];
  },
  concat({ ops, node, g }) {
    const { axis } = node.attributes;
    const [first, second] = node.inputs.map(({ shape }) => shape.at(axis) as number);
    return [ops.slice(g, { axis, from: 0, to: first }), ops.slice(g, { axis, from: first, to: first + second })];
  },
  gather({ ops, node, inputs: [table, indices], g }) {
    if (isTensor(indices) && isTensor(g)) return [scatter(table.shape, indices, g) as unknown as typeof g, undefined];
    const [, index] = node.inputs;
    if (index.op !== "constant") throw unsupported("pullback", "indices that are tensors or a constant", node);
    return [ops.matmul(ops.constant(oneHot(index.attributes.value, table.shape)), g, { transposeA: true }), undefined];
  },
  scan({ ops, inputs: [scores, values], output, g }) {
    // row k averages tokens 1 … k by softmax of their scores: causal attention in which every query has the same scores
    const n = scores.shape.at(-2) as number;
    const column = ops.constant(tensor(new Float32Array(n).fill(1), [n, 1]));
    const square = ops.matmul(column, scores, { transposeB: true });
    const weights = ops.weigh(square, undefined, { activation: "softmax", mask: "causal", order: 0, divide: "none" });
    const dValues = ops.matmul(weights, g, { transposeA: true });
    const dWeights = ops.matmul(g, values, { transposeB: true });
    // Σ_i P_ki dP_ki = g_k · o_k
    const average = ops.scale(ops.sum(ops.multiply(g, output), { axes: [-1], keep: true }), { factor: -1 });
    const dSquare = ops.multiply(weights, ops.add(dWeights, average));
    return [ops.matmul(dSquare, column, { transposeA: true }), dValues];
  },
  linear({ ops, node, inputs: [x, weight, bias], output, g, wanted }) {
    const { activation } = node.attributes;
    const dz = activation === "identity" ? g : ops.multiply(g, slopeOf(ops, activation, [x, weight, bias], output));
    const dx = wanted(0) ? ops.matmul(dz, weight, { transposeB: true }) : undefined;
    if (isTensor(x) && isTensor(dz)) {
      // the tokens of the whole batch are the rows of one product
      const rows = (t: Tensor): typeof g => asRows(t) as unknown as typeof g;
      return [
        dx,
        wanted(1) ? ops.matmul(rows(x), rows(dz), { transposeA: true }) : undefined,
        wanted(2) ? ops.sum(rows(dz), { axes: [-2], keep: false }) : undefined,
      ];
    }
    return [dx, wanted(1) ? ops.matmul(x, dz, { transposeA: true }) : undefined, dz];
  },
};

/** f′(z) of `linear`: at the result where that has the sign of z, else at z, which is made anew. */
function slopeOf<T extends Shaped>(
  ops: Ops<T>,
  activation: Pointwise,
  [x, weight, bias]: Operands<T>["linear"],
  output: T,
): T {
  const z = activation === "relu" ? output : linear(ops, x, weight, bias);
  return ops.activate(z, { activation, order: 1 });
}

/** f″(z) for the activations for which the vocabulary can say it. */
function secondDerivative<T extends Shaped>(ops: Ops<T>, activation: Pointwise, z: T): T | "zero" | undefined {
  if (activation === "squaredRelu") return ops.scale(ops.activate(z, { activation: "relu", order: 1 }), { factor: 2 });
  return (activationDegree(activation) ?? 2) <= 1 ? "zero" : undefined;
}

const zerosOf = <T extends Shaped>(ops: Ops<T>, shape: Shape): T => ops.constant(zeros(shape));

/** [.., n, d] → [everything before, d]. */
const asRows = (t: Tensor): Tensor => {
  const d = t.shape.at(-1) as number;
  return reshape(t, [d === 0 ? 0 : t.data.length / d, d]);
};

/** Each row of numbers ≥ 0 divided by its sum; a row of zeros stays. */
function shares(x: Tensor): Tensor {
  const n = x.shape.at(-1) as number;
  const data = Float64Array.from(x.data);
  for (let at = 0; at < data.length; at += n) {
    let sum = 0;
    for (let i = at; i < at + n; i++) sum += data[i];
    if (sum > 0) for (let i = at; i < at + n; i++) data[i] /= sum;
  }
  return { dtype: "float64", shape: x.shape, data };
}

/** g, which has the entries of `from`, broadcast to `to` along the axes where `from` is 1: one axis after the other. */
function repeated(g: Tensor, from: Shape, to: Shape): Tensor {
  const dtype = g.dtype === "float32" ? "float32" : "float64";
  let data = g.data;
  let inner = 1;
  for (let axis = to.length - 1; axis >= 0; axis--) {
    const n = to[axis];
    if (from[axis] !== n) {
      const wide = allocate(dtype, data.length * n);
      for (let at = 0; at < data.length; at += inner) {
        const entry = data.subarray(at, at + inner);
        if (inner === 1) wide.fill(entry[0], at * n, (at + 1) * n);
        else for (let i = 0; i < n; i++) wide.set(entry, at * n + i * inner);
      }
      data = wide;
    }
    inner *= n;
  }
  return { dtype, shape: to, data: data === g.data ? data.slice() : data } as Tensor;
}

/** dx = r (g − mean g − y · mean(g y)), r = 1/σ; without the first mean for rms. */
function normalizePullback(
  input: Tensor,
  output: Tensor,
  gradient: Tensor,
  attributes: Attributes["normalize"],
): Tensor {
  const { kind, epsilon } = attributes;
  const [x, y, g] = [input.data, output.data, gradient.data];
  const d = input.shape.at(-1) as number;
  const dtype = gradient.dtype === "float32" ? "float32" : "float64";
  const data = allocate(dtype, x.length);
  for (let at = 0; at < x.length; at += d) {
    const end = at + d;
    let mean = 0;
    let meanG = 0;
    let meanGY = 0;
    for (let i = at; i < end; i++) {
      mean += x[i];
      meanG += g[i];
      meanGY += g[i] * y[i];
    }
    mean = kind === "rms" ? 0 : mean / d;
    meanG = kind === "rms" ? 0 : meanG / d;
    meanGY /= d;
    let variance = 0;
    for (let i = at; i < end; i++) variance += (x[i] - mean) * (x[i] - mean);
    const r = 1 / Math.sqrt(variance / d + epsilon);
    for (let i = at; i < end; i++) data[i] = r * (g[i] - meanG - y[i] * meanGY);
  }
  return { dtype, shape: input.shape, data };
}

/** Each row of g added to the row of the table that it was gathered from. */
function scatter(table: Shape, indices: Tensor, g: Tensor): Tensor {
  const [rows, d] = table.slice(-2);
  const n = g.shape.at(-2) as number;
  const shape = table.length === 2 ? table : [...g.shape.slice(0, -2), rows, d];
  const dtype = g.dtype === "float32" ? "float32" : "float64";
  const data = allocate(dtype, sizeOf(shape));
  const offsets = broadcastOffsets(indices.shape, g.shape.slice(0, -1));
  for (const [row, offset] of offsets.entries()) {
    const batch = table.length === 2 ? 0 : Math.floor(row / n) * rows;
    const to = (batch + indices.data[offset]) * d;
    for (let i = 0; i < d; i++) data[to + i] += g.data[row * d + i];
  }
  return { dtype, shape, data };
}

/** indices [.., n] → [.., n, rows], 1 where a row is taken. */
function oneHot(indices: Tensor, table: Shape): Tensor {
  const rows = table.at(-2) as number;
  const data = new Float32Array(indices.data.length * rows);
  for (const [i, row] of indices.data.entries()) data[i * rows + row] = 1;
  return tensor(data, [...indices.shape, rows]);
}
