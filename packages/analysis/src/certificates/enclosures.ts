/**
 * @file Polynomials that enclose values, many at a time, rounded outwards. On each of some intervals, the *items*, every entry
 * of a value is Σ_{k<K} c_k s^k + ρ with −1 ≤ s ≤ 1 and |ρ| ≤ r. The coefficients are what a device computes; the radius takes
 * in what was left out and every rounding error, in whatever order the device sums. Not a way to find anything: a proof.
 * Letters: K the number of coefficients, u = 2^−53 the rounding unit, |c| = Σ_k |c_k|.
 */
import { type Applied, apply, type Shape, type SynchronousDevice, sizeOf, type Tensor } from "@splineformer/tensor";

export interface Enclosures {
  /** Of one item. */
  readonly shape: Shape;
  readonly items: number;
  /** [K, items, …shape] */
  readonly coefficients: Float64Array;
  /** [items, …shape] */
  readonly radius: Float64Array;
}

/** Above all relative rounding in a bound that sums up to a million numbers ≥ 0. */
const up = 1 + 2 ** -30;
/** What is not 0 is taken for at least this much in a bound, so that a product of two is no 0; it is above all underflow, too. */
const least = 2 ** -400;
const unit = 2 ** -53;

/** A bound of |x|; 0 only for 0. */
export const bound = (x: number): number => (x === 0 ? 0 : Math.max(Math.abs(x), least));

/** A sum of bounds, rounded up. */
export const roundedUp = (x: number): number => (x === 0 ? 0 : x * up + least);

/** K. */
export const orderOf = ({ coefficients, radius }: Enclosures): number =>
  radius.length === 0 ? 1 : coefficients.length / radius.length;

/** |c| of every entry. */
function sizesOf(x: Enclosures): Float64Array {
  const n = x.radius.length;
  const out = new Float64Array(n);
  for (let at = 0; at < x.coefficients.length; at += n)
    for (let i = 0; i < n; i++) out[i] += bound(x.coefficients[at + i]);
  return out;
}

/** A constant, the same for every item. */
export interface Still {
  readonly value: Tensor;
  /** Of its entries. */
  readonly bounds: Tensor;
}

export const stillOf = (value: Tensor): Still => ({
  value,
  bounds: { dtype: "float64", shape: value.shape, data: Float64Array.from(value.data, bound) },
});

const isMoving = (x: Enclosures | Still): x is Enclosures => "radius" in x;

/** A polynomial operation of which some operand moves; undefined for any other operation. */
export function enclose(
  device: SynchronousDevice,
  node: Applied,
  operands: readonly (Enclosures | Still)[],
): Enclosures | undefined {
  const [a, b] = operands;
  const rank = node.shape.length;
  switch (node.op) {
    case "add":
      return isMoving(a) && isMoving(b) ? sum(device, node, a, b) : shifted(device, node, operands);
    case "multiply":
    case "matmul":
      if (isMoving(a) && isMoving(b)) return product(device, node, a, b);
      return linear(device, node, operands, termsOf(node), rank);
    case "scale": {
      const { factor } = node.attributes;
      const bounds: Applied = { ...node, attributes: { factor: bound(factor) } };
      return linear(device, node, operands, 1, rank, bounds);
    }
    case "sum":
      return linear(device, node, operands, termsOf(node), rank);
    case "concat":
      return linear(device, node, [spread(a, operands), spread(b, operands)], 0, rank);
    case "splitHeads":
    case "mergeHeads":
    case "slice":
    case "gather":
      return linear(device, node, operands, 0, rank);
    default:
      return undefined;
  }
}

/** How many numbers are summed for one of the result. */
function termsOf(node: Applied): number {
  if (node.op === "matmul") return node.inputs[0].shape.at(node.attributes.transposeA ? -2 : -1) as number;
  if (node.op === "sum") {
    const { shape } = node.inputs[0];
    return node.attributes.axes.reduce((n, axis) => n * (shape.at(axis) as number), 1);
  }
  return 1;
}

/** Above the relative rounding error of a sum of so many products, in any order. */
const rounding = (terms: number): number => (terms === 0 ? 0 : (terms + 1) * unit);

/** Arrays of items as a tensor, so that they broadcast to a result of this rank. */
const led = (data: Float64Array, lead: number, shape: Shape, rank: number): Tensor => ({
  dtype: "float64",
  shape: [lead, ...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape],
  data,
});

const numbersOf = ({ data }: Tensor): Float64Array => data as Float64Array;

/** What is linear in the moving operands; others that stand still are given to it as they are. */
function linear(
  device: SynchronousDevice,
  node: Applied,
  operands: readonly (Enclosures | Still)[],
  terms: number,
  rank: number,
  boundNode: Applied = node,
): Enclosures {
  const moving = operands.filter(isMoving);
  const { items } = moving[0];
  const K = orderOf(moving[0]);
  const gamma = rounding(terms);
  const coefficients = numbersOf(
    apply(
      device,
      node,
      operands.map((x) => (isMoving(x) ? led(x.coefficients, K * items, x.shape, rank) : x.value)),
    ),
  );
  const errors = operands.map((x) => {
    if (!isMoving(x)) return node.op === "gather" ? x.value : x.bounds;
    return led(gamma === 0 ? x.radius : withRounding(x, gamma), items, x.shape, rank);
  });
  const bounds = numbersOf(apply(device, boundNode, errors));
  // a view of a device's memory, or an operand itself, is not ours to write to
  const radius = gamma === 0 ? bounds : bounds.map(roundedUp);
  return { shape: node.shape, items, coefficients, radius };
}

/** r + γ(|c| + r). */
function withRounding(x: Enclosures, gamma: number): Float64Array {
  const out = sizesOf(x);
  for (let i = 0; i < out.length; i++) out[i] = roundedUp(x.radius[i] + gamma * (out[i] + x.radius[i]));
  return out;
}

function sum(device: SynchronousDevice, node: Applied, a: Enclosures, b: Enclosures): Enclosures {
  const rank = node.shape.length;
  const K = orderOf(a);
  const { items } = a;
  const run = (x: Float64Array, y: Float64Array, lead: number): Float64Array =>
    numbersOf(apply(device, node, [led(x, lead, a.shape, rank), led(y, lead, b.shape, rank)]));
  const coefficients = run(a.coefficients, b.coefficients, K * items);
  const errors = run(a.radius, b.radius, items);
  return { shape: node.shape, items, coefficients, radius: rounded(coefficients, errors, K) };
}

/** Adds a constant, which concerns c_0 alone. */
function shifted(device: SynchronousDevice, node: Applied, operands: readonly (Enclosures | Still)[]): Enclosures {
  const rank = node.shape.length;
  const at = operands.findIndex(isMoving);
  const x = operands[at] as Enclosures;
  const still = operands[1 - at] as Still;
  const { items } = x;
  const K = orderOf(x);
  const first = x.coefficients.subarray(0, x.radius.length);
  const moved = numbersOf(apply(device, node, [led(first, items, x.shape, rank), still.value]));
  const size = moved.length;
  const same = size === x.radius.length;
  const coefficients = new Float64Array(K * size);
  coefficients.set(moved);
  const copied = (data: Float64Array, lead: number): Float64Array => {
    if (same) return data;
    const zero: Tensor = { ...still.value, dtype: "float64", data: new Float64Array(still.value.data.length) };
    return numbersOf(apply(device, node, [led(data, lead, x.shape, rank), zero]));
  };
  if (K > 1) coefficients.set(copied(x.coefficients.subarray(x.radius.length), (K - 1) * items), size);
  return { shape: node.shape, items, coefficients, radius: rounded(moved, copied(x.radius, items), 1) };
}

/** Errors with those of rounding every coefficient once. */
function rounded(coefficients: Float64Array, errors: Float64Array, K: number): Float64Array {
  const n = errors.length;
  const out = new Float64Array(n);
  for (let k = 0; k < K; k++) for (let i = 0; i < n; i++) out[i] += Math.abs(coefficients[k * n + i]);
  for (let i = 0; i < n; i++) out[i] = roundedUp(errors[i] + 2 * unit * out[i]);
  return out;
}

/** Σ_{i+j=k} a_i b_j for k < K; the rest, and what rounding does, goes to the radius. */
function product(device: SynchronousDevice, node: Applied, a: Enclosures, b: Enclosures): Enclosures {
  const rank = node.shape.length;
  const { items } = a;
  const K = orderOf(a);
  const run = (x: Float64Array, y: Float64Array): Float64Array =>
    numbersOf(apply(device, node, [led(x, items, a.shape, rank), led(y, items, b.shape, rank)]));
  const part = (x: Enclosures, k: number): Float64Array =>
    x.coefficients.subarray(k * x.radius.length, (k + 1) * x.radius.length);
  const size = items * sizeOf(node.shape);
  const coefficients = new Float64Array(K * size);
  const addTo = (out: Float64Array, more: Float64Array): void => {
    for (let i = 0; i < out.length; i++) out[i] += more[i];
  };
  for (let k = 0; k < K; k++) {
    const own = coefficients.subarray(k * size, (k + 1) * size);
    for (let i = 0; i <= k; i++) addTo(own, run(part(a, i), part(b, k - i)));
  }
  const radius = new Float64Array(size);
  // Σ_{i+j≥K} |a_i| |b_j|
  let tail = new Float64Array(b.radius.length);
  for (let i = 1; i < K; i++) {
    const next = Float64Array.from(tail);
    addTo(next, part(b, K - i).map(bound));
    tail = next;
    addTo(radius, run(part(a, i).map(bound), tail));
  }
  // |a| (r_b + γ(|b| + r_b)) + r_a (|b| + r_b)
  const gamma = rounding(termsOf(node) + K);
  const whole = sizesOf(b);
  for (let i = 0; i < whole.length; i++) whole[i] += b.radius[i];
  addTo(radius, run(sizesOf(a), withRounding(b, gamma)));
  addTo(radius, run(a.radius, whole));
  return { shape: node.shape, items, coefficients, radius: radius.map(roundedUp) };
}

/** What stands still, as items. */
function spread(x: Enclosures | Still, operands: readonly (Enclosures | Still)[]): Enclosures {
  if (isMoving(x)) return x;
  const like = operands.find(isMoving) as Enclosures;
  const size = sizeOf(x.value.shape);
  const coefficients = new Float64Array(orderOf(like) * like.items * size);
  for (let item = 0; item < like.items; item++) coefficients.set(x.value.data, item * size);
  return { shape: x.value.shape, items: like.items, coefficients, radius: new Float64Array(like.items * size) };
}
