/**
 * @file Named presets: what papers found to work, as plain data: `attention` for a layer's config, the rest for the blocks of a
 * model.
 */
import type { Divide, Weighing } from "@splineformer/tensor";

/** What a preset says of a layer. */
export interface AttentionPreset {
  readonly activation: Weighing;
  readonly divide: Divide;
  readonly qkNorm: "none" | "layer" | "rms";
}

/** What a preset says of the blocks around it. */
export interface BlockPreset {
  readonly attention: AttentionPreset;
  /** What the learned factors of a sublayer start at. */
  readonly layerScale: number | "none";
  /** `"hybrid"`: `x + norm(attention(norm(x)))`. */
  readonly normPlacement: "pre" | "hybrid";
}

/**
 * Presets by name.
 *
 * - `sigmoid`: the best practice of sigmoid attention: bias −log n, QK-norm, LayerScale from 1e-4, hybrid norm (arXiv 2409.04431).
 * - `sigmoidFixed`: the same for streams whose length is not known, with the bias for 2,048 keys, −7.62.
 * - `relu`: ReLU by the visible keys, a cubic spline (arXiv 2408.09624, 2309.08586).
 * - `softmax`: what everybody knows (arXiv 1706.03762).
 *
 * @example
 * ```ts
 * import { presets } from "@splineformer/attention";
 * presets.sigmoid.attention; // { activation: { name: "sigmoid", bias: "-log length" }, divide: "none", qkNorm: "layer" }
 * presets.sigmoid.layerScale; // 0.0001
 * ```
 */
export const presets = {
  sigmoid: {
    attention: { activation: { name: "sigmoid", bias: "-log length" }, divide: "none", qkNorm: "layer" },
    layerScale: 1e-4,
    normPlacement: "hybrid",
  },
  sigmoidFixed: {
    attention: { activation: { name: "sigmoid", bias: -7.62 }, divide: "none", qkNorm: "layer" },
    layerScale: 1e-4,
    normPlacement: "hybrid",
  },
  relu: {
    attention: { activation: "relu", divide: "length", qkNorm: "none" },
    layerScale: "none",
    normPlacement: "pre",
  },
  softmax: {
    attention: { activation: "softmax", divide: "none", qkNorm: "none" },
    layerScale: "none",
    normPlacement: "pre",
  },
} as const satisfies Readonly<Record<string, BlockPreset>>;
