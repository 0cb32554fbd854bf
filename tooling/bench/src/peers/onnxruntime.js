/**
 * @file ONNX Runtime, for the web (one thread of WebAssembly) or native (one thread): graphs built here, fused where it has
 * a fused operator (MultiHeadAttention, Gelu).
 */
import onnxProto from "onnx-proto";

const { onnx } = onnxProto;
const FLOAT = 1;

const value = (name, dims) => ({
  name,
  type: { tensorType: { elemType: FLOAT, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
});
const initializer = (name, dims, data) => ({
  name,
  dims,
  dataType: FLOAT,
  rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});
const attribute = (name, x) => (Number.isInteger(x) ? { name, type: 2, i: x } : { name, type: 1, f: x });
const node = (opType, input, output, attributes = {}, domain = "") => ({
  opType,
  input,
  output: [output],
  domain,
  attribute: Object.entries(attributes).map(([name, x]) => attribute(name, x)),
});

function encode({ nodes, inputs, output, initializers = [] }) {
  const model = onnx.ModelProto.create({
    irVersion: 8,
    opsetImport: [
      { domain: "", version: 20 },
      { domain: "com.microsoft", version: 1 },
    ],
    graph: {
      name: "bench",
      node: nodes,
      input: inputs.map(([name, dims]) => value(name, dims)),
      output: [value(...output)],
      initializer: initializers,
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

const float = (activation) => (activation === "gelu" ? "Gelu" : "Relu");
const attentionNode = (names, out, heads, scale, causal) =>
  node("MultiHeadAttention", names, out, { num_heads: heads, scale, unidirectional: causal ? 1 : 0 }, "com.microsoft");

function encoderModel({ n, d, heads, activation, parameters }) {
  const initializers = [
    initializer("one", [d], new Float32Array(d).fill(1)),
    initializer("zero", [d], new Float32Array(d)),
  ];
  const nodes = [];
  const apply = (name, x) => {
    const { weight, bias, rows, columns } = parameters[name];
    initializers.push(initializer(`${name}.w`, [rows, columns], weight), initializer(`${name}.b`, [columns], bias));
    nodes.push(node("MatMul", [x, `${name}.w`], `${name}.xw`), node("Add", [`${name}.xw`, `${name}.b`], name));
    return name;
  };
  const norm = (x, out) => {
    nodes.push(node("LayerNormalization", [x, "one", "zero"], out, { epsilon: 1e-5 }));
    return out;
  };
  const z = norm("x", "z");
  const qkv = ["query", "key", "value"].map((name) => apply(name, z));
  nodes.push(attentionNode(qkv, "a", heads, 1 / Math.sqrt(d / heads), false));
  nodes.push(node("Add", ["x", apply("output", "a")], "y"));
  apply("expand", norm("y", "u"));
  nodes.push(node(float(activation), ["expand"], "f"));
  nodes.push(node("Add", ["y", apply("contract", "f")], "out"));
  return encode({ nodes, initializers, inputs: [["x", [1, n, d]]], output: ["out", [1, n, d]] });
}

/** The contestant over a module of either package. */
export function onnxRuntime(ort, name, kind) {
  async function session(bytes, feeds) {
    const created = await ort.InferenceSession.create(bytes, {
      executionProviders: [kind === "wasm" ? "wasm" : "cpu"],
      graphOptimizationLevel: "all",
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: "sequential",
    });
    const inputs = Object.fromEntries(
      Object.entries(feeds).map(([key, [data, dims]]) => [key, new ort.Tensor("float32", data, dims)]),
    );
    const [output] = created.outputNames;
    return async () => (await created.run(inputs))[output].data;
  }
  return {
    name,
    kind,
    matmul({ n, a, b }) {
      const bytes = encode({
        nodes: [node("MatMul", ["a", "b"], "c")],
        inputs: [["a", [n, n]], ["b", [n, n]]], // biome-ignore format: two inputs
        output: ["c", [n, n]],
      });
      return session(bytes, { a: [a, [n, n]], b: [b, [n, n]] });
    },
    /** Softmax only: what it fuses. */
    attention({ n, heads, d, q, k, v, scale, causal }) {
      const dims = [1, n, heads * d];
      const bytes = encode({
        nodes: [attentionNode(["q", "k", "v"], "out", heads, scale, causal)],
        inputs: ["q", "k", "v"].map((input) => [input, dims]),
        output: ["out", dims],
      });
      return session(bytes, { q: [q, dims], k: [k, dims], v: [v, dims] });
    },
    encoder(problem) {
      return session(encoderModel(problem), { x: [problem.x, [1, problem.n, problem.d]] });
    },
  };
}

export async function onnxRuntimeWeb() {
  const { default: ort } = await import("onnxruntime-web/wasm");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return onnxRuntime(ort, "onnxruntime-web", "wasm");
}
export async function onnxRuntimeNode() {
  const { default: ort } = await import("onnxruntime-node");
  return onnxRuntime(ort, "onnxruntime-node", "native");
}
