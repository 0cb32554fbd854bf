/** @file jax-js and gpu.js on WebAssembly: products, and of jax-js training. Its attention throws on Node 20, gpu.js has none. */
import { trainingStep } from "./jax-model.js";

export async function jaxJs() {
  const { defaultDevice, init, numpy: np } = await import("@jax-js/jax");
  await init("wasm");
  defaultDevice("wasm");
  return {
    name: "jax-js wasm",
    kind: "wasm",
    matmul({ n, a, b }) {
      const [x, y] = [a, b].map((data) => np.array(data, { shape: [n, n] }));
      return () => np.matmul(x.ref, y.ref).data();
    },
    training: trainingStep,
  };
}

export async function gpuJs() {
  const { default: gpu } = await import("gpu.js");
  const engine = new (gpu.GPU ?? gpu)({ mode: "webasm" });
  return {
    name: "gpu.js webasm",
    kind: "wasm",
    matmul({ n, a, b }) {
      const kernel = engine
        .createKernel(function product(x, y) {
          let sum = 0;
          for (let i = 0; i < this.constants.n; i++) sum += x[this.thread.y][i] * y[i][this.thread.x];
          return sum;
        })
        .setConstants({ n })
        .setOutput([n, n]);
      const rows = (data) => Array.from({ length: n }, (_, i) => data.subarray(i * n, (i + 1) * n));
      const [x, y] = [rows(a), rows(b)];
      const out = new Float32Array(n * n);
      return () => {
        const result = kernel(x, y);
        for (let i = 0; i < n; i++) out.set(result[i], i * n);
        return out;
      };
    },
  };
}

/** float64 products in plain JavaScript: what one would write. */
export const plain = {
  name: "plain JavaScript",
  kind: "js",
  matmul64({ m, n, k, a, b }) {
    return () => {
      const out = new Float64Array(m * n);
      for (let i = 0; i < m; i++)
        for (let l = 0; l < k; l++) {
          const x = a[i * k + l];
          for (let j = 0; j < n; j++) out[i * n + j] += x * b[l * n + j];
        }
      return out;
    };
  },
};
