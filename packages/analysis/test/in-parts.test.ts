import { type LineOptions, type Path, type PathPiece, restrictToLine } from "@splineformer/analysis";
import { random, reference, type Tensor, tensor } from "@splineformer/tensor";
import { createEncoder, type EncoderOptions } from "@splineformer/transformer";
import { afterEach, describe, expect, it, vi } from "vitest";

const encoder = (options: Partial<EncoderOptions> = {}) =>
  createEncoder({ layers: 2, width: 6, heads: 2, headWidth: 3, hidden: 7, dtype: "float64", seed: 3, ...options });
const ends = (seed: number): [Tensor, Tensor] => {
  const numbers = random(seed);
  return [numbers.normal([3, 6], { dtype: "float64" }), numbers.normal([3, 6], { dtype: "float64" })];
};
/** What two paths must share, number for number. */
const contents = ({ end, breakpoints, degree, pieces, causes, flat, noise }: Path) => ({
  end,
  breakpoints,
  degree,
  pieces,
  causes,
  flat,
  noise,
});

/** One piece after the other, each of them a call. */
function pieceByPiece(model: ReturnType<typeof encoder>, line: [Tensor, Tensor], options: LineOptions = {}): Path[] {
  const paths = [restrictToLine(model, ...line, { ...options, budgetMs: 0 })];
  while (paths[paths.length - 1].end < 1) {
    const resume = paths[paths.length - 1];
    paths.push(restrictToLine(model, ...line, { ...options, budgetMs: 0, resume }));
  }
  return paths;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a path in parts", () => {
  it.each([
    ["relu", encoder()],
    ["without residuals, where units stay undecided", encoder({ residual: false, seed: 2 })],
    ["sparsemax", encoder({ attention: { activation: "sparsemax" } })],
  ] as const)("equals the path in one call number for number: %s", (_, model) => {
    const line = ends(7);
    const whole = restrictToLine(model, ...line);
    const paths = pieceByPiece(model, line);
    expect(paths).toHaveLength(whole.pieces.length);
    expect(contents(paths[paths.length - 1])).toEqual(contents(whole));
  });

  it("ends at the breakpoint where the time ran out, with the pieces of the whole path up to there", () => {
    const model = encoder();
    const line = ends(8);
    const whole = restrictToLine(model, ...line);
    // a clock that moves on by a millisecond each time it is looked at
    let time = 0;
    vi.spyOn(performance, "now").mockImplementation(() => time++);
    const part = restrictToLine(model, ...line, { budgetMs: 23 });
    expect(part.end).toBeGreaterThan(0);
    expect(part.end).toBeLessThan(1);
    const count = part.pieces.length;
    expect(count).toBeGreaterThan(1);
    expect(part.breakpoints).toEqual(whole.breakpoints.subarray(0, count + 1));
    expect(part.pieces).toEqual(whole.pieces.slice(0, count));
    expect(part.causes).toEqual([...whole.causes.slice(0, count), []]);
    expect(part.degree).toBe(whole.degree);
    const rest = restrictToLine(model, ...line, { resume: part });
    expect(contents(rest)).toEqual(contents(whole));
    // what is complete is done
    expect(restrictToLine(model, ...line, { resume: rest })).toBe(rest);
  });

  it("is refused beyond its end", () => {
    const model = encoder();
    const [part] = pieceByPiece(model, ends(9));
    expect(part.pieces).toHaveLength(1);
    expect(part.evaluate(part.end)).toEqual(restrictToLine(model, ...ends(9)).evaluate(part.end));
    const beyond = `expected t in [0, ${part.end}], the part that is done, got 1`;
    expect(() => part.evaluate(1)).toThrow(new RangeError(`path.evaluate: ${beyond}`));
    expect(() => part.derivative(1)).toThrow(new RangeError(`path.derivative: ${beyond}`));
    expect(() => part.coordinate(0, 0).evaluate(1)).toThrow(RangeError);
  });

  it("is streamed: every piece once, in order, also across calls", () => {
    const model = encoder();
    const line = ends(10);
    const streamed: PathPiece[] = [];
    const whole = restrictToLine(model, ...line, { onPiece: (piece) => streamed.push(piece) });
    expect(streamed).toEqual(whole.pieces);
    const parts: PathPiece[] = [];
    pieceByPiece(model, line, { onPiece: (piece) => parts.push(piece) });
    expect(parts).toEqual(whole.pieces);
  });

  it("can be aborted from onPiece, and leaves no answer and no later piece", () => {
    const model = encoder();
    const controller = new AbortController();
    const seen: number[] = [];
    const call = () =>
      restrictToLine(model, ...ends(11), {
        signal: controller.signal,
        onPiece(piece) {
          seen.push(piece.to);
          if (seen.length === 3) controller.abort(new Error("three are enough"));
        },
      });
    expect(call).toThrow("three are enough");
    expect(seen).toHaveLength(3);
    expect(call).toThrow("three are enough");
    expect(seen).toHaveLength(3);
  });

  it("passes on what onPiece throws", () => {
    expect(() =>
      restrictToLine(encoder(), ...ends(12), {
        onPiece() {
          throw new Error("mine");
        },
      }),
    ).toThrow("mine");
  });

  it("goes on only with the same network, line and device", () => {
    const model = encoder();
    const line = ends(13);
    const [resume] = pieceByPiece(model, line);
    expect(() => restrictToLine(encoder(), ...line, { resume })).toThrow(
      new RangeError("restrictToLine: expected resume to be a path of the same network, got one of another"),
    );
    expect(() => restrictToLine(model, ...ends(14), { resume })).toThrow(
      new RangeError("restrictToLine: expected resume to be a path of the same line, got one of another"),
    );
    expect(() => restrictToLine(model, ...line, { resume, on: { ...reference } })).toThrow(
      new RangeError("restrictToLine: expected resume to be a path of the same device, got one of another"),
    );
    expect(() => restrictToLine(model, ...line, { resume: { ...resume } })).toThrow(
      /^restrictToLine: expected resume to be a path of restrictToLine, got /,
    );
    // equal numbers in other arrays are the same line
    const copies = line.map((x) => tensor(Float64Array.from(x.data), x.shape)) as [Tensor, Tensor];
    expect(restrictToLine(model, ...copies, { resume }).end).toBe(1);
  });
});
