import { checkOptions, required, ShapeError, show, tensor, UnsupportedError } from "@splineformer/tensor";
import { describe, expect, it } from "vitest";

describe("errors", () => {
  it("know their names, and are errors", () => {
    for (const Kind of [ShapeError, UnsupportedError]) {
      const error = new Kind("add: expected this, got that");
      expect(error).toBeInstanceOf(Error);
      expect(error.name).toBe(Kind.name);
      expect(String(error)).toBe(`${Kind.name}: add: expected this, got that`);
    }
  });
});

describe("what came is shown", () => {
  it("short and readable", () => {
    expect(show("softmax")).toBe('"softmax"');
    expect(show(-0)).toBe("-0");
    expect(show(Number.NaN)).toBe("NaN");
    expect(show(undefined)).toBe("undefined");
    expect(show(5n)).toBe("5n");
    expect(show(() => 1)).toBe("a function");
    expect(show([1, "a", null])).toBe('[1, "a", null]');
    expect(show({ window: 0 })).toBe("{ window: 0 }");
    expect(show(new Float32Array(3))).toBe("Float32Array(12 bytes)");
    expect(show(Symbol("s"))).toBe("Symbol(s)");
    expect(show({})).toBe("{}");
    expect(show(Promise.resolve(1))).toBe("a promise");
    expect(show(new Map([["a", 1]]))).toBe("a Map");
    expect(
      show(
        new (class Handle {
          id = 3;
        })(),
      ),
    ).toBe("a Handle");
  });

  it("without its tail, however long it is", () => {
    expect(show("x".repeat(101))).toBe(`"${"x".repeat(57)}…"`);
    expect(show([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toBe("[1, 2, 3, 4, 5, 6, 7, 8, …]");
    expect(show(tensor([1, 2]))).toBe('{ dtype: "float32", shape: [2], data: Float32Array(8 bytes) }');
  });

  it("however deep it nests", () => {
    const loop: unknown[] = [];
    loop.push(loop);
    expect(show(loop)).toBe("[[[[…]]]]");
  });
});

describe("checks", () => {
  it("give back what fits", () => {
    expect(required(true, "f", "anything", 7)).toBe(7);
    expect(() => checkOptions("f", { on: 1 }, ["on", "off"])).not.toThrow();
    expect(() => checkOptions("f", {}, [])).not.toThrow();
  });

  it("name the function, what was expected and what came", () => {
    expect(() => required(false, "interpolate", "2 knots", 1)).toThrow(
      new RangeError("interpolate: expected 2 knots, got 1"),
    );
    expect(() => checkOptions("f", { onn: 1 }, ["on", "off"])).toThrow(
      new RangeError('f: expected options on, off, got "onn"'),
    );
    expect(() => checkOptions("f", { onn: 1 }, [])).toThrow('f: expected no options, got "onn"');
    for (const other of [null, 3, [1], "on"] as unknown[])
      expect(() => checkOptions("f", other as object, ["on"])).toThrow("f: expected an object of options, got");
  });
});
