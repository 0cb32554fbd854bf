/**
 * @file Finds the examples: the ```ts blocks of doc comments and of Markdown pages.
 * TypeScript finds the doc comments, a Markdown parser the blocks in them.
 */
import { fromMarkdown } from "mdast-util-from-markdown";
import ts from "typescript";

/**
 * Code that runs as a whole; a block marked `ts continues` belongs to the example before it.
 *
 * @typedef {object} Example
 * @property {string} file - as given
 * @property {string} title - what it is an example of
 * @property {boolean} isDoc - from a doc comment, whose package's names need no import
 * @property {Segment[]} segments - at least one
 *
 * @typedef {object} Segment
 * @property {string} code
 * @property {number} line - of the first line of code, from 1
 * @property {{ text: string, line: number } | undefined} output - the ```text block right after it
 */

/**
 * The examples of a Markdown page, in order; each is named by the heading above it.
 *
 * @param {string} file - its name, for messages
 * @param {string} text
 * @returns {Example[]}
 * @throws Error if a block continues an example that is not there
 */
export function examplesInMarkdown(file, text) {
  let title = "";
  /** @type {Example[]} */
  const examples = [];
  for (const { segment, continues, heading } of blocks(text, 0)) {
    title = heading ?? title;
    if (segment === undefined) continue;
    if (!continues) examples.push({ file, title, isDoc: false, segments: [segment] });
    else if (examples.length === 0) throw new Error(`${file}:${segment.line}: expected an example to continue`);
    else examples.at(-1)?.segments.push(segment);
  }
  return examples;
}

/**
 * The examples of a TypeScript module's doc comments, in order; each is named by what it documents.
 *
 * @param {string} file - its name, for messages
 * @param {string} text
 * @returns {Example[]}
 */
export function examplesInSource(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  /** @type {Map<number, string>} start of each doc comment → what it documents */
  const comments = new Map();
  /** @param {ts.Node} node */
  const visit = (node) => {
    for (const part of ts.getJSDocCommentsAndTags(node)) {
      if (ts.isJSDoc(part) && !comments.has(part.pos)) comments.set(part.pos, nameOf(node, source));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const { pos, end } of ts.getLeadingCommentRanges(text, source.endOfFileToken.pos) ?? []) {
    if (text.slice(pos, end).startsWith("/**") && !comments.has(pos)) comments.set(pos, "");
  }
  return [...comments]
    .sort(([a], [b]) => a - b)
    .flatMap(([pos, title]) => {
      const end = text.indexOf("*/", pos);
      const before = source.getLineAndCharacterOfPosition(pos).line;
      const comment = unframed(text.slice(pos, end));
      const segments = [...blocks(comment, before)].flatMap(({ segment }) => segment ?? []);
      const promised = comment.match(/^@example\b/gm)?.length ?? 0;
      if (promised > segments.length) throw new Error(`${file}:${before + 1}: expected a ts block in each @example`);
      return segments.map((segment) => ({ file, title, isDoc: true, segments: [segment] }));
    });
}

/**
 * The headings and ```ts blocks of a Markdown text.
 *
 * @param {string} text
 * @param {number} before - lines before it in its file
 * @returns {Generator<{ segment?: Segment, continues?: boolean, heading?: string }>}
 */
function* blocks(text, before) {
  const code = flatten(fromMarkdown(text));
  for (const [i, node] of code.entries()) {
    if (node.type === "heading") yield { heading: text.slice(node.start, node.end).replace(/^#+\s*/, "") };
    else if (node.lang === "ts" || node.lang === "typescript") {
      const next = code.at(i + 1);
      const output = next?.lang === "text" ? { text: next.value, line: before + next.line + 1 } : undefined;
      yield {
        segment: { code: node.value, line: before + node.line + 1, output },
        continues: node.meta.split(/\s+/).includes("continues"),
      };
    }
  }
}

/**
 * @typedef {{ type: "heading" | "code" | "other", lang: string, meta: string, value: string, line: number, start: number, end: number }} Flat
 */

/**
 * The nodes of a page in order, without their nesting: lists and quotes hold blocks, too.
 *
 * @param {import("mdast").Nodes} node
 * @returns {Flat[]}
 */
function flatten(node) {
  const line = node.position?.start.line ?? 0;
  const place = { line, start: node.position?.start.offset ?? 0, end: node.position?.end.offset ?? 0 };
  if (node.type === "code") {
    return [{ type: "code", lang: node.lang ?? "", meta: node.meta ?? "", value: node.value, ...place }];
  }
  if (node.type === "heading") return [{ type: "heading", lang: "", meta: "", value: "", ...place }];
  const isHolder = "children" in node && node.type !== "paragraph";
  if (isHolder) return node.children.flatMap(flatten);
  return [{ type: "other", lang: "", meta: "", value: "", ...place }];
}

/**
 * A doc comment without its frame, line for line.
 *
 * @param {string} comment - from its opening to before its end
 */
function unframed(comment) {
  return comment.replace(/^\/\*\*/, "").replace(/^[ \t]*\* ?/gm, "");
}

/**
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 * @returns {string}
 */
function nameOf(node, source) {
  if (ts.isVariableStatement(node))
    return node.declarationList.declarations.map(({ name }) => name.getText(source)).join(", ");
  if ("name" in node && node.name !== undefined) return /** @type {ts.Node} */ (node.name).getText(source);
  return "";
}
