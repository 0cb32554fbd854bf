/** @file Whether the type declarations of installed packages hold together: what they import resolves, in both module systems. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/**
 * Type errors inside the declarations of packages, which a user's `skipLibCheck` would turn into a silent `any`.
 *
 * @param {readonly string[]} names - of the packages
 * @param {string} folder - where they are installed
 * @returns {Map<string, string[]>} the errors of each package that has some
 */
export function declarationErrors(names, folder) {
  const text = names.map((name, i) => `import * as package${i} from "${name}";\nexport { package${i} };\n`).join("");
  const entries = ["consumer.mts", "consumer.cts"].map((file) => join(folder, file));
  for (const entry of entries) writeFileSync(entry, text);
  const program = ts.createProgram(entries, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
    types: [],
    strict: true,
    noEmit: true,
  });
  /** @type {Map<string, string[]>} */
  const errors = new Map();
  for (const source of program.getSourceFiles()) {
    const isEntry = entries.includes(source.fileName);
    const owner = isEntry ? names[0] : names.find((name) => source.fileName.includes(`/node_modules/${name}/`));
    if (owner === undefined) continue;
    for (const { messageText } of program.getSemanticDiagnostics(source)) {
      const message = `${source.fileName.replace(/^.*\/node_modules\//, "")}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
      errors.set(owner, [...(errors.get(owner) ?? []), message]);
    }
  }
  return errors;
}
