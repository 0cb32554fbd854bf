import { cpu, cpu64 } from "@splineformer/cpu";
import { random, reference, tensor, type Workspace } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";

const open = (): Workspace => {
  const workspace = cpu64.workspace?.();
  if (!workspace) throw new Error("expected a workspace where SIMD compiles");
  return workspace;
};
const filled = (workspace: Workspace, values: ArrayLike<number>): Float64Array => {
  const numbers = workspace.take(values.length) as Float64Array;
  numbers.set(values);
  return numbers;
};

describe("a workspace", () => {
  it("multiplies matrices that lie in it, and adds a bias", () => {
    const workspace = open();
    const a = filled(workspace, [1, 2]);
    const b = filled(workspace, [3, 4]);
    const c = workspace.take(1) as Float64Array;
    const at = (numbers: Float64Array, stride: number) => ({ numbers, offset: 0, stride });
    workspace.multiply(1, 1, 2, at(a, 2), false, at(b, 1), false, at(c, 1), filled(workspace, [5]));
    expect([...c]).toEqual([1 * 3 + 2 * 4 + 5]);
  });

  it("takes them out of larger ones, stored either way, and sums in the order of the reference, bit for bit", () => {
    const workspace = open();
    const [m, n, k, stride] = [7, 11, 5, 13];
    const numbers = random(1);
    const draw = (): Float64Array => numbers.normal([stride * stride], { dtype: "float64" }).data as Float64Array;
    for (const transposeA of [false, true])
      for (const transposeB of [false, true]) {
        const [x, y] = [draw(), draw()];
        const part = (from: Float64Array, rows: number, columns: number) =>
          tensor(
            Float64Array.from(
              { length: rows * columns },
              (_, i) => from[2 + Math.floor(i / columns) * stride + (i % columns)],
            ),
            [rows, columns],
          );
        const expected = reference.matmul(
          transposeA ? part(x, k, m) : part(x, m, k),
          transposeB ? part(y, n, k) : part(y, k, n),
          { transposeA, transposeB },
        ).data;
        const c = filled(workspace, new Float64Array(stride * stride).fill(9));
        const at = (values: Float64Array) => ({ numbers: values, offset: 2, stride });
        workspace.multiply(m, n, k, at(filled(workspace, x)), transposeA, at(filled(workspace, y)), transposeB, at(c));
        for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) expect(c[2 + i * stride + j]).toBe(expected[i * n + j]);
        // what lies between the rows is left alone
        expect(c[2 + n]).toBe(9);
      }
  });

  it("is a stack: what is released is taken again, what is not stays", () => {
    const workspace = open();
    const kept = filled(workspace, [1, 2, 3]);
    const mark = workspace.mark();
    const first = workspace.take(100) as Float64Array;
    workspace.release(mark);
    const second = workspace.take(100) as Float64Array;
    expect(second.byteOffset).toBe(first.byteOffset);
    second.fill(7);
    expect([...kept]).toEqual([1, 2, 3]);
  });

  it("has no numbers where there is no more room, and two have nothing in common", () => {
    const workspace = open();
    expect(workspace.take(2 ** 28)).toBeUndefined();
    const [one, other] = [workspace.take(3) as Float64Array, open().take(3) as Float64Array];
    expect(one.buffer).not.toBe(other.buffer);
  });

  it("is used again once it was closed, by one computation at a time", () => {
    const first = open();
    const { buffer } = first.take(3) as Float64Array;
    first.close();
    first.close();
    expect(first.take(1)).toBeUndefined();
    const [second, third] = [open(), open()];
    expect((second.take(3) as Float64Array).buffer).toBe(buffer);
    expect((third.take(3) as Float64Array).buffer).not.toBe(buffer);
  });

  it("is not kept after a computation that filled much of it", () => {
    const first = open();
    const { buffer } = first.take(2 ** 24) as Float64Array;
    first.close();
    expect((open().take(1) as Float64Array).buffer).not.toBe(buffer);
  });

  it("is for float64 only", () => {
    expect(cpu.workspace).toBeUndefined();
  });
});
