export { type AarenConfig, type AarenParameters, aaren, cumulativeSum } from "./aaren.ts";
export {
  type AttentionConfig,
  type AttentionOperands,
  type AttentionParameters,
  attend,
  attendParts,
  type HeadNorm,
} from "./attend.ts";
export { type AttentionMask, type AttentionOptions, attention } from "./attention.ts";
export {
  type AttentionCache,
  attendNext,
  attendSource,
  createAttentionCache,
  createSourceCache,
  type SourceCache,
} from "./cache.ts";
export { type Dropout, dropoutFactors } from "./dropout.ts";
export { type Explanation, explainAttention, type KeyExplanation } from "./explain.ts";
export { explainLayer, type LayerExplanation } from "./explain-layer.ts";
export { explanationSvg } from "./explanation-svg.ts";
export { explanationText } from "./explanation-text.ts";
export type { FixedQuery, FixedQueryOptions } from "./fixed-query.ts";
export { inContextRegression, type OptimalWindow, optimalWindow } from "./in-context.ts";
export type { Intermediates } from "./intermediates.ts";
export {
  type AttentionLayer,
  type CrossJacobianBound,
  crossJacobianBound,
  type JacobianBound,
  jacobianBound,
  type StackBound,
  type StackedLayer,
  stackJacobianBound,
} from "./jacobian-bound.ts";
export { type Linear, project } from "./linear.ts";
export { type Alibi, alibi, alibiBias, type Rotary, rotary } from "./positions.ts";
export { prefixScan, prefixScanAttention } from "./prefix-scan.ts";
export { type AttentionPreset, type BlockPreset, presets } from "./presets.ts";
export { combineSums, type RunningSum } from "./running-sum.ts";
export { spectralNorm } from "./spectral-norm.ts";
export { type AttentionState, createState, joinStates, step } from "./state.ts";
export { tokenwiseNorm } from "./token-jacobians.ts";
export { causalVisibility, lengthVisibility, type PastMask } from "./visibility.ts";
