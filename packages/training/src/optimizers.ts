/**
 * @file Optimisers: pure functions from parameters and gradients to new parameters, with a state that is plain data, so that
 * a run can be saved and taken up again exactly. Letters: θ a parameter, g its gradient, η the learning rate, t the step from 1.
 */
import { allocate, checkOptions, required, type Tensor } from "@splineformer/tensor";

/** Tensors by name. */
export type Named = Readonly<Record<string, Tensor>>;

/** What an optimiser remembers between steps: for each of its averages, a tensor for every parameter. Plain data. */
export type OptimizerState = Readonly<Record<string, Named>>;

export interface Optimizer {
  readonly name: string;
  /** η before the schedule. */
  readonly learningRate: number;
  /** The averages that it keeps, by name; empty before the first step. */
  readonly averages: readonly string[];
  /** One step, t counted from 1. Makes new tensors; none of the given ones changes. */
  update(given: {
    readonly parameters: Named;
    readonly gradients: Named;
    readonly state: OptimizerState;
    readonly step: number;
    readonly learningRate: number;
  }): { readonly parameters: Named; readonly state: OptimizerState };
}

export interface SgdOptions {
  /** η > 0. */
  readonly learningRate: number;
  /** 0 ≤ μ < 1, default 0. */
  readonly momentum?: number;
}

/**
 * Stochastic gradient descent with momentum: `m ← μ m + g; θ ← θ − η m`.
 *
 * @throws RangeError if an option is out of range
 * @example
 * ```ts
 * import { sgd } from "@splineformer/training";
 * import { tensor, toNested } from "@splineformer/tensor";
 * const given = { parameters: { w: tensor([1]) }, gradients: { w: tensor([2]) }, state: {}, step: 1, learningRate: 0.25 };
 * toNested(sgd({ learningRate: 0.25 }).update(given).parameters.w); // [0.5]
 * ```
 */
export function sgd(options: SgdOptions): Optimizer {
  checkOptions("sgd", options, ["learningRate", "momentum"]);
  const { learningRate, momentum = 0 } = options;
  checkRate("sgd", learningRate);
  checkDecayRate("sgd", "momentum", momentum);
  return optimizer("sgd", learningRate, ["momentum"], (theta, g, [m], out, _, eta) => {
    for (let i = 0; i < theta.length; i++) {
      m[i] = momentum * m[i] + g[i];
      out[i] = theta[i] - eta * m[i];
    }
  });
}

export interface AdamOptions {
  /** η > 0, default 1e-3. */
  readonly learningRate?: number;
  /** 0 ≤ β₁ < 1, default 0.9. */
  readonly beta1?: number;
  /** 0 ≤ β₂ < 1, default 0.999; 0.98 suits transformers. */
  readonly beta2?: number;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Adam: `m, v` averages of g and g²; `θ ← θ − η m̂ / (√v̂ + ε)` with `m̂ = m/(1 − β₁ᵗ)`, `v̂ = v/(1 − β₂ᵗ)`.
 *
 * @throws RangeError if an option is out of range
 * @source arXiv 1412.6980
 * @example
 * ```ts
 * import { adam } from "@splineformer/training";
 * import { tensor } from "@splineformer/tensor";
 * const given = { parameters: { w: tensor([1]) }, gradients: { w: tensor([2]) }, state: {}, step: 1, learningRate: 0.25 };
 * // the first step has the length of the learning rate
 * adam({ learningRate: 0.25 }).update(given).parameters.w.data[0].toFixed(6); // "0.750000"
 * ```
 */
export function adam(options: AdamOptions = {}): Optimizer {
  checkOptions("adam", options, adamOptions);
  return adamLike("adam", options, () => 0);
}

export interface AdamWOptions extends AdamOptions {
  /** λ ≥ 0, default 0.01: each step also shrinks what decays by ηλ. */
  readonly weightDecay?: number;
  /** Whether a parameter decays; by default those with at least two axes: weights, and not biases or scales. */
  readonly decays?: (name: string, parameter: Tensor) => boolean;
}

/**
 * AdamW: Adam with decoupled weight decay, `θ ← (1 − ηλ) θ − η m̂ / (√v̂ + ε)`.
 *
 * @throws RangeError if an option is out of range
 * @source arXiv 1711.05101
 * @example
 * ```ts
 * import { adamW } from "@splineformer/training";
 * adamW({ learningRate: 0.001, weightDecay: 0.1 }).name; // "adamW"
 * ```
 */
export function adamW(options: AdamWOptions = {}): Optimizer {
  checkOptions("adamW", options, [...adamOptions, "weightDecay", "decays"]);
  const { weightDecay = 0.01, decays = (_, { shape }) => shape.length >= 2, ...rest } = options;
  required(Number.isFinite(weightDecay) && weightDecay >= 0, "adamW", "weightDecay ≥ 0", weightDecay);
  required(typeof decays === "function", "adamW", "decays to be a function of a name and a tensor", decays);
  return adamLike("adamW", rest, (name, parameter) => (decays(name, parameter) ? weightDecay : 0));
}

const adamOptions = ["learningRate", "beta1", "beta2", "epsilon"];

function adamLike(where: string, options: AdamOptions, decay: (name: string, parameter: Tensor) => number): Optimizer {
  const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  checkRate(where, learningRate);
  checkDecayRate(where, "beta1", beta1);
  checkDecayRate(where, "beta2", beta2);
  required(Number.isFinite(epsilon) && epsilon > 0, where, "epsilon > 0", epsilon);
  return optimizer(where, learningRate, ["first", "second"], (theta, g, [m, v], out, t, eta, name, parameter) => {
    const kept = 1 - eta * decay(name, parameter);
    const step = eta / (1 - beta1 ** t);
    const unbiased = 1 / (1 - beta2 ** t);
    for (let i = 0; i < theta.length; i++) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
      out[i] = kept * theta[i] - (step * m[i]) / (Math.sqrt(v[i] * unbiased) + epsilon);
    }
  });
}

type Numbers = Float32Array | Float64Array;
/** Writes new parameters into `out` and moves the averages, which are this step's own copies. */
type Loop = (
  theta: Numbers,
  g: Numbers,
  averages: readonly Numbers[],
  out: Numbers,
  step: number,
  learningRate: number,
  name: string,
  parameter: Tensor,
) => void;

function optimizer(name: string, learningRate: number, averages: readonly string[], loop: Loop): Optimizer {
  return {
    name,
    learningRate,
    averages,
    update({ parameters, gradients, state, step, learningRate }) {
      const next: Record<string, Tensor> = {};
      const moved: Record<string, Record<string, Tensor>> = Object.fromEntries(
        averages.map((average) => [average, {}]),
      );
      for (const [key, parameter] of Object.entries(parameters)) {
        const dtype = parameter.dtype === "float64" ? "float64" : "float32";
        const own = averages.map((average) => {
          const before = state[average]?.[key];
          const data = allocate(dtype, parameter.data.length);
          if (before) data.set(before.data);
          moved[average][key] = { dtype, shape: parameter.shape, data };
          return data;
        });
        const out = allocate(dtype, parameter.data.length);
        const g = gradients[key].data as Numbers;
        loop(parameter.data as Numbers, g, own, out, step, learningRate, key, parameter);
        next[key] = { dtype, shape: parameter.shape, data: out };
      }
      return { parameters: next, state: moved };
    },
  };
}

function checkRate(where: string, learningRate: number): void {
  required(Number.isFinite(learningRate) && learningRate > 0, where, "learningRate > 0", learningRate);
}

function checkDecayRate(where: string, name: string, value: number): void {
  required(value >= 0 && value < 1, where, `${name} in [0, 1)`, value);
}
