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
export { isolateRoots, isolateRootsOfValues, type RootOptions, type Roots } from "./root-isolation.ts";
export { type SignOptions, signCertificates } from "./sign-certificates.ts";
