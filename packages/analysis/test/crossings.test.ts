import { classMap, crossings, nearestAdversarial, type Path, restrictToLine } from "@splineformer/analysis";
import { forward, type Nested, type Network, type Ops, type Shaped, type Tensor, tensor } from "@splineformer/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { between, directly, drawn, draws, largestOf } from "./random-networks.ts";

const f64 = (values: Nested): Tensor => tensor(values, { dtype: "float64" });

/** A network of x [1, 1], its outputs in one row. */
const network = (run: <T extends Shaped>(ops: Ops<T>, x: T) => T): Network<"x"> => ({
  inputs: { x: [1, 1] },
  config: {},
  parameters: {},
  run: (ops, _, { x }) => run(ops, x),
});
/** The line on which x is t itself. */
const ends = [f64([[0]]), f64([[1]])] as const;
/** Outputs slope·t + offset. */
const lines = (slopes: number[], offsets: number[]): Network<"x"> =>
  network((ops, x) => ops.add(ops.matmul(x, ops.constant(f64([slopes])), {}), ops.constant(f64([offsets]))));
const relu = <T extends Shaped>(ops: Ops<T>, x: T): T => ops.activate(x, { activation: "relu", order: 0 });
const on = (net: Network<"x">): Path => restrictToLine(net, ...ends);

describe("crossings of networks that are known", () => {
  it("the largest of three lines changes where the upper two cross, not where lower ones do", () => {
    // t, 1 − t and 2/5: the third is never the largest
    const path = on(lines([1, -1, 0], [0, 1, 0.4]));
    expect(crossings(path)).toEqual({
      crossings: [{ at: 0.5, radius: expect.any(Number), from: 1, to: 0 }],
      undecided: [],
    });
    expect(crossings(path).crossings[0].radius).toBeLessThan(1e-14);
    expect(classMap(path)).toEqual([
      { from: 0, to: 0.5, class: 1, rivals: [] },
      { from: 0.5, to: 1, class: 0, rivals: [] },
    ]);
    const pair = crossings(path, { between: [2, 0] }).crossings;
    expect(pair).toHaveLength(1);
    expect(pair[0]).toMatchObject({ from: 2, to: 0 });
    // 2/5 is no number of binary
    expect(pair[0].at).toBeCloseTo(0.4, 15);
  });

  it("three lines through one point are one crossing, past the one that is never ahead", () => {
    // t, 1 − t and 1/2 meet at 1/2
    const found = crossings(on(lines([1, -1, 0], [0, 1, 0.5])));
    expect(found.crossings.map(({ at, from, to }) => [at, from, to])).toEqual([[0.5, 1, 0]]);
    expect(found.undecided).toEqual([]);
  });

  it("a class that is ahead only for a while is found, however short", () => {
    // t, 1 − t, and 1/2 + 2⁻²⁰: ahead between 1/2 ± 2⁻²⁰
    const [first, second] = crossings(on(lines([1, -1, 0], [0, 1, 0.5 + 2 ** -20]))).crossings;
    expect([first.from, first.to, second.from, second.to]).toEqual([1, 2, 2, 0]);
    expect(first.at).toBeCloseTo(0.5 - 2 ** -20, 14);
    expect(second.at).toBeCloseTo(0.5 + 2 ** -20, 14);
  });

  it("a tangential touch is no crossing, and is reported as undecided where it is", () => {
    // (t − 1/2)² against 0
    const touch = network((ops, x) => {
      const y = ops.add(x, ops.constant(f64([[-0.5]])));
      return ops.matmul(ops.multiply(y, y), ops.constant(f64([[1, 0]])), {});
    });
    const found = crossings(on(touch));
    expect(found.crossings).toEqual([]);
    expect(found.undecided).toHaveLength(1);
    const [{ from, to, rivals }] = found.undecided;
    expect(from).toBeLessThanOrEqual(0.5);
    expect(to).toBeGreaterThanOrEqual(0.5);
    // a double root is known to about √u
    expect(to - from).toBeLessThan(1e-6);
    expect(rivals).toHaveLength(1);
    expect(
      classMap(on(touch))
        .filter((part) => part.rivals.length === 0)
        .map((part) => part.class),
    ).toEqual([0, 0]);
  });

  it("a triple root is a crossing, as sure as it can be known", () => {
    const cube = network((ops, x) => {
      const y = ops.add(x, ops.constant(f64([[-0.5]])));
      return ops.matmul(ops.multiply(ops.multiply(y, y), y), ops.constant(f64([[1, 0]])), {});
    });
    const [crossing, ...more] = crossings(on(cube)).crossings;
    expect(more).toEqual([]);
    expect([crossing.from, crossing.to]).toEqual([1, 0]);
    expect(Math.abs(crossing.at - 0.5)).toBeLessThanOrEqual(crossing.radius);
    // the cube root of the rounding unit
    expect(crossing.radius).toBeLessThan(1e-4);
  });

  it("outputs that are equal on a whole part are a tie there, for the first of them", () => {
    // ReLU(t − 1/4) against 0: a dead unit, then one that is ahead
    const dead = network((ops, x) =>
      ops.matmul(relu(ops, ops.add(x, ops.constant(f64([[-0.25]])))), ops.constant(f64([[0, 1]])), {}),
    );
    const found = crossings(on(dead));
    expect(found.undecided).toEqual([{ from: 0, to: 0.25, class: 0, rivals: [1] }]);
    // before the tie nothing was certain, so nothing has changed
    expect(found.crossings).toEqual([]);
    expect(classMap(on(dead)).at(-1)).toEqual({ from: 0.25, to: 1, class: 1, rivals: [] });
  });

  it("a crossing just at a breakpoint is one crossing", () => {
    // t − 1/2 with slope 3 before and 1 after, two units that switch at once
    const bent = network((ops, x) => {
      const both = relu(
        ops,
        ops.add(ops.matmul(x, ops.constant(f64([[1, -1]])), {}), ops.constant(f64([[-0.5, 0.5]]))),
      );
      return ops.matmul(
        both,
        ops.constant(
          f64([
            [1, 0],
            [-3, 0],
          ]),
        ),
        {},
      );
    });
    const path = on(bent);
    expect([...path.breakpoints]).toEqual([0, 0.5, 1]);
    expect(path.causes[1]).toHaveLength(2);
    expect(crossings(path)).toEqual({
      crossings: [{ at: 0.5, radius: expect.any(Number), from: 1, to: 0 }],
      undecided: [],
    });
  });

  it("outputs that are equal at an end of the line do not cross there", () => {
    expect(crossings(on(lines([1, 0], [0, 0]))).crossings).toEqual([]);
    expect(crossings(on(lines([-1, 0], [1, 0]))).crossings).toEqual([]);
    expect(crossings(on(lines([1, 0], [0, 0]))).undecided).toEqual([]);
  });

  it("scale does not matter", () => {
    for (const scale of [1e-200, 1, 1e200]) {
      const [{ at }] = crossings(on(lines([scale, -scale], [0, scale]))).crossings;
      expect(at).toBe(0.5);
    }
  });
});

const hundred = Array.from({ length: 101 }, (_, k) => k / 100);

describe("crossings of random networks", () => {
  it("classes agree with the network itself everywhere, and every crossing is bracketed", () => {
    let found = 0;
    fc.assert(
      fc.property(drawn, (example) => {
        const path = restrictToLine(example.network, example.from, example.to);
        const map = classMap(path);
        expect(map[0].from).toBe(0);
        expect(map.at(-1)?.to).toBe(1);
        map.forEach((part, i) => {
          if (i > 0) expect(part.from).toBe(map[i - 1].to);
          if (part.rivals.length > 0) return;
          const inside = [0.02, 0.37, 0.81, 0.98].map((u) => part.from + u * (part.to - part.from));
          for (const values of directly(example, inside)) expect(largestOf(values)).toBe(part.class);
        });
        // dense sampling sees no class where there is none
        directly(example, hundred).forEach((values, k) => {
          const t = hundred[k];
          const part = map.find(({ to }) => t <= to);
          if (part && t > part.from && t < part.to && part.rivals.length === 0)
            expect(largestOf(values)).toBe(part.class);
        });
        const { crossings: every, undecided } = crossings(path);
        // where the outputs are equal on a whole part before the change, the part is the doubt
        const all = every.filter(({ at }) => !undecided.some((part) => part.from <= at && at <= part.to));
        found += all.length;
        all.forEach(({ at, from, to, radius }) => {
          // the network's own rounding moves the place as much again
          const [before, after] = directly(example, [at - 4 * radius, at + 4 * radius]);
          expect(before[from]).toBeGreaterThan(before[to]);
          expect(after[to]).toBeGreaterThan(after[from]);
        });
      }),
      draws,
    );
    // the property says nothing where nothing crosses
    expect(found).toBeGreaterThan(100);
  });

  it("two outputs cross wherever their difference changes sign between samples", () => {
    fc.assert(
      fc.property(drawn, (example) => {
        const path = restrictToLine(example.network, example.from, example.to);
        const { crossings: all, undecided } = crossings(path, { between: [1, 0] });
        const values = directly(example, hundred);
        for (let k = 1; k <= 100; k++) {
          const [before, now] = [values[k - 1], values[k]];
          const changes = Math.sign(before[1] - before[0]) * Math.sign(now[1] - now[0]) < 0;
          const inside = all.filter(({ at }) => at > hundred[k - 1] && at <= hundred[k]).length;
          const unsure = undecided.some(({ from, to }) => to >= hundred[k - 1] && from <= hundred[k]);
          if (!unsure) expect(inside % 2).toBe(changes ? 1 : 0);
        }
      }),
      draws,
    );
  });

  it("the nearest adversarial input has another class, and nothing before it has", () => {
    let found = 0;
    fc.assert(
      fc.property(drawn, ({ network: net, from, to }) => {
        const first = crossings(restrictToLine(net, from, to)).crossings.at(0);
        const nearest = nearestAdversarial(net, from, to);
        expect(nearest?.at).toBe(first?.at);
        if (!nearest) return;
        found++;
        expect(largestOf(forward(net, nearest.input).data)).toBe(nearest.to);
        expect(nearest.t).toBeGreaterThan(nearest.at);
        for (let k = 0; k < 20; k++) {
          const t = ((k + 0.5) / 20) * (nearest.at - nearest.radius);
          if (nearest.undecided.some((part) => part.from <= t && t <= part.to)) continue;
          expect(largestOf(forward(net, between(from, to, t)).data)).toBe(nearest.from);
        }
        const gaps = Float64Array.from(from.data, (v, k) => nearest.input.data[k] - v);
        expect(nearest.distance).toBeCloseTo(Math.hypot(...gaps), 12);
      }),
      draws,
    );
    expect(found).toBeGreaterThan(30);
  });
});

describe("crossings of part of a path, and of several rows", () => {
  const steps = lines([1, -1], [0, 1]);

  it("nearest of a network without a change on the line is undefined", () => {
    expect(nearestAdversarial(steps, f64([[0]]), f64([[0.25]]))).toBeUndefined();
  });

  it("nearest of several inputs gives them by name", () => {
    const sum: Network<"a" | "b"> = {
      inputs: { a: [1, 2], b: [1, 2] },
      config: {},
      parameters: {},
      run: (ops, _, { a, b }) => ops.add(a, b),
    };
    const from = { a: f64([[0, 1]]), b: f64([[0, 0]]) };
    const found = nearestAdversarial(sum, from, { a: f64([[4, 1]]), b: f64([[0, -3]]) });
    // 4t = 1 − 3t
    expect(found?.at).toBeCloseTo(1 / 7, 15);
    expect(found?.distance).toBeCloseTo(5 / 7, 12);
    expect(Object.keys(found?.input ?? {})).toEqual(["a", "b"]);
  });

  it("an output of several rows needs to be told which", () => {
    const rows: Network<"x"> = {
      inputs: { x: [3, 2] },
      config: {},
      parameters: {},
      run: (ops, _, { x }) => ops.scale(x, { factor: 1 }),
    };
    const path = restrictToLine(
      rows,
      f64([
        [0, 1],
        [0, 2],
        [3, 0],
      ]),
      f64([
        [1, 0],
        [2, 0],
        [0, 1],
      ]),
    );
    expect([0, 1, [2]].map((row) => crossings(path, { row }).crossings[0].at)).toEqual([0.5, 0.5, 0.75]);
    expect(() => crossings(path)).toThrow(
      "crossings: expected row to name one of the 3 rows of an output of shape [3, 2], as 2, got undefined",
    );
    expect(() => classMap(path, { row: 3 })).toThrow("classMap: expected row to name one of the 3 rows");
    expect(() =>
      nearestAdversarial(
        rows,
        f64([
          [0, 1],
          [0, 2],
          [3, 0],
        ]),
        f64([
          [1, 0],
          [2, 0],
          [0, 1],
        ]),
      ),
    ).toThrow("nearestAdversarial: expected row to name one of the 3 rows");
  });

  it("refuses what it can't answer, by name", () => {
    const path = on(steps);
    expect(() => crossings(path, { between: [0, 0] })).toThrow(
      "crossings: expected between to name two different outputs from 0 to 1, got [0, 0]",
    );
    expect(() => crossings(path, { between: [0, 2] })).toThrow("expected between to name two different outputs");
    // @ts-expect-error no such option
    expect(() => crossings(path, { rows: 0 })).toThrow("crossings: expected options");
    expect(() => crossings({} as Path)).toThrow("crossings: expected a path of restrictToLine, got {}");
    expect(() => crossings(on(lines([1], [0])))).toThrow(
      "crossings: expected an output with at least two numbers in a row, got one of shape [1, 1]",
    );
    // @ts-expect-error no such option
    expect(() => nearestAdversarial(steps, ...ends, { budgetMs: 1 })).toThrow("nearestAdversarial: expected options");
  });

  it("a path that ended early has the crossings of the part that is done", () => {
    const many = network((ops, x) => {
      const units = relu(
        ops,
        ops.add(ops.matmul(x, ops.constant(f64([[1, 1, 1]])), {}), ops.constant(f64([[-0.25, -0.5, -0.75]]))),
      );
      return ops.add(
        ops.matmul(
          units,
          ops.constant(
            f64([
              [0, 8],
              [0, -16],
              [0, 16],
            ]),
          ),
          {},
        ),
        ops.constant(f64([[1, 0]])),
      );
    });
    const whole = crossings(on(many)).crossings.map(({ at }) => at);
    expect(whole).toEqual([0.375, 0.625, 0.875]);
    const part = restrictToLine(many, ...ends, { budgetMs: 0 });
    expect(part.end).toBe(0.25);
    expect(crossings(part).crossings).toEqual([]);
  });
});
