import {
  allocate,
  cast,
  isTensor,
  type Nested,
  reshape,
  type Shape,
  ShapeError,
  type Tensor,
  tensor,
  toNested,
  zeros,
} from "@splineformer/tensor";
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";

// Node and browsers have it; the types of neither are loaded here
declare const structuredClone: <V>(value: V) => V;

const untyped = (value: unknown): never => value as never;

describe("tensor", () => {
  it("takes nested arrays of any depth", () => {
    expect(
      tensor([
        [1, -2],
        [3, 0],
      ]),
    ).toEqual({ dtype: "float32", shape: [2, 2], data: Float32Array.of(1, -2, 3, 0) });
    expect(tensor(5)).toEqual({ dtype: "float32", shape: [], data: Float32Array.of(5) });
    expect(tensor([[[1]], [[2]], [[3]]]).shape).toEqual([3, 1, 1]);
  });

  it("keeps empty axes, as far as nested arrays can tell them", () => {
    expect(tensor([]).shape).toEqual([0]);
    expect(tensor([[], [], []]).shape).toEqual([3, 0]);
  });

  it("makes booleans a mask, and numbers float32 unless told otherwise", () => {
    expect(tensor([true, false])).toEqual({ dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) });
    expect(tensor([true, 2]).dtype).toBe("float32");
    expect(tensor([0.1], { dtype: "float64" }).data[0]).toBe(0.1);
    expect(tensor([3, -1], { dtype: "int32" }).data).toEqual(Int32Array.of(3, -1));
    expect(tensor([3, 0, Number.NaN], { dtype: "bool" }).data).toEqual(Uint8Array.of(1, 0, 1));
  });

  it("shares the storage of a typed array, but copies its shape", () => {
    const data = new Float64Array(6);
    const shape = [2, 3];
    const x = tensor(data, shape);
    shape[0] = 7;
    data[5] = 11;
    expect(x).toEqual({ dtype: "float64", shape: [2, 3], data: Float64Array.of(0, 0, 0, 0, 0, 11) });
    expect(x.data).toBe(data);
  });

  it("knows its dtype as a type", () => {
    expectTypeOf(tensor([1], { dtype: "float64" })).toEqualTypeOf<Tensor<"float64">>();
    expectTypeOf(tensor(new Int32Array(1), [1])).toEqualTypeOf<Tensor<"int32">>();
    expectTypeOf(tensor([1])).toEqualTypeOf<Tensor<"float32" | "bool">>();
    expectTypeOf(zeros([3]).data).toEqualTypeOf<Float32Array>();
    expectTypeOf(cast(tensor([1]), "bool")).toEqualTypeOf<Tensor<"bool">>();
  });

  it("refuses what is no tensor, naming what came", () => {
    const cases: readonly (readonly [() => unknown, string])[] = [
      [() => tensor([[1, 2], [3]]), "tensor: expected nested arrays of equal lengths [2, 2], got [3] at depth 1"],
      [() => tensor([[1], 2]), "tensor: expected numbers at depth 2, got 2 at depth 1"],
      [() => tensor([1, [2]]), "tensor: expected numbers at depth 1, got [2] at depth 1"],
      [() => tensor(untyped(["1"])), 'tensor: expected numbers at depth 1, got "1" at depth 1'],
      [() => tensor(untyped(undefined)), "tensor: expected numbers at depth 0, got undefined at depth 0"],
      [() => tensor([0.5], { dtype: "int32" }), "tensor: expected whole 32-bit numbers for int32, got 0.5"],
      [() => tensor([2 ** 31], { dtype: "int32" }), "tensor: expected whole 32-bit numbers for int32, got 2147483648"],
      [() => tensor([Number.NaN], { dtype: "int32" }), "tensor: expected whole 32-bit numbers for int32, got NaN"],
      [
        () => tensor([1], untyped({ dtype: "float16" })),
        'tensor: expected dtype to be one of float32, float64, int32, bool, got "float16"',
      ],
      [() => tensor([1], untyped({ type: "bool" })), 'tensor: expected options dtype, got "type"'],
      [() => tensor([1], untyped("float64")), 'tensor: expected an object of options, got "float64"'],
      [() => tensor(untyped([1, 2]), untyped([2])), "tensor: expected a typed array beside a shape, got nested arrays"],
      [() => tensor(new Float32Array(5), [2, 3]), "tensor: expected 6 entries for shape [2, 3], got 5"],
      [
        () => tensor(new Float32Array(5), untyped(undefined)),
        "tensor: expected a shape (an array of lengths), got undefined",
      ],
      [() => tensor(new Float32Array(5), [-5]), "tensor: expected a shape of whole numbers ≥ 0, got [-5]"],
      [
        () => tensor(untyped(new Int16Array(5)), [5]),
        "tensor: expected a Float32Array, Float64Array, Int32Array or Uint8Array, got Int16Array(10 bytes)",
      ],
      [() => tensor(Uint8Array.of(1, 2), [2]), "tensor: expected 0 or 1 for bool, got 2"],
    ];
    for (const [call, message] of cases) expect(call).toThrow(message);
  });

  it("refuses arrays that nest without end, whether or not they ever end", () => {
    const loop: Nested[] = [];
    loop.push(loop);
    const late: Nested[] = [1];
    late.push(late);
    let deep: Nested = 1;
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    const message = "tensor: expected arrays nested at most 32 deep, got [[[[…]]]]";
    expect(() => tensor(loop)).toThrow(new ShapeError(message));
    expect(() => tensor(deep)).toThrow(message);
    expect(() => tensor(late)).toThrow("tensor: expected numbers at depth 1, got [1, [1, [1, […, …]]]] at depth 1");
    let deepest: Nested = 7;
    for (let depth = 0; depth < 32; depth++) deepest = [deepest];
    expect(tensor(deepest).shape.length).toBe(32);
  });
});

describe("toNested", () => {
  const nested = fc
    .array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 })
    .chain((shape) =>
      fc
        .array(fc.float({ noNaN: true }), { minLength: size(shape), maxLength: size(shape) })
        .map((entries) => tensor(Float32Array.from(entries), shape)),
    );

  it("undoes tensor, up to the axes behind an empty one", () => {
    fc.assert(
      fc.property(nested, (x) => {
        const back = tensor(toNested(x));
        expect([...back.data]).toEqual([...x.data]);
        const empty = x.shape.indexOf(0);
        expect(back.shape).toEqual(empty < 0 ? x.shape : x.shape.slice(0, empty + 1));
      }),
      { seed: 1 },
    );
  });

  it("gives masks as booleans and a scalar as a number", () => {
    expect(toNested(tensor([[true], [false]]))).toEqual([[true], [false]]);
    expect(toNested(tensor(3))).toBe(3);
    expect(toNested(zeros([2, 0]))).toEqual([[], []]);
  });
});

describe("cast", () => {
  it("gives the tensor itself if nothing changes", () => {
    const x = tensor([1, 2]);
    expect(cast(x, "float32")).toBe(x);
  });

  it("rounds to float32, and asks bool whether an entry is not 0", () => {
    expect(cast(tensor([0.1], { dtype: "float64" }), "float32").data[0]).toBe(Math.fround(0.1));
    expect(cast(tensor([0, -0, 0.5, Number.NaN]), "bool").data).toEqual(Uint8Array.of(0, 0, 1, 1));
    expect(cast(tensor([true, false]), "float64").data).toEqual(Float64Array.of(1, 0));
    expect(cast(tensor([2, -(2 ** 31)]), "int32").data).toEqual(Int32Array.of(2, -(2 ** 31)));
  });

  it("refuses to lose digits to int32 without a word", () => {
    expect(() => cast(tensor([0.5]), "int32")).toThrow(
      new RangeError("cast: expected whole 32-bit numbers for int32, got 0.5"),
    );
    expect(() => cast(tensor([2 ** 31]), "int32")).toThrow("got 2147483648");
    expect(() => cast(tensor([1]), untyped("half"))).toThrow(
      'cast: expected dtype to be one of float32, float64, int32, bool, got "half"',
    );
  });
});

describe("reshape, zeros, allocate", () => {
  it("a new shape keeps the storage", () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(reshape(x, [3, 2]).data).toBe(x.data);
    expect(toNested(reshape(x, [6]))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(reshape(tensor([7]), []).shape).toEqual([]);
  });

  it("refuse a shape of another size, or none", () => {
    expect(() => reshape(tensor([1, 2]), [3])).toThrow("reshape: expected a shape of 2 entries, got [3]");
    expect(() => reshape(tensor([1, 2]), [-2])).toThrow("reshape: expected a shape of whole numbers ≥ 0, got [-2]");
    expect(() => zeros([1.5])).toThrow("zeros: expected a shape of whole numbers ≥ 0, got [1.5]");
    expect(() => zeros([2 ** 40, 2 ** 40])).toThrow(
      "zeros: expected a shape of fewer than 2^53 entries, got [1099511627776, 1099511627776]",
    );
    expect(() => zeros([2], untyped({ dtype: "half" }))).toThrow("zeros: expected dtype to be one of float32");
    expect(() => zeros([2], untyped({ type: "bool" }))).toThrow('zeros: expected options dtype, got "type"');
  });

  it("refuse by name what no memory holds", () => {
    expect(() => zeros([1e6, 1e6])).toThrow(
      new RangeError(
        "zeros: expected a shape whose 1000000000000 float32 entries fit in memory, got [1000000, 1000000]",
      ),
    );
    expect(() => allocate("float64", 2 ** 52)).toThrow(
      new RangeError("allocate: expected memory for 4503599627370496 float64 entries, got none"),
    );
    expect(() => allocate("float64", -1)).toThrow("allocate: expected a whole number of entries ≥ 0, got -1");
    expect(() => allocate(untyped("half"), 1)).toThrow("allocate: expected dtype to be one of float32");
  });

  it("zeros are zeros of the dtype", () => {
    expect(zeros([2], { dtype: "int32" }).data).toEqual(new Int32Array(2));
    expect(allocate("bool", 3)).toEqual(new Uint8Array(3));
  });
});

describe("isTensor", () => {
  it("knows a tensor, also one that was cloned", () => {
    expect(isTensor(tensor([[1]]))).toBe(true);
    expect(isTensor(structuredClone(tensor([true])))).toBe(true);
  });

  it("knows what is none", () => {
    const { shape, data } = tensor([1, 2]);
    for (const other of [
      null,
      3,
      [1],
      data,
      { shape, data },
      { dtype: "float64", shape, data },
      { dtype: "float32", shape: [3], data },
      { dtype: "float32", shape: [-1, -2], data },
      { dtype: "float32", shape: [0.5, 4], data },
      { dtype: "float32", shape: ["2"], data },
    ])
      expect(isTensor(other)).toBe(false);
  });
});

function size(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

// a nested array is typed as deep as it goes
expectTypeOf<number[][][]>().toExtend<Nested>();
