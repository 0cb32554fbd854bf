import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { classMap, integratedGradients } from "@splineformer/analysis";
import { random, type Tensor, toNested } from "@splineformer/tensor";
import { createEncoder, type EncoderOptions, saveJson, saveSafetensors } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";
import { restrictToLine } from "../src/index.ts";
import type { PathReport } from "../src/path/report.ts";
import { stepText } from "../src/path/text.ts";
import { run, temporaryFolder } from "./running.ts";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

describe("splineformer path on the shipped digits", () => {
  it("finds where a 3 becomes an 8, explains every breakpoint, and writes one page that loads nothing", async () => {
    const out = at("digits");
    const { code, stdout, stderr } = await run(["path", "--out", out]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("from a handwritten 3 to a handwritten 8");
    expect(stdout).toMatch(/from 3 to 8 at t = 0\.\d{12}/);
    expect(stdout).toMatch(/layer \d, head \d: patch \(\d,\d\) (starts|stops) attending to patch \(\d,\d\)/);
    expect(stdout.match(/✓/g)).toHaveLength(4);
    expect(stdout).not.toContain("✗");
    const proven = /Proven: (\d+) of (\d+) pieces and (\d+) of (\d+) breakpoints certified, \d+ as one place/;
    const [, pieces, ofPieces, breakpoints, ofBreakpoints] = (proven.exec(stdout) as RegExpExecArray).map(Number);
    expect(pieces + breakpoints).toBeGreaterThanOrEqual(0.99 * (ofPieces + ofBreakpoints));
    expect(ofPieces).toBe(ofBreakpoints + 1);
    expect(readdirSync(out)).toEqual(["path.html"]);
    const page = readFileSync(join(out, "path.html"), "utf8");
    expect(page).toMatch(proven);
    expect(page).not.toMatch(/<script|<link|<img|src=|url\((?!#)/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    // the path, the class map, both images, and what speaks for the output by pixel and by patch
    expect(page.match(/<svg /g)).toHaveLength(6);
  });

  it("refuses what is no digit with 2, and writes nothing", async () => {
    const out = at("refused");
    const { code, stderr } = await run(["path", "--from", "ten", "--out", out]);
    expect(code).toBe(2);
    expect(stderr).toContain('path: expected a digit 0 to 9 (3 or 3a, 3b the second), or a .json file, got "ten"');
    expect(existsSync(out)).toBe(false);
  });

  it("stopped by a signal it ends with 130, and writes nothing", async () => {
    const out = at("stopped");
    const controller = new AbortController();
    const running = run(["path", "--out", out], { signal: controller.signal });
    setTimeout(() => controller.abort(), 500);
    const { code, stderr } = await running;
    expect([code, stderr]).toEqual([130, "splineformer: stopped, nothing was written\n"]);
    expect(existsSync(out)).toBe(false);
  });
});

describe("splineformer path on a model of one's own", () => {
  const model = (options: Partial<EncoderOptions> = {}) =>
    createEncoder({
      layers: 1,
      width: 5,
      heads: 1,
      hidden: 3,
      output: 4,
      pool: "mean",
      seed: 3,
      dtype: "float64",
      ...options,
    });
  const numbers = random(5);
  const ends: readonly Tensor[] = [0, 1].map(() => numbers.normal([2, 5], { dtype: "float64" }));
  ends.forEach((x, i) => {
    writeFileSync(at(`${i}.json`), JSON.stringify(toNested(x)));
    writeFileSync(at(`named ${i}.json`), JSON.stringify({ x: toNested(x) }));
  });
  writeFileSync(at("pooled.safetensors"), saveSafetensors(model()));
  writeFileSync(at("pooled.json"), saveJson(model()));
  writeFileSync(at("rows.safetensors"), saveSafetensors(model({ pool: "none" })));
  writeFileSync(at("smooth.safetensors"), saveSafetensors(model({ attention: { activation: "softmax" } })));
  writeFileSync(at("broken.json"), "[1, 2");
  const line = (name: string, ...more: string[]): string[] => [
    "path",
    at(name),
    "--from",
    at("0.json"),
    "--to",
    at("1.json"),
    "--out",
    at("own"),
    ...more,
  ];

  it("says the same as the library, as JSON", async () => {
    const { code, stdout } = await run(line("pooled.safetensors", "--json"));
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as PathReport;
    const path = restrictToLine(model(), ...(ends as [Tensor, Tensor]));
    // the file holds the same weights; the path is read in parts here
    expect(report.breakpoints).toEqual([...path.breakpoints]);
    expect(report.classes).toEqual(classMap(path));
    expect(report.certificate).toMatchObject({ verdict: "certified", listed: [], pieces: [], breakpoints: [] });
    expect(report.certificate.counts.pieces.certified).toBe(path.pieces.length);
    const output = report.attribution.output.at(-1) as number;
    expect(output).toBe(classMap(path).at(-1)?.class);
    const { attributions } = integratedGradients(model(), ends[1], { baseline: ends[0], output });
    const [{ shape, data }] = Object.values(report.attribution.values);
    expect(shape).toEqual([2, 5]);
    // on another device: a few roundings
    Array.from(attributions.data).forEach((v, k) => {
      expect(data[k]).toBeCloseTo(v, 12);
    });
    expect(report.attribution.residual).toBeLessThan(1e-12);
  });

  it("reads models and inputs as JSON too, and inputs by name", async () => {
    const one = await run(line("pooled.safetensors", "--json"));
    const other = await run([
      ...["path", at("pooled.json"), "--from", at("named 0.json"), "--to", at("named 1.json")],
      ...["--out", at("own"), "--json"],
    ]);
    const pieces = ({ stdout }: { stdout: string }): unknown => (JSON.parse(stdout) as PathReport).breakpoints;
    expect(other.code).toBe(0);
    expect(pieces(other)).toEqual(pieces(one));
  });

  it("an output of several rows needs to be told which", async () => {
    const refused = await run(line("rows.safetensors"));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("expected row to name one of the 2 rows");
    const { code, stdout } = await run(line("rows.safetensors", "--row", "1", "--output", "2", "--json"));
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as PathReport).attribution.output).toEqual([1, 2]);
  });

  it("refuses with 2 what it can't read, and says why", async () => {
    const smooth = await run(line("smooth.safetensors"));
    expect([smooth.code, smooth.stderr]).toEqual([
      2,
      "splineformer: restrictToLine: expected a piecewise polynomial activation, got softmax at block 0/attention\n",
    ]);
    const alone = await run(["path", at("pooled.safetensors")]);
    expect(alone.code).toBe(2);
    expect(alone.stderr).toContain("path: expected --from and --to with a model of your own");
    const broken = await run(["path", at("pooled.safetensors"), "--from", at("broken.json"), "--to", at("1.json")]);
    expect(broken.code).toBe(2);
    expect(broken.stderr).toContain("broken.json to hold JSON");
    const missing = await run(["path", at("none.safetensors"), "--from", at("0.json"), "--to", at("1.json")]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain("none.safetensors");
    const output = await run(line("pooled.safetensors", "--output", "4"));
    expect(output.code).toBe(2);
    expect(output.stderr).toContain("expected output to name an entry");
  });
});

describe("what a terminal shows meanwhile", () => {
  it("is a bar where it is known how far", () => {
    expect(stepText("reading the line", 0.5)).toBe("reading the line ████████████░░░░░░░░░░░░ 50 %");
    expect(stepText("drawing", undefined)).toBe("drawing");
  });
});
