/**
 * @file A pointwise activation inside a kernel. A piecewise polynomial is written out from its knots and pieces as
 * `activationOf` gives them; a smooth one is looked up.
 */
import {
  activationOf,
  differentiate,
  type PiecewiseActivation,
  type Pointwise,
  showActivation,
} from "@splineformer/tensor";
import { curveOf, literal } from "./curve.ts";
import type { Table } from "./kernel.ts";

export interface ActivationCode {
  /** Distinguishes activations, their parameters included. */
  readonly key: string;
  /** What a kernel takes after its operands: the table of a smooth activation, under the name `curve`. */
  readonly tables: readonly Table[];
  readonly operands: "" | ", curve";
  /** Statements that turn `z` into `f`. */
  readonly statements: string;
}

export function activationCode(activation: Pointwise, order: 0 | 1): ActivationCode {
  const key = `${showActivation(activation)}${order === 1 ? "′" : ""}`;
  const meaning = activationOf(activation, "activate");
  const curve = curveOf(key, activation, order);
  if (curve) return { key, tables: [curve.table], operands: ", curve", statements: curve.statements };
  return { key, tables: [], operands: "", statements: piecewise(meaning as PiecewiseActivation, order) };
}

/** From the right: a knot belongs to the piece on its left, so ReLU is off at 0. */
function piecewise({ knots, pieces }: PiecewiseActivation, order: 0 | 1): string {
  const polynomials = (order === 0 ? pieces : pieces.map(differentiate)).map(horner);
  const tests = knots.map((knot, i) => `if (z <= ${literal(knot)}) { f = ${polynomials[i]}; }`).reverse();
  return `let f = ${polynomials[knots.length]};\n  ${tests.join("\n  ")}`;
}

/** Never a power: `pow` of a negative base is NaN on a GPU. */
function horner(coefficients: readonly number[]): string {
  let text = literal(coefficients[coefficients.length - 1]);
  for (let k = coefficients.length - 2; k >= 0; k--) {
    const product = text === "1.0" ? "z" : `(${text}) * z`;
    text = coefficients[k] === 0 ? product : `${product} + ${literal(coefficients[k])}`;
  }
  return text;
}
