import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { runExample } from "../src/check.js";
import { checksName, compile, freeNames } from "../src/compile.js";
import { examplesInMarkdown, examplesInSource } from "../src/extract.js";
import { typeErrors } from "../src/types.js";

/**
 * Runs plain JavaScript as an example would run.
 *
 * @param {string} code
 * @param {string} [output]
 */
function run(code, output) {
  const expected = output === undefined ? undefined : { text: output, line: 99 };
  return runCompiled({ file: "page.md", title: "", isDoc: false, segments: [{ code, line: 10, output: expected }] });
}

/** @param {import("../src/extract.js").Example} example */
function runCompiled(example) {
  const { body, ...source } = compile(example);
  return runExample(source, new Function(`return async (${checksName}) => {\n${body}\n}`)());
}

describe("an example", () => {
  test("passes when its claims are true", async () => {
    await run("const x = 1 + 1; // 2\nx * 2; // 4\nconsole.log(x); // 2\n[x, 0.1]; // [2, 0.1]");
  });

  test("fails when a value is not the one claimed, naming file and line", async () => {
    await expect(run("const x = 1;\nx * 2; // 3")).rejects.toThrow("page.md:11: x * 2;\n  expected 3, got 2");
  });

  test("fails when a declared value is not the one claimed", async () => {
    await expect(run("const x = 1; // 2")).rejects.toThrow("expected 2, got 1");
    await run("const x = 1; // the first of two");
  });

  test("fails when a comment behind an expression can't be checked", async () => {
    await expect(run("Math.max(1, 2); // the larger one")).rejects.toThrow('got the comment "the larger one"');
  });

  test("fails when it throws", async () => {
    await expect(run("null.x;")).rejects.toThrow("page.md:10: the example threw TypeError: Cannot read");
  });

  test("fails when what it claims to throw is not thrown, or another error is", async () => {
    await run('(() => { throw new RangeError("f: expected x > 0, got -1") })(); // throws RangeError');
    await run("Promise.reject(new TypeError('no')); // throws TypeError: no");
    await expect(run("Math.sqrt(-1); // throws RangeError")).rejects.toThrow("expected an error, got NaN");
    await expect(run("null.x; // throws RangeError")).rejects.toThrow("expected RangeError, got TypeError");
    await expect(run("null.x; // throws TypeError: other words")).rejects.toThrow('expected the message "other words"');
  });

  test("fails when it prints something else", async () => {
    await run("console.log('a', 1);\nconsole.log(`b`);", "a 1\nb");
    await expect(run("console.log('a');", "b")).rejects.toThrow(
      "page.md:99: what the example prints\n  expected the output\nb",
    );
    await expect(run("", "b")).rejects.toThrow("expected the output");
    await run("console.log('a\\n  b');\n// → a\n//     b");
    await expect(run("console.log('a'); // b")).rejects.toThrow("expected the output\nb\n\ngot\na");
    await run("console.log([1, 2 / 3]); // [1, 0.667]");
    await expect(run("console.log([1, 2 / 3]); // [1, 0.668]")).rejects.toThrow("expected [1] = 0.668");
  });

  test("is checked inside loops and functions", async () => {
    await expect(run("for (const x of [1, 2]) {\n  x; // 1\n}")).rejects.toThrow("page.md:11: x;\n  expected 1, got 2");
    await expect(run("const f = () => {\n  null.x; // throws RangeError\n};\nf();")).rejects.toThrow(
      "expected RangeError",
    );
  });

  test("may claim a value over several lines", async () => {
    await run("[1, 2]; // [1,\n        //  2]");
    await run("[1, 2];\n// → [1, 2]\n// and so on");
    await expect(run("[1, 2];\n// → [1, 3]")).rejects.toThrow("expected [1] = 3");
  });

  test("may bound a value", async () => {
    await run("1e-15; // < 1e-14");
    await expect(run("1e-13; // < 1e-14")).rejects.toThrow("expected < 1e-14, got 1e-13");
  });

  test("imports what it names, one way or the other", () => {
    const [example] = examplesInMarkdown(
      "page.md",
      '```ts\nimport a, { b as c, type D } from "x";\nimport * as e from "y";\nimport type { F } from "z";\nimport "w";\n```',
    );
    expect(compile(example).body.split("\n")).toEqual([
      'const { default: a, b: c } = await import("x");',
      'const e = await import("y");',
      "",
      'await import("w");',
    ]);
    expect(compile(example, { modules: "require" }).body).toContain('const e = require("y");');
  });
});

describe("the types of an example", () => {
  const folder = import.meta.dirname;
  const root = resolve(folder, "../../..");
  const double = "export function double(x: number): number { return 2 * x; }";

  /**
   * @param {...string} codes - of examples that may use `double`
   * @returns {string[][]} the errors of each
   */
  const errorsOf = (...codes) => {
    /** @param {number} line */
    const place = (line) => `page.md:${line}`;
    const prelude = 'import { double } from "./example-0.ts";';
    const modules = codes.map((code) => ({ folder, prelude, code, place }));
    return typeErrors([{ folder, prelude: "", code: double, place }, ...modules], { root, paths: {} }).slice(1);
  };

  test("are checked against the sources, unless the example says that they are wrong", () => {
    const right = "double(2); // 4";
    const wrongArgument = '1;\ndouble("2");';
    const expectedToBeWrong = '// @ts-expect-error: no number\ndouble("2");';
    expect(errorsOf(right, wrongArgument, "half(2);", expectedToBeWrong)).toEqual([
      [],
      ["page.md:1: Argument of type 'string' is not assignable to parameter of type 'number'."],
      ["page.md:0: Cannot find name 'half'."],
      [],
    ]);
  });
});

describe("examples are found", () => {
  const source = [
    "/** @file What it is. */",
    "",
    "/**",
    " * Doubles.",
    " *",
    " * @example",
    " * ```ts",
    " * double(2); // 4",
    " * ```",
    " */",
    "export function double(x: number): number {",
    "  return 2 * x;",
    "}",
  ].join("\n");

  test("in doc comments, with file, line and name", () => {
    expect(examplesInSource("a.ts", source)).toEqual([
      {
        file: "a.ts",
        title: "double",
        isDoc: true,
        segments: [{ code: "double(2); // 4", line: 8, output: undefined }],
      },
    ]);
  });

  test("in doc comments of members and types", () => {
    const example = "/**\n * ```ts\n * 1; // 1\n * ```\n */";
    const text = `export interface A {\n${example}\nb: number;\n}\nexport const c = {\n${example}\nd() {},\n};`;
    expect(examplesInSource("a.ts", text).map(({ title, segments }) => [title, segments[0].line])).toEqual([
      ["b", 4],
      ["d", 12],
    ]);
  });

  test("and an @example without code is an error", () => {
    expect(() => examplesInSource("a.ts", "/**\n * @example double(2)\n */\nexport const a = 1;")).toThrow(
      "a.ts:1: expected a ts block in each @example",
    );
  });

  test("in Markdown, with their output and what continues them", () => {
    const page = [
      "# A",
      "```ts",
      "1;",
      "```",
      "```text",
      "out",
      "```",
      "- in a list",
      "  ```ts continues",
      "  2;",
      "  ```",
      "```js",
      "3;",
      "```",
    ];
    expect(examplesInMarkdown("page.md", page.join("\n"))).toEqual([
      {
        file: "page.md",
        title: "A",
        isDoc: false,
        segments: [
          { code: "1;", line: 3, output: { text: "out", line: 6 } },
          { code: "2;", line: 10, output: undefined },
        ],
      },
    ]);
    expect(() => examplesInMarkdown("page.md", "```ts continues\n1;\n```")).toThrow(
      "page.md:2: expected an example to continue",
    );
  });

  test("and text between a block and an output parts them", () => {
    const page = "```ts\n1;\n```\n\nAnd elsewhere:\n\n```text\nout\n```";
    expect(examplesInMarkdown("page.md", page).at(0)?.segments.at(0)?.output).toBeUndefined();
  });

  test("and the names they leave open are known", () => {
    const [example] = examplesInSource("a.ts", source);
    expect([...freeNames(example)]).toEqual(["double"]);
    const page = "```ts\nimport { a } from 'a';\nconst { b } = a.c;\nd({ e: b, f });\n```";
    expect([...freeNames(examplesInMarkdown("page.md", page)[0])]).toEqual(["d", "f"]);
  });
});
