import { broadcastOffsets, broadcastShapes, ShapeError, sameShape, showShape, sizeOf } from "@splineformer/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

/** Two shapes that broadcast: a common one, in each some axes set to 1 and some in front left out. */
const pair = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean(), fc.boolean()), { maxLength: 4 })
  .chain((axes) =>
    fc.tuple(fc.nat(axes.length), fc.nat(axes.length)).map(([dropA, dropB]) => ({
      a: axes.map(([n, one]) => (one ? 1 : n)).slice(dropA),
      b: axes.map(([n, one, two]) => (two && !one ? 1 : n)).slice(dropB),
    })),
  );

describe("broadcasting", () => {
  it("repeats axes of length 1 and axes that are missing in front", () => {
    expect(broadcastShapes("add", [2, 3, 5], [3, 1])).toEqual([2, 3, 5]);
    expect(broadcastShapes("add", [1, 5], [7, 1])).toEqual([7, 5]);
    expect(broadcastShapes("add", [], [3])).toEqual([3]);
    expect(broadcastShapes("add", [0], [1])).toEqual([0]);
  });

  it("does not mind the order of its shapes", () => {
    fc.assert(
      fc.property(pair, ({ a, b }) => {
        expect(broadcastShapes("add", a, b)).toEqual(broadcastShapes("add", b, a));
      }),
      { seed: 1 },
    );
  });

  it("reads each entry from the index with its repeated axes set to 0", () => {
    fc.assert(
      fc.property(pair, ({ a, b }) => {
        const to = broadcastShapes("add", a, b);
        const offsets = broadcastOffsets(a, to);
        expect(offsets.length).toBe(sizeOf(to));
        for (let flat = 0; flat < offsets.length; flat++) {
          // the index of this entry, innermost axis first
          let rest = flat;
          let expected = 0;
          let stride = 1;
          for (let axis = to.length - 1; axis >= 0; axis--) {
            const index = rest % to[axis];
            rest = Math.floor(rest / to[axis]);
            const own = axis - (to.length - a.length);
            if (own < 0) continue;
            if (a[own] !== 1) expected += index * stride;
            stride *= a[own];
          }
          expect(offsets[flat]).toBe(expected);
        }
      }),
      { seed: 2 },
    );
  });

  it("refuses shapes that do not fit, naming both and who asked", () => {
    expect(() => broadcastShapes("add", [2, 3], [5, 3])).toThrow(
      new ShapeError("add: expected shapes that broadcast, got [2, 3] and [5, 3]"),
    );
    expect(() => broadcastShapes("add", [0], [2])).toThrow(ShapeError);
  });
});

describe("shapes", () => {
  it("are compared, counted and shown", () => {
    expect(sameShape([2, 3], [2, 3])).toBe(true);
    expect(sameShape([2, 3], [2, 3, 1])).toBe(false);
    expect(sizeOf([])).toBe(1);
    expect(sizeOf([3, 0, 5])).toBe(0);
    expect(showShape([2, 3])).toBe("[2, 3]");
    expect(showShape([])).toBe("[]");
  });
});
