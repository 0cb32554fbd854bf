import { type Tensor, tensor } from "@splineformer/tensor";
import { seeded } from "@splineformer/testing";
import { describe, expect, it } from "vitest";
import { type HalfPrecision, narrow, widen } from "../src/half-precision.ts";
import { readSafetensors, writeSafetensors } from "../src/index.ts";
import { refusalOf } from "./refusal.ts";

const stored = { float16: "F16", bfloat16: "BF16" } as const;

/** A file with one tensor x of these patterns, made byte by byte. */
function file(format: HalfPrecision, patterns: readonly number[]): Uint8Array {
  const header = `{"x":{"dtype":"${stored[format]}","shape":[${patterns.length}],"data_offsets":[0,${2 * patterns.length}]}}`;
  const bytes = new Uint8Array(8 + header.length + 2 * patterns.length);
  bytes[0] = header.length;
  for (let i = 0; i < header.length; i++) bytes[8 + i] = header.charCodeAt(i);
  for (const [i, pattern] of patterns.entries()) bytes.set([pattern & 255, pattern >> 8], 8 + header.length + 2 * i);
  return bytes;
}
const read = (bytes: Uint8Array): Tensor => readSafetensors(bytes).tensors.get("x") as Tensor;
const every = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);

/** By the definition of the format: (−1)^s · 2^(e − bias) · (1 + m/2^width), and its exceptions. */
function definedValue(format: HalfPrecision, pattern: number): number {
  const [width, bias] = format === "float16" ? [10, 15] : [7, 127];
  const sign = pattern & 0x8000 ? -1 : 1;
  const m = pattern & (2 ** width - 1);
  const e = (pattern & 0x7fff) >> width;
  if (e === 2 * bias + 1) return m === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return e === 0 ? sign * m * 2 ** (1 - bias - width) : sign * (1 + m / 2 ** width) * 2 ** (e - bias);
}

const specials: readonly (readonly [format: HalfPrecision, pattern: number, value: number])[] = [
  ["float16", 0x0000, 0],
  ["float16", 0x8000, -0],
  ["float16", 0x3c00, 1],
  ["float16", 0xc100, -2.5],
  ["float16", 0x3555, 0.333251953125],
  ["float16", 0x0001, 2 ** -24],
  ["float16", 0x83ff, -1023 * 2 ** -24],
  ["float16", 0x0400, 2 ** -14],
  ["float16", 0x7bff, 65504],
  ["float16", 0x7c00, Number.POSITIVE_INFINITY],
  ["float16", 0xfc00, Number.NEGATIVE_INFINITY],
  ["float16", 0x7e00, Number.NaN],
  ["bfloat16", 0x0000, 0],
  ["bfloat16", 0x8000, -0],
  ["bfloat16", 0x3f80, 1],
  ["bfloat16", 0xc020, -2.5],
  ["bfloat16", 0x4049, 3.140625],
  ["bfloat16", 0x0001, 2 ** -133],
  ["bfloat16", 0x807f, -127 * 2 ** -133],
  ["bfloat16", 0x0080, 2 ** -126],
  ["bfloat16", 0x7f7f, 2 ** 128 - 2 ** 120],
  ["bfloat16", 0x7f80, Number.POSITIVE_INFINITY],
  ["bfloat16", 0xff80, Number.NEGATIVE_INFINITY],
  ["bfloat16", 0x7fc0, Number.NaN],
];

describe("16-bit numbers in a file", () => {
  it.each(specials)("%s %i is read as float32 %d, and written back", (format, pattern, value) => {
    const x = read(file(format, [pattern]));
    expect(x).toEqual(tensor([value]));
    expect(Object.is(x.data[0], value)).toBe(true);
    const written = writeSafetensors([["x", x]], { dtype: format });
    expect([...written.slice(-2)]).toEqual([pattern & 255, pattern >> 8]);
    expect(read(written)).toEqual(x);
  });

  it.each(["float16", "bfloat16"] as const)(
    "all 65,536 patterns of %s are read as defined, and kept bit for bit",
    (format) => {
      const wide = widen(format, every);
      for (const pattern of every)
        if (!Object.is(wide[pattern], definedValue(format, pattern)))
          expect.fail(`${pattern} is read as ${wide[pattern]}`);
      expect(narrow(format, wide)).toEqual(every);
    },
  );

  it.each(["float16", "bfloat16"] as const)(
    "between two neighbours of %s the nearer is written, at the middle the even one",
    (format) => {
      const largest = format === "float16" ? 0x7bff : 0x7f7f;
      for (let pattern = 0; pattern < largest; pattern++) {
        const [low, high] = [definedValue(format, pattern), definedValue(format, pattern + 1)];
        const middle = 0.5 * (low + high);
        const even = pattern % 2 ? pattern + 1 : pattern;
        // float64 numbers beside the middle that float32 would round to it
        const beside = [middle * (1 - 2 ** -52), middle, middle * (1 + 2 ** -52)];
        const expected = [pattern, even, pattern + 1];
        const found = narrow(format, Float64Array.from([...beside, ...beside.map((x) => -x)]));
        if (found.join() !== [...expected, ...expected.map((p) => p | 0x8000)].join())
          expect.fail(`around ${middle}: ${found.join()}`);
      }
    },
  );

  it("float32 and float64 tensors are rounded once, one dtype for the whole file", () => {
    const x = seeded(5).normal([7, 11]);
    const bytes = writeSafetensors(
      [
        ["a", x],
        ["b", tensor([1, 2])],
      ],
      { dtype: "bfloat16" },
    );
    const { tensors } = readSafetensors(bytes);
    expect([...tensors.values()].map(({ dtype }) => dtype)).toEqual(["float32", "float32"]);
    // half a unit in the eighth digit
    for (const [i, v] of x.data.entries())
      expect(Math.abs((tensors.get("a") as Tensor).data[i] - v)).toBeLessThanOrEqual(Math.abs(v) * 2 ** -8);
    expect(writeSafetensors(tensors, { dtype: "bfloat16" })).toEqual(bytes);
    const wide = readSafetensors(writeSafetensors([["b", tensor([0.1])]], { dtype: "float64" })).tensors.get("b");
    expect(wide).toEqual(tensor([Math.fround(0.1)], { dtype: "float64" }));
  });

  it("stand behind larger ones, so that all lie at multiples of their size", () => {
    const header = `{"h":{"dtype":"F16","shape":[1],"data_offsets":[8,10]},"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}`;
    const bytes = new Uint8Array(8 + header.length + 10);
    bytes[0] = header.length;
    for (let i = 0; i < header.length; i++) bytes[8 + i] = header.charCodeAt(i);
    bytes.set([0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0x3c], 8 + header.length);
    expect([...readSafetensors(bytes).tensors]).toEqual([
      ["d", tensor([1], { dtype: "float64" })],
      ["h", tensor([1])],
    ]);
  });

  it("a finite number that would become infinite is refused, by name and entry", () => {
    const refused = (values: number[], dtype: "float16" | "bfloat16" | "float32"): string =>
      refusalOf(() => writeSafetensors([["w", tensor(values, { dtype: "float64" })]], { dtype }));
    expect(refused([1, 65520], "float16")).toBe(
      'RangeError: writeSafetensors: expected "w" to hold numbers that float16 reaches, got 65520 at entry 1',
    );
    expect(refused([65519], "float16")).toBe("nothing");
    expect(refused([-3.4e38], "bfloat16")).toContain("that bfloat16 reaches, got -3.4e+38 at entry 0");
    expect(refused([1e39], "float32")).toContain("that float32 reaches, got 1e+39 at entry 0");
    expect(refused([Number.POSITIVE_INFINITY], "float16")).toBe("nothing");
    expect(refusalOf(() => writeSafetensors([], { dtype: "half" as "float16" }))).toBe(
      'RangeError: writeSafetensors: expected dtype to be one of float64, float32, float16, bfloat16, got "half"',
    );
  });
});
