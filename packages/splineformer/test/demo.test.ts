import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { beforeAll, describe, expect, it } from "vitest";
import { claimsOf } from "../src/demo/claims.ts";
import { outputs } from "../src/demo/compare.ts";
import { demo } from "../src/demo/demo.ts";
import { compareOnGpu } from "../src/demo/gpu-run.ts";
import type { DemoReport } from "../src/demo/report.ts";
import { pointsFarOutside } from "../src/demo/sampling.ts";
import { demoText } from "../src/demo/text.ts";
import {
  cpu64,
  type Encoder,
  encoderFromSpline,
  forward,
  interpolateCubic,
  loadSafetensors,
  tensor,
} from "../src/index.ts";
import { run, temporaryFolder } from "./running.ts";

const folder = temporaryFolder();

describe("the demo on the Mauna Loa series", () => {
  let report: DemoReport;
  const out = join(folder, "mauna-loa");
  beforeAll(async () => {
    report = await demo({ out, knots: 24 });
  });

  it("claims eleven things, and all hold", () => {
    expect(report.claims.map(({ claim, holds }) => [claim, holds])).toEqual([
      [`in float64 the network is the spline at ${report.runs[0].points} points`, true],
      [`in float32 the network is the spline at ${report.runs[0].points} points`, true],
      [`on gpu.js the network is the spline at ${report.runs[0].points} points`, true],
      ["the loaded network is the compiled one, bit for bit", true],
      ["every knot is a breakpoint, and there is no other", true],
      ["every breakpoint is at its knot", true],
      ["every piece has its degree: 3 between the knots, 1 on the tails", true],
      ["every breakpoint has its smoothness, measured: C²", true],
      ["no unit is undecided anywhere", true],
      ["piece by piece, what was read is the spline on the whole line", true],
      ["smoothing stays within its bound at every point tried", true],
    ]);
  });

  it("makes 23 heads of width 1 of 24 knots, in a block of degree 3", () => {
    const { heads, headWidth, degree } = report.network;
    expect([report.data.rows, report.spline.knots.length, heads, headWidth, degree]).toEqual([741, 24, 23, 1, 3]);
  });

  it("agrees with the spline on ℝ to 1e-12 in float64, and to less in float32", () => {
    const [float64, float32] = report.runs;
    expect(float64.relative).toBeLessThanOrEqual(1e-12);
    // 24 bits, and no more than 40 roundings of a value
    expect(float32.relative).toBeLessThanOrEqual(40 * 2 ** -24);
    expect(float32.relative).toBeGreaterThan(float64.relative);
  });

  it("agrees so far outside too, relative to the spline there and not to the way", () => {
    const { knots, values, size } = report.spline;
    const s = interpolateCubic(knots, values, { boundary: "natural", extrapolation: "linear" });
    const model = loadSafetensors(readFileSync(report.files.weights)) as Encoder;
    const far = pointsFarOutside(knots[0], knots[knots.length - 1]);
    const y = outputs(model, far);
    far.forEach((x, i) => {
      const expected = s.evaluate(x);
      expect(Math.abs(y[i] - expected)).toBeLessThanOrEqual(1e-12 * Math.max(Math.abs(expected), size));
    });
  });

  it("runs on gpu.js where that is installed, and says which backend computed and why", () => {
    // in Node only the one that is no GPU, and only because it was asked for
    expect(report.gpu).toMatchObject({ backend: "webasm", dtype: "float32", points: report.runs[0].points });
    expect("reason" in report.gpu && report.gpu.reason).toContain("webasm was asked for");
    // at most twice the error of the float32-rounded formula
    expect("relative" in report.gpu && report.gpu.relative).toBeLessThanOrEqual(2 * report.runs[1].relative);
    expect(report.claims.some(({ claim }) => claim.startsWith("on gpu.js"))).toBe(true);
  });

  it("says how to get gpu.js where it is not installed", async () => {
    const missing = Object.assign(new Error("no such package"), { code: "ERR_MODULE_NOT_FOUND" });
    const model = encoderFromSpline(interpolateCubic([0, 1, 2], [0, 1, 0]));
    const run = compareOnGpu(model, interpolateCubic([0, 1, 2], [0, 1, 0]), { from: -1, to: 3 }, () =>
      Promise.reject(missing),
    );
    await expect(run).resolves.toEqual({
      missing: "@splineformer/gpu is not installed: npm install @splineformer/gpu",
    });
  });

  it("finds every knot to 1e-10, with the two heads that meet there and a hidden unit", () => {
    expect(report.breakpoints).toHaveLength(24);
    report.breakpoints.forEach(({ knot, expected, found, heads, units }, i) => {
      expect(knot).toBe(i + 1);
      expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-10);
      expect(heads).toEqual([i, i + 1].filter((head) => head >= 1 && head <= 23));
      expect(units.length).toBeGreaterThanOrEqual(1);
    });
  });

  it("measures degree 3 between the knots and 1 on the tails, and C² at every knot", () => {
    expect(report.degrees).toEqual([1, ...new Array(23).fill(3), 1]);
    expect(report.breakpoints.map(({ smoothness }) => smoothness)).toEqual(new Array(24).fill(2));
  });

  it("halves the bound where it doubles β, and stays below it", () => {
    for (const { beta, bound, largest, ratio } of report.smoothing) {
      expect(beta * bound).toBeCloseTo(report.smoothing[0].beta * report.smoothing[0].bound, 9);
      expect(largest).toBeLessThanOrEqual(bound);
      expect(ratio).toBeLessThanOrEqual(1);
      expect(ratio).toBeGreaterThan(0);
    }
  });

  it("leaves two files: weights that run, and the picture", () => {
    expect(readdirSync(out).sort()).toEqual(["spline.html", "spline.safetensors"]);
    expect(report.files).toEqual({ weights: join(out, "spline.safetensors"), picture: join(out, "spline.html") });
    const model = loadSafetensors(readFileSync(report.files.weights));
    const { knots, values } = report.spline;
    const y = forward(model, tensor([[knots[7]]], { dtype: "float64" }), { on: cpu64 });
    expect(Math.abs(y.data[0] - values[7])).toBeLessThanOrEqual(1e-12 * values[7]);
  });

  it("says in its text what it found", () => {
    const text = demoText(report, {});
    expect(text).toContain("23 heads of width 1");
    for (const { expected } of report.breakpoints) expect(text).toContain(expected.toFixed(6));
    expect(text).toContain("All 11 claims hold.");
    expect(text).toContain("spline.html");
    expect(
      Math.max(
        ...text
          .split("\n")
          .filter((line) => !line.includes(out))
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(100);
    // colour is for terminals
    expect(text).not.toContain("\u001B");
  });

  describe("its page", () => {
    let html: string;
    beforeAll(() => {
      html = readFileSync(report.files.picture, "utf8");
    });

    it("loads nothing: no script, no style sheet, no image, no font; its only addresses are links to follow", () => {
      const { document } = parseHTML(html);
      expect(document.querySelectorAll("script, link, img, iframe, object, embed, base, use, image")).toHaveLength(0);
      expect(html).not.toMatch(/@import|url\(|srcset|\ssrc=/);
      const linked = [...document.querySelectorAll("a")].map((a) => a.getAttribute("href"));
      const addresses = html.match(/https?:[^"'\s<>]+/g) ?? [];
      expect([...addresses].sort()).toEqual([...linked].sort());
    });

    it("has a title, a heading for each drawing, labelled axes and a legend", () => {
      const { document } = parseHTML(html);
      expect(document.querySelector("title")?.textContent).toBe("Carbon dioxide at Mauna Loa as a transformer");
      expect(document.querySelectorAll("figure h2")).toHaveLength(3);
      for (const svg of document.querySelectorAll("svg")) {
        const labels = ["x", "y"].map((axis) => svg.querySelector(`[aria-label="${axis}-axis label"]`)?.textContent);
        expect(labels[0]).toBe("year");
        expect(labels[1]).toContain("CO₂, ppm");
      }
      expect(document.querySelectorAll(".legend li").length).toBeGreaterThan(4);
    });

    it("draws the data, 25 pieces, 24 knots and the smoothed curves, for screens and for phones", () => {
      const { document } = parseHTML(html);
      for (const size of [".wide", ".narrow"]) {
        const curve = document.querySelector(`figure ${size} svg`);
        const groups = [...(curve?.querySelectorAll('[aria-label="dot"]') ?? [])];
        expect(groups.map((group) => group.querySelectorAll("circle").length)).toEqual([741, 24]);
        expect(curve?.querySelectorAll('[aria-label="line"]')).toHaveLength(25 + report.smoothing.length);
      }
    });

    it("is made for light and dark, wide and narrow", () => {
      expect(html).toContain("prefers-color-scheme: dark");
      expect(html).toContain('name="viewport"');
      const names = new Set(html.match(/var\(--[a-z0-9-]+/g)?.map((name) => name.slice(4)));
      names.delete("--c");
      for (const name of names) expect(html.split(`${name}:`).length - 1, name).toBeGreaterThanOrEqual(1);
    });

    it("says whose data it shows", () => {
      expect(html).toContain("Scripps CO₂ Program");
      expect(html).toContain("https://creativecommons.org/licenses/by/4.0/");
    });
  });
});

describe("the demo on other data", () => {
  const series = (name: string, y: (x: number) => number): string => {
    const file = join(folder, name);
    const rows = Array.from({ length: 31 }, (_, i) => i * 0.01 - 0.07);
    writeFileSync(file, `t,<v>\n${rows.map((x) => `${x},${y(x)}`).join("\n")}\n`);
    return file;
  };

  it("prints its findings as JSON", async () => {
    const args = ["demo", "--json", "--data", series("waves.csv", (x) => Math.sin(40 * x)), "--x", "t", "--y", "<v>"];
    const { code, stdout, stderr } = await run([...args, "--knots", "11", "--out", join(folder, "waves")]);
    expect([code, stderr]).toEqual([0, ""]);
    const report = JSON.parse(stdout) as DemoReport;
    expect([report.data.unit, report.network.heads, report.breakpoints.length]).toEqual(["number", 10, 11]);
    expect(report.claims.every(({ holds }) => holds)).toBe(true);
  });

  it("keeps a column's name from being read as HTML", () => {
    const html = readFileSync(join(folder, "waves/spline.html"), "utf8");
    expect(html).toContain("&lt;v&gt;");
    expect(html).not.toContain("<v>");
  });

  it("claims of a straight line what is true of it: degree 1, and nothing to see at a knot", async () => {
    const args = ["demo", "--data", series("line.csv", (x) => 2 * x), "--x", "t", "--y", "<v>"];
    const { code, stdout } = await run([...args, "--knots", "5", "--out", join(folder, "line")]);
    expect(stdout).toContain("1 between the knots, 1 on the tails");
    expect(code).toBe(0);
  });

  it.each([
    ["zeros", () => 0],
    ["a constant", () => 7],
    ["a line that falls", (x: number) => 3 - 2 * x],
  ] as const)("holds its claims on %s, where nothing bends", async (name, y) => {
    const args = ["demo", "--data", series("flat.csv", y), "--x", "t", "--y", "<v>"];
    const { code, stdout } = await run([...args, "--knots", "5", "--out", join(folder, name)]);
    expect(stdout).toContain("claims hold.");
    expect(stdout).not.toContain("NaN");
    expect(code).toBe(0);
  });

  it.each([
    ["a step, whose tails are nearly flat", 24, (i: number) => (i < 150 ? 0 : 1)],
    ["a single spike", 24, (i: number) => (i === 156 ? 1 : 0)],
    ["an exponential", 24, (i: number) => Math.exp(i / 10)],
    ["values that leap", 101, (i: number) => (-1) ** Math.floor(i / 3) * (1 + (i % 7))],
  ] as const)("holds its claims on %s, and says what rounding hides", async (name, knots, y) => {
    const file = join(folder, "sharp.csv");
    const rows = Array.from({ length: 301 }, (_, i) => `${i},${y(i)}`);
    writeFileSync(file, `t,v\n${rows.join("\n")}\n`);
    const args = ["demo", "--data", file, "--x", "t", "--y", "v", "--knots", String(knots)];
    const { code, stdout } = await run([...args, "--out", join(folder, name)]);
    expect(stdout).toContain("All 11 claims hold.");
    expect(code).toBe(0);
  });

  it.each([1e300, 1e26, 1e-26, 1e-300])(
    "refuses values of the size of %s, for which float32 has no room, and writes nothing",
    async (size) => {
      const out = join(folder, "sizes");
      const args = ["demo", "--data", series("sizes.csv", (x) => (x > 0 ? size : -size)), "--x", "t", "--y", "<v>"];
      const { code, stderr } = await run([...args, "--knots", "5", "--out", out]);
      expect(stderr).toContain(
        `demo: expected the largest |<v>| to be 0 or in [1e-25, 1e25], where float32 has room, got ${size}`,
      );
      expect([code, existsSync(out)]).toEqual([2, false]);
    },
  );

  it("refuses slopes that leave float32 far outside", async () => {
    const args = ["demo", "--data", series("steep.csv", (x) => 1e24 * Math.sin(100 * x)), "--x", "t", "--y", "<v>"];
    const { code, stderr } = await run([...args, "--knots", "5", "--out", join(folder, "steep")]);
    expect(stderr).toContain("demo: expected the spline 10¹² beyond its ends to be at most 1e36");
    expect([code, existsSync(join(folder, "steep"))]).toEqual([2, false]);
  });

  it.each([1e20, 8e9, 1e-20])("holds its claims on values of the size of %s", async (size) => {
    const args = ["demo", "--data", series("large.csv", (x) => size * Math.sin(40 * x)), "--x", "t", "--y", "<v>"];
    const { code, stdout } = await run([...args, "--knots", "5", "--out", join(folder, "large")]);
    expect(stdout).toContain("All 11 claims hold.");
    expect(code).toBe(0);
  });

  it("takes two knots", async () => {
    const args = ["demo", "--knots", "2", "--out", join(folder, "two")];
    expect((await run(args)).code).toBe(0);
  });

  it("stops between any two steps and leaves nothing behind", async () => {
    const steps: string[] = [];
    await demo({ out: join(folder, "whole"), knots: 3, onStep: (step) => steps.push(step) });
    expect(steps.length).toBeGreaterThan(5);
    for (const last of steps) {
      const controller = new AbortController();
      const out = join(folder, "stopped");
      const stopped = demo({
        out,
        knots: 3,
        signal: controller.signal,
        onStep: (step) => step === last && controller.abort(),
      });
      await expect(stopped, last).rejects.toThrow();
      expect(existsSync(out), last).toBe(false);
    }
  });
});

describe("a claim that does not hold", () => {
  const whole: Parameters<typeof claimsOf>[0] = {
    data: { title: "", label: "", file: "", x: "", y: "", unit: "year", rows: 3, from: 0, to: 3 },
    spline: { knots: [0, 3], values: [1, 2], degrees: [1, 3, 1], smoothness: [2, 2], size: 2, steepness: 1, rms: 0 },
    network: { heads: 1, headWidth: 1, hidden: 2, width: 2, parameters: 11, degree: 3 },
    runs: [{ dtype: "float64", points: 5, relative: 1e-15, absolute: 1e-15 }],
    gpu: { dtype: "float32", points: 5, relative: 1e-6, absolute: 1e-6, backend: "webgl2", reason: "" },
    line: { from: -1, to: 4 },
    breakpoints: [0, 3].map((x, i) => ({
      knot: i + 1,
      expected: x,
      found: x,
      difference: 0,
      heads: [1],
      units: [i + 1],
      degrees: [1, 3],
      smoothness: 2,
    })),
    degrees: [1, 3, 1],
    tellable: { degrees: [1, 3, 1], smoothness: [2, 2] },
    undecided: 0,
    noise: 0,
    distance: 1e-15,
    smoothing: [{ beta: 1, largest: 1, bound: 2, ratio: 0.5 }],
    files: { weights: "", picture: "" },
  };
  const failing = (report: typeof whole, changed = 0): string[] =>
    claimsOf(report, changed).flatMap(({ claim, holds }) => (holds ? [] : [claim.split(":")[0]]));
  const [first, second] = whole.breakpoints;

  it("is none of these", () => {
    expect(failing(whole)).toEqual([]);
  });

  it.each([
    [
      "a run that is off",
      { ...whole, runs: [{ ...whole.runs[0], relative: 2e-12 }] },
      `in float64 the network is the spline at ${whole.runs[0].points} points`,
    ],
    [
      "a run that is NaN",
      { ...whole, runs: [{ ...whole.runs[0], relative: Number.NaN }] },
      `in float64 the network is the spline at ${whole.runs[0].points} points`,
    ],
    [
      "a run on gpu.js that is off",
      { ...whole, gpu: { ...whole.gpu, relative: 2e-4 } as typeof whole.gpu },
      `on gpu.js the network is the spline at ${(whole.gpu as { points: number }).points} points`,
    ],
    [
      "a knot that is not found",
      { ...whole, breakpoints: [first, { ...first }], degrees: [1, 3, 1] },
      "every knot is a breakpoint, and there is no other",
    ],
    [
      "a breakpoint that is off",
      { ...whole, breakpoints: [first, { ...second, difference: 2e-10 }] },
      "every breakpoint is at its knot",
    ],
    ["another degree", { ...whole, degrees: [1, 2, 1] }, "every piece has its degree"],
    ["a missing piece", { ...whole, degrees: [1, 3] }, "every piece has its degree"],
    [
      "another smoothness",
      { ...whole, breakpoints: [first, { ...second, smoothness: 1 }] },
      "every breakpoint has its smoothness, measured",
    ],
    ["an undecided unit", { ...whole, undecided: 1 }, "no unit is undecided anywhere"],
    [
      "a curve that is another",
      { ...whole, distance: 2e-12 },
      "piece by piece, what was read is the spline on the whole line",
    ],
    [
      "a bound that is passed",
      { ...whole, smoothing: [{ ...whole.smoothing[0], ratio: 1.01 }] },
      "smoothing stays within its bound at every point tried",
    ],
  ])("is found by %s", (_, report, claim) => {
    expect(failing(report)).toEqual([claim]);
  });

  it("is none where rounding hides it, and the claim says so", () => {
    const hidden = {
      ...whole,
      degrees: [1, 2, 1],
      breakpoints: [first, { ...second, smoothness: Number.POSITIVE_INFINITY }],
      tellable: { degrees: [1, 1, 1], smoothness: [2, Number.POSITIVE_INFINITY] },
    };
    expect(failing(hidden)).toEqual([]);
    expect(claimsOf(hidden, 0).flatMap(({ claim }) => claim.match(/; (.*)/)?.[1] ?? [])).toEqual([
      "1 of 3 too small beside rounding to tell",
      "1 of 2 too small beside rounding to tell",
    ]);
    expect(failing({ ...hidden, degrees: [1, 0, 1] })).toEqual(["every piece has its degree"]);
  });

  it("is none where values leap so that rounding x moves the spline by more", () => {
    const leaping = { ...whole, spline: { ...whole.spline, steepness: 1e5 } };
    expect(failing({ ...leaping, runs: [{ ...whole.runs[0], relative: 4e-11 }] })).toEqual([]);
    expect(failing({ ...leaping, runs: [{ ...whole.runs[0], relative: 5e-11 }] })).toHaveLength(1);
  });

  it("is found by a bit that changed", () => {
    expect(failing(whole, 1)).toEqual(["the loaded network is the compiled one, bit for bit"]);
  });

  it("is said in the text", () => {
    const report = { ...whole, undecided: 1 };
    const text = demoText({ ...report, claims: claimsOf(report, 0) }, {});
    expect(text).toContain("✗ no unit is undecided anywhere  1 ≤ 0");
    expect(text).toContain("1 of 10 claims do not hold.");
  });
});
