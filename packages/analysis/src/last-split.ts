/**
 * @file The parts that the last gate is cut into. What follows is affine in its output, so the network is walked once, on
 * the whole interval with the pattern of the first part; the output of each next part differs by the columns that change,
 * times fixed influences, and is restricted to the part at the end.
 */
import type { AffineTail } from "./affine-tail.ts";
import type { Gate } from "./gates.ts";
import { block, type IntervalValue, largest, noiseOf, raise, restrict } from "./interval-values.ts";
import type { LineGraph, Values } from "./line-graph.ts";
import type { Piece, Walk } from "./walk.ts";

/** A part [lo, hi] of [−1, 1], its places on the line, and the last gate's pattern there. */
interface Part {
  readonly lo: number;
  readonly hi: number;
  readonly from: number;
  readonly to: number;
  readonly pattern: Uint8Array;
}

/**
 * False if it may not go on; undefined if a part's polynomial gets too large on the whole interval: walk each part then.
 */
export function lastSplit(
  graph: LineGraph,
  { gate: node, influence }: AffineTail,
  place: number,
  input: IntervalValue,
  values: Values,
  parts: readonly Part[],
  patterns: Piece["patterns"],
  { done, mayGoOn, onPiece }: Walk,
): boolean | undefined {
  const { order, degrees, output } = graph;
  const gate = graph.gates[node.id] as Gate;
  const z = raise(input, degrees[output.id]);
  const outputs = gateOutputs(gate, z.values.data, parts);
  const fits = ({ changed, after }: Change): boolean => {
    const sizes = largest(after, changed.length);
    return changed.every((c, q) => influence(c).weight.every((w) => Math.abs(w) * sizes[q] < 2 ** 1000));
  };
  if (!outputs.every(fits)) return undefined;
  const first = graph.opened(node, parts[0].pattern, input, -1, 1);
  const whole = [...values];
  whole[node.id] = { values: first.values, ...worst(gate, z, first, parts, outputs) };
  for (const next of order.slice(place + 1))
    whole[next.id] = graph.polynomial(next, whole, parts[0].from, parts[parts.length - 1].to);
  const result = graph.result(whole);
  const columns = result.size.length;
  const nodeCount = degrees[output.id] + 1;
  const noise = noiseOf(result);
  // changed in place from part to part, and each part's own after the restriction
  const data = Float64Array.from(result.values.data);
  const running = { values: block(data, nodeCount, output.shape), deviation: result.deviation, size: result.size };
  for (let p = 0; p < parts.length; p++) {
    const { lo, hi, from, to, pattern } = parts[p];
    if (p > 0) {
      const { changed, before, after } = outputs[p - 1];
      changed.forEach((column, q) => {
        const { entry, weight } = influence(column);
        for (let j = 0; j < nodeCount; j++) {
          const difference = after[j * changed.length + q] - before[j * changed.length + q];
          for (let i = 0; i < entry.length; i++) data[j * columns + entry[i]] += difference * weight[i];
        }
      });
    }
    if (to <= done) continue;
    if (!mayGoOn()) return false;
    const own = restrict(running, lo, hi).values;
    const kept = own.data === data ? block(data.slice(), nodeCount, output.shape) : own;
    onPiece({ from, to, values: kept, noise, patterns: new Map(patterns).set(node, pattern) });
  }
  return true;
}

/** The columns of the gate's output that change from one part to the next, before and after. */
interface Change {
  readonly changed: readonly number[];
  readonly before: Float64Array;
  readonly after: Float64Array;
}

function gateOutputs(gate: Gate, z: Float64Array, parts: readonly Part[]): Change[] {
  return parts.slice(1).map(({ pattern }, i) => {
    const changed = gate.affected(parts[i].pattern, pattern);
    const before = gate.outputOf(parts[i].pattern, z, changed);
    return { changed, before, after: gate.outputOf(pattern, z, changed) };
  });
}

/** The gate's deviation and size where they are largest among the parts. */
function worst(
  gate: Gate,
  z: IntervalValue,
  first: IntervalValue,
  parts: readonly Part[],
  outputs: readonly Change[],
): Pick<IntervalValue, "deviation" | "size"> {
  const deviation = first.deviation.slice();
  const size = first.size.slice();
  outputs.forEach(({ changed, after }, i) => {
    if (changed.length === 0) return;
    const own = gate.outputDeviation(parts[i + 1].pattern, z.deviation, z.size);
    const sizes = largest(after, changed.length);
    changed.forEach((c, q) => {
      deviation[c] = Math.max(deviation[c], own[c]);
      size[c] = Math.max(size[c], sizes[q]);
    });
  });
  return { deviation, size };
}
