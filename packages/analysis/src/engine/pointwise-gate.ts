/**
 * @file Activations that act entry by entry, as gates: a column's piece ends where it crosses a knot of the activation.
 * Letters: z the values of the gate's input at the Chebyshev nodes of an interval, `z[node * columns + column]`.
 */
import { differentiate, horner, type PiecewiseActivation } from "@splineformer/tensor";
import type { Gate } from "./gate.ts";
import { hypotenuse, product, rounding } from "./noise.ts";
import { type ColumnCut, type Crossing, signChanges, type Undecided } from "./sign-changes.ts";

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
  const degree = Math.max(...polynomials.map((c) => c.length)) - 1;
  const shown: number[] = [];
  for (let c = 0; c < columns; c++) if (factors?.[c] !== 0) shown.push(c);
  return {
    columns,
    read(z, noise) {
      const cuts: ColumnCut[] = [];
      const undecided: Undecided[] = [];
      const { asked, certain } = certificates(z, columns, shown, knots, noise);
      signChanges(z, columns, asked, cuts, undecided);
      loudest(z, columns, asked, certain);
      return { cuts, undecided, pattern: certain };
    },
    pattern(z, noise) {
      const { asked, certain } = certificates(z, columns, shown, knots, noise);
      loudest(z, columns, asked, certain);
      return certain;
    },
    output(pattern, z, out) {
      // every column's polynomial, its coefficients side by side
      const coefficients = Array.from({ length: degree + 1 }, () => new Float64Array(columns));
      for (const c of shown) {
        const own = polynomials[pattern[c]];
        const factor = factors ? factors[c] : 1;
        for (let k = 0; k < own.length; k++) coefficients[k][c] = own[k] * factor;
      }
      const [constant, slope] = coefficients;
      if (degree === 1)
        for (let at = 0; at < z.length; at += columns)
          for (let c = 0; c < columns; c++) out[at + c] = z[at + c] * slope[c] + constant[c];
      else
        for (let at = 0; at < z.length; at += columns)
          for (let k = degree; k >= 0; k--) {
            const next = coefficients[k];
            if (k === degree) for (let c = 0; c < columns; c++) out[at + c] = next[c];
            else for (let c = 0; c < columns; c++) out[at + c] = out[at + c] * z[at + c] + next[c];
          }
    },
    outputDeviation(pattern, deviation, size, out) {
      out.fill(0);
      for (const c of shown) {
        const polynomial = polynomials[pattern[c]];
        if (polynomial.length === 1) continue;
        const slope = horner(slopes[pattern[c]], size[c]) * (factors ? factors[c] : 1);
        // what is passed on as it is, is not rounded again
        const value = polynomial.length > 2 || factors ? slope * size[c] : 0;
        out[c] = hypotenuse(product(slope, deviation[c]), rounding(value));
      }
    },
  };
}

/** Where no sign changes, the largest value has the sign of all: adds the knots that the asked columns are above. */
function loudest(z: Float64Array, columns: number, asked: readonly Crossing[], certain: Uint8Array): void {
  for (const { column, level, noise } of asked) {
    let most = 0;
    for (let at = column; at < z.length; at += columns) {
      const v = z[at] - level;
      if (Math.abs(v) > Math.abs(most)) most = v;
    }
    if (most > noise) certain[column]++;
  }
}

/** The columns and knots without a certificate that the column stays on its side; and how many knots each surely is above. */
function certificates(
  z: Float64Array,
  columns: number,
  shown: readonly number[],
  knots: readonly number[],
  noise: Float64Array,
): { readonly asked: Crossing[]; readonly certain: Uint8Array } {
  const asked: Crossing[] = [];
  const certain = new Uint8Array(columns);
  if (knots.length === 0 || columns === 0) return { asked, certain };
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
  for (const level of knots)
    for (const column of shown) {
      const lo = low[column];
      const hi = high[column];
      const margin = beyond * (hi - lo) + Math.max(noise[column], 2 ** -52 * Math.max(hi, -lo));
      if (lo - level > margin) certain[column]++;
      else if (!(hi - level < -margin)) asked.push({ column, level, noise: noise[column] });
    }
  return { asked, certain };
}
