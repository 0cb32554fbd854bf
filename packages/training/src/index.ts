export { type Checkpoint, checkpointFromTensors, checkpointTensors, type Run } from "./checkpoint.ts";
export { type Dataset, type Examples, takeRows } from "./data.ts";
export { type FitOptions, fit, type InputName, type Step } from "./fit.ts";
export { type Gradient, type GradientOptions, gradient } from "./gradient.ts";
export { crossEntropy, huber, type Loss, meanSquared } from "./losses.ts";
export {
  type AdamOptions,
  type AdamWOptions,
  adam,
  adamW,
  type Named,
  type Optimizer,
  type OptimizerState,
  type SgdOptions,
  sgd,
} from "./optimizers.ts";
export { type RecipeOptions, recipe } from "./recipe.ts";
export { type CosineOptions, constantRate, cosine, type Schedule } from "./schedules.ts";
