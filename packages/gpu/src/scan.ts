/**
 * @file The running softmax average, log₂ n steps of three kernels.
 */
import type { Value } from "./backend.ts";
import type { Work } from "./engine.ts";
import { divideRows, ones, scanAverage, scanMaximum, scanTotal } from "./kernels/scan.ts";

/** scores [c, n, 1], values [c, n, d] → [c, n, d]. */
export async function runningAverage(work: Work, scores: Value, values: Value, n: number, d: number): Promise<Value> {
  let maxima = scores;
  let totals = await work.run(ones, scores.length);
  let averages = values;
  for (let width = 1; width < n; width *= 2) {
    const next = await work.run(scanMaximum, scores.length, maxima, n, width);
    totals = await work.run(scanTotal, scores.length, totals, maxima, next, n, width);
    averages = await work.run(scanAverage, values.length, averages, maxima, next, n, width, d);
    maxima = next;
  }
  return work.run(divideRows, values.length, averages, totals, d);
}
