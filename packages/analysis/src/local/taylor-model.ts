/**
 * @file A polynomial network around a point to second order, with the rest bounded: x = x₀ + r·d, |d| ≤ 1, and every value is
 * c + r·J d + r²·d′H d + ρ with |ρ| ≤ E(r). c, J, H are computed once, by the batch law, with leading axes for the input's
 * entries; E(r) is a pass forward with absolute values, which takes in what was left out and every rounding error.
 * Letters: N the input's entries, |c| sizes, nJ and nH the norms of J and H entry by entry.
 */
import {
  type Applied,
  apply,
  type Graph,
  isLeaf,
  type Node,
  reference,
  reshape,
  type Shape,
  type SynchronousDevice,
  sameShape,
  sizeOf,
  type Tensor,
  zeros,
} from "@splineformer/tensor";

/** The coefficients at every node; undefined slopes where nothing moves. */
interface Coefficients {
  readonly value: Tensor;
  /** [N, …shape] */
  readonly slope?: Tensor;
  /** [N, N, …shape], symmetric; undefined where it is 0 or was not asked for. */
  readonly bend?: Tensor;
}

/** What a node's value is at most, by entry: |value|, and the norms of its slope and bend, rounded up. */
interface Norms {
  readonly value: Tensor;
  readonly slope?: Tensor;
  readonly bend?: Tensor;
}

export interface TaylorModel {
  /** The slope of a node, [N, …shape]; undefined where it does not move. */
  slopes(node: Node): Tensor | undefined;
  /** What each entry of a node differs from its value at x₀ at most, on the ball of radius r: rounded up. */
  variation(nodes: readonly Node[], r: number): readonly Float64Array[];
}

/**
 * @param graph - polynomial operations only
 * @param order - 2, or 1 where N² numbers for every entry are too many; then the bends are part of the rest
 * @param kept - nodes whose slopes are asked for
 */
export function taylorModel(
  graph: Graph,
  x: Readonly<Record<string, Tensor>>,
  device: SynchronousDevice,
  order: 1 | 2,
  kept: ReadonlySet<Node>,
): TaylorModel {
  const starts = entriesOf(graph);
  const count = [...starts.values()].reduce((sum, { to }) => Math.max(sum, to), 0);
  const lastUse = lastUses(graph);
  const values: (Coefficients | undefined)[] = [];
  const slopes = new Map<Node, Tensor>();
  const norms: Norms[] = [];
  for (const node of graph.nodes) {
    const own = coefficients(node, values as readonly Coefficients[], x, device, order, count, starts);
    values[node.id] = own;
    norms[node.id] = normsOf(own);
    if (own.slope && kept.has(node)) slopes.set(node, own.slope);
    for (const used of lastUse[node.id]) values[used.id] = undefined;
  }
  return {
    slopes: (node) => slopes.get(node),
    variation(nodes, r) {
      const rest = remainders(graph, norms, r);
      return nodes.map((node) => {
        const { slope, bend } = norms[node.id];
        const error = rest[node.id];
        const size = sizeOf(node.shape);
        const out = new Float64Array(size);
        for (let i = 0; i < size; i++)
          out[i] =
            ((slope ? r * slope.data[i] : 0) + (bend ? r * r * bend.data[i] : 0) + (error ? error.data[i] : 0)) * up;
        return out;
      });
    },
  };
}

/** Above all relative rounding of sums of up to four million numbers ≥ 0. */
const up = 1 + 2 ** -30;
/** Above what underflow takes away. */
const tiny = 2 ** -500;

/** The place of every input's entries among all. */
export function entriesOf(graph: Graph): Map<string, { readonly from: number; readonly to: number }> {
  const out = new Map<string, { from: number; to: number }>();
  let from = 0;
  for (const node of graph.nodes)
    if (node.op === "input") {
      const to = from + sizeOf(node.shape);
      out.set(node.attributes.name, { from, to });
      from = to;
    }
  return out;
}

function lastUses(graph: Graph): readonly (readonly Node[])[] {
  const last = graph.nodes.map((node) => node.id);
  for (const node of graph.nodes)
    for (const operand of node.inputs as readonly (Node | undefined)[]) if (operand) last[operand.id] = node.id;
  const out: Node[][] = graph.nodes.map(() => []);
  for (const node of graph.nodes) out[last[node.id]].push(node);
  return out;
}

function coefficients(
  node: Node,
  values: readonly Coefficients[],
  x: Readonly<Record<string, Tensor>>,
  device: SynchronousDevice,
  order: 1 | 2,
  count: number,
  starts: ReturnType<typeof entriesOf>,
): Coefficients {
  if (node.op === "input") {
    const { name } = node.attributes;
    const size = sizeOf(node.shape);
    const data = new Float64Array(count * size);
    const from = (starts.get(name) as { from: number }).from;
    for (let i = 0; i < size; i++) data[(from + i) * size + i] = 1;
    return { value: x[name], slope: { dtype: "float64", shape: [count, ...node.shape], data } };
  }
  if (isLeaf(node)) return { value: device.constant(node.attributes.value) };
  const operands = (node.inputs as readonly (Node | undefined)[]).map((operand) => operand && values[operand.id]);
  const run = (...inputs: readonly (Tensor | undefined)[]): Tensor => apply(device, node, inputs);
  const value = run(...operands.map((operand) => operand?.value));
  const rank = node.shape.length;
  const sum = (a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined =>
    a && b ? device.add(a, b) : (a ?? b);
  if (node.op === "multiply" || node.op === "matmul") {
    const [a, b] = operands as [Coefficients, Coefficients];
    const [{ shape: m }, { shape: n }] = node.inputs;
    const left = (t: Tensor | undefined, lead: Shape): Tensor | undefined => t && run(led(t, lead, m, rank), b.value);
    const right = (t: Tensor | undefined, lead: Shape): Tensor | undefined => t && run(a.value, led(t, lead, n, rank));
    const slope = sum(left(a.slope, [count]), right(b.slope, [count]));
    if (order === 1) return { value, slope };
    const both =
      a.slope && b.slope
        ? symmetric(run(led(a.slope, [count, 1], m, rank), led(b.slope, [1, count], n, rank)), count)
        : undefined;
    const bend = sum(sum(left(a.bend, [count, count]), right(b.bend, [count, count])), both);
    return { value, slope, bend };
  }
  const [a, b] = operands as [Coefficients, Coefficients | undefined];
  const linear = (t: Tensor | undefined, u: Tensor | undefined, lead: Shape): Tensor | undefined => {
    if (!t && !u) return undefined;
    if (node.op === "add") {
      const parts = [t, u].map((part, i) => part && led(part, lead, node.inputs[i].shape, rank));
      const both = sum(parts[0], parts[1]) as Tensor;
      const shape = [...lead, ...node.shape];
      return sameShape(both.shape, shape) ? both : device.add(both, zeros(shape));
    }
    if (node.op === "concat") {
      const filled = (part: Tensor | undefined, operand: Node): Tensor =>
        led(part ?? zeros([...lead, ...operand.shape]), lead, operand.shape, rank);
      return run(filled(t, node.inputs[0]), filled(u, node.inputs[1]));
    }
    return b ? run(t, b.value) : run(t);
  };
  return {
    value,
    slope: linear(a.slope, b?.slope, [count]),
    bend: linear(a.bend, b?.bend, [count, count]),
  };
}

/** Leading axes, and between them and the operand's own as many of length 1 as the result has more. */
const led = (t: Tensor, lead: Shape, own: Shape, rank: number): Tensor =>
  reshape(t, [...lead, ...new Array<number>(Math.max(0, rank - own.length)).fill(1), ...own]);

/** (H + H′)/2 by the two leading axes. */
function symmetric(t: Tensor, count: number): Tensor {
  const size = count === 0 ? 0 : t.data.length / (count * count);
  const data = Float64Array.from(t.data);
  for (let p = 0; p < count; p++)
    for (let q = 0; q < p; q++) {
      const at = (p * count + q) * size;
      const to = (q * count + p) * size;
      for (let i = 0; i < size; i++) data[at + i] = data[to + i] = 0.5 * (data[at + i] + data[to + i]);
    }
  return { dtype: "float64", shape: t.shape, data };
}

function normsOf({ value, slope, bend }: Coefficients): Norms {
  const size = value.data.length;
  const norm = (t: Tensor | undefined): Tensor | undefined => {
    if (!t) return undefined;
    const data = new Float64Array(size);
    const moves = new Uint8Array(size);
    for (let at = 0; at < t.data.length; at += size)
      for (let i = 0; i < size; i++) {
        const v = t.data[at + i];
        if (v === 0) continue;
        data[i] += v * v;
        moves[i] = 1;
      }
    for (let i = 0; i < size; i++) if (moves[i]) data[i] = Math.sqrt(data[i]) * up + tiny;
    return { dtype: "float64", shape: value.shape, data };
  };
  return {
    value: { dtype: "float64", shape: value.shape, data: Float64Array.from(value.data, Math.abs) },
    slope: norm(slope),
    bend: norm(bend),
  };
}

/** E(r) of every node; undefined where nothing moves. */
function remainders(graph: Graph, norms: readonly Norms[], r: number): readonly (Tensor | undefined)[] {
  const out: (Tensor | undefined)[] = [];
  // the largest |value| of the polynomial to second order
  const sizes = norms.map(({ value, slope, bend }) => combined([value, slope, bend], [1, r, r * r]) as Tensor);
  for (const node of graph.nodes) {
    if (isLeaf(node)) {
      out[node.id] = undefined;
      continue;
    }
    const operands = node.inputs as readonly (Node | undefined)[];
    if (!norms[node.id].slope) {
      out[node.id] = undefined;
      continue;
    }
    const run = (...inputs: readonly (Tensor | undefined)[]): Tensor | undefined =>
      inputs.some((input, i) => operands[i] && !input) ? undefined : apply(reference, absolute(node), inputs);
    const rounding = (sumLength(node) + 8) * 2 ** -52;
    const [a, b] = operands;
    if (a && b && (node.op === "multiply" || node.op === "matmul")) {
      const [p, q] = [norms[a.id], norms[b.id]];
      const [ea, eb] = [out[a.id], out[b.id]];
      const [sa, sb] = [sizes[a.id], sizes[b.id]];
      const bends = p.bend || q.bend || norms[node.id].bend;
      out[node.id] = combined(
        [
          run(sa, eb),
          run(ea, sb),
          run(ea, eb),
          bends ? run(p.slope, q.bend) : run(p.slope, q.slope),
          bends ? run(p.bend, q.slope) : undefined,
          run(p.bend, q.bend),
          run(sa, sb),
        ],
        [1, 1, 1, bends ? r ** 3 : r ** 2, r ** 3, r ** 4, rounding],
      );
      continue;
    }
    const filled = (x: Node | undefined, t: Tensor | undefined): Tensor | undefined => x && (t ?? zeros(x.shape));
    // a gather's second operand are places, no numbers
    const rest = node.op === "gather" ? run(out[a?.id as number], norms[b?.id as number].value) : undefined;
    const errors =
      node.op === "gather"
        ? rest
        : operands.some((x) => x && out[x.id])
          ? run(...operands.map((x) => filled(x, x && out[x.id])))
          : undefined;
    const whole =
      node.op === "gather"
        ? run(sizes[a?.id as number], norms[b?.id as number].value)
        : run(...operands.map((x) => x && sizes[x.id]));
    out[node.id] = combined([errors, whole], [1, rounding]);
  }
  return out;
}

/** The operation on absolute values that bounds the operation. */
const absolute = (node: Applied): Applied =>
  node.op === "scale" ? { ...node, attributes: { factor: Math.abs(node.attributes.factor) } } : node;

/** How many numbers are summed for one of the result. */
function sumLength(node: Applied): number {
  if (node.op === "matmul") return node.inputs[0].shape.at(node.attributes.transposeA ? -2 : -1) as number;
  if (node.op === "sum") {
    const { shape } = node.inputs[0];
    return node.attributes.axes.reduce((n, axis) => n * (shape.at(axis) as number), 1);
  }
  return 2;
}

/** Σ factor · t, rounded up; what is 0 in all of them is 0 and no rounding error. */
function combined(parts: readonly (Tensor | undefined)[], factors: readonly number[]): Tensor | undefined {
  const first = parts.find((part) => part !== undefined);
  if (!first) return undefined;
  const data = new Float64Array(first.data.length);
  const there = new Uint8Array(data.length);
  parts.forEach((part, k) => {
    if (!part) return;
    for (let i = 0; i < data.length; i++)
      if (part.data[i] !== 0) {
        data[i] += factors[k] * part.data[i];
        there[i] = 1;
      }
  });
  for (let i = 0; i < data.length; i++) if (there[i]) data[i] = data[i] * up + tiny;
  return { dtype: "float64", shape: first.shape, data };
}
