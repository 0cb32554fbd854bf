/**
 * @file Writes onnx-runtime.json: the operators Attention and RotaryEmbedding of ONNX's opset 23 as ONNX Runtime computes
 * them on a CPU in float32, an independent implementation. Each case is a model of one node, built here.
 *
 * Run `pnpm install --frozen-lockfile --ignore-workspace` in tooling/bench, where ONNX Runtime is a dependency, then
 * `pnpm --filter @splineformer/attention vectors`, then `pnpm biome check --write packages/attention`. Seeded:
 * the same file every time, but for ONNX Runtime's version.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const peer = createRequire(new URL("../../../../tooling/bench/package.json", import.meta.url));
const ort = peer("onnxruntime-node");
const { onnx } = peer("onnx-proto");
const { version } = JSON.parse(readFileSync(peer.resolve("onnxruntime-node/package.json"), "utf8"));

/** Numbers in [−1, 1): a linear congruential generator is random enough for test data. */
let state = 1;
const draw = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 31 - 1;
};
const floats = (shape, size = 1) =>
  new ort.Tensor(
    "float32",
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => size * draw()),
    shape,
  );
const booleans = (rows) => new ort.Tensor("bool", Uint8Array.from(rows.flat()), [rows.length, rows[0].length]);

const elementTypes = { float32: 1, int64: 7, bool: 9 };
const attributeOf = ([name, value]) => (name === "scale" ? { name, type: 1, f: value } : { name, type: 2, i: value });

/** What the outputs of one node are. */
async function run(opType, inputs, attributes, outputs) {
  const given = Object.entries(inputs);
  const model = onnx.ModelProto.create({
    irVersion: 11,
    opsetImport: [{ domain: "", version: 23 }],
    graph: {
      name: opType,
      node: [
        {
          opType,
          // an input that is left out has an empty name
          input: given.map(([name, x]) => (x ? name : "")),
          output: outputs,
          attribute: Object.entries(attributes).map(attributeOf),
        },
      ],
      input: given
        .filter(([, x]) => x)
        .map(([name, { type, dims }]) => ({
          name,
          type: {
            tensorType: { elemType: elementTypes[type], shape: { dim: dims.map((dimValue) => ({ dimValue })) } },
          },
        })),
      output: outputs.filter((name) => name).map((name) => ({ name, type: { tensorType: { elemType: 1 } } })),
    },
  });
  const session = await ort.InferenceSession.create(onnx.ModelProto.encode(model).finish(), {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  return session.run(Object.fromEntries(given.filter(([, x]) => x)));
}

/** As plain data; nine digits give a float32 back exactly. */
const plain = ({ type, dims, data }) => ({
  ...(type === "bool" && { dtype: "bool" }),
  shape: dims.map(Number),
  data: Array.from(data, (x) => (type === "bool" ? Number(x) : Number(Number(x).toPrecision(9)))),
});
const record = (tensors) =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([, x]) => x)
      .map(([name, x]) => [name, plain(x)]),
  );

/**
 * One case; 5 queries, 7 keys, 2 heads of width 4, values of width 3 unless said. `past` keys and values come before the others,
 * in the operator's own inputs.
 */
async function attentionCase(title, { batch = [1], heads = 2, groups = heads, queries = 5, keys = 7, ...more }) {
  const { size = 1, past = 0, mask, scores = "without", ...attributes } = more;
  const inputs = {
    query: floats([...batch, queries, heads * 4], size),
    key: floats([...batch, keys, groups * 4], size),
    value: floats([...batch, keys, groups * 3]),
    mask,
    pastKey: past > 0 && floats([...batch, groups, past, 4], size),
    pastValue: past > 0 && floats([...batch, groups, past, 3]),
  };
  const given = { q_num_heads: heads, kv_num_heads: groups, ...attributes };
  const outputs = ["output", past > 0 ? "presentKey" : "", past > 0 ? "presentValue" : ""];
  const { output } = await run("Attention", inputs, given, outputs);
  const parts = {};
  // ONNX Runtime counts 0 products, 1 capped, 2 with mask and bias, 3 after softmax; hidden scores are the least float32
  for (const [name, mode] of scores === "with"
    ? [
        ["scores", 2],
        ["weights", 3],
      ]
    : []) {
    const all = await run("Attention", inputs, { ...given, qk_matmul_output_mode: mode }, [...outputs, name]);
    parts[name] = all[name];
  }
  return { title, heads, keyValueHeads: groups, past, ...attributes, ...record({ ...inputs, output, ...parts }) };
}

async function rotaryCase(
  title,
  { heads = 2, width = 4, rows = 5, from = 0, base = 10_000, turning = width, interleaved },
) {
  const x = floats([1, rows, heads * width]);
  const r = turning / 2;
  // the tables that the operator wants, [positions, r]
  const table = (f) =>
    new ort.Tensor(
      "float32",
      Float32Array.from({ length: (from + rows) * r }, (_, i) => f(Math.floor(i / r) * base ** (-(i % r) / r))),
      [from + rows, r],
    );
  const positions = new ort.Tensor(
    "int64",
    BigInt64Array.from({ length: rows }, (_, i) => BigInt(from + i)),
    [1, rows],
  );
  const { output } = await run(
    "RotaryEmbedding",
    { x, cosines: table(Math.cos), sines: table(Math.sin), positions },
    { interleaved, num_heads: heads, rotary_embedding_dim: turning === width ? 0 : turning },
    ["output"],
  );
  return { title, heads, base, from, width: turning, interleaved, ...record({ x, output }) };
}

const someKeys = [
  [1, 0, 1, 1, 0, 1, 0],
  [0, 1, 1, 0, 0, 1, 1],
  [1, 1, 1, 1, 1, 1, 1],
  [0, 0, 0, 0, 1, 0, 0],
  [1, 0, 0, 0, 0, 0, 1],
];
const nothing = someKeys.map((row, i) => (i === 2 ? row.map(() => 0) : row));

const attention = [
  await attentionCase("plain, for a batch of two", { batch: [2], scores: "with" }),
  await attentionCase("a scale", { scale: 0.3 }),
  await attentionCase("causal", { queries: 7, is_causal: 1 }),
  await attentionCase("causal on a rectangle", { is_causal: 1, scores: "with" }),
  await attentionCase("causal on a rectangle of more queries than keys", { queries: 7, keys: 3, is_causal: 1 }),
  await attentionCase("causal after three keys of the past", { queries: 2, keys: 2, past: 3, is_causal: 1 }),
  await attentionCase("a boolean mask", { mask: booleans(someKeys) }),
  await attentionCase("a boolean mask that shows nothing to a query", { mask: booleans(nothing) }),
  await attentionCase("a bias that is added, for all heads", { mask: floats([5, 7], 2), scores: "with" }),
  await attentionCase("a bias for each head, and causal", { mask: floats([1, 2, 5, 7], 2), is_causal: 1 }),
  await attentionCase("six heads in three groups", { heads: 6, groups: 3 }),
  await attentionCase("six heads on one of keys and values, causal", { heads: 6, groups: 1, is_causal: 1 }),
  await attentionCase("large scores", { size: 100 }),
  await attentionCase("one token", { queries: 1, keys: 1 }),
];
const rotary = [
  await rotaryCase("halves", { interleaved: 0 }),
  await rotaryCase("interleaved", { interleaved: 1 }),
  await rotaryCase("halves of a part, from position 11", { width: 8, turning: 4, from: 11, interleaved: 0 }),
  await rotaryCase("interleaved, of a part, with another base", { width: 8, turning: 6, base: 100, interleaved: 1 }),
  await rotaryCase("halves of three heads, far away", { heads: 3, from: 1009, base: 500_000, interleaved: 0 }),
];
const file = new URL("onnx-runtime.json", import.meta.url);
writeFileSync(file, `${JSON.stringify({ onnxRuntime: version, opset: 23, attention, rotary })}\n`);
