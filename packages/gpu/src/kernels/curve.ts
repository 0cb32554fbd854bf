/**
 * @file A smooth activation as a table of polynomials, made from its definition in float64.
 *
 * A GPU's own functions won't do: `tanh` is NaN for large arguments, `pow` for negative bases, `exp` and `log` may err
 * by many units in the last place, and each driver errs in its own way. Looked up, every smooth activation is right to
 * about 0.6 units in the last place, a new one too. Letters: z a pre-activation, c the middle of an interval, f a curve.
 */
import { activationOf, type Pointwise } from "@splineformer/tensor";
import type { Table } from "./kernel.ts";

/** Intervals in a unit of z (of βz for softplus); half of one is 1/32. */
const density = 16;
/** Where every smooth activation has become a straight line in float32: e^(−104) is 0. */
const reach = 104;
/** c, f(c) in two parts, and the coefficients of s to s⁵ for s = (z − c)/(half an interval). */
const entries = 8;

export interface Curve {
  readonly table: Table;
  /** Statements that leave the value at z in `f`. */
  readonly statements: string;
}

/**
 * Interpolates at the six Chebyshev nodes of each interval.
 *
 * The error is at most `max |f⁽⁶⁾| /(6! 2⁵) · 32⁻⁶ β⁻⁶`, below 1e-11 for the activations of the table; what is left is
 * the rounding of the last addition, since f(c) is stored in two parts.
 */
export function curveOf(key: string, activation: Pointwise, order: 0 | 1): Curve | undefined {
  const meaning = activationOf(activation, "activate");
  if (meaning.kind !== "smooth") return undefined;
  const f = order === 0 ? meaning.value : meaning.derivative;
  const beta = typeof activation === "object" && "beta" in activation ? activation.beta : 1;
  const step = 1 / (density * beta);
  const limit = Math.fround(reach / beta);
  const line = (z: number): string => {
    const slope = order === 0 ? Math.fround(meaning.derivative(z)) : 0;
    const offset = Math.fround(f(z) - slope * z);
    return slope === 0 ? literal(offset) : `${literal(slope)} * z + ${literal(offset)}`;
  };
  const side = density * reach + 1;
  return {
    table: { name: `curve ${key}`, numbers: () => tabulate(f, step, side) },
    statements: `let f = 0.0;
  if (z < ${literal(-limit)}) { f = ${line(-limit)}; }
  else {
    if (z > ${literal(limit)}) { f = ${line(limit)}; }
    else {
      const piece = (Math.floor(z * ${literal(1 / step)} + 0.5) + ${side}) * ${entries};
      const s = (z - curve[piece]) * ${literal(2 / step)};
      let p = curve[piece + 6] + s * curve[piece + 7];
      p = curve[piece + 5] + s * p;
      p = curve[piece + 4] + s * p;
      p = curve[piece + 3] + s * p;
      f = curve[piece + 1] + (curve[piece + 2] + s * p);
    }
  }`,
  };
}

/** Intervals around c = n · step for −side ≤ n ≤ side. */
function tabulate(f: (z: number) => number, step: number, side: number): Float32Array {
  const table = new Float32Array(entries * (2 * side + 1));
  const half = step / 2;
  for (let n = -side; n <= side; n++) {
    const c = Math.fround(n * step);
    const coefficients = interpolate((s) => f(c + half * s));
    const at = (n + side) * entries;
    table[at] = c;
    table[at + 1] = coefficients[0];
    table[at + 2] = coefficients[0] - table[at + 1];
    for (let k = 1; k <= 5; k++) table[at + 2 + k] = coefficients[k];
  }
  return table;
}

/** The coefficients of 1, s, …, s⁵ that agree with g at the Chebyshev nodes of −1 ≤ s ≤ 1. */
function interpolate(g: (s: number) => number): readonly number[] {
  const size = 6;
  const angle = (k: number): number => (Math.PI * (k + 0.5)) / size;
  const values = Array.from({ length: size }, (_, k) => g(Math.cos(angle(k))));
  const result = new Array<number>(size).fill(0);
  // monomial coefficients of the Chebyshev polynomials, by their recurrence
  let before: readonly number[] = [];
  let current: readonly number[] = [1];
  for (let j = 0; j < size; j++) {
    let weight = 0;
    for (let k = 0; k < size; k++) weight += (values[k] * Math.cos(j * angle(k)) * (j === 0 ? 1 : 2)) / size;
    current.forEach((c, i) => {
      result[i] += weight * c;
    });
    const factor = j === 0 ? 1 : 2;
    const next = [0, ...current.map((c) => factor * c)];
    before.forEach((c, i) => {
      next[i] -= c;
    });
    before = current;
    current = next;
  }
  return result;
}

/** A number as it may stand anywhere in a kernel: `a - -0.5` is broken WGSL, and a whole number would be an integer. */
export function literal(x: number): string {
  const text = Math.abs(x).toString();
  const digits = /^\d+$/.test(text) ? `${text}.0` : text;
  return x < 0 ? `(0.0 - ${digits})` : digits;
}
