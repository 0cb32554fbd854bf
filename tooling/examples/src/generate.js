/** @file Writes the examples as vitest files, one for each file that holds some, under `generated/` in the same folders. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { collect, root, sources } from "./collect.js";
import { checksName, compile, importOf } from "./compile.js";
import { typeErrors } from "./types.js";

/** Where the generated tests are: `generated/packages/tensor/src/tensor.ts.test.ts`. */
export const generated = resolve(import.meta.dirname, "../generated");

/** @typedef {import("./collect.js").Found} Found */

/**
 * Writes the tests anew.
 *
 * @param {readonly string[]} [only] - beginnings of file names from the root; default: all
 * @returns {number} how many examples there are
 */
export function generate(only = [""]) {
  const found = collect().filter(({ example }) => only.some((start) => example.file.startsWith(start)));
  const errors = typeErrors(found.map(typed), {
    root,
    paths: Object.fromEntries([...sources()].map(([name, path]) => [name, [path]])),
  });
  /** @type {Map<string, string[]>} */
  const files = new Map();
  for (const [i, { example, supplied }] of found.entries()) {
    const { place, body, claims, errors: unclear } = compile(example);
    const title = example.title === "" ? place : `${place} ${example.title}`;
    const source = JSON.stringify({ place, claims, errors: [...unclear, ...errors[i]] });
    const imports = supplied.map(({ names, specifier }) => importOf(names, specifier)).join(" ");
    const test = `test(${JSON.stringify(title)}, () => runExample(${source}, async (${checksName}) => {\n${imports}\n${body}\n}));\n`;
    files.set(example.file, [...(files.get(example.file) ?? []), test]);
  }

  rmSync(generated, { recursive: true, force: true });
  for (const [file, tests] of files) {
    const path = join(generated, `${file}.test.ts`);
    const check = relative(dirname(path), join(import.meta.dirname, "check.js"));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(
      path,
      `import { test } from "vitest";\nimport { runExample } from ${JSON.stringify(check)};\n\n${tests.join("\n")}`,
    );
  }
  return found.length;
}

/**
 * @param {Found} found
 * @returns {import("./types.js").TypedModule}
 */
function typed({ example, folder, supplied }) {
  const lines = example.segments.flatMap(({ code, line }) => code.split("\n").map((_, i) => line + i));
  return {
    folder: join(root, folder, folder.startsWith("packages/") ? "src" : ""),
    prelude: supplied
      .map(({ names, specifier }) => `import { ${names.join(", ")} } from ${JSON.stringify(specifier)};`)
      .join(" "),
    code: example.segments.map(({ code }) => code).join("\n"),
    place: (line) => `${example.file}:${lines.at(line) ?? lines[0]}`,
  };
}
