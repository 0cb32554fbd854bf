import { describe, expect, test } from "vitest";
import { mismatch, parseClaim, textMismatch } from "../src/claims.js";

/**
 * Whether a comment is true of a value.
 *
 * @param {unknown} value
 * @param {string} comment
 */
function holds(value, comment) {
  const claim = parseClaim(comment);
  if (claim?.kind !== "value") throw new Error(`no claim about a value: ${comment}`);
  return mismatch(value, claim.value) === undefined;
}

describe("a number", () => {
  test("followed by … begins with these digits", () => {
    expect(holds(Math.LN2, "0.693…")).toBe(true);
    expect(holds(Math.LN2, "0.693147...")).toBe(true);
    expect(holds(0.6939, "0.693…")).toBe(true);
    expect(holds(0.694, "0.693…")).toBe(false);
    expect(holds(0.6929, "0.693…")).toBe(false);
    expect(holds(-Math.LN2, "-0.693…")).toBe(true);
    expect(holds(-0.6929, "-0.693…")).toBe(false);
    expect(holds(6.2e-7, "6.1…e-7")).toBe(false);
  });

  test("with three decimals and more is the value rounded to them", () => {
    expect(holds(Math.LN2, "0.693")).toBe(true);
    expect(holds(Math.LN2, "0.6931")).toBe(true);
    expect(holds(Math.LN2, "0.694")).toBe(false);
    expect(holds(1.2344e-7, "1.234e-7")).toBe(true);
    expect(holds(1.2346e-7, "1.234e-7")).toBe(false);
  });

  test("with fewer decimals is the value, up to the rounding of float32", () => {
    expect(holds(0.1 + 0.2, "0.3")).toBe(true);
    expect(holds(Math.fround(0.1), "0.1")).toBe(true);
    expect(holds(0.52, "0.5")).toBe(false);
    expect(holds(2.9999, "3")).toBe(false);
  });

  test("behind ≈ is rounded, whatever its decimals", () => {
    expect(holds(0.52, "≈ 0.5")).toBe(true);
    expect(holds(0.56, "≈ 0.5")).toBe(false);
  });

  test("from 2²⁴ on is an exact integer", () => {
    expect(holds(4294967295, "4294967295")).toBe(true);
    expect(holds(4294967296, "4294967295")).toBe(false);
    expect(holds(1_000_000, "1_000_000")).toBe(true);
  });

  test("is compared with numbers only, and NaN and Infinity with themselves", () => {
    expect(holds("3", "3")).toBe(false);
    expect(holds(Number.NaN, "3")).toBe(false);
    expect(holds(Number.NaN, "NaN")).toBe(true);
    expect(holds(Number.NEGATIVE_INFINITY, "-Infinity")).toBe(true);
    expect(holds(Number.POSITIVE_INFINITY, "-Infinity")).toBe(false);
    expect(holds(1e308, "Infinity")).toBe(false);
    expect(holds(-0, "0")).toBe(true);
  });

  test("may be bounded", () => {
    expect(parseClaim("< 1e-12")).toEqual({ kind: "bound", relation: "<", limit: 1e-12, text: "< 1e-12" });
    expect(parseClaim(">= 3, always")).toMatchObject({ kind: "bound", relation: "≥", limit: 3 });
  });
});

describe("a structure", () => {
  test("is an array, a typed array or anything that iterates", () => {
    expect(holds([1, 2], "[1, 2]")).toBe(true);
    expect(holds(Float64Array.of(1, 2), "[1, 2]")).toBe(true);
    expect(holds(Float64Array.of(1, 2), "Float64Array [1, 2]")).toBe(true);
    expect(holds(Float64Array.of(1, 2), "Float64Array.of(1, 2): the rest is prose")).toBe(true);
    expect(holds(Float32Array.of(1, 2), "Float64Array [1, 2]")).toBe(false);
    expect(holds(new Set(["a"]), '["a"]')).toBe(true);
    expect(holds([1, 2, 3], "[1, 2]")).toBe(false);
    expect(holds([1], "[1, 2]")).toBe(false);
    expect(holds([[1], [2.5]], "[[1], [3.5]]")).toBe(false);
  });

  test("may leave out the rest", () => {
    expect(holds([1, 2, 3], "[1, 2, …]")).toBe(true);
    expect(holds([1], "[1, 2, …]")).toBe(false);
    expect(holds({ a: 1, b: 2 }, "{ a: 1, … }")).toBe(true);
    expect(holds({ a: 1, b: 2 }, "{ a: 1 }")).toBe(false);
    expect(holds({ a: 1, b: undefined }, "{ a: 1 }")).toBe(true);
  });

  test("may be a tensor, by its rows", () => {
    const tensor = { dtype: "float32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
    expect(holds(tensor, "[[1, 2, 3], [4, 5, 6]]")).toBe(true);
    expect(holds(tensor, "[[1, 2], [3, 4], [5, 6]]")).toBe(false);
    expect(holds(tensor, "[1, 2, 3, 4, 5, 6]")).toBe(false);
  });

  test("says where it differs", () => {
    const claim = parseClaim("{ a: [1, 2] }");
    expect(claim?.kind === "value" && mismatch({ a: [1, 3] }, claim.value)).toBe("expected .a[1] = 2, got 3");
  });
});

describe("words", () => {
  test("are strings in quotes, and constants", () => {
    expect(holds("relu", '"relu"')).toBe(true);
    expect(holds("relu", "'relu'")).toBe(true);
    expect(holds("relu at block 0", '"relu at…"')).toBe(true);
    expect(holds(undefined, "undefined")).toBe(true);
    expect(holds(null, "undefined")).toBe(false);
    expect(holds(true, "true")).toBe(true);
    expect(holds(1, "true")).toBe(false);
  });

  test("after a value and a stop are for the reader", () => {
    for (const comment of ["0.693… = log 2", "2, always", "2: the width", "2 (tokens)", "2 – a pair", "→ 2"]) {
      expect(parseClaim(comment), comment).toMatchObject({ kind: "value" });
    }
  });

  test("alone claim nothing", () => {
    for (const comment of ["2 tokens", "the breakpoints", "order 2", "[1, 2", "a [3, 5] tensor", ""]) {
      expect(parseClaim(comment), comment).toBeUndefined();
    }
  });

  test("may claim an error", () => {
    expect(parseClaim("throws")).toEqual({ kind: "throws", name: undefined, message: undefined });
    expect(parseClaim("throws a RangeError")).toMatchObject({ name: "RangeError" });
    expect(parseClaim("throws ShapeError: f: expected x, got y")).toMatchObject({ message: "f: expected x, got y" });
    expect(parseClaim("throws f: expected x, got y")).toMatchObject({ message: "f: expected x, got y" });
    expect(parseClaim("throws things around")).toBeUndefined();
  });
});

describe("printed text", () => {
  test("is compared line by line", () => {
    expect(textMismatch("a\nb  \n", "a\nb")).toBeUndefined();
    expect(textMismatch("a\nb", "a\nc")).toBe("expected the output\na\nc\n\ngot\na\nb");
    expect(textMismatch("a\nb", "a")).toBeDefined();
    expect(textMismatch("a.c", "a.c")).toBeUndefined();
    expect(textMismatch("abc", "a.c")).toBeDefined();
  });

  test("may leave out digits, words and lines", () => {
    expect(textMismatch("x = 0.6931 mm", "x = 0.69… mm")).toBeUndefined();
    expect(textMismatch("x = 0.6831 mm", "x = 0.69… mm")).toBeDefined();
    expect(textMismatch("x = 0.69a mm", "x = 0.69… mm")).toBeDefined();
    expect(textMismatch("wrote /tmp/a.html", "wrote …")).toBeUndefined();
    expect(textMismatch("a\nb\nc\nd", "a\n…\nd")).toBeUndefined();
    expect(textMismatch("a\nb\nc", "a\n…\nd")).toBeDefined();
  });
});
