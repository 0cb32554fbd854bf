/**
 * @file The demo: a series becomes a spline, the spline a transformer, and the transformer's weights are read back as the spline.
 * Every claim on the way is checked on this very data; what is found is a `DemoReport`.
 *
 * Letters: s the spline, x₁ … x_n its knots.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { encoderFromSpline } from "@splineformer/compiler";
import { interpolateCubic, type PiecewisePolynomial } from "@splineformer/spline";
import { parametersOf, required, show } from "@splineformer/tensor";
import { degree, type Encoder, loadSafetensors, saveSafetensors } from "@splineformer/transformer";
import { readSeries, type Series, spreadEvenly } from "../series.ts";
import { shippedSeries } from "../shipped.ts";
import { writeTogether } from "../staging.ts";
import { claimsOf } from "./claims.ts";
import { compare, extentOf, outputs } from "./compare.ts";
import { compareOnGpu } from "./gpu-run.ts";
import { page } from "./page.ts";
import { pictureOf } from "./picture.ts";
import { readBack } from "./read-back.ts";
import type { DemoReport } from "./report.ts";
import { pointsFarOutside } from "./sampling.ts";
import { smoothings } from "./smoothings.ts";

export interface DemoOptions {
  /** The folder to write into. */
  readonly out: string;
  /** How many rows become knots: 2 to 256. */
  readonly knots: number;
  /** A CSV file and its columns; default: the series that is shipped. */
  readonly data?: { readonly file: string; readonly x: string; readonly y: string };
  /** Stops between two steps and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined;
  /** Called with what is done next. */
  readonly onStep?: (step: string) => void;
}

/** A step cannot be stopped midway, and reading back grows with the square of this. */
const mostKnots = 256;

/** The sharpnesses that the demo smooths with. */
const sharpnesses = [0.25, 1, 4, 16];

/**
 * Runs the demo and writes `spline.safetensors` and `spline.html`.
 *
 * @returns what was found, also where a claim does not hold
 * @throws RangeError if the data cannot be used; nothing is written then
 */
export async function demo(options: DemoOptions): Promise<DemoReport> {
  const { out, knots: count, data, signal, onStep } = options;
  // lets signals and the progress display have their turn
  const pause = (): Promise<void> => setImmediate(undefined, { signal });
  const step = (text: string): Promise<void> => {
    onStep?.(text);
    return pause();
  };

  required(Number.isInteger(count) && count >= 2 && count <= mostKnots, "demo", `2 to ${mostKnots} knots`, count);
  required(out !== "", "demo", "a folder to write into", out);
  await step("reading the series");
  const series = data === undefined ? await shippedSeries() : await seriesOf(data);
  const rows = spreadEvenly(series.x.length, count);
  const knots = rows.map((row) => series.x[row]);
  const values = rows.map((row) => series.y[row]);
  checkSize(series.names.x, knots);
  checkSize(series.names.y, values);
  const s = interpolateCubic(knots, values, { boundary: "natural", extrapolation: "linear" });
  checkTails(s);

  await step("compiling the spline into a transformer block");
  const compiled = encoderFromSpline(s, { form: "block" });
  const line = lineAround(knots, series.unit);

  return writeTogether("demo", out, async (staging) => {
    await step("saving and loading the weights");
    const names = { weights: "spline.safetensors", picture: "spline.html" };
    await writeFile(join(staging, names.weights), saveSafetensors(compiled));
    const loaded = encoderOf(loadSafetensors(await readFile(join(staging, names.weights))));

    await step("running it in float64 and float32");
    const runs = [await compare(loaded, s, line, "float64")];
    await pause();
    runs.push(await compare(loaded, s, line, "float32"));
    const changed = differentBits(outputs(compiled, s.breakpoints), outputs(loaded, s.breakpoints));

    await step("running it on gpu.js");
    const gpu = await compareOnGpu(loaded, s, line);

    await step("reading the curve back from the weights");
    const { curve, ...found } = await readBack(loaded, s, line, pause);

    await step("smoothing it");
    const smoothing = await smoothings(loaded, knots, sharpnesses, found.noise, pause);

    const { config } = compiled;
    const { size, slope } = extentOf(s);
    const facts = {
      data: {
        title: series.title,
        label: series.label,
        ...(series.credit && { credit: `${series.credit.source}; ${series.credit.licence}` }),
        file: series.file,
        x: series.names.x,
        y: series.names.y,
        unit: series.unit,
        rows: series.x.length,
        from: series.x[0],
        to: series.x[series.x.length - 1],
      },
      spline: {
        knots,
        values,
        degrees: degreesOf(s),
        smoothness: s.smoothness({ at: "all" }),
        size,
        steepness: size > 0 ? (slope * (knots[knots.length - 1] - knots[0])) / size : 0,
        rms: rootMeanSquare(series, s),
      },
      network: {
        heads: config.heads,
        headWidth: config.headWidth,
        hidden: config.hidden,
        width: config.width,
        parameters: Object.values(parametersOf(compiled)).reduce((sum, { data: { length } }) => sum + length, 0),
        degree: degree(compiled).total,
      },
      runs,
      gpu,
      line,
      ...found,
      smoothing: smoothing.map(({ summary }) => summary),
      files: { weights: resolve(out, names.weights), picture: resolve(out, names.picture) },
    };
    const report: DemoReport = { ...facts, claims: claimsOf(facts, changed) };

    await step("drawing the picture");
    await writeFile(join(staging, names.picture), page(pictureOf(report, series, loaded, curve, smoothing)));
    signal?.throwIfAborted();
    return report;
  });
}

/** In float32 the network must hold the numbers and their products. */
function checkSize(name: string, numbers: readonly number[]): void {
  const largest = Math.max(...numbers.map(Math.abs));
  const fits = largest === 0 || (largest >= 1e-25 && largest <= 1e25);
  required(fits, "demo", `the largest |${name}| to be 0 or in [1e-25, 1e25], where float32 has room`, largest);
}

/** And the straight ends as far as they are compared. */
function checkTails(s: PiecewisePolynomial): void {
  const ends = [s.breakpoints[0], s.breakpoints[s.breakpoints.length - 1]] as const;
  const largest = Math.max(...s.evaluate(pointsFarOutside(...ends)).map(Math.abs));
  required(
    largest <= 1e36,
    "demo",
    "the spline 10¹² beyond its ends to be at most 1e36, where float32 has room",
    largest,
  );
}

async function seriesOf({ file, x, y }: { file: string; x: string; y: string }): Promise<Series> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new RangeError(`demo: expected a file that can be read, got ${show(file)} (${error.code})`);
  });
  return readSeries({ text, file, x, y });
}

/** From a year before the first knot to a year after the last; where x is no date, by the mean distance of knots. */
function lineAround(knots: readonly number[], unit: Series["unit"]): DemoReport["line"] {
  const [first, last] = [knots[0], knots[knots.length - 1]];
  const margin = unit === "year" ? 1 : (last - first) / (knots.length - 1);
  return { from: first - margin, to: last + margin };
}

/** A file says itself what it holds. */
function encoderOf(model: ReturnType<typeof loadSafetensors>): Encoder {
  if (model.config.kind !== "encoder")
    throw new RangeError(`demo: expected an encoder, got ${show(model.config.kind)}`);
  return model as Encoder;
}

function rootMeanSquare({ x, y }: Series, s: PiecewisePolynomial): number {
  const fitted = s.evaluate(x);
  return Math.sqrt(y.reduce((sum, value, i) => sum + (value - fitted[i]) ** 2, 0) / y.length);
}

/** Of every piece, the two tails first and last: the last Chebyshev coefficient above 2⁻⁴⁰ of the piece's size. */
function degreesOf({ degree, chebyshevCoefficients, tails }: PiecewisePolynomial): number[] {
  const pieces = Array.from({ length: chebyshevCoefficients.length / (degree + 1) }, (_, i) => {
    const c = chebyshevCoefficients.subarray(i * (degree + 1), (i + 1) * (degree + 1)).map(Math.abs);
    const size = c.reduce((a, b) => a + b, 0);
    return Math.max(
      0,
      c.findLastIndex((value) => value > 2 ** -40 * size),
    );
  });
  const [left, right] = [tails?.left, tails?.right].map((tail = []) =>
    Math.max(
      0,
      tail.findLastIndex((c) => c !== 0),
    ),
  );
  return [left, ...pieces, right];
}

const differentBits = (a: Float64Array, b: Float64Array): number =>
  a.filter((value, i) => !Object.is(value, b[i])).length;
