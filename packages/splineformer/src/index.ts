/** @file Everything of splineformer that computes, under one name. The command line is a program of its own: see `cli.ts`. */
export * from "@splineformer/spline";
export * from "@splineformer/tensor";
