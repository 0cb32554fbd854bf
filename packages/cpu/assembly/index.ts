// what JavaScript calls
export { activate32 } from "./activate";
export { add32, add64, multiply32, multiply64, sum32 } from "./arithmetic";
export { attend32, attendWork, packedSize, packKeys, packValues } from "./attention";
export { attendGradient32, copyRows, gradientWork } from "./gradient";
export { calibrate32 } from "./kernel32";
export { calibrate64 } from "./kernel64";
export { matmul32, matmul64, matmulWork32, matmulWork64 } from "./matmul";
export { normalize32 } from "./normalize";
export { scan32, startState, stateSize, stream32 } from "./scan";
export { weigh32 } from "./weigh";

// what loops call is exported too, so that the optimiser doesn't inline it (see kernel32.ts): by letters, to weigh less
export { accumulate as a, panelsOfScores as b, pointwiseGradient as c, softmaxGradient as d } from "./gradient";
export { kernel32 as e, product32 as f } from "./kernel32";
export { kernel64 as g, product64 as h } from "./kernel64";
export { copyA32 as i, copyA64 as j, copyB32 as k, copyB64 as l } from "./pack";
export { transposeA32 as m, transposeA64 as n, transposeB32 as o, transposeB64 as p } from "./pack";
export { apply64 as q } from "./precise";
export { absorbScores as r, absorbValue as s } from "./scan";
export { adjustScores as t, divideLanes as u, exponentials as v, hideScores as w, maskScores as x } from "./scores";
export { preciseExponentials as y, preciseScores as z, reluScores as A, scaleLanes as B, sigmoidScores as C } from "./scores";
export { softmaxScores as D, softplusScores as E, sparsemaxScores as F, squaredReluScores as G, storeLanes as H } from "./scores";
export { addRows as I, compress as J, gather4 as K, gather32 as L, isSparse as M, sparseValues as N } from "./sparse";
export { weighScores as O } from "./weigh";
