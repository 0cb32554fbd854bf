export {
  type Agreement,
  againstRounded,
  agreement,
  atMostTwiceRounded,
  float64Tolerance,
  judged,
} from "./agreement.ts";
export { type Stacked, stackings, stackTensors } from "./batch.ts";
export { pointwiseActivations } from "./cases/activate.ts";
export { weighings } from "./cases/weigh.ts";
export { checkBatch, checkDecomposition, checkRefusal, checkValues, type Finding } from "./check-case.ts";
export { checkDerivative } from "./check-derivative.ts";
export { type Seeded, seeded } from "./data.ts";
export { largestDifference, relativeDifference, scaleOf, ulp, ulps } from "./measures.ts";
export { naiveActivation, naiveNormalDistribution } from "./naive/activations.ts";
export { everyEntry, type Matrix, type Numbers, overBatch, type Row, rankOf } from "./naive/nested.ts";
export { naive, naiveAttention, naiveMatmul, naiveNormalize, naiveScan } from "./naive/operations.ts";
export { naiveEntmax, naiveSees, naiveSoftmax, naiveSparsemax, naiveWeigh } from "./naive/rows.ts";
export { call, movesNumbers, type OpCase, oneHead, opCase, operandsIn, recordCase } from "./op-case.ts";
export { opCases } from "./op-cases.ts";
export {
  conformance,
  type OpSuiteOptions,
  type Report,
  type ReportRow,
  runOpSuite,
  type TestRunner,
} from "./op-suite.ts";
export { refusals } from "./refusals.ts";
export { dot, moved, slopeAt0 } from "./slope.ts";
