/** @file The public names of `@splineformer/compiler`. */
export { encoderFromSpline, type SplineEncoderOptions, type SplineForm } from "./encoder-from-spline.ts";
export { type Bounded, type Smoothing, smooth } from "./smooth.ts";
