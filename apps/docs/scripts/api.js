/**
 * @file The API pages: one folder of Markdown for each package, from its doc comments, and the sidebar that leads to them.
 * Writes `api/`, which is not committed. Reads sources; nothing has to be built before.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Application, Converter, ReflectionKind } from "typedoc";

const docs = resolve(import.meta.dirname, "..");
const root = resolve(docs, "../..");
const out = join(docs, "api");

/** The packages in the order in which a reader meets them; the umbrella only passes names on. */
const order = [
  "tensor",
  "spline",
  "attention",
  "transformer",
  "analysis",
  "compiler",
  "cpu",
  "gpu",
  "training",
  "onnx",
];

/** @typedef {{ folder: string, name: string, description: string, index: string }} Entry */

/** @type {Entry[]} */
const entries = readdirSync(join(root, "packages"))
  .filter((folder) => folder !== "splineformer" && existsSync(join(root, "packages", folder, "src/index.ts")))
  .sort((a, b) => place(a) - place(b))
  .map((folder) => {
    const { name, description } = JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8"));
    return { folder, name, description, index: join(root, "packages", folder, "src/index.ts") };
  })
  .filter(({ index }) => readFileSync(index, "utf8").includes("export "));

const app = await Application.bootstrapWithPlugins({
  plugin: ["typedoc-plugin-markdown"],
  entryPoints: entries.map(({ index }) => index),
  tsconfig: join(docs, "tsconfig.api.json"),
  // types are checked by `check`
  skipErrorChecking: true,
  readme: "none",
  disableSources: true,
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  // what a file is about is for those who read the file
  excludeTags: ["@file"],
  blockTags: ["@file", "@param", "@returns", "@throws", "@example", "@source"],
  sort: ["source-order"],
  groupOrder: ["Functions", "Variables", "Classes", "Interfaces", "Type Aliases", "References"],
  logLevel: "Warn",
  // `[piece, node]: …` in a comment says what the axes are, and is no link
  validation: { invalidLink: true, invalidPath: false, notExported: false },
  outputs: [{ name: "markdown", path: out }],
  // of typedoc-plugin-markdown
  ...{
    router: "module",
    entryFileName: "index",
    useCodeBlocks: true,
    pageTitleTemplates: { module: ({ name }) => `@splineformer/${name}` },
    hideBreadcrumbs: true,
    hidePageHeader: true,
    parametersFormat: "table",
    interfacePropertiesFormat: "table",
    typeAliasPropertiesFormat: "table",
    typeDeclarationFormat: "table",
    // every property is readonly, and columns that say so push the descriptions out of sight
    tableColumnSettings: { hideInherited: true, hideModifiers: true, hideOverrides: true },
  },
});

// typedoc names an entry point by its path
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const module of project.children ?? []) module.name = entryOf(module.name).folder;
  for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter))
    if (parameter.name === "__namedParameters")
      parameter.name = nameOf(/** @type {import("typedoc").ParameterReflection} */ (parameter));
});

const project = await app.convert();
if (project === undefined) throw new Error("api: expected typedoc to read the packages, and it did not");
rmSync(out, { recursive: true, force: true });
await app.generateOutputs(project);
if (app.logger.hasErrors()) throw new Error("api: expected typedoc to write the pages, and it did not");

for (const { folder, name, description } of entries) {
  const page = join(out, `${folder}.md`);
  const [title, ...rest] = readFileSync(page, "utf8").split("\n");
  const head = [title, "", `${description}.`, "", "```sh", `npm install ${name}`, "```"];
  writeFileSync(page, [...head, ...rest].join("\n"));
}
writeFileSync(join(out, "index.md"), indexPage());
writeFileSync(join(out, "pages.json"), JSON.stringify(entries.map(({ folder, name }) => ({ name, page: folder }))));

function indexPage() {
  return [
    "# API",
    "",
    "Generated from the doc comments. Every example on these pages is run as a test.",
    "",
    // no table: on a phone the names would squeeze what is said of them
    ...entries.map(({ folder, name, description }) => `- [\`${name}\`](./${folder})  \n  ${description}.`),
    "",
    "The package `splineformer` passes on the names of those that describe, run and read networks, and brings the command line.",
    "",
  ].join("\n");
}

/**
 * @param {string} path - `tensor/src`, as typedoc calls it
 * @returns {Entry}
 */
function entryOf(path) {
  const entry = entries.find(({ folder }) => path.split("/").includes(folder));
  if (entry === undefined) throw new Error(`api: expected the path of a package, got ${path}`);
  return entry;
}

/**
 * A parameter that is taken apart where it is declared has no name. It gets the one that its comment uses, or its
 * type's, `explanation` of `Explanation`, and `options` where there is none either.
 *
 * @param {import("typedoc").ParameterReflection} parameter
 */
function nameOf({ type, parent }) {
  const { comment, parameters = [] } = /** @type {import("typedoc").SignatureReflection} */ (parent);
  const isFree = (/** @type {string | undefined} */ name) => parameters.every((other) => other.name !== name);
  const said = comment?.getTags("@param").find(({ name }) => name !== undefined && isFree(name))?.name;
  if (said !== undefined) return said;
  const named = type?.type === "reference" ? `${type.name[0].toLowerCase()}${type.name.slice(1)}` : "options";
  return isFree(named) ? named : "options";
}

/** @param {string} folder */
function place(folder) {
  const at = order.indexOf(folder);
  return at < 0 ? order.length : at;
}
