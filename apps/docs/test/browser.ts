/** @file A page in Chromium that keeps a list of what it should not do: complain, fail to load, ask another host. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright";

/** Pictures for people to look at; `pnpm verify` counts the JSON beside them. */
export const pictures = resolve(import.meta.dirname, "../test-results/pictures");
mkdirSync(pictures, { recursive: true });

/** How long a simulated GPU and a busy machine may take for one thing: "it hangs", and no measure of speed. */
export const patience = 180_000;

export interface Visit {
  readonly page: Page;
  readonly complaints: readonly string[];
  /** A picture of an element, of the page, or of what of it is in the window. */
  picture(name: string, of: Locator | "page" | "window"): Promise<void>;
  close(): Promise<void>;
}

export const desktop = { viewport: { width: 1280, height: 900 }, colorScheme: "light" } as const;
export const phone = { viewport: { width: 360, height: 740 }, colorScheme: "dark", hasTouch: true } as const;

/** Opens an address, in a fresh profile of a browser or in one that other visits share. */
export async function visit(
  where: Browser | BrowserContext,
  address: string,
  options?: BrowserContextOptions,
): Promise<Visit> {
  const own = "newContext" in where ? await where.newContext(options) : undefined;
  const context = own ?? (where as BrowserContext);
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const { origin } = new URL(address);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && !["data:", "blob:"].includes(url.protocol)) complaints.push(`foreign: ${url}`);
  });
  await page.goto(address, { waitUntil: "load" });
  // hydrated: Vue has taken over what the server wrote
  await page.waitForFunction(() => "__vue_app__" in (document.querySelector("#app") ?? {}));
  return {
    page,
    complaints,
    async picture(name, of) {
      const options = { path: join(pictures, `${name}.png`), animations: "disabled", timeout: patience } as const;
      if (typeof of === "string") await page.screenshot({ ...options, fullPage: of === "page" });
      else await of.screenshot(options);
    },
    close: () => own?.close() ?? page.close(),
  };
}

/** By how many pixels the page is wider than its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/**
 * Blocks of code and tables of the page's own content that are wider than their place: what is cut off is not read.
 * Formulas can't be broken: a table of them may scroll.
 */
export const cutOff = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>(".VPContent :is(pre, table, [class*=language-])")]
      .filter((element) => element.querySelector(".katex") === null)
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => `${element.tagName}: ${(element.textContent ?? "").trim().slice(0, 80)}`),
  );
