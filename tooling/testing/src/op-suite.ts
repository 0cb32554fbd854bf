/**
 * @file The one op suite: every operation on any device, synchronous or not, in Node and in a browser, registered as tests
 * (`runOpSuite`) or run at once for a table (`conformance`).
 */
import { type Device, type OpName, opNames, type Shaped } from "@splineformer/tensor";
import { checkBatch, checkDecomposition, checkRefusal, checkValues, type Finding } from "./check-case.ts";
import { checkDerivative } from "./check-derivative.ts";
import { opCases } from "./op-cases.ts";
import { refusals } from "./refusals.ts";

/** The parts of a test runner that the suite uses; those of vitest and jest fit. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it: ((name: string, body: () => Promise<void>) => unknown) & {
    skip(name: string, body: () => Promise<void>): unknown;
  };
  expect(actual: unknown): { toEqual(expected: unknown): unknown };
}

export interface OpSuiteOptions {
  /**
   * What this device does not pass, and why: an operation's name, the title of a test, or `scan: op(stack) = stack(op)`
   * for every test of that law on an operation.
   */
  readonly skip?: Readonly<Record<string, string>>;
  /** The operations to test; by default all. */
  readonly only?: readonly OpName[];
}

/** What a device was found to do; it grows while tests run. */
export interface Report {
  readonly device: string;
  readonly dtype: Device<Shaped>["dtype"];
  readonly findings: readonly Finding[];
  /** Test titles that were left out, and why. */
  readonly skipped: Readonly<Record<string, string>>;
  /** One row for each operation that ran. */
  rows(): readonly ReportRow[];
  /** What did not pass. */
  failures(): readonly Finding[];
}

/** A line of a conformance table. */
export interface ReportRow {
  readonly op: OpName;
  readonly checks: number;
  readonly failed: number;
  /** The largest error relative to the largest entry of a result. */
  readonly largestError: number;
  /** The largest share of an allowance that was used: at most 1 where everything passed, 0 where all was exact. */
  readonly largestShare: number;
}

interface Test<T extends Shaped> {
  readonly op: OpName;
  readonly title: string;
  run(device: Device<T>): Promise<readonly Finding[]>;
}

/** The law of batch transparency, as it ends the titles of its tests. */
const law = "op(stack) = stack(op)";

function testsOf<T extends Shaped>(op: OpName): readonly Test<T>[] {
  const cases = opCases.filter((given) => given.op === op);
  const values = cases.map((given) => ({
    op,
    title: given.title,
    run: async (device: Device<T>) =>
      [
        await checkValues(device, given),
        await checkDecomposition(device, given),
        await checkDerivative(device, given),
      ].filter((finding) => finding !== undefined),
  }));
  const laws = cases.map((given) => ({
    op,
    title: `${given.title}: ${law}`,
    run: (device: Device<T>) => checkBatch(device, given),
  }));
  const refused = refusals
    .filter((given) => given.op === op)
    .map((given) => ({
      op,
      title: given.title,
      run: async (device: Device<T>) => [await checkRefusal(device, given)],
    }));
  return [...values, ...laws, ...refused];
}

/**
 * Registers the suite for a device. Every test checks shape, dtype and values against the reference: on float64 within
 * `float64Tolerance`, on float32 by `atMostTwiceRounded`.
 *
 * @param runner - `describe`, `it` and `expect` of the test runner
 * @param device - the device; one that is made asynchronously is awaited before
 * @returns the report, complete when the tests have run
 * @throws RangeError if `skip` names no test
 */
export function runOpSuite<T extends Shaped>(
  { describe, it, expect }: TestRunner,
  device: Device<T>,
  options: OpSuiteOptions = {},
): Report {
  const { report, add } = createReport(device, options);
  describe(`every operation on ${device.name}`, () => {
    for (const op of options.only ?? opNames)
      describe(op, () => {
        for (const test of testsOf<T>(op)) {
          const reason = report.skipped[test.title];
          const body = async (): Promise<void> => {
            const findings = await test.run(device);
            add(findings);
            expect(findings.filter(({ passed }) => !passed).map(({ problem }) => problem)).toEqual([]);
          };
          if (reason === undefined) it(test.title, body);
          else it.skip(`${test.title} (${reason})`, body);
        }
      });
  });
  return report;
}

/**
 * Runs the suite at once, without a test runner: for a table of what a device conforms to.
 *
 * @example
 * ```ts
 * import { reference32 } from "@splineformer/tensor";
 * import { conformance } from "@splineformer/testing";
 * const report = await conformance(reference32);
 * report.failures().length; // 0
 * ```
 */
export async function conformance<T extends Shaped>(device: Device<T>, options: OpSuiteOptions = {}): Promise<Report> {
  const { report, add } = createReport(device, options);
  for (const op of options.only ?? opNames)
    for (const test of testsOf<T>(op)) if (report.skipped[test.title] === undefined) add(await test.run(device));
  return report;
}

function createReport<T extends Shaped>(
  device: Device<T>,
  { skip = {} }: OpSuiteOptions,
): { readonly report: Report; add(findings: readonly Finding[]): void } {
  const skipped: Record<string, string> = {};
  for (const [name, reason] of Object.entries(skip)) {
    const titles = opNames.flatMap((op) =>
      testsOf<T>(op).filter(
        ({ title }) => name === op || name === title || (name === `${op}: ${law}` && title.endsWith(law)),
      ),
    );
    if (titles.length === 0)
      throw new RangeError(`runOpSuite: expected skip to name operations or tests, got ${JSON.stringify(name)}`);
    for (const { title } of titles) skipped[title] = reason;
  }
  const findings: Finding[] = [];
  const report: Report = {
    device: device.name,
    dtype: device.dtype,
    findings,
    skipped,
    rows: () => opNames.flatMap((op) => rowOf(op, findings)),
    failures: () => findings.filter(({ passed }) => !passed),
  };
  return { report, add: (found) => void findings.push(...found) };
}

function rowOf(op: OpName, findings: readonly Finding[]): readonly ReportRow[] {
  const own = findings.filter((finding) => finding.op === op);
  if (own.length === 0) return [];
  const share = ({ error, allowed }: Finding): number => (error === 0 ? 0 : error / allowed);
  return [
    {
      op,
      checks: own.length,
      failed: own.filter(({ passed }) => !passed).length,
      largestError: Math.max(...own.map(({ error }) => error)),
      largestShare: Math.max(...own.map(share)),
    },
  ];
}
