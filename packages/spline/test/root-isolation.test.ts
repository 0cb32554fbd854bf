import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chebyshevNodes, columnRoots, isolateRoots, isolateRootsOfValues } from "../src/index.ts";
import { exact, type Fraction, fraction, horner, product, toChebyshev, toNumber } from "./rational.ts";

const values = (n: number, f: (u: number) => number) => Array.from(chebyshevNodes(n), f);
const ulp = 2 ** -52;

describe("roots by hand", () => {
  test("T₃ vanishes at 0 and ±√3/2", () => {
    const { roots, flat } = isolateRoots([0, 0, 0, 1]);
    expect(flat).toEqual([]);
    expect(roots.length).toBe(3);
    [-Math.sqrt(0.75), 0, Math.sqrt(0.75)].forEach((r, i) => {
      expect(Math.abs(roots[i] - r)).toBeLessThan(4 * ulp);
    });
  });

  test.each([7, 13, 29, 81])("all %i roots of T_n are found to rounding", (n) => {
    const c = new Float64Array(n + 1);
    c[n] = 1;
    const { roots, flat } = isolateRoots(c);
    expect(flat).toEqual([]);
    expect(roots.length).toBe(n);
    roots.forEach((r, i) => {
      // T = (n + 1) ulp over a slope of at least n
      expect(Math.abs(r + Math.cos((Math.PI * (i + 0.5)) / n))).toBeLessThan(4 * ulp);
    });
  });

  test("a line, a constant, and an interval of one's own", () => {
    expect(isolateRoots([1, 2])).toEqual({ roots: [-0.5], flat: [] });
    expect(isolateRoots([3, 2])).toEqual({ roots: [], flat: [] });
    expect(isolateRoots([3])).toEqual({ roots: [], flat: [] });
    expect(isolateRootsOfValues([-1, 3], { interval: [0, 4] })).toEqual({ roots: [1], flat: [] });
  });

  test("a root at an end is that end, once", () => {
    expect(isolateRootsOfValues([0, 1]).roots).toEqual([-1]);
    expect(isolateRootsOfValues([1, 0], { interval: [0.1, 0.7] }).roots).toEqual([0.7]);
    expect(isolateRootsOfValues(values(3, (u) => (u + 1) * (u - 0.3) * (u - 1)))).toEqual({
      roots: [-1, expect.closeTo(0.3, 14), 1],
      flat: [],
    });
    // in the middle of a symmetric polynomial, where a search that halves would cut
    expect(isolateRootsOfValues(values(5, (u) => u + u ** 5)).roots).toEqual([expect.closeTo(0, 16)]);
    // vanishing to rounding only: 1 + u − 2⁻⁵³ rounds to 1 + u
    expect(isolateRoots([1 + 2 ** -52, 1]).roots).toEqual([-1]);
    expect(isolateRoots([1 + 1e-12, 1]).roots).toEqual([]);
  });
});

describe("touches and clusters are reported, never dropped and never guessed", () => {
  test("u² touches at 0: flat around it, no root", () => {
    const { roots, flat } = isolateRoots([0.5, 0, 0.5]);
    expect(roots).toEqual([]);
    expect(flat.length).toBe(1);
    const [[from, to]] = flat;
    // |u²| ≤ 3T/2 with T = 3 ulp
    for (const end of [-from, to]) {
      expect(end).toBeGreaterThan(0);
      expect(end).toBeLessThan(2 * Math.sqrt(4.5 * ulp));
    }
  });

  test.each([0, 0.3, -0.71])("two roots around %f: a gap of 1e-7 is resolved, one of 1e-8 is flat", (centre) => {
    const pair = (gap: number) => isolateRootsOfValues(values(2, (u) => (u - centre) ** 2 - (gap / 2) ** 2));
    const wide = pair(1e-7);
    expect(wide.flat).toEqual([]);
    expect(wide.roots.length).toBe(2);
    // T/|p′| = T/gap
    for (const r of wide.roots) expect(Math.abs(Math.abs(r - centre) - 5e-8)).toBeLessThan((3 * ulp * 3) / 1e-7);
    const narrow = pair(1e-8);
    expect(narrow.roots).toEqual([]);
    expect(narrow.flat.length).toBe(1);
    expect(narrow.flat[0][0]).toBeLessThan(centre - 5e-9);
    expect(narrow.flat[0][1]).toBeGreaterThan(centre + 5e-9);
  });

  test("a triple root is flat and a root; a fourfold one is flat only", () => {
    const triple = isolateRootsOfValues(values(3, (u) => (u - 0.2) ** 3));
    expect(triple.flat.length).toBe(1);
    expect(triple.roots.length).toBe(1);
    expect(triple.roots[0]).toBeGreaterThan(triple.flat[0][0]);
    expect(triple.roots[0]).toBeLessThan(triple.flat[0][1]);
    expect(isolateRoots([0, 0.75, 0, 0.25]).roots.length).toBe(1);
    const fourfold = isolateRootsOfValues(values(4, (u) => (u - 0.2) ** 4));
    expect([fourfold.roots.length, fourfold.flat.length]).toEqual([0, 1]);
  });

  test("a double root at an end is flat there, beside a simple root elsewhere", () => {
    const { roots, flat } = isolateRootsOfValues(values(3, (u) => (u + 1) ** 2 * (u - 0.3)));
    expect(roots).toEqual([expect.closeTo(0.3, 14)]);
    expect(flat.length).toBe(1);
    expect(flat[0][0]).toBe(-1);
    expect(flat[0][1]).toBeLessThan(-1 + 1e-7);
  });

  test("a polynomial that is zero is one flat interval, exactly or to rounding", () => {
    expect(isolateRoots([0])).toEqual({ roots: [], flat: [[-1, 1]] });
    expect(isolateRoots([0, 0, 0, 0], { interval: [2, 5] })).toEqual({ roots: [], flat: [[2, 5]] });
    expect(isolateRoots([1e-17, 1e-17, 1e-17], { scale: 1 })).toEqual({ roots: [], flat: [[-1, 1]] });
    expect(isolateRoots([0, 1e-17]).roots).toEqual([0]);
  });
});

describe("laws", () => {
  /** Roots a/64 with multiplicities, some outside [−1, 1]; the polynomial and its sign are exact. */
  const factors = fc
    .uniqueArray(fc.tuple(fc.integer({ min: -80, max: 80 }), fc.integer({ min: 1, max: 3 })), {
      minLength: 1,
      maxLength: 6,
      selector: ([a]) => a,
    })
    .map((list) => list.sort((p, q) => p[0] - q[0]));

  test("between two reports the exact polynomial keeps its sign, and it changes across a reported root", () => {
    let roots = 0;
    let flats = 0;
    fc.assert(
      fc.property(factors, (list) => {
        let p: Fraction[] = [[1n, 1n]];
        for (const [a, m] of list)
          for (let i = 0; i < m; i++) p = product(p, [fraction(BigInt(-a), 64n), fraction(1n)]);
        const found = isolateRoots(toChebyshev(p).map(toNumber));
        roots += found.roots.length;
        flats += found.flat.length;
        const inside = list.filter(([a]) => Math.abs(a) <= 64).map(([a]) => a / 64);
        const near = (t: number) =>
          inside.some((r) => Math.abs(r - t) < 1e-6) || found.flat.some(([from, to]) => from <= t && t <= to);
        // every exact root is reported (1e-6: far above what rounding moves simple roots of these by, far below 1/64)
        for (const r of inside)
          expect(
            found.roots.some((t) => Math.abs(t - r) < 1e-6) || found.flat.some(([from, to]) => from <= r && r <= to),
          ).toBe(true);
        for (const t of found.roots) expect(near(t)).toBe(true);
        // signs at the middles of the gaps, in exact arithmetic
        const events = [...found.roots.map((t) => [t, t]), ...found.flat].sort((x, y) => x[0] - y[0] || y[1] - x[1]);
        const merged: { from: number; to: number; changes: number }[] = [];
        for (const [from, to] of events) {
          const last = merged.at(-1);
          if (last && from <= last.to) last.changes += from === to ? 1 : 0;
          else merged.push({ from, to, changes: from === to ? 1 : 0 });
        }
        const sign = (u: number) => (horner(p, exact(u))[0] > 0n ? 1 : -1);
        merged.forEach(({ from, to, changes }, i) => {
          const before = i > 0 ? merged[i - 1].to : -1;
          const after = i + 1 < merged.length ? merged[i + 1].from : 1;
          if (from === -1 || to === 1) return;
          expect(sign(0.5 * (before + from)) * sign(0.5 * (to + after))).toBe(changes % 2 === 1 ? -1 : 1);
        });
      }),
      { seed: 13, numRuns: 130 },
    );
    expect(roots).toBeGreaterThan(130);
    expect(flats).toBeGreaterThan(40);
  });

  test("roots do not depend on the size of the polynomial, whatever the power of two", () => {
    const c = [0.1, -0.7, 0.4, 0.9, -0.2];
    const found = isolateRoots(c);
    for (const k of [-900, -300, 300, 900]) expect(isolateRoots(c.map((v) => v * 2 ** k))).toEqual(found);
    expect(isolateRoots(c.map((v) => -v))).toEqual(found);
  });

  test("reflection u ↦ −u reflects the roots", () => {
    const c = [0.1, -0.7, 0.4, 0.9, -0.2, 0.35];
    const reflected = isolateRoots(c.map((v, k) => (k % 2 === 1 ? -v : v))).roots.map((r) => -r);
    isolateRoots(c).roots.forEach((r, i) => {
      expect(Math.abs(r - reflected.reverse()[i])).toBeLessThan(1e-14);
      reflected.reverse();
    });
  });

  test("a wider tolerance may turn roots flat but loses none", () => {
    const p = values(4, (u) => (u - 0.1) * (u - 0.2) * (u + 0.5) * (u + 2));
    const strict = isolateRootsOfValues(p).roots;
    const loose = isolateRootsOfValues(p, { tolerance: 1e-2 });
    expect(strict.length).toBe(3);
    expect(loose.flat.length).toBeGreaterThan(0);
    for (const r of strict)
      expect(
        loose.flat.some(([from, to]) => from <= r && r <= to) || loose.roots.some((t) => Math.abs(t - r) < 1e-2),
      ).toBe(true);
  });
});

describe("columnRoots", () => {
  test("two lines, one of them without a root", () => {
    const { at, column, flat, signs } = columnRoots(Float64Array.of(-1, 1, 3, 3), 2);
    expect([Array.from(at), Array.from(column), flat, Array.from(signs)]).toEqual([[-0.5], [0], [], [0, 1]]);
  });

  test("agrees with isolateRoots on every column", () => {
    const columns = 31;
    const n = 7;
    const block = Float64Array.from({ length: (n + 1) * columns }, (_, i) => Math.sin(i * i) + (i % columns) / 19);
    for (let j = 0; j <= n; j++) block[j * columns + 5] = 0;
    const found = columnRoots(block, columns);
    const pairs = Array.from(found.at, (t, i) => [t, found.column[i]]);
    const expected: number[][] = [];
    for (let c = 0; c < columns; c++)
      for (const t of isolateRootsOfValues(Array.from({ length: n + 1 }, (_, j) => block[j * columns + c])).roots)
        expected.push([t, c]);
    expected.sort((p, q) => p[0] - q[0]);
    expect(pairs).toEqual(expected);
    expect(pairs.length).toBeGreaterThan(20);
    expect(found.flat).toEqual([{ column: 5, from: -1, to: 1 }]);
  });

  test("a grid finer than the degree gives the same roots to rounding", () => {
    const f = (u: number) => (u - 0.25) * (u + 0.5) * (u - 3);
    const coarse = columnRoots(Float64Array.from(values(3, f)), 1);
    const fine = columnRoots(Float64Array.from(values(11, f)), 1, { degree: 3 });
    expect(fine.at.length).toBe(2);
    fine.at.forEach((t, i) => {
      expect(Math.abs(t - coarse.at[i])).toBeLessThan(16 * ulp);
    });
  });
});

describe("wrong input", () => {
  test("is refused by name", () => {
    expect(() => isolateRoots([1, Number.NaN])).toThrow("isolateRoots: expected coefficients[1] finite, got NaN");
    expect(() => isolateRoots([])).toThrow("isolateRoots: expected at least one coefficient, got []");
    expect(() => isolateRootsOfValues([1, 1 / 0])).toThrow(
      "isolateRootsOfValues: expected values[1] finite, got Infinity",
    );
    expect(() => isolateRoots([1e308, 1e308, 1])).toThrow("coefficients with a finite sum");
    expect(() => isolateRoots([1], { interval: [2, 2] })).toThrow("interval with from < to, got [2, 2]");
    expect(() => isolateRoots([1], { tolerance: 0 })).toThrow("tolerance in [2^-53, 1), got 0");
    expect(() => isolateRoots([1], { scale: -1 })).toThrow("scale ≥ 0, got -1");
    expect(() => isolateRoots([1], { from: 0 } as object)).toThrow(
      'isolateRoots: expected options among tolerance, scale, interval, got "from"',
    );
    expect(() => isolateRoots("12" as unknown as number[])).toThrow('coefficients an array of numbers, got "12"');
  });
});
