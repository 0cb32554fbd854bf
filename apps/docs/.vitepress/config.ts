/** @file The site: its pages, its sidebar, its formulas. Everything it needs is in the build, fonts too. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { katex } from "@mdit/plugin-katex";
import { type DefaultTheme, defineConfig } from "vitepress";

const docs = resolve(import.meta.dirname, "..");
const source = "@splineformer/source";

export default defineConfig({
  title: "splineformer",
  titleTemplate: ":title · splineformer",
  description: "Attention and transformers as the splines they are, in TypeScript",
  lang: "en",
  // a site that does not live at the root of its host: DOCS_BASE=/splineformer/
  base: process.env.DOCS_BASE ?? "/",
  cleanUrls: true,
  srcExclude: ["**/README.md", "test/**", "test-results/**"],
  // a page would say when it was committed, and two builds of one commit differ
  lastUpdated: false,
  // else the search index has its pages in whatever order they were done
  buildConcurrency: 1,
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${process.env.DOCS_BASE ?? "/"}icon.svg` }]],
  markdown: {
    // the usual themes are too faint for comments and keywords
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config(md) {
      katex(md as unknown as Parameters<typeof katex>[0], {
        transformer: (html) =>
          html
            // Vue must not read the braces of a formula
            .replace(/^(\s*)<(\w+)/, "$1<$2 v-pre")
            // it may be wider than a phone, and keys can scroll it then
            .replace('class="katex-display"', 'class="katex-display" tabindex="0" role="group" aria-label="formula"'),
      });
    },
  },
  themeConfig: {
    logo: "/icon.svg",
    search: { provider: "local" },
    outline: { level: [2, 3] },
    nav: [
      { text: "Guide", link: "/guide/getting-started", activeMatch: "^/guide/" },
      { text: "The theorem", link: "/theorem" },
      { text: "Decisions", link: "/decisions/", activeMatch: "^/decisions/" },
      { text: "API", link: "/api/", activeMatch: "^/api/" },
    ],
    sidebar: [
      {
        text: "Guide",
        items: [
          { text: "Getting started", link: "/guide/getting-started" },
          { text: "Run a model", link: "/guide/run-a-model" },
          { text: "Train a model", link: "/guide/train-a-model" },
          { text: "Read a network on a line", link: "/guide/read-a-network" },
          { text: "Ask a line", link: "/guide/ask-a-line" },
          { text: "Compile a spline", link: "/guide/compile-a-spline" },
          {
            text: "Attention's variants",
            link: "/guide/attention/",
            collapsed: true,
            items: [
              { text: "Softmax", link: "/guide/attention/softmax" },
              { text: "α-entmax", link: "/guide/attention/entmax" },
              { text: "Sparsemax", link: "/guide/attention/sparsemax" },
              { text: "ReLU", link: "/guide/attention/relu" },
              { text: "Squared ReLU", link: "/guide/attention/squared-relu" },
              { text: "Softplus", link: "/guide/attention/softplus" },
              { text: "Sigmoid", link: "/guide/attention/sigmoid" },
              { text: "Identity", link: "/guide/attention/identity" },
              { text: "Your own", link: "/guide/attention/custom" },
              { text: "Token by token", link: "/guide/attention/streams" },
              { text: "In context", link: "/guide/attention/in-context" },
            ],
          },
          { text: "Devices", link: "/guide/devices" },
          { text: "How the CPU kernels work", link: "/guide/cpu-kernels" },
        ],
      },
      { text: "The theorem", link: "/theorem" },
      { text: "API", link: "/api/", items: apiPages() },
      { text: "Decisions", link: "/decisions/", collapsed: true, items: decisionPages() },
    ],
    socialLinks: [{ icon: "github", link: "https://github.com/splineformer/splineformer" }],
    footer: { message: "MIT licence. Data in the figures: Scripps CO₂ Program, CC BY 4.0." },
  },
  vite: {
    // the packages' sources: nothing is built before the site
    resolve: { conditions: [source] },
    ssr: { resolve: { conditions: [source], externalConditions: [source] }, noExternal: [/^@splineformer\//, /^d3-/] },
    // gpu.js is large, and is loaded only by the page that uses it
    build: { chunkSizeWarningLimit: 2000 },
  },
});

/** The pages that `scripts/api.js` wrote. */
function apiPages(): DefaultTheme.SidebarItem[] {
  const list = join(docs, "api/pages.json");
  if (!existsSync(list)) return [];
  const pages: { name: string; page: string }[] = JSON.parse(readFileSync(list, "utf8"));
  return pages.map(({ name, page }) => ({ text: name, link: `/api/${page}` }));
}

/** Newest first, by the date in the file's name. */
function decisionPages(): DefaultTheme.SidebarItem[] {
  return readdirSync(join(docs, "decisions"))
    .filter((file) => /^\d{4}-/.test(file))
    .sort()
    .reverse()
    .map((file) => {
      const title = /^# (.+)$/m.exec(readFileSync(join(docs, "decisions", file), "utf8"))?.[1] ?? file;
      return { text: title.replaceAll("`", ""), link: `/decisions/${file.replace(/\.md$/, "")}` };
    });
}
