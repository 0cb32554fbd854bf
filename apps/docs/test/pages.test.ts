/** @file The built pages as text, where no browser is needed: links and anchors, what they load, what the API says. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { exportedNames } from "@splineformer/examples";
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { base, dist, fileOf, html, pages, serve } from "./site.ts";

const root = resolve(import.meta.dirname, "../../..");
const documents = new Map(pages().map((page) => [page, parseHTML(html(page)).document]));
const own = "http://site.invalid";

/** An address as a page means it, below the base; undefined for other sites. */
function resolved(address: string, page: string): URL | undefined {
  const url = new URL(address, `${own}${base}${page.slice(1)}`);
  if (url.origin !== own) return undefined;
  return new URL(`/${url.pathname.slice(base.length)}${url.search}${url.hash}`, own);
}

describe("every page", () => {
  it("is there: the start, the theorem, guides, decisions, the API", () => {
    const folders = readdirSync(join(root, "packages")).filter((folder) => folder !== "splineformer");
    const packages = folders.filter((folder) => {
      const index = join(root, "packages", folder, "src/index.ts");
      return existsSync(index) && readFileSync(index, "utf8").includes("export ");
    });
    expect(packages).toEqual(expect.arrayContaining(["tensor", "training"]));
    const guides = ["getting-started", "run-a-model", "read-a-network", "compile-a-spline", "devices"];
    for (const page of ["/", "/theorem", "/decisions/", "/api/"]) expect(documents.has(page), page).toBe(true);
    for (const guide of guides) expect(documents.has(`/guide/${guide}`), guide).toBe(true);
    const start = documents.get("/guide/getting-started");
    for (const name of packages) {
      expect(documents.has(`/api/${name}`), name).toBe(true);
      expect(start?.querySelector(`table a[href="${base}api/${name}"]`), `Getting started: ${name}`).not.toBe(null);
    }
  });

  it("is answered by the tests' own server as a host does, what is missing too", async () => {
    const { origin, close } = await serve();
    const types = { "": "text/html; charset=utf-8", "icon.svg": "image/svg+xml", "demo.png": "image/png" };
    for (const [path, type] of Object.entries(types)) {
      const found = await fetch(`${origin}${base}${path}`);
      expect([found.status, found.headers.get("content-type")], path).toEqual([200, type]);
      await found.arrayBuffer();
    }
    const missing = await fetch(`${origin}${base}nowhere`);
    expect([missing.status, missing.headers.get("content-type")]).toEqual([404, "text/html; charset=utf-8"]);
    expect(await missing.text()).toContain("<title>404");
    await close();
  });

  it("has a title of its own, one first heading, and a language", () => {
    const titles = new Map<string, string>();
    for (const [page, document] of documents) {
      expect(document.documentElement.getAttribute("lang"), page).toBe("en");
      expect(document.querySelectorAll("h1").length, page).toBe(1);
      const title = document.querySelector("title")?.textContent ?? "";
      expect(titles.get(title), `${page}: ${title}`).toBe(undefined);
      titles.set(title, page);
    }
  });

  it("has links that lead somewhere: to a page, and to an anchor that is on it", () => {
    const broken: string[] = [];
    let followed = 0;
    for (const [page, document] of documents)
      for (const link of document.querySelectorAll("a[href]")) {
        const href = link.getAttribute("href") ?? "";
        const url = resolved(href, page);
        if (url === undefined) continue;
        followed++;
        const target = documents.get(url.pathname) ?? documents.get(`${url.pathname}/`);
        const id = decodeURIComponent(url.hash.slice(1));
        if (target === undefined && fileOf(url.pathname) === undefined) broken.push(`${page}: ${href} is no page`);
        else if (id !== "" && target?.getElementById(id) === null) broken.push(`${page}: ${href} has no such anchor`);
      }
    expect(broken).toEqual([]);
    expect(followed).toBeGreaterThan(500);
  });

  it("loads nothing from elsewhere, and only what is there", () => {
    const wrong: string[] = [];
    for (const [page, document] of documents)
      for (const element of document.querySelectorAll("script[src], link[href], img[src], source[src], iframe[src]")) {
        const address = element.getAttribute("src") ?? element.getAttribute("href") ?? "";
        const url = resolved(address, page);
        if (url === undefined || fileOf(url.pathname) === undefined) wrong.push(`${page}: ${address}`);
      }
    for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".css")))
      for (const [, address] of readFileSync(join(dist, file), "utf8").matchAll(/(?:url\(|@import\s*)["']?([^"')]+)/g))
        if (/^(?:https?:)?\/\//.test(address)) wrong.push(`${file}: ${address}`);
    expect(wrong).toEqual([]);
  });

  it("shows no formula that could not be read", () => {
    for (const [page, document] of documents) expect(document.querySelector(".katex-error"), page).toBe(null);
    expect(documents.get("/theorem")?.querySelectorAll(".katex-display").length).toBeGreaterThan(4);
  });
});

describe("what the site promises", () => {
  it("names the exception to native code where it says that there is none", () => {
    for (const page of ["/", "/guide/getting-started"]) {
      const text = documents.get(page)?.querySelector("main, .VPHome, .VPContent")?.textContent ?? "";
      expect(text, page).toMatch(/[Nn]o native code/);
      expect(text, page).toMatch(/GPU package needs a flag|@splineformer\/gpu.+brings native code/);
    }
    expect(documents.get("/guide/getting-started")?.body.textContent).toContain("--omit=optional");
  });
});

describe("the API pages", () => {
  it("have a name for every parameter", () => {
    for (const [page, document] of documents)
      expect(document.body.textContent.includes("__namedParameters"), page).toBe(false);
  });

  const folders = readdirSync(join(root, "packages")).filter((folder) => folder !== "splineformer");
  for (const folder of folders) {
    const index = join(root, "packages", folder, "src/index.ts");
    const names = existsSync(index) ? exportedNames(index) : { values: [], types: [] };
    const all = [...names.values, ...names.types];
    if (all.length === 0) continue;
    it(`describe every name that @splineformer/${folder} exports`, () => {
      const headings = [...(documents.get(`/api/${folder}`)?.querySelectorAll("h3") ?? [])];
      const described = headings.map((heading) => /^[\w$]+/.exec(heading.textContent.trim())?.[0]);
      expect(all.filter((name) => !described.includes(name))).toEqual([]);
    });
  }
});

describe("the index of decisions", () => {
  it("lists every decision with its date, newest first", () => {
    const files = readdirSync(join(root, "apps/docs/decisions")).filter((file) => /^\d{4}-.*\.md$/.test(file));
    const links = [...(documents.get("/decisions/")?.querySelectorAll(".decision-title a") ?? [])];
    const hrefs = links.map((link) => link.getAttribute("href")?.replace(/^.*\//, ""));
    expect(hrefs).toEqual(
      files
        .map((file) => file.replace(/\.md$/, ""))
        .sort()
        .reverse(),
    );
    const dates = [...(documents.get("/decisions/")?.querySelectorAll("time") ?? [])].map((time) => time.textContent);
    expect(dates).toEqual(hrefs.map((href) => href?.slice(0, 10)));
    for (const text of documents.get("/decisions/")?.querySelectorAll(".decision-text") ?? [])
      expect(text.textContent.length).toBeGreaterThan(20);
  });
});
