/** @file Every built page in Chromium: it loads without a complaint, fits a phone, light and dark, and leaves a picture. */
import { createRequire } from "node:module";
import { launchOptions, whyNot } from "@splineformer/chromium";
import type { AxeResults } from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cutOff, desktop, overflow, patience, phone, visit } from "./browser.ts";
import { base, pages, serve } from "./site.ts";

const reason = whyNot();
if (reason) process.stderr.write(`the docs site is not opened in a browser: ${reason}\n`);

const nameOf = (page: string): string => (page === "/" ? "start" : page.replace(/^\/|\/$/g, "").replaceAll("/", "-"));
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What axe finds in the page's own content; the frame around it is VitePress'. */
async function violations(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: axe });
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(where: object): Promise<AxeResults> } };
    const found = await axe.run({
      include: [[".VPContent"]],
      exclude: [[".header-anchor"], ["button.copy"], [".lang"]],
    });
    return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 150)}`));
  });
}

describe.skipIf(reason)("in Chromium", () => {
  let browser: Browser;
  // the pages share their scripts, so they share a profile, too
  const profiles: Record<string, BrowserContext> = {};
  let site: Awaited<ReturnType<typeof serve>>;
  const addressOf = (page: string): string => `${site.origin}${base}${page.slice(1)}`;

  beforeAll(async () => {
    site = await serve();
    browser = await chromium.launch(launchOptions());
    for (const [device, options] of Object.entries({ desktop, phone }))
      profiles[device] = await browser.newContext(options);
  }, patience);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  for (const path of pages()) {
    // an API page is as long as a book: axe and a picture of all of it would take longer than everything else
    const isLong = path.startsWith("/api/");
    it(
      `${path} loads without a complaint and fits the window, ${isLong ? "" : "with contrast, names and roles as axe asks for, "}on a desktop in light and on a phone in dark`,
      async () => {
        for (const [device, profile] of Object.entries(profiles)) {
          const { page, complaints, picture, close } = await visit(profile, addressOf(path));
          expect(await overflow(page), device).toBeLessThanOrEqual(0);
          // types of the API have no length that anybody could limit
          if (!isLong) expect(await cutOff(page), device).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.classList.contains("dark"))).toBe(
            device === "phone",
          );
          if (!isLong) expect(await violations(page), device).toEqual([]);
          await picture(`${nameOf(path)}-${device}`, isLong ? "window" : "page");
          expect(complaints, device).toEqual([]);
          await close();
        }
      },
      patience,
    );
  }

  it(
    "the search finds a function in this site's own index",
    async () => {
      const { page, complaints, close } = await visit(profiles.desktop, addressOf("/guide/getting-started"));
      await page.keyboard.press("Control+k");
      await page.locator(".search-input").fill("restrictToLine");
      await page.locator(".results a", { hasText: "restrictToLine" }).first().click();
      await page.waitForURL(/analysis|read-a-network/);
      expect(complaints).toEqual([]);
      await close();
    },
    patience,
  );

  it(
    "nothing on the page moves by itself where the reader wants less motion",
    async () => {
      const { page, close } = await visit(browser, addressOf("/"), { ...desktop, reducedMotion: "reduce" });
      const longest = await page.evaluate(() =>
        Math.max(
          ...[...document.querySelectorAll(".VPContent *")].flatMap((element) => {
            const { transitionDuration, animationDuration } = getComputedStyle(element);
            return `${transitionDuration},${animationDuration}`.split(",").map(Number.parseFloat);
          }),
        ),
      );
      expect(longest).toBeLessThanOrEqual(0.001);
      await close();
    },
    patience,
  );
});
