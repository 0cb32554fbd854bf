/**
 * @file `node src/gradient-vectors.js`: writes packages/training/test/peers/gradients.json, the losses and gradients of
 * whole models by jax-js in float64, from the model as it is written a second time in peers/jax-model.js. Our tests read
 * the file; nothing of jax-js is installed for them. No gelu: jax-js has seven digits of it. Needs built packages.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { encoderOutput, losses } from "./peers/jax-model.js";

const { defaultDevice, init, numpy: np, valueAndGrad } = await import("@jax-js/jax");
const { parametersOf, random } = await import("../../../packages/tensor/dist/index.js");
const { createEncoder, createLanguageModel, saveJson } = await import("../../../packages/transformer/dist/index.js");

await init("cpu");
defaultDevice("cpu");
const dtype = np.float64;

const small = { layers: 2, width: 6, heads: 3, hidden: 5 };
/** Sizes are different primes where they may be; together these have every part that an encoder can have. */
const cases = [
  {
    name: "ReLU without a norm: learned positions, a clamp, factors, the first token",
    model: createEncoder({ ...small, input: 7, output: 11, positions: { learned: 5 }, pool: "first", clamp: 1.1, layerScale: 0.7, seed: 1 }), // biome-ignore format: one list
    loss: "crossEntropy",
  },
  {
    name: "softmax with layer norms",
    model: createEncoder({ ...small, input: 7, output: 2, norm: "layer", attention: { activation: "softmax" }, seed: 2 }), // biome-ignore format: one list
    loss: "meanSquared",
  },
  {
    name: "a causal language model: sigmoid, grouped heads, rms norms before and after",
    model: createLanguageModel({ ...small, heads: 6, headWidth: 5, keyValueHeads: 3, vocabulary: 11, positions: { learned: 7 }, norm: "rms", normPlacement: "hybrid", attention: { activation: "sigmoid" }, seed: 3 }), // biome-ignore format: one list
    loss: "crossEntropy",
  },
  {
    name: "causal squared ReLU: affine norms after the sums, scaled residuals, softplus, the mean",
    model: createEncoder({ ...small, norm: "affine", normPlacement: "post", residualScale: 1.3, attention: { activation: "squaredRelu", mask: "causal" }, feedForward: { activation: "softplus" }, pool: "mean", output: 2, seed: 4 }), // biome-ignore format: one list
    loss: "meanSquared",
  },
];
const [batch, tokens] = [3, 5];

/** What is nested, flat or a table of rows, as a float64 array. */
const array = (data, shape) => np.array(Float64Array.from(data), { shape: [...shape], dtype });
const oneHot = (ids, shape, count) =>
  array(
    ids.flatMap((id) => Array.from({ length: count }, (_, i) => Number(i === id))),
    [...shape, count],
  );

const written = cases.map(({ name, model, loss }, seed) => {
  const { config } = model;
  const draw = random(100 + seed);
  const ids = (count, below) => Array.from({ length: count }, () => draw.integer(below));
  const rows = config.pool === "none" ? tokens : 1;
  const channels = config.input === "none" ? config.width : config.input;
  const ofIds = config.vocabulary !== "none";
  const x = ofIds ? ids(batch * tokens, config.vocabulary) : [...draw.normal([batch * tokens * channels]).data];
  const classes = loss === "crossEntropy";
  const target = classes ? ids(batch * rows, config.output) : [...draw.normal([batch * rows * config.output]).data];
  const given = ofIds ? oneHot(x, [batch, tokens], config.vocabulary) : array(x, [batch, tokens, channels]);
  const wanted = classes ? oneHot(target, [batch, rows], config.output) : array(target, [batch, rows, config.output]);
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(model)).map(([key, { data, shape }]) => [key, array(data, shape)]),
  );
  const [value, gradients] = valueAndGrad((p) => losses[loss](encoderOutput(config, p, given.ref), wanted.ref))(
    parameters,
  );
  const numbers = (y) => [...y.dataSync()].map((z) => Number(z.toPrecision(15)));
  return {
    name,
    loss,
    model: JSON.parse(saveJson(model)),
    inputs: { shape: ofIds ? [batch, tokens] : [batch, tokens, channels], values: x },
    targets: { shape: classes ? [batch, rows] : [batch, rows, config.output], values: target },
    expected: { loss: numbers(value)[0], gradients: Object.fromEntries(Object.entries(gradients).map(([key, y]) => [key, numbers(y)])) }, // biome-ignore format: one record
  };
});

const { version } = JSON.parse(
  readFileSync(new URL("../node_modules/@jax-js/jax/package.json", import.meta.url), "utf8"),
);
const folder = new URL("../../../packages/training/test/peers/", import.meta.url);
mkdirSync(folder, { recursive: true });
const lines = written.map((entry) => JSON.stringify(entry));
writeFileSync(
  new URL("gradients.json", folder),
  `{"made by":"tooling/bench/src/gradient-vectors.js with jax-js ${version} in float64","cases":[\n${lines.join(",\n")}\n]}\n`,
);
process.exit(0);
