/** @file Where the examples are, and the names they may use: reads the repository, runs nothing. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { freeNames } from "./compile.js";
import { exportedNames } from "./exports.js";
import { examplesInMarkdown, examplesInSource } from "./extract.js";

/** The root of the repository. */
export const root = resolve(import.meta.dirname, "../../..");

/**
 * @typedef {import("./extract.js").Example} Example
 *
 * @typedef {object} Found
 * @property {Example} example
 * @property {string} folder - of its package, from the root; of a page elsewhere, ""
 * @property {{ names: string[], specifier: string }[]} supplied - what it uses of its own package without importing it
 *
 * @typedef {{ exports?: Record<string, unknown>, name: string, private?: boolean }} Manifest
 */

/**
 * All examples of the repository, in the order of their files.
 *
 * @returns {Found[]}
 */
export function collect() {
  return [...pages().flatMap(({ file, folder }) => inPage(file, folder)), ...packageFolders().flatMap(inPackage)];
}

/**
 * What each published name leads to: `@splineformer/tensor` → `packages/tensor/src/index.ts`, absolute.
 *
 * @returns {Map<string, string>}
 */
export function sources() {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const folder of packageFolders()) {
    const { name, exports = {} } = manifestOf(folder);
    for (const [subpath, target] of Object.entries(exports)) {
      const source = /** @type {Record<string, unknown>} */ (target)["@splineformer/source"];
      if (typeof source === "string") found.set(name + subpath.slice(1), join(root, folder, source));
    }
  }
  return found;
}

/** @returns {string[]} `packages/tensor`, … */
function packageFolders() {
  return foldersOf("packages").filter((folder) => existsSync(join(root, folder, "package.json")));
}

/**
 * @param {string} folder
 * @returns {Manifest}
 */
function manifestOf(folder) {
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
}

/** @returns {{ file: string, folder: string }[]} every Markdown page whose examples run */
function pages() {
  const docs = filesIn("apps/docs", ".md").filter((file) => !/\/(?:node_modules|\.vitepress|api)\//.test(file));
  return [
    { file: "README.md", folder: "" },
    ...packageFolders().map((folder) => ({ file: `${folder}/README.md`, folder })),
    ...docs.map((file) => ({ file, folder: "apps/docs" })),
  ].filter(({ file }) => existsSync(join(root, file)));
}

/**
 * @param {string} file
 * @param {string} folder
 * @returns {Found[]}
 */
function inPage(file, folder) {
  return examplesInMarkdown(file, read(file)).map((example) => ({ example, folder, supplied: [] }));
}

/**
 * @param {string} folder
 * @returns {Found[]}
 */
function inPackage(folder) {
  const index = join(root, folder, "src/index.ts");
  if (!existsSync(index)) return [];
  const { name } = manifestOf(folder);
  const published = exportedNames(index);
  return filesIn(`${folder}/src`, ".ts").flatMap((file) =>
    examplesInSource(file, read(file)).map((example) => {
      const own = exportedNames(join(root, file));
      const free = freeNames(example);
      const isPublished = new Set([...published.values, ...published.types]);
      const fromIndex = published.values.filter((value) => free.has(value));
      const fromFile = own.values.filter((value) => free.has(value) && !isPublished.has(value));
      return {
        example,
        folder,
        supplied: [
          { names: fromIndex, specifier: name },
          { names: fromFile, specifier: join(root, file) },
        ].filter(({ names }) => names.length > 0),
      };
    }),
  );
}

/** @param {string} file */
function read(file) {
  return readFileSync(join(root, file), "utf8");
}

/** @param {string} group */
function foldersOf(group) {
  const path = join(root, group);
  return existsSync(path)
    ? readdirSync(path)
        .sort()
        .map((name) => `${group}/${name}`)
    : [];
}

/**
 * The files of a folder and those below it; what is installed or hidden is not looked into.
 *
 * @param {string} folder
 * @param {string} ending
 * @returns {string[]}
 */
function filesIn(folder, ending) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .flatMap((entry) => {
      const name = `${folder}/${entry.name}`;
      if (entry.isDirectory())
        return entry.name === "node_modules" || entry.name[0] === "." ? [] : filesIn(name, ending);
      return name.endsWith(ending) ? [name] : [];
    })
    .sort();
}
