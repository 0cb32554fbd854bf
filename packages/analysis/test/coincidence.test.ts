import { restrictToLine } from "@splineformer/analysis";
import { encoderFromSpline } from "@splineformer/compiler";
import { interpolateCubic } from "@splineformer/spline";
import { random, tensor } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";

describe("units that switch together", () => {
  it.each([11, 23, 101, 211])(
    "a compiled spline with %i knots has these breakpoints and no slivers between them",
    (count) => {
      const numbers = random(count);
      const uneven: number[] = [3];
      while (uneven.length < count) uneven.push(uneven[uneven.length - 1] + 0.1 + numbers.number());
      for (const knots of [Array.from({ length: count }, (_, i) => i), uneven, uneven.map((x) => x + 1950)]) {
        const values = knots.map((x) => Math.sin(x) + 0.3 * numbers.number());
        const model = encoderFromSpline(interpolateCubic(knots, values));
        const from = knots[0] - 1;
        const length = knots[count - 1] + 1 - from;
        const line = (x: number) => tensor([[x]], { dtype: "float64" });
        const path = restrictToLine(model, line(from), line(from + length));
        const found = [...path.breakpoints.subarray(1, -1)].map((t) => from + t * length);
        expect(found).toHaveLength(count);
        // a knot is shared by two heads and a unit; rounding of years is 2e-13
        found.forEach((x, i) => {
          expect(Math.abs(x - knots[i])).toBeLessThan(1e-10);
        });
        const causes = path.causes.slice(1, -1).map((list) => list.map((cause) => cause.op));
        // the heads of the intervals on either side; from 64 intervals on also heads that carry a bend in place of a unit
        for (const list of causes.slice(1, -1)) {
          const heads = list.filter((op) => op === "weigh").length;
          if (count <= 64) expect(heads).toBe(2);
          else expect(heads).toBeGreaterThanOrEqual(2);
        }
      }
    },
  );
});
