/**
 * @file Gates in exact arithmetic: which piece each entry is in at a point, the polynomials that keep their sign while a pattern
 * holds, and the output of a pattern. The counterpart of `gates.ts`, and independent of it.
 * Letters: z the gate's input, S a support, τ the threshold of sparsemax.
 */
import {
  type Applied,
  activationOf,
  actsOnRows,
  differentiate,
  divisor,
  type PiecewiseActivation,
  type Pointwise,
  sizeOf,
  type Tensor,
} from "@splineformer/tensor";
import { scoreRows } from "../engine/scores.ts";
import {
  aligned,
  binomials,
  divided,
  type Exact,
  exactly,
  lessLevel,
  multiplyInto,
  overProduct,
  zeroProduct,
} from "./exact-numbers.ts";

/** While a pattern holds, sign · p ≥ 0. */
export interface ExactBound {
  readonly entry: number;
  /** Which end of the entry's piece it is: for an activation the knot, for sparsemax 0. */
  readonly knot: number;
  readonly sign: 1 | -1;
  /** Of p, up to a positive factor. */
  readonly numerators: readonly bigint[];
}

export interface ExactGate {
  /** At a point, where z has degree 0. */
  pattern(z: Exact): Uint8Array;
  bounds(z: Exact, pattern: Uint8Array): Iterable<ExactBound>;
  output(z: Exact, pattern: Uint8Array): Exact;
}

type GateNode = Extract<Applied, { op: "activate" | "weigh" }>;

/** The gate of a node that is known to have one. */
export function exactGate(node: GateNode, visible: Tensor | undefined): ExactGate {
  const { activation, order } = node.attributes;
  const entries = sizeOf(node.shape);
  const meaning = (): PiecewiseActivation => activationOf(activation as Pointwise) as PiecewiseActivation;
  if (node.op === "activate") return pointwise(meaning(), order, new Array<number>(entries).fill(1));
  // of every entry; 0: it is hidden
  const divisors = new Array<number>(entries).fill(0);
  const rows = scoreRows(node, visible).map((row) => row.entries);
  for (const row of rows) for (const entry of row) divisors[entry] = divisor(node.attributes.divide, row.length);
  return actsOnRows(activation) ? sparsemax(rows, order, divisors) : pointwise(meaning(), order, divisors);
}

/** 1 for what is hidden, whose output is 0 anyway. */
const shown = (divisors: readonly number[]): readonly number[] => divisors.map((by) => (by === 0 ? 1 : by));

function pointwise({ knots, pieces }: PiecewiseActivation, order: 0 | 1, divisors: readonly number[]): ExactGate {
  const polynomials = (order === 0 ? pieces : pieces.map(differentiate)).map((c) => exactly(c));
  const most = Math.max(...polynomials.map((c) => c.numerators.length)) - 1;
  const shift = Math.max(...polynomials.map((c) => c.shift));
  return {
    pattern(z) {
      return Uint8Array.from(divisors, (by, entry) => {
        let piece = 0;
        if (by !== 0) while (piece < knots.length && lessLevel(z, entry, knots[piece])[0] > 0n) piece++;
        return piece;
      });
    },
    *bounds(z, pattern) {
      for (let entry = 0; entry < divisors.length; entry++) {
        if (divisors[entry] === 0) continue;
        const piece = pattern[entry];
        if (piece > 0) yield { entry, knot: piece - 1, sign: 1, numerators: lessLevel(z, entry, knots[piece - 1]) };
        if (piece < knots.length) yield { entry, knot: piece, sign: -1, numerators: lessLevel(z, entry, knots[piece]) };
      }
    },
    output(z, pattern) {
      const coefficient = (k: number): Exact => {
        const numerators = divisors.map((by, entry) => {
          const c = polynomials[pattern[entry]];
          return by === 0 || c.numerators.length <= k ? 0n : c.numerators[k] << BigInt(shift - c.shift);
        });
        return { degree: 0, numerators, shift, odd: 1n };
      };
      // Horner's rule for all entries at a time: the denominators stay shared
      let out = coefficient(most);
      for (let k = most - 1; k >= 0; k--) {
        const raised = zeroProduct(out, z, divisors.length);
        for (let i = 0; i < divisors.length; i++)
          multiplyInto(raised, i, out.numerators, i, out.degree, z.numerators, i, z.degree);
        const [x, y] = aligned(overProduct(out, z, raised), coefficient(k));
        out = { ...x, numerators: x.numerators.map((n, i) => n + y.numerators[i]) };
      }
      return divided(out, shown(divisors));
    },
  };
}

function sparsemax(rows: readonly (readonly number[])[], order: 0 | 1, divisors: readonly number[]): ExactGate {
  /** |S| (z_i − τ_S) = |S| z_i − Σ_S z + 1, numerators over z's denominator. */
  const switches = ({ degree, numerators, shift, odd }: Exact, row: readonly number[], pattern: Uint8Array) => {
    const width = degree + 1;
    const unit = odd << BigInt(shift);
    const rest = binomials(degree).map((one) => one * unit);
    let size = 0n;
    for (const entry of row)
      if (pattern[entry]) {
        size++;
        for (let k = 0; k < width; k++) rest[k] -= numerators[entry * width + k];
      }
    const of = (entry: number): bigint[] => rest.map((c, k) => size * numerators[entry * width + k] + c);
    return { size, of };
  };
  return {
    pattern({ numerators, shift, odd }) {
      const out = new Uint8Array(divisors.length);
      const unit = odd << BigInt(shift);
      for (const row of rows) {
        const sorted = row.toSorted((i, j) =>
          numerators[j] > numerators[i] ? 1 : numerators[j] < numerators[i] ? -1 : 0,
        );
        let sum = 0n;
        let k = 0n;
        for (const entry of sorted) {
          sum += numerators[entry];
          k++;
          if (unit + k * numerators[entry] <= sum) break;
          out[entry] = 1;
        }
      }
      return out;
    },
    *bounds(z, pattern) {
      for (const row of rows) {
        // a key that is alone has all the weight
        if (row.length < 2) continue;
        const { of } = switches(z, row, pattern);
        for (const entry of row) yield { entry, knot: 0, sign: pattern[entry] ? 1 : -1, numerators: of(entry) };
      }
    },
    output(z, pattern) {
      const degree = order === 0 ? z.degree : 0;
      const numerators = new Array<bigint>(divisors.length * (degree + 1)).fill(0n);
      const sizes = new Array<number>(divisors.length).fill(1);
      for (const row of rows) {
        const { size, of } = switches(z, row, pattern);
        for (const entry of row) {
          if (!pattern[entry]) continue;
          if (order === 0) sizes[entry] = Number(size);
          const own = order === 0 ? of(entry) : [1n];
          for (let k = 0; k <= degree; k++) numerators[entry * (degree + 1) + k] = own[k];
        }
      }
      const out: Exact = order === 0 ? { ...z, numerators } : { degree, numerators, shift: 0, odd: 1n };
      return divided(divided(out, sizes), shown(divisors));
    },
  };
}
