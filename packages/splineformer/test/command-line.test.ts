import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { run, temporaryFolder } from "./running.ts";

const folder = temporaryFolder();

describe("the command line", () => {
  it("explains itself on --help, each command too", async () => {
    const whole = await run(["--help"]);
    expect(whole.code).toBe(0);
    expect(whole.stdout).toContain("splineformer");
    expect(whole.stdout).toContain("demo");
    expect(whole.stdout).toContain("Exit code: 0");
    expect(whole.stderr).toBe("");
    const demo = await run(["demo", "--help"]);
    expect(demo.code).toBe(0);
    for (const option of ["--out", "--json", "--data", "--x", "--y", "--knots"]) expect(demo.stdout).toContain(option);
  });

  it("says its version", async () => {
    expect(await run(["--version"])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  });

  it.each([
    [["demi"], "unknown command 'demi'\n(Did you mean demo?)"],
    [["demo", "--jsn"], "unknown option '--jsn'\n(Did you mean --json?)"],
    [["demo", "extra"], "too many arguments for 'demo'"],
    [["demo", "--out"], "option '--out <folder>' argument missing"],
    [["demo", "--knots", "many"], 'Expected a whole number, got "many".'],
    [["demo", "--knots", "-3"], 'Expected a whole number, got "-3".'],
  ])("ends %j with 2, and says why and where to look", async (args, reason) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(reason);
    expect(stderr).toContain("splineformer --help");
  });

  it("prints its help as an error if it is told nothing to do", async () => {
    const { code, stdout, stderr } = await run([]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: splineformer");
  });
});

describe("the demo refuses data that it can't use, with 2, and writes nothing", () => {
  const files: Record<string, string> = {
    "good.csv": "t,v\n1,2\n2,3\n3,5\n5,7\n8,11\n",
    "empty.csv": "",
    "header.csv": "t,v\n",
    "nan.csv": "t,v\n1,2\n2,NaN\n3,5\n",
    "repeated.csv": "t,v\n1,2\n1,3\n3,5\n",
    "unsorted.csv": "t,v\n2,2\n1,3\n3,5\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const out = join(folder, "out");
  const on = (name: string, ...more: string[]) => [
    "demo",
    "--out",
    out,
    "--data",
    join(folder, name),
    "--x",
    "t",
    "--y",
    "v",
    ...more,
  ];

  it.each([
    [
      "a missing column",
      on("good.csv", "--y", "w"),
      `readSeries: expected a column "w" in ${folder}/good.csv, got columns "t", "v"`,
    ],
    ["an empty folder name", on("good.csv", "--out", ""), 'demo: expected a folder to write into, got ""'],
    ["too few rows", on("good.csv"), "demo: expected at least 24 rows for 24 knots, got 5"],
    ["one knot", on("good.csv", "--knots", "1"), "demo: expected 2 to 256 knots, got 1"],
    ["too many knots", on("good.csv", "--knots", "257"), "demo: expected 2 to 256 knots, got 257"],
    [
      "an empty file",
      on("empty.csv"),
      `readSeries: expected ${folder}/empty.csv to have a line of column names, got an empty file`,
    ],
    ["no rows", on("header.csv"), `readSeries: expected ${folder}/header.csv to have rows, got only the column names`],
    [
      "NaN",
      on("nan.csv", "--knots", "3"),
      `readSeries: expected a number in column "v", got "NaN" at line 3 of ${folder}/nan.csv`,
    ],
    [
      "repeated x",
      on("repeated.csv", "--knots", "2"),
      `readSeries: expected column "t" to increase, got "1" after "1" at line 3 of ${folder}/repeated.csv`,
    ],
    [
      "unsorted x",
      on("unsorted.csv", "--knots", "2"),
      `readSeries: expected column "t" to increase, got "1" after "2" at line 3 of ${folder}/unsorted.csv`,
    ],
    ["a missing file", on("absent.csv"), `demo: expected a file that can be read, got "${folder}/absent.csv" (ENOENT)`],
    ["a folder for a file", on("."), `demo: expected a file that can be read, got "${folder}" (EISDIR)`],
    [
      "no column of x",
      ["demo", "--out", out, "--data", "a.csv", "--y", "v"],
      'demo: expected --data, --x and --y together, got { data: "a.csv", x: undefined, y: "v" }',
    ],
  ])("%s", async (_, args, message) => {
    expect(await run(args)).toEqual({ code: 2, stdout: "", stderr: `splineformer: ${message}\n` });
    expect(existsSync(out)).toBe(false);
  });

  it("a file where the results should go", async () => {
    const { code, stderr } = await run([...on("good.csv", "--knots", "3"), "--out", join(folder, "good.csv")]);
    expect(code).toBe(2);
    expect(stderr).toContain("expected a folder to write into, got a file");
  });

  it("a signal that came: 130, and no folder is left", async () => {
    const stopped = await run(on("good.csv", "--knots", "3"), { signal: AbortSignal.abort() });
    expect(stopped).toEqual({ code: 130, stdout: "", stderr: "splineformer: stopped, nothing was written\n" });
    expect(existsSync(out)).toBe(false);
  });

  it("and leaves files that were there as they were", async () => {
    mkdirSync(join(folder, "mine"));
    writeFileSync(join(folder, "mine/spline.html"), "mine");
    await run([...on("nan.csv", "--knots", "3"), "--out", join(folder, "mine")]);
    expect(readdirSync(join(folder, "mine"))).toEqual(["spline.html"]);
  });
});
