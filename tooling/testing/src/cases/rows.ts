/**
 * @file Cases of normalize and scan: rows with a large mean, scores that rise.
 */
import { tensor } from "@splineformer/tensor";
import { seeded } from "../data.ts";
import { type OpCase, opCase } from "../op-case.ts";

const data = seeded(13);

const norms: readonly OpCase[] = (["layer", "rms"] as const).flatMap((kind) => [
  opCase("normalize", `${kind}`, [data.normal([5, 7])], { kind, epsilon: 1e-5 }),
  opCase("normalize", `${kind}, with batch`, [data.normal([2, 3, 11])], { kind, epsilon: 1e-5 }),
  opCase("normalize", `${kind}, without epsilon`, [data.normal([5, 7])], { kind, epsilon: 0 }),
  opCase("normalize", `${kind}, mean 1000`, [data.normal([5, 37], { mean: 1000 })], { kind, epsilon: 1e-5 }),
  opCase("normalize", `${kind}, a constant row`, [tensor([[3, 3, 3, 3, 3]])], { kind, epsilon: 1e-5 }),
  opCase("normalize", `${kind}, width 1`, [data.normal([5, 1])], { kind, epsilon: 1e-5 }),
  opCase("normalize", `${kind}, a vector`, [data.normal([13])], { kind, epsilon: 1e-6 }),
]);

const kind = "softmax";
const scans: readonly OpCase[] = [
  opCase("scan", "5 tokens of width 3", [data.normal([5, 1]), data.normal([5, 3])], { kind }),
  opCase("scan", "37 tokens of width 5", [data.normal([37, 1], { deviation: 3 }), data.normal([37, 5])], { kind }),
  opCase("scan", "with batch", [data.normal([2, 7, 1]), data.normal([2, 7, 3])], { kind }),
  opCase("scan", "one list of scores for a batch of values", [data.normal([7, 1]), data.normal([2, 7, 3])], { kind }),
  opCase("scan", "a batch of scores for one list of values", [data.normal([2, 7, 1]), data.normal([7, 3])], { kind }),
  opCase("scan", "one token", [data.normal([1, 1]), data.normal([1, 3])], { kind }),
  opCase("scan", "scores 1000, 1001, −1000", [tensor([[1000], [1001], [-1000]]), tensor([[1], [2], [3]])], { kind }),
  opCase("scan", "rising scores up to 10,000", [tensor([[-1e4], [-88], [0], [88], [1e4]]), data.normal([5, 3])], {
    kind,
  }),
  opCase("scan", "falling scores down to −10,000", [tensor([[1e4], [88], [0], [-88], [-1e4]]), data.normal([5, 3])], {
    kind,
  }),
  opCase("scan", "equal scores are a running mean", [tensor([[2], [2], [2], [2], [2]]), data.normal([5, 3])], { kind }),
];

export const rowCases: readonly OpCase[] = [...norms, ...scans];
