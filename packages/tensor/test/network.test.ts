import {
  type Device,
  forward,
  graphOf,
  lift,
  linear,
  type Network,
  type Node,
  namedInputs,
  type Ops,
  parametersOf,
  record,
  reference,
  reference32,
  ShapeError,
  type SynchronousDevice,
  type Tensor,
  tensor,
  toNested,
  within,
  withParameters,
  zeros,
} from "@splineformer/tensor";
import { describe, expect, expectTypeOf, it } from "vitest";

// Node and browsers have it; the types of neither are loaded here
declare const structuredClone: <V>(value: V) => V;

const untyped = (value: unknown): never => value as never;

interface Parameters {
  readonly layers: readonly { readonly weight: Tensor; readonly bias?: Tensor }[];
}

/** x W + b, once for every layer; counts how often it is run. */
function stack(...layers: Parameters["layers"]): Network<"x", { runs: number }, Parameters> {
  return {
    inputs: { x: ["tokens", 2] },
    config: { runs: 0 },
    parameters: { layers },
    run(ops, parameters, { x }) {
      this.config.runs++;
      let y = x;
      for (const [i, { weight, bias }] of parameters.layers.entries())
        y = linear(within(ops, `layer ${i}`), y, weight, bias, { activation: "identity" });
      return y;
    },
  };
}
const swap = (): Network<"x", { runs: number }, Parameters> =>
  stack({
    weight: tensor([
      [0, 1],
      [1, 0],
    ]),
    bias: tensor([10, 20]),
  });

/** Two inputs with one free length. */
const pair: Network<"source" | "target", unknown, unknown> = {
  inputs: { source: ["tokens", 3], target: ["tokens", 5] },
  config: {},
  parameters: {},
  run: (ops, _, { source, target }) => ops.concat(source, target, { axis: -1 }),
};

describe("forward", () => {
  it("runs a network with the reference, in float64", () => {
    const y = forward(swap(), tensor([[1, 2]]));
    expect(y).toEqual({ dtype: "float64", shape: [1, 2], data: Float64Array.of(12, 21) });
  });

  it("runs on the device that it is given", () => {
    expect(forward(swap(), tensor([[1, 2]]), { on: reference32 }).dtype).toBe("float32");
  });

  it("takes batch axes in front", () => {
    expect(toNested(forward(swap(), tensor([[[1, 2]], [[3, 4]], [[5, 6]]])))).toEqual([
      [[12, 21]],
      [[14, 23]],
      [[16, 25]],
    ]);
  });

  it("takes inputs by name, with free lengths that agree", () => {
    expect(forward(pair, { source: zeros([7, 3]), target: zeros([7, 5]) }).shape).toEqual([7, 8]);
    expect(toNested(forward(swap(), { x: tensor([[1, 2]]) }))).toEqual([[12, 21]]);
  });

  it("inside a recording draws the network into that graph", () => {
    const graph = record((ops, { scale }) => ops.multiply(scale, forward(swap(), tensor([[1, 2]]), { on: ops })), {
      scale: [1],
    });
    expect(graph.nodes.map(({ op }) => op)).toEqual([
      "input",
      "constant",
      "parameter",
      "parameter",
      "linear",
      "multiply",
    ]);
  });

  it("inside a recording goes on from nodes, one or by name, at the place where it is called", () => {
    const graph = record((ops, { x }) => forward(swap(), ops.add(x, x), { on: within(ops, "first") }), { x: [3, 2] });
    expect(graph.nodes.map(({ op, scope }) => `${op} ${scope}`)).toEqual([
      "input ",
      "add ",
      "parameter first",
      "parameter first",
      "linear first/layer 0",
    ]);
    const both = record((on, inputs) => forward(pair, inputs, { on }), { source: [7, 3], target: [7, 5] });
    expect(both.outputs.output.shape).toEqual([7, 8]);
    const mixed = record((on, { source }) => forward(pair, { source, target: zeros([7, 5]) }, { on }), {
      source: [7, 3],
    });
    expect(mixed.nodes.map(({ op }) => op)).toEqual(["input", "constant", "concat"]);
  });

  it("goes on from a device's own values, gives back what it lifted and leaves the caller's alone", () => {
    interface Handle {
      readonly shape: readonly number[];
      readonly held: Tensor;
    }
    let released: Handle[] = [];
    const handle = (held: Tensor): Handle => ({ shape: held.shape, held });
    const on = {
      name: "handles",
      dtype: "float64",
      constant: handle,
      parameter: (_: string, value: Tensor) => handle(value),
      concat: (a: Handle, b: Handle, attributes: { axis: -1 | -2 }) =>
        handle(reference.concat(a.held, b.held, attributes)),
      read: (x: Handle) => x.held,
      release: (x: Handle) => void released.push(x),
    } as unknown as Device<Handle>;
    const source = handle(tensor([[1, 2, 3]]));
    const y = forward(pair, { source, target: zeros([1, 5]) }, { on });
    expect(toNested(y.held)).toEqual([[1, 2, 3, 0, 0, 0, 0, 0]]);
    expect(released.map(({ shape }) => shape)).toEqual([[1, 5]]);
    released = [];
    expect(() => forward(pair, { source, target: zeros([3, 5]) }, { on })).toThrow(ShapeError);
    expect(released).toEqual([]);
  });

  it("an operand of another recording is refused", () => {
    let other: Node | undefined;
    record(
      (_, { x }) => {
        other = x;
        return x;
      },
      { x: [3, 2] },
    );
    expect(() => record((on) => forward(swap(), other as Node, { on }), {})).toThrow(
      "linear: expected operand 1 to be a node of this recording, got input [3, 2] of another one",
    );
  });

  it("runs the network's code once for every shape, and uses its graph from then on", () => {
    const network = swap();
    for (const tokens of [1, 3, 1, 3, 1]) forward(network, zeros([tokens, 2]));
    expect(network.config.runs).toBe(2);
  });

  it("reads the parameters that the network has now, not those of the first run", () => {
    const parameters = {
      layers: [
        {
          weight: tensor([
            [1, 0],
            [0, 1],
          ]),
        },
      ],
    };
    const network = { ...swap(), parameters };
    expect(toNested(forward(network, tensor([[1, 2]])))).toEqual([[1, 2]]);
    parameters.layers[0] = {
      weight: tensor([
        [3, 0],
        [0, 3],
      ]),
    };
    expect(toNested(forward(network, tensor([[1, 2]])))).toEqual([[3, 6]]);
    expect(network.config.runs).toBe(1);
  });

  it("works with parameters that came through structuredClone", () => {
    const network = swap();
    const clone = { ...network, parameters: structuredClone(network.parameters) };
    expect(forward(clone, tensor([[1, 2]]))).toEqual(forward(network, tensor([[1, 2]])));
  });
});

describe("the type of forward", () => {
  interface Handle {
    readonly shape: readonly number[];
    readonly promise: Promise<Tensor>;
  }
  const network = swap();
  const x = tensor([[1, 2]]);
  // only the types are looked at: none of these is called
  const bare = () => forward(network, x);
  const synchronous = (on: SynchronousDevice) => forward(network, x, { on });
  const handles = (on: Device<Handle>) => forward(network, x, { on });
  const nodes = (on: Ops<Node>) => forward(network, x, { on });
  const named = () => forward(pair, { source: x, target: x });

  it("is Tensor without a device, and the device's value with one", () => {
    expectTypeOf(bare).returns.toEqualTypeOf<Tensor>();
    expectTypeOf(named).returns.toEqualTypeOf<Tensor>();
    expectTypeOf(synchronous).returns.toEqualTypeOf<Tensor>();
    expectTypeOf(handles).returns.toEqualTypeOf<Handle>();
    expectTypeOf(nodes).returns.toEqualTypeOf<Node>();
    const fromHandle = (on: Device<Handle>, z: Handle) => forward(network, z, { on });
    const fromNodes = (on: Ops<Node>, z: Node) => forward(pair, { source: z, target: x }, { on });
    expectTypeOf(fromHandle).returns.toEqualTypeOf<Handle>();
    expectTypeOf(fromNodes).returns.toEqualTypeOf<Node>();
  });

  it("does not let one device's values into another", () => {
    // @ts-expect-error: a node is no handle
    const foreign = (on: Device<Handle>, z: Node) => forward(network, z, { on });
    // @ts-expect-error: the reference reads tensors
    const bareNode = (z: Node) => forward(network, z);
    expect([foreign, bareNode].every((call) => typeof call === "function")).toBe(true);
  });

  it("knows the names of the inputs, and the options", () => {
    // @ts-expect-error: there is no input z
    const wrongName = () => forward(pair, { source: x, z: x });
    // @ts-expect-error: target is missing
    const missing = () => forward(pair, { source: x });
    // @ts-expect-error: on is misspelt
    const misspelt = () => forward(network, x, { onn: reference });
    expect([wrongName, missing, misspelt].every((call) => typeof call === "function")).toBe(true);
  });

  it("reads tensors of a parameter tree as the values of the device", () => {
    const lifted = (ops: Ops<Node>) => lift(ops, network.parameters);
    expectTypeOf(lifted).returns.toEqualTypeOf<{
      readonly layers: readonly { readonly weight: Node; readonly bias?: Node | undefined }[];
    }>();
  });
});

describe("forward refuses", () => {
  const cases: readonly (readonly [what: string, message: string, call: () => unknown])[] = [
    [
      "another width",
      'forward: expected input "x" of shape [.., tokens, 2], got [1, 3]',
      () => forward(swap(), zeros([1, 3])),
    ],
    [
      "too few axes",
      'forward: expected input "x" of shape [.., tokens, 2], got [2]',
      () => forward(swap(), zeros([2])),
    ],
    [
      "nested arrays",
      "forward: expected a tensor, or tensors by input name, got [[1, 2]]",
      () => forward(swap(), untyped([[1, 2]])),
    ],
    [
      "nothing",
      "forward: expected a tensor, or tensors by input name, got undefined",
      () => forward(swap(), untyped(undefined)),
    ],
    [
      "a typed array",
      "forward: expected a tensor, or tensors by input name, got Float32Array(8 bytes)",
      () => forward(swap(), untyped(new Float32Array(2))),
    ],
    [
      "one tensor for two inputs",
      "forward: expected inputs { source, target }, got one tensor",
      () => forward(pair, zeros([7, 3])),
    ],
    [
      "an unknown input",
      'forward: expected inputs { x }, got "y"',
      () => forward(swap(), untyped({ y: zeros([1, 2]) })),
    ],
    [
      "a missing input",
      'forward: expected input "target" to be a tensor, got undefined',
      () => forward(pair, untyped({ source: zeros([7, 3]) })),
    ],
    [
      "free lengths that differ",
      'forward: expected input "target" of shape [.., tokens = 7, 5], got [11, 5]',
      () => forward(pair, { source: zeros([7, 3]), target: zeros([11, 5]) }),
    ],
    [
      "NaN",
      'forward: expected finite numbers for input "x", got NaN at entry 3',
      () =>
        forward(
          swap(),
          tensor([
            [1, 2],
            [3, Number.NaN],
          ]),
        ),
    ],
    [
      "an infinite input, on every device",
      'forward: expected finite numbers for input "target", got -Infinity at entry 4',
      () =>
        forward(
          pair,
          { source: zeros([1, 3]), target: tensor([[0, 0, 0, 0, Number.NEGATIVE_INFINITY]], { dtype: "float64" }) },
          { on: reference32 },
        ),
    ],
    [
      "an unknown option",
      'forward: expected options on, got "device"',
      () => forward(swap(), zeros([1, 2]), untyped({ device: reference })),
    ],
    [
      "no device",
      "forward: expected on to be a device or other operations, got undefined",
      () => forward(swap(), zeros([1, 2]), untyped({ on: undefined })),
    ],
    [
      "a device by name",
      'forward: expected on to be a device or other operations, got "cpu"',
      () => forward(swap(), zeros([1, 2]), untyped({ on: "cpu" })),
    ],
    [
      "a network whose layers do not fit, naming the place",
      "linear: expected x [.., n, k], weight [k, m] and bias [m], got [1, 2], [3, 5] at layer 1",
      () => forward(stack({ weight: zeros([2, 2]) }, { weight: zeros([3, 5]) }), zeros([1, 2])),
    ],
  ];
  for (const [what, message, call] of cases) it(what, () => expect(call).toThrow(message));

  it("a free length that stands twice in one input, with two lengths", () => {
    const square: Network<"x"> = { inputs: { x: ["n", "n"] }, config: {}, parameters: {}, run: (_, __, { x }) => x };
    expect(forward(square, zeros([3, 3])).shape).toEqual([3, 3]);
    expect(() => forward(square, zeros([3, 5]))).toThrow('forward: expected input "x" of shape [.., n, n], got [3, 5]');
  });
});

describe("graphOf", () => {
  it("keeps the graph of every shape, and draws a new one where options ask for it", () => {
    const network = swap();
    expect(graphOf(network, { x: [3, 2] })).toBe(graphOf(network, { x: [3, 2] }));
    expect(graphOf(network, { x: [3, 2] })).not.toBe(graphOf(network, { x: [5, 2] }));
    expect(graphOf(network, { x: [3, 2] }, { keep: [] })).not.toBe(graphOf(network, { x: [3, 2] }, { keep: [] }));
    expect(graphOf(swap(), { x: [3, 2] })).not.toBe(graphOf(swap(), { x: [3, 2] }));
  });

  it("holds the parameters by their names, and the places of the code", () => {
    const { nodes } = graphOf(swap(), { x: [3, 2] });
    expect(nodes.map((node) => (node.op === "parameter" ? node.attributes.name : node.op))).toEqual([
      "input",
      "layers.0.weight",
      "layers.0.bias",
      "linear",
    ]);
    expect(nodes.at(-1)?.scope).toBe("layer 0");
  });

  it("does not mind the order of the inputs", () => {
    const shapes = { source: [7, 3], target: [7, 5] };
    expect(graphOf(pair, shapes)).toBe(graphOf(pair, { target: [7, 5], source: [7, 3] }));
  });

  it("refuses shapes that are missing, unknown or wrong", () => {
    expect(() => graphOf(swap(), untyped({}))).toThrow(
      'graphOf: input "x": expected a shape (an array of lengths), got undefined',
    );
    expect(() => graphOf(swap(), untyped({ x: [3, 2], y: [3] }))).toThrow('graphOf: expected inputs { x }, got "y"');
    expect(() => graphOf(swap(), { x: [2, 3] })).toThrow(
      'graphOf: expected input "x" of shape [.., tokens, 2], got [2, 3]',
    );
  });
});

describe("parameters", () => {
  it("are named by their path", () => {
    const network = stack({ weight: zeros([2, 3]), bias: zeros([3]) }, { weight: zeros([3, 5]) });
    expect(Object.keys(parametersOf(network))).toEqual(["layers.0.weight", "layers.0.bias", "layers.1.weight"]);
    expect(parametersOf(network)["layers.0.weight"]).toBe(network.parameters.layers[0].weight);
    expect(parametersOf({ parameters: {} })).toEqual({});
  });

  it("are replaced by name, in a network of the same kind that shares the others", () => {
    const network = swap();
    const other = withParameters(network, { "layers.0.bias": tensor([0, 0]) });
    expectTypeOf(other).toEqualTypeOf(network);
    expect(toNested(forward(other, tensor([[1, 2]])))).toEqual([[2, 1]]);
    expect(toNested(forward(network, tensor([[1, 2]])))).toEqual([[12, 21]]);
    expect(other.parameters.layers[0].weight).toBe(network.parameters.layers[0].weight);
    expect(Array.isArray(other.parameters.layers)).toBe(true);
  });

  it("of a new network are those of its graph", () => {
    const network = swap();
    graphOf(network, { x: [1, 2] });
    const bias = tensor([0, 0]);
    const { nodes } = graphOf(withParameters(network, { "layers.0.bias": bias }), { x: [1, 2] });
    const found = nodes.find((node) => node.op === "parameter" && node.attributes.name === "layers.0.bias");
    expect(found?.op === "parameter" && found.attributes.value).toBe(bias);
  });

  it("may be all replaced, as in training", () => {
    const network = swap();
    const zeroed = Object.fromEntries(
      Object.entries(parametersOf(network)).map(([name, { shape }]) => [name, zeros(shape)]),
    );
    expect(toNested(forward(withParameters(network, zeroed), tensor([[1, 2]])))).toEqual([[0, 0]]);
  });

  it("are lifted with their names, and what is no tensor stays", () => {
    const names: string[] = [];
    const ops = {
      ...reference,
      parameter: (name: string, value: Tensor) => {
        names.push(name);
        return value;
      },
    };
    const tree = { layers: [{ weight: tensor([1]), heads: 3 }], scale: tensor([2]), none: null };
    expect(lift(ops, tree)).toEqual(tree);
    expect(names).toEqual(["layers.0.weight", "scale"]);
  });

  it("are refused under an unknown name, or of another shape", () => {
    const network = swap();
    expect(() => withParameters(network, { "layers.1.bias": tensor([1]) })).toThrow(
      new RangeError('withParameters: expected a parameter\'s name, got "layers.1.bias"'),
    );
    expect(() => withParameters(network, { "layers.0.bias": tensor([1]) })).toThrow(
      new ShapeError('withParameters: expected "layers.0.bias" of shape [2], got [1]'),
    );
    expect(() => withParameters(network, { "layers.0.bias": untyped([1, 2]) })).toThrow(
      'withParameters: expected "layers.0.bias" to be a tensor, got [1, 2]',
    );
  });
});

describe("namedInputs", () => {
  it("gives one tensor its name, and speaks in the name of its caller", () => {
    const x = zeros([1, 2]);
    expect(namedInputs("restrictToLine", swap(), x)).toEqual({ x });
    expect(() => namedInputs("restrictToLine", swap(), zeros([2]))).toThrow(
      'restrictToLine: expected input "x" of shape [.., tokens, 2], got [2]',
    );
  });
});
