/** @file The built site for tests: its pages, and a server on this machine that answers as a host of static files does. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve } from "node:path";

export const dist = resolve(import.meta.dirname, "../.vitepress/dist");

/** The base that the site was built with. */
export const base = process.env.DOCS_BASE ?? "/";

/** The addresses of all pages, below the base: `/`, `/theorem`, `/api/tensor`. */
export function pages(): string[] {
  if (!existsSync(dist)) throw new Error("expected the built site in .vitepress/dist; run its build first");
  return readdirSync(dist, { recursive: true, encoding: "utf8" })
    .map((file) => `/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".html") && file !== "/404.html")
    .map((file) => file.replace(/\.html$/, "").replace(/\/index$/, "/"))
    .sort();
}

/** The file behind an address below the base, if there is one: as it is, with `.html`, or the index of a folder. */
export function fileOf(address: string): string | undefined {
  const path = join(dist, decodeURIComponent(address));
  return [path, `${path}.html`, join(path, "index.html")].find(
    (candidate) => existsSync(candidate) && extname(candidate) !== "",
  );
}

export const html = (address: string): string => readFileSync(fileOf(address) ?? "", "utf8");

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** Serves the built site on a free port. */
export async function serve(): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const server = createServer(async ({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const found = pathname.startsWith(base) ? fileOf(`/${pathname.slice(base.length)}`) : undefined;
    const file = found ?? join(dist, "404.html");
    response.writeHead(found === undefined ? 404 : 200, {
      // their names change with what is in them
      ...(found !== undefined && pathname.includes("/assets/") && { "cache-control": "max-age=3600, immutable" }),
      "content-type": types[extname(file)] ?? "application/octet-stream",
    });
    response.end(await readFile(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
