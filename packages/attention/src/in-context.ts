/**
 * @file Regression in context: one attention unit that is shown examples (x_i, y_i) and predicts at a query. With softmax
 * it is a Nadaraya–Watson average whose window is the metric. Letters: n examples, d their width, M the metric, w a window,
 * L the Lipschitz constant, σ² the variance of the noise.
 */
import {
  actsOnRows,
  checkOptions,
  type Divide,
  isTensor,
  random,
  reference,
  required,
  ShapeError,
  showShape,
  sigmoidBias,
  type Tensor,
  type Weighing,
} from "@splineformer/tensor";
import { attention } from "./attention.ts";
import { checkCount, checkNumbers } from "./checks.ts";

/**
 * `Σ_i weigh(qᵀ M x_i)_i y_i`, for softmax `Σ y_i e^(qᵀMx_i) / Σ e^(qᵀMx_j)`.
 *
 * A larger metric is a narrower window: `M = w I` on the unit sphere weighs by e^(−w|q − x|²/2). Weights of "identity"
 * (linear attention) cannot narrow.
 *
 * @param context - `inputs` [n, d], `targets` [n, outputs]
 * @param query - [m, d]
 * @param options - `metric`: w for w I, or M [d, d]; default 1. `activation`: default `"softmax"`. `divide`: default `"length"`
 * for activations that act entry by entry, so that more examples do not add up to more; else, and for a sigmoid whose bias is
 * −log n, `"none"`
 * @returns [m, outputs], float64
 * @throws ShapeError or RangeError if shapes do not fit
 * @source arXiv 2402.11639
 * @example
 * ```ts
 * import { inContextRegression } from "@splineformer/attention";
 * import { tensor, toNested } from "@splineformer/tensor";
 * const context = { inputs: tensor([[1, 0], [0, 1]]), targets: tensor([[3], [5]]) };
 * // as near to one as to the other
 * toNested(inContextRegression(context, tensor([[0.6, 0.6]]))); // [[4]]
 * // a narrow window: the nearest
 * toNested(inContextRegression(context, tensor([[0, 1]]), { metric: 1000 })); // [[5]]
 * ```
 */
export function inContextRegression(
  context: { readonly inputs: Tensor; readonly targets: Tensor },
  query: Tensor,
  options: { readonly metric?: number | Tensor; readonly activation?: Weighing; readonly divide?: Divide } = {},
): Tensor {
  const where = "inContextRegression";
  checkOptions(where, options, ["metric", "activation", "divide"]);
  checkOptions(where, context, ["inputs", "targets"]);
  const { inputs, targets } = context;
  for (const [name, x] of Object.entries({ inputs, targets, query })) checkNumbers(where, name, x);
  const { metric = 1, activation = "softmax" } = options;
  const normalised = actsOnRows(activation) || sigmoidBias(activation) === "-log length";
  const { divide = normalised ? "none" : "length" } = options;
  const d = inputs.shape.at(-1) as number;
  if (!isTensor(metric)) {
    required(Number.isFinite(metric), where, "a finite metric", metric);
    return attention(query, inputs, targets, { scale: metric, activation, divide });
  }
  checkNumbers(where, "metric", metric);
  if (metric.shape.length !== 2 || metric.shape[0] !== d || metric.shape[1] !== d)
    throw new ShapeError(`${where}: expected a metric [${d}, ${d}], got ${showShape(metric.shape)}`);
  return attention(reference.matmul(query, metric, {}), inputs, targets, { scale: 1, activation, divide });
}

/** A window, and how well it is known. */
export interface OptimalWindow {
  /** 0 where equal weights are best, or a window below 0.01. */
  readonly window: number;
  /** Of the window, from the spread of eight parts of the draws. */
  readonly standardError: number;
  /** The mean squared error there, without the query's own noise. */
  readonly error: number;
}

/** Where windows are sought. Below, all examples weigh about the same; above, the nearest one counts alone. */
const [least, most] = [0.01, 1e4];

/**
 * The w that minimises `E (Σ p_i y_i − f(q))²` over examples x_i and a query q, uniform on the unit sphere in d dimensions,
 * for softmax weights p of w q·x and `y_i = f(x_i) + noise`: for f(x) = L u·x (affine), `w ∝ (nL²/σ²)^(2/(d+3))`, for
 * f(x) = L |u·x| (kinked) with 2/(d+2); u is a random direction.
 *
 * The noise, and for affine f the direction, are averaged in closed form: the error is `L² E|Σ p_i x_i − q|²/d + σ² E Σ p_i²`. So at
 * fixed n the window depends on L²/σ² alone, exactly. The rest is a mean over seeded draws of examples, the same ones for every w.
 *
 * @param options - `dimension`: d ≥ 2; `examples`: n; `lipschitz`: L, default 1; `noise`: σ > 0, default 1; `target`: `"affine"`
 * (default) or `"kinked"`; `draws`: default 400; `seed`: default 0
 * @throws RangeError if a number is out of range
 * @source arXiv 2402.11639
 * @example
 * ```ts
 * import { optimalWindow } from "@splineformer/attention";
 * const narrow = optimalWindow({ dimension: 2, examples: 60, noise: 0.25, draws: 40 });
 * const wide = optimalWindow({ dimension: 2, examples: 60, noise: 1, draws: 40 });
 * narrow.window > wide.window; // true
 * ```
 */
export function optimalWindow(options: {
  readonly dimension: number;
  readonly examples: number;
  readonly lipschitz?: number;
  readonly noise?: number;
  readonly target?: "affine" | "kinked";
  readonly draws?: number;
  readonly seed?: number;
}): OptimalWindow {
  const where = "optimalWindow";
  checkOptions(where, options, ["dimension", "examples", "lipschitz", "noise", "target", "draws", "seed"]);
  const { dimension: d, examples: n, lipschitz = 1, noise = 1, target = "affine", draws = 400, seed = 0 } = options;
  checkCount(where, "dimension", d, 2);
  checkCount(where, "examples", n, 2);
  checkCount(where, "draws", draws, 8);
  required(Number.isFinite(lipschitz) && lipschitz > 0, where, "lipschitz > 0", lipschitz);
  required(Number.isFinite(noise) && noise > 0, where, "noise > 0", noise);
  required(target === "affine" || target === "kinked", where, 'target "affine" or "kinked"', target);
  const ratio = (lipschitz / noise) ** 2;
  const samples = Array.from({ length: draws }, (_, k) => drawSample(d, n, target, seed, k));
  const best = (some: readonly Sample[]): number => {
    const found = Math.exp(
      goldenSection((log) => meanRisk(some, Math.exp(log), ratio), Math.log(least), Math.log(most)),
    );
    // the end of the search stands for all that lies beyond it
    return found < 1.001 * least ? 0 : found;
  };
  const window = best(samples);
  const parts = Array.from({ length: 8 }, (_, part) => best(samples.filter((_, k) => k % 8 === part)));
  const mean = parts.reduce((a, b) => a + b, 0) / 8;
  const variance = parts.reduce((sum, w) => sum + (w - mean) ** 2, 0) / 7;
  return {
    window,
    standardError: Math.sqrt(variance / 8),
    error: noise ** 2 * meanRisk(samples, window, ratio),
  };
}

/** One draw of examples, seen from the query: products q·x_i, and what the bias is made of. */
interface Sample {
  readonly products: Float64Array;
  /** Affine: x_i, [n][d]. Kinked: f(x_i) − f(q) for L = 1, [n][1]. */
  readonly deviations: Float64Array;
  readonly width: number;
  /** What Σ p_i · deviations is compared with. */
  readonly factor: number;
}

function drawSample(d: number, n: number, target: "affine" | "kinked", seed: number, stream: number): Sample {
  const draw = random(seed, { stream });
  const sphere = (count: number): Float64Array => {
    const { data } = draw.normal([count, d], { dtype: "float64" });
    for (let at = 0; at < data.length; at += d) {
      const length = Math.hypot(...data.subarray(at, at + d));
      for (let i = at; i < at + d; i++) data[i] /= length;
    }
    return data;
  };
  // nothing changes when the sphere is turned, so the query is the first axis
  const x = sphere(n);
  const products = Float64Array.from({ length: n }, (_, i) => x[i * d]);
  if (target === "affine") {
    // the mean over directions u of (u·(Σ p x − q))² is |Σ p x − q|²/d
    const deviations = x.map((v, i) => (i % d === 0 ? v - 1 : v));
    return { products, deviations, width: d, factor: 1 / d };
  }
  const u = sphere(1);
  const f = (at: number): number => {
    let sum = 0;
    for (let i = 0; i < d; i++) sum += u[i] * x[at + i];
    return Math.abs(sum);
  };
  const deviations = Float64Array.from({ length: n }, (_, i) => f(i * d) - Math.abs(u[0]));
  return { products, deviations, width: 1, factor: 1 };
}

/** `L²/σ² · bias² + Σ p²`, averaged. */
function meanRisk(samples: readonly Sample[], window: number, ratio: number): number {
  let total = 0;
  for (const { products, deviations, width, factor } of samples) {
    const mixed = new Float64Array(width);
    let [sum, squares] = [0, 0];
    for (let i = 0; i < products.length; i++) {
      const p = Math.exp(window * (products[i] - 1));
      sum += p;
      squares += p * p;
      for (let a = 0; a < width; a++) mixed[a] += p * deviations[i * width + a];
    }
    // no example near enough for its weight to be a number: the nearest counts, and errs by at most 2
    if (sum === 0) {
      total += ratio * 4 + 1;
      continue;
    }
    let bias = 0;
    for (const m of mixed) bias += (m / sum) ** 2;
    total += ratio * factor * bias + squares / sum ** 2;
  }
  return total / samples.length;
}

/** Where a function with one valley is least, to 1e-6. */
function goldenSection(f: (x: number) => number, from: number, to: number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [from, to];
  let [x, y] = [b - golden * (b - a), a + golden * (b - a)];
  let [fx, fy] = [f(x), f(y)];
  while (b - a > 1e-6) {
    if (fx < fy) {
      [b, y, fy] = [y, x, fx];
      x = b - golden * (b - a);
      fx = f(x);
    } else {
      [a, x, fx] = [x, y, fy];
      y = a + golden * (b - a);
      fy = f(y);
    }
  }
  return (a + b) / 2;
}
