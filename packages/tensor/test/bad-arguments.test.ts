import {
  attention,
  cast,
  evaluate,
  evaluateAll,
  findNonFinite,
  fold,
  forward,
  graphDegree,
  graphOf,
  lift,
  linear,
  type Network,
  namedInputs,
  open,
  parametersOf,
  random,
  record,
  reference,
  reshape,
  type Tensor,
  tensor,
  toNested,
  withParameters,
  zeros,
} from "@splineformer/tensor";
import { oneHead } from "@splineformer/testing";
import { describe, expect, it } from "vitest";

const untyped = (value: unknown): never => value as never;
const network: Network<"x"> = {
  inputs: { x: [2] },
  config: {},
  parameters: {},
  run: (ops, _, { x }) => ops.add(x, x),
};
const graph = record((ops, { x }) => ops.add(x, x), { x: [2] });
const x = tensor([1, 2]);
const loop: { again?: unknown } = {};
loop.again = loop;

describe("types do not hold at run time, so every call refuses by its name", () => {
  const cases: readonly (readonly [what: string, call: () => unknown, message: string])[] = [
    [
      "what is no network",
      () => forward(untyped(undefined), x),
      "forward: expected a network { inputs, config, parameters, run }, got undefined",
    ],
    [
      "a network that lost its code on the way to a worker",
      () => graphOf(untyped({ inputs: { x: [2] }, config: {}, parameters: {} }), { x: [2] }),
      "graphOf: expected a network { inputs, config, parameters, run }, got { inputs: { x: [2] }, config: {}, parameters: {} }",
    ],
    [
      "a network without inputs",
      () => namedInputs("demo", untyped({ ...network, inputs: undefined }), x),
      "demo: expected a network with inputs by name, got undefined",
    ],
    [
      "a network whose input has a length below 0",
      () => forward({ ...network, inputs: { x: [-2] } }, x),
      'forward: expected lengths or their names for input "x", got [-2]',
    ],
    [
      "what would be a tensor, but for its data",
      () => forward(network, untyped({ dtype: "float32", shape: [1], data: [1] })),
      "forward: expected",
    ],
    ["an array among numbers", () => tensor(untyped([1, [2]])), "tensor: expected numbers at depth 1, got [2] at depth 1"],
    ["no shapes", () => graphOf(network, untyped(null)), "graphOf: expected shapes by input name, got null"],
    ["no inputs of a recording", () => record(({ constant }) => constant(x), untyped(3)), "record: expected shapes by input name, got 3"],
    ["composites by one name", () => record((ops) => ops.constant(x), {}, { keep: untyped("linear") }), "record: expected keep to be a list of composites, got \"linear\""],
    ["what is no graph", () => evaluate(untyped({}), reference, { inputs: {} }), "evaluate: expected a graph { nodes, outputs }, got {}"],
    ["no device", () => evaluate(graph, untyped(null), { inputs: { x } }), "evaluate: expected ops to be a device or other operations, got null"],
    ["no bindings", () => evaluateAll(graph, reference, untyped(undefined)), "evaluate: expected bindings { inputs, parameters }, got undefined"],
    ["inputs that are one tensor's data", () => evaluate(graph, reference, { inputs: untyped(x.data) }), "evaluate: expected inputs by name, got Float32Array(8 bytes)"],
    ["a list in place of a graph", () => open(untyped([])), "open: expected a graph { nodes, outputs }, got []"],
    ["nothing in place of a graph", () => graphDegree(untyped(undefined)), "open: expected a graph { nodes, outputs }, got undefined"],
    ["rules without one that is needed", () => fold(graph, untyped({ input: () => 1 })), "fold: expected a rule for add, got none at the top of the network"],
    ["no rules", () => fold(graph, untyped(undefined)), "fold: expected rules by operation, got undefined"],
    ["a device in the parameters' place", () => lift(untyped({ w: x }), reference), "lift: expected ops to be a device or other operations, got { w: { dtype:"],
    ["parameters of nothing", () => parametersOf(untyped(null)), "parametersOf: expected a network, got null"],
    ["a tree of parameters that holds itself", () => parametersOf({ parameters: loop }), "parameters: expected a tree at most 100 deep, got more at \"again.again."],
    ["no new parameters", () => withParameters(network, untyped(null)), "withParameters: expected tensors by parameter name, got null"],
    ["no operations", () => linear(untyped(undefined), x, x, x), "linear: expected ops to be a device or other operations, got undefined"],
    ["no weight", () => linear(reference, zeros([1, 2]), untyped(undefined), undefined), "linear: expected weight with a shape, got undefined"],
    ["no key", () => attention(reference, zeros([1, 2]), untyped(null), zeros([1, 2]), undefined, undefined, oneHead), "attention: expected key with a shape, got undefined"],
    ["nothing to add", () => reference.add(x, untyped(undefined)), "add: expected b to be a tensor, got undefined"],
    ["a typed array", () => reference.scale(untyped(x.data), { factor: 2 }), "scale: expected x to be a tensor, got Float32Array(8 bytes)"],
    ["a mask that is no tensor", () => reference.weigh(zeros([1, 2]), untyped([1, 0]), { activation: "relu", mask: "none", order: 0, divide: "none" }), "weigh: expected visible to be a tensor, got [1, 0]"],
    ["no attributes", () => reference.matmul(zeros([1, 2]), zeros([2, 1]), untyped(undefined)), "matmul: expected an object of options, got undefined"],
    ["a shape alone", () => toNested(untyped({ shape: [2] })), "toNested: expected a tensor, got { shape: [2] }"],
    ["a tensor with more data than its shape", () => reshape({ ...x, data: new Float32Array(3) }, [3]), "reshape: expected a tensor, got { dtype: \"float32\", shape: [2], data: Float32Array(12 bytes) }"],
    ["nested arrays", () => cast(untyped([1]), "float64"), "cast: expected a tensor, got [1]"],
    ["an array", () => findNonFinite(untyped([1])), "findNonFinite: expected a tensor, got [1]"],
    ["an order of more than memory", () => random(1).permutation(2 ** 40), "random.permutation: expected a whole number in [0, 2^27], got 1099511627776"],
  ]; // biome-ignore format: one list
  it.each(cases)("%s", (_, call, message) => {
    let got: unknown;
    try {
      call();
    } catch (error) {
      got = error;
    }
    expect(String((got as Error).name)).toMatch(/^(Range|Shape|Unsupported)Error$/);
    expect((got as Error).message.slice(0, message.length)).toBe(message);
  });

  it("a result that no memory holds is refused by the operation's name", () => {
    const column: Tensor = zeros([2 ** 20, 1]);
    expect(() => reference.matmul(column, column, { transposeB: true })).toThrow(
      "matmul: expected memory for 1099511627776 float64 entries, got none",
    );
  });
});
