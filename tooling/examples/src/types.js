/** @file Checks the types of all examples at once: each is a module of its own in its package's folder, on no disk. */
import { join } from "node:path";
import ts from "typescript";

/**
 * @typedef {object} TypedModule
 * @property {string} folder - absolute: where its imports are looked up
 * @property {string} prelude - one line put before the code
 * @property {string} code
 * @property {(line: number) => string} place - file and line of a line of its code, from 0
 */

/**
 * The type errors of examples.
 *
 * @param {readonly TypedModule[]} modules
 * @param {{ root: string, paths: Record<string, string[]> }} options - `paths`: published name → source
 * @returns {string[][]} for each module, its errors
 */
export function typeErrors(modules, { root, paths }) {
  const { config } = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  /** @type {ts.CompilerOptions} */
  const compilerOptions = {
    ...options,
    paths,
    types: ["node"],
    typeRoots: [join(import.meta.dirname, "../node_modules/@types")],
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
    // an example shows a value by naming it
    noUnusedLocals: false,
    noUnusedParameters: false,
    verbatimModuleSyntax: false,
    // each is a module, even without an import
    moduleDetection: ts.ModuleDetectionKind.Force,
  };
  const files = new Map(modules.map((module, i) => [join(module.folder, `example-${i}.ts`), module]));
  const host = ts.createCompilerHost(compilerOptions);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  /** @param {string} path */
  const textOf = (path) => {
    const module = files.get(path);
    return module && `${module.prelude}\n${module.code}\n`;
  };
  host.readFile = (path) => textOf(path) ?? readFile(path);
  host.getSourceFile = (path, language, ...rest) => {
    const text = textOf(path);
    return text === undefined
      ? getSourceFile(path, language, ...rest)
      : ts.createSourceFile(path, text, language, true);
  };
  const program = ts.createProgram([...files.keys()], compilerOptions, host);
  return [...files].map(([path, { place }]) => {
    const source = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText, start = 0 }) => {
        const line = source?.getLineAndCharacterOfPosition(start).line ?? 0;
        return `${place(line - 1)}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
      },
    );
  });
}
