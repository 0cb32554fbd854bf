/**
 * @file What is measured: data, the number of operations and, in float64, the right answer. Rows are tokens.
 */

/** Seeded numbers, roughly normal: a sum of uniform ones from a linear congruential generator. */
export function numbers(seed, length, deviation = 1) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length }, () => (uniform() + uniform() + uniform() - 1.5) * 2 * deviation);
}

/** The largest difference, relative to the largest expected entry. */
export function relativeError(got, expected) {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  let error = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(got[i] - expected[i]);
    if (!(difference <= error)) error = difference;
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return error / scale;
}

export function multiply(a, b, m, n, k) {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let l = 0; l < k; l++) {
      const x = a[i * k + l];
      for (let j = 0; j < n; j++) out[i * n + j] += x * b[l * n + j];
    }
  return out;
}

export function matmulProblem(n) {
  const a = numbers(1, n * n);
  const b = numbers(2, n * n);
  return { kind: "matmul", name: `matmul ${n}`, n, a, b, flops: 2 * n ** 3, expected: () => multiply(a, b, n, n, n) };
}

/** Weights of a row of scores. */
const weigh = {
  softmax(z) {
    const top = z.reduce((x, y) => Math.max(x, y));
    const e = z.map((s) => Math.exp(s - top));
    const sum = e.reduce((x, y) => x + y);
    return e.map((w) => w / sum);
  },
  relu: (z) => z.map((s) => Math.max(s, 0) / z.length),
  squaredRelu: (z) => z.map((s) => Math.max(s, 0) ** 2 / z.length),
  softplus: (z) => z.map((s) => (Math.max(s, 0) + Math.log1p(Math.exp(-Math.abs(s)))) / z.length),
  sigmoid: (z) => z.map((s) => 1 / (1 + Math.exp(-s + Math.log(z.length))) / z.length),
};

function attend(q, k, v, n, heads, d, activation, causal, scale) {
  const width = heads * d;
  const out = new Float64Array(n * width);
  for (let h = 0; h < heads; h++)
    for (let i = 0; i < n; i++) {
      const count = causal ? i + 1 : n;
      const z = Array.from({ length: count }, (_, j) => {
        let s = 0;
        for (let c = 0; c < d; c++) s += q[i * width + h * d + c] * k[j * width + h * d + c];
        return s * scale;
      });
      weigh[activation](z).forEach((w, j) => {
        for (let c = 0; c < d; c++) out[i * width + h * d + c] += w * v[j * width + h * d + c];
      });
    }
  return out;
}

export function attentionProblem(n, activation, { causal = false, heads = 8, d = 64, sparse = 0 } = {}) {
  const width = heads * d;
  const q = numbers(3, n * width);
  const k = numbers(4, n * width);
  const v = numbers(5, n * width);
  // scores are normal with deviation 1; this shift along one common direction leaves the asked share above 0
  if (sparse > 0) {
    const quantile = { 0.5: 0, 0.7: 0.5244, 0.9: 1.2816, 0.95: 1.6449 }[sparse];
    const root = Math.sqrt(quantile * Math.sqrt(d));
    for (let i = 0; i < n; i++)
      for (let h = 0; h < heads; h++) {
        q[i * width + h * d] = root;
        k[i * width + h * d] = -root;
      }
  }
  const scale = 1 / Math.sqrt(d);
  return {
    kind: "attention",
    name: `${causal ? "causal " : ""}${activation} attention ${n}${sparse ? `, ${100 * sparse}% zeros` : ""}`,
    n,
    heads,
    d,
    q,
    k,
    v,
    activation,
    causal,
    scale,
    // a causal pass needs half
    flops: (4 * n * n * width) / (causal ? 2 : 1),
    expected: () => attend(q, k, v, n, heads, d, activation, causal, scale),
  };
}

function normalized(x, n, d) {
  const out = new Float64Array(n * d);
  for (let i = 0; i < n; i++) {
    const row = x.slice(i * d, (i + 1) * d);
    const mean = row.reduce((a, b) => a + b, 0) / d;
    const deviation = Math.sqrt(row.reduce((a, b) => a + (b - mean) ** 2, 0) / d + 1e-5);
    for (let j = 0; j < d; j++) out[i * d + j] = (row[j] - mean) / deviation;
  }
  return out;
}

/** erf to 1e-15 by its series, far out 1: enough to check float32. */
function erf(x) {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let k = 1; Math.abs(term) > 1e-17; k++) {
    term *= (2 * x * x) / (2 * k + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
const activations = { gelu: (z) => (z / 2) * (1 + erf(z / Math.SQRT2)), relu: (z) => Math.max(z, 0) };

/** A pre-norm encoder layer, batch 1: x + attention(norm x), then y + feed-forward(norm y). */
export function encoderProblem(activation, { n = 128, d = 384, heads = 12, hidden = 1536 } = {}) {
  const dense = (seed, rows, columns) => ({
    weight: numbers(seed, rows * columns, 1 / Math.sqrt(rows)),
    bias: numbers(seed + 50, columns, 0.1),
    rows,
    columns,
  });
  const [query, key, value, output] = [10, 11, 12, 13].map((seed) => dense(seed, d, d));
  const expand = dense(14, d, hidden);
  const contract = dense(15, hidden, d);
  const x = numbers(16, n * d);
  const apply = (y, { weight, bias, rows, columns }) =>
    multiply(y, weight, n, columns, rows).map((z, i) => z + bias[i % columns]);
  return {
    kind: "encoder",
    name: `encoder layer, ${activation}`,
    n,
    d,
    heads,
    hidden,
    activation,
    x,
    parameters: { query, key, value, output, expand, contract },
    flops: 2 * n * (4 * d * d + 2 * d * hidden) + 4 * n * n * d,
    expected() {
      const z = normalized(x, n, d);
      const [q, k, v] = [query, key, value].map((p) => apply(z, p));
      const a = apply(attend(q, k, v, n, heads, d / heads, "softmax", false, 1 / Math.sqrt(d / heads)), output);
      const y = x.map ? Float64Array.from(x, (s, i) => s + a[i]) : a;
      const f = apply(apply(normalized(y, n, d), expand).map(activations[activation]), contract);
      return y.map((s, i) => s + f[i]);
    },
  };
}

/** float64 products of the shapes of the exact engine: values at Chebyshev nodes, stacked. */
export function matmul64Problem(m, n, k) {
  const a = Float64Array.from(numbers(1, m * k));
  const b = Float64Array.from(numbers(2, k * n));
  return {
    kind: "matmul64",
    name: `float64 matmul ${m} × ${k} × ${n}`,
    float64: true,
    m,
    n,
    k,
    a,
    b,
    flops: 2 * m * n * k,
    expected: () => multiply(a, b, m, n, k),
  };
}

/** The gradient of softmax attention for a gradient of the output: dQ, dK and dV one after the other. */
export function backwardProblem(n, activation) {
  const problem = attentionProblem(n, activation);
  const { heads, d, q, k, v, scale } = problem;
  const width = heads * d;
  const gradient = numbers(6, n * width);
  const row = (x, i, h) => x.subarray(i * width + h * d, i * width + (h + 1) * d);
  const dot = (a, b) => a.reduce((sum, x, c) => sum + x * b[c], 0);
  return {
    ...problem,
    kind: "backward",
    name: `gradient of ${activation} attention ${n}`,
    gradient,
    flops: 10 * n * n * width,
    expected() {
      const out = new Float64Array(3 * n * width);
      const [dq, dk, dv] = [0, 1, 2].map((part) => out.subarray(part * n * width, (part + 1) * n * width));
      for (let h = 0; h < heads; h++)
        for (let i = 0; i < n; i++) {
          const [qi, gi] = [row(q, i, h), row(gradient, i, h)];
          const z = Array.from({ length: n }, (_, j) => scale * dot(qi, row(k, j, h)));
          const p = weigh[activation](z);
          const dp = Array.from({ length: n }, (_, j) => dot(gi, row(v, j, h)));
          const mean = activation === "softmax" ? dot(p, dp) : 0;
          for (let j = 0; j < n; j++) {
            const ds = scale * (activation === "softmax" ? p[j] * (dp[j] - mean) : z[j] > 0 ? dp[j] / n : 0);
            for (let c = 0; c < d; c++) {
              const at = h * d + c;
              dq[i * width + at] += ds * k[j * width + at];
              dk[j * width + at] += ds * q[i * width + at];
              dv[j * width + at] += p[j] * gradient[i * width + at];
            }
          }
        }
      return out;
    },
  };
}

/** Softmax attention of a fixed query, 64 tokens a call, after `before` tokens: the same 64 over and over. */
export function streamProblem(before, { heads = 8, d = 64 } = {}) {
  const tokens = 64;
  const width = heads * d;
  const [query, key, value] = [7, 8, 9].map((seed, i) => numbers(seed, (i === 0 ? 1 : tokens) * width));
  const rounds = Math.ceil(before / tokens);
  return {
    kind: "stream",
    name: `Aaren, ${tokens} tokens after ${rounds * tokens}`,
    tokens,
    rounds,
    heads,
    query,
    key,
    value,
    flops: 7 * tokens * width,
    // a running sum in float32 rounds once a token
    tolerance: Math.max(1e-4, before * 2 ** -24),
    expected() {
      const out = new Float64Array(tokens * width);
      for (let h = 0; h < heads; h++) {
        const weights = Array.from({ length: tokens }, (_, i) => {
          let s = 0;
          for (let c = h * d; c < (h + 1) * d; c++) s += query[c] * key[i * width + c];
          return Math.exp(s / Math.sqrt(d));
        });
        const sum = rounds * weights.reduce((a, b) => a + b);
        for (let c = h * d; c < (h + 1) * d; c++) {
          let top = rounds * weights.reduce((a, w, i) => a + w * value[i * width + c], 0);
          let below = sum;
          for (let i = 0; i < tokens; i++) {
            top += weights[i] * value[i * width + c];
            below += weights[i];
            out[i * width + c] = top / below;
          }
        }
      }
      return out;
    },
  };
}
