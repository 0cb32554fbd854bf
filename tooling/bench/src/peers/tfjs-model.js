/** @file Our models written over TensorFlow.js, as far as the training problem needs them, and one step of Adam. */

/** Logits of an encoder of ours; parameters are tensors or variables by dotted name. */
function encoderOutput(tf, config, parameters, x) {
  const p = (name) => parameters[name];
  const { heads, headWidth, width, layers } = config;
  const [batch, n] = x.shape;
  // one large product of all rows is faster here than a batch of small ones
  const line = (y, name) => {
    const [from, to] = p(`${name}.weight`).shape;
    const rows = tf.matMul(tf.reshape(y, [-1, from]), p(`${name}.weight`));
    return tf.reshape(tf.add(rows, p(`${name}.bias`)), [...y.shape.slice(0, -1), to]);
  };
  const norm = (y, name) => {
    if (config.norm !== "layer") return y;
    const centred = tf.sub(y, tf.mean(y, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    const rows = tf.div(centred, tf.sqrt(tf.add(variance, config.normEpsilon)));
    return tf.add(tf.mul(rows, p(`${name}.weight`)), p(`${name}.bias`));
  };
  const split = (y) => tf.transpose(tf.reshape(y, [batch, n, heads, headWidth]), [0, 2, 1, 3]);
  const attention = (y, name) => {
    const [q, k, v] = ["query", "key", "value"].map((part) => split(line(y, `${name}.${part}`)));
    const scores = tf.mul(tf.matMul(q, k, false, true), config.attention.scale);
    const weights = config.attention.activation === "softmax" ? tf.softmax(scores) : tf.div(tf.relu(scores), n);
    return line(tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [batch, n, width]), `${name}.output`);
  };
  const feedForward = (y, name) => line(tf.relu(line(y, `${name}.expand`)), `${name}.contract`);
  const sublayer = (y, block, name, f) => {
    const result = f(norm(y, `${block}.norms.${name}`), `${block}.${name}`);
    const scale = p(`${block}.layerScale.${name}`);
    return tf.add(y, scale ? tf.mul(result, scale) : result);
  };
  let y = tf.add(line(x, "input"), p("positions"));
  for (let l = 0; l < layers; l++) {
    y = sublayer(y, `blocks.${l}`, "attention", attention);
    y = sublayer(y, `blocks.${l}`, "feedForward", feedForward);
  }
  return line(tf.mean(norm(y, "norm"), 1, true), "output");
}

/** A run of one step, and `check`, the gradient at the start. */
export function trainingStep(tf, select, { config, parameters, x, oneHot, shape, learningRate }) {
  const input = tf.tensor(x, shape.x, "float32");
  const target = tf.tensor(oneHot, shape.target, "float32");
  const variables = Object.fromEntries(
    // without a name of its own: two problems have parameters of the same names
    Object.entries(parameters).map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, shape, "float32"))]),
  );
  const loss = () => {
    const z = encoderOutput(tf, config, variables, input);
    return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(z), target), -1)));
  };
  const optimizer = tf.train.adam(learningRate);
  const run = async () => {
    await select();
    const cost = optimizer.minimize(loss, true);
    const value = cost.dataSync()[0];
    cost.dispose();
    return value;
  };
  run.check = async () => {
    await select();
    return tf.tidy(() => {
      const { grads } = tf.variableGrads(loss);
      return Object.values(variables).map((variable) => grads[variable.name].dataSync().slice());
    });
  };
  return run;
}
