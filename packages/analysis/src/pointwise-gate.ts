/**
 * @file Activations that act entry by entry, as gates: a column's piece ends where it crosses a knot of the activation.
 * Letters: z the values of the gate's input at the Chebyshev nodes of an interval, `z[node * columns + column]`.
 */
import { differentiate, horner, type PiecewiseActivation } from "@splineformer/tensor";
import type { Gate } from "./gates.ts";
import { hypotenuse, product, rounding } from "./noise.ts";
import { type Crossing, type Cut, signChanges, type Undecided } from "./sign-changes.ts";

/**
 * @param factors - what each column's output is multiplied by, 0 for a hidden key; undefined: 1
 */
export function pointwiseGate(
  { knots, pieces }: PiecewiseActivation,
  order: 0 | 1,
  columns: number,
  factors: Float64Array | undefined,
): Gate {
  const polynomials = order === 0 ? pieces : pieces.map(differentiate);
  const slopes = polynomials.map(differentiate).map((c) => c.map(Math.abs));
  const shown: number[] = [];
  for (let c = 0; c < columns; c++) if (factors?.[c] !== 0) shown.push(c);
  return {
    columns,
    cuts(z, noise) {
      const cuts: Cut[] = [];
      const undecided: Undecided[] = [];
      signChanges(z, columns, doubtful(z, columns, shown, knots, noise), cuts, undecided);
      return { cuts, undecided };
    },
    pattern(z, noise) {
      const pattern = new Uint8Array(columns);
      for (const knot of knots)
        for (const c of shown) {
          // no sign changes on the part, so the largest value has the sign of all
          let loudest = 0;
          for (let at = c; at < z.length; at += columns) {
            const v = z[at] - knot;
            if (Math.abs(v) > Math.abs(loudest)) loudest = v;
          }
          if (loudest > noise[c]) pattern[c]++;
        }
      return pattern;
    },
    output(pattern, z) {
      const out = new Float64Array(z.length);
      for (let at = 0; at < z.length; at += columns)
        for (const c of shown) {
          const value = horner(polynomials[pattern[c]], z[at + c]);
          out[at + c] = factors ? value * factors[c] : value;
        }
      return out;
    },
    outputDeviation(pattern, deviation, size) {
      const out = new Float64Array(columns);
      for (const c of shown) {
        const slope = horner(slopes[pattern[c]], size[c]) * (factors ? factors[c] : 1);
        const polynomial = polynomials[pattern[c]];
        // what is passed on as it is, is not rounded again
        const value = polynomial.length > 2 || factors ? slope * size[c] : 0;
        out[c] = hypotenuse(product(slope, deviation[c]), rounding(value));
      }
      return out;
    },
  };
}

/** The columns and knots without a certificate that the column stays on its side of the knot. */
function doubtful(
  z: Float64Array,
  columns: number,
  shown: readonly number[],
  knots: readonly number[],
  noise: Float64Array,
): Crossing[] {
  if (knots.length === 0 || columns === 0) return [];
  const low = z.slice(0, columns);
  const high = z.slice(0, columns);
  for (let at = columns; at < z.length; at += columns)
    for (let c = 0; c < columns; c++) {
      const v = z[at + c];
      if (v < low[c]) low[c] = v;
      else if (v > high[c]) high[c] = v;
    }
  // between its nodes a polynomial leaves their range by at most this part of it (a bound of the Lebesgue constant)
  const degree = z.length / columns - 1;
  const beyond = degree < 2 ? 0 : Math.log(degree + 1) / Math.PI;
  const asked: Crossing[] = [];
  for (const level of knots)
    for (const column of shown) {
      const lo = low[column];
      const hi = high[column];
      const margin = beyond * (hi - lo) + Math.max(noise[column], 2 ** -52 * Math.max(hi, -lo));
      if (!(lo - level > margin || hi - level < -margin)) asked.push({ column, level, noise: noise[column] });
    }
  return asked;
}
