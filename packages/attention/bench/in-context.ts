/**
 * @file The long form of the in-context tests: the optimal window of softmax attention over the number of examples, and its
 * slope, against theory. Writes `in-context.json` beside itself. About a minute; seeded, so the same numbers everywhere.
 */
import { writeFileSync } from "node:fs";
import { stdout } from "node:process";
import { optimalWindow } from "@splineformer/attention";

const examples = [100, 400, 1600, 6400];
const round = (x: number, digits: number): number => Number(x.toFixed(digits));
const rows = (["affine", "kinked"] as const).flatMap((target) =>
  [2, 3, 5].map((dimension) => {
    const windows = examples.map((n) =>
      optimalWindow({ dimension, examples: n, target, draws: Math.min(3200, Math.round(1_600_000 / n)), seed: 1 }),
    );
    const slope = (from: number, to: number): number =>
      round(Math.log(windows[to].window / windows[from].window) / Math.log(examples[to] / examples[from]), 4);
    const row = {
      target,
      dimension,
      examples,
      windows: windows.map(({ window }) => round(window, 3)),
      standardErrors: windows.map(({ standardError }) => round(standardError, 3)),
      slopes: [slope(0, 1), slope(1, 2), slope(2, 3)],
      slopeOverAll: slope(0, 3),
      theory: round(2 / (dimension + (target === "affine" ? 3 : 2)), 4),
    };
    stdout.write(`${JSON.stringify(row)}\n`);
    return row;
  }),
);
writeFileSync(new URL("in-context.json", import.meta.url), `${JSON.stringify(rows, null, 2)}\n`);
