/**
 * @file How far the values of a network can move when each ReLU moves by at most c: a reading of its graph by rules.
 * Every node has its value in the ReLU network and a deviation d ≥ 0, entry by entry, such that the value in the smoothed
 * network is within value ± d. What no ReLU comes before has no deviation (undefined), so that nothing is lost there.
 *
 * With c = log(2)/β, by softplus: `0 ≤ softplus_β − ReLU ≤ c`, and softplus has slope ≤ 1:
 *
 * ```text
 * softplus(z ± d)   within d + c of ReLU(z)      weights likewise, over the divisor; a hidden key stays 0
 * (a ± d)(b ± e)    within |a|e + d|b| + de of ab
 * ```
 *
 * In one block the scores do not deviate, so head h adds c·|v_h|, and a hidden unit adds (c + its own deviation)·|c_j|;
 * that own deviation is 0 exactly when the unit reads only channels that attention does not write.
 *
 * The rules hold at any depth. They lose signs and correlations, though, and from the second block on that is hundreds of times
 * what happens: `smooth` offers the bound for one block.
 */
import {
  type Applied,
  activationOf,
  actsOnRows,
  apply,
  fold,
  type Given,
  graphOf,
  type Leaf,
  type Network,
  namedInputs,
  type Pointwise,
  type Rules,
  reference,
  type Shape,
  showWeighing,
  type Tensor,
  unsupported,
  type Weighing,
  zeros,
} from "@splineformer/tensor";

interface Deviating {
  readonly value: Tensor;
  readonly deviation: Tensor | undefined;
}

/**
 * What no entry of the output can move by if every ReLU's result may grow by up to c.
 *
 * @throws UnsupportedError naming the place where a deviation meets an operation without a known slope
 */
export function smoothingBound<I extends string, C, P>(
  network: Network<I, C, P>,
  x: Given<I>,
  c: number,
): Tensor<"float64"> {
  const inputs = namedInputs("bound", network, x);
  const shapes = Object.fromEntries(Object.entries<Tensor>(inputs).map(([name, { shape }]) => [name, shape]));
  const graph = graphOf(network, shapes as Record<I, Shape>, { keep: [] });
  const read = fold(graph, rulesFor(inputs, c))[graph.outputs.output.id];
  return (read.deviation ?? zeros(read.value.shape, { dtype: "float64" })) as Tensor<"float64">;
}

function rulesFor(inputs: Readonly<Record<string, Tensor>>, c: number): Rules<Deviating> {
  const known = (value: Tensor): Deviating => ({ value: reference.read(value), deviation: undefined });
  const given = (node: Leaf): Deviating =>
    known(node.op === "input" ? inputs[node.attributes.name] : node.attributes.value);
  const composite = (node: Applied): never => {
    throw unsupported("bound", "an opened graph", node);
  };
  return {
    input: given,
    constant: given,
    parameter: given,
    linear: composite,
    attention: composite,
    // sums with factors ≥ 0 act on deviations as they do on values
    splitHeads: alike,
    mergeHeads: alike,
    sum: alike,
    slice: alike,
    scale: (node, x) => ({
      value: reference.scale(x.value, node.attributes),
      deviation: x.deviation && reference.scale(x.deviation, { factor: Math.abs(node.attributes.factor) }),
    }),
    add: (node, a, b) => ({
      value: reference.add(a.value, b.value),
      deviation: total(node.shape, a.deviation, b.deviation),
    }),
    multiply: (node, a, b) => product(node, a, b),
    matmul: (node, a, b) => product(node, a, b),
    concat(node, a, b) {
      const all = (x: Deviating): Tensor => x.deviation ?? zeros(x.value.shape, { dtype: "float64" });
      const moved = a.deviation || b.deviation;
      return {
        value: reference.concat(a.value, b.value, node.attributes),
        deviation: moved && reference.concat(all(a), all(b), node.attributes),
      };
    },
    gather(node, table, indices) {
      if (indices.deviation) throw steep(node);
      return {
        value: reference.gather(table.value, indices.value),
        deviation: table.deviation && reference.gather(table.deviation, indices.value),
      };
    },
    activate(node, x) {
      const { activation, order } = node.attributes;
      const value = reference.activate(x.value, node.attributes);
      const grows = activation === "relu" && order === 0;
      if (!x.deviation && !grows) return { value, deviation: undefined };
      const slope = order === 0 ? largestSlope(activation) : undefined;
      if (slope === undefined) throw steep(node, activation);
      return { value, deviation: grown(node.shape, x.deviation, slope, grows ? c : 0) };
    },
    weigh(node, scores, visible) {
      if (visible?.deviation) throw steep(node);
      const { activation, order } = node.attributes;
      const value = reference.weigh(scores.value, visible?.value, node.attributes);
      const grows = activation === "relu" && order === 0;
      if (!scores.deviation && !grows) return { value, deviation: undefined };
      const pointwise = !actsOnRows(activation) && !isSigmoid(activation);
      const slope = order === 0 && pointwise ? largestSlope(activation as Pointwise) : undefined;
      if (slope === undefined) throw steep(node, activation);
      const moved = grown(node.shape, scores.deviation, slope, grows ? c : 0);
      // hidden keys stay 0, and the divisor divides
      return {
        value,
        deviation: reference.weigh(moved, visible?.value, { ...node.attributes, activation: "identity" }),
      };
    },
    normalize: still,
    scan: still,
  };
}

const isSigmoid = (activation: unknown): boolean =>
  activation === "sigmoid" || (typeof activation === "object" && (activation as { name: string }).name === "sigmoid");

const steep = (node: Applied, activation?: Weighing): Error =>
  unsupported(
    "bound",
    "an operation of known slope after what was smoothed",
    node,
    activation === undefined ? undefined : `${node.op} ${showWeighing(activation)}`,
  );

/** slope · deviation + growth, for every entry. */
function grown(shape: Shape, deviation: Tensor | undefined, slope: number, growth: number): Tensor {
  const out = zeros(shape, { dtype: "float64" });
  for (let i = 0; i < out.data.length; i++) out.data[i] = slope * (deviation?.data[i] ?? 0) + growth;
  return out;
}

/** The largest slope of a continuous piecewise linear activation. */
function largestSlope(activation: Pointwise): number | undefined {
  const meaning = activationOf(activation, "bound");
  if (meaning.kind === "smooth" || meaning.pieces.some((piece) => piece.length > 2)) return undefined;
  return Math.max(...meaning.pieces.map((piece) => Math.abs(piece[1] ?? 0)));
}

/** The operation itself, on values and on deviations. */
function alike(node: Applied, x: Deviating): Deviating {
  return {
    value: apply(reference, node, [x.value]),
    deviation: x.deviation && apply(reference, node, [x.deviation]),
  };
}

/** An operation that only keeps what does not deviate. */
function still(node: Extract<Applied, { op: "normalize" | "scan" }>, ...operands: Deviating[]): Deviating {
  if (operands.some((x) => x.deviation)) throw steep(node);
  return {
    value: apply(
      reference,
      node,
      operands.map((x) => x.value),
    ),
    deviation: undefined,
  };
}

/** (a ± d)(b ± e) is within |a|e + d|b| + de of ab, for products entry by entry and of matrices. */
function product(node: Extract<Applied, { op: "multiply" | "matmul" }>, a: Deviating, b: Deviating): Deviating {
  const times = (x: Tensor, y: Tensor): Tensor => apply(reference, node, [x, y]);
  const [d, e] = [a.deviation, b.deviation];
  return {
    value: times(a.value, b.value),
    deviation: total(
      node.shape,
      e && times(absolute(a.value), e),
      d && times(d, absolute(b.value)),
      d && e && times(d, e),
    ),
  };
}

const absolute = (x: Tensor): Tensor => reference.activate(x, { activation: "absolute", order: 0 });

/** The sum of the deviations that are there, broadcast to a shape. */
function total(shape: Shape, ...deviations: readonly (Tensor | undefined)[]): Tensor | undefined {
  const there = deviations.filter((d) => d !== undefined);
  if (there.length === 0) return undefined;
  return there.reduce((sum, d) => reference.add(sum, d), zeros(shape, { dtype: "float64" }) as Tensor);
}
