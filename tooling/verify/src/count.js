/** @file Counts, and the reports of vitest they come from. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/**
 * What a step found.
 *
 * @typedef {object} Count
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string[]} log - what a reader needs to find the failures
 */

/**
 * The sum of counts; of none: zeros.
 *
 * @param {readonly Count[]} counts
 * @returns {Count}
 */
export function sum(counts) {
  return {
    passed: counts.reduce((total, { passed }) => total + passed, 0),
    failed: counts.reduce((total, { failed }) => total + failed, 0),
    skipped: counts.reduce((total, { skipped }) => total + skipped, 0),
    log: counts.flatMap(({ log }) => log),
  };
}

/** @type {Count} */
const pass = { passed: 1, failed: 0, skipped: 0, log: [] };

/**
 * One failure.
 *
 * @param {...string} log
 * @returns {Count}
 */
export function failure(...log) {
  return { passed: 0, failed: 1, skipped: 0, log };
}

/**
 * One check: passed if it has nothing to complain about.
 *
 * @param {string} title
 * @param {readonly string[]} complaints
 * @returns {Count}
 */
export function check(title, complaints) {
  return complaints.length === 0 ? pass : failure(`${title}\n${indent(complaints.join("\n"))}`);
}

/**
 * The closing line: `3 passed, 0 failed`, with `, 1 skipped` if something was.
 *
 * @param {Count} count
 * @returns {string}
 */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/**
 * The part of vitest's JSON report that is read.
 *
 * @typedef {object} Report
 * @property {boolean} success
 * @property {{ name: string, status: string, message?: string, assertionResults: Assertion[] }[]} testResults
 *
 * @typedef {{ status: string, fullName: string, failureMessages?: string[] | null }} Assertion
 */

/**
 * Counts the test cases in the reports of one package, `test-results/*.json`. Failures as well: a report that can't
 * be read, a test file that no report names, a run that failed outside its tests.
 *
 * @param {string} path - of the package
 * @param {readonly string[]} expected - its test files, relative to it
 * @returns {Count}
 */
export function countReports(path, expected) {
  const folder = join(path, "test-results");
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  const reports = names.map((name) => readReport(join(folder, name)));
  const seen = new Set(
    reports.flatMap(
      (report) => report?.testResults.map(({ name }) => relative(path, name).replaceAll("\\", "/")) ?? [],
    ),
  );
  return sum([
    ...names.map((name) => countReportFile(join(folder, name), path)),
    ...expected
      .filter((file) => !seen.has(file))
      .map((file) => failure(`${join(path, file)}: expected in a report, and it is in none`)),
  ]);
}

/**
 * Counts the test cases of one report; a report that isn't there is a failure.
 *
 * @param {string} file - of the report
 * @param {string} path - of the package
 * @returns {Count}
 */
export function countReportFile(file, path) {
  const report = readReport(file);
  return report === undefined
    ? failure(`${file}: expected a report of vitest, and there is none`)
    : countReport(report, path);
}

/**
 * @param {string} file
 * @returns {Report | undefined}
 */
function readReport(file) {
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(report.testResults) ? report : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {Report} report
 * @param {string} path
 * @returns {Count}
 */
export function countReport(report, path) {
  const counts = report.testResults.map(({ name, status, message, assertionResults }) => {
    const file = relative(path, name);
    if (status === "failed" && assertionResults.every((test) => test.status !== "failed")) {
      // it broke before or after its tests
      return sum([
        ...assertionResults.map((test) => countTest(test, file)),
        failure(`${file}\n${indent(message ?? "")}`),
      ]);
    }
    if (assertionResults.length === 0) return failure(`${file}: expected a test, and there is none`);
    return sum(assertionResults.map((test) => countTest(test, file)));
  });
  const total = sum(counts);
  if (!report.success && total.failed === 0 && report.testResults.length > 0) {
    return sum([total, failure("the run failed outside its tests (an error nobody caught?)")]);
  }
  return total;
}

/**
 * @param {Assertion} test
 * @param {string} file
 * @returns {Count}
 */
function countTest({ status, fullName, failureMessages }, file) {
  if (status === "passed") return pass;
  if (status === "failed") return failure(`${file}: ${fullName}\n${indent((failureMessages ?? []).join("\n"))}`);
  return { passed: 0, failed: 0, skipped: 1, log: [`skipped: ${file}: ${fullName}`] };
}

/**
 * @param {string} text
 * @returns {string} each line two spaces to the right
 */
export function indent(text) {
  return text.replace(/^(?=.)/gm, "  ");
}
