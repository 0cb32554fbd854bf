export type { AttentionParameters, Linear } from "@splineformer/attention";
export {
  type BatchNormalized,
  batchNormalized,
  batchStatistics,
  foldBatchNorm,
  type NormStatistics,
} from "./batch-norm.ts";
export type {
  DecoderConfig,
  DecoderOptions,
  EncoderConfig,
  EncoderOptions,
  LanguageModelOptions,
  ModelConfig,
  Patches,
  StackConfig,
  TransformerConfig,
  TransformerOptions,
} from "./config.ts";
export { type DegreeOptions, degree } from "./degree.ts";
export { foldScales } from "./fold-scales.ts";
export { type GenerateOptions, generate } from "./generate.ts";
export { type IntermediatesOptions, intermediates } from "./intermediates.ts";
export { loadJson, saveJson } from "./json.ts";
export { type CachedModel, type CacheOptions, createCache, forwardNext, type ModelCache } from "./model-cache.ts";
export { type ModelJacobianBound, modelJacobianBound } from "./model-jacobian-bound.ts";
export {
  createDecoder,
  createEncoder,
  createLanguageModel,
  createTransformer,
  type Decoder,
  decoderFromParameters,
  type Encoder,
  encoderFromParameters,
  type Model,
  type Transformer,
  transformerFromParameters,
} from "./models.ts";
export type {
  BlockParameters,
  FeedForwardParameters,
  Norm,
  PerSublayer,
  StackParameters,
  TransformerParameters,
} from "./parameters.ts";
export { checkResidual, residualSizes } from "./residual-sizes.ts";
export { loadSafetensors, type SaveOptions, saveSafetensors } from "./safetensors.ts";
export {
  readSafetensors,
  type Safetensors,
  SafetensorsError,
  type StoredDType,
  type WriteOptions,
  writeSafetensors,
} from "./safetensors-format.ts";
export type { PlaceBound } from "./stack-bound.ts";
export type { CreateOptions } from "./starting-residual.ts";
export { summary } from "./summary.ts";
