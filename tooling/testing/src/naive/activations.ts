/**
 * @file Activations and their derivatives, straight from their formulas, without a table of pieces.
 * Letters: z a pre-activation; Φ and φ the normal distribution and its density.
 */
import type { Pointwise } from "@splineformer/tensor";

type Curve = readonly [value: (z: number) => number, derivative: (z: number) => number];

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const softplus = (beta: number): Curve => [
  // beyond 40 the 1 under the logarithm is lost in rounding, and the exponential may overflow
  (z) => (beta * z > 40 ? z : Math.log(1 + Math.exp(beta * z)) / beta),
  (z) => sigmoid(beta * z),
];
const leakyRelu = (slope: number): Curve => [(z) => (z > 0 ? z : slope * z), (z) => (z > 0 ? 1 : slope)];
const clamp = (limit: number): Curve => [
  (z) => Math.min(Math.max(z, -limit), limit),
  (z) => (z > -limit && z <= limit ? 1 : 0),
];
/** The piece is the number of knots below z; its powers one by one. */
const piecewise = ({ knots, pieces }: { knots: readonly number[]; pieces: readonly (readonly number[])[] }): Curve => {
  const at = (z: number): readonly number[] => pieces[knots.filter((knot) => knot < z).length];
  return [
    (z) => at(z).reduce((sum, c, k) => sum + c * z ** k, 0),
    (z) => at(z).reduce((sum, c, k) => (k === 0 ? sum : sum + k * c * z ** (k - 1)), 0),
  ];
};
const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

const curves: Readonly<Record<string, Curve>> = {
  identity: [(z) => z, () => 1],
  relu: [(z) => Math.max(z, 0), (z) => (z > 0 ? 1 : 0)],
  squaredRelu: [(z) => Math.max(z, 0) ** 2, (z) => 2 * Math.max(z, 0)],
  leakyRelu: leakyRelu(0.01),
  absolute: [(z) => Math.abs(z), (z) => (z > 0 ? 1 : -1)],
  hardSigmoid: [(z) => Math.min(Math.max(z / 6 + 1 / 2, 0), 1), (z) => (z > -3 && z <= 3 ? 1 / 6 : 0)],
  softplus: softplus(1),
  sigmoid: [sigmoid, (z) => sigmoid(z) * (1 - sigmoid(z))],
  tanh: [(z) => 1 - 2 / (Math.exp(2 * z) + 1), (z) => 1 - (1 - 2 / (Math.exp(2 * z) + 1)) ** 2],
  gelu: [(z) => z * naiveNormalDistribution(z), (z) => naiveNormalDistribution(z) + z * density(z)],
};

/** The value (order 0) or the left derivative (order 1) of an activation. */
export function naiveActivation(activation: Pointwise, order: 0 | 1): (z: number) => number {
  if (typeof activation === "string") return curves[activation][order];
  if (activation.name === "softplus") return softplus(activation.beta)[order];
  if (activation.name === "clamp") return clamp(activation.limit)[order];
  if (activation.name === "leakyRelu") return leakyRelu(activation.slope)[order];
  if (activation.name === "piecewise") return piecewise(activation)[order];
  throw new Error(`naiveActivation: expected an activation that is defined here, got ${activation.name}`);
}

/**
 * Φ(z) by Simpson's rule on the density between 0 and z.
 *
 * With 20,000 intervals on at most 10 the rule errs by less than 10 · (5e-4)⁴ · 3/180 < 1e-14; beyond 10, Φ is 0 or 1
 * to 1e-23.
 */
export function naiveNormalDistribution(z: number): number {
  const to = Math.min(Math.max(z, -10), 10);
  const intervals = 20_000;
  const h = to / intervals;
  let sum = density(0) + density(to);
  for (let i = 1; i < intervals; i++) sum += (i % 2 ? 4 : 2) * density(i * h);
  return 1 / 2 + (h / 3) * sum;
}
