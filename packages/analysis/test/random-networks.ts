/** @file Random small networks for laws that hold for every one of them, and direct evaluation on a line. */
import { cpu64 } from "@splineformer/cpu";
import { forward, type Network, random, type Tensor, tensor } from "@splineformer/tensor";
import { createEncoder } from "@splineformer/transformer";
import fc from "fast-check";

/** As many random networks as every law is tried on. */
export const draws = { numRuns: 200, seed: 7 } as const;

export interface Drawn {
  readonly network: Network<"x">;
  readonly from: Tensor;
  readonly to: Tensor;
  readonly classes: number;
}

/** A network with one row of outputs, and a line. */
export const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    seed: fc.integer({ min: 1, max: 1e6 }),
    layers: fc.constantFrom(1, 1, 2),
    heads: fc.constantFrom(1, 2),
    hidden: fc.constantFrom(3, 5),
    tokens: fc.constantFrom(1, 2, 3),
    classes: fc.constantFrom(2, 3, 7),
    activation: fc.constantFrom("relu" as const, "relu" as const, "squaredRelu" as const, "sparsemax" as const),
    mask: fc.constantFrom("none" as const, "causal" as const),
    hiddenActivation: fc.constantFrom("relu" as const, "leakyRelu" as const, "absolute" as const),
    residual: fc.boolean(),
  })
  // a squared ReLU has degree 5 a block: one is enough
  .map(({ seed, layers, heads, hidden, tokens, classes, activation, mask, hiddenActivation, residual }) => {
    const network = createEncoder({
      layers: activation === "squaredRelu" ? 1 : layers,
      width: 4,
      heads,
      headWidth: 2,
      hidden,
      attention: { activation, mask },
      feedForward: { activation: hiddenActivation },
      residual,
      input: 3,
      output: classes,
      pool: "mean",
      seed,
      dtype: "float64",
    });
    const numbers = random(seed, { stream: 3 });
    const x = (): Tensor => numbers.normal([tokens, 3], { dtype: "float64" });
    return { network: network as unknown as Network<"x">, from: x(), to: x(), classes };
  });

/** x(t). */
export const between = (from: Tensor, to: Tensor, t: number): Tensor =>
  tensor(
    Float64Array.from(from.data, (v, k) => (1 - t) * v + t * to.data[k]),
    from.shape,
  );

/** The network itself at every x(t), in one batch. */
export function directly({ network, from, to, classes }: Drawn, places: readonly number[]): Float64Array[] {
  const points = places.map((t) => between(from, to, t));
  const batch = new Float64Array(points.length * from.data.length);
  points.forEach(({ data }, i) => {
    batch.set(data, i * data.length);
  });
  const { data } = forward(network, tensor(batch, [points.length, ...from.shape]), { on: cpu64 });
  return places.map((_, i) => Float64Array.from(data.subarray(i * classes, (i + 1) * classes)));
}

export const largestOf = (values: ArrayLike<number>): number => {
  let top = 0;
  for (let c = 1; c < values.length; c++) if (values[c] > values[top]) top = c;
  return top;
};
