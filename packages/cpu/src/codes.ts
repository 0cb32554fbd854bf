/**
 * @file How an activation is asked for in the kernels: a code, a parameter and, for derivatives, an outer factor.
 * What has no code is computed entry by entry in JavaScript.
 */
import { actsOnRows, type Pointwise, rowAlpha, type Weighing } from "@splineformer/tensor";

/** f(z) = kernel(code, inner · z). */
export interface Code {
  readonly code: number;
  /** The sharpness of softplus, the shift of the sigmoid. */
  readonly parameter: number;
  /** Multiplies z before the kernel sees it. */
  readonly inner: number;
}

const SOFTMAX = 20;
export const SPARSEMAX = 21;

const code = (number: number, parameter = 0, inner = 1): Code => ({ code: number, parameter, inner });
const values: Partial<Record<string, Code>> = {
  identity: code(0),
  relu: code(1),
  squaredRelu: code(2),
  softplus: code(3, 1),
  sigmoid: code(4),
  gelu: code(5),
  tanh: code(6),
};
const derivatives: Partial<Record<string, Code>> = {
  relu: code(11),
  squaredRelu: code(1, 0, 2),
  softplus: code(4),
  gelu: code(7),
  sigmoid: code(8),
  tanh: code(9),
};

/** The code of an activation (order 0) or its derivative (order 1), where there is one. */
export function codeOf(activation: Pointwise, order: 0 | 1): Code | undefined {
  if (typeof activation === "string") return (order === 0 ? values : derivatives)[activation];
  if (activation.name !== "softplus") return undefined;
  return order === 0 ? code(3, activation.beta) : code(4, 0, activation.beta);
}

/** The code of a weighing that acts on scores inside a kernel, where there is one. */
export function weighingCode(activation: Weighing): Code | undefined {
  const alpha = rowAlpha(activation);
  if (alpha === 1) return code(SOFTMAX);
  if (alpha === 2) return code(SPARSEMAX);
  if (actsOnRows(activation)) return undefined;
  if (typeof activation === "object" && activation.name === "sigmoid") return code(4);
  const found = codeOf(activation, 0);
  return found && found.code <= 4 ? found : undefined;
}
