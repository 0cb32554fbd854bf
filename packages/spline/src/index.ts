/** @file The public names of `@splineformer/spline`. */
export {
  barycentricRow,
  chebyshevNodes,
  coefficientMatrix,
  evaluateColumns,
  fromUnit,
  resampleMatrix,
  toUnit,
  transformColumns,
  valueMatrix,
} from "./chebyshev-grid.ts";
export {
  antiderivativeCoefficients,
  clenshaw,
  clenshawCurtisWeights,
  columnCoefficients,
  derivativeCoefficients,
} from "./chebyshev-series.ts";
export { type ColumnRoots, columnRoots } from "./column-roots.ts";
export { type CubicOptions, interpolateCubic } from "./cubic-interpolation.ts";
export { type Piece, type PiecewiseOptions, PiecewisePolynomial } from "./piecewise-polynomial.ts";
export type { Extrema, Extremum, PiecewiseRootOptions } from "./piecewise-roots.ts";
export { isolateRoots, isolateRootsOfValues, type RootOptions, type Roots } from "./root-isolation.ts";
export type { Extrapolation, Side, Tails } from "./segments.ts";
export { type SignOptions, signCertificates } from "./sign-certificates.ts";
export type { SmoothnessOptions } from "./smoothness.ts";
