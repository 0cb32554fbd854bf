/** @file Two programs a package, one of each module system: they import every public name and run the README's examples. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { checksName, compile, examplesInMarkdown } from "@splineformer/examples";
import ts from "typescript";

const runner = pathToFileURL(join(import.meta.dirname, "../../examples/src/check.js")).href;

/**
 * Writes the programs. They end with exit code 0 if the package has exactly the names of its source, and its README has
 * an example and all of them hold.
 *
 * @param {import("./workspace.js").Package} candidate
 * @param {string} folder - where the package is installed
 * @returns {{ title: string, path: string }[]}
 */
export function writeSmokeTests(candidate, folder) {
  const file = candidate.name.replace(/\W+/g, "-").replace(/^-/, "");
  return [
    { title: "import", path: join(folder, `${file}.mjs`), text: program(candidate, "import") },
    { title: "require", path: join(folder, `${file}.cjs`), text: program(candidate, "require") },
  ].map(({ title, path, text }) => {
    writeFileSync(path, text);
    return { title, path };
  });
}

/**
 * @param {import("./workspace.js").Package} candidate
 * @param {"import" | "require"} modules
 * @returns {string}
 */
function program({ name, names, folder, path }, modules) {
  const readme = join(path, "README.md");
  const examples = existsSync(readme) ? examplesInMarkdown(`${folder}/README.md`, readFileSync(readme, "utf8")) : [];
  const runs = examples.map((example) => {
    const { body, ...source } = compile(example, { modules });
    return `await runExample(${JSON.stringify(source)}, async (${checksName}) => {\n${body}\n});`;
  });
  const quoted = JSON.stringify(name);
  const code = `
    const assert = (await import("node:assert")).strict;
    const { runExample } = await import(${JSON.stringify(runner)});
    const published = ${modules === "import" ? `await import(${quoted})` : `require(${quoted})`};
    assert.deepEqual(Object.keys(published).filter((name) => name !== "default").sort(), ${JSON.stringify([...names].sort())});
    assert.ok(${runs.length} > 0, "expected an example in the README of ${name}, got none");
    ${runs.join("\n")}`;
  const { outputText } = ts.transpileModule(
    `(async () => {${code}\n})().catch((error) => { console.error(error); process.exitCode = 1; });`,
    {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    },
  );
  return outputText;
}
