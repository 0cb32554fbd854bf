/**
 * @file How scores become weights, straight from the definitions. Letters: z the scores of the keys that a query sees,
 * τ the threshold of sparsemax.
 */
import type { Attributes, Divide, Mask, Pointwise } from "@splineformer/tensor";
import { naiveActivation } from "./activations.ts";
import type { Matrix, Row } from "./nested.ts";

/** `e^zᵢ / Σ e^zⱼ`; a constant is subtracted from every score, which changes nothing but the rounding. */
export function naiveSoftmax(z: Row): Row {
  const top = Math.max(...z);
  const sum = z.reduce((total, s) => total + Math.exp(s - top), 0);
  return z.map((s) => Math.exp(s - top) / sum);
}

/**
 * The projection on the simplex by brute force: of all supports, the one for which `τ = (Σ zᵢ − 1)/|support|` lies
 * below exactly the scores in it.
 *
 * Of more than 13 keys not all 2ⁿ supports are tried, but those that hold the largest scores: a score in the support
 * exceeds τ and one outside does not, so no other can fit.
 */
export function naiveSparsemax(z: Row): Row {
  if (z.length === 0) return [];
  // the projection does not change when every score is shifted; near 0 nothing is lost
  const top = Math.max(...z);
  const shifted = z.map((s) => s - top);
  for (const support of z.length > 13 ? largestFirst(shifted) : everySubset(z.length)) {
    const chosen = shifted.filter((_, i) => support.has(i));
    const tau = (chosen.reduce((a, b) => a + b, 0) - 1) / chosen.length;
    if (shifted.every((s, i) => (support.has(i) ? s > tau : s <= tau))) return shifted.map((s) => Math.max(s - tau, 0));
  }
  throw new Error(`naiveSparsemax: expected one support that fits, got none for ${z.join(", ")}`);
}

/**
 * `max(c zᵢ − τ, 0)^(1/c)` with c = α − 1 and the τ that makes them sum to 1, by bisection alone; α in (1, 2].
 *
 * As a power it loses digits near α = 1, where its base is near 1.
 */
export function naiveEntmax(z: Row, alpha: number): Row {
  const c = alpha - 1;
  const top = Math.max(...z);
  const weights = (tau: number): Row => z.map((s) => Math.max(c * (s - top) - tau, 0) ** (1 / c));
  let [low, high] = [-1, 0];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (weights(middle).reduce((a, b) => a + b, 0) > 1) low = middle;
    else high = middle;
  }
  return weights(low);
}

const everySubset = (n: number): Set<number>[] =>
  Array.from(
    { length: 2 ** n - 1 },
    (_, bits) =>
      new Set(Array.from({ length: n }, (_, i) => i).filter((i) => Math.floor((bits + 1) / 2 ** i) % 2 === 1)),
  );

function largestFirst(z: Row): Set<number>[] {
  const order = z.map((_, i) => i).sort((a, b) => z[b] - z[a]);
  return order.map((_, k) => new Set(order.slice(0, k + 1)));
}

/** Whether the mask shows this key to this query. */
export function naiveSees(mask: Mask, query: number, key: number): boolean {
  if (mask === "none") return true;
  return key <= query && (mask === "causal" || key > query - mask.window);
}

function naiveDivisor(divide: Divide, visibleKeys: number): number {
  if (divide === "none") return 1;
  return divide === "length" ? visibleKeys : visibleKeys ** divide.lengthPower;
}

function naiveRow({ activation, order }: Attributes["weigh"], z: Row): Row {
  if (activation === "softmax") return naiveSoftmax(z);
  if (activation === "sparsemax") {
    const weights = naiveSparsemax(z);
    return order === 0 ? weights : weights.map((w) => (w > 0 ? 1 : 0));
  }
  if (typeof activation === "object" && activation.name === "entmax") {
    const weights = naiveEntmax(z, activation.alpha);
    return order === 0 ? weights : weights.map((w) => (w > 0 ? w ** (2 - activation.alpha) : 0));
  }
  if (activation === "sigmoid" || (typeof activation === "object" && activation.name === "sigmoid")) {
    const bias = typeof activation === "object" ? activation.bias : "-log length";
    const f = naiveActivation("sigmoid", order);
    return z.map((s) => f(s + (bias === "-log length" ? -Math.log(z.length) : bias)));
  }
  return z.map(naiveActivation(activation as Pointwise, order));
}

/** Weights of one matrix of scores; what is hidden weighs 0. */
export function naiveWeigh(scores: Matrix, visible: Matrix | undefined, attributes: Attributes["weigh"]): Matrix {
  return scores.map((row, query) => {
    const shown = row.map((_, key) => {
      // a visible operand with one row, or one column, is repeated
      const rows = visible?.[visible.length === 1 ? 0 : query];
      return naiveSees(attributes.mask, query, key) && rows?.[rows.length === 1 ? 0 : key] !== 0;
    });
    const z = row.filter((_, key) => shown[key]);
    const weights = naiveRow(attributes, z).map((w) => w / naiveDivisor(attributes.divide, z.length));
    return shown.map((seen) => (seen ? (weights.shift() as number) : 0));
  });
}
