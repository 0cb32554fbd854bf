/**
 * @file Losses: functions of a prediction and a target, written over `Ops`, so that they are differentiated like any part of a
 * network. Each is a mean over all entries, so its size does not depend on the batch.
 * Letters: y a prediction, t a target, z logits, C classes, δ where Huber's loss turns from a parabola into a line.
 */
import {
  type Ops,
  required,
  type Shape,
  type Shaped,
  ShapeError,
  sameShape,
  showShape,
  sizeOf,
  tensor,
} from "@splineformer/tensor";

/** The loss of a prediction against a target: a scalar, `[]`. */
export type Loss = <T extends Shaped>(ops: Ops<T>, prediction: T, target: T) => T;

/**
 * `mean (y − t)²`.
 *
 * @param target - of the prediction's shape
 * @throws ShapeError if it is not
 * @example
 * ```ts
 * import { meanSquared } from "@splineformer/training";
 * import { reference, tensor } from "@splineformer/tensor";
 * meanSquared(reference, tensor([1, 5]), tensor([1, 2])).data[0]; // 4.5
 * ```
 */
export const meanSquared: Loss = (ops, prediction, target) => {
  const difference = minus(ops, "meanSquared", prediction, target);
  return mean(ops, ops.multiply(difference, difference));
};

/**
 * Huber's loss, `mean of ½e² where |e| ≤ δ, else δ(|e| − δ/2)`, e = y − t: a parabola that outliers leave on a line.
 *
 * @param delta - δ > 0, default 1
 * @throws RangeError if δ is not positive; ShapeError if target and prediction differ in shape
 * @source P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35 (1964)
 * @example
 * ```ts
 * import { huber } from "@splineformer/training";
 * import { reference, tensor } from "@splineformer/tensor";
 * huber()(reference, tensor([0.5, 3]), tensor([0, 0])).data[0]; // 1.3125
 * ```
 */
export function huber(delta = 1): Loss {
  required(Number.isFinite(delta) && delta > 0, "huber", "delta > 0", delta);
  return (ops, prediction, target) => {
    const e = minus(ops, "huber", prediction, target);
    const c = ops.activate(e, { activation: { name: "clamp", limit: delta }, order: 0 });
    // ½c² + δ(|e| − |c|): both terms are known activations, so the loss of a spline is a spline
    const beyond = ops.add(absolute(ops, e), ops.scale(absolute(ops, c), { factor: -1 }));
    const parabola = ops.scale(ops.multiply(c, c), { factor: 0.5 });
    return mean(ops, ops.add(parabola, ops.scale(beyond, { factor: delta })));
  };
}

/**
 * `mean (log Σ_c e^(z_c) − Σ_c t_c z_c)`: cross-entropy of softmax(z), from the logits, without overflow.
 *
 * @param prediction - logits z [.., C]
 * @param target - class indices [..], or probabilities [.., C] that sum to 1
 * @throws ShapeError if the target is neither
 * @example
 * ```ts
 * import { crossEntropy } from "@splineformer/training";
 * import { reference, tensor } from "@splineformer/tensor";
 * // two equal logits: log 2
 * crossEntropy(reference, tensor([[3, 3]]), tensor([1], { dtype: "int32" })).data[0].toFixed(6); // "0.693147"
 * ```
 */
export const crossEntropy: Loss = (ops, prediction, target) => {
  const { shape } = prediction;
  const classes = shape.at(-1) ?? 0;
  const byIndex = sameShape(target.shape, shape.slice(0, -1));
  if (classes === 0 || !(byIndex || sameShape(target.shape, shape)))
    throw new ShapeError(
      `crossEntropy: expected class indices ${showShape(shape.slice(0, -1))} or probabilities ${showShape(shape)} for logits ${showShape(shape)}, got ${showShape(target.shape)}`,
    );
  const probabilities = byIndex ? ops.gather(ops.constant(identity(classes)), target) : target;
  const chosen = ops.sum(ops.multiply(prediction, probabilities), { axes: [-1], keep: true });
  return mean(ops, ops.add(logSumExp(ops, prediction), ops.scale(chosen, { factor: -1 })));
};

/**
 * log Σ e^z over the last axis, kept: pairs are joined by log(e^a + e^b) = b + log(1 + e^(a − b)) until one is left, so that
 * it needs no logarithm in the vocabulary and nothing overflows.
 */
function logSumExp<T extends Shaped>(ops: Ops<T>, z: T): T {
  let rest = z;
  for (let n = rest.shape.at(-1) as number; n > 1; n = rest.shape.at(-1) as number) {
    const half = Math.floor(n / 2);
    const part = (from: number, to: number): T => ops.slice(rest, { axis: -1, from, to });
    const [a, b] = [part(0, half), part(half, 2 * half)];
    const gap = ops.add(a, ops.scale(b, { factor: -1 }));
    const joined = ops.add(b, ops.activate(gap, { activation: "softplus", order: 0 }));
    rest = n % 2 === 0 ? joined : ops.concat(joined, part(n - 1, n), { axis: -1 });
  }
  return rest;
}

function minus<T extends Shaped>(ops: Ops<T>, where: string, prediction: T, target: T): T {
  if (!sameShape(prediction.shape, target.shape))
    throw new ShapeError(
      `${where}: expected a target of the prediction's shape ${showShape(prediction.shape)}, got ${showShape(target.shape)}`,
    );
  return ops.add(prediction, ops.scale(target, { factor: -1 }));
}

/** The mean of all entries, `[]`. */
function mean<T extends Shaped>(ops: Ops<T>, x: T): T {
  return ops.scale(ops.sum(x, { axes: allAxes(x.shape), keep: false }), { factor: 1 / sizeOf(x.shape) });
}

const allAxes = (shape: Shape): number[] => shape.map((_, i) => i - shape.length);

const absolute = <T extends Shaped>(ops: Ops<T>, x: T): T => ops.activate(x, { activation: "absolute", order: 0 });

function identity(n: number): ReturnType<typeof tensor> {
  const data = new Float32Array(n * n);
  for (let i = 0; i < n; i++) data[i * n + i] = 1;
  return tensor(data, [n, n]);
}
