/**
 * @file Cases of activate: every activation and its derivative, on moderate numbers, at the knots, and far out.
 */
import { activationOf, type Pointwise, showActivation, tensor } from "@splineformer/tensor";
import { seeded } from "../data.ts";
import { type OpCase, opCase } from "../op-case.ts";

/** Every activation, with parameters where it takes some. */
export const pointwiseActivations: readonly Pointwise[] = [
  "identity",
  "relu",
  "squaredRelu",
  "leakyRelu",
  "absolute",
  "hardSigmoid",
  "softplus",
  "sigmoid",
  "tanh",
  "gelu",
  { name: "softplus", beta: 8 },
  { name: "clamp", limit: 1.5 },
  { name: "leakyRelu", slope: -0.25 },
  // a bump of one's own, quadratic between −1 and 1
  { name: "piecewise", knots: [-1, 1], pieces: [[0], [1, 0, -1], [0]] },
];

const data = seeded(7);

/** Numbers where exponentials overflow or vanish in float32. */
const far = tensor([-1e4, -104, -88, -17, -1, 0, 1, 17, 88, 104, 1e4]);

export const activateCases: readonly OpCase[] = pointwiseActivations.flatMap((activation) =>
  ([0, 1] as const).flatMap((order) => {
    const name = order === 0 ? showActivation(activation) : `derivative of ${showActivation(activation)}`;
    const attributes = { activation, order };
    const meaning = activationOf(activation);
    const atKnots =
      meaning.kind === "smooth" || meaning.knots.length === 0
        ? []
        : [opCase("activate", `${name} at its knots`, [tensor([...meaning.knots, -0.5, 0.5])], attributes)];
    return [
      opCase("activate", name, [data.normal([7, 13], { deviation: 2 })], attributes),
      opCase("activate", `${name}, with batch`, [data.normal([2, 3, 5], { deviation: 3 })], attributes),
      opCase("activate", `${name}, far from 0`, [far], attributes),
      ...atKnots,
    ];
  }),
);
