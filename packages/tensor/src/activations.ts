/**
 * @file The table of pointwise activations: the one place that says what each name means.
 * A piecewise polynomial is given by its knots and pieces, and value, derivative, degree and the exact engine's
 * gates all follow from those; a smooth one is given by its value and derivative.
 * Letters: z a pre-activation.
 */
import { checkOptions, required } from "./check.ts";
import { piecewiseActivation, registeredActivation } from "./custom-activations.ts";
import { show } from "./errors.ts";
import { normalDensity, normalDistribution } from "./normal-distribution.ts";
import type { PiecewiseActivation, Pointwise, PointwiseName, SmoothActivation } from "./pointwise.ts";

const piecewise = (knots: number[], pieces: number[][]): PiecewiseActivation => ({
  kind: "piecewise polynomial",
  knots,
  pieces,
});
const smooth = (value: (z: number) => number, derivative: (z: number) => number): SmoothActivation => ({
  kind: "smooth",
  value,
  derivative,
});

const sigmoid = (z: number): number => {
  const e = Math.exp(-Math.abs(z));
  return z >= 0 ? 1 / (1 + e) : e / (1 + e);
};
/** `log(1 + e^(βz))/β` without overflow. */
const softplus = (beta: number): SmoothActivation =>
  smooth(
    (z) => Math.max(z, 0) + Math.log1p(Math.exp(-beta * Math.abs(z))) / beta,
    (z) => sigmoid(beta * z),
  );
const leakyRelu = (slope: number): PiecewiseActivation => piecewise([0], [slope === 0 ? [0] : [0, slope], [0, 1]]);
const clamp = (limit: number): PiecewiseActivation => piecewise([-limit, limit], [[-limit], [0, 1], [limit]]);

const named: { readonly [K in PointwiseName]: PiecewiseActivation | SmoothActivation } = {
  identity: piecewise([], [[0, 1]]),
  relu: piecewise([0], [[0], [0, 1]]),
  squaredRelu: piecewise([0], [[0], [0, 0, 1]]),
  leakyRelu: leakyRelu(0.01),
  absolute: piecewise(
    [0],
    [
      [0, -1],
      [0, 1],
    ],
  ),
  // as in ONNX and PyTorch: slope 1/6
  hardSigmoid: piecewise([-3, 3], [[0], [1 / 2, 1 / 6], [1]]),
  softplus: softplus(1),
  sigmoid: smooth(sigmoid, (z) => sigmoid(z) * sigmoid(-z)),
  tanh: smooth(Math.tanh, (z) => 1 / Math.cosh(z) ** 2),
  gelu: smooth(
    (z) => z * normalDistribution(z),
    (z) => normalDistribution(z) + z * normalDensity(z),
  ),
};

/**
 * What an activation's name means.
 *
 * @throws RangeError if the name is unknown or a parameter is out of range
 * @example
 * ```ts
 * import { activationOf } from "@splineformer/tensor";
 * activationOf("relu").kind; // "piecewise polynomial"
 * activationOf("gelu").kind; // "smooth"
 * ```
 */
export function activationOf(activation: Pointwise, where = "activationOf"): PiecewiseActivation | SmoothActivation {
  if (typeof activation === "string") {
    if (Object.hasOwn(named, activation)) return named[activation];
  } else if (typeof activation === "object" && activation !== null) {
    const positive = (name: string, value: unknown): number =>
      required(typeof value === "number" && value > 0 && Number.isFinite(value), where, `${name} > 0`, value as number);
    if (activation.name === "softplus") {
      checkOptions(where, activation, ["name", "beta"]);
      return softplus(positive("softplus beta", activation.beta));
    }
    if (activation.name === "clamp") {
      checkOptions(where, activation, ["name", "limit"]);
      return clamp(positive("clamp limit", activation.limit));
    }
    if (activation.name === "leakyRelu") {
      checkOptions(where, activation, ["name", "slope"]);
      const { slope } = activation;
      return leakyRelu(required(Number.isFinite(slope), where, "a finite leakyRelu slope", slope));
    }
    if (activation.name === "piecewise") {
      checkOptions(where, activation, ["name", "knots", "pieces"]);
      return piecewiseActivation(where, activation);
    }
    if (activation.name === "registered") {
      checkOptions(where, activation, ["name", "as"]);
      return registeredActivation(where, activation.as);
    }
  }
  throw new RangeError(
    `${where}: expected an activation (${Object.keys(named).join(", ")}, or { name: "softplus", beta }, { name: "clamp", limit }, { name: "leakyRelu", slope }, { name: "piecewise", knots, pieces }, { name: "registered", as }), got ${show(activation)}`,
  );
}

/**
 * The short name in messages and tables, with every parameter, so that different activations have different names.
 *
 * @example
 * ```ts
 * import { showActivation } from "@splineformer/tensor";
 * showActivation({ name: "softplus", beta: 8 }); // "softplus(beta 8)"
 * showActivation({ name: "piecewise", knots: [0], pieces: [[0], [0, 1]] }); // "piecewise(knots [0], pieces [[0],[0,1]])"
 * ```
 */
export function showActivation(
  activation: string | { readonly name: string; readonly [parameter: string]: unknown },
): string {
  if (typeof activation === "string") return activation;
  const parameters = Object.entries(activation).filter(([key]) => key !== "name");
  const shown = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));
  return `${activation.name}(${parameters.map(([key, value]) => `${key} ${shown(value)}`).join(", ")})`;
}

/**
 * Which piece holds at z; a knot belongs to the piece on its left, so ReLU is off at 0. NaN gives −1.
 *
 * @example
 * ```ts
 * import { activationOf, pieceAt, type PiecewiseActivation } from "@splineformer/tensor";
 * const relu = activationOf("relu") as PiecewiseActivation;
 * [pieceAt(relu, 0), pieceAt(relu, 1)]; // [0, 1]
 * ```
 */
export function pieceAt({ knots }: PiecewiseActivation, z: number): number {
  if (Number.isNaN(z)) return -1;
  let piece = 0;
  while (piece < knots.length && z > knots[piece]) piece++;
  return piece;
}

/**
 * A polynomial with these coefficients of 1, z, z², … at z.
 *
 * @example
 * ```ts
 * import { horner } from "@splineformer/tensor";
 * horner([1, 0, 3], 2); // 13
 * ```
 */
export function horner(coefficients: readonly number[], z: number): number {
  // starting from the leading coefficient, not from 0, so that an infinite z does not meet 0 · ∞
  let value = coefficients[coefficients.length - 1] ?? 0;
  for (let k = coefficients.length - 2; k >= 0; k--) value = value * z + coefficients[k];
  return value;
}

/**
 * The coefficients of the derivative; `[0]` for a constant.
 *
 * @example
 * ```ts
 * import { differentiate } from "@splineformer/tensor";
 * differentiate([5, 1, 3]); // [1, 6]
 * ```
 */
export const differentiate = (coefficients: readonly number[]): readonly number[] =>
  coefficients.length < 2 ? [0] : coefficients.slice(1).map((c, k) => c * (k + 1));

/**
 * The activation (order 0) or its derivative (order 1) as a function of a number.
 *
 * At a knot the derivative is the one on the left: 0 for ReLU at 0.
 *
 * @throws RangeError if the activation or the order is unknown
 * @example
 * ```ts
 * import { pointwiseFunction } from "@splineformer/tensor";
 * pointwiseFunction("squaredRelu", 0)(3); // 9
 * pointwiseFunction("squaredRelu", 1)(3); // 6
 * ```
 */
export function pointwiseFunction(activation: Pointwise, order: 0 | 1): (z: number) => number {
  const meaning = activationOf(activation, "pointwiseFunction");
  required(order === 0 || order === 1, "pointwiseFunction", "order 0 or 1", order);
  if (meaning.kind === "smooth") return order === 0 ? meaning.value : meaning.derivative;
  const pieces = order === 0 ? meaning.pieces : meaning.pieces.map(differentiate);
  return (z) => {
    const piece = pieceAt(meaning, z);
    return piece < 0 ? Number.NaN : horner(pieces[piece], z);
  };
}

/**
 * The degree of a piecewise polynomial activation (order 0) or of its derivative (order 1); undefined for a smooth one.
 *
 * @throws RangeError if the activation is unknown
 * @example
 * ```ts
 * import { activationDegree } from "@splineformer/tensor";
 * activationDegree("squaredRelu"); // 2
 * activationDegree("softplus"); // undefined
 * ```
 */
export function activationDegree(activation: Pointwise, order: 0 | 1 = 0): number | undefined {
  const meaning = activationOf(activation, "activationDegree");
  if (meaning.kind === "smooth") return undefined;
  const degree = Math.max(...meaning.pieces.map((piece) => piece.length - 1));
  return Math.max(degree - order, 0);
}
