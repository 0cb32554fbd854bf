/**
 * @file Values seen through strides: repeated along axes, cut, and with heads apart or merged.
 */
import { type Shape, sizeOf } from "@splineformer/tensor";
import type { Value } from "./backend.ts";
import type { Work } from "./engine.ts";
import { view } from "./kernels/view.ts";
import { type Group, groupAxes, padGroups } from "./strides.ts";

/** The entries that at most four groups of axes name, from `offset` on. */
export function look(work: Work, x: Value, groups: readonly Group[], offset = 0): Promise<Value> {
  const four = padGroups(groups, 4, 1);
  const length = four.reduce((size, group) => size * group.length, 1);
  const lengths = four.slice(1).map((group) => group.length);
  const strides = four.map((group) => group.strides[0]);
  return work.run(view, length, x, ...lengths, ...strides, offset);
}

/** A value of this shape repeated to another one; itself if nothing repeats. */
export async function expand(work: Work, x: Value, shape: Shape, to: Shape): Promise<Value> {
  if (sizeOf(shape) === sizeOf(to)) return x;
  const groups = groupAxes(to, [shape]);
  if (groups.length <= 4) return look(work, x, groups);
  // more axes in turns than one kernel knows: one of the repeated ones at a time, from the inside
  let value = x;
  const full = groups.map((group) => group.strides[0] !== 0);
  const product = (from: number, until: number): number =>
    groups.slice(from, until).reduce((size, { length }, i) => (full[from + i] ? size * length : size), 1);
  for (let at = full.lastIndexOf(false); at >= 0; at = full.lastIndexOf(false)) {
    const inner = product(at + 1, groups.length);
    value = await look(work, value, [
      { length: product(0, at), strides: [inner] },
      { length: groups[at].length, strides: [0] },
      { length: inner, strides: [1] },
    ]);
    full[at] = true;
  }
  return value;
}

/** Several operands walked in at most `count` groups; repeated to the full shape where they take more. */
export async function walk(
  work: Work,
  to: Shape,
  operands: readonly { readonly value: Value; readonly shape: Shape }[],
  count: number,
): Promise<{ readonly values: readonly Value[]; readonly groups: readonly Group[] }> {
  const groups = groupAxes(
    to,
    operands.map(({ shape }) => shape),
  );
  if (groups.length <= count)
    return { values: operands.map(({ value }) => value), groups: padGroups(groups, count, operands.length) };
  const values: Value[] = [];
  for (const { value, shape } of operands) values.push(await expand(work, value, shape, to));
  return walk(
    work,
    to,
    values.map((value) => ({ value, shape: to })),
    count,
  );
}

/** [.., n, heads · d] → [.., heads, n, d]; `shape` is the result's. */
export function splitHeads(work: Work, x: Value, shape: Shape): Promise<Value> {
  const [heads, n, d] = shape.slice(-3);
  return look(work, x, swapped(sizeOf(shape.slice(0, -3)), heads, n, d));
}

/** [.., heads, n, d] → [.., n, heads · d]; `shape` is the operand's. */
export function mergeHeads(work: Work, x: Value, shape: Shape): Promise<Value> {
  const [heads, n, d] = shape.slice(-3);
  return look(work, x, swapped(sizeOf(shape.slice(0, -3)), n, heads, d));
}

/** Groups that read [outer, q, p, d] as [outer, p, q, d]. */
const swapped = (outer: number, p: number, q: number, d: number): readonly Group[] => [
  { length: outer, strides: [p * q * d] },
  { length: p, strides: [d] },
  { length: q, strides: [p * d] },
  { length: d, strides: [1] },
];
