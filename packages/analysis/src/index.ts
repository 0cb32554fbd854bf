export { type AttributionSvgOptions, attributionSvg } from "./attribution-svg.ts";
export type { Boundary, BoundaryOptions } from "./boundary-along.ts";
export type { Cause, FlatUnit, HiddenUnit, ScoreUnit, Unit } from "./causes.ts";
export {
  type Certificate,
  type CertifiedBreakpoint,
  type CertifiedPiece,
  certificateText,
  type Proof,
  type Verdict,
  type VerdictCounts,
} from "./certificate.ts";
export { type CertifyOptions, certify, certifyInSteps } from "./certify.ts";
export {
  type ClassInterval,
  type Crossing,
  type CrossingOptions,
  type Crossings,
  classMap,
  crossings,
  type RowOptions,
} from "./crossings.ts";
export { describeCause, explainKnots, type Knot, knotTable, type NamingOptions, patchNames } from "./explain-knots.ts";
export {
  type AttributionOptions,
  type Attributions,
  type AverageGradient,
  type AverageGradientOptions,
  averageGradient,
  integratedGradients,
  integratedGradientsInSteps,
} from "./integrated-gradients.ts";
export {
  type Like,
  type LocalOptions,
  type LocalPolynomial,
  localPolynomial,
  type NearestBoundary,
  type RegionUnit,
  type Term,
} from "./local-polynomial.ts";
export {
  type Attained,
  extrema,
  integral,
  type LipschitzOptions,
  lipschitz,
  type MeasureOptions,
  type PathExtrema,
  totalVariation,
} from "./measures.ts";
export { type NearestAdversarial, type NearestOptions, nearestAdversarial } from "./nearest-adversarial.ts";
export type { EntryIndex } from "./output-rows.ts";
export type { Path, PathPiece } from "./path.ts";
export { type ClassMapSvgOptions, classMapSvg, type PathSvgOptions, pathSvg } from "./path-svg.ts";
export { type CountOptions, countPieces, type GateBound, type PieceBound, pieceBound } from "./piece-count.ts";
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
export { type SummedGradients, type SumOptions, type SumRule, sumGradients } from "./sum-gradients.ts";
