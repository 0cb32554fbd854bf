/** @file Every check in Chromium, on both backends, from the bundle a user makes of the built packages. */
import { launchOptions, whyNot } from "@splineformer/chromium";
import { type Browser, chromium } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, type Project } from "./bundle.ts";
import { checksOf } from "./checks.ts";
import { lossChecks } from "./device-checks.ts";
import type { PageReport } from "./page/main.ts";

const reason = whyNot();
if (reason) process.stderr.write(`the GPU is not tested in a browser: ${reason}\n`);

/** Compiling the packages and their bundle, and running every check on a GPU that is simulated: 15 of verify's 22 minutes. */
const patience = 900_000;

describe.skipIf(reason)("in Chromium", () => {
  let project: Project;
  let browser: Browser;
  let addresses: Readonly<Record<"vite" | "esbuild", string>>;

  beforeAll(async () => {
    project = await createProject();
    addresses = { vite: await project.serve("vite"), esbuild: await project.serve("esbuild") };
    browser = await chromium.launch(launchOptions());
  }, patience);
  afterAll(async () => {
    await browser?.close();
    await project?.close();
  });

  /** `before` runs before the page's own scripts. */
  const inPage = async <R>(
    bundler: keyof typeof addresses,
    call: string,
    before = "",
  ): Promise<{ result: R; complaints: string[] }> => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.addInitScript(before);
    await page.goto(addresses[bundler]);
    await page.waitForFunction("globalThis.runChecks !== undefined");
    const result = (await page.evaluate(call)) as R;
    await page.close();
    return { result, complaints };
  };

  const noAdapter = "Object.defineProperty(navigator.gpu, 'requestAdapter', { value: async () => null });";
  const noWebGl = "HTMLCanvasElement.prototype.getContext = () => null;";

  it("WebGPU comes first", async () => {
    const { result } = await inPage<string>("vite", "globalThis.choice()");
    expect(result).toBe("webgpu: webgpu computes here");
  });

  it("where WebGPU has no adapter WebGL 2 computes, and the reason says why", async () => {
    const { result } = await inPage<string>("vite", "globalThis.choice()", noAdapter);
    expect(result).toMatch(
      /^webgl2: webgpu: WebGPU is present .+ but no adapter is available\..*; webgl2 computes here$/s,
    );
  });

  it("a browser without a GPU is refused, with the reason of each backend and what to do", async () => {
    const { result } = await inPage<string>("vite", "globalThis.choice()", noAdapter + noWebGl);
    expect(result).toMatch(
      /^UnsupportedError: createGpu: expected a GPU \(webgpu, webgl2\), got none: webgpu: .+; webgl2: there is no WebGL 2 context\. Run it in .+, use @splineformer\/cpu, or/s,
    );
  });

  for (const [bundler, which] of [["vite", "all"], ["esbuild", "own"]] as const) // biome-ignore format: one list
    for (const backend of ["webgl2", "webgpu"] as const)
      describe(`on ${backend}, bundled by ${bundler}${bundler === "vite" ? " and minified" : ""}`, () => {
        let report: PageReport;
        let complaints: string[];
        beforeAll(async () => {
          const run = await inPage<PageReport>(bundler, `globalThis.runChecks("${backend}", "${which}")`);
          report = run.result;
          complaints = run.complaints;
        }, patience);

        it("is the backend that ran, and the reason says so", () => {
          expect(report.backend).toBe(backend);
          expect(report.reason).toBe(`${backend} computes here`);
        });
        // what was never run has no answer, and fails
        for (const { title } of [...checksOf(which), ...lossChecks])
          it(title, () => expect(report.problems[title]).toBe(""));
        it("leaves no error in the console", () => {
          expect(complaints).toEqual([]);
        });
      });
});
