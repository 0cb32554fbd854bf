/**
 * @file Cases of the composites: linear and attention.
 */
import { showActivation, showWeighing, tensor } from "@splineformer/tensor";
import { seeded } from "../data.ts";
import { type OpCase, oneHead, opCase } from "../op-case.ts";
import { pointwiseActivations } from "./activate.ts";
import { weighings } from "./weigh.ts";

const data = seeded(17);

const linears: readonly OpCase[] = [
  ...pointwiseActivations.flatMap((activation) => [
    opCase(
      "linear",
      `with bias, ${showActivation(activation)}`,
      [data.normal([5, 7]), data.normal([7, 3]), data.normal([3])],
      { activation },
    ),
    opCase(
      "linear",
      `without bias, ${showActivation(activation)}`,
      [data.normal([5, 7]), data.normal([7, 3]), undefined],
      {
        activation,
      },
    ),
  ]),
  opCase("linear", "with batch", [data.normal([2, 5, 7]), data.normal([7, 3]), data.normal([3])], {
    activation: "relu",
  }),
  opCase("linear", "one token", [data.normal([1, 7]), data.normal([7, 13]), data.normal([13])], { activation: "relu" }),
  opCase("linear", "width 1 to width 1", [data.normal([5, 1]), data.normal([1, 1]), data.normal([1])], {
    activation: "relu",
  }),
  opCase("linear", "more entries than a tile", [data.normal([13, 19]), data.normal([19, 29]), data.normal([29])], {
    activation: "gelu",
  }),
];

const plain = { ...oneHead, activation: "softmax" } as const;
/** Query [n, heads · d], key [m, groups · d], value [m, groups · e]. */
const operands = (n: number, m: number, heads = 1, groups = 1, d = 3, e = 2, batch: readonly number[] = []) => [
  data.normal([...batch, n, heads * d]),
  data.normal([...batch, m, groups * d]),
  data.normal([...batch, m, groups * e]),
];

const few = ["softmax", "sparsemax", "relu", "sigmoid"] as const;

const attentions: readonly OpCase[] = [
  ...weighings.map((activation) =>
    opCase("attention", `${showWeighing(activation)}, one head`, operands(5, 7), { ...plain, activation }),
  ),
  ...few.flatMap((activation) => {
    const of = (special: string) => `${activation}, ${special}`;
    const two = { ...plain, activation, heads: 2, keyValueHeads: 2, scale: 3 ** -0.5 };
    return [
      opCase("attention", of("2 heads, scaled"), operands(5, 7, 2, 2), two),
      opCase("attention", of("2 heads, causal"), operands(5, 5, 2, 2), { ...two, mask: "causal" }),
      opCase("attention", of("2 heads, window 3"), operands(7, 5, 2, 2), { ...two, mask: { window: 3 } }),
      opCase("attention", of("2 heads by length, causal"), operands(5, 7, 2, 2), {
        ...two,
        mask: "causal",
        divide: "length",
      }),
      opCase("attention", of("2 heads with batch"), operands(5, 7, 2, 2, 3, 2, [3]), two),
      opCase("attention", of("6 heads share 2 groups of keys and values"), operands(5, 7, 6, 2), {
        ...two,
        heads: 6,
        keyValueHeads: 2,
      }),
      opCase("attention", of("3 heads share one group, with batch"), operands(5, 7, 3, 1, 2, 5, [2]), {
        ...two,
        heads: 3,
        keyValueHeads: 1,
      }),
      opCase("attention", of("a bias for each head"), [...operands(5, 7, 2, 2), data.normal([2, 5, 7])], two),
      opCase("attention", of("one bias for all heads"), [...operands(5, 7, 2, 2), data.normal([5, 7])], two),
      opCase("attention", of("a bias for each key"), [...operands(5, 7, 2, 2), data.normal([7])], two),
      opCase("attention", of("visible keys"), [...operands(5, 7, 2, 2), undefined, data.mask([5, 7])], two),
      opCase(
        "attention",
        of("a query that sees nothing gets 0"),
        [
          ...operands(3, 2, 2, 2),
          undefined,
          tensor([
            [1, 1],
            [0, 0],
            [0, 1],
          ]),
        ],
        two,
      ),
      opCase(
        "attention",
        of("visible keys for each of a batch"),
        [...operands(5, 7, 2, 2, 3, 2, [3]), undefined, data.mask([3, 1, 5, 7])],
        two,
      ),
      opCase(
        "attention",
        of("bias, visible and causal together"),
        [...operands(5, 5, 2, 2), data.normal([2, 5, 5]), data.mask([5, 5])],
        { ...two, mask: "causal", divide: "length" },
      ),
      opCase("attention", of("one token"), operands(1, 1, 2, 2), two),
      opCase("attention", of("one query, as in decoding"), operands(1, 13, 2, 2), two),
      opCase("attention", of("heads of width 1"), operands(5, 7, 3, 3, 1, 1), { ...two, heads: 3, keyValueHeads: 3 }),
      opCase("attention", of("more keys than a tile"), operands(17, 37, 2, 2, 11, 5), { ...two, scale: 11 ** -0.5 }),
      opCase(
        "attention",
        of("one set of keys and values for a batch of queries"),
        [data.normal([2, 5, 3]), data.normal([7, 3]), data.normal([7, 2])],
        { ...plain, activation },
      ),
      opCase(
        "attention",
        of("scores of ±10,000"),
        [tensor([[100], [-100], [0.5]]), tensor([[100], [-100], [99]]), data.normal([3, 2])],
        { ...plain, activation },
      ),
    ];
  }),
];

export const compositeCases: readonly OpCase[] = [...linears, ...attentions];
