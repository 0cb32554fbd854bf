/**
 * @file What a pointwise activation is: how it is asked for, and what it means. Letters: z a pre-activation.
 */

/** An activation without parameters. */
export type PointwiseName =
  | "identity"
  | "relu"
  | "squaredRelu"
  | "leakyRelu"
  | "absolute"
  | "hardSigmoid"
  | "softplus"
  | "sigmoid"
  | "tanh"
  | "gelu";

/** A function of one number, applied entry by entry. */
export type Pointwise =
  | PointwiseName
  /** `log(1 + e^(βz))/β` */
  | { readonly name: "softplus"; readonly beta: number }
  /** z limited to [−limit, limit] */
  | { readonly name: "clamp"; readonly limit: number }
  /** z, or slope·z where z < 0 */
  | { readonly name: "leakyRelu"; readonly slope: number }
  /** A continuous piecewise polynomial of one's own: increasing knots, and coefficients of 1, z, z², … for each piece. */
  | { readonly name: "piecewise"; readonly knots: readonly number[]; readonly pieces: readonly (readonly number[])[] }
  /** A smooth function of one's own, under the name given to `registerActivation`. */
  | { readonly name: "registered"; readonly as: string };

/** A continuous piecewise polynomial of one variable. Piece i holds between knots i − 1 and i, the left one excluded. */
export interface PiecewiseActivation {
  readonly kind: "piecewise polynomial";
  /** Increasing. */
  readonly knots: readonly number[];
  /** One more than knots; coefficients of 1, z, z², …; the last is not zero unless it is the only one. */
  readonly pieces: readonly (readonly number[])[];
}

/** An activation that is no piecewise polynomial: it can be run and trained, not read as a spline. */
export interface SmoothActivation {
  readonly kind: "smooth";
  value(z: number): number;
  derivative(z: number): number;
}
