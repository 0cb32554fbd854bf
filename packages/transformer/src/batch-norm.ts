/**
 * @file Batch norm: how a model with affine norms is trained. In training each norm first brings every channel to mean 0 and
 * variance 1 over the batch; afterwards the statistics are numbers, and are folded into the norm's scale and shift. What is left
 * is an affine norm, so the model is a spline.
 */
import {
  allocate,
  checkOptions,
  lift,
  type Network,
  namedInputs,
  type Ops,
  reference,
  registerActivation,
  required,
  type Shaped,
  ShapeError,
  type SynchronousDevice,
  showShape,
  type Tensor,
  tensor,
  UnsupportedError,
} from "@splineformer/tensor";
import type { EncoderConfig } from "./config.ts";
import { type Encoder, encoderFromParameters } from "./models.ts";
import type { BlockParameters, Norm, PerSublayer, StackParameters } from "./parameters.ts";
import { runStack } from "./stack.ts";

/** An encoder as it is trained: its input has the batch as a third trailing axis. */
export type BatchNormalized = Network<
  "x",
  { readonly kind: "batch normalized"; readonly encoder: EncoderConfig },
  StackParameters<Tensor>
>;

/** Of every affine norm, by name (`blocks.0.norms.attention`, `norm`): mean and variance of each channel, [width]. */
export type NormStatistics = Readonly<Record<string, { readonly mean: Tensor; readonly variance: Tensor }>>;

/**
 * The same parameters, read with batch norms where the model has affine ones: what `fit` trains.
 *
 * Statistics are those of the batch, over examples and tokens, axes −3 and −2; gradients flow through them. When training is
 * over, {@link batchStatistics} and {@link foldBatchNorm} make an encoder of it.
 *
 * @param model - an encoder with `norm: "affine"`
 * @throws UnsupportedError if the model has other norms, or none
 * @source arXiv 1502.03167
 * @example
 * ```ts
 * import { forward, random, reference, tensor, toNested } from "@splineformer/tensor";
 * import { batchNormalized, createEncoder } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 0, width: 2, heads: 1, norm: "affine" });
 * // the final norm alone: two examples of one token, with channels 1 and 3, 10 and 10
 * const y = forward(batchNormalized(model), tensor([[[1, 10]], [[3, 10]]]));
 * [...y.data].map((z) => z.toFixed(3)); // ["-1.000", "0.000", "1.000", "0.000"]
 * ```
 */
export function batchNormalized(model: Encoder): BatchNormalized {
  checkAffine("batchNormalized", model);
  return {
    inputs: { x: ["batch", ...model.inputs.x] },
    config: { kind: "batch normalized", encoder: model.config },
    parameters: model.parameters,
    run(ops, p, { x }) {
      return runStack(ops, { ...this.config.encoder, standardize }, p, x);
    },
  };
}

/**
 * What each batch norm sees when the model runs on x, taken as one batch: mean and variance of every channel over examples and
 * tokens.
 *
 * Take some thousand examples of the training data: then these are the population's, with no running average to wait for.
 *
 * @param x - [batch, .. as the encoder's input]
 * @param options - `on`: the device; default `reference`, in float64
 * @throws ShapeError if x does not have the network's shape
 * @example
 * ```ts
 * import { tensor, toNested } from "@splineformer/tensor";
 * import { batchNormalized, batchStatistics, createEncoder } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 0, width: 2, heads: 1, norm: "affine" });
 * const { norm } = batchStatistics(batchNormalized(model), tensor([[[1, 10]], [[3, 10]]]));
 * toNested(norm.mean); // [2, 10]
 * toNested(norm.variance); // [1, 0]
 * ```
 */
export function batchStatistics(
  model: BatchNormalized,
  x: Tensor,
  options: { readonly on?: SynchronousDevice } = {},
): NormStatistics {
  const where = "batchStatistics";
  checkOptions(where, options, ["on"]);
  const { on = reference } = options;
  required(typeof on?.read === "function", where, "on to be a device", on);
  const given = namedInputs(where, model, x);
  if (given.x.shape.length !== model.inputs.x.length)
    throw new ShapeError(`${where}: expected one batch, got ${showShape(given.x.shape)}`);
  const parameters = lift(on, model.parameters) as StackParameters<Tensor>;
  const names = new Map(normsOf(parameters).map(([name, norm]) => [norm, name]));
  const found: Record<string, { mean: Tensor; variance: Tensor }> = {};
  const watched = <T extends Shaped>(ops: Ops<T>, z: T, epsilon: number, norm: Norm<T>): T => {
    const { centred, mean, variance } = moments(ops, z);
    const row = (kept: T): Tensor => {
      const { dtype, shape, data } = on.read(kept as unknown as Tensor) as Tensor;
      return { dtype, shape: [shape.at(-1) as number], data };
    };
    found[names.get(norm as unknown as Norm<Tensor>) as string] = { mean: row(mean), variance: row(variance) };
    return divided(ops, centred, variance, epsilon);
  };
  runStack(on, { ...model.config.encoder, standardize: watched }, parameters, on.constant(given.x));
  return found;
}

/**
 * The encoder that a batch normalised one is when its statistics stand still: of each norm `scale = w / √(variance + ε)` and
 * `shift = b − mean · scale`.
 *
 * With the running statistics of another program it imports that program's batch norms.
 *
 * @param statistics - what {@link batchStatistics} gave; of every norm
 * @throws RangeError if a norm is missing or unknown, or a variance negative; ShapeError if one has another shape
 * @example
 * ```ts
 * import { forward, random } from "@splineformer/tensor";
 * import { batchNormalized, batchStatistics, createEncoder, degree, foldBatchNorm } from "@splineformer/transformer";
 * const trained = batchNormalized(createEncoder({ layers: 1, width: 6, heads: 3, norm: "affine" }));
 * const model = foldBatchNorm(trained, batchStatistics(trained, random(1).normal([13, 5, 6])));
 * degree(model); // { x: 3, total: 3 }
 * ```
 */
export function foldBatchNorm(model: BatchNormalized, statistics: NormStatistics): Encoder {
  const where = "foldBatchNorm";
  required(model?.config?.kind === "batch normalized", where, "a batch normalised model", model?.config);
  const { encoder } = model.config;
  const known = normsOf(model.parameters).map(([name]) => name);
  checkOptions(where, statistics, known);
  const folded = mapNorms(model.parameters, ({ weight, bias }, name): Norm<Tensor> => {
    const own = statistics[name];
    required(own !== undefined, where, `statistics of ${name}`, own);
    for (const [key, value] of Object.entries({ mean: own.mean, variance: own.variance }))
      if (value?.shape?.length !== 1 || value.shape[0] !== encoder.width)
        throw new ShapeError(
          `${where}: expected ${key} of ${name} of shape ${showShape([encoder.width])}, got ${value?.shape ? showShape(value.shape) : "none"}`,
        );
    const { data: variance } = own.variance;
    for (const v of variance) required(v >= 0 && Number.isFinite(v), where, `a variance ≥ 0 of ${name}`, v);
    const dtype = weight.dtype === "float64" ? "float64" : "float32";
    const [scale, shift] = [allocate(dtype, encoder.width), allocate(dtype, encoder.width)];
    for (let i = 0; i < encoder.width; i++) {
      const factor = weight.data[i] / Math.sqrt(variance[i] + encoder.normEpsilon);
      scale[i] = factor;
      shift[i] = (bias?.data[i] ?? 0) - own.mean.data[i] * factor;
    }
    return {
      weight: { dtype, shape: weight.shape, data: scale },
      bias: { dtype, shape: weight.shape, data: shift },
    };
  });
  return encoderFromParameters(encoder, folded);
}

function checkAffine(where: string, model: Encoder): void {
  const { kind, norm } = model?.config ?? {};
  if (kind !== "encoder" || norm !== "affine")
    throw new UnsupportedError(`${where}: expected an encoder with norm "affine", got ${kind} with norm "${norm}"`);
}

/** x [.., B, n, d], every channel brought to mean 0 and variance 1 over the B · n rows. */
function standardize<T extends Shaped>(ops: Ops<T>, x: T, epsilon: number): T {
  const { centred, variance } = moments(ops, x);
  return divided(ops, centred, variance, epsilon);
}

function moments<T extends Shaped>(ops: Ops<T>, x: T): { centred: T; mean: T; variance: T } {
  const [examples, tokens] = x.shape.slice(-3);
  const average = (z: T): T =>
    ops.scale(ops.sum(z, { axes: [-3, -2], keep: true }), { factor: 1 / (examples * tokens) });
  const mean = average(x);
  const centred = ops.add(x, ops.scale(mean, { factor: -1 }));
  return { centred, mean, variance: average(ops.multiply(centred, centred)) };
}

function divided<T extends Shaped>(ops: Ops<T>, centred: T, variance: T, epsilon: number): T {
  const activation = registerActivation("inverse square root", { value: inverseRoot, derivative: inverseRootSlope });
  const safe = ops.add(variance, ops.constant(tensor(epsilon, { dtype: "float64" })));
  return ops.multiply(centred, ops.activate(safe, { activation, order: 0 }));
}

/** 1/√z, and below 10⁻³⁰, where no variance plus ε lies, constant: an activation is finite everywhere. */
const inverseRoot = (z: number): number => 1 / Math.sqrt(Math.max(z, 1e-30));
const inverseRootSlope = (z: number): number => (z > 1e-30 ? -0.5 / (z * Math.sqrt(z)) : 0);

/** Every norm with the name of its place, `blocks.0.norms.attention`. */
function normsOf<T>(parameters: StackParameters<T>): [name: string, norm: Norm<T>][] {
  const found: [string, Norm<T>][] = [];
  mapNorms(parameters, (norm, name) => {
    found.push([name, norm]);
    return norm;
  });
  return found;
}

/** The parameters with every norm replaced. */
function mapNorms<T>(parameters: StackParameters<T>, f: (norm: Norm<T>, name: string) => Norm<T>): StackParameters<T> {
  const each = (norms: PerSublayer<Norm<T>>, name: string): PerSublayer<Norm<T>> =>
    Object.fromEntries(
      Object.entries<Norm<T>>(norms as unknown as Record<string, Norm<T>>).map(([key, norm]) => [
        key,
        f(norm, `${name}.${key}`),
      ]),
    ) as unknown as PerSublayer<Norm<T>>;
  const blocks = parameters.blocks.map(
    (block, i): BlockParameters<T> => ({
      ...block,
      ...(block.norms && { norms: each(block.norms, `blocks.${i}.norms`) }),
      ...(block.outputNorms && { outputNorms: each(block.outputNorms, `blocks.${i}.outputNorms`) }),
    }),
  );
  return { ...parameters, blocks, ...(parameters.norm && { norm: f(parameters.norm, "norm") }) };
}
