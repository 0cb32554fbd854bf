import {
  type Canvas,
  cellBound,
  classMap,
  countCells,
  paintSlice,
  restrictToLine,
  type Scanline,
  type Slice,
  scanlines,
  slice,
  sliceInSteps,
  sliceOf,
  sliceSvg,
} from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import { forward, type Network, random, type Tensor, tensor, zeros } from "@splineformer/tensor";
import { createEncoder } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";

/** One hidden layer on the plane itself: unit k is on where n_k·(a, b) + c_k > 0. */
const hidden = (normals: readonly (readonly [number, number])[], offsets: readonly number[]): Network<"x"> => ({
  inputs: { x: [1, 2] },
  config: {},
  parameters: {},
  run: (ops, _, { x }) =>
    ops.activate(
      ops.add(
        ops.matmul(
          x,
          ops.constant(tensor([normals.map(([n]) => n), normals.map(([, n]) => n)], { dtype: "float64" })),
          {},
        ),
        ops.constant(tensor([[...offsets]], { dtype: "float64" })),
      ),
      { activation: "relu", order: 0 },
    ),
});

/** One attention layer of one token, a head for each conic: q·k = Σ q_i(a, b) k_i(a, b), affine each; values are x. */
const conics = (heads: readonly (readonly (readonly [q: number[], k: number[]])[])[]): Network<"x"> => ({
  inputs: { x: [1, 2] },
  config: {},
  parameters: {},
  run(ops, _, { x }) {
    const affine = (side: 0 | 1) => {
      const columns = heads.flatMap((head) => head.map((pair) => pair[side]));
      const weights = ops.constant(tensor([columns.map(([a]) => a), columns.map(([, b]) => b)], { dtype: "float64" }));
      const offsets = ops.constant(tensor([columns.map(([, , one]) => one)], { dtype: "float64" }));
      return ops.splitHeads(ops.add(ops.matmul(x, weights, {}), offsets), { heads: heads.length });
    };
    const scores = ops.matmul(affine(0), affine(1), { transposeB: true });
    return ops.mergeHeads(ops.weigh(scores, undefined, { activation: "relu", mask: "none", order: 0, divide: "none" }));
  },
});

const [A, B, ONE] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
] as const;
/** p a² + q b² + c. */
const conic = (p: number, q: number, c: number): [q: number[], k: number[]][] => [
  [[...A], A.map((v) => p * v)],
  [[...B], B.map((v) => q * v)],
  [[...ONE], ONE.map((v) => c * v)],
];

const square = (half: number) =>
  ({
    origin: tensor([[0, 0]]),
    u: tensor([[1, 0]]),
    v: tensor([[0, 1]]),
    window: { a: [-half, half], b: [-half, half] },
  }) as const;

/** The connected parts where the same numbers of the output are above 0, on pixels. */
function flooded(network: Network<"x">, half: number, count: number): number {
  const at = (i: number): number => -half + ((i + 0.5) / count) * 2 * half;
  const size = count * count;
  const places = Float64Array.from({ length: 2 * size }, (_, k) =>
    at(k % 2 === 0 ? (k >> 1) % count : Math.floor((k >> 1) / count)),
  );
  const { data } = forward(network, tensor(places, [size, 1, 2]), { on: cpu64 });
  const units = data.length / size;
  const patterns = Array.from({ length: size }, (_, i) =>
    Array.from(data.subarray(i * units, (i + 1) * units), (v) => Number(v > 0)).join(""),
  );
  const seen = new Uint8Array(size);
  let parts = 0;
  for (let start = 0; start < size; start++) {
    if (seen[start]) continue;
    seen[start] = 1;
    let pixels = 0;
    const open = [start];
    for (let i = open.pop(); i !== undefined; i = open.pop()) {
      pixels++;
      for (const next of [i - 1, i + 1, i - count, i + count]) {
        const wraps = Math.abs((next % count) - (i % count)) > 1;
        if (next < 0 || next >= size || wraps || seen[next] || patterns[next] !== patterns[i]) continue;
        seen[next] = 1;
        open.push(next);
      }
    }
    // the tip of a cell, next to a crossing, may be a pixel or two that touch it at corners
    if (pixels > 3) parts++;
  }
  return parts;
}

/** Three inputs, and the plane through them. */
function planeOf(shape: readonly number[], seed: number) {
  const numbers = random(seed);
  const [p, q, r] = [0, 1, 2].map(() => numbers.normal(shape, { dtype: "float64" }));
  const minus = (x: Tensor): Tensor => tensor(x.data.map((v, i) => v - p.data[i]) as Float64Array, shape);
  return { origin: p, u: minus(q), v: minus(r) };
}

const at = ({ origin, u, v }: ReturnType<typeof planeOf>, a: number, b: number): Tensor =>
  tensor(
    Float64Array.from(origin.data, (x, i) => x + a * u.data[i] + b * v.data[i]),
    origin.shape,
  );

const deep = createEncoder({
  layers: 2,
  width: 4,
  heads: 2,
  hidden: 5,
  output: 3,
  pool: "mean",
  seed: 7,
  dtype: "float64",
}) as unknown as Network<"x">;

const lineOf = ({ scanlines: lines }: Slice, index: number): Scanline =>
  lines.find((line) => line.index === index) as Scanline;

describe("a slice, by hand", () => {
  // five lines, no three through a point, no two parallel, all ten crossings within |a|, |b| < 2
  const normals = [0, 1, 2, 3, 4].map((k): [number, number] => [
    Math.cos(0.3 + (2 * Math.PI * k) / 5),
    Math.sin(0.3 + (2 * Math.PI * k) / 5),
  ]);

  it("of one hidden layer of n units has 1 + n + n(n − 1)/2 straight cells where its lines are in general position", () => {
    const network = hidden(normals, [0.5, 0.5, 0.5, 0.5, 0.5]);
    const plane = slice(network, { ...square(2), rows: 211 });
    expect([plane.topology, countCells(plane)]).toEqual(["exact", 16]);
    expect(countCells(plane, { by: "pattern" })).toBe(16);
    expect(cellBound(network, zeros([1, 2])).cells).toBe(16n);
    expect(plane.curves).toHaveLength(5);
    for (const { unit, points } of plane.curves)
      for (let k = 0; k < points.length; k += 2)
        expect(Math.abs(points[k] * normals[unit][0] + points[k + 1] * normals[unit][1] + 0.5)).toBeLessThan(1e-14);
  });

  it.each([
    ["two crossing ellipses", 6, 6n + 5n, conics([conic(-1, -4, 1), conic(-4, -1, 1)])],
    ["two crossing hyperbolas", 9, 11n, conics([conic(1, -0.25, -1), conic(-0.25, 1, -1)])],
  ])("%s make %i cells", (_, cells, bound, network) => {
    const plane = slice(network, { ...square(3), rows: 173 });
    expect([plane.topology, countCells(plane)]).toEqual(["exact", cells]);
    expect(flooded(network, 3, 101)).toBe(cells);
    expect(cellBound(network, zeros([1, 2])).cells).toBe(bound);
  });

  it("of a head of width 1, whose score factorises, has four cells with two patterns", () => {
    // (a + 2b − 1/5)(a − b + 1/10)
    const network = conics([
      [
        [
          [1, 2, -0.2],
          [1, -1, 0.1],
        ],
      ],
    ]);
    const plane = slice(network, { ...square(3), rows: 173 });
    expect([plane.topology, countCells(plane)]).toEqual(["exact", 4]);
    expect(countCells(plane, { by: "pattern" })).toBe(2);
  });

  it("finds the two hyperbolas' crossings at (±2/√3, ±2/√3)", () => {
    const network = conics([conic(1, -0.25, -1), conic(-0.25, 1, -1)]);
    const half = 2 / Math.sqrt(3);
    // a scanline through two of them: the middle one of three
    const plane = slice(network, { ...square(3), window: { a: [-3, 3], b: [half - 1.5, half + 1.5] }, rows: 3 });
    const { breakpoints, first } = lineOf(plane, 1);
    expect([...breakpoints].filter((a) => Math.abs(Math.abs(a) - half) < 1e-14)).toHaveLength(2);
    expect([...first]).toEqual([0, 2, 4]);
  });

  it("gives the pattern and the polynomial of a cell", () => {
    const network = conics([conic(-1, -4, 1), conic(-4, -1, 1)]);
    const plane = slice(network, { ...square(3), rows: 173 });
    const middle = plane.cellAt(0.1, 0.1);
    expect(middle.pattern).toMatchObject([
      { op: "weigh", head: 0, query: 0, key: 0, piece: 1 },
      { op: "weigh", head: 1, query: 0, key: 0, piece: 1 },
    ]);
    expect(middle.degree).toBe(2);
    expect(middle.terms.map(({ powers, coefficients }) => [powers, [...coefficients.data]])).toEqual([
      [
        [0, 0],
        [1, 1],
      ],
      [
        [2, 0],
        [-1, -4],
      ],
      [
        [0, 2],
        [-4, -1],
      ],
    ]);
    expect(plane.cellAt(2, 2).terms).toEqual([]);
    expect(plane.cellAt(0.9, 0).cell).not.toBe(plane.cellAt(-0.9, 0).cell);
    expect(plane.cells[plane.cellAt(0.9, 0).cell as number].key).toBe(
      plane.cells[plane.cellAt(-0.9, 0).cell as number].key,
    );
  });

  it("has cells whose areas are theirs, however few its scanlines", () => {
    // inside the ellipse a² + 4b² = 1: π/2
    const plane = slice(conics([conic(-1, -4, 1)]), { ...square(3), rows: 2 });
    expect([plane.topology, countCells(plane)]).toEqual(["exact", 2]);
    const [smaller, larger] = plane.cells.map(({ area }) => area).sort((p, q) => p - q);
    expect(smaller + larger).toBeCloseTo(36, 12);
    // three nodes in each half: width ∝ √(1 − u²), off by 1 %
    expect(Math.abs(smaller / (Math.PI / 2) - 1)).toBeLessThan(0.02);
  });

  it.each([2, 3, 5, 8, 13])("has as many cells as pixels show: random conics, seed %i", (seed) => {
    const numbers = random(seed).normal([4, 3, 6], { dtype: "float64" }).data;
    const affine = (k: number): number[] => [numbers[k], numbers[k + 1], numbers[k + 2]];
    const heads = [0, 1].map((h) =>
      [0, 1].map((d): [number[], number[]] => [affine(12 * h + 6 * d), affine(12 * h + 6 * d + 3)]),
    );
    const network = conics(heads);
    const plane = slice(network, { ...square(2), rows: 11 });
    expect(plane.topology).toBe("exact");
    expect(countCells(plane)).toBe(flooded(network, 2, 401));
    // every cell's own place is in it
    plane.cells.forEach(({ a, b }, cell) => {
      expect(plane.cellAt(a, b).cell).toBe(cell);
    });
  });

  it("has exact topology where a gate has several knots, and none where a gate reads another", () => {
    const clamped: Network<"x"> = {
      inputs: { x: [1, 2] },
      config: {},
      parameters: {},
      run: (ops, _, { x }) => ops.activate(x, { activation: { name: "clamp", limit: 0.5 }, order: 0 }),
    };
    const nine = slice(clamped, { ...square(1), rows: 3 });
    expect([nine.topology, countCells(nine)]).toEqual(["exact", 9]);
    expect(nine.cells.map(({ area }) => area)).toEqual([0.25, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 0.25]);
    const twice: Network<"x"> = {
      ...clamped,
      run: (ops, _, { x }) => ops.activate(clamped.run(ops, {}, { x }), { activation: "relu", order: 0 }),
    };
    expect(slice(twice, { ...square(1), rows: 3 }).topology).toBe("scanlines");
  });

  it("of one attention layer of an encoder has exact topology: every cell holds its own place, their areas fill the window", () => {
    const model = createEncoder({
      layers: 1,
      width: 4,
      heads: 2,
      hidden: 5,
      feedForward: { activation: "identity" },
      seed: 3,
      dtype: "float64",
    });
    const plane = planeOf([3, 4], 11);
    const found = slice(model, { ...plane, rows: 7 });
    expect(found.topology).toBe("exact");
    expect(found.cells.length).toBeGreaterThan(20);
    // 18 scores
    expect(cellBound(model, plane.origin).cells).toBe(2n * 18n * 18n + 18n + 1n);
    expect(found.cells.reduce((sum, { area }) => sum + area, 0)).toBeCloseTo(1, 12);
    found.cells.forEach(({ a, b }, cell) => {
      expect(found.cellAt(a, b).cell).toBe(cell);
    });
    // what fine scanlines see is no more
    const fine = slice(model, { ...plane, rows: 97 });
    expect(fine.cells).toEqual(found.cells);
    expect(new Set(fine.cellsOf.flatMap((cells) => [...cells])).size).toBeLessThanOrEqual(found.cells.length);
  });

  it("has a closed curve where a unit's boundary turns round", () => {
    const plane = slice(conics([conic(-1, -4, 1)]), { ...square(3), rows: 173 });
    // bottom to top on both sides, joined at the top and the bottom
    const { points } = plane.curves.reduce((p, q) => (p.points.length > q.points.length ? p : q));
    expect(countCells(plane)).toBe(2);
    const highest = Math.max(...points.filter((_, k) => k % 2 === 1));
    expect(highest).toBeGreaterThan(0.5 - 6 / 173);
  });
});

describe("a slice of two layers", () => {
  const plane = planeOf([3, 4], 1);
  const found = slice(deep, { ...plane, rows: 23, on: cpu64 });

  it("has on every scanline what the line has, to the last bit", () => {
    for (const { b, breakpoints, first, units, before, after, classes, degrees } of found.scanlines.filter(
      (_, i) => i % 5 === 0,
    )) {
      const path = restrictToLine(deep, at(plane, 0, b), at(plane, 1, b), { on: cpu64 });
      expect(breakpoints).toEqual(path.breakpoints);
      expect([...degrees]).toEqual(path.pieces.map(({ degree }) => degree));
      expect(classes).toEqual(classMap(path));
      const causes = Array.from({ length: first.length - 1 }, (_, i) =>
        Array.from(units.subarray(first[i], first[i + 1]), (unit, k) => ({
          ...found.unit(unit),
          before: before[first[i] + k],
          after: after[first[i] + k],
        })),
      );
      expect(causes).toEqual(path.causes.slice(1, -1));
    }
  });

  it("is its cell's polynomial at random places of every cell", () => {
    const numbers = random(3);
    const places: [a: number, b: number, cell: number][] = [];
    const seen = new Set<number>();
    found.scanlines.forEach(({ b, breakpoints }, r) => {
      found.cellsOf[r].forEach((cell, i) => {
        if (seen.has(cell)) return;
        seen.add(cell);
        const share = 0.1 + 0.8 * numbers.uniform([1]).data[0];
        places.push([breakpoints[i] + share * (breakpoints[i + 1] - breakpoints[i]), b, cell]);
      });
    });
    expect(seen.size).toBe(found.cells.length);
    for (const [a, b, cell] of places.filter((_, i) => i % 11 === 0)) {
      const here = found.cellAt(a, b);
      expect(here.cell).toBe(cell);
      expect(here.degree).toBeLessThanOrEqual(9);
      const exact = forward(deep, at(plane, a, b), { on: cpu64 }).data;
      // 55 terms of size 1, times the growth of two layers
      here.evaluate(a, b).data.forEach((v, k) => {
        expect(Math.abs(v - exact[k])).toBeLessThan(1e-11);
      });
    }
  });

  it("has fewer patterns than the bound, and no more than cells", () => {
    const bound = cellBound(deep, plane.origin);
    // 2·9 scores of degree 2; 3·5 units of degree 3; then 6 and 9
    expect(bound.gates.map(({ factor }) => Number(factor))).toEqual(
      [36, 45, 108, 135].map((D) => 1 + (D * (D + 1)) / 2),
    );
    expect(bound.cells).toBeUndefined();
    const patterns = countCells(found, { by: "pattern" });
    expect(BigInt(patterns)).toBeLessThan(bound.patterns);
    expect(patterns).toBeLessThanOrEqual(countCells(found));
  });

  it("is the same in steps, and put together from parts", () => {
    let last: Slice | undefined;
    let steps = 0;
    for (const step of sliceInSteps(deep, { ...plane, rows: 23, on: cpu64 })) {
      steps++;
      if (step.isEven) last = step.slice();
    }
    expect(steps).toBe(23);
    expect(last?.scanlines).toEqual(found.scanlines);
    const lines = [0, 1, 2].flatMap((k) => [...scanlines(deep, { ...plane, rows: 23, on: cpu64, part: [k, 3] })]);
    const whole = sliceOf(deep, { ...plane, rows: 23 }, structuredClone(lines));
    expect(whole.scanlines).toEqual(found.scanlines);
    expect(whole.curves).toEqual(found.curves);
    expect(whole.cells).toEqual(found.cells);
  });

  it("reports progress, shows coarser slices on the way, and stops when it is told to", () => {
    const done: number[] = [];
    const refined: number[] = [];
    slice(deep, {
      ...plane,
      rows: 9,
      onProgress: (share) => done.push(share),
      onRefined: ({ scanlines: lines }) => refined.push(lines.length),
    });
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => k / 9));
    expect(refined).toEqual([3, 5]);
    const stop = new AbortController();
    const onProgress = (): void => stop.abort(new Error("enough"));
    expect(() => slice(deep, { ...plane, rows: 9, onProgress, signal: stop.signal })).toThrow("enough");
  });

  it("is drawn with its cells, classes and decision boundaries", () => {
    const svg = sliceSvg(found, { marks: [{ a: 0, b: 0, name: "<first>" }], title: "Three inputs", size: 300 });
    expect(svg).toContain(`${found.cells.length} cells on 23 exact scanlines`);
    expect(svg).toContain("&lt;first&gt;");
    expect(svg).toContain("<title>block 1/attention</title>");
    expect(svg.match(/stroke-width="2.2" stroke-linejoin/g)).toHaveLength(found.decisions.length);
    expect(found.toSvg({ boundaries: "hidden" })).not.toContain("<title>block 1/attention</title>");
  });

  it("is painted on a canvas: every pixel of the window once, then the lines", () => {
    let area = 0;
    let strokes = 0;
    const canvas: Canvas = {
      fillStyle: "",
      strokeStyle: "",
      lineWidth: 1,
      fillRect: (_x, _y, width, height) => {
        area += width * height;
      },
      beginPath: () => {},
      moveTo: () => {},
      lineTo: () => {},
      stroke: () => {
        strokes++;
      },
    };
    paintSlice(canvas, found, ["red", "green", "blue"], { size: 100 });
    expect(area).toBeCloseTo(10_000, 8);
    expect(strokes).toBe(2);
  });
});

describe("a slice refuses", () => {
  const plane = planeOf([3, 4], 1);
  const [{ origin, u, v }] = [plane];
  it.each([
    [
      "directions on one line",
      { origin, u, v: tensor(u.data.map((x) => -3 * x) as Float64Array, [3, 4]) },
      "slice: expected u and v that span a plane, got two on one line",
    ],
    ["a direction of zeros", { origin, u: zeros([3, 4]), v }, "slice: expected u to be a direction, got zeros"],
    [
      "NaN",
      { origin, u, v: tensor(v.data.map((x, i) => (i === 5 ? Number.NaN : x)) as Float64Array, [3, 4]) },
      'slice: v: expected finite numbers for input "x", got NaN at entry 5',
    ],
    ["one row", { origin, u, v, rows: 1 }, "slice: expected 2 to 65,536 rows, got 1"],
    [
      "a window that is none",
      { origin, u, v, window: { a: [1, 0], b: [0, 1] } as const },
      "slice: expected window.a to be two ascending numbers, got [1, 0]",
    ],
    ["an unknown option", { origin, u, v, colums: 3 }, "colums"],
    [
      "an unknown method",
      { origin, u, v, method: "fast" as "march" },
      'slice: expected method "auto", "descend" or "march", got "fast"',
    ],
  ])("%s", (_, options, message) => {
    expect(() => slice(deep, options)).toThrow(message);
  });

  it("shapes that do not fit", () => {
    expect(() => slice(deep, { origin, u: zeros([3, 5]), v })).toThrow(/slice: u: expected .*width|shape/);
    expect(() => slice(deep, { origin, u: planeOf([2, 4], 1).u, v })).toThrow(/slice: expected u/);
  });

  it("smooth gates, by name", () => {
    const soft = createEncoder({ layers: 1, width: 4, heads: 2, attention: { activation: "softmax" } });
    expect(() => slice(soft, { origin, u, v })).toThrow(
      "expected a piecewise polynomial activation, got softmax at block 0/attention",
    );
  });

  it("a place outside its window", () => {
    const four = slice(
      hidden(
        [
          [1, 0],
          [0, 1],
        ],
        [-0.5, -0.5],
      ),
      { ...square(1), rows: 4 },
    );
    expect(() => four.cellAt(2, 0)).toThrow("slice.cellAt: expected a place in the window, got (2, 0)");
  });
});
