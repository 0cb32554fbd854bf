/**
 * @file What the weights say is what is read: a knot follows the weight that holds it, and smoothness is measured.
 * Letters: a head's score is q(x) k(x), query and key affine in x; x = at is where one of them vanishes.
 */
import { describe, expect, it } from "vitest";
import {
  type Encoder,
  encoderFromSpline,
  interpolateCubic,
  loadSafetensors,
  type Path,
  PiecewisePolynomial,
  parametersOf,
  restrictToLine,
  saveSafetensors,
  tensor,
  withParameters,
} from "../src/index.ts";

const at = (x: number) => tensor([[x]], { dtype: "float64" });

/** The breakpoints of a network between two places, with the heads that switch at each. */
function readBetween(model: Encoder, from: number, to: number): { path: Path; places: number[]; heads: number[][] } {
  const path = restrictToLine(model, at(from), at(to));
  const inside = path.causes.slice(1, -1);
  return {
    path,
    places: Array.from(path.breakpoints.slice(1, -1), (t) => from + t * (to - from)),
    heads: inside.map((causes) => causes.flatMap((cause) => (cause.op === "weigh" ? [cause.head] : []))),
  };
}

/** Where the key of a head vanishes, from the weights alone: −bias/weight, taken back through the map in. */
function rootOfKey(model: Encoder, head: number): number {
  const weights = parametersOf(model);
  const { data: slopes } = weights["blocks.0.attention.key.weight"];
  const { data: constants } = weights["blocks.0.attention.key.bias"];
  const z = -constants[head] / slopes[head];
  return (z - weights["input.bias"].data[0]) / weights["input.weight"].data[0];
}

describe("a key bias moved by 1e-3", () => {
  const knots = [1, 2, 4, 5, 8, 9.5];
  const s = interpolateCubic(knots, [2, -1, 3, 0, 5, 4]);
  const model = loadSafetensors(saveSafetensors(encoderFromSpline(s))) as Encoder;
  const before = readBetween(model, 0, 11);
  // 16 units in the last place of the line's length: a root is a handful of roundings away from its weights
  const close = 16 * 11 * Number.EPSILON;

  it.each([0, 1, 2, 3, 4])("moves the knot of head %d as computed, and no other", (head) => {
    const bias = parametersOf(model)["blocks.0.attention.key.bias"];
    const data = Float64Array.from(bias.data);
    data[head] += 1e-3;
    const moved = withParameters(model, { "blocks.0.attention.key.bias": tensor(data, bias.shape) });

    const [was, is] = [rootOfKey(model, head), rootOfKey(moved, head)];
    expect(Math.abs(was - is)).toBeGreaterThan(1e-4);
    const knot = before.places.findIndex((x) => Math.abs(x - was) <= close);
    expect(before.heads[knot]).toContain(head);

    const after = readBetween(moved, 0, 11);
    const found = after.places.findIndex((x) => Math.abs(x - is) <= close);
    // there this head switches, and nothing else does
    expect(after.heads[found]).toEqual([head]);
    expect(after.path.causes[found + 1]).toHaveLength(1);
    // the others are where they were; the knot it left is still held by a neighbour or a hidden unit
    const others = after.places.filter((_, i) => i !== found);
    expect(others).toHaveLength(before.places.length);
    for (const [i, x] of others.entries()) expect(Math.abs(x - before.places[i])).toBeLessThanOrEqual(close);
    expect(after.heads.filter((_, i) => i !== found)).toEqual(
      before.heads.map((heads, i) => (i === knot ? heads.filter((h) => h !== head) : heads)),
    );
  });
});

describe("the order of smoothness is measured on what was read", () => {
  const measure = (s: PiecewisePolynomial): number[] => {
    const [first, last] = [s.breakpoints[0], s.breakpoints[s.breakpoints.length - 1]];
    return readBetween(encoderFromSpline(s), first - 1, last + 1)
      .path.coordinate(0, 0)
      .smoothness();
  };

  it("2 for a natural cubic spline", () => {
    expect(measure(interpolateCubic([1, 2, 4, 7, 8], [2, 0, 3, 3, 5]))).toEqual([2, 2, 2, 2, 2]);
  });

  it("1 for a C¹ spline: t² on [0, 1], 1 + 2u − u²/2 after it, straight beyond", () => {
    const s = PiecewisePolynomial.fromCoefficients(
      [0, 1, 3],
      [
        [0, 0, 1],
        [1, 2, -0.5],
      ],
      { extrapolation: "linear" },
    );
    expect(measure(s)).toEqual([1, 1, 1]);
  });

  it("0 for a C⁰ spline: a tent", () => {
    const s = PiecewisePolynomial.fromCoefficients(
      [-1, 0, 1],
      [
        [0, 1],
        [1, -1],
      ],
      { extrapolation: "constant" },
    );
    expect(measure(s)).toEqual([0, 0, 0]);
  });
});
