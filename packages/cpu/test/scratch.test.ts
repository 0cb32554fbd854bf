import { attention, evaluate, linear, type Ops, pullback, record, type Shaped } from "@splineformer/tensor"; // biome-ignore format: one line
import { seeded } from "@splineformer/testing";
import { expect, test } from "vitest";
import { createScratchArena, full } from "../src/arena.ts";
import { cpu, cpu64 } from "../src/index.ts";
import { load } from "../src/wasm/kernels.ts";

const data = seeded(23);
const [batch, n, width] = [3, 7, 10];
const x = data.normal([batch, n, width]);
const weight = data.normal([width, width]);
const bias = data.normal([width]);
const options = { activation: "softmax", mask: "causal", heads: 5, keyValueHeads: 5, scale: 0.5, divide: "none" } as const; // biome-ignore format: one record

/** Every operation that has a way of its own into the scratch, and some that have none. */
function net<T extends Shaped>(ops: Ops<T>, input: T, w: T, b: T): T {
  const y = linear(ops, input, w, b, { activation: "relu" });
  const z = ops.normalize(ops.add(y, input), { kind: "layer", epsilon: 1e-5 });
  const a = attention(ops, z, y, z, undefined, undefined, options);
  const squares = ops.activate(ops.multiply(a, b), { activation: "squaredRelu", order: 0 });
  const sums = ops.sum(squares, { axes: [-2], keep: true });
  const slopes = ops.activate(ops.add(a, sums), { activation: "gelu", order: 0 });
  const joined = ops.concat(slopes, ops.slice(y, { axis: -2, from: 1, to: 4 }), { axis: -2 });
  return ops.matmul(joined, ops.scale(z, { factor: 0.1 }), { transposeB: true });
}
const graph = record((ops, nodes) => net(ops, nodes.x, ops.parameter("w", weight), ops.parameter("b", bias)), {
  x: x.shape,
});
const bindings = { inputs: { x } };
// what is made from a device has no scratch: it may have other operations
const plain = { ...cpu };

test("a graph has the same bits with a scratch as without one", () => {
  expect(plain.scratch?.()).toBeUndefined();
  expect(evaluate(graph, cpu, bindings)).toEqual(evaluate(graph, plain, bindings));
});

test("so has its gradient", () => {
  const g = data.normal(graph.outputs.output.shape);
  expect(pullback(graph, cpu, bindings, { output: g })).toEqual(pullback(graph, plain, bindings, { output: g }));
});

test("an operand that serves several batch entries gets the sum of their gradients", () => {
  const shared = record(
    (ops, { q, k }) => attention(ops, q, k, k, undefined, undefined, { ...options, mask: "none" }),
    {
      q: [2, 3, n, width],
      k: [3, n, width],
    },
  );
  const given = { inputs: { q: data.normal([2, 3, n, width]), k: x } };
  const g = { output: data.normal([2, 3, n, width]) };
  expect(pullback(shared, cpu, given, g)).toEqual(pullback(shared, plain, given, g));
});

test("results are the caller's: they hold no more than their own numbers, and later computations leave them alone", () => {
  const { output } = evaluate(graph, cpu, bindings);
  const copy = output.data.slice();
  evaluate(graph, cpu, { inputs: { x: data.normal(x.shape) } });
  expect(output.data).toEqual(copy);
  expect(output.data.buffer.byteLength).toBe(output.data.byteLength);
});

test("there is one at a time, in float32, and it is free again after a failure", () => {
  const scratch = cpu.scratch?.();
  expect(scratch).toBeDefined();
  expect(cpu.scratch?.()).toBeUndefined();
  expect(cpu64.scratch).toBeUndefined();
  // what runs meanwhile runs without
  expect(evaluate(graph, cpu, bindings)).toEqual(evaluate(graph, plain, bindings));
  scratch?.close();
  scratch?.close();
  expect(() => evaluate(graph, cpu, { inputs: {} })).toThrow("an input");
  const again = cpu.scratch?.();
  expect(again).toBeDefined();
  again?.close();
});

test("a value lies where a released one of its length was, and one that is kept is copied", () => {
  const scratch = cpu.scratch?.();
  if (!scratch) throw new Error("no scratch");
  const first = scratch.ops.add(x, x);
  const kept = scratch.keep(first);
  expect(kept).toEqual(cpu.add(x, x));
  expect(kept.data.buffer).not.toBe(first.data.buffer);
  scratch.ops.release(first);
  const second = scratch.ops.multiply(x, x);
  expect(second.data.buffer).toBe(first.data.buffer);
  expect(second.data.byteOffset).toBe(first.data.byteOffset);
  expect(scratch.keep(x)).toBe(x);
  scratch.close();
});

test("an arena of fixed size gives no more than it has, and all of it again once it is cleared", () => {
  const loaded = load();
  const arena = "kernels" in loaded ? createScratchArena(loaded.kernels) : undefined;
  if (!arena) throw new Error("no arena");
  expect(() => arena.pieces(2 ** 28)).toThrow(full);
  const most = 2 ** 27;
  const first = arena.take(most);
  expect([first?.length, arena.take(most)]).toEqual([most, undefined]);
  arena.clear();
  expect(arena.take(most)?.byteOffset).toBe(first?.byteOffset);
});
