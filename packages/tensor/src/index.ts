export {
  activationDegree,
  activationOf,
  differentiate,
  horner,
  pieceAt,
  pointwiseFunction,
  showActivation,
} from "./activations.ts";
export { checkOperations, checkOptions, checkRecord, required } from "./check.ts";
export { attention, linear, openAttention, openLinear } from "./composites.ts";
export { registerActivation } from "./custom-activations.ts";
export { type Degree, degreesOf, graphDegree } from "./degree.ts";
export { ShapeError, show, UnsupportedError } from "./errors.ts";
export { apply, type Bindings, evaluate, evaluateAll, open, readLeaf } from "./evaluate.ts";
export {
  type Applied,
  fold,
  type Graph,
  isLeaf,
  type Leaf,
  type Node,
  operandsOf,
  opNames,
  type RecordOptions,
  type Rules,
  record,
  unsupported,
} from "./graph.ts";
export { inferShape } from "./infer-shape.ts";
export {
  type ForwardOptions,
  forward,
  type Given,
  graphOf,
  type InputShape,
  type Network,
  namedInputs,
} from "./network.ts";
export { normalDistribution } from "./normal-distribution.ts";
export { type Lifted, lift, parametersOf, withParameters } from "./parameters.ts";
export { createPause } from "./pause.ts";
export { philox4x32 } from "./philox.ts";
export type { PiecewiseActivation, Pointwise, PointwiseName, SmoothActivation } from "./pointwise.ts";
export { type PullbackOptions, type Pulled, pullback } from "./pullback.ts";
export { type Random, random } from "./random.ts";
export { reference, reference32 } from "./reference.ts";
export {
  broadcastOffsets,
  broadcastShapes,
  type Shape,
  type Shaped,
  sameShape,
  showShape,
  sizeOf,
} from "./shape.ts";
export {
  allocate,
  cast,
  type DType,
  findNonFinite,
  isTensor,
  type Nested,
  reshape,
  type Storage,
  type Tensor,
  type TensorData,
  tensor,
  toNested,
  zeros,
} from "./tensor.ts";
export {
  type Arguments,
  type Attributes,
  type CompositeName,
  type Composites,
  compositeNames,
  type Device,
  type DifferentiatedAttention,
  type Divide,
  isComposite,
  type Mask,
  type Operands,
  type OpName,
  type Ops,
  type PrimitiveName,
  type Primitives,
  type Scratch,
  type SynchronousDevice,
  type Weighing,
  within,
} from "./vocabulary.ts";
export { divisor, sigmoidBias, sparsemaxThreshold, visibleKeys, weighRow } from "./weigh.ts";
export {
  actsOnRows,
  checkDivide,
  checkMask,
  checkWeighing,
  type RowWeighing,
  rowAlpha,
  showWeighing,
} from "./weighing.ts";
export type { PlacedMatrix, Workspace } from "./workspace.ts";
