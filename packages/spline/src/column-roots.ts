/**
 * @file The roots of all polynomials of a block at once: sign certificates for every column, isolation for the few left.
 */

import { blockNodes } from "./chebyshev-grid.ts";
import { columnCoefficients } from "./chebyshev-series.ts";
import { checkOptions } from "./check.ts";
import { search } from "./root-isolation.ts";
import { type SignOptions, signCertificates } from "./sign-certificates.ts";

/** What `columnRoots` found: root i is at `at[i]`, of column `column[i]`; ascending. */
export interface ColumnRoots {
  readonly at: Float64Array;
  readonly column: Int32Array;
  /** What could not be decided, by column, then ascending. A column that is zero to rounding is flat on all of [−1, 1]. */
  readonly flat: readonly { readonly column: number; readonly from: number; readonly to: number }[];
  /** The certificates of `signCertificates`: 1, −1, 0 (searched) or 2 (zero to rounding), one a column. */
  readonly signs: Int8Array;
}

/**
 * Where the polynomials of a block vanish on [−1, 1]: `isolateRoots` for every column that has no sign certificate.
 *
 * @param values - nodes × columns: `values[node * columns + column]`
 * @param columns - how many polynomials the block holds
 * @param options - see `SignOptions`; the same tolerance and scale serve certificates and roots
 * @throws RangeError if sizes or options are wrong
 * @example
 * ```ts
 * import { columnRoots } from "@splineformer/spline";
 * // lines by their values at −1 and 1: 1 + 2u and 2 + u
 * const { at, column } = columnRoots(Float64Array.of(-1, 1, 3, 3), 2);
 * Array.from(at); // [-0.5]
 * Array.from(column); // [0]
 * ```
 */
export function columnRoots(values: Float64Array, columns: number, options: SignOptions = {}): ColumnRoots {
  const count = blockNodes("columnRoots", values, columns);
  checkOptions("columnRoots", options, ["degree", "tolerance", "scale"]);
  const signs = signCertificates(values, columns, options);
  const { degree = count - 1, tolerance = count * 2 ** -52, scale = 0 } = options;
  const coefficients = new Float64Array(count);
  const found: { at: number; column: number }[] = [];
  const flat: { column: number; from: number; to: number }[] = [];
  for (let column = 0; column < columns; column++) {
    if (signs[column] === 2) flat.push({ column, from: -1, to: 1 });
    if (signs[column] !== 0) continue;
    columnCoefficients(values, columns, column, coefficients);
    const size = typeof scale === "number" ? scale : scale[column];
    const part = search(coefficients, degree, { tolerance, scale: size });
    for (const at of part.roots) found.push({ at, column });
    for (const [from, to] of part.flat) flat.push({ column, from, to });
  }
  found.sort((p, q) => p.at - q.at || p.column - q.column);
  return {
    at: Float64Array.from(found, (r) => r.at),
    column: Int32Array.from(found, (r) => r.column),
    flat,
    signs,
  };
}
