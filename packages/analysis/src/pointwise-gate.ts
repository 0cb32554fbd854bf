/**
 * @file Activations that act entry by entry, as gates: a column's piece ends where it crosses a knot of the activation.
 * Letters: z the values of the gate's input at the Chebyshev nodes of an interval, `z[node * columns + column]`.
 */
import { resampleMatrix, transformColumns } from "@splineformer/spline";
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
  const degree = Math.max(...polynomials.map((c) => c.length)) - 1;
  const shown: number[] = [];
  for (let c = 0; c < columns; c++) if (factors?.[c] !== 0) shown.push(c);
  return {
    columns,
    read(z, noise) {
      const cuts: Cut[] = [];
      const undecided: Undecided[] = [];
      const { asked, certain } = certificates(z, columns, shown, knots, noise);
      signChanges(z, columns, asked, cuts, undecided);
      const packed = pack(z, columns, asked);
      const own = z.length / columns - 1;
      const pattern = (lo: number, hi: number): Uint8Array => {
        const out = certain.slice();
        const part =
          asked.length === 0 || (lo === -1 && hi === 1)
            ? packed
            : transformColumns(resampleMatrix(own, own, lo, hi), packed, asked.length);
        asked.forEach(({ column, noise }, q) => {
          // no sign changes on the part, so the largest value has the sign of all
          let loudest = 0;
          for (let at = q; at < part.length; at += asked.length)
            if (Math.abs(part[at]) > Math.abs(loudest)) loudest = part[at];
          if (loudest > noise) out[column]++;
        });
        return out;
      };
      return { cuts, undecided, pattern };
    },
    output(pattern, z) {
      // every column's polynomial, its coefficients side by side
      const coefficients = Array.from({ length: degree + 1 }, () => new Float64Array(columns));
      for (const c of shown)
        polynomials[pattern[c]].forEach((a, k) => {
          coefficients[k][c] = factors ? a * factors[c] : a;
        });
      const out = new Float64Array(z.length);
      const [constant, slope] = coefficients;
      if (degree === 1)
        for (let at = 0; at < z.length; at += columns)
          for (let c = 0; c < columns; c++) out[at + c] = z[at + c] * slope[c] + constant[c];
      else
        for (let at = 0; at < z.length; at += columns)
          for (let k = degree; k >= 0; k--) {
            const next = coefficients[k];
            for (let c = 0; c < columns; c++) out[at + c] = out[at + c] * z[at + c] + next[c];
          }
      return out;
    },
    outputOf(pattern, z, chosen) {
      const out = new Float64Array((z.length / columns) * chosen.length);
      chosen.forEach((c, q) => {
        const polynomial = polynomials[pattern[c]];
        for (let at = c, to = q; to < out.length; at += columns, to += chosen.length)
          out[to] = horner(polynomial, z[at]) * (factors ? factors[c] : 1);
      });
      return out;
    },
    affected(before, after) {
      return shown.filter((c) => before[c] !== after[c]);
    },
    outputDeviation(pattern, deviation, size) {
      const out = new Float64Array(columns);
      for (const c of shown) {
        const polynomial = polynomials[pattern[c]];
        if (polynomial.length === 1) continue;
        const slope = horner(slopes[pattern[c]], size[c]) * (factors ? factors[c] : 1);
        // what is passed on as it is, is not rounded again
        const value = polynomial.length > 2 || factors ? slope * size[c] : 0;
        out[c] = hypotenuse(product(slope, deviation[c]), rounding(value));
      }
      return out;
    },
  };
}

/** Chosen columns side by side, each less its level. */
function pack(z: Float64Array, columns: number, asked: readonly Crossing[]): Float64Array {
  const count = asked.length;
  const out = new Float64Array((z.length / columns) * count);
  for (let q = 0; q < count; q++) {
    const { column, level } = asked[q];
    for (let at = column, to = q; to < out.length; at += columns, to += count) out[to] = z[at] - level;
  }
  return out;
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
