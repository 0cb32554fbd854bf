/**
 * @file A spline of one variable becomes the weights of an encoder. Here the features (heads, units, a line) are laid out
 * as parameters of `@splineformer/transformer`, in one of three forms. Letters: K the number of intervals.
 */
import type { PiecewisePolynomial } from "@splineformer/spline";
import { checkOptions, required, show, type Tensor, tensor } from "@splineformer/tensor";
import {
  type Encoder,
  type EncoderOptions,
  encoderFromParameters,
  type StackParameters,
} from "@splineformer/transformer";
import { attentionFeatures } from "./attention-features.ts";
import { blockFeatures } from "./block-features.ts";
import { readCubic } from "./continuous-cubic.ts";
import { type Affine, type Features, type Head, inFrame, type Unit } from "./features.ts";
import { type Frame, frameOf, type Round } from "./frame.ts";

/** Where the knots are put: in heads and hidden units, in heads alone, or in tokens. */
export type SplineForm = "block" | "attention" | "tokens";

export interface SplineEncoderOptions {
  /**
   * `"block"` (default): K heads and K + 1 hidden units, the smallest; from 64 intervals on, for the sake of float32, about 4K/3
   * heads and K/3 units. `"attention"`: 2K + 1 heads and no feed-forward, the most accurate where gaps are alike. `"tokens"`:
   * one head over 2K + 1 tokens made of x, its knots in the position table.
   */
  readonly form?: SplineForm;
  /** How weights are stored; for float32 they are chosen so that their rounding is made good. Default `"float64"`. */
  readonly dtype?: "float32" | "float64";
}

const forms: { readonly [F in SplineForm]: (s: Features, frame: Frame, dense: Dense) => Layout } = {
  block: inHeads,
  attention: inHeads,
  tokens: inTokens,
};

/**
 * The one-block ReLU encoder with x ↦ s(x) for all real x.
 *
 * On each interval a cubic minus its chord is `(x − x_i)(x_{i+1} − x)` times an affine function, and ReLU of that product
 * (a score: query times key) vanishes outside the interval. So one head of width 1 for each interval, and a broken line,
 * are every continuous piecewise cubic: C⁰ is enough. Knots stand in the weights as −bias/weight.
 *
 * Input x: [.., tokens, 1], and each token is mapped by itself (`"tokens"`: [.., 1, 1]); put many points in a batch axis
 * [points, 1, 1]. Scale 1, no divisor, ReLU, no norm. Channels 0 and 1 carry x and the sum.
 *
 * Rounding, u = 2⁻⁵³ in float64 and 2⁻²⁴ in float32: up to 256 knots the block form is within `u · (8 + 4 · slope · range / size)`
 * of the spline, relative to its size, with its largest slope, the knots' range, and the largest value there (outside, plus the way
 * times the largest slope). That limit is measured, not proven: twice what was ever seen, for values of alternating and random
 * signs and gaps up to 1000 : 1. At even gaps, or gaps up to 20 : 1, it was 1e-13 and 4e-5. Where values leap within a tiny
 * gap, moving x by one rounding of the range moves the spline by u · slope · range, and no network in float32 knows better.
 * In float32 x itself is rounded before the network sees it, and so are the knots: an encoder of years 1958 … 2020 is exact at
 * the rounded year, and that is up to half an hour away; one of knots at 10⁴ knows x to 5e-4.
 *
 * @param s - continuous, degree ≤ 3, with linear (or constant) tails
 * @param options - `form`: default `"block"`; `dtype`: default `"float64"`
 * @throws UnsupportedError if s is of higher degree, not continuous, or has other tails: it is never approximated
 * @throws RangeError if an option is unknown, or a number is not finite or (float32) does not fit
 * @source arXiv 2408.09624 (ReLU transformers are splines, and conversely); the bubbles are this project's
 * @example
 * ```ts
 * import { encoderFromSpline } from "@splineformer/compiler";
 * import { interpolateCubic } from "@splineformer/spline";
 * import { forward, tensor, toNested } from "@splineformer/tensor";
 * const model = encoderFromSpline(interpolateCubic([0, 1, 2], [0, 1, 0]));
 * model.config.heads; // 2
 * toNested(forward(model, tensor([[0.5], [-2]]))); // [[0.6875], [-3]]
 * ```
 */
export function encoderFromSpline(s: PiecewisePolynomial, options: SplineEncoderOptions = {}): Encoder {
  const where = "encoderFromSpline";
  checkOptions(where, options, ["form", "dtype"]);
  const { form = "block", dtype = "float64" } = options;
  required(Object.hasOwn(forms, form), where, `form one of ${Object.keys(forms).map(show).join(", ")}`, form);
  required(dtype === "float32" || dtype === "float64", where, 'dtype "float32" or "float64"', dtype);
  const cubic = readCubic(where, s);
  const round: Round = dtype === "float32" ? Math.fround : (x) => x;
  const frame = frameOf(cubic.knots);
  const framed = inFrame(cubic, frame, round);
  const merged = framed.knots.findIndex((k, i) => i > 0 && !(k > framed.knots[i - 1]));
  if (merged > 0)
    required(false, where, `knots that ${dtype} can tell apart`, [cubic.knots[merged - 1], cubic.knots[merged]]);
  const features = form === "block" ? blockFeatures(framed, round) : attentionFeatures(framed, round);
  const { options: shape, parameters } = forms[form](features, frame, denseOf(where, dtype));
  const attention = { activation: "relu", divide: "none", scale: 1, mask: { window: 1 } } as const;
  return encoderFromParameters(
    { ...shape, layers: 1, headWidth: 1, attention, layerScale: "none", clamp: "none", input: 1, output: 1, dtype },
    parameters,
  );
}

interface Layout {
  readonly options: Pick<EncoderOptions, "width" | "heads" | "hidden" | "tokens" | "positions" | "pool">;
  readonly parameters: StackParameters<Tensor>;
}

interface AffineMap {
  readonly weight: Tensor;
  readonly bias: Tensor;
}
/** weight [in][out], and a bias. */
type Dense = (weight: readonly (readonly number[])[], bias: readonly number[]) => AffineMap;

function denseOf(where: string, dtype: "float32" | "float64"): Dense {
  const stored = (numbers: readonly number[] | readonly (readonly number[])[]): Tensor => {
    const x = tensor(numbers, { dtype });
    const bad = x.data.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) required(false, where, `a spline whose weights stay finite in ${dtype}`, numbers.flat()[bad]);
    return x;
  };
  return (weight, bias) => ({ weight: stored(weight), bias: stored(bias) });
}

const slopes = (maps: readonly Affine[]): number[] => maps.map((a) => a.slope);
const constants = (maps: readonly Affine[]): number[] => maps.map((a) => a.constant);

/** Residual stream (z, sum): every head and every unit reads channel 0 and writes channel 1. */
function inHeads({ heads, units, line }: Features, { centre, scale }: Frame, dense: Dense): Layout {
  const reading = (maps: readonly Affine[]): AffineMap => dense([slopes(maps), maps.map(() => 0)], constants(maps));
  const writing = (parts: readonly (Head | Unit)[]): AffineMap =>
    dense(
      parts.map(({ height }) => [0, height]),
      [0, 0],
    );
  return {
    options: { width: 2, heads: heads.length, hidden: units.length },
    parameters: {
      input: dense([[1 / scale, 0]], [-centre / scale, 0]),
      blocks: [
        {
          attention: {
            query: reading(heads.map((head) => head.query)),
            key: reading(heads.map((head) => head.key)),
            value: reading(heads.map((head) => head.value)),
            output: writing(heads),
          },
          ...(units.length > 0 && {
            feedForward: { expand: reading(units.map((unit) => unit.input)), contract: writing(units) },
          }),
        },
      ],
      output: dense([[line.slope], [1]], [line.constant]),
    },
  };
}

/**
 * Each head becomes a token with channels (query, key, value, sum, z): slopes in the input map, constants in the position
 * table, and the one head reads the first three. z is carried by the first token alone, for the line. Readout: the sum of all.
 */
function inTokens({ heads, line }: Features, { centre, scale }: Frame, dense: Dense): Layout {
  const tokens = heads.length;
  const channels = heads.map(({ query, key, value, height }, i): readonly Affine[] => [
    query,
    key,
    // what is written to the residual stream has no weight of its own here, so the height is the value's
    { slope: height * value.slope, constant: height * value.constant },
    { slope: 0, constant: 0 },
    { slope: i === 0 ? 1 : 0, constant: 0 },
  ]);
  const all = slopes(channels.flat());
  const pick = (channel: number): AffineMap =>
    dense(
      Array.from({ length: 5 }, (_, i) => [i === channel ? 1 : 0]),
      [0],
    );
  return {
    options: { width: 5, heads: 1, hidden: 0, tokens, positions: { learned: tokens }, pool: "mean" },
    parameters: {
      input: dense(
        [all.map((slope) => slope / scale)],
        all.map((slope) => (-slope * centre) / scale),
      ),
      positions: dense(channels.map(constants), []).weight,
      blocks: [
        {
          attention: {
            query: pick(0),
            key: pick(1),
            value: pick(2),
            output: dense([[0, 0, 0, 1, 0]], [0, 0, 0, 0, 0]),
          },
        },
      ],
      output: dense([[0], [0], [0], [tokens], [tokens * line.slope]], [line.constant]),
    },
  };
}
