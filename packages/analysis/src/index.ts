/** @file The public names of `@splineformer/analysis`. */
export {
  type ClassInterval,
  type Crossing,
  type CrossingOptions,
  type Crossings,
  classMap,
  crossings,
  type RowOptions,
} from "./answers/crossings.ts";
export {
  describeCause,
  explainKnots,
  type Knot,
  knotTable,
  type NamingOptions,
  patchNames,
} from "./answers/explain-knots.ts";
export {
  type Attained,
  extrema,
  integral,
  type LipschitzOptions,
  lipschitz,
  type MeasureOptions,
  type PathExtrema,
  totalVariation,
} from "./answers/measures.ts";
export { type NearestAdversarial, type NearestOptions, nearestAdversarial } from "./answers/nearest-adversarial.ts";
export { type CountOptions, countPieces, type GateBound, type PieceBound, pieceBound } from "./answers/piece-count.ts";
export {
  type AttributionOptions,
  type Attributions,
  type AverageGradient,
  type AverageGradientOptions,
  averageGradient,
  integratedGradients,
  integratedGradientsInSteps,
} from "./attributions/integrated-gradients.ts";
export { type SummedGradients, type SumOptions, type SumRule, sumGradients } from "./attributions/sum-gradients.ts";
export type { Cause, FlatUnit, HiddenUnit, ScoreUnit, Unit } from "./causes.ts";
export {
  type Certificate,
  type CertifiedBreakpoint,
  type CertifiedPiece,
  certificateText,
  type Proof,
  type Verdict,
  type VerdictCounts,
} from "./certificates/certificate.ts";
export { type CertifyOptions, certify, certifyInSteps } from "./certificates/certify.ts";
export type { Boundary, BoundaryOptions } from "./local/boundary-along.ts";
export {
  type Like,
  type LocalOptions,
  type LocalPolynomial,
  localPolynomial,
  type NearestBoundary,
  type RegionUnit,
  type Term,
} from "./local/local-polynomial.ts";
export type { EntryIndex } from "./output-rows.ts";
export type { Path, PathPiece } from "./path.ts";
export { type AttributionSvgOptions, attributionSvg } from "./pictures/attribution-svg.ts";
export { type ClassMapSvgOptions, classMapSvg, type PathSvgOptions, pathSvg } from "./pictures/path-svg.ts";
export { type CurveOptions, restrictToCurve, restrictToPolyline } from "./restrict-to-curve.ts";
export { type LineOptions, restrictToLine } from "./restrict-to-line.ts";
export type { CellAt, PlaneTerm, UnitInPiece } from "./slice/cell-at.ts";
export { type CellBound, type CellCountOptions, cellBound, countCells } from "./slice/cell-count.ts";
export type { Cell, Slice, SlicePicture, SliceSvgOptions } from "./slice/cells.ts";
export type { BoundaryCurve, DecisionCurve } from "./slice/link.ts";
export type { SliceWindow } from "./slice/plane.ts";
export type { Scanline } from "./slice/scanline.ts";
export {
  type PlaneOptions,
  type ScanlineOptions,
  type SliceOptions,
  type SliceStep,
  scanlines,
  slice,
  sliceInSteps,
  sliceOf,
} from "./slice/slice.ts";
export { type Canvas, paintSlice, sliceSvg } from "./slice/slice-svg.ts";
