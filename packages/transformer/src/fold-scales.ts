/**
 * @file Scales and shifts disappear in the maps beside them: LayerScale in the map out of a sublayer, an affine norm in the maps
 * that read it. The function stays the same, and so does its degree; there are fewer numbers and operations.
 * Letters: W, b a linear map x W + b, s a scale, t a shift.
 */
import type { Linear } from "@splineformer/attention";
import { allocate, type Tensor, UnsupportedError } from "@splineformer/tensor";
import { type Encoder, encoderFromParameters } from "./models.ts";
import type { BlockParameters, Norm } from "./parameters.ts";

/**
 * The same encoder with `layerScale: "none"`, and `"none"` for a norm that is affine.
 *
 * In exact arithmetic it is the same function; in float64 outputs differ by some roundings. Norms that divide stay.
 *
 * @throws UnsupportedError if an affine norm has no linear map right after it: norms placed `"post"`, a clamp, a final norm
 * without a map out
 * @example
 * ```ts
 * import { createEncoder, foldScales } from "@splineformer/transformer";
 * const model = createEncoder({ layers: 2, width: 6, heads: 3, norm: "affine", output: 5 });
 * const { layerScale, norm } = foldScales(model).config;
 * [layerScale, norm]; // ["none", "none"]
 * ```
 */
export function foldScales(model: Encoder): Encoder {
  const { config, parameters } = model;
  const { norm: kind, normPlacement, clamp } = config;
  if (config.kind !== "encoder") throw new UnsupportedError(`foldScales: expected an encoder, got ${config.kind}`);
  const affine = kind === "affine";
  if (affine && normPlacement === "post") throw refusal('norms placed "pre" or "hybrid"', '"post"');
  if (affine && clamp !== "none") throw refusal("no clamp between a norm and the maps that read it", String(clamp));
  if (affine && parameters.norm && !parameters.output) throw refusal("a map out after the final norm", "none");

  const block = ({ attention, feedForward, norms, outputNorms, layerScale }: BlockParameters<Tensor>) => {
    const out = (map: Linear<Tensor>, name: "attention" | "feedForward"): Linear<Tensor> => {
      const norm = outputNorms?.[name];
      if (norm && !affine) return map;
      const normed = norm ? scaledOut(map, norm) : map;
      return layerScale?.[name] ? scaledOut(normed, { weight: layerScale[name] }) : normed;
    };
    // behind a norm that divides, the scale goes into that norm
    const scaledNorm = (norm: Norm<Tensor>, name: "attention" | "feedForward"): Norm<Tensor> =>
      layerScale?.[name] ? scaledRow(norm, layerScale[name]) : norm;
    const into = (map: Linear<Tensor>, name: "attention" | "feedForward"): Linear<Tensor> =>
      affine && norms?.[name] ? scaledIn(map, norms[name]) : map;
    const { query, key, value, output } = attention;
    return {
      attention: {
        ...attention,
        query: into(query, "attention"),
        key: into(key, "attention"),
        value: into(value, "attention"),
        output: out(output, "attention"),
      },
      ...(feedForward && {
        feedForward: {
          expand: into(feedForward.expand, "feedForward"),
          contract: out(feedForward.contract, "feedForward"),
        },
      }),
      ...(!affine && norms && { norms }),
      ...(!affine &&
        outputNorms && {
          outputNorms: {
            attention: scaledNorm(outputNorms.attention, "attention"),
            ...(outputNorms.feedForward && { feedForward: scaledNorm(outputNorms.feedForward, "feedForward") }),
          },
        }),
    };
  };
  const { norm, output, blocks, ...rest } = parameters;
  return encoderFromParameters(
    { ...config, norm: affine ? "none" : kind, layerScale: "none" },
    {
      ...rest,
      blocks: blocks.map(block),
      ...(norm && !affine && { norm }),
      ...(output && { output: norm && affine ? scaledIn(output, norm) : output }),
    },
  );
}

const refusal = (expected: string, got: string): UnsupportedError =>
  new UnsupportedError(`foldScales: expected ${expected}, got ${got}`);

/** (s x + t) W + b = x (diag(s) W) + (t W + b). */
function scaledIn({ weight, bias }: Linear<Tensor>, { weight: s, bias: t }: Norm<Tensor>): Linear<Tensor> {
  const [rows, columns] = weight.shape;
  const scaled = sameKind(weight);
  const moved = new Float64Array(columns);
  if (bias) moved.set(bias.data);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const w = weight.data[i * columns + j];
      scaled.data[i * columns + j] = s.data[i] * w;
      moved[j] += (t?.data[i] ?? 0) * w;
    }
  if (!t && !bias) return { weight: scaled };
  const shift = sameKind({ ...weight, shape: [columns] });
  shift.data.set(moved);
  return { weight: scaled, bias: shift };
}

/** s (x W + b) + t = x (W diag(s)) + (s b + t); one s serves all channels if there is only one. */
function scaledOut({ weight, bias }: Linear<Tensor>, { weight: s, bias: t }: Norm<Tensor>): Linear<Tensor> {
  const [, columns] = weight.shape;
  const factor = (j: number): number => s.data[s.data.length === 1 ? 0 : j];
  const scaled = sameKind(weight);
  for (let k = 0; k < weight.data.length; k++) scaled.data[k] = weight.data[k] * factor(k % columns);
  if (!t && !bias) return { weight: scaled };
  const shift = sameKind({ ...weight, shape: [columns] });
  for (let j = 0; j < columns; j++) shift.data[j] = factor(j) * (bias?.data[j] ?? 0) + (t?.data[j] ?? 0);
  return { weight: scaled, bias: shift };
}

/** s (w y + b) = (s w) y + s b. */
function scaledRow({ weight, bias }: Norm<Tensor>, s: Tensor): Norm<Tensor> {
  const scaled = (row: Tensor): Tensor => {
    const out = sameKind(row);
    for (let j = 0; j < row.data.length; j++) out.data[j] = s.data[s.data.length === 1 ? 0 : j] * row.data[j];
    return out;
  };
  return { weight: scaled(weight), ...(bias && { bias: scaled(bias) }) };
}

/** A tensor of this shape and dtype, to be filled. */
const sameKind = ({ dtype, shape }: Pick<Tensor, "dtype" | "shape">): Tensor => ({
  dtype,
  shape,
  data: allocate(
    dtype,
    shape.reduce((size, n) => size * n, 1),
  ),
});
