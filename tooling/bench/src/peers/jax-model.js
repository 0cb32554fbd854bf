/**
 * @file Our models written a second time, over jax-js: what gradients are compared with and what a training step is measured
 * beside. It follows the documentation of a model's config, not our code. Values are consumed by use in jax-js; `.ref` keeps one.
 * Letters: n tokens, h heads, g heads of keys and values, d and e their widths.
 */

// jax-js asks for it by name, and Node 20 has none; no number here is a float16
globalThis.Float16Array ??= class Float16Array {};
const { numpy: np, nn } = await import("@jax-js/jax");

/**
 * The output of an encoder of ours.
 *
 * @param config - complete
 * @param parameters - arrays by dotted name
 * @param x - [batch, n, input], or for a vocabulary one-hot rows [batch, n, vocabulary]
 */
export function encoderOutput(config, parameters, x) {
  const has = (name) => parameters[name] !== undefined;
  const p = (name) => parameters[name].ref;
  const { heads: h, keyValueHeads: g, headWidth: d, valueWidth: e, layers } = config;
  const [batch, n] = x.shape;
  const { dtype } = x;
  const mean = (y, axis) => np.divide(np.sum(y, axis, { keepdims: true }), number(y.shape.at(axis), dtype));
  const line = (y, name) => {
    const product = np.matmul(y, p(`${name}.weight`));
    return has(`${name}.bias`) ? np.add(product, p(`${name}.bias`)) : product;
  };
  const clamp = (y) =>
    config.clamp === "none" ? y : np.clip(y, number(-config.clamp, y.dtype), number(config.clamp, y.dtype));
  const norm = (y, name) => {
    if (!has(`${name}.weight`)) return y;
    let rows = y;
    if (config.norm === "layer" || config.norm === "rms") {
      const centred = config.norm === "layer" ? np.subtract(y.ref, mean(y, -1)) : y;
      const square = mean(np.square(centred.ref), -1);
      rows = np.divide(centred, np.sqrt(np.add(square, number(config.normEpsilon, dtype))));
    }
    const scaled = np.multiply(rows, p(`${name}.weight`));
    return has(`${name}.bias`) ? np.add(scaled, p(`${name}.bias`)) : scaled;
  };
  // [batch, n, k · w] to [batch, g, k / g, n, w]
  const split = (y, k, w) => np.transpose(np.reshape(y, [batch, n, g, k / g, w]), [0, 2, 3, 1, 4]);
  const attention = (y, name) => {
    const query = split(line(y.ref, `${name}.query`), h, d);
    const key = split(line(y.ref, `${name}.key`), g, d);
    const value = split(line(y, `${name}.value`), g, e);
    const scores = np.multiply(
      np.matmul(query, np.transpose(key, [0, 1, 2, 4, 3])),
      number(config.attention.scale, dtype),
    );
    const mixed = np.matmul(weigh(config.attention, scores, n), value);
    return line(np.reshape(np.transpose(mixed, [0, 3, 1, 2, 4]), [batch, n, h * e]), `${name}.output`);
  };
  const feedForward = (y, name) =>
    line(pointwise(config.feedForward.activation, line(y, `${name}.expand`)), `${name}.contract`);
  const sublayer = (y, block, name, f) => {
    const post = config.normPlacement === "post";
    const inner = norm(f(clamp(post ? y.ref : norm(y.ref, `${block}.norms.${name}`)), `${block}.${name}`), `${block}.outputNorms.${name}`); // biome-ignore format: one line of the formula
    const result = has(`${block}.layerScale.${name}`) ? np.multiply(inner, p(`${block}.layerScale.${name}`)) : inner;
    const sum = config.residual ? np.add(np.multiply(y, number(config.residualScale, dtype)), result) : result;
    return post ? norm(sum, `${block}.norms.${name}`) : sum;
  };

  let y = x;
  if (has("embedding")) y = np.matmul(y, p("embedding"));
  if (has("input.weight")) y = line(y, "input");
  if (has("positions")) y = np.add(y, p("positions").slice([0, n]));
  for (let l = 0; l < layers; l++) {
    y = sublayer(y, `blocks.${l}`, "attention", attention);
    if (config.hidden > 0) y = sublayer(y, `blocks.${l}`, "feedForward", feedForward);
  }
  y = norm(y, "norm");
  if (config.pool === "first") y = y.slice([], [0, 1]);
  if (config.pool === "mean") y = mean(y, 1);
  return has("output.weight") ? line(clamp(y), "output") : y;
}

/** A number as an array: a plain one would be rounded to float32. */
const number = (value, dtype) => np.array([value], { dtype }).reshape([]);

/** Weights of scores [.., n, n]. */
function weigh({ activation, divide, mask }, scores, n) {
  const causal = mask === "causal";
  const entries = (f) =>
    np.array(
      Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => f(i, j))),
      { dtype: scores.dtype },
    );
  // 1 where a query sees a key, and how many it sees
  const seen = () => entries((i, j) => (causal && j > i ? 0 : 1));
  const visible = (i) => (causal ? i + 1 : n);
  if (activation === "softmax") return nn.softmax(causal ? np.add(scores, entries((i, j) => (j > i ? -1e30 : 0))) : scores, -1); // biome-ignore format: one line
  let weights;
  if (activation === "sigmoid")
    weights = nn.sigmoid(
      np.subtract(
        scores,
        entries((i) => Math.log(visible(i))),
      ),
    );
  else weights = pointwise(activation, scores);
  if (causal) weights = np.multiply(weights, seen());
  return divide === "length" ? np.divide(weights, entries(visible)) : weights;
}

function pointwise(activation, y) {
  if (activation === "relu") return nn.relu(y);
  if (activation === "squaredRelu") return np.square(nn.relu(y));
  if (activation === "softplus") return nn.softplus(y);
  throw new Error(`jax-model: expected an activation that is written here, got ${activation}`);
}

/** The losses of `@splineformer/training`. */
export const losses = {
  /** Against one-hot rows, of every token. */
  crossEntropy: (z, target) => np.negative(meanOf(np.sum(np.multiply(nn.logSoftmax(z, -1), target), -1))),
  meanSquared: (y, target) => meanOf(np.square(np.subtract(y, target))),
};

function meanOf(x) {
  const count = number(
    x.shape.reduce((a, b) => a * b, 1),
    x.dtype,
  );
  return np.divide(np.sum(x), count);
}

/** A run of one step of Adam, all of it compiled, and `check`, the gradient at the start. */
export async function trainingStep({ config, parameters, x, oneHot, shape, learningRate }) {
  const { blockUntilReady, jit, tree, valueAndGrad } = await import("@jax-js/jax");
  const array = (data, s) => np.array(data, { shape: [...s], dtype: np.float32 });
  const input = array(x, shape.x);
  const target = array(oneHot, shape.target);
  const start = () => Object.fromEntries(Object.entries(parameters).map(([name, p]) => [name, array(p.data, p.shape)]));
  const zeros = () =>
    Object.fromEntries(
      Object.entries(parameters).map(([name, p]) => [
        name,
        array(
          p.data.map(() => 0),
          p.shape,
        ),
      ]),
    );
  const withGradients = valueAndGrad((p, given, wanted) =>
    losses.crossEntropy(encoderOutput(config, p, given), wanted),
  );
  const step = jit((p, m, v, rates, given, wanted) => {
    const [loss, g] = withGradients(tree.ref(p), given, wanted);
    const next = { p: {}, m: {}, v: {} };
    for (const name of Object.keys(p)) {
      next.m[name] = np.add(np.multiply(m[name], 0.9), np.multiply(g[name].ref, 0.1));
      next.v[name] = np.add(np.multiply(v[name], 0.999), np.multiply(np.square(g[name]), 0.001));
      const root = np.sqrt(np.multiply(next.v[name].ref, rates.ref.slice(1)));
      const change = np.divide(np.multiply(next.m[name].ref, rates.ref.slice(0)), np.add(root, 1e-8));
      next.p[name] = np.subtract(p[name], change);
    }
    return [loss, next.p, next.m, next.v];
  });
  let [p, m, v] = [start(), zeros(), zeros()];
  let t = 0;
  const run = async () => {
    t++;
    const rates = array(Float32Array.of(learningRate / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t)), [2]);
    const [loss, ...rest] = step(p, m, v, rates, input.ref, target.ref);
    [p, m, v] = rest;
    // what is only scheduled would not be measured
    await blockUntilReady(tree.ref(p));
    return (await loss.data())[0];
  };
  run.check = async () => {
    const [, gradients] = withGradients(start(), input.ref, target.ref);
    return Promise.all(Object.keys(parameters).map((name) => gradients[name].data()));
  };
  return run;
}
