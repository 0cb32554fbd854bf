/**
 * @file Turns an example into the body of a function that checks its claims: imports become `await import(…)` (or
 * `require(…)`), `expression; // value` becomes a comparison. Lines stay where they are.
 */
import ts from "typescript";
import { parseClaim } from "./claims.js";
import { boundNames } from "./exports.js";

/**
 * @typedef {import("./extract.js").Example} Example
 * @typedef {import("./extract.js").Segment} Segment
 *
 * @typedef {object} Compiled
 * @property {string} place - file and line
 * @property {string} body - TypeScript for an `async (checks) => { … }`
 * @property {{ place: string, code: string, comment: string }[]} claims
 * @property {string[]} errors - comments that claim nothing that can be checked
 *
 * @typedef {{ start: number, end: number, text: string }} Edit
 */

/** How the compiled code calls what it compares with: a name no example will choose. */
export const checksName = "$checks";

/**
 * Compiles an example.
 *
 * @param {Example} example
 * @param {{ modules?: "import" | "require" }} [options] - how its imports are written
 * @returns {Compiled}
 */
export function compile({ file, segments }, { modules = "import" } = {}) {
  /** @type {Compiled} */
  const compiled = { place: `${file}:${segments[0].line}`, body: "", claims: [], errors: [] };
  compiled.body = segments.map((segment) => compileSegment(file, segment, modules, compiled)).join("\n");
  return compiled;
}

/**
 * The identifiers that an example uses and does not declare: among them are those that its package must supply.
 *
 * @param {Example} example
 * @returns {Set<string>}
 */
export function freeNames({ segments }) {
  /** @type {Set<string>} */
  const used = new Set();
  /** @type {Set<string>} */
  const declared = new Set();
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isIdentifier(node) && !isLabel(node)) used.add(node.text);
    if ((ts.isVariableDeclaration(node) || ts.isParameter(node)) && node.name !== undefined) {
      for (const name of boundNames(node.name)) declared.add(name);
    }
    if ((ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) && node.name !== undefined)
      declared.add(node.name.text);
    if (ts.isImportSpecifier(node) || ts.isNamespaceImport(node)) declared.add(node.name.text);
    if (ts.isImportClause(node) && node.name !== undefined) declared.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  for (const { code } of segments) visit(parse(code));
  return new Set([...used].filter((name) => !declared.has(name)));
}

/**
 * `import` for names: what an example's free names stand for.
 *
 * @param {readonly string[]} names
 * @param {string} specifier
 */
export function importOf(names, specifier) {
  return names.length === 0 ? "" : `const { ${names.join(", ")} } = await import(${JSON.stringify(specifier)});`;
}

/**
 * @param {string} file
 * @param {Segment} segment
 * @param {"import" | "require"} modules
 * @param {Compiled} compiled - collects claims and errors
 * @returns {string}
 */
function compileSegment(file, { code, line, output }, modules, compiled) {
  const source = parse(code);
  /** @type {Edit[]} */
  const edits = [];

  /**
   * @param {ts.Node} node
   * @param {string} comment
   */
  const claim = (node, comment) => {
    const at = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
    compiled.claims.push({ place: `${file}:${line + at}`, code: node.getText(source), comment });
    return compiled.claims.length - 1;
  };

  /**
   * @param {ts.Statement} statement
   * @param {boolean} canAwait
   */
  const compileStatement = (statement, canAwait) => {
    const text = statement.getText(source);
    const comments = commentsAfter(code, statement.end);
    if (comments.length === 0) return;
    const span = { start: statement.getStart(source), end: statement.end };
    const known = firstClaim(comments);
    if (known?.claim.kind === "throws") {
      const index = claim(statement, known.comment);
      const call = canAwait ? `await ${checksName}.throws(async () => {` : `${checksName}.throwsAtOnce(() => {`;
      const returned = ts.isExpressionStatement(statement) ? `return ${text}` : text;
      edits.push({ ...span, text: `${call} ${returned} }, ${index});` });
    } else if (ts.isExpressionStatement(statement)) {
      const { expression } = statement;
      if (isPrint(expression, source)) {
        const index = claim(statement, printedText(comments));
        edits.push({ ...span, text: `(${expression.getText(source)}, ${checksName}.printed(${index}));` });
      } else if (known !== undefined) {
        const index = claim(statement, known.comment);
        edits.push({ ...span, text: `${checksName}.value(${expression.getText(source)}, ${index});` });
      } else if (!isAssignment(expression)) {
        const at = source.getLineAndCharacterOfPosition(span.start).line;
        compiled.errors.push(
          `${file}:${line + at}: ${text}\n  expected a value after it, got the comment "${comments[0]?.trim()}" (prose goes on a line of its own, or after the value)`,
        );
      }
    } else if (ts.isVariableStatement(statement) && known !== undefined) {
      const [declaration, another] = statement.declarationList.declarations;
      if (another === undefined && ts.isIdentifier(declaration.name)) {
        const index = claim(statement, known.comment);
        edits.push({ ...span, text: `${text} ${checksName}.value(${declaration.name.text}, ${index});` });
      }
    }
  };

  /**
   * @param {ts.Node} node
   * @param {boolean} canAwait
   */
  const visit = (node, canAwait) => {
    const inside = ts.isFunctionLike(node) ? isAsync(node) : canAwait;
    if (ts.isImportDeclaration(node)) {
      edits.push({ start: node.getStart(source), end: node.end, text: compileImport(node, modules) });
      return;
    }
    const before = edits.length;
    if (ts.isExpressionStatement(node) || ts.isVariableStatement(node)) compileStatement(node, inside);
    // a statement that is replaced takes what is nested in it along, so claims in there would be lost
    if (edits.length === before) ts.forEachChild(node, (child) => visit(child, inside));
  };
  visit(source, true);

  let body = code;
  for (const { start, end, text } of edits.sort((a, b) => b.start - a.start)) {
    body = body.slice(0, start) + text + body.slice(end);
  }
  if (output !== undefined) {
    compiled.claims.push({ place: `${file}:${output.line}`, code: "what the example prints", comment: output.text });
    body += `\n${checksName}.output(${compiled.claims.length - 1});`;
  }
  return body;
}

/** @param {string} code */
function parse(code) {
  return ts.createSourceFile("example.ts", code, ts.ScriptTarget.ES2023, true);
}

/**
 * The `//` comment behind a statement and the lines of comment right below it.
 *
 * @param {string} code
 * @param {number} end - of the statement
 * @returns {string[]} what follows each `//`; below the statement only, the first must start with `→`
 */
function commentsAfter(code, end) {
  const [sameLine = "", ...below] = code.slice(end).split("\n");
  const first = /^\s*;?\s*\/\/(.*)$/.exec(sameLine)?.[1];
  if (first === undefined && sameLine.trim() !== "") return [];
  const comments = first === undefined ? [] : [first];
  for (const line of below) {
    const comment = /^\s*\/\/(.*)$/.exec(line)?.[1];
    if (comment === undefined || (comments.length === 0 && !comment.trimStart().startsWith("→"))) break;
    comments.push(comment);
  }
  return comments;
}

/**
 * The text that a `console.log` claims to print: the comment behind it, or the lines below from `→` on.
 *
 * @param {readonly string[]} comments
 */
function printedText([first, ...below]) {
  const isBelow = first.trimStart().startsWith("→");
  return isBelow ? [first, ...below].map((line) => line.replace(/^ ?(?:→ ?| {2})?/, "")).join("\n") : first.trim();
}

/**
 * The shortest run of lines that makes a claim, so that an array may go over several.
 *
 * @param {readonly string[]} comments
 * @returns {{ claim: import("./claims.js").Claim, comment: string } | undefined}
 */
function firstClaim(comments) {
  for (const count of comments.keys()) {
    const comment = comments
      .slice(0, count + 1)
      .map((line) => line.replace(/^\s*→/, "").trim())
      .join(" ");
    const claim = parseClaim(comment);
    if (claim !== undefined) return { claim, comment };
  }
  return undefined;
}

/**
 * @param {ts.ImportDeclaration} node
 * @param {"import" | "require"} modules
 * @returns {string}
 */
function compileImport({ importClause, moduleSpecifier }, modules) {
  const specifier = moduleSpecifier.getText();
  const module = modules === "import" ? `await import(${specifier})` : `require(${specifier})`;
  if (importClause === undefined) return `${module};`;
  if (importClause.isTypeOnly) return "";
  const { name, namedBindings } = importClause;
  if (namedBindings !== undefined && ts.isNamespaceImport(namedBindings))
    return `const ${namedBindings.name.text} = ${module};`;
  const bindings = (namedBindings?.elements ?? [])
    .filter(({ isTypeOnly }) => !isTypeOnly)
    .map(({ name: local, propertyName }) =>
      propertyName === undefined ? local.text : `${propertyName.text}: ${local.text}`,
    );
  if (name !== undefined) bindings.unshift(`default: ${name.text}`);
  return `const { ${bindings.join(", ")} } = ${module};`;
}

/**
 * @param {ts.Expression} expression
 * @param {ts.SourceFile} source
 */
function isPrint(expression, source) {
  return ts.isCallExpression(expression) && expression.expression.getText(source) === "console.log";
}

/** @param {ts.Expression} expression */
function isAssignment(expression) {
  return (
    ts.isBinaryExpression(expression) &&
    expression.operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
    expression.operatorToken.kind <= ts.SyntaxKind.LastAssignment
  );
}

/** @param {ts.SignatureDeclaration} node */
function isAsync(node) {
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some((modifier) => modifier.kind === ts.SyntaxKind.AsyncKeyword) ?? false)
  );
}

/**
 * Whether an identifier names a property or key and no variable.
 *
 * @param {ts.Identifier} node
 */
function isLabel(node) {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isPropertyAssignment(parent) && parent.name === node) ||
    (ts.isImportSpecifier(parent) && parent.propertyName === node)
  );
}
