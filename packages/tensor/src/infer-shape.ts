/**
 * @file The shape of every operation's result, and whether its operands and attributes fit. One place for every reading:
 * devices call it before they compute, the recorder before it adds a node.
 */
import { activationOf } from "./activations.ts";
import { checkOptions, required } from "./check.ts";
import { ShapeError, show } from "./errors.ts";
import { broadcastShapes, type Shape, showShape } from "./shape.ts";
import { isTensor } from "./tensor.ts";
import type { Attributes, Operands, OpName } from "./vocabulary.ts";
import { checkDivide, checkMask, checkWeighing } from "./weighing.ts";

type Rules = { readonly [K in OpName]: (attributes: Attributes[K], ...shapes: Operands<Shape>[K]) => Shape };

/**
 * The shape an operation gives for operands of these shapes.
 *
 * @throws ShapeError if the shapes do not fit together, or an operand is missing
 * @throws RangeError if an attribute is out of range or unknown
 * @example
 * ```ts
 * import { inferShape } from "@splineformer/tensor";
 * inferShape("matmul", { transposeB: true }, [7, 2, 3], [5, 3]); // [7, 2, 5]
 * inferShape("splitHeads", { heads: 2 }, [5, 6]); // [2, 5, 3]
 * ```
 */
export function inferShape<K extends OpName>(op: K, attributes: Attributes[K], ...shapes: Operands<Shape>[K]): Shape {
  required(Object.hasOwn(rules, op), "inferShape", `an operation (${Object.keys(rules).join(", ")})`, op);
  for (const [i, name] of neededOperands[op].entries())
    if (!Array.isArray(shapes[i])) throw new ShapeError(`${op}: expected ${name} with a shape, got ${show(shapes[i])}`);
  checkOptions(op, attributes, knownAttributes[op]);
  return (rules[op] as (attributes: Attributes[K], ...shapes: Operands<Shape>[K]) => Shape)(attributes, ...shapes);
}

/** The operands that may not be left out. */
const neededOperands: { readonly [K in OpName]: readonly string[] } = {
  add: ["a", "b"],
  multiply: ["a", "b"],
  scale: ["x"],
  matmul: ["a", "b"],
  splitHeads: ["x"],
  mergeHeads: ["x"],
  activate: ["x"],
  weigh: ["scores"],
  normalize: ["x"],
  sum: ["x"],
  slice: ["x"],
  concat: ["first", "second"],
  gather: ["table", "indices"],
  scan: ["scores", "values"],
  linear: ["x", "weight"],
  attention: ["query", "key", "value"],
};

/** Refuses operands that are no tensors; one that may be left out may be undefined. */
export function checkTensors(op: OpName, operands: readonly unknown[]): void {
  for (const [i, name] of neededOperands[op].entries())
    required(isTensor(operands[i]), op, `${name} to be a tensor`, operands[i]);
  if (op === "weigh" && operands[1] !== undefined)
    required(isTensor(operands[1]), op, "visible to be a tensor", operands[1]);
}

const knownAttributes: { readonly [K in OpName]: readonly (keyof Attributes[K] & string)[] } = {
  add: [],
  multiply: [],
  scale: ["factor"],
  matmul: ["transposeA", "transposeB"],
  splitHeads: ["heads"],
  mergeHeads: [],
  activate: ["activation", "order"],
  weigh: ["activation", "mask", "order", "divide"],
  normalize: ["kind", "epsilon"],
  sum: ["axes", "keep"],
  slice: ["axis", "from", "to"],
  concat: ["axis"],
  gather: [],
  scan: ["kind"],
  linear: ["activation"],
  attention: ["activation", "mask", "heads", "keyValueHeads", "scale", "divide"],
};

const rules: Rules = {
  add: (_, a, b) => broadcastShapes("add", a, b),
  multiply: (_, a, b) => broadcastShapes("multiply", a, b),
  scale({ factor }, x) {
    required(Number.isFinite(factor), "scale", "a finite factor", factor);
    return x;
  },
  matmul({ transposeA = false, transposeB = false }, a, b) {
    yesOrNo("matmul", "transposeA", transposeA);
    yesOrNo("matmul", "transposeB", transposeB);
    atLeast("matmul", 2, a, "[.., m, k]");
    atLeast("matmul", 2, b, "[.., k, n]");
    const [m, k] = transposeA ? [a.at(-1), a.at(-2)] : [a.at(-2), a.at(-1)];
    const [l, n] = transposeB ? [b.at(-1), b.at(-2)] : [b.at(-2), b.at(-1)];
    if (k !== l)
      throw new ShapeError(
        `matmul: expected equal inner lengths, got ${showShape(a)}${transposeA ? "ᵀ" : ""} · ${showShape(b)}${transposeB ? "ᵀ" : ""}`,
      );
    return [...broadcastShapes("matmul", a.slice(0, -2), b.slice(0, -2)), m as number, n as number];
  },
  splitHeads({ heads }, x) {
    atLeast("splitHeads", 2, x, "[.., n, heads · d]");
    positiveInteger("splitHeads", "heads", heads);
    const [n, width] = x.slice(-2);
    if (width % heads) throw new ShapeError(`splitHeads: expected a width divisible by ${heads}, got ${showShape(x)}`);
    return [...x.slice(0, -2), heads, n, width / heads];
  },
  mergeHeads(_, x) {
    atLeast("mergeHeads", 3, x, "[.., heads, n, d]");
    const [heads, n, d] = x.slice(-3);
    return [...x.slice(0, -3), n, heads * d];
  },
  activate({ activation, order }, x) {
    activationOf(activation, "activate");
    checkOrder("activate", order);
    return x;
  },
  weigh({ activation, mask, order, divide }, scores, visible) {
    atLeast("weigh", 2, scores, "[.., queries, keys]");
    checkOrder("weigh", order);
    checkWeighing("weigh", activation, order);
    checkMask("weigh", mask);
    checkDivide("weigh", divide);
    if (visible) broadcastInto("weigh", "a visible operand", visible, scores);
    return scores;
  },
  normalize({ kind, epsilon }, x) {
    atLeast("normalize", 1, x, "[.., d]");
    required(kind === "layer" || kind === "rms", "normalize", 'kind "layer" or "rms"', kind);
    required(Number.isFinite(epsilon) && epsilon >= 0, "normalize", "epsilon ≥ 0", epsilon);
    return x;
  },
  sum({ axes, keep }, x) {
    yesOrNo("sum", "keep", keep);
    required(Array.isArray(axes) && new Set(axes).size === axes.length, "sum", "a list of different axes", axes);
    for (const axis of axes)
      if (!(Number.isInteger(axis) && axis < 0 && -axis <= x.length))
        throw new ShapeError(`sum: expected negative axes of ${showShape(x)}, got ${show(axes)}`);
    const summed = x.map((n, i) => (axes.includes(i - x.length) ? 1 : n));
    return keep ? summed : summed.filter((_, i) => !axes.includes(i - x.length));
  },
  slice({ axis, from, to }, x) {
    checkAxis("slice", axis, x);
    const length = x.at(axis) as number;
    if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from < to && to <= length))
      throw new ShapeError(`slice: expected 0 ≤ from < to ≤ ${length}, got from ${show(from)} to ${show(to)}`);
    return x.map((n, i) => (i === x.length + axis ? to - from : n));
  },
  concat({ axis }, a, b) {
    checkAxis("concat", axis, a);
    checkAxis("concat", axis, b);
    const one = (x: Shape): Shape => x.map((n, i) => (i === x.length + axis ? 1 : n));
    const joined = (a.at(axis) as number) + (b.at(axis) as number);
    return broadcastShapes("concat", one(a), one(b)).map((n, i, all) => (i === all.length + axis ? joined : n));
  },
  gather(_, table, indices) {
    atLeast("gather", 2, table, "[.., rows, d]");
    atLeast("gather", 1, indices, "[.., n]");
    const batch = broadcastShapes("gather", table.slice(0, -2), indices.slice(0, -1));
    return [...batch, indices.at(-1) as number, table.at(-1) as number];
  },
  scan({ kind }, scores, values) {
    required(kind === "softmax", "scan", 'kind "softmax"', kind);
    atLeast("scan", 2, scores, "[.., n, 1]");
    atLeast("scan", 2, values, "[.., n, d]");
    if (scores.at(-1) !== 1 || scores.at(-2) !== values.at(-2))
      throw new ShapeError(
        `scan: expected scores [.., n, 1] and values [.., n, d], got ${showShape(scores)} and ${showShape(values)}`,
      );
    const batch = broadcastShapes("scan", scores.slice(0, -2), values.slice(0, -2));
    return [...batch, ...values.slice(-2)];
  },
  linear({ activation }, x, weight, bias) {
    activationOf(activation, "linear");
    const [k, m] = weight;
    const biasFits = !bias || (bias.length === 1 && bias[0] === m);
    if (x.length < 2 || weight.length !== 2 || x.at(-1) !== k || !biasFits)
      throw new ShapeError(
        `linear: expected x [.., n, k], weight [k, m] and bias [m], got ${[x, weight, ...(bias ? [bias] : [])].map(showShape).join(", ")}`,
      );
    return [...x.slice(0, -1), m];
  },
  attention({ activation, mask, heads, keyValueHeads, scale, divide }, query, key, value, bias, visible) {
    checkWeighing("attention", activation, 0);
    checkMask("attention", mask);
    checkDivide("attention", divide);
    positiveInteger("attention", "heads", heads);
    positiveInteger("attention", "keyValueHeads", keyValueHeads);
    required(Number.isFinite(scale), "attention", "a finite scale", scale);
    if (heads % keyValueHeads)
      throw new RangeError(
        `attention: expected heads to be a multiple of keyValueHeads ${keyValueHeads}, got ${heads}`,
      );
    const got = `got query ${showShape(query)}, key ${showShape(key)}, value ${showShape(value)} with ${heads} heads, ${keyValueHeads} for keys and values`;
    for (const x of [query, key, value])
      if (x.length < 2) throw new ShapeError(`attention: expected [.., tokens, width], ${got}`);
    const [n, queryWidth] = query.slice(-2);
    const [m, keyWidth] = key.slice(-2);
    const [rows, valueWidth] = value.slice(-2);
    if (m !== rows) throw new ShapeError(`attention: expected as many values as keys, ${got}`);
    if (queryWidth % heads || keyWidth % keyValueHeads || valueWidth % keyValueHeads)
      throw new ShapeError(`attention: expected widths divisible by the numbers of heads, ${got}`);
    if (queryWidth / heads !== keyWidth / keyValueHeads)
      throw new ShapeError(`attention: expected query and key of one head width, ${got}`);
    const batch = broadcastShapes(
      "attention",
      broadcastShapes("attention", query.slice(0, -2), key.slice(0, -2)),
      value.slice(0, -2),
    );
    const scores = [...batch, heads, n, m];
    if (bias) broadcastInto("attention", "a bias", bias, scores);
    if (visible) broadcastInto("attention", "a visible mask", visible, scores);
    return [...batch, n, (heads * valueWidth) / keyValueHeads];
  },
};

function atLeast(where: string, rank: number, shape: Shape, form: string): void {
  if (shape.length < rank) throw new ShapeError(`${where}: expected a shape ${form}, got ${showShape(shape)}`);
}

function positiveInteger(where: string, name: string, value: number): void {
  required(Number.isInteger(value) && value > 0, where, `${name} to be a whole number > 0`, value);
}

function yesOrNo(where: string, name: string, value: unknown): void {
  required(typeof value === "boolean", where, `${name} to be true or false`, value);
}

function checkOrder(where: string, order: unknown): void {
  required(order === 0 || order === 1, where, "order 0 or 1", order);
}

function checkAxis(where: string, axis: unknown, shape: Shape): void {
  required(axis === -1 || axis === -2, where, "axis -1 or -2", axis);
  atLeast(where, -(axis as number), shape, axis === -1 ? "[.., n]" : "[.., n, d]");
}

/** Broadcasting must not make the result larger than `into`. */
function broadcastInto(where: string, what: string, shape: Shape, into: Shape): void {
  const fits =
    shape.length <= into.length && shape.every((n, i) => n === 1 || n === into[into.length - shape.length + i]);
  if (!fits)
    throw new ShapeError(`${where}: expected ${what} that broadcasts to ${showShape(into)}, got ${showShape(shape)}`);
}
