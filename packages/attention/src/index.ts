export { type AarenConfig, type AarenParameters, aaren, cumulativeSum } from "./aaren.ts";
export {
  type AttentionConfig,
  type AttentionOperands,
  type AttentionParameters,
  attend,
} from "./attend.ts";
export { type AttentionMask, type AttentionOptions, attention } from "./attention.ts";
export type { FixedQuery, FixedQueryOptions } from "./fixed-query.ts";
export { type Linear, project } from "./linear.ts";
export { prefixScan, prefixScanAttention } from "./prefix-scan.ts";
export { combineSums, type RunningSum } from "./running-sum.ts";
export { type AttentionState, createState, joinStates, step } from "./state.ts";
