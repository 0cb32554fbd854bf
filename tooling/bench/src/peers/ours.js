/** @file @splineformer/cpu, as it is built. Operands are ordinary arrays, and so are results. */
const { cpu, cpu64, createAttentionStream, differentiateAttention } = await import(
  "../../../../packages/cpu/dist/index.js"
);
const { forward: run } = await import("../../../../packages/tensor/dist/index.js");
const { adam, crossEntropy, fit, gradient } = await import("../../../../packages/training/dist/index.js");
const { encoderFromParameters } = await import("../../../../packages/transformer/dist/index.js");

const f32 = (data, ...shape) => ({ dtype: "float32", shape, data });
const f64 = (data, ...shape) => ({ dtype: "float64", shape, data });

const attributes = (p, heads) => ({
  activation: p.activation,
  mask: p.causal ? "causal" : "none",
  heads,
  keyValueHeads: heads,
  scale: p.scale,
  divide: p.activation === "softmax" ? "none" : "length",
});

export const ours = {
  name: "@splineformer/cpu",
  kind: "ours",
  matmul({ n, a, b }) {
    const [x, y] = [f32(a, n, n), f32(b, n, n)];
    return () => cpu.matmul(x, y, {}).data;
  },
  matmul64({ m, n, k, a, b }) {
    const [x, y] = [f64(a, m, k), f64(b, k, n)];
    return () => cpu64.matmul(x, y, {}).data;
  },
  attention(p) {
    const [q, k, v] = [p.q, p.k, p.v].map((data) => f32(data, p.n, p.heads * p.d));
    const options = attributes(p, p.heads);
    return () => cpu.attention(q, k, v, undefined, undefined, options).data;
  },
  backward(p) {
    const [q, k, v, g] = [p.q, p.k, p.v, p.gradient].map((data) => f32(data, p.n, p.heads * p.d));
    const { pullback } = differentiateAttention(q, k, v, attributes(p, p.heads));
    return () => {
      const { query, key, value } = pullback(g);
      return [query, key, value].map(({ data }) => data);
    };
  },
  stream({ rounds, tokens, heads, query, key, value }) {
    const stream = createAttentionStream({ query: f32(query, query.length), heads });
    const [k, v] = [key, value].map((data) => f32(data, tokens, query.length));
    for (let i = 0; i < rounds; i++) stream.push(k, v);
    return () => stream.push(k, v).data;
  },
  training(p) {
    const { model, x, labels } = trained(p);
    const options = { loss: crossEntropy, optimizer: adam({ learningRate: p.learningRate }), batch: p.batch, on: cpu };
    // the run itself, a step a call: as many as the measurement takes
    const steps = fit(model, { inputs: x, targets: labels }, { ...options, epochs: 1e6 });
    const step = async () => (await steps.next()).value.loss;
    step.check = () => Object.values(gradientOf(model, x, labels)()).map(({ data }) => data);
    return step;
  },
  encoder({ n, d, heads, activation, x, parameters }) {
    const input = f32(x, n, d);
    const layers = Object.fromEntries(
      Object.entries(parameters).map(([name, { weight, bias, rows, columns }]) => [
        name,
        [f32(weight, rows, columns), f32(bias, columns)],
      ]),
    );
    const plain = { activation: "identity" };
    const norm = { kind: "layer", epsilon: 1e-5 };
    const options = attributes({ activation: "softmax", scale: 1 / Math.sqrt(d / heads) }, heads);
    return () => {
      const z = cpu.normalize(input, norm);
      const [q, k, v] = ["query", "key", "value"].map((name) => cpu.linear(z, ...layers[name], plain));
      const a = cpu.linear(cpu.attention(q, k, v, undefined, undefined, options), ...layers.output, plain);
      const y = cpu.add(input, a);
      const f = cpu.linear(cpu.normalize(y, norm), ...layers.expand, { activation });
      return cpu.add(y, cpu.linear(f, ...layers.contract, plain)).data;
    };
  },
};

const trained = ({ config, tree, x, labels, shape }) => ({
  model: encoderFromParameters(config, tree),
  x: f32(x, ...shape.x),
  labels: { dtype: "int32", shape: shape.target.slice(0, 2), data: labels },
});
const gradientOf = (model, x, labels) => () =>
  gradient(model, x, (ops, y) => crossEntropy(ops, y, ops.constant(labels)), { on: cpu }).gradients;

/** The forward pass, the measure of the backward one; its result is checked where it is a problem of its own. */
export const forward = {
  name: "our forward",
  kind: "yardstick",
  backward: (p) => ours.attention(p),
  training(p) {
    const { model, x } = trained(p);
    return () => run(model, x, { on: cpu }).data;
  },
};

/** A gradient without the optimiser. */
export const gradientOnly = {
  name: "our gradient",
  kind: "yardstick",
  training(p) {
    const { model, x, labels } = trained(p);
    return gradientOf(model, x, labels);
  },
};
