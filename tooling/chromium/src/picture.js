/**
 * @file `pnpm picture`: the README's picture, taken from the page that `pnpm demo` wrote.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright";
import { launchOptions } from "./index.js";

const root = resolve(import.meta.dirname, "../../..");
const page = resolve(root, "splineformer-demo/spline.html");
const picture = resolve(root, "apps/docs/public/demo.png");

if (!existsSync(page)) throw new Error(`picture: expected the demo's page, got no file ${page}: run "pnpm demo" first`);
const browser = await chromium.launch(launchOptions());
const tab = await browser.newPage({ viewport: { width: 960, height: 900 }, deviceScaleFactor: 1.5 });
await tab.goto(pathToFileURL(page).href);
await tab.locator("figure").first().screenshot({ path: picture });
await browser.close();
