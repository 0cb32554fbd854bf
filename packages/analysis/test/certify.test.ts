import {
  certificateText,
  certify,
  certifyInSteps,
  type Path,
  restrictToLine,
  restrictToPolyline,
} from "@splineformer/analysis";
import { cpu64 } from "@splineformer/cpu";
import {
  type Nested,
  type Network,
  type Ops,
  type Pointwise,
  random,
  reference32,
  type Shaped,
  type Tensor,
  tensor,
} from "@splineformer/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawn } from "./random-networks.ts";

const f64 = (values: Nested): Tensor => tensor(values, { dtype: "float64" });

/** A network of one input x [n], written by hand. */
const network = (n: number, run: <T extends Shaped>(ops: Ops<T>, x: T) => T): Network<"x"> => ({
  inputs: { x: [n] },
  config: {},
  parameters: {},
  run: (ops, _, { x }) => run(ops, x),
});
const gate = <T extends Shaped>(ops: Ops<T>, x: T, activation: Pointwise = "relu"): T =>
  ops.activate(x, { activation, order: 0 });
const plus = <T extends Shaped>(ops: Ops<T>, x: T, constant: number): T => ops.add(x, ops.constant(f64([constant])));
/** The line on which x is t itself. */
const ends = [f64([0]), f64([1])] as const;
/** Twenty small networks: one and two layers, all kinds of gates. */
const twenty = fc.sample(drawn, { numRuns: 20, seed: 11 });

const without = (path: Path, i: number): number[] => [...path.breakpoints].filter((_, k) => k !== i);
const withMoved = (path: Path, i: number, by: number): number[] =>
  [...path.breakpoints].map((at, k) => (k === i ? at + by : at));

describe("a certificate in exact arithmetic", () => {
  it("certifies a kink at a rational place, and names the unit", () => {
    // t − 1/3 does not vanish at a number
    const third = network(1, (ops, x) => gate(ops, plus(ops, ops.scale(x, { factor: 3 }), -1)));
    const certificate = certify(restrictToLine(third, ...ends), { method: "exact" });
    expect(certificate.counts).toEqual({
      pieces: { certified: 2, refused: 0, undecided: 0 },
      breakpoints: { certified: 1, refused: 0, undecided: 0 },
      onePlace: 1,
      by: { exact: 3, intervals: 0 },
    });
    expect(certificate.breakpoints[0]).toEqual({
      at: expect.closeTo(1 / 3, 15),
      radius: 2 ** -31,
      verdict: "certified",
      by: "exact",
      places: "one",
      units: [{ op: "activate", scope: "", batch: [], token: 0, unit: 0 }],
    });
  });

  it.each([
    ["relu", 1],
    ["squaredRelu", 1],
    ["leakyRelu", 1],
    ["absolute", 1],
    ["hardSigmoid", 2],
    [{ name: "clamp", limit: 2 }, 2],
    [{ name: "piecewise", knots: [-1, 0, 2], pieces: [[1], [0, -1], [0, 0, 1], [4]] }, 3],
  ] as const)("certifies every knot of %j", (activation, knots) => {
    const path = restrictToLine(
      network(1, (ops, x) => gate(ops, gate(ops, x, activation as Pointwise), "identity")),
      f64([-4]),
      f64([5]),
    );
    const { counts, verdict } = certify(path, { method: "exact" });
    expect(verdict).toBe("certified");
    expect(counts.onePlace).toBe(knots);
  });

  it("certifies where sparsemax changes its support", () => {
    const pair: Network<"x"> = {
      ...network(1, (ops, x) => {
        const scores = ops.matmul(x, ops.constant(f64([[0, 4, -2]])), {});
        return ops.weigh(scores, undefined, { activation: "sparsemax", mask: "none", order: 0, divide: "length" });
      }),
      inputs: { x: [1, 1] },
    };
    const path = restrictToLine(pair, f64([[0]]), f64([[1]]));
    const { verdict, breakpoints } = certify(path, { method: "exact" });
    expect(verdict).toBe("certified");
    // scores (0, 4t, −2t): the third has weight 0 from (1 + 2t)/3 = 2t on, the first from 4t = 1 on
    expect(breakpoints.map(({ at }) => at)).toEqual([...path.breakpoints].slice(1, -1));
    expect(breakpoints.map(({ units }) => units.map((unit) => unit.op === "weigh" && unit.key))).toEqual([[2], [0]]);
  });

  it("a touch is no breakpoint, wherever it is", () => {
    for (const at of [0.5, 0.3, 1 / 3, 0.5089])
      for (const factor of [1, -1]) {
        const touch = network(1, (ops, x) =>
          gate(ops, ops.scale(ops.multiply(plus(ops, x, -at), plus(ops, x, -at)), { factor })),
        );
        const path = restrictToLine(touch, ...ends);
        expect(certify(path, { method: "exact" }).verdict).toBe("certified");
      }
  });

  it("a touch at a place that is no number is decided, too", () => {
    // (2t² − 1)² touches 0 at 1/√2
    const touch = network(1, (ops, x) => {
      const z = plus(ops, ops.scale(ops.multiply(x, x), { factor: 2 }), -1);
      return gate(ops, ops.multiply(z, z));
    });
    expect(certify(restrictToLine(touch, ...ends), { method: "exact" }).verdict).toBe("certified");
    // (2t² − 1)³ changes its sign there, once
    const cube = network(1, (ops, x) => {
      const z = plus(ops, ops.scale(ops.multiply(x, x), { factor: 2 }), -1);
      return gate(ops, ops.multiply(ops.multiply(z, z), z));
    });
    const path = restrictToLine(cube, ...ends);
    // a triple root is known to about the cube root of the rounding unit
    const { verdict, counts } = certify(path, { method: "exact", radius: 1e-4 });
    expect(verdict).toBe("certified");
    expect(counts.onePlace).toBe(1);
  });

  it("units that are dead, or zero on the whole line, don't matter", () => {
    const dead = network(1, (ops, x) => {
      const zero = gate(ops, ops.scale(x, { factor: 0 }));
      return ops.add(ops.add(gate(ops, plus(ops, x, -3)), zero), gate(ops, plus(ops, x, -0.25)));
    });
    const { verdict, counts } = certify(restrictToLine(dead, ...ends), { method: "exact" });
    expect(verdict).toBe("certified");
    expect(counts.onePlace).toBe(1);
  });

  it("a kink at an end of the line is none on it", () => {
    for (const shift of [0, -1]) {
      const path = restrictToLine(
        network(1, (ops, x) => gate(ops, plus(ops, x, shift))),
        ...ends,
      );
      expect(certify(path, { method: "exact" })).toMatchObject({ verdict: "certified", breakpoints: [] });
    }
  });

  it("units that switch together do so at one place: by a common factor, or one after the other", () => {
    const factor: Network<"x"> = {
      ...network(1, (ops, x) => {
        const query = ops.add(x, ops.constant(f64([[-1 / 3]])));
        const keys = ops.matmul(x, ops.constant(f64([[1, -2, 5]])), {});
        const shifted = ops.add(keys, ops.constant(f64([[1, 0.25, -7]])));
        const scores = ops.matmul(query, shifted, {});
        const weights = ops.weigh(scores, undefined, { activation: "relu", mask: "none", order: 0, divide: "none" });
        return ops.matmul(weights, ops.constant(f64([[3], [5], [7]])), {});
      }),
      inputs: { x: [1, 1] },
    };
    const path = restrictToLine(factor, f64([[0]]), f64([[1]]));
    // the query vanishes at 1/3, one key at 1/8
    expect(path.breakpoints).toHaveLength(4);
    const { counts, breakpoints } = certify(path, { method: "exact" });
    expect(counts.onePlace).toBe(2);
    expect(breakpoints.map(({ units }) => units.length)).toEqual([1, 3]);

    const chain = network(1, (ops, x) => gate(ops, ops.scale(gate(ops, plus(ops, x, -0.3)), { factor: 3 })));
    const chained = certify(restrictToLine(chain, ...ends), { method: "exact" });
    expect(chained.counts.onePlace).toBe(1);
    expect(chained.breakpoints[0].units).toHaveLength(2);
  });

  it("units that switch at places nearer than the window are not told to be at one", () => {
    const near = 2 ** -40;
    const two = network(1, (ops, x) => ops.add(gate(ops, plus(ops, x, -0.25)), gate(ops, plus(ops, x, -0.25 - near))));
    const path = restrictToLine(two, ...ends);
    const both = certify(path, { method: "exact", breakpoints: [0, 0.25, 1] });
    expect(both.verdict).toBe("certified");
    expect(both.breakpoints[0]).toMatchObject({ places: "some", radius: 2 ** -31 });
    expect(both.breakpoints[0].units).toHaveLength(2);
    // with a window of its own for each
    const each = certify(path, { method: "exact", breakpoints: [0, 0.25, 0.25 + near, 1] });
    expect(each.counts.onePlace).toBe(2);
  });

  it("a unit that switches on and off within a window is seen", () => {
    const near = 2 ** -40;
    const blip = network(1, (ops, x) => gate(ops, ops.multiply(plus(ops, x, -0.25), plus(ops, x, -0.25 - near))));
    const path = restrictToLine(blip, ...ends);
    const { breakpoints, verdict } = certify(path, { method: "exact", breakpoints: [0, 0.25, 1] });
    expect(verdict).toBe("certified");
    expect(breakpoints[0]).toMatchObject({ places: "some", verdict: "certified" });
  });

  it("follows jumps of the derivative of ReLU", () => {
    // the second unit's input jumps from −1 to 1
    const jump = network(1, (ops, x) => {
      const step = ops.activate(plus(ops, x, -0.3), { activation: "relu", order: 1 });
      return gate(ops, plus(ops, ops.scale(step, { factor: 2 }), -1));
    });
    const { breakpoints } = certify(restrictToLine(jump, ...ends), { method: "exact" });
    expect(breakpoints[0]).toMatchObject({ verdict: "certified", places: "one" });
    expect(breakpoints[0].units).toHaveLength(2);
  });

  it("decides everything on twenty small networks, and finds the causes that the engine names", () => {
    let pieces = 0;
    for (const { network, from, to } of twenty) {
      const path = restrictToLine(network, from, to, { on: cpu64 });
      const { verdict, counts, breakpoints } = certify(path, { method: "exact" });
      expect(verdict).toBe("certified");
      expect(counts.onePlace).toBe(path.pieces.length - 1);
      breakpoints.forEach(({ units }, i) => {
        expect(units).toEqual(path.causes[i + 1].map(({ before, after, ...unit }) => unit));
      });
      pieces += path.pieces.length;
    }
    expect(pieces).toBeGreaterThan(200);
  });

  it("is refused when one breakpoint is moved by 1e-9 or one is removed", () => {
    for (const { network, from, to } of twenty.slice(0, 5)) {
      const path = restrictToLine(network, from, to, { on: cpu64 });
      const i = path.breakpoints.length >> 1;
      const [at, before] = [path.breakpoints[i], path.breakpoints[i - 1]];
      if (i === 0 || i === path.breakpoints.length - 1) continue;
      for (const by of [1e-9, -1e-9]) {
        const moved = certify(path, { method: "exact", breakpoints: withMoved(path, i, by) });
        expect(moved.verdict).toBe("refused");
        expect(moved.breakpoints[i - 1].verdict).toBe("refused");
        // the place itself is in the piece beside
        expect(moved.pieces[by > 0 ? i - 1 : i].verdict).toBe("refused");
        expect(moved.counts.pieces.refused).toBe(1);
        expect(certificateText(moved)).toContain(`of ${at + by}`);
      }
      const removed = certify(path, { method: "exact", breakpoints: without(path, i) });
      expect(removed.counts.pieces).toEqual({ certified: path.pieces.length - 2, refused: 1, undecided: 0 });
      expect(removed.counts.breakpoints.certified).toBe(path.breakpoints.length - 3);
      expect(removed.pieces[i - 1]).toMatchObject({ from: before, to: path.breakpoints[i + 1], verdict: "refused" });
      expect(certificateText(removed)).toContain(`refused: a unit switches between ${before} and `);
    }
  });

  it("is refused when a breakpoint is invented", () => {
    const line = restrictToLine(
      network(1, (ops, x) => gate(ops, plus(ops, x, -0.25))),
      ...ends,
    );
    const { breakpoints, pieces, verdict } = certify(line, { method: "exact", breakpoints: [0, 0.25, 0.5, 1] });
    expect(verdict).toBe("refused");
    expect(breakpoints.map((b) => b.verdict)).toEqual(["certified", "refused"]);
    expect(pieces.map((piece) => piece.verdict)).toEqual(["certified", "certified", "certified"]);
  });

  it("judges the numbers in the path, even when somebody changed them", () => {
    const path = restrictToLine(
      network(1, (ops, x) => gate(ops, plus(ops, x, -0.25))),
      ...ends,
    );
    path.breakpoints[1] += 1e-9;
    expect(certify(path, { method: "exact" }).verdict).toBe("refused");
  });

  it("certifies polylines, whose corners are breakpoints, and the part of a line that is done", () => {
    const relu = network(1, (ops, x) => gate(ops, x));
    const polyline = certify(restrictToPolyline(relu, [f64([-1]), f64([1]), f64([-1])]), { method: "exact" });
    expect(polyline).toMatchObject({ verdict: "certified", counts: { onePlace: 3 } });
    const { network: model, from, to } = twenty[0];
    const part = restrictToLine(model, from, to, { budgetMs: 0 });
    expect(part.end).toBeLessThan(1);
    expect(certify(part, { method: "exact" })).toMatchObject({ verdict: "certified", end: part.end });
  });

  it("nothing that moves is one piece, certified", () => {
    const path = restrictToLine(
      network(1, (ops, x) => gate(ops, x)),
      f64([2]),
      f64([2]),
    );
    expect(certify(path, { method: "exact" })).toMatchObject({
      verdict: "certified",
      counts: { pieces: { certified: 1 } },
    });
  });
});

describe("a certificate by intervals", () => {
  const by = { method: "intervals", on: cpu64 } as const;

  it.each([
    ["relu", 1],
    ["squaredRelu", 1],
    ["leakyRelu", 1],
    ["absolute", 1],
    ["hardSigmoid", 2],
    [{ name: "clamp", limit: 2 }, 2],
    [{ name: "piecewise", knots: [-1, 0, 2], pieces: [[1], [0, -1], [0, 0, 1], [4]] }, 3],
  ] as const)("certifies every knot of %j, and of what follows it", (activation, knots) => {
    const path = restrictToLine(
      network(1, (ops, x) => gate(ops, plus(ops, gate(ops, x, activation as Pointwise), 7))),
      f64([-4]),
      f64([5]),
    );
    const { counts, verdict } = certify(path, by);
    expect(verdict).toBe("certified");
    expect(counts).toMatchObject({ onePlace: knots, by: { exact: 0 } });
  });

  it("says of units that switch together that they do so in the window", () => {
    const chain = network(1, (ops, x) => gate(ops, ops.scale(gate(ops, plus(ops, x, -0.3)), { factor: 3 })));
    const { verdict, breakpoints } = certify(restrictToLine(chain, ...ends), by);
    expect(verdict).toBe("certified");
    expect(breakpoints[0]).toMatchObject({ places: "some", by: "intervals" });
    expect(breakpoints[0].units).toHaveLength(2);
  });

  it("lists a touch as undecided, which exact arithmetic decides", () => {
    const touch = network(1, (ops, x) => gate(ops, ops.multiply(plus(ops, x, -0.3), plus(ops, x, -0.3))));
    const path = restrictToLine(touch, ...ends);
    const certificate = certify(path, by);
    expect(certificate).toMatchObject({ verdict: "undecided", counts: { pieces: { undecided: 1 } } });
    expect(certificate.pieces[0].units).toHaveLength(1);
    expect(certificateText(certificate).split("\n")).toEqual([
      "0 of 1 piece and 0 of 0 breakpoints certified (interval arithmetic).",
      "undecided: whether a unit switches between 0 and 1: token 0 unit 0",
    ]);
    expect(certify(path)).toMatchObject({ verdict: "certified", counts: { by: { exact: 1, intervals: 0 } } });
  });

  it("a kink at an end of the line is none on it, and a unit that is 0 all along is no matter", () => {
    for (const shift of [0, -1])
      for (const factor of [1, -1]) {
        const kink = network(1, (ops, x) => {
          const unit = gate(ops, ops.scale(plus(ops, x, shift), { factor }));
          return ops.add(ops.add(unit, gate(ops, plus(ops, x, -0.25))), gate(ops, ops.scale(x, { factor: 0 })));
        });
        const { verdict, counts } = certify(restrictToLine(kink, ...ends), by);
        expect(verdict).toBe("certified");
        expect(counts.onePlace).toBe(1);
      }
  });

  it("with exact arithmetic for the rest, decides everything on twenty small networks", () => {
    for (const { network, from, to } of twenty) {
      const path = restrictToLine(network, from, to, { on: cpu64 });
      const { verdict, breakpoints } = certify(path, { on: cpu64 });
      expect(verdict).toBe("certified");
      breakpoints.forEach(({ units }, i) => {
        expect(units).toEqual(path.causes[i + 1].map(({ before, after, ...unit }) => unit));
      });
    }
  });

  it("never contradicts exact arithmetic, whatever is claimed", () => {
    const numbers = random(5);
    let decided = 0;
    let refused = 0;
    for (const { network, from, to } of twenty) {
      const path = restrictToLine(network, from, to, { on: cpu64 });
      if (path.pieces.length > 12) continue;
      // each breakpoint is moved by something between 1e-12 and 1e-7, or stays
      const shifts = numbers.uniform([path.breakpoints.length], { dtype: "float64" }).data;
      const breakpoints = [...path.breakpoints].map((at, i) => {
        const inner = i > 0 && i < path.breakpoints.length - 1;
        return inner && shifts[i] > 0.5 ? at + 10 ** (-12 + 10 * (shifts[i] - 0.5)) : at;
      });
      const exact = certify(path, { method: "exact", breakpoints });
      const enclosed = certify(path, { ...by, breakpoints });
      for (const items of ["pieces", "breakpoints"] as const)
        enclosed[items].forEach(({ verdict }, i) => {
          if (verdict === "undecided") return;
          decided++;
          if (verdict === "refused") refused++;
          expect(verdict).toBe(exact[items][i].verdict);
        });
    }
    expect(decided).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(10);
  });

  it("is refused when one breakpoint is moved by 1e-9 or one is removed", () => {
    for (const { network, from, to } of twenty.slice(0, 3)) {
      const path = restrictToLine(network, from, to, { on: cpu64 });
      for (let i = 1; i < path.breakpoints.length - 1; i += 5) {
        const moved = certify(path, { ...by, breakpoints: withMoved(path, i, 1e-9) });
        expect(moved.breakpoints[i - 1].verdict).toBe("refused");
        expect(moved.pieces[i - 1].verdict).toBe("refused");
        const removed = certify(path, { ...by, breakpoints: without(path, i) });
        expect(removed.pieces[i - 1].verdict).toBe("refused");
        expect(removed.counts.pieces.refused).toBe(1);
      }
    }
  });

  it("an interval that rounding reaches is never called certain", () => {
    // 0.1 t + 0.2 t − 0.3 t is some 3e-17 t with the numbers 0.1, 0.2 and 0.3 as they are
    const noise = network(1, (ops, x) =>
      gate(
        ops,
        ops.add(ops.add(ops.scale(x, { factor: 0.1 }), ops.scale(x, { factor: 0.2 })), ops.scale(x, { factor: -0.3 })),
      ),
    );
    const path = restrictToLine(noise, f64([1]), f64([2]));
    expect(certify(path, by)).toMatchObject({ verdict: "undecided", breakpoints: [] });
    expect(certify(path)).toMatchObject({ verdict: "certified" });
  });
});

describe("what is asked of certify", () => {
  const path = restrictToLine(
    network(1, (ops, x) => gate(ops, plus(ops, x, -0.25))),
    ...ends,
  );

  it("goes step by step, reports progress and stops when aborted", () => {
    const seen: number[] = [];
    certify(path, { method: "exact", onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([0.5, 1]);
    expect([...certifyInSteps(path, { method: "exact" })]).toEqual([0.5, 1]);
    expect([...certifyInSteps(path)].at(-1)).toBe(1);
    const controller = new AbortController();
    expect(() => certify(path, { signal: controller.signal, onProgress: () => controller.abort() })).toThrow("abort");
    expect(() => certify(path, { signal: controller.signal })).toThrow("abort");
  });

  it("is plain data", () => {
    const certificate = certify(path);
    expect(JSON.parse(JSON.stringify(certificate))).toEqual(certificate);
  });

  it("refuses what it can't judge", () => {
    expect(() => certify({ ...path })).toThrow("certify: expected a path of restrictToLine, got ");
    expect(() => certify(undefined as unknown as Path)).toThrow(
      "certify: expected a path of restrictToLine, got undefined",
    );
    expect(() => certify(path, { method: "guess" as "auto" })).toThrow("certify: expected method ");
    expect(() => certify(path, { on: 3 as unknown as typeof cpu64 })).toThrow(
      "certify: expected on to be a device, got 3",
    );
    expect(() => certify(path, { on: reference32 })).toThrow("certify: expected a float64 device");
    expect(() => certify(path, { radius: 0 })).toThrow("certify: expected a radius between 0 and 1, got 0");
    expect(() => certify(path, { radius: Number.NaN })).toThrow("certify: expected a radius between 0 and 1, got NaN");
    expect(() => certify(path, { onProgress: 3 as unknown as () => void })).toThrow(
      "onProgress to be a function, got 3",
    );
    expect(() => certify(path, { signal: {} as AbortSignal })).toThrow("signal to be an AbortSignal");
    expect(() => certify(path, { breakpoint: [] } as object)).toThrow("certify: expected options");
    expect(() => certify(path, { breakpoints: [0] })).toThrow("certify: expected breakpoints from 0 to 1, got [0]");
    expect(() => certify(path, { breakpoints: [0, 0.5] })).toThrow("certify: expected breakpoints from 0 to 1");
    expect(() => certify(path, { breakpoints: "01" as unknown as number[] })).toThrow("to be an array of numbers");
    expect(() => certify(path, { breakpoints: [0, 0.5, 0.5, 1] })).toThrow(
      "certify: expected increasing breakpoints, got 0.5 after 0.5 at 2",
    );
    expect(() => certify(path, { breakpoints: [0, Number.NaN, 1] })).toThrow(
      "certify: expected increasing breakpoints",
    );
    expect(() => certificateText({} as ReturnType<typeof certify>)).toThrow("certificateText: expected a certificate");
  });
});
