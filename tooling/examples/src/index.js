/** @file What other tools use of the examples: the names a package exports, and the examples of a page as programs. */
export { checksName, compile } from "./compile.js";
export { exportedNames } from "./exports.js";
export { examplesInMarkdown } from "./extract.js";
