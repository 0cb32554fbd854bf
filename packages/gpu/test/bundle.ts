/**
 * @file What a user does: installs the built packages, bundles a page that imports them, and opens it. The packages are
 * built into a folder of their own, so that no build is needed before the tests, and an old one does no harm.
 */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build as tsup } from "tsup";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, "../../..");
const built = ["tensor", "attention", "transformer", "gpu"];

/** A folder with the page and its `node_modules`. */
export interface Project {
  readonly folder: string;
  /** Bundles the page, by vite minified, by esbuild not, and serves it; the answer is its address. */
  serve(bundler: "vite" | "esbuild"): Promise<string>;
  close(): Promise<void>;
}

export async function createProject(): Promise<Project> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "splineformer-gpu-")));
  const scope = join(folder, "node_modules/@splineformer");
  for (const name of built) {
    const from = join(repository, "packages", name);
    const to = join(scope, name);
    await cp(join(from, "package.json"), join(to, "package.json"));
    // the package's own build, without type declarations
    await promisify(execFile)(join(here, "../node_modules/.bin/tsup"), ["--no-dts", "--out-dir", join(to, "dist")], {
      cwd: from,
    });
  }
  // helpers of the tests: sources, compiled with the page
  await cp(join(repository, "tooling/testing/src"), join(scope, "testing/src"), { recursive: true });
  await cp(join(repository, "tooling/testing/package.json"), join(scope, "testing/package.json"));
  await symlink(await realpath(join(here, "../node_modules/gpu.js")), join(folder, "node_modules/gpu.js"));
  await cp(here, join(folder, "test"), { recursive: true, filter: (path) => !path.endsWith(".test.ts") });
  const closing: (() => Promise<void>)[] = [];

  return {
    folder,
    async serve(bundler) {
      const outDir = join(folder, bundler);
      if (bundler === "vite") await bundleByVite(join(folder, "test/page"), outDir);
      else await bundleByEsbuild(join(folder, "test/page"), outDir);
      const server = createServer(async (request, response) => {
        const path = (request.url ?? "/").split("?")[0];
        try {
          const body = await readFile(join(outDir, path === "/" ? "index.html" : path));
          response.writeHead(200, { "content-type": types[extname(path)] ?? "text/html" }).end(body);
        } catch {
          response.writeHead(404).end();
        }
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      closing.push(() => new Promise((resolve) => server.close(() => resolve())));
      const address = server.address();
      return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/`;
    },
    async close() {
      for (const close of closing) await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const bundleByVite = (root: string, outDir: string): Promise<unknown> =>
  build({
    root,
    configFile: false,
    logLevel: "error",
    build: { outDir, minify: true, emptyOutDir: true, chunkSizeWarningLimit: 4096, target: "es2022" },
  });

/** esbuild as tsup calls it, with everything in the bundle. */
async function bundleByEsbuild(root: string, outDir: string): Promise<void> {
  const page = await readFile(join(root, "index.html"), "utf8");
  await tsup({
    entry: [join(root, "main.ts")],
    outDir,
    format: "esm",
    platform: "browser",
    target: "es2022",
    config: false,
    silent: true,
    splitting: true,
    noExternal: [/./],
  });
  await writeFile(join(outDir, "index.html"), page.replace("./main.ts", "./main.js"));
}

const types: Readonly<Record<string, string>> = { ".js": "text/javascript", ".css": "text/css" };
