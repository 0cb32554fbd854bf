/** @file The decision pages for their index: date, title, state and what was decided, read from their first lines. */
import { basename } from "node:path";
import { createContentLoader, createMarkdownRenderer } from "vitepress";

export interface DecisionPage {
  readonly date: string;
  /** HTML, as is the decision. */
  readonly title: string;
  readonly state: string;
  readonly decision: string;
  readonly link: string;
}

declare const data: readonly DecisionPage[];

export { data };

// what VitePress reads a data loader by
// biome-ignore lint/style/noDefaultExport: it has to be one
export default createContentLoader("decisions/2*.md", {
  includeSrc: true,
  async transform(pages): Promise<DecisionPage[]> {
    const markdown = await createMarkdownRenderer(".");
    return pages
      .map(({ url, src = "" }) => {
        const [, title = "", date = "", state = ""] = /^# (.+)\n+([\d-]+) · (.+)$/m.exec(src) ?? [];
        const decision = /^## Decision\n+(.+)$/m.exec(src)?.[1] ?? "";
        return {
          date,
          title: markdown.renderInline(title),
          state,
          decision: markdown.renderInline(decision),
          link: `/decisions/${basename(url, ".html")}`,
        };
      })
      .sort((a, b) => (a.link < b.link ? 1 : -1));
  },
});
