import { describe, expect, it } from "vitest";
import { type Cut, signChanges, type Undecided } from "../src/engine/sign-changes.ts";
import { sparsemaxGate } from "../src/engine/sparsemax-gate.ts";

const crossings = (z: Float64Array, noise: number) => {
  const cuts: Cut[] = [];
  const undecided: Undecided[] = [];
  signChanges(z, 1, [{ column: 0, level: 0, noise }], cuts, undecided);
  return { cuts, undecided };
};

describe("sign changes", () => {
  it("are found on the column's own scale", () => {
    for (const size of [1, 1e300, 1e-300]) {
      const { cuts, undecided } = crossings(Float64Array.of(-size, size), 1e-15 * size);
      expect(cuts.map((cut) => cut.at)).toEqual([0]);
      // noise over slope: 1e-15 on each unit of u
      expect(cuts[0].radius).toBeCloseTo(1e-15, 20);
      expect(undecided).toEqual([]);
    }
  });
  it("are left undecided everywhere where the noise is larger than the values, infinite or no number", () => {
    for (const noise of [1, Number.POSITIVE_INFINITY, Number.NaN])
      expect(crossings(Float64Array.of(-1, 0.5, -1, 1), noise)).toEqual({
        cuts: [],
        undecided: [{ column: 0, from: -1, to: 1 }],
      });
  });
  it("of a row of sparsemax come to an end, and what is left is undecided", () => {
    const entries = [0, 1, 2];
    const gate = sparsemaxGate([{ entries, factor: 1 }], 3, 0);
    const { cuts, undecided } = gate.read(Float64Array.of(0, 1, 3, 2, 1, -1), new Float64Array(3).fill(Number.NaN));
    expect(cuts).toEqual([]);
    expect(undecided.map(({ column }) => column)).toEqual(entries);
  });
});
