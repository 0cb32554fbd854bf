/**
 * @file Cases of weigh: every activation, mask, visible operand, divisor and order.
 */
import { type Attributes, showWeighing, tensor, type Weighing, zeros } from "@splineformer/tensor";
import { seeded } from "../data.ts";
import { type OpCase, opCase } from "../op-case.ts";
import { pointwiseActivations } from "./activate.ts";

const data = seeded(11);

/** Everything that turns scores into weights. */
export const weighings: readonly Weighing[] = [
  "softmax",
  "sparsemax",
  ...pointwiseActivations,
  { name: "sigmoid", bias: "-log length" },
  { name: "sigmoid", bias: -1.5 },
];

const plain: Attributes["weigh"] = { activation: "softmax", mask: "none", order: 0, divide: "none" };
const few = ["softmax", "sparsemax", "relu", "sigmoid"] as const;
const scores = (...shape: number[]) => data.normal(shape, { deviation: 2 });

const everyActivation: readonly OpCase[] = weighings.flatMap((activation) => {
  const name = showWeighing(activation);
  const zero = opCase("weigh", `${name} of 5 queries and 7 keys`, [scores(5, 7)], { ...plain, activation });
  if (activation === "softmax") return [zero];
  const one = { ...plain, activation, order: 1 } as const;
  return [
    zero,
    opCase("weigh", `derivative of ${name}`, [scores(5, 7)], one),
    opCase("weigh", `derivative of ${name}, causal, by length`, [scores(3, 5, 7)], {
      ...one,
      mask: "causal",
      divide: "length",
    }),
  ];
});

const masks: readonly OpCase[] = few.flatMap((activation) =>
  (["causal", { window: 1 }, { window: 3 }] as const).flatMap((mask) => {
    const name = typeof mask === "string" ? mask : `window ${mask.window}`;
    const attributes = { ...plain, activation, mask };
    return [
      opCase("weigh", `${activation}, ${name}, more queries than keys`, [scores(7, 5)], attributes),
      opCase("weigh", `${activation}, ${name}, more keys than queries`, [scores(5, 7)], attributes),
      opCase("weigh", `${activation}, ${name}, with batch and heads`, [scores(2, 3, 5, 5)], attributes),
    ];
  }),
);

/** A mask of which the third query sees nothing, and the first sees one key. */
const holes = (() => {
  const mask = data.mask([5, 7], 0.5);
  mask.data.fill(0, 2 * 7, 3 * 7);
  mask.data.fill(0, 0, 7);
  mask.data[4] = 1;
  return mask;
})();

const visible: readonly OpCase[] = few.flatMap((activation) => {
  const attributes = { ...plain, activation };
  const of = (special: string) => `${activation}, ${special}`;
  return [
    opCase("weigh", of("a query that sees nothing gets no weight"), [scores(5, 7), holes], attributes),
    opCase("weigh", of("nothing is visible to anybody"), [scores(3, 5), zeros([3, 5], { dtype: "bool" })], attributes),
    opCase("weigh", of("keys hidden from every query"), [scores(5, 7), data.mask([7])], attributes),
    opCase("weigh", of("keys hidden from every query, as one row"), [scores(5, 7), data.mask([1, 7])], attributes),
    opCase("weigh", of("queries that see all or nothing"), [scores(5, 7), data.mask([5, 1])], attributes),
    opCase("weigh", of("a mask for the whole batch"), [scores(2, 5, 7), data.mask([5, 7])], attributes),
    opCase(
      "weigh",
      of("a mask for each of a batch, for all heads"),
      [scores(2, 3, 5, 7), data.mask([2, 1, 5, 7])],
      attributes,
    ),
    opCase("weigh", of("a mask of real numbers"), [scores(3, 5), tensor([1, 0, 1, 1, 0])], attributes),
    opCase("weigh", of("visible and causal, by length"), [scores(5, 7), data.mask([5, 7])], {
      ...attributes,
      mask: "causal",
      divide: "length",
    }),
  ];
});

const divisors: readonly OpCase[] = few.flatMap((activation) =>
  (["length", { lengthPower: 0.5 }, { lengthPower: -1 }] as const).flatMap((divide) => {
    const name = typeof divide === "string" ? "length" : `length to the power ${divide.lengthPower}`;
    const attributes = { ...plain, activation, divide };
    return [
      opCase("weigh", `${activation} by ${name}`, [scores(5, 7)], attributes),
      opCase("weigh", `${activation} by ${name}, window 3`, [scores(7, 5)], { ...attributes, mask: { window: 3 } }),
      opCase("weigh", `${activation} by ${name}, a query that sees nothing`, [scores(5, 7), holes], attributes),
    ];
  }),
);

const extremes: readonly OpCase[] = few.flatMap((activation) => {
  const attributes = { ...plain, activation };
  const of = (special: string) => `${activation}, ${special}`;
  return [
    opCase(
      "weigh",
      of("scores of ±10,000"),
      [
        tensor([
          [1e4, -1e4, 9999],
          [-1e4, -1e4, -9999.5],
        ]),
      ],
      attributes,
    ),
    opCase(
      "weigh",
      of("scores of ±88"),
      [
        tensor([
          [88, -88, 0, 87],
          [-88, -87, -88, -89],
        ]),
      ],
      attributes,
    ),
    opCase(
      "weigh",
      of("equal scores"),
      [
        tensor([
          [3, 3, 3, 3, 3],
          [0, 0, 0, 0, 0],
        ]),
      ],
      attributes,
    ),
    opCase("weigh", of("one query and one key"), [scores(1, 1)], attributes),
    opCase("weigh", of("one key"), [scores(5, 1)], attributes),
    opCase("weigh", of("one query, as in decoding"), [scores(1, 13)], attributes),
    opCase("weigh", of("more keys than any vector register"), [scores(3, 37)], attributes),
  ];
});

export const weighCases: readonly OpCase[] = [...everyActivation, ...masks, ...visible, ...divisors, ...extremes];
