import {
  activationDegree,
  activationOf,
  graphDegree,
  type Pointwise,
  pointwiseFunction,
  record,
  reference,
  registerActivation,
  showActivation,
  tensor,
  toNested,
} from "@splineformer/tensor";
import { expect, it } from "vitest";

const untyped = (value: unknown): never => value as never;
/** 0, then z² up to 1, then 2z − 1. */
const huber: Pointwise = { name: "piecewise", knots: [0, 1], pieces: [[0], [0, 0, 1], [-1, 2]] };
const swish = registerActivation("swish", {
  value: (z) => z * pointwiseFunction("sigmoid", 0)(z),
  derivative: (z) => pointwiseFunction("sigmoid", 0)(z) + z * pointwiseFunction("sigmoid", 1)(z),
});

it("a piecewise polynomial given as data has its value, derivative and degree", () => {
  const [f, slope] = [pointwiseFunction(huber, 0), pointwiseFunction(huber, 1)];
  expect([-2, 0, 0.5, 1, 3].map(f)).toEqual([0, 0, 0.25, 1, 5]);
  expect([-2, 0, 0.5, 1, 3].map(slope)).toEqual([0, 0, 1, 2, 2]);
  expect([activationDegree(huber), activationDegree(huber, 1)]).toEqual([2, 1]);
});

it("equals the named activation with the same pieces", () => {
  const relu: Pointwise = {
    name: "piecewise",
    knots: [0],
    pieces: [
      [0, 0, 0],
      [0, 1, 0],
    ],
  };
  expect(activationOf(relu)).toEqual(activationOf("relu"));
});

it("stays plain data in a graph, and is read for its degree", () => {
  const graph = record((ops, { x }) => ops.activate(ops.multiply(x, x), { activation: huber, order: 0 }), { x: [2] });
  expect(JSON.parse(JSON.stringify(graph.outputs.output.attributes))).toEqual({ activation: huber, order: 0 });
  expect(graphDegree(graph)).toEqual({ x: 4, total: 4 });
});

it("a registered function runs under its name, and readings that need a spline refuse it by that name", () => {
  expect(swish).toEqual({ name: "registered", as: "swish" });
  // 1 · σ(1), to the last digit or two of e^(−1)
  expect(toNested(reference.activate(tensor([0, 1]), { activation: swish, order: 0 }))).toEqual([
    0,
    pointwiseFunction("sigmoid", 0)(1),
  ]);
  expect(activationDegree(swish)).toBeUndefined();
  const graph = record((ops, { x }) => ops.activate(x, { activation: swish, order: 0 }), { x: [2] });
  expect(() => graphDegree(graph)).toThrow(
    "degree: expected a piecewise polynomial activation, got registered(as swish) at the top of the network",
  );
});

it("different activations have different names", () => {
  const other: Pointwise = { ...huber, knots: [0, 1.5] };
  expect(showActivation(huber)).toBe("piecewise(knots [0,1], pieces [[0],[0,0,1],[-1,2]])");
  expect(showActivation(other)).not.toBe(showActivation(huber));
});

it("registering the same functions again changes nothing; other functions under that name are refused", () => {
  const functions = { value: Math.sin, derivative: Math.cos };
  expect(registerActivation("sine", functions)).toEqual(registerActivation("sine", functions));
  expect(() => registerActivation("sine", { value: Math.cos, derivative: Math.sin })).toThrow(
    'registerActivation: expected a name that is not taken by other functions, got "sine"',
  );
  // these mean something already, in configs and in messages
  for (const name of ["relu", "clamp", "softmax", "entmax"])
    expect(() => registerActivation(name, functions)).toThrow(
      `registerActivation: expected a name that the library does not use itself, got "${name}"`,
    );
});

it.each<[string, () => unknown, string]>([
  [
    "pieces that do not meet",
    () => activationOf({ name: "piecewise", knots: [1], pieces: [[0], [0, 1]] }),
    'activationOf: expected piecewise pieces that meet at knot 1, got "a jump of 1"',
  ],
  [
    "knots that do not increase",
    () => activationOf({ name: "piecewise", knots: [1, 1], pieces: [[0], [0], [0]] }),
    "activationOf: expected piecewise knots that increase from 1, got 1",
  ],
  [
    "a piece too few",
    () => activationOf({ name: "piecewise", knots: [0], pieces: [[0]] }),
    "activationOf: expected 2 pieces, one more than knots, got [[0]]",
  ],
  [
    "an empty piece",
    () => activationOf({ name: "piecewise", knots: [], pieces: [[]] }),
    "activationOf: expected pieces to be lists of finite coefficients of 1, z, z², …, got []",
  ],
  [
    "a knot that is no number",
    () => activationOf({ name: "piecewise", knots: [Number.NaN], pieces: [[0], [0]] }),
    "activationOf: expected piecewise knots to be a list of finite numbers, got [NaN]",
  ],
  [
    "a misspelt key",
    () => activationOf(untyped({ name: "piecewise", knot: [0], pieces: [[0]] })),
    'activationOf: expected options name, knots, pieces, got "knot"',
  ],
  [
    "a name that is not registered",
    () => activationOf({ name: "registered", as: "mish" }),
    "expected a registered activation (swish",
  ],
  [
    "a function that fails",
    () => registerActivation("root", { value: Math.sqrt, derivative: Math.sqrt }),
    "registerActivation: expected value of -100 to be a finite number, got NaN",
  ],
  [
    "no derivative",
    () => registerActivation("half", untyped({ value: Math.sin })),
    "registerActivation: expected derivative to be a function, got undefined",
  ],
  [
    "no name",
    () => registerActivation("", { value: Math.sin, derivative: Math.cos }),
    'registerActivation: expected a name, got ""',
  ],
])("refuses %s", (_, refused, message) => {
  expect(refused).toThrow(message);
});
