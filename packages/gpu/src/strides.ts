/**
 * @file Broadcasting as strides: which entry of an operand belongs to an entry of the result. A repeated axis has stride 0.
 */
import type { Shape } from "@splineformer/tensor";

/** Axes that are walked as one: their joint length, and the stride of each operand along them. */
export interface Group {
  readonly length: number;
  readonly strides: readonly number[];
}

/**
 * The axes of `to` in as few groups as all operands allow, outermost first; axes of length 1 are left out.
 *
 * `[2, 3, 5]` for operands `[2, 3, 5]` and `[5]` is two groups: 6 with strides (5, 0), 5 with strides (1, 1).
 */
export const groupAxes = (to: Shape, operands: readonly Shape[]): readonly Group[] =>
  groupStrides(
    to,
    operands.map((shape) => stridesOf(shape, to)),
  );

/** The same for some axes, whose strides are known. */
export function groupStrides(lengths: readonly number[], strides: readonly (readonly number[])[]): readonly Group[] {
  const groups: Group[] = [];
  lengths.forEach((length, axis) => {
    if (length === 1) return;
    const here = strides.map((s) => s[axis]);
    const last = groups.at(-1);
    if (last?.strides.every((s, i) => s === here[i] * length))
      groups[groups.length - 1] = { length: last.length * length, strides: here };
    else groups.push({ length, strides: here });
  });
  return groups;
}

/** The groups with ones in front, so that there are `count`. */
export function padGroups(groups: readonly Group[], count: number, operands: number): readonly Group[] {
  const one: Group = { length: 1, strides: new Array<number>(operands).fill(0) };
  return [...new Array<Group>(count - groups.length).fill(one), ...groups];
}

/** The stride of an operand along each axis of what it broadcasts to. */
export function stridesOf(shape: Shape, to: Shape): readonly number[] {
  const strides = new Array<number>(to.length).fill(0);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    if (shape[axis] !== 1) strides[axis + to.length - shape.length] = stride;
    stride *= shape[axis];
  }
  return strides;
}
