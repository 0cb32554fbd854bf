/**
 * @file The packages as a user gets them: packed, read as tarballs, installed together into an empty folder without
 * network and without install scripts, and used there from ECMAScript modules, CommonJS and TypeScript.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { check, failure, sum } from "./count.js";
import { declarationErrors } from "./declarations.js";
import { run } from "./run.js";
import { writeSmokeTests } from "./smoke.js";
import { begunPackages, packages } from "./workspace.js";

/**
 * @typedef {import("./count.js").Count} Count
 * @typedef {import("./workspace.js").Package} Package
 * @typedef {{ candidate: Package, tarball: string }} Packed
 */

/**
 * For each published package: what its tarball holds, publint, attw, that its declarations resolve, that its names can
 * be imported and required and its README's examples run both ways, that its commands start.
 *
 * @param {number} deadline
 * @returns {Promise<Count>}
 */
export async function packed(deadline) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "splineformer-packed-")));
  try {
    const begun = new Set(begunPackages().map(({ name }) => name));
    const all = await Promise.all(
      packages()
        .filter(({ isPublic }) => isPublic)
        .map((candidate) => pack(candidate, folder, deadline)),
    );
    const unpacked = all.flatMap((result) => (typeof result === "string" ? [failure(result)] : []));
    if (unpacked.length > 0) return sum(unpacked);
    const tarballs = /** @type {Packed[]} */ (all);
    const checked = tarballs.filter(({ candidate }) => begun.has(candidate.name));

    const read = await Promise.all(checked.map(readTarball));
    const consumer = join(folder, "consumer");
    const installed = await install(tarballs, consumer, deadline);
    if (!installed.ok) return sum([...read, failure(`installing the tarballs\n${installed.output}`)]);
    const used = [];
    for (const { candidate } of checked) used.push(await use(candidate, consumer, deadline));
    const errors = declarationErrors(
      checked.map(({ candidate }) => candidate.name),
      consumer,
    );
    const typed = checked.map(({ candidate: { name } }) => check(`${name}: declarations`, errors.get(name) ?? []));
    return sum([...read, ...used, ...typed]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {Package} candidate
 * @param {string} folder
 * @param {number} deadline
 * @returns {Promise<Packed | string>} or why not
 */
async function pack(candidate, folder, deadline) {
  const { name, path } = candidate;
  const { ok, stdout, output } = await run("pnpm", ["pack", "--json", `--pack-destination=${folder}`], {
    cwd: path,
    deadline,
  });
  if (!ok) return `${name}: pnpm pack\n${output}`;
  const { filename } = JSON.parse(stdout.slice(stdout.indexOf("{")));
  return { candidate, tarball: filename };
}

/**
 * @param {Packed} packed
 * @returns {Promise<Count>} of four checks
 */
async function readTarball({ candidate: { name }, tarball }) {
  const data = readFileSync(tarball);
  const archive = createPackageFromTarballData(new Uint8Array(data));
  const prefix = `/node_modules/${name}/`;
  const files = archive.listFiles().map((file) => file.replace(prefix, ""));
  const manifest = archive.readFile(`${prefix}package.json`);
  const readme = files.includes("README.md") ? archive.readFile(`${prefix}README.md`) : "";

  const buffer = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const linted = await publint({ pack: { tarball: buffer }, strict: true });
  const types = await checkPackage(archive);
  return sum([
    check(`${name}: contents of the tarball`, contentComplaints(files, manifest)),
    check(`${name}: links and imports of the README`, [...linkComplaints(files, readme), ...installComplaints(readme)]),
    check(
      `${name}: publint`,
      linted.messages.map((message) => `${formatMessage(message, linted.pkg, { color: false })}`),
    ),
    check(
      `${name}: attw`,
      types.types === false ? ["no types"] : types.problems.map((problem) => JSON.stringify(problem)),
    ),
  ]);
}

/**
 * What is wrong with the files of a package.
 *
 * @param {readonly string[]} files - from its root
 * @param {string} manifest - its package.json
 * @returns {string[]}
 */
export function contentComplaints(files, manifest) {
  const missing = [
    "README.md",
    "LICENSE",
    "package.json",
    "dist/index.js",
    "dist/index.cjs",
    "dist/index.d.ts",
    "dist/index.d.cts",
  ];
  const unwanted =
    /^(?:src|test|test-results|coverage|assembly|scripts)\/|\.test\.|\.tsbuildinfo$|^tsconfig|\.config\.[cm]?[jt]s$/;
  const protocol = /"(?:workspace|catalog|link|file):[^"]*"/g;
  return [
    ...missing.filter((file) => !files.includes(file)).map((file) => `expected the file ${file}`),
    ...files.filter((file) => unwanted.test(file)).map((file) => `expected no file ${file}`),
    ...(manifest.match(protocol) ?? []).map((version) => `expected a version to be published, got ${version}`),
  ];
}

/**
 * The links of a README that lead nowhere once the package is published: to a file that the tarball does not hold.
 *
 * @param {readonly string[]} files - of the tarball, from its root
 * @param {string} readme
 * @returns {string[]}
 */
export function linkComplaints(files, readme) {
  const targets = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return targets
    .filter((target) => !/^(?:https?:|mailto:|#)/.test(target) && !files.includes(target.split("#")[0]))
    .map((target) => `expected a link to the web or to a file of the package, got ${target}`);
}

/**
 * What a README's examples import and its `npm install` does not name: it would be there by luck alone.
 *
 * @param {string} readme
 * @returns {string[]}
 */
export function installComplaints(readme) {
  const installed = [...readme.matchAll(/^npm install (.*)$/gm)].flatMap(([, names]) => names.split(" "));
  const imported = [...readme.matchAll(/^import .* from "((?:@[^/"]+\/)?[^/".]+)[^"]*";/gm)].map(([, name]) => name);
  return [...new Set(imported)]
    .filter((name) => !name.startsWith("node:") && !installed.includes(name))
    .map((name) => `expected npm install to name ${name}, which an example imports, got ${installed.join(" ")}`);
}

/**
 * Installs the tarballs together. What else they depend on is linked from where this repository has it, so nothing is fetched.
 *
 * @param {readonly Packed[]} tarballs
 * @param {string} consumer - the folder
 * @param {number} deadline
 */
function install(tarballs, consumer, deadline) {
  /** @type {Record<string, string>} */
  const overrides = {};
  for (const { candidate } of tarballs) {
    const { dependencies, peerDependencies } = candidate.manifest;
    for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
      overrides[name] = `link:${join(candidate.path, "node_modules", name)}`;
    }
  }
  for (const { candidate, tarball } of tarballs) overrides[candidate.name] = `file:${tarball}`;
  mkdirSync(consumer);
  writeJson(join(consumer, "package.json"), {
    name: "consumer",
    private: true,
    dependencies: Object.fromEntries(tarballs.map(({ candidate, tarball }) => [candidate.name, `file:${tarball}`])),
  });
  // JSON is YAML
  writeJson(join(consumer, "pnpm-workspace.yaml"), { overrides, autoInstallPeers: false, pmOnFail: "ignore" });
  const args = ["install", "--offline", "--ignore-scripts", "--no-frozen-lockfile", "--reporter=append-only"];
  return run("pnpm", args, { cwd: consumer, deadline });
}

/**
 * @param {Package} candidate
 * @param {string} consumer
 * @param {number} deadline
 * @returns {Promise<Count>}
 */
async function use(candidate, consumer, deadline) {
  const { name, manifest } = candidate;
  const counts = [];
  for (const { title, path } of writeSmokeTests(candidate, consumer)) {
    const { ok, output } = await run(process.execPath, [path], { cwd: consumer, deadline });
    counts.push(check(`${name}: ${title}`, ok ? [] : [output]));
  }
  const { bin = {} } = manifest;
  for (const command of Object.keys(typeof bin === "string" ? { [name]: bin } : bin)) {
    const { ok, output } = await run(join(consumer, "node_modules/.bin", command), ["--help"], {
      cwd: consumer,
      deadline,
    });
    counts.push(check(`${name}: ${command} --help`, ok ? [] : [output]));
  }
  return sum(counts);
}

/**
 * @param {string} path
 * @param {unknown} value
 */
function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
