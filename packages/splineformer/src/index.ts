/** @file Everything of splineformer that computes, under one name. The command line is a program of its own: see `cli.ts`. */
export * from "@splineformer/analysis";
export * from "@splineformer/attention";
// `attention` on tensors, not the helper of that name over operations in `@splineformer/tensor`
export { attention } from "@splineformer/attention";
export * from "@splineformer/compiler";
export * from "@splineformer/cpu";
export * from "@splineformer/spline";
export * from "@splineformer/tensor";
// those of `gradient`, not of integrated gradients
export type { GradientOptions } from "@splineformer/training";
export * from "@splineformer/training";
export * from "@splineformer/transformer";
// the same names with a fast device where none is named
export { fit, forward, gradient, restrictToLine } from "./on-cpu.ts";
