export {
  type AttentionConfig,
  type AttentionOperands,
  type AttentionParameters,
  attend,
} from "./attend.ts";
export { type AttentionMask, type AttentionOptions, attention } from "./attention.ts";
export { type Linear, project } from "./linear.ts";
