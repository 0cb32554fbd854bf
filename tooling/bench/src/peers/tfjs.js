/** @file TensorFlow.js on its WebAssembly backend (one thread) or its plain JavaScript one: composed, since it fuses no attention. */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { trainingStep } from "./tfjs-model.js";

const require = createRequire(import.meta.url);

export async function tfjs(backend) {
  const tf = require("@tensorflow/tfjs");
  if (backend === "wasm") {
    const wasm = require("@tensorflow/tfjs-backend-wasm");
    wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
    wasm.setThreadsCount(1);
  }
  const select = () => tf.setBackend(backend);
  if (!(await select())) throw new Error(`tfjs: expected backend ${backend} to start`);
  await tf.ready();
  const tensor = (data, shape) => tf.tensor(data, shape, "float32");
  /** One run in a tidy scope, with the result read. */
  const program = (f) => async () => {
    if (tf.getBackend() !== backend) await select();
    const out = tf.tidy(f);
    const data = out.dataSync();
    out.dispose();
    return data;
  };
  const split = (x, n, heads) => tf.transpose(tf.reshape(x, [n, heads, -1]), [1, 0, 2]);
  const attend = (q, k, v, n, heads, scale) => {
    const scores = tf.mul(tf.matMul(split(q, n, heads), split(k, n, heads), false, true), scale);
    return tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), split(v, n, heads)), [1, 0, 2]), [n, -1]);
  };
  return {
    name: `tfjs ${backend}`,
    kind: backend === "wasm" ? "wasm" : "js",
    async training(problem) {
      await select();
      return trainingStep(tf, select, problem);
    },
    async matmul({ n, a, b }) {
      await select();
      const [x, y] = [tensor(a, [n, n]), tensor(b, [n, n])];
      return program(() => tf.matMul(x, y));
    },
    async attention({ n, heads, d, q, k, v, scale, causal, activation }) {
      if (causal || activation !== "softmax") return undefined;
      await select();
      const [x, y, z] = [q, k, v].map((data) => tensor(data, [n, heads * d]));
      return program(() => attend(x, y, z, n, heads, scale));
    },
    async encoder({ n, d, heads, activation, x, parameters }) {
      await select();
      const input = tensor(x, [n, d]);
      const layers = Object.fromEntries(
        Object.entries(parameters).map(([name, { weight, bias, rows, columns }]) => [
          name,
          [tensor(weight, [rows, columns]), tensor(bias, [columns])],
        ]),
      );
      const apply = (y, name) => tf.add(tf.matMul(y, layers[name][0]), layers[name][1]);
      const norm = (y) => {
        const { mean, variance } = tf.moments(y, 1, true);
        return tf.div(tf.sub(y, mean), tf.sqrt(tf.add(variance, 1e-5)));
      };
      const f =
        activation === "relu" ? tf.relu : (y) => tf.mul(tf.mul(y, 0.5), tf.add(tf.erf(tf.mul(y, Math.SQRT1_2)), 1));
      return program(() => {
        const z = norm(input);
        const a = attend(apply(z, "query"), apply(z, "key"), apply(z, "value"), n, heads, 1 / Math.sqrt(d / heads));
        const y = tf.add(input, apply(a, "output"));
        return tf.add(y, apply(f(apply(norm(y), "expand")), "contract"));
      });
    },
  };
}
