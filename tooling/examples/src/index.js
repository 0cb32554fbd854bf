/** @file What other tools use of the examples: the names a package exports, and its examples as programs. */
export { exportedNames } from "./exports.js";
