import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { check, closingLine, countReport, countReports, failure, sum } from "../src/count.js";

/**
 * @param {string} path
 * @param {string[]} statuses
 * @param {object} [more]
 */
const file = (path, statuses, more = {}) => ({
  name: `/package/${path}`,
  status: statuses.includes("failed") ? "failed" : "passed",
  assertionResults: statuses.map((status, i) => ({ status, fullName: `case ${i}`, failureMessages: [`why ${i}`] })),
  ...more,
});

/** @param {ReturnType<typeof file>[]} testResults */
const report = (...testResults) => ({
  success: testResults.every(({ status }) => status === "passed"),
  testResults,
});

describe("the closing line", () => {
  test("names what was skipped only if something was", () => {
    expect(closingLine({ passed: 3, failed: 0, skipped: 0, log: [] })).toBe("3 passed, 0 failed");
    expect(closingLine({ passed: 3, failed: 2, skipped: 1, log: [] })).toBe("3 passed, 2 failed, 1 skipped");
  });

  test("counts a check as one, however much it complains about", () => {
    const total = sum([check("a", []), check("b", ["x", "y"]), failure("z")]);
    expect(total).toMatchObject({ passed: 1, failed: 2, skipped: 0 });
    expect(total.log).toEqual(["b\n  x\n  y", "z"]);
  });
});

describe("a vitest report", () => {
  test("is counted by test case", () => {
    const count = countReport(
      report(file("a.test.ts", ["passed", "failed", "pending"]), file("b.test.ts", ["todo"])),
      "/package",
    );
    expect(count).toMatchObject({ passed: 1, failed: 1, skipped: 2 });
    expect(count.log).toContain("a.test.ts: case 1\n  why 1");
  });

  test("fails with a file that broke before its first test", () => {
    const broken = file("a.test.ts", [], { status: "failed", message: "no such module" });
    const count = countReport(report(broken, file("b.test.ts", ["passed"])), "/package");
    expect(count).toMatchObject({ passed: 1, failed: 1, log: ["a.test.ts\n  no such module"] });
  });

  test("fails with a file that broke after its last test", () => {
    const broken = file("a.test.ts", ["passed"], { status: "failed", message: "afterAll" });
    expect(countReport(report(broken), "/package")).toMatchObject({ passed: 1, failed: 1 });
  });

  test("fails with a file that holds no test", () => {
    expect(countReport(report(file("a.test.ts", [])), "/package")).toMatchObject({ passed: 0, failed: 1 });
  });

  test("fails when the run failed outside its tests", () => {
    const count = countReport({ success: false, testResults: [file("a.test.ts", ["passed"])] }, "/package");
    expect(count).toMatchObject({ passed: 1, failed: 1 });
  });
});

describe("the reports of a package", () => {
  /** @param {Record<string, string>} reports */
  const folderWith = (reports) => {
    const path = mkdtempSync(join(tmpdir(), "reports-"));
    mkdirSync(join(path, "test-results"));
    for (const [name, text] of Object.entries(reports)) {
      writeFileSync(join(path, "test-results", name), text.replaceAll("/package", path));
    }
    return path;
  };

  test("are added up", () => {
    const path = folderWith({
      "unit.json": JSON.stringify(report(file("test/a.test.ts", ["passed", "passed"]))),
      "browser.json": JSON.stringify(report(file("test/b.test.ts", ["passed"]))),
    });
    expect(countReports(path, ["test/a.test.ts", "test/b.test.ts"])).toMatchObject({ passed: 3, failed: 0 });
  });

  test("fail without the report of a test file", () => {
    const path = folderWith({ "unit.json": JSON.stringify(report(file("test/a.test.ts", ["passed"]))) });
    const count = countReports(path, ["test/a.test.ts", "test/b.test.ts"]);
    expect(count).toMatchObject({ passed: 1, failed: 1 });
    expect(count.log.join()).toContain("test/b.test.ts: expected in a report, and it is in none");
  });

  test("fail when one can't be read", () => {
    expect(countReports(folderWith({ "unit.json": "{" }), [])).toMatchObject({ passed: 0, failed: 1 });
  });

  test("of a package that has no tests are nothing", () => {
    expect(countReports("/nowhere", [])).toMatchObject({ passed: 0, failed: 0, skipped: 0 });
  });
});
