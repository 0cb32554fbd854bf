/**
 * @file The packages of this repository, read from disk.
 * A package has begun when its index exports something; from then on everything is asked of it: tests, a README, a size budget.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exportedNames } from "@splineformer/examples";
import { root } from "./root.js";

/**
 * What is read of a package.json.
 *
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {Record<string, string>} [scripts]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, unknown>} [exports]
 * @property {string | Record<string, string>} [bin]
 *
 * @typedef {object} Package
 * @property {string} name - as published
 * @property {string} folder - from the root, with slashes: `packages/tensor`
 * @property {string} path - absolute
 * @property {Manifest} manifest
 * @property {string[]} names - the values its index exports, sorted
 * @property {boolean} isBegun - its index exports something, or it has none
 * @property {boolean} isPublic - whether it is published
 */

/**
 * Every package of the workspace, by folder.
 *
 * @param {string} [from] - the root of the workspace
 * @returns {Package[]}
 */
export function packages(from = root) {
  return ["packages", "apps", "tooling"].flatMap((group) =>
    foldersIn(join(from, group)).flatMap((name) => load(from, `${group}/${name}`)),
  );
}

/**
 * The packages that are published and hold something.
 *
 * @returns {Package[]}
 */
export function begunPackages() {
  return packages().filter((candidate) => candidate.isPublic && candidate.isBegun);
}

/**
 * The test files of a package, relative to it; those of a package without a `test` script don't count.
 *
 * @param {Package} candidate
 * @returns {string[]}
 */
export function testFiles({ path, manifest }) {
  const tests = join(path, "test");
  if (manifest.scripts?.test === undefined || !existsSync(tests)) return [];
  return readdirSync(tests, { recursive: true, encoding: "utf8" })
    .map((file) => `test/${file.replaceAll("\\", "/")}`)
    .filter((file) => /\.test\.[jt]s$/.test(file))
    .sort();
}

/** @param {string} path */
function foldersIn(path) {
  return existsSync(path) ? readdirSync(path).sort() : [];
}

/**
 * @param {string} from
 * @param {string} folder
 * @returns {Package[]} none, if there is no package.json
 */
function load(from, folder) {
  const path = join(from, folder);
  const manifestPath = join(path, "package.json");
  // the peers' benchmark is a workspace of its own
  if (!existsSync(manifestPath) || folder === "tooling/bench") return [];
  /** @type {Manifest} */
  const manifest = JSON.parse(readFileSync(manifestPath, "utf8"));
  const index = join(path, "src/index.ts");
  const { values, types } = existsSync(index) ? exportedNames(index) : { values: [], types: [] };
  const isBegun = !existsSync(index) || values.length + types.length > 0;
  return [{ name: manifest.name, folder, path, manifest, names: values, isBegun, isPublic: manifest.private !== true }];
}
