// the kernels that loops call are exported too, so that the optimiser doesn't inline them: see kernel32.ts
export { activate32 } from "./activate";
export { add32, add64, multiply32, multiply64, sum32, sum64 } from "./arithmetic";
export { attend32, attendWork, packedSize, packKeys, packValues } from "./attention";
export {
  accumulate,
  attendGradient32,
  copyRows,
  gradientWork,
  panelsOfScores,
  pointwiseGradient,
  softmaxGradient,
} from "./gradient";
export { calibrate32, kernel32, product32 } from "./kernel32";
export { calibrate64, kernel64, product64 } from "./kernel64";
export { matmul32, matmul64, matmulWork32, matmulWork64 } from "./matmul";
export { normalize32 } from "./normalize";
export {
  copyA32,
  copyA64,
  copyB32,
  copyB64,
  transposeA32,
  transposeA64,
  transposeB32,
  transposeB64,
} from "./pack";
export { apply64 } from "./precise";
export { absorbScores, absorbValue, scan32, startState, stateSize, stream32 } from "./scan";
export {
  adjustScores,
  divideLanes,
  exponentials,
  hideScores,
  maskScores,
  preciseExponentials,
  preciseScores,
  reluScores,
  scaleLanes,
  sigmoidScores,
  softmaxScores,
  softplusScores,
  sparsemaxScores,
  squaredReluScores,
  storeLanes,
} from "./scores";
export { weigh32, weighScores } from "./weigh";
export { addRows, compress, gather4, gather32, isSparse, sparseValues } from "./sparse";
