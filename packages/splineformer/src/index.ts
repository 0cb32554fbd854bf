/**
 * @file What users of splineformer call, under one name. What only devices, readings and other packages need stays in
 * `@splineformer/tensor` and `@splineformer/spline`. The command line is a program of its own: see `cli.ts`.
 */
export * from "@splineformer/analysis";
export * from "@splineformer/attention";
export * from "@splineformer/compiler";
export * from "@splineformer/cpu";
export {
  type CubicOptions,
  type Extrapolation,
  type Extrema,
  type Extremum,
  interpolateCubic,
  type Piece,
  type PiecewiseOptions,
  PiecewisePolynomial,
  type PiecewiseRootOptions,
  type Side,
  type SmoothnessOptions,
  type Tails,
} from "@splineformer/spline";
export {
  cast,
  type Degree,
  type Device,
  type Divide,
  type DType,
  evaluate,
  type ForwardOptions,
  type Given,
  type Graph,
  graphDegree,
  graphOf,
  type InputShape,
  isTensor,
  type Lifted,
  type Mask,
  type Nested,
  type Network,
  type Ops,
  type Pointwise,
  type PointwiseName,
  parametersOf,
  type Random,
  random,
  record,
  reference,
  reference32,
  registerActivation,
  reshape,
  type Shape,
  type Shaped,
  ShapeError,
  type SynchronousDevice,
  type Tensor,
  type TensorData,
  tensor,
  toNested,
  UnsupportedError,
  withParameters,
  zeros,
} from "@splineformer/tensor";
// those of `gradient`, not of integrated gradients
export type { GradientOptions } from "@splineformer/training";
export * from "@splineformer/training";
export * from "@splineformer/transformer";
// the same names with a fast device where none is named
export { restrictToCurve, restrictToLine, restrictToPolyline, slice } from "./on-cpu/read.ts";
export { createCache, forward, forwardNext, generate } from "./on-cpu/run.ts";
export { fit, gradient } from "./on-cpu/train.ts";
