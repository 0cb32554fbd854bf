/**
 * @file How far each form of a compiled spline is from the spline, in float64 and float32: the worst of some draws. The
 * README's table. Seeded, so the same numbers everywhere. `pnpm --filter @splineformer/compiler bench`.
 */
import { stdout } from "node:process";
import { encoderFromSpline, type SplineForm } from "@splineformer/compiler";
import type { PiecewisePolynomial } from "@splineformer/spline";
import { type Random, reference, reference32 } from "@splineformer/tensor";
import { jaggedSpline, pointsOf, relativeError, roughSpline, smoothSpline } from "../test/splines.ts";

const forms: readonly SplineForm[] = ["block", "attention", "tokens"];
const mild = (r: Random): number => 0.5 + r.number();
const uneven = (r: Random): number => 20 ** (r.number() - 1);
const even = (): number => 1;
/** A score for every pair of tokens makes many tokens slow on the reference. */
const sizes = (form: SplineForm, knots: number): { draws: number; points: number } =>
  form === "tokens" && knots > 100 ? { draws: 3, points: 12 } : { draws: 12, points: 300 };

const kinds: Record<string, (knots: number, seed: number) => PiecewisePolynomial> = {
  "rough, gaps 0.5 to 1.5": (knots, seed) => roughSpline(knots, seed, mild, -knots / 3),
  "smooth, gaps 0.5 to 1.5": (knots, seed) => smoothSpline(knots, seed, mild),
  "±0.9 by lot, even gaps": (knots, seed) => jaggedSpline(knots, seed, even, { value: (_, sign) => 0.9 * sign }),
  "±0.9 by turns, even gaps": (knots, seed) => jaggedSpline(knots, seed, even, { value: (i) => 0.9 * (-1) ** i }),
  "±0.9 by lot, gaps to 20 : 1": (knots, seed) => jaggedSpline(knots, seed, uneven, { value: (_, sign) => 0.9 * sign }),
};

for (const [kind, make] of Object.entries(kinds)) {
  for (const form of forms) {
    for (const knots of [24, 256]) {
      const { draws, points } = sizes(form, knots);
      const errors = { float64: 0, float32: 0 };
      for (let seed = 0; seed < draws; seed++) {
        const s = make(knots, seed);
        for (const on of [reference, reference32] as const) {
          const error = relativeError(encoderFromSpline(s, { form, dtype: on.dtype }), s, pointsOf(s, points), on);
          errors[on.dtype] = Math.max(errors[on.dtype], error);
        }
      }
      const shown = `float64 ${errors.float64.toExponential(0)}, float32 ${errors.float32.toExponential(0)}`;
      stdout.write(`${kind.padEnd(28)} ${form.padEnd(10)} ${String(knots).padStart(4)} knots  ${shown}\n`);
    }
  }
}
