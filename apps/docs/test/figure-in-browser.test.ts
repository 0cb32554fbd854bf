/** @file The live figure in Chromium: whatever is dragged, typed or sent, it shows what the model says of that state. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { launchOptions, whyNot } from "@splineformer/chromium";
import { cpu64 } from "@splineformer/cpu";
import { forward, tensor } from "@splineformer/tensor";
import { loadSafetensors } from "@splineformer/transformer";
import { type Browser, chromium, type Locator, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromQuery } from "../src/figure/address.ts";
import { drawingOf, piecePath } from "../src/figure/drawing.ts";
import { compile, fit, readBack } from "../src/figure/network.ts";
import { placesOnPieces, smoothed } from "../src/figure/runs.ts";
import { maunaLoa } from "../src/figure/series.ts";
import { betaAt, type FigureState, initialState, keyZeros, viewOf } from "../src/figure/state.ts";
import { plain, small } from "../src/figure/words.ts";
import { desktop, overflow, patience, phone, pictures, type Visit, visit } from "./browser.ts";
import { base, serve } from "./site.ts";

const reason = whyNot();

const series = maunaLoa();
const view = viewOf(series.points);
const start = initialState(series);
const readingOf = (state: FigureState) => readBack(compile(fit(state), state), view, cpu64);

describe.skipIf(reason)("the figure in Chromium", () => {
  let browser: Browser;
  let site: Awaited<ReturnType<typeof serve>>;

  beforeAll(async () => {
    site = await serve();
    browser = await chromium.launch(launchOptions());
  }, patience);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  /** The theorem's page, the figure in sight. */
  async function open(query = "", options: Parameters<typeof visit>[2] = desktop): Promise<Visit> {
    const visited = await visit(browser, `${site.origin}${base}theorem${query}`, options);
    await visited.page.locator("svg.plot").scrollIntoViewIfNeeded();
    await visited.page.locator('[data-run="CPU float32"]').waitFor();
    return visited;
  }

  const handle = (page: Page, i: number) => page.locator("[data-handle]").nth(i);

  /** Where a handle is on the screen. */
  async function centre(page: Page, i: number): Promise<{ x: number; y: number }> {
    const box = await handle(page, i).locator(".knob").boundingBox();
    if (box === null) throw new Error(`handle ${i} is not on the screen`);
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  }

  async function drag(page: Page, i: number, dx: number, dy: number): Promise<void> {
    const { x, y } = await centre(page, i);
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + dx / 2, y + dy / 2);
    await page.mouse.move(x + dx, y + dy);
    await page.mouse.up();
  }

  /** The state that the address says, as soon as it fits: it is written when nothing has moved for a moment. */
  async function stateOf(page: Page, fits: (state: FigureState) => boolean): Promise<FigureState> {
    const said = (): FigureState => fromQuery(new URL(page.url()).search, start).state;
    await expect.poll(() => fits(said()), { timeout: 20_000 }).toBe(true);
    return said();
  }

  const textOf = async (element: Locator): Promise<string> =>
    ((await element.textContent()) ?? "").replace(/\s+/g, " ").trim();
  const numbers = (path: string | null): number[] => (path ?? "").match(/-?[\d.]+/g)?.map(Number) ?? [];

  /** The pieces on the screen are those of the model: the same count, and control points to a hundredth of a pixel, twice. */
  async function expectCurve(page: Page, state: FigureState): Promise<void> {
    const { pieces } = readingOf(state);
    const paths = await page
      .locator("svg.plot .piece[d*=C]")
      .evaluateAll((all) => all.map((path) => path.getAttribute("d")));
    const width = Number(await page.locator("svg.plot").getAttribute("width"));
    expect(paths.length).toBe(pieces.length);
    const drawing = drawingOf(width, view, series);
    for (const [i, piece] of pieces.entries()) {
      const [shown, wanted] = [numbers(paths[i]), numbers(piecePath(piece, drawing))];
      expect(shown.length).toBe(8);
      for (const [k, value] of shown.entries()) expect(Math.abs(value - wanted[k])).toBeLessThanOrEqual(0.021);
    }
  }

  it(
    "starts with the demo's curve, 25 pieces and 24 knots, and an address that says nothing",
    async () => {
      const { page, complaints, close } = await open();
      expect(new URL(page.url()).search).toBe("");
      expect(await page.locator("[data-handle]").count()).toBe(24);
      await expectCurve(page, start);
      expect(await textOf(page.locator("[data-compiled]"))).toContain("23 heads of width 1, 24 hidden units, degree 3");
      expect(await textOf(page.locator("[data-read]"))).toContain(
        "25 pieces of degrees 1, 23 × 3, 1; 24 breakpoints, C²",
      );
      expect(complaints).toEqual([]);
      await close();
    },
    patience,
  );

  it(
    "refits, recompiles and reads back when a knot is dragged",
    async () => {
      const { page, complaints, picture, close } = await open();
      await drag(page, 12, 9, -70);
      const drawing = drawingOf(Number(await page.locator("svg.plot").getAttribute("width")), view, series);
      const [x, y] = start.knots[12];
      // a pixel of the pointer is a pixel of the drawing
      const state = await stateOf(page, ({ knots }) => {
        const [px, py] = [drawing.x(knots[12][0]) - drawing.x(x), drawing.y(knots[12][1]) - drawing.y(y)];
        return Math.abs(px - 9) < 1 && Math.abs(py + 70) < 1;
      });
      expect(state.knots.filter((knot, i) => knot !== start.knots[i]).length).toBe(1);
      await expectCurve(page, state);
      await picture("figure-knot-dragged", page.locator("[data-figure]"));
      expect(await textOf(page.locator("[data-said]"))).toMatch(
        /At year \d{4}\.\d+: head 11 stops, head 12 starts, hidden unit \d+ starts; C²\./,
      );
      await page.getByRole("button", { name: "Reset" }).click();
      await page.waitForURL((url) => url.search === "");
      await expectCurve(page, start);
      expect(complaints).toEqual([]);
      await close();
    },
    patience,
  );

  it(
    "moves a knot by the keyboard, a hundredth of the view a key, and goes from knot to knot",
    async () => {
      const { page, close } = await open();
      await handle(page, 0).focus();
      await page.keyboard.press("PageDown");
      await page.keyboard.press("PageDown");
      await page.keyboard.press("ArrowUp");
      const state = await stateOf(page, ({ knots }) =>
        knots.some((knot, i) => String(knot) !== String(start.knots[i])),
      );
      expect(state.knots[2][0]).toBeCloseTo(start.knots[2][0], 2);
      expect(state.knots[2][1]).toBeCloseTo(start.knots[2][1] + (view.high - view.low) / 100, 1);
      await expectCurve(page, state);
      expect(await handle(page, 2).getAttribute("aria-valuetext")).toContain(
        `CO₂, ppm ${plain(state.knots[2][1], view.high - view.low)}`,
      );
      await page.keyboard.press("End");
      expect(await handle(page, 23).evaluate((element) => element === document.activeElement)).toBe(true);
      // one stop for Tab among all knots
      expect(await page.locator('[data-handle][tabindex="0"]').count()).toBe(1);
      await close();
    },
    patience,
  );

  it(
    "smooths as the slider says, and says how far off and how far at most",
    async () => {
      const { page, picture, close } = await open();
      await page.locator("#figure-beta").focus();
      await page.keyboard.press("Home");
      await page.waitForURL((url) => url.searchParams.get("beta") === "0.125");
      await picture("figure-smoothed", page.locator("[data-figure]"));
      const before = await page.locator("path.smooth").getAttribute("d");
      for (let i = 0; i < 20; i++) await page.keyboard.press("ArrowRight");
      const state = await stateOf(page, ({ beta }) => beta === betaAt(2));
      expect(state.beta).toBe(4);
      expect(await textOf(page.locator("[data-beta]"))).toBe("4");
      expect(await page.locator("path.smooth").getAttribute("d")).not.toBe(before);
      const reading = readingOf(state);
      const x = placesOnPieces(reading.pieces);
      const { distance, bound } = smoothed(compile(fit(state), state), 4, x, reading.evaluate(x), cpu64);
      const text = await textOf(page.locator("[data-smooth]"));
      expect(text).toContain(`${small(distance)} ppm`);
      expect(text).toContain(`${small(bound)} ppm`);
      await close();
    },
    patience,
  );

  it(
    "loses no key, whatever is drawn or not drawn between two of them",
    async () => {
      const { page, complaints, close } = await open();
      const slider = page.locator("#figure-beta");
      await slider.focus();
      // no picture from here on, but the figure goes on writing its state into its controls
      await page.evaluate(() => {
        const held: FrameRequestCallback[] = [];
        const request = window.requestAnimationFrame;
        window.requestAnimationFrame = (draw) => held.push(draw);
        Object.assign(window, {
          release: () => {
            window.requestAnimationFrame = request;
            for (const draw of held) draw(performance.now());
          },
        });
      });
      const { y } = await centre(page, 20);
      for (const knot of [5, 9, 14]) {
        await page.keyboard.press("ArrowRight");
        // what is said changes, so the figure was rendered
        const clientX = (await centre(page, knot)).x + 2;
        await page.locator("svg.plot").dispatchEvent("pointermove", { clientX, clientY: y });
        await expect
          .poll(() => textOf(page.locator("[data-said]")), { timeout: 20_000 })
          .toContain(`head ${knot - 1} stops`);
      }
      const first = handle(page, 0);
      await first.focus();
      for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowDown");
      expect(await slider.inputValue()).toBe("-0.25");
      expect(await textOf(page.locator("[data-beta]"))).toBe(String(start.beta));
      await page.evaluate(() => (window as unknown as { release(): void }).release());
      const state = await stateOf(page, ({ beta }) => beta === betaAt(-0.25));
      expect(await textOf(page.locator("[data-beta]"))).toBe(String(betaAt(-0.25)));
      // three hundredths of the view, rounded to its ten-thousandth
      const height = view.high - view.low;
      expect(Math.abs(start.knots[0][1] - state.knots[0][1] - 0.03 * height)).toBeLessThan(3e-4 * height);
      expect(complaints).toEqual([]);
      await close();
    },
    patience,
  );

  it(
    "says that a proven distance holds up to rounding: where nothing bends there is nothing else",
    async () => {
      const { page, complaints, close } = await open("?curve=0,5~1,5~2,5");
      const { state } = fromQuery("?curve=0,5~1,5~2,5", start);
      const flat = readBack(compile(fit(state), state), viewOf(state.knots), cpu64);
      const x = placesOnPieces(flat.pieces);
      const { distance, bound } = smoothed(compile(fit(state), state), state.beta, x, flat.evaluate(x), cpu64);
      // a sum of ten numbers of about 5, each rounded
      expect(distance).toBeLessThan(bound + 10 * 5 * 2 ** -52);
      expect(await textOf(page.locator("[data-smooth]"))).toBe(
        `The smoothed network is off by at most ${small(distance)}, and proven to be off by no more than ${small(bound)}, up to rounding.`,
      );
      expect(complaints).toEqual([]);
      await close();
    },
    patience,
  );

  it(
    "moves a knot of the network when a weight is dragged, and the curve breaks there",
    async () => {
      const { page, complaints, picture, close } = await open();
      await page.getByLabel("weights of the network").check();
      await stateOf(page, ({ mode }) => mode === "weights");
      expect(await page.locator("[data-handle]").count()).toBe(23);
      await drag(page, 10, 12, 0);
      const drawing = drawingOf(Number(await page.locator("svg.plot").getAttribute("width")), view, series);
      const state = await stateOf(page, (sent) => {
        return Math.abs(drawing.x(keyZeros(sent)[10]) - drawing.x(start.knots[11][0]) - 12) < 1;
      });
      expect([...state.shifts.keys()]).toEqual([10]);
      await expectCurve(page, state);
      expect(await textOf(page.locator("[data-read]"))).toMatch(/^26 pieces .*; 25 breakpoints, C⁰/);
      expect(await textOf(page.locator("[data-said]"))).toMatch(
        /The key bias of head 10 went from -?[\d.]+ to -?[\d.]+/,
      );
      await picture("figure-weight-dragged", page.locator("[data-figure]"));
      // arrows move it as well
      await page.keyboard.press("ArrowLeft");
      await page.waitForURL((url) => url.searchParams.get("keys") !== `10:${state.shifts.get(10)}`);
      expect(complaints).toEqual([]);
      await close();
    },
    patience,
  );

  it(
    "says which heads and units cause the breakpoint that a pointer is near",
    async () => {
      const { page, close } = await open();
      const { x } = await centre(page, 5);
      const { y } = await centre(page, 20);
      await page.mouse.move(x + 3, y);
      await page.waitForFunction(() => document.querySelector("[data-said]")?.textContent?.includes("head 4 stops"));
      expect(await textOf(page.locator("[data-said]"))).toMatch(
        /head 4 stops, head 5 starts, hidden unit \d+ stops; C²\./,
      );
      await page.getByText("All breakpoints").click();
      expect(await textOf(page.locator("tbody tr", { hasText: "head 5 starts" }))).toContain("C²");
      await close();
    },
    patience,
  );

  it(
    "opens an address that somebody sent, and says what is wrong with one that it can't read",
    async () => {
      const query = "?mode=weights&knots=5:1971.5,345&keys=7:0.8&beta=1";
      const sent = fromQuery(query, start).state;
      const good = await open(query);
      await expectCurve(good.page, sent);
      expect(await good.page.getByLabel("weights of the network").isChecked()).toBe(true);
      await good.close();
      const bad = await open("?knots=5:1500,3");
      expect(await textOf(bad.page.getByRole("alert"))).toContain("expected x to increase in knots, got 1500,3");
      await expectCurve(bad.page, start);
      await bad.close();
    },
    patience,
  );

  for (const [query, message] of [
    ["?curve=0,1e39~1,2e39", "expected x and y from -1e+30 to 1e+30, got 0, 1e+39"],
    ["?curve=0,0~1e-300,1~1,0", "expected values that stay finite"],
    ["?knots=5:1971.5,1e300", "expected x and y from -1e+30 to 1e+30, got 1971.5, 1e+300"],
    ["?keys=7:1e300", "expected the x of a key zero from"],
    ["?beta=1e300", "expected a number from 0.125 to 512 in beta, got 1e+300"],
  ])
    it(
      `refuses ${query}: an alert that says why, the demo's curve, an address that says nothing, no complaint`,
      async () => {
        const { page, complaints, close } = await visit(browser, `${site.origin}${base}theorem${query}`, desktop);
        expect(await textOf(page.getByRole("alert"))).toContain(message);
        await page.locator('[data-run="CPU float32"]').waitFor();
        await expectCurve(page, start);
        await expect.poll(() => new URL(page.url()).search, { timeout: 20_000 }).toBe("");
        expect(complaints).toEqual([]);
        await close();
      },
      patience,
    );

  it(
    "runs on the GPU, says on which backend and why, and is off by no more than float32",
    async () => {
      const { page, complaints, picture, close } = await open();
      const row = page.locator('[data-run="GPU float32"]');
      await row.waitFor();
      const text = await textOf(row);
      expect(text).toMatch(/, on web(gpu|gl2): .*web(gpu|gl2) computes here/);
      const [, digits, exponent] = /off that curve by ([\d.]+)(?:·10⁻([⁰¹²³⁴⁵⁶⁷⁸⁹]))? ppm/.exec(text) ?? [];
      const distance = Number(digits) / 10 ** "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(exponent ?? "⁰");
      // 2⁻²⁴ of the spline's size for each of its intervals, as the compiler documents
      expect(distance).toBeLessThan(23 * 2 ** -24 * 415);
      await picture("figure-gpu", page.locator("[data-figure]"));
      expect(complaints).toEqual([]);
      await close();
    },
    patience,
  );

  it(
    "says why there is no GPU where there is none, and works",
    async () => {
      const visited = await visit(browser, `${site.origin}${base}guide/devices`, desktop);
      const { page } = visited;
      await page.addInitScript(() => {
        Object.defineProperty(navigator, "gpu", { value: undefined });
        HTMLCanvasElement.prototype.getContext = () => null;
        Object.defineProperty(globalThis, "OffscreenCanvas", { value: undefined });
      });
      await page.goto(`${site.origin}${base}theorem`);
      await page.locator("svg.plot").scrollIntoViewIfNeeded();
      await page.locator('[data-run="GPU"]').waitFor();
      expect(await textOf(page.locator('[data-run="GPU"]'))).toMatch(/^none\. createGpu: expected a GPU/);
      await page.locator('[data-run="CPU float32"]').waitFor();
      await visited.close();
    },
    patience,
  );

  it(
    "gives its picture as SVG and its network as safetensors",
    async () => {
      const { page, close } = await open("?knots=5:1971.5,345");
      const save = async (name: string): Promise<Buffer> => {
        const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
        return readFile(await file.path());
      };
      const svg = (await save("SVG")).toString();
      expect(svg.match(/<path[^>]* d="M[^"]*C/g)?.length).toBe(25);
      expect(svg).not.toMatch(/var\(|class=/);
      // it is a document by itself
      const alone = await page.context().newPage();
      await alone.setContent(`<body style="margin:0">${svg}</body>`);
      expect(await alone.locator("svg path").first().boundingBox()).not.toBe(null);
      await alone.screenshot({ path: join(pictures, "figure-exported.png") });
      const { state } = fromQuery("?knots=5:1971.5,345", start);
      const loaded = loadSafetensors(new Uint8Array(await save("safetensors")));
      if (loaded.config.kind !== "encoder") throw new Error("expected an encoder");
      const x = tensor([[[1971.5]], [[1990]]], { dtype: "float64" });
      expect(forward(loaded as ReturnType<typeof compile>, x)).toEqual(forward(compile(fit(state), state), x));
      await close();
    },
    patience,
  );

  it(
    "draws a reader's own points, and refuses what are none",
    async () => {
      const { page, complaints, picture, close } = await open();
      await page.getByText("Your own curve").click();
      await page.getByRole("textbox", { name: "Points" }).fill("0, 1\n1, oops");
      await page.getByRole("button", { name: "Draw" }).click();
      expect(await textOf(page.getByRole("alert"))).toContain('expected y, a number, got "oops" in line 2');
      await page.getByRole("textbox", { name: "Points" }).fill("0, 1e308\n1, -1e308\n2, 0");
      await page.getByRole("button", { name: "Draw" }).click();
      await page.waitForFunction(() => document.querySelector("[role=alert]")?.textContent?.includes("1e+308"));
      expect(await textOf(page.getByRole("alert"))).toBe(
        "the figure: expected x and y from -1e+30 to 1e+30, got 0, 1e+308",
      );
      await expectCurve(page, start);
      expect(new URL(page.url()).search).toBe("");
      await page.getByRole("textbox", { name: "Points" }).fill("time, height\n0, 1\n1, 3\n2, 2\n4, 2.5");
      await page.getByRole("button", { name: "Draw" }).click();
      await page.waitForURL((url) => url.searchParams.get("curve") === "0,1~1,3~2,2~4,2.5");
      expect(await page.locator("[data-handle]").count()).toBe(4);
      expect(await textOf(page.locator("[data-compiled]"))).toContain("3 heads of width 1, 4 hidden units");
      await picture("figure-own-curve", page.locator("[data-figure]"));
      await page.reload();
      await page.locator("svg.plot").scrollIntoViewIfNeeded();
      await page.locator('[data-run="CPU float32"]').waitFor();
      expect(await page.locator("[data-handle]").count()).toBe(4);
      expect(complaints).toEqual([]);
      await close();
    },
    patience,
  );

  it(
    "is dragged by a finger on a phone, and the page does not scroll meanwhile",
    async () => {
      const { page, complaints, picture, close } = await open("", phone);
      const { x, y } = await centre(page, 12);
      const scrolled = await page.evaluate(() => scrollY);
      const session = await page.context().newCDPSession(page);
      const touch = (type: "touchStart" | "touchMove" | "touchEnd", points: { x: number; y: number }[]) =>
        session.send("Input.dispatchTouchEvent", { type, touchPoints: points });
      await touch("touchStart", [{ x, y }]);
      for (let step = 1; step <= 6; step++) await touch("touchMove", [{ x, y: y - 10 * step }]);
      await touch("touchEnd", []);
      const drawing = drawingOf(Number(await page.locator("svg.plot").getAttribute("width")), view, series);
      const state = await stateOf(page, ({ knots }) => {
        return Math.abs(drawing.y(start.knots[12][1]) - drawing.y(knots[12][1]) - 60) < 1;
      });
      expect(await page.evaluate(() => scrollY)).toBe(scrolled);
      await expectCurve(page, state);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      await picture("figure-phone-dark", page.locator("[data-figure]"));
      expect(complaints).toEqual([]);
      await close();
    },
    patience,
  );
});
