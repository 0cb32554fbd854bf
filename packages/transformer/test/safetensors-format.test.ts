import { random, type Tensor, tensor, zeros } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";
import { readSafetensors, SafetensorsError, writeSafetensors } from "../src/index.ts";
import { reverseItems } from "../src/safetensors-format.ts";
import { refusalOf } from "./refusal.ts";

// in every runtime; the language's own types leave it to the platform's
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** A file: the header as text, then data; the length is the header's unless another is given. */
function file(header: string | Uint8Array, data: ArrayLike<number> = [], length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}
const header = (bytes: Uint8Array): string => {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return String.fromCharCode(...bytes.subarray(8, 8 + length));
};

describe("a file by hand", () => {
  // 1.5 as F32, little-endian: 0x3fc00000
  const bytes = file(
    '{"__metadata__":{"who":"é"},"x":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}',
    [0, 0, 0xc0, 0x3f],
  );

  it("is read", () => {
    const { tensors, metadata } = readSafetensors(bytes);
    expect([...tensors]).toEqual([["x", tensor([[1.5]])]]);
    expect([...metadata]).toEqual([["who", "é"]]);
  });

  it("is read from any offset of a larger buffer, and its numbers are copies", () => {
    for (let offset = 0; offset < 9; offset++) {
      const larger = new Uint8Array(bytes.length + 16);
      larger.set(bytes, offset);
      const { tensors } = readSafetensors(larger.subarray(offset, offset + bytes.length));
      larger.fill(0);
      expect(tensors.get("x")).toEqual(tensor([[1.5]]));
    }
    // a subclass whose slice shares memory, as that of Node's Buffer does
    class Shared extends Uint8Array {
      override slice(from: number, to: number): never {
        return this.subarray(from, to) as never;
      }
    }
    const shared = new Shared(bytes);
    const { tensors } = readSafetensors(shared);
    shared.fill(0);
    expect(tensors.get("x")).toEqual(tensor([[1.5]]));
  });

  it("is written: the header padded with spaces, larger numbers first, then by name", () => {
    const written = writeSafetensors(
      [
        ["b", tensor([1, 2])],
        ["c", tensor([3], { dtype: "float64" })],
        ["a", tensor([[4]])],
      ],
      { metadata: [["who", "me"]] },
    );
    expect(header(written)).toBe(
      '{"__metadata__":{"who":"me"},"c":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}'.padEnd(
        200,
      ),
    );
    const data = new DataView(written.buffer, 8 + 200);
    expect(data.byteLength).toBe(20);
    expect([
      data.getFloat64(0, true),
      data.getFloat32(8, true),
      data.getFloat32(12, true),
      data.getFloat32(16, true),
    ]).toEqual([3, 4, 1, 2]);
  });
});

describe("a round trip", () => {
  const roundTrip = (
    entries: readonly (readonly [string, Tensor])[],
    metadata: readonly (readonly [string, string])[] = [],
  ) => readSafetensors(writeSafetensors(entries, { metadata }));

  it("keeps every bit: −0, the smallest and largest numbers, infinities, NaN and its payload", () => {
    const bits = BigUint64Array.of(
      0x8000000000000000n,
      1n,
      0x7fefffffffffffffn,
      0x7ff0000000000000n,
      0xfff0000000000000n,
      0x7ff8000000000123n,
      0x3ff0000000000001n,
    );
    const doubles = tensor(new Float64Array(bits.buffer), [7]);
    const small = Uint32Array.of(0x80000000, 1, 0x7f7fffff, 0x7f800000, 0x7fc00123);
    const floats = tensor(new Float32Array(small.buffer), [5]);
    const { tensors } = roundTrip([
      ["d", doubles],
      ["f", floats],
    ]);
    expect(new BigUint64Array((tensors.get("d") as Tensor).data.buffer)).toEqual(bits);
    expect(new Uint32Array((tensors.get("f") as Tensor).data.buffer)).toEqual(small);
  });

  it("keeps shapes without axes or entries, and views into larger arrays", () => {
    const larger = Float32Array.from({ length: 11 }, (_, i) => i);
    const entries: [string, Tensor][] = [
      ["scalar", tensor(7)],
      ["nothing", zeros([3, 0, 5])],
      ["view", tensor(larger.subarray(3, 8), [5])],
    ];
    const { tensors } = roundTrip(entries);
    expect(tensors.get("scalar")).toEqual(tensor(7));
    expect(tensors.get("nothing")).toEqual(zeros([3, 0, 5]));
    expect(tensors.get("view")).toEqual(tensor([3, 4, 5, 6, 7]));
  });

  it("keeps names that are keys, numbers, quotes, or beyond ASCII", () => {
    const names = ["__proto__", "constructor", "7", "", 'a"b\\', "π 🙂", "\u0000\n", "a.b.0"];
    const pairs = names.map((name) => [name, `${name}!`] as const);
    const { tensors, metadata } = roundTrip(
      names.map((name, i) => [name, tensor([i])] as const),
      pairs,
    );
    expect(new Map([...tensors].map(([name, x]) => [name, x.data[0]]))).toEqual(
      new Map(names.map((name, i) => [name, i])),
    );
    expect(metadata).toEqual(new Map(pairs));
  });

  it("of nothing is an empty file", () => {
    expect(header(writeSafetensors([]))).toBe("{}      ");
    expect(readSafetensors(writeSafetensors([])).tensors.size).toBe(0);
  });

  it("reverses the bytes of every item where the machine's order is the other", () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    reverseItems(bytes, 4);
    expect([...bytes]).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
  });
});

describe("reading refuses", () => {
  const entry = (shape: string, offsets: string, dtype = '"F32"') =>
    `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
  const one = (text: string, data: ArrayLike<number> = [0, 0, 0, 0]) => file(`{"x":${text}}`, data);
  const two = (a: string, b: string, data: number) => file(`{"a":${a},"b":${b}}`, new Uint8Array(data));

  it.each<[string, Uint8Array, string]>([
    ["fewer than 8 bytes", new Uint8Array(7), "at least 8 bytes, got 7"],
    [
      "a header past the end",
      file("{}", [], 3n),
      "a header that ends within the file, got 3 bytes of header in 10 bytes",
    ],
    [
      "a header past the end by an overflow",
      file("{}", [], 2n ** 64n - 6n),
      "a header of at most 100000000 bytes, got 18446744073709551610",
    ],
    [
      "a header of more than 100 MB",
      file("{}", [], 100_000_001n),
      "a header of at most 100000000 bytes, got 100000001",
    ],
    ["an empty header", file(""), "a header that begins with {, got nothing"],
    ["a header that begins with a space", file(" {}"), 'a header that begins with {, got " "'],
    ["a header that begins with a byte order mark", file("\ufeff{}"), 'a header that begins with {, got "\ufeff"'],
    ["a list", file("[]"), 'a header that begins with {, got "["'],
    ["invalid UTF-8", file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22)), "a header in UTF-8, got other bytes"],
    [
      "an encoded surrogate",
      file(Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x30, 0x7d)),
      "a header in UTF-8, got other bytes",
    ],
    [
      "a lone surrogate as a name",
      file(`{"\\ud800":${entry("[]", "[0,4]")}}`, [0, 0, 0, 0]),
      "names in Unicode, got a lone surrogate",
    ],
    [
      "a lone surrogate in metadata",
      file('{"__metadata__":{"a":"\\udc00"}}'),
      "__metadata__ in Unicode, got a lone surrogate",
    ],
    ["metadata that is no object", file('{"__metadata__":["a"]}'), '__metadata__ to be an object, got ["a"]'],
    ["metadata that is no text", file('{"__metadata__":{"a":1}}'), '__metadata__ "a" to be a string, got 1'],
    ["null metadata", file('{"__metadata__":null}'), "__metadata__ to be an object, got null"],
    ["an entry that is no object", one("[0,4]"), 'the entry of tensor "x" to be an object, got [0, 4]'],
    ["an entry without a dtype", one('{"shape":[1],"data_offsets":[0,4]}'), 'a dtype of tensor "x", got none'],
    [
      "an entry without a shape",
      one('{"dtype":"F32","data_offsets":[0,4]}'),
      'a shape of tensor "x" to be whole numbers below 2^53, got none',
    ],
    [
      "an entry without offsets",
      one('{"dtype":"F32","shape":[1]}'),
      'data_offsets of tensor "x" to be two whole numbers, got none',
    ],
    [
      "an entry with more",
      one('{"dtype":"F32","shape":[1],"data_offsets":[0,4],"name":"x"}'),
      'dtype, shape and data_offsets of tensor "x", got "name"',
    ],
    ["a dtype that is a number", one(entry("[1]", "[0,4]", "32")), 'a dtype of tensor "x", got 32'],
    [
      "an unknown dtype",
      one(entry("[1]", "[0,4]", '"toString"')),
      'dtype F64, F32, F16 or BF16 of tensor "x", got "toString"',
    ],
    [
      "a shape that is no list",
      one(entry("1", "[0,4]")),
      'a shape of tensor "x" to be whole numbers below 2^53, got 1',
    ],
    [
      "a negative length",
      one(entry("[-1]", "[0,4]")),
      'a shape of tensor "x" to be whole numbers below 2^53, got [-1]',
    ],
    [
      "a fraction of a length",
      one(entry("[1.5]", "[0,4]")),
      'a shape of tensor "x" to be whole numbers below 2^53, got [1.5]',
    ],
    [
      "a length of 2^53",
      one(entry("[9007199254740992]", "[0,4]")),
      'a shape of tensor "x" to be whole numbers below 2^53, got [9007199254740992]',
    ],
    [
      "a length that is text",
      one(entry('["1"]', "[0,4]")),
      'a shape of tensor "x" to be whole numbers below 2^53, got ["1"]',
    ],
    ["a length written 1.0", one(entry("[1.0]", "[0,4]")), 'numbers written in digits, got "."'],
    ["a length written 1e0", one(entry("[1e0]", "[0,4]")), 'numbers written in digits, got "e"'],
    ["a length written -0", one(entry("[-0]", "[0,0]"), []), 'numbers written in digits, got "-"'],
    [
      "a shape that overflows",
      one(entry("[4294967296,4294967296]", "[0,4]")),
      'data_offsets of tensor "x" to span the Infinity bytes of shape [4294967296, 4294967296], got 0 to 4',
    ],
    [
      "a shape that overflows before a 0",
      one(entry("[4294967296,4294967296,0]", "[0,0]"), []),
      'data_offsets of tensor "x" to span the Infinity bytes of shape [4294967296, 4294967296, 0], got 0 to 0',
    ],
    [
      "three offsets",
      one(entry("[1]", "[0,4,8]")),
      'data_offsets of tensor "x" to be two whole numbers, got [0, 4, 8]',
    ],
    [
      "a negative offset",
      one(entry("[1]", "[-4,0]")),
      'data_offsets of tensor "x" to be two whole numbers, got [-4, 0]',
    ],
    [
      "offsets that run back",
      one(entry("[0]", "[4,0]")),
      'data_offsets of tensor "x" to span the 0 bytes of shape [0], got 4 to 0',
    ],
    [
      "fewer bytes than the shape",
      one(entry("[2]", "[0,4]")),
      'data_offsets of tensor "x" to span the 8 bytes of shape [2], got 0 to 4',
    ],
    [
      "fewer bytes than the dtype",
      one(entry("[1]", "[0,4]", '"F64"')),
      'data_offsets of tensor "x" to span the 8 bytes of shape [1], got 0 to 4',
    ],
    ["a tensor past the end", one(entry("[2]", "[0,8]")), "8 bytes of data, where the last tensor ends, got 4"],
    [
      "bytes behind the last tensor",
      one(entry("[1]", "[0,4]"), [0, 0, 0, 0, 0]),
      "4 bytes of data, where the last tensor ends, got 5",
    ],
    ["data without tensors", file("{}", [0]), "0 bytes of data, where the last tensor ends, got 1"],
    [
      "a hole before the first",
      one(entry("[1]", "[4,8]"), new Uint8Array(8)),
      'tensor "x" to begin at 0, where the one before ends, got 4: a hole',
    ],
    [
      "a hole between two",
      two(entry("[1]", "[0,4]"), entry("[1]", "[8,12]"), 12),
      'tensor "b" to begin at 4, where the one before ends, got 8: a hole',
    ],
    [
      "an overlap",
      two(entry("[2]", "[0,8]"), entry("[1]", "[4,8]"), 8),
      'tensor "b" to begin at 8, where the one before ends, got 4: an overlap',
    ],
    [
      "one place for two tensors",
      two(entry("[1]", "[0,4]"), entry("[1]", "[0,4]"), 4),
      'tensor "b" to begin at 4, where the one before ends, got 0: an overlap',
    ],
    [
      "a name twice",
      file(`{"a":${entry("[1]", "[0,4]")},"a":${entry("[1]", "[0,4]")}}`, [0, 0, 0, 0]),
      "names that do not repeat, got one twice",
    ],
    [
      "a name twice in other letters",
      file(`{"a":${entry("[1]", "[0,4]")},"\\u0061":${entry("[1]", "[0,4]")}}`, [0, 0, 0, 0]),
      "names that do not repeat, got one twice",
    ],
    [
      "a shape twice",
      one('{"dtype":"F32","shape":[7],"shape":[1],"data_offsets":[0,4]}'),
      "names that do not repeat, got one twice",
    ],
    ["a metadata key twice", file('{"__metadata__":{"a":"1","a":"2"}}'), "names that do not repeat, got one twice"],
    ["metadata twice", file('{"__metadata__":{"a":"1"},"__metadata__":{}}'), "names that do not repeat, got one twice"],
  ])("%s", (_, bytes, message) => {
    expect(refusalOf(() => readSafetensors(bytes))).toBe(`SafetensorsError: readSafetensors: expected ${message}`);
  });

  it("what is no JSON, whatever the parser says about it", () => {
    for (const text of ["{", "{]", "{'a':1}", '{"a":01}', "{}}", "{}\u0000", '{"a":1,}', "{NaN}"])
      expect(refusalOf(() => readSafetensors(file(text)))).toMatch(
        /^SafetensorsError: readSafetensors: expected a header in JSON, got "/,
      );
  });

  it("types that tensors here do not have", () => {
    for (const dtype of ["F8_E5M2", "I64", "BOOL"])
      expect(refusalOf(() => readSafetensors(one(entry("[1]", "[0,4]", `"${dtype}"`))))).toBe(
        `UnsupportedError: readSafetensors: expected dtype F64, F32, F16 or BF16 of tensor "x", got ${dtype}`,
      );
  });

  it("what is not bytes", () => {
    expect(refusalOf(() => readSafetensors("{}" as never))).toBe(
      'SafetensorsError: readSafetensors: expected bytes in a Uint8Array, got "{}"',
    );
  });

  it("values nested without end, in a line", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const objects = `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`;
    for (const text of [
      `{"x":${deep}}`,
      `{"x":${objects}}`,
      `{"__metadata__":{"a":${deep}}}`,
      `{"x":${entry(deep, "[0,4]")}}`,
    ]) {
      const refusal = refusalOf(() => readSafetensors(file(text)));
      expect(refusal).toMatch(/^SafetensorsError: readSafetensors: expected/);
      expect(refusal.length).toBeLessThan(300);
    }
  });
});

describe("a hostile file", () => {
  const valid = writeSafetensors(
    [
      ["blocks.0.weight", tensor([[1, 2, 3]])],
      ["blocks.0.bias", tensor([4, 5], { dtype: "float64" })],
      ["scale", tensor(6)],
    ],
    { metadata: [["format", "any"]] },
  );

  it("with bytes changed, cut off or added is refused by name, or read as tensors of no more than its size", () => {
    const draw = random(11);
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      let bytes = Uint8Array.from(valid);
      for (let changes = draw.integer(3) + 1; changes > 0; changes--) {
        const at = draw.integer(bytes.length);
        const way = draw.integer(4);
        if (way === 0) bytes[at] = draw.integer(256);
        else if (way === 1) bytes[at] ^= 1 << draw.integer(8);
        else if (way === 2) bytes = bytes.slice(0, at + 1);
        else bytes.set(bytes.slice(at, at + 9), draw.integer(bytes.length - Math.min(9, bytes.length - at) + 1));
      }
      try {
        const size = [...readSafetensors(bytes).tensors.values()].reduce((sum, x) => sum + x.data.byteLength, 0);
        expect(size).toBeLessThan(bytes.length);
      } catch (error) {
        refused++;
        if (!(error instanceof SafetensorsError)) expect(String(error)).toMatch(/^UnsupportedError: readSafetensors/);
      }
    }
    // most changes hit the header, so that the loop is a test
    expect(refused).toBeGreaterThan(10_000);
  });

  it("of any first 8 bytes is refused", () => {
    const draw = random(12);
    for (let round = 0; round < 1000; round++) {
      const bytes = Uint8Array.from({ length: 8 + draw.integer(64) }, () => draw.integer(256));
      expect(() => readSafetensors(bytes)).toThrow(SafetensorsError);
    }
  });
});

describe("writing refuses", () => {
  it.each<[string, () => unknown, string]>([
    [
      "no tensors at all",
      () => writeSafetensors(undefined as never),
      "expected tensors as pairs of a name and a tensor, got undefined",
    ],
    [
      "a tree of tensors",
      () => writeSafetensors({ a: tensor([1]) } as never),
      "expected tensors as pairs of a name and a tensor, got { a: { dtype:",
    ],
    ["numbers", () => writeSafetensors([1] as never), "expected tensors as pairs of a name and a tensor, got 1"],
    [
      "metadata as a record",
      () => writeSafetensors([], { metadata: { a: "b" } as never }),
      'expected metadata as pairs of strings, got { a: "b" }',
    ],
    [
      "a name twice",
      () =>
        writeSafetensors([
          ["a", tensor([1])],
          ["a", tensor([2])],
        ]),
      'expected names that do not repeat, got "a"',
    ],
    [
      "the name of the metadata",
      () => writeSafetensors([["__metadata__", tensor([1])]]),
      'expected a name in Unicode other than __metadata__, got "__metadata__"',
    ],
    [
      "half a surrogate pair",
      () => writeSafetensors([["\ud83d", tensor([1])]]),
      'expected a name in Unicode other than __metadata__, got "\\ud83d"',
    ],
    ["what is no tensor", () => writeSafetensors([["a", [1] as never]]), 'expected "a" to be a tensor, got [1]'],
    [
      "indices",
      () => writeSafetensors([["a", tensor(new Int32Array(2), [2])]]),
      'expected "a" of dtype float32 or float64, got int32',
    ],
    [
      "metadata that is no text",
      () => writeSafetensors([], { metadata: [["a", 1 as never]] }),
      "expected metadata in Unicode strings, got 1",
    ],
    [
      "a metadata key twice",
      () =>
        writeSafetensors([], {
          metadata: [
            ["a", "1"],
            ["a", "2"],
          ],
        }),
      'expected metadata keys that do not repeat, got "a"',
    ],
    [
      "unknown options",
      () => writeSafetensors([], { format: "pt" } as never),
      'expected options metadata, dtype, got "format"',
    ],
  ])("%s", (_, refused, message) => {
    expect(refusalOf(refused).slice(0, 30 + message.length)).toBe(`RangeError: writeSafetensors: ${message}`);
  });
});
