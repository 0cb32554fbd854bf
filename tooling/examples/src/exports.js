/**
 * @file Which names a package's `index.ts` exports, read from its text: nothing is compiled or run.
 * It knows what an index of this repository may hold: declarations, `export { a as b } from`, `export * from`.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";

/**
 * @typedef {object} ExportedNames
 * @property {string[]} values - what can be imported at run time
 * @property {string[]} types - interfaces and type aliases
 */

/**
 * The exported names of a TypeScript module, sorted.
 *
 * @param {string} path - absolute path of the module
 * @returns {ExportedNames}
 */
export function exportedNames(path) {
  /** @type {Map<string, boolean>} whether the name is a type */
  const names = new Map();
  collect(path, names, new Set());
  names.delete("default");
  const sorted = [...names].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    values: sorted.filter(([, isType]) => !isType).map(([name]) => name),
    types: sorted.filter(([, isType]) => isType).map(([name]) => name),
  };
}

/**
 * @param {string} path
 * @param {Map<string, boolean>} names
 * @param {Set<string>} seen
 */
function collect(path, names, seen) {
  if (seen.has(path)) return;
  seen.add(path);
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2023, true);
  for (const statement of file.statements) {
    if (ts.isExportDeclaration(statement)) {
      const from = target(path, statement);
      if (statement.exportClause === undefined) {
        if (from === undefined)
          throw new Error(`exportedNames: expected "export *" from a package of this repository, in ${path}`);
        collect(from, names, seen);
      } else if (ts.isNamespaceExport(statement.exportClause)) {
        names.set(statement.exportClause.name.text, false);
      } else {
        for (const { name, propertyName, isTypeOnly } of statement.exportClause.elements) {
          const original = (propertyName ?? name).text;
          const isType = from === undefined ? isDeclaredType(file, original) : isExportedType(from, original);
          names.set(name.text, statement.isTypeOnly || isTypeOnly || isType);
        }
      }
    } else if (isExported(statement)) {
      for (const [name, isType] of declared(statement)) names.set(name, isType);
    }
  }
}

/**
 * Whether a name exported without `type` is one all the same.
 *
 * @param {ts.SourceFile} file
 * @param {string} name
 */
function isDeclaredType(file, name) {
  const kinds = file.statements.flatMap(declared).filter(([declaredName]) => declaredName === name);
  return kinds.length > 0 && kinds.every(([, isType]) => isType);
}

/**
 * @param {string} path
 * @param {string} name
 */
function isExportedType(path, name) {
  return exportedNames(path).types.includes(name);
}

/**
 * @param {string} path
 * @param {ts.ExportDeclaration} statement
 * @returns {string | undefined} the file it exports from, if that is in this repository
 */
function target(path, { moduleSpecifier }) {
  if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return undefined;
  const specifier = moduleSpecifier.text;
  return specifier.startsWith(".") ? resolve(dirname(path), specifier) : sourceOf(specifier, dirname(path));
}

/**
 * The source a package's name leads to, looked up from a folder.
 *
 * @param {string} name
 * @param {string} folder
 * @returns {string | undefined} undefined if it is not there, or no package of this repository
 */
function sourceOf(name, folder) {
  const manifestPath = join(folder, "node_modules", name, "package.json");
  if (!existsSync(manifestPath)) return dirname(folder) === folder ? undefined : sourceOf(name, dirname(folder));
  const source = JSON.parse(readFileSync(manifestPath, "utf8")).exports?.["."]?.["@splineformer/source"];
  return typeof source === "string" ? join(dirname(realpathSync(manifestPath)), source) : undefined;
}

/** @param {ts.Statement} statement */
function isExported(statement) {
  return (
    ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) ?? false)
  );
}

/**
 * @param {ts.Statement} statement
 * @returns {[name: string, isType: boolean][]}
 */
function declared(statement) {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name)).map((name) => [name, false]);
  }
  if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
    return [[statement.name.text, true]];
  }
  if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name !== undefined) {
    return [[statement.name.text, false]];
  }
  return [];
}

/**
 * The names that `const { a, b: [c] } = …` binds: a, c.
 *
 * @param {ts.BindingName} name
 * @returns {string[]}
 */
export function boundNames(name) {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : boundNames(element.name)));
}
