import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { slice } from "@splineformer/analysis";
import { random, toNested } from "@splineformer/tensor";
import { createEncoder, type EncoderOptions, saveJson } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";
import { planeInterpreter } from "../src/slice/page-script.ts";
import { planeOf } from "../src/slice/plane.ts";
import { type PlaneProgram, planeProgram } from "../src/slice/plane-program.ts";
import type { SliceReport } from "../src/slice/report.ts";
import { run, temporaryFolder } from "./running.ts";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

/** A model and three inputs, in files. */
function files(name: string, options: Partial<EncoderOptions> = {}): { model: string; inputs: string[] } {
  const model = at(`${name}.json`);
  const made = createEncoder({
    layers: 2,
    width: 4,
    heads: 2,
    hidden: 5,
    output: 3,
    pool: "mean",
    seed: 7,
    ...options,
  });
  writeFileSync(model, saveJson(made));
  const numbers = random(1);
  const inputs = [0, 1, 2].map((k) => {
    const file = at(`${name}-${k}.json`);
    writeFileSync(file, JSON.stringify(toNested(numbers.normal([3, 4], { dtype: "float64" }))));
    return file;
  });
  return { model, inputs };
}

type Reading = (
  a: number,
  b: number,
) => {
  readonly values: Float64Array;
  readonly coefficients: readonly (Float64Array | undefined)[];
  readonly gates: readonly { readonly scope: string; readonly pattern: Uint8Array }[];
};
/** What the page runs. */
const onPage = (program: PlaneProgram): Reading => new Function(`${planeInterpreter}; return runPlane;`)()(program);

describe("splineformer slice", () => {
  it("reads the plane through three inputs, tells a cell's polynomial, and writes a picture and a page that loads nothing", async () => {
    const { model, inputs } = files("own");
    const out = at("own");
    const { code, stdout, stderr } = await run([
      "slice",
      model,
      "--inputs",
      inputs.join(),
      "--rows",
      "7",
      "--cell",
      "0.25,0.5",
      "--out",
      out,
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("7 scanlines, each exact");
    expect(stdout).toContain("The cell at a = 0.25, b = 0.5: switched on block 0/attention");
    expect(stdout.match(/✓/g)).toHaveLength(3);
    expect(readdirSync(out).sort()).toEqual(["slice.html", "slice.svg"]);
    const page = readFileSync(join(out, "slice.html"), "utf8");
    expect(page).not.toMatch(/<link|<img|src=|url\((?!#)|https?:\/\/(?!www\.w3\.org)/);
    expect(page).not.toMatch(/>[^<]*(NaN|undefined)[^<]*<\/(p|text|td|dt|dd)>/);
    expect(readFileSync(join(out, "slice.svg"), "utf8")).toMatch(/^<svg .*<\/svg>\s*$/s);
  });

  it("prints what it found as JSON", async () => {
    const { model, inputs } = files("json");
    const { stdout } = await run([
      "slice",
      model,
      "--inputs",
      inputs.join(),
      "--rows",
      "5",
      "--json",
      "--out",
      at("json"),
    ]);
    const report: SliceReport = JSON.parse(stdout);
    const { options, model: network } = await planeOf({ model, inputs, rows: 5 });
    const found = slice(network, options);
    expect(report.cells).toBe(found.cells.length);
    expect(report.pieces).toBe(found.scanlines.reduce((sum, { keys }) => sum + keys.length, 0));
    expect(Object.values(report.classes).reduce((sum, part) => sum + part, 0)).toBeCloseTo(1, 12);
    expect(report.cell.terms.length).toBeGreaterThan(1);
  });

  it.each([
    ["two layers", {}],
    [
      "leaky units, a causal mask and a division by length",
      {
        layers: 1,
        attention: { activation: "relu", mask: "causal", divide: "length" },
        feedForward: { activation: "leakyRelu" },
      },
    ],
    ["squared scores", { layers: 1, attention: { activation: "squaredRelu" } }],
    ["a clamp", { layers: 1, clamp: 1 }],
  ] as [string, Partial<EncoderOptions>][])("shows on its page what the library finds: %s", async (name, options) => {
    const given = { ...files(name.split(" ")[0], options), rows: 2 };
    const read = await planeOf(given);
    const found = slice(read.model, read.options);
    const reading = onPage(planeProgram(read, found.degree) as PlaneProgram);
    const numbers = random(5);
    for (let k = 0; k < 7; k++) {
      const [a, b] = numbers.uniform([2]).data;
      const here = found.cellAt(a, b);
      const { values, coefficients, gates } = reading(a, b);
      expect(gates.flatMap(({ pattern }) => [...pattern])).toEqual(here.pattern.map(({ piece }) => piece));
      const largest = Math.max(...here.terms.flatMap(({ coefficients: c }) => [...c.data].map(Math.abs)));
      // two sums of the same products in different orders
      for (const {
        powers: [i, j],
        coefficients: c,
      } of here.terms)
        c.data.forEach((v, e) => {
          expect(Math.abs((coefficients[((i + j) * (i + j + 1)) / 2 + j]?.[e] ?? 0) - v)).toBeLessThan(1e-12 * largest);
        });
      here.evaluate(a, b).data.forEach((v, e) => {
        expect(Math.abs(values[e] - v)).toBeLessThan(1e-12 * largest);
      });
    }
  });

  it("has a page without polynomials for a model that compares its keys", async () => {
    const { model, inputs } = files("sparse", { layers: 1, attention: { activation: "sparsemax" } });
    const { code } = await run(["slice", model, "--inputs", inputs.join(), "--rows", "3", "--out", at("sparse")]);
    expect(code).toBe(0);
    expect(readFileSync(join(at("sparse"), "slice.html"), "utf8")).toContain(
      "operations that the page does not compute",
    );
  });

  it.each([
    ["two inputs", ["--inputs", "3,8"], 'slice: expected three inputs, as 3,8,9, got ["3", "8"]'],
    ["one digit three times", ["--inputs", "3,3,3"], "expected u to be a direction, got zeros"],
    ["a single row", ["--rows", "1"], "slice: expected 2 to 4096 rows, got 1"],
    ["a place outside", ["--cell", "2,0"], "slice: expected a cell's place a,b from 0 to 1, got [2, 0]"],
  ])("refuses %s with 2, and writes nothing", async (name, args, message) => {
    const out = at(`refused ${name}`);
    const { code, stderr } = await run(["slice", ...args, "--out", out]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(existsSync(out)).toBe(false);
  });

  it("stopped by a signal it ends with 130, and writes nothing", async () => {
    const out = at("stopped");
    const controller = new AbortController();
    const running = run(["slice", "--out", out], { signal: controller.signal });
    setTimeout(() => controller.abort(), 500);
    const { code, stderr } = await running;
    expect([code, stderr]).toEqual([130, "splineformer: stopped, nothing was written\n"]);
    expect(existsSync(out)).toBe(false);
  });
});
